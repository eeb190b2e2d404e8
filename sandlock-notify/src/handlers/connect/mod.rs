//! connect(2) where Landlock does not see unix sockets by path (before ABI 9): every connect is performed on behalf.
//!
//! Letting the kernel run the ones that need no judgement is no choice: between the look and the run another thread can put a unix socket
//! under the number of a TCP socket, or a path where a port was. So the socket is duplicated, the address copied, and the two are what is used.

pub mod model;

use sandlock_sys::fs::{self, FileType, OFlags};
use sandlock_sys::poll::{Events, PollFd};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Result, net, nr};

use crate::call::Call;
use crate::dispatch::{Handler, Verdict};
use crate::notification::{Response, Why};
use crate::place;
use crate::ports::Ports;
use crate::proc;
use crate::target::{Target, read_array, read_exact};
use model::{Destination, LONGEST};

/// How many connects can be under way at once.
const PENDING: usize = 64;

/// Who decides about a connect.
#[derive(Debug)]
pub enum Judge<'p> {
    /// Landlock sees every kind.
    Landlock,
    /// We do.
    Rules {
        /// The TCP ports that Landlock lets the sandbox connect to.
        ports: Ports<'p>,
        /// Real paths: a socket at or below one of these may be connected to.
        sockets: &'p [&'p [u8]],
        /// Whether this thread is in a Landlock domain that scopes abstract sockets to the sandbox: then the kernel judges them.
        scoped: bool,
    },
}

/// A connect that the kernel has not finished.
#[derive(Debug)]
struct Pending {
    id: u64,
    socket: OwnedFd,
    address: [u8; LONGEST],
    len: usize,
    /// The unix socket file that `address` names by our descriptor's number.
    _file: Option<OwnedFd>,
}

/// The rules, and the calls under way.
#[derive(Debug)]
pub struct Connect<'p> {
    judge: Judge<'p>,
    pending: [Option<Pending>; PENDING],
}

impl<'p> Connect<'p> {
    /// Nothing under way.
    #[must_use]
    pub const fn new(judge: Judge<'p>) -> Self {
        Self { judge, pending: [const { None }; PENDING] }
    }
}

impl Handler for Connect<'_> {
    fn handle(&mut self, call: &Call<'_>) -> Result<Verdict> {
        match call.nr() {
            nr::CONNECT => {}
            nr::IOCTL => return set_blocking(call),
            // fcntl, and fcntl64 where there is one.
            _ => return set_flags(call),
        }
        let Judge::Rules { ports, sockets, scoped } = &self.judge else {
            return Ok(Verdict::Reply(Response::Continue(Why::KernelDecides)));
        };
        let waiting =
            self.pending.iter_mut().find_map(|slot| slot.take_if(|pending| pending.id == call.id()));
        let pending = match waiting {
            Some(pending) => pending,
            None => {
                let socket = call.target().descriptor(call.int(0))?;
                let domain = net::option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN)?;
                let mut address = [0; LONGEST];
                let len = usize::try_from(call.int(2)).map_err(|_| Errno::EINVAL)?;
                let given = address.get_mut(..len).ok_or(Errno::EINVAL)?;
                read_exact(call.target(), call.addr(1), given)?;
                let mut file = None;
                let exact = match model::parse(domain, given)? {
                    Destination::Nowhere => given.len(),
                    Destination::Port(port, _) if !ports.contains(port) => return Err(Errno::EACCES),
                    Destination::Port(_, exact) => exact.len(),
                    Destination::Abstract(_) if !scoped => return Err(Errno::EPERM),
                    Destination::Abstract(exact) => exact.len(),
                    Destination::Path(path) => {
                        let found = pin(call.target(), path)?;
                        if !place::is_granted(found.as_fd(), sockets)? {
                            return Err(Errno::EACCES);
                        }
                        let len = name_of(found.as_fd(), &mut address)?;
                        file = Some(found);
                        len
                    }
                };
                Pending { id: call.id(), socket, address, len: exact, _file: file }
            }
        };
        self.advance(pending)
    }

    fn forget(&mut self, id: u64) {
        for slot in &mut self.pending {
            drop(slot.take_if(|pending| pending.id == id));
        }
    }
}

impl Connect<'_> {
    /// Connects, or goes on connecting, without ever blocking: calling connect again is how its end is learned.
    fn advance(&mut self, pending: Pending) -> Result<Verdict> {
        let address = pending.address.get(..pending.len).ok_or(Errno::EINVAL)?;
        let (blocking, result) = connect_now(pending.socket.as_fd(), address)?;
        match result {
            Ok(()) => Ok(Verdict::Reply(Response::Return(0))),
            // EAGAIN: the backlog of a unix socket is full, and nothing tells when it no longer is.
            Err(Errno::EINPROGRESS | Errno::EALREADY | Errno::EAGAIN) if blocking => {
                let row = match result {
                    Err(Errno::EAGAIN) => PollFd::NONE,
                    _ => PollFd::new(pending.socket.as_fd(), Events::OUT),
                };
                let slot = self.pending.iter_mut().find(|slot| slot.is_none()).ok_or(Errno::EAGAIN)?;
                *slot = Some(pending);
                Ok(Verdict::Keep(row))
            }
            Err(errno) => Err(errno),
        }
    }
}

/// `fcntl(F_SETFL)`, performed here: so it never happens between the two halves of [`connect_now`], and nothing can make that block.
fn set_flags(call: &Call<'_>) -> Result<Verdict> {
    let file = call.target().descriptor(call.int(0))?;
    fs::set_status_flags(file.as_fd(), OFlags::from_bits_retain(call.int(2)))?;
    Ok(Verdict::Reply(Response::Return(0)))
}

/// `ioctl(FIONBIO)`, the other way to say the same.
fn set_blocking(call: &Call<'_>) -> Result<Verdict> {
    let file = call.target().descriptor(call.int(0))?;
    let nonblocking = i32::from_ne_bytes(read_array(call.target(), call.addr(2))?) != 0;
    let mut flags = fs::status_flags(file.as_fd())?;
    flags.set(OFlags::NONBLOCK, nonblocking);
    fs::set_status_flags(file.as_fd(), flags)?;
    Ok(Verdict::Reply(Response::Return(0)))
}

/// One step that does not block: whether the target's own call would have, and what came of it.
fn connect_now(socket: BorrowedFd<'_>, address: &[u8]) -> Result<(bool, Result<()>)> {
    let flags = fs::status_flags(socket)?;
    let blocking = !flags.contains(OFlags::NONBLOCK);
    if blocking {
        // The flag is the open socket's, so the target's too; it comes off before the target goes on.
        fs::set_status_flags(socket, flags.union(OFlags::NONBLOCK))?;
    }
    let mut result = net::connect(socket, address);
    if blocking && result == Err(Errno::EINPROGRESS) {
        // Of one on this machine the end is known at once, and only the socket's lock kept the kernel from telling.
        result = net::connect(socket, address);
    }
    if blocking {
        fs::set_status_flags(socket, flags)?;
    }
    Ok((blocking, result))
}

/// The socket file that `path` leads to from where the target stands, pinned.
fn pin(target: &dyn Target, path: &[u8]) -> Result<OwnedFd> {
    let mut buffer = [0; LONGEST];
    let path = place::terminated(path, &mut buffer)?;
    let file = place::pin(target, libc::AT_FDCWD, path, true)?;
    match fs::file_type(file.as_fd())? {
        (FileType::Socket, _) => Ok(file),
        _ => Err(Errno::ECONNREFUSED),
    }
}

/// Writes a `sockaddr_un` that names the pinned file by our own descriptor; returns its length.
fn name_of(file: BorrowedFd<'_>, address: &mut [u8; LONGEST]) -> Result<usize> {
    let mut link = [0; 40];
    let link = proc::own_fd_path(file, &mut link)?.to_bytes_with_nul();
    let len = link.len().checked_add(2).ok_or(Errno::EINVAL)?;
    let family = u16::try_from(libc::AF_UNIX).map_err(|_| Errno::EINVAL)?.to_ne_bytes();
    *address = [0; LONGEST];
    address.get_mut(..2).ok_or(Errno::EINVAL)?.copy_from_slice(&family);
    address.get_mut(2..len).ok_or(Errno::EINVAL)?.copy_from_slice(link);
    Ok(len)
}
