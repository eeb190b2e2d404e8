//! connect(2) where Landlock does not see unix sockets by path (before ABI 9), and where the policy has rules
//! of addresses: every connect is performed on behalf.
//!
//! Letting the kernel run the ones that need no judgement is no choice: between the look and the run another
//! thread can put a unix socket under the number of a TCP socket, or a path where a port was. So the socket
//! is duplicated, the address copied, and the call made with these two.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | connect(2) to a port or an abstract name | the supervisor as the peer of a unix socket (`SO_PEERCRED`) | the other end: not with `O_NONBLOCK`, or a send timeout of one tick |
//! | connect(2) to a path | the same | the file system: a worker performs it |
//! | setsockopt(2), `SO_LINGER`, `SO_SNDTIMEO`, `SO_BINDTODEVICE` | no process | the lock of the socket, held while the kernel works on that socket for its target |

pub mod model;

use sandlock_sys::fs::{self, FileType, OFlags};
use sandlock_sys::net::{self, Linger, SO_SNDTIMEO, SO_SNDTIMEO_NEW, Timeout};
use sandlock_sys::nr::Name;
use sandlock_sys::poll::Events;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, time};

use crate::args::{ConnectArgs, SetOptionArgs};
use crate::call::Call;
use crate::dispatch::Handler;
use crate::egress::Egress;
use crate::paths::{self, PATH_MAX};
use crate::proc;
use crate::target::{Socket, Target, read_array, read_exact};
use crate::verdict::{ContinueReason, Response, Until, Verdict, Wait};
use crate::work::{Desk, Job, Place};
use model::{Destination, LONGEST};

/// `SO_BINDTOIFINDEX`, `IFNAMSIZ`
const SO_BINDTOIFINDEX: i32 = 62;
const IFNAMSIZ: usize = 16;

/// Who decides about a connect.
#[derive(Debug)]
pub enum Judge<'p> {
    /// Landlock sees every kind.
    Landlock,
    /// This handler does.
    Rules {
        /// The machines and ports that the sandbox may reach by TCP.
        egress: &'p Egress<'p>,
        /// Whether this thread is in a Landlock domain that scopes abstract sockets to the sandbox: then the
        /// kernel judges them.
        scoped: bool,
    },
}

/// connect(2), and the socket options that could make the supervisor wait, or lead a connection elsewhere.
#[derive(Debug)]
pub struct Connect<'p> {
    judge: Judge<'p>,
    /// Whether a socket of the target's may have a send timeout. Only this handler sets one.
    timeouts: bool,
}

impl<'p> Connect<'p> {
    /// No socket has a send timeout yet.
    #[must_use]
    pub const fn new(judge: Judge<'p>) -> Self {
        Self { judge, timeouts: false }
    }
}

impl Handler for Connect<'_> {
    fn handle(&mut self, call: &Call<'_>, desk: &mut Desk<'_, '_>) -> Result<Verdict> {
        if call.name() == Some(Name::setsockopt) {
            return self.set_option(call);
        }
        let Judge::Rules { egress, scoped } = &self.judge else {
            return Ok(Verdict::Reply(Response::Continue(ContinueReason::KernelDecides)));
        };
        let args = ConnectArgs::of(call);
        let (socket, domain) = Socket::open(call.target(), args.fd)?;
        // Such a socket cannot send (`handlers::netlink`): the program falls back at once.
        if domain == libc::AF_UNIX && socket.is_datagram()? {
            return Err(Errno::EACCES);
        }
        let mut address = [0; LONGEST];
        let len = usize::try_from(args.len).map_err(|_| Errno::EINVAL)?;
        let given = address.get_mut(..len).ok_or(Errno::EINVAL)?;
        read_exact(call.target(), args.addr, given)?;
        model::settle_any(domain, given);
        let exact = match model::parse(domain, given)? {
            Destination::Nowhere => given,
            Destination::Internet(address, port, exact) => {
                // A datagram socket sends nothing, but its own address then is that of the way out.
                match socket.is_datagram()? {
                    true if egress.is_reachable(&address) => {}
                    true => return Err(Errno::ENETUNREACH),
                    false if egress.allows(&address, port, time::monotonic()) => {}
                    false => return Err(Errno::EACCES),
                }
                exact
            }
            Destination::Abstract(_) if !scoped => return Err(Errno::EPERM),
            Destination::Abstract(exact) => exact,
            Destination::Path(path) => {
                let Some(job) = desk.job() else { return Ok(Verdict::Defer(Wait::WORKER)) };
                job.set_path(path)?;
                job.place = Place::Path { from_file: false, follow: true };
                job.file = socket.into_file();
                return Ok(job.then(connect_to_path));
            }
        };
        let kept = if self.timeouts { net::timeout(socket.as_fd(), SO_SNDTIMEO)? } else { Timeout::NONE };
        let pending = connect(socket.as_fd(), exact, kept)?;
        let until = match pending {
            Some(Errno::EINPROGRESS) => {
                socket.into_file().map_or(Until::Later, |file| Until::Event(file, Events::OUT))
            }
            _ => Until::Later,
        };
        Ok(verdict(pending, until, kept))
    }
}

impl Connect<'_> {
    /// `SO_LINGER` and `SO_SNDTIMEO`: performed here, so that none changes while a connect is under way or a
    /// duplicate is closed. And the options that bind to a device.
    fn set_option(&mut self, call: &Call<'_>) -> Result<Verdict> {
        let args = SetOptionArgs::of(call);
        let target = call.target();
        let (socket, _) = Socket::open(target, args.fd)?;
        let len = usize::try_from(args.len).map_err(|_| Errno::EINVAL)?;
        let narrow = call.has_narrow_longs() && args.name == SO_SNDTIMEO;
        let size = if args.name == libc::SO_LINGER || narrow { 8 } else { 16 };
        match args.name {
            _ if args.level != libc::SOL_SOCKET => return Err(Errno::ENOPROTOOPT),
            libc::SO_BINDTODEVICE | SO_BINDTOIFINDEX => bind_to_device(&socket, &args, target)?,
            _ if len < size => return Err(Errno::EINVAL),
            libc::SO_LINGER => {
                let linger = Linger::from_bytes(read_array(target, args.value)?);
                if linger.waits() {
                    target.sockets_linger();
                }
                net::set_linger(socket.as_fd(), linger)?;
            }
            SO_SNDTIMEO if narrow => {
                self.timeouts = true;
                let timeout = Timeout::from_narrow(read_array(target, args.value)?);
                net::set_send_timeout(socket.as_fd(), timeout)?;
            }
            name @ (SO_SNDTIMEO | SO_SNDTIMEO_NEW) => {
                self.timeouts = true;
                let timeout: [u8; 16] = read_array(target, args.value)?;
                net::set_option(socket.as_fd(), libc::SOL_SOCKET, name, &timeout)?;
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(Verdict::Reply(Response::Return(0)))
    }
}

/// `SO_BINDTODEVICE` by name, `SO_BINDTOIFINDEX` by number: to no device or to `lo`, which is the only one in
/// the sandbox's view. By another one, packets for a granted address would leave elsewhere.
fn bind_to_device(socket: &Socket<'_>, args: &SetOptionArgs, target: &dyn Target) -> Result<()> {
    let mut bytes = [0; IFNAMSIZ];
    let len = usize::try_from(args.len).map_err(|_| Errno::EINVAL)?.min(IFNAMSIZ);
    let given = bytes.get_mut(..len).ok_or(Errno::EINVAL)?;
    read_exact(target, args.value, given)?;
    let name: &[u8] = match (args.name, given.split(|byte| *byte == 0).next().unwrap_or_default()) {
        (libc::SO_BINDTODEVICE, name @ (b"" | b"lo")) => name,
        (SO_BINDTOIFINDEX, _) if given.first_chunk() == Some(&0i32.to_ne_bytes()) => b"",
        (SO_BINDTOIFINDEX, _) if given.first_chunk() == Some(&1i32.to_ne_bytes()) => b"lo",
        _ => return Err(Errno::ENODEV),
    };
    net::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name)
}

/// Connects, or goes on connecting, without waiting: calling connect again is how its end is learned. `kept`
/// is the socket's send timeout. Returns the error of a timeout if the target's own call would have waited:
/// `EAGAIN` of a unix socket with a full backlog, of which nothing reports when it no longer is full, and
/// `EINPROGRESS` of any other.
///
/// Two things keep it from waiting, and both are undone at once, for they are the target's too. `O_NONBLOCK`
/// is the one that works; but another thread of the target can take it away in between (`F_SETFL`,
/// `FIONBIO`), and then the send timeout ends the wait after a tick.
fn connect(socket: BorrowedFd<'_>, address: &[u8], kept: Timeout) -> Result<Option<Errno>> {
    let blocking = !fs::status_flags(socket)?.contains(OFlags::NONBLOCK);
    net::set_send_timeout(socket, Timeout::SHORTEST)?;
    if blocking {
        fs::set_nonblocking(socket, true)?;
    }
    let mut result = net::connect(socket, address);
    if blocking && result == Err(Errno::EINPROGRESS) {
        // Of one on this machine the end is known at once, and only the socket's lock kept the kernel from
        // telling.
        result = net::connect(socket, address);
    }
    if blocking {
        fs::set_nonblocking(socket, false)?;
    }
    net::set_send_timeout(socket, kept)?;
    match result {
        Err(Errno::EINPROGRESS | Errno::EALREADY) if blocking => Ok(Some(Errno::EINPROGRESS)),
        Err(Errno::EAGAIN) if blocking => Ok(Some(Errno::EAGAIN)),
        done => done.map(|()| None),
    }
}

/// The answer to a connect that succeeded, or that must wait and is then to fail with this error.
fn verdict(pending: Option<Errno>, until: Until, kept: Timeout) -> Verdict {
    let Some(errno) = pending else { return Verdict::Reply(Response::Return(0)) };
    Verdict::Defer(Wait { until, limit: kept.duration().map(|limit| (limit, errno)) })
}

/// A worker's part: connects the socket on the desk to the unix socket at the path on the desk.
fn connect_to_path(job: &mut Job<'_>) -> Result<Verdict> {
    let socket = job.file.as_ref().ok_or(Errno::EBADF)?.as_fd();
    let file = job.pin()?.ok_or(Errno::EBADF)?;
    if fs::info(file.as_fd())?.kind != FileType::Socket {
        return Err(Errno::ECONNREFUSED);
    }
    let mut path = [0; PATH_MAX];
    if !paths::is_below_any(paths::real_path(file.as_fd(), &mut path)?, job.context.writable) {
        return Err(Errno::EACCES);
    }
    let mut address = [0; LONGEST];
    let len = name_of(file.as_fd(), &mut address)?;
    let kept = net::timeout(socket, SO_SNDTIMEO)?;
    let pending = connect(socket, address.get(..len).ok_or(Errno::EINVAL)?, kept)?;
    Ok(verdict(pending, Until::Later, kept))
}

/// Writes a `sockaddr_un` that names the pinned file by our own descriptor; returns its length.
fn name_of(file: BorrowedFd<'_>, address: &mut [u8; LONGEST]) -> Result<usize> {
    let mut link = [0; 40];
    let link = proc::own_fd_path(file, &mut link)?.to_bytes_with_nul();
    let len = link.len().checked_add(2).ok_or(Errno::EINVAL)?;
    let family = u16::try_from(libc::AF_UNIX).map_err(|_| Errno::EINVAL)?.to_ne_bytes();
    address.get_mut(..2).ok_or(Errno::EINVAL)?.copy_from_slice(&family);
    address.get_mut(2..len).ok_or(Errno::EINVAL)?.copy_from_slice(link);
    Ok(len)
}
