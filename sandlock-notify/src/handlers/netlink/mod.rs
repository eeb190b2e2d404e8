//! Emulated `AF_NETLINK` sockets: the guest holds one end of a connected unix pair, and every datagram it sends is answered at the other.
//!
//! The pair is made by way of an abstract name whose bytes, read as a `struct sockaddr_nl`, say port 0 and groups 0: so what the guest
//! receives carries the kernel's source address, and recv, send, close, poll and dup need no trap.

pub mod model;
mod pair;

use sandlock_netlink::{NativeEndian, REPLY_MAX, Socket, SocketOptions, View, respond};
use sandlock_sys::poll::{Events, PollFd};
use sandlock_sys::{AsFd, Errno, OwnedFd, Result, net, nr};

use crate::call::Call;
use crate::dispatch::{Handler, Verdict};
use crate::notification::{Response, Why};
use crate::proc;
use crate::target::{Target, UserAddr, read_array};
use model::{NAME_LEN, SOL_NETLINK, State};

/// How many emulated sockets there can be at once.
pub const SOCKETS: usize = 64;
/// The longest request that is answered; real ones are under 200 bytes. A longer one is dropped, as the kernel drops what is no message.
const REQUEST_MAX: usize = 8192;
/// The one request that is answered before send returns: musl's, which then reads with `MSG_DONTWAIT`.
const MUSL_REQUEST: usize = 20;

/// Our end of one socket, and what is known of the guest's.
#[derive(Debug)]
struct End {
    ours: OwnedFd,
    /// `SO_COOKIE` of the guest's end: dup, fork, exec and `SCM_RIGHTS` do not change it.
    cookie: u64,
    state: State,
}

/// All emulated sockets of one sandbox.
#[derive(Debug)]
pub struct Netlink {
    ends: [Option<End>; SOCKETS],
    /// Where the next abstract name starts its search for a free byte.
    next: u8,
}

impl Default for Netlink {
    fn default() -> Self {
        Self::new()
    }
}

impl Handler for Netlink {
    fn handle(&mut self, call: &Call<'_>) -> Result<Verdict> {
        if call.nr() == nr::SOCKET {
            return self.create(call).map(Verdict::Reply);
        }
        let Some(index) = self.find(call)? else {
            // Whatever it is, it is not ours: connect has another handler, and of the others the kernel's rules and Landlock decide.
            return Ok(match call.nr() {
                nr::CONNECT => Verdict::Pass,
                _ => Verdict::Reply(Response::Continue(Why::KernelDecides)),
            });
        };
        let value = match call.nr() {
            nr::BIND => self.bind(index, call)?,
            nr::CONNECT => self.connect(index, call)?,
            nr::GETSOCKNAME => put_name(call, &self.state(index)?.name())?,
            // The other end is the kernel: port 0.
            nr::GETPEERNAME => put_name(call, &model::name(0, 0))?,
            nr::SETSOCKOPT => self.set_option(index, call)?,
            nr::GETSOCKOPT => self.option(index, call)?,
            nr::SENDTO => self.send(index, call)?,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        Ok(Verdict::Reply(Response::Return(value)))
    }
}

impl Netlink {
    /// No socket yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { ends: [const { None }; SOCKETS], next: 0 }
    }

    /// What to poll for, in the order of [`serve`](Self::serve)'s index.
    pub fn rows(&self) -> impl Iterator<Item = PollFd> {
        self.ends
            .iter()
            .map(|end| end.as_ref().map_or(PollFd::NONE, |end| PollFd::new(end.ours.as_fd(), Events::IN)))
    }

    /// Takes one datagram out of a socket that has something and answers it, or closes it when the guest has.
    pub fn serve(&mut self, index: usize) {
        let Some(slot) = self.ends.get_mut(index) else { return };
        let Some(end) = slot else { return };
        let mut request = [0; REQUEST_MAX];
        match net::recv(end.ours.as_fd(), &mut request, libc::MSG_DONTWAIT | libc::MSG_TRUNC) {
            Ok(len @ 1..) => {
                if let Some(request) = request.get(..len) {
                    self.answer(index, None, request);
                }
            }
            // An empty datagram reads like the end; poll says which it is, next time round.
            Ok(0) if !is_closed(&end.ours) => {}
            Err(Errno::EAGAIN) => {}
            _ => *slot = None,
        }
    }

    /// The answer goes into the guest's queue. If that is full the guest does not read, and loses it, as it would the kernel's.
    fn answer(&mut self, index: usize, process: Option<i32>, request: &[u8]) {
        self.autobind(index, process);
        let Some(Some(end)) = self.ends.get(index) else { return };
        let mut socket = Socket::new(end.state.port);
        socket.options.set(SocketOptions::CAP_ACK, end.state.option(model::CAP_ACK) == Ok(true));
        let mut scratch = [0; REPLY_MAX];
        respond::<NativeEndian>(&View::LOOPBACK, &socket, request, &mut scratch, &mut |datagram| {
            let _ = net::send(end.ours.as_fd(), datagram, libc::MSG_DONTWAIT);
        });
    }

    fn create(&mut self, call: &Call<'_>) -> Result<Response> {
        let kind = call.int(1);
        let slot = self.ends.iter_mut().find(|end| end.is_none()).ok_or(Errno::ENOBUFS)?;
        let (ours, guest) = pair::make(&mut self.next, kind & libc::SOCK_NONBLOCK != 0)?;
        let cookie = net::cookie(guest.as_fd())?;
        *slot = Some(End { ours, cookie, state: State::new(kind & 0xf) });
        Ok(Response::Fd { fd: guest, cloexec: kind & libc::SOCK_CLOEXEC != 0 })
    }

    /// Which of ours the call's descriptor is.
    fn find(&self, call: &Call<'_>) -> Result<Option<usize>> {
        if self.ends.iter().all(Option::is_none) {
            return Ok(None);
        }
        let fd = call.target().descriptor(call.int(0))?;
        // Not a socket at all: the kernel will say so.
        let Ok(cookie) = net::cookie(fd.as_fd()) else { return Ok(None) };
        Ok(self.ends.iter().position(|end| end.as_ref().is_some_and(|end| end.cookie == cookie)))
    }

    fn state(&mut self, index: usize) -> Result<&mut State> {
        self.ends.get_mut(index).and_then(Option::as_mut).map(|end| &mut end.state).ok_or(Errno::EBADF)
    }

    fn in_use(&self, port: u32) -> bool {
        self.ends.iter().flatten().any(|end| end.state.port == port)
    }

    fn autobind(&mut self, index: usize, process: Option<i32>) {
        let port = model::free_port(process.unwrap_or(0), |port| self.in_use(port));
        if let Ok(state) = self.state(index)
            && state.port == 0
        {
            state.port = port;
        }
    }

    fn bind(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let (port, groups) = take_name(call)?;
        let bound = self.state(index)?.port;
        match port {
            0 => self.autobind(index, process_of(call.target())),
            // The kernel takes a second bind to the same port and refuses any other.
            port if bound == port => {}
            _ if bound != 0 => return Err(Errno::EINVAL),
            port if self.in_use(port) => return Err(Errno::EADDRINUSE),
            port => self.state(index)?.port = port,
        }
        self.state(index)?.groups = groups;
        Ok(0)
    }

    /// To the kernel, or to nobody: both are where its datagrams go anyway.
    fn connect(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        match take_name(call) {
            Ok((0, _)) => {
                self.autobind(index, process_of(call.target()));
                Ok(0)
            }
            // Another process's port: EPERM, as for any caller without CAP_NET_ADMIN.
            Ok(_) => Err(Errno::EPERM),
            Err(errno) => match read_array::<2>(call.target(), call.addr(1))? {
                [0, 0] => Ok(0),
                _ => Err(errno),
            },
        }
    }

    fn set_option(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        if call.int(1) != SOL_NETLINK {
            return Err(Errno::ENOPROTOOPT);
        }
        if call.int(4) < 4 {
            return Err(Errno::EINVAL);
        }
        let on = i32::from_ne_bytes(read_array(call.target(), call.addr(3))?) != 0;
        self.state(index)?.set_option(call.int(2), on)?;
        Ok(0)
    }

    fn option(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let state = *self.state(index)?;
        let value = match (call.int(1), call.int(2)) {
            (SOL_NETLINK, name) => i32::from(state.option(name)?),
            (libc::SOL_SOCKET, libc::SO_DOMAIN) => libc::AF_NETLINK,
            (libc::SOL_SOCKET, libc::SO_TYPE) => state.kind,
            // NETLINK_ROUTE
            (libc::SOL_SOCKET, libc::SO_PROTOCOL) => 0,
            _ => return Err(Errno::ENOPROTOOPT),
        };
        put(call.target(), call.addr(3), call.addr(4), &value.to_ne_bytes(), true)
    }

    fn send(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let request: [u8; MUSL_REQUEST] = read_array(call.target(), call.addr(1))?;
        self.answer(index, process_of(call.target()), &request);
        i64::try_from(MUSL_REQUEST).map_err(|_| Errno::EINVAL)
    }
}

/// The process that asks, for its port; without one the kernel's range serves.
fn process_of(target: &dyn Target) -> Option<i32> {
    proc::thread_group(target.tid()).ok()
}

/// Whether the other end is gone, or will never write again.
fn is_closed(end: &OwnedFd) -> bool {
    let mut row = [PollFd::new(end.as_fd(), Events::RDHUP)];
    let found = sandlock_sys::poll::ppoll(&mut row, Some(core::time::Duration::ZERO));
    let [row] = row;
    found.is_err() || row.found().intersects(Events::HUP.union(Events::ERR).union(Events::RDHUP))
}

/// Reads the address of bind or connect: registers 1 and 2.
fn take_name(call: &Call<'_>) -> Result<(u32, u32)> {
    // The kernel refuses what is longer than any address, and reads no more of a sockaddr_nl than its size.
    match usize::try_from(call.int(2)) {
        Ok(NAME_LEN..=128) => model::parse_name(&read_array::<NAME_LEN>(call.target(), call.addr(1))?),
        _ => Err(Errno::EINVAL),
    }
}

/// Writes the answer of getsockname or getpeername: registers 1 and 2.
fn put_name(call: &Call<'_>, name: &[u8]) -> Result<i64> {
    put(call.target(), call.addr(1), call.addr(2), name, false)
}

/// Writes as much of `bytes` as the target has room for, and how long they are (or, with `clamp`, how much was written).
fn put(target: &dyn Target, to: UserAddr, len_at: UserAddr, bytes: &[u8], clamp: bool) -> Result<i64> {
    let room = i32::from_ne_bytes(read_array(target, len_at)?);
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    let some = bytes.get(..room).unwrap_or(bytes);
    target.write(to, some)?;
    let len = if clamp { some.len() } else { bytes.len() };
    let len = i32::try_from(len).map_err(|_| Errno::EINVAL)?;
    target.write(len_at, &len.to_ne_bytes())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::Image;

    fn put_into(room: i32, clamp: bool) -> (Result<i64>, std::vec::Vec<u8>) {
        let mut bytes = room.to_ne_bytes().to_vec();
        bytes.extend([0xee; 16]);
        let image = Image::new(&bytes);
        let result = put(&image, UserAddr(Image::BASE + 4), UserAddr(Image::BASE), &model::name(7, 0), clamp);
        (result, image.0.into_inner())
    }

    #[test]
    fn no_byte_is_written_beyond_the_room() {
        for (room, written, said) in [(12, 12, 12), (112, 12, 12), (5, 5, 12), (0, 0, 12)] {
            let (result, bytes) = put_into(room, false);
            assert_eq!(result, Ok(0));
            assert_eq!(bytes[4..4 + written], model::name(7, 0)[..written]);
            assert!(bytes[4 + written..].iter().all(|byte| *byte == 0xee), "room {room}");
            assert_eq!(bytes[..4], i32::to_ne_bytes(said));
        }
        assert_eq!(put_into(-1, false).0, Err(Errno::EINVAL));
        assert_eq!(put_into(3, true).1[..4], 3i32.to_ne_bytes());
    }

    #[test]
    fn a_call_on_no_emulated_socket_is_left_to_the_kernel() {
        let data = sandlock_sys::seccomp::Data { nr: nr::BIND.cast_signed(), ..Default::default() };
        let image = Image::default();
        let verdict = Netlink::new().handle(&Call::new(1, &data, &image));
        assert!(matches!(verdict, Ok(Verdict::Reply(Response::Continue(Why::KernelDecides)))));
    }
}
