//! Emulated `AF_NETLINK` sockets: the guest holds one end of a connected unix pair, and every datagram it sends is answered at the other.
//!
//! The pair is made by way of an abstract name whose bytes, read as a `struct sockaddr_nl`, say port 0 and groups 0: so what the guest
//! receives carries the kernel's source address, and recv, send, close, poll and dup need no trap. The model, without a system call, is
//! `sandlock_netlink`.

mod pair;

use sandlock_netlink::{
    ErrnoTable, IntoBytes, NativeEndian, Protocol, REPLY_MAX, Socket, SocketName, answer, resume,
};
use sandlock_sys::poll::{Events, PollFd};
use sandlock_sys::{AsFd, Errno, OwnedFd, Result, net, nr, process};

use crate::call::Call;
use crate::dispatch::{Handler, Verdict};
use crate::handlers::VIEW;
use crate::notification::{Response, Why};
use crate::proc;
use crate::target::{Target, UserAddr, read_array, read_exact};

/// How many emulated sockets there can be at once.
pub const SOCKETS: usize = 64;
/// How much of a datagram is looked at; real requests are under 200 bytes. Of what is beyond it no message is executed, and of a message
/// that reaches there neither.
const REQUEST_MAX: usize = 8192;
/// The one request that is answered before send returns: musl's, which then reads with `MSG_DONTWAIT`.
const MUSL_REQUEST: usize = 20;
/// `size_of::<struct sockaddr_nl>()`
const NAME_LEN: usize = 12;

/// What gives a socket a name: what is asked for, the process, which ports are taken.
type Rename =
    fn(&mut Socket, &[u8], u32, &dyn Fn(u32) -> bool) -> core::result::Result<(), sandlock_netlink::Errno>;

const AUTOBIND: Rename = |socket, _, process, taken| {
    socket.autobind(process, taken);
    Ok(())
};

/// Our end of one socket, and what is known of the guest's.
#[derive(Debug)]
struct End {
    ours: OwnedFd,
    /// `SO_COOKIE` of the guest's end: dup, fork, exec and `SCM_RIGHTS` do not change it.
    cookie: u64,
    /// `SOCK_RAW` or `SOCK_DGRAM`.
    kind: i32,
    /// Who made it: whose ID is its port, if it never asks for one.
    process: u32,
    socket: Socket,
}

impl End {
    /// Answers a request. What the guest's queue has no room for is lost, as it is in the kernel's, but for a dump, which waits.
    fn answer(&mut self, request: &[u8]) {
        let mut scratch = [0; REPLY_MAX];
        let mut emit = |datagram: &[u8]| is_out(&self.ours, datagram);
        answer::<NativeEndian>(VIEW, &mut self.socket, request, &mut scratch, &mut emit);
        self.go_on();
    }

    /// Sends of a dump what there is room for. The kernel does so when its reader comes back; a reader that does not wait cannot be told
    /// from one that will not read, so it gets all at once.
    fn go_on(&mut self) {
        let mut scratch = [0; REPLY_MAX];
        let mut emit = |datagram: &[u8]| is_out(&self.ours, datagram);
        while resume::<NativeEndian>(VIEW, &mut self.socket, &mut scratch, &mut emit) {}
    }

    fn wanted(&self) -> Events {
        if self.socket.dump.is_some() { Events::IN.union(Events::OUT) } else { Events::IN }
    }
}

/// Sends a datagram, and tells whether it is out of our hands. It stays in them only for want of room: a guest that has shut its end down
/// for reading never makes any, and its end is always ready to be written to.
fn is_out(ours: &OwnedFd, datagram: &[u8]) -> bool {
    net::send(ours.as_fd(), datagram, libc::MSG_DONTWAIT) != Err(Errno::EAGAIN)
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
        match call.nr() {
            nr::SOCKET if call.int(0) == libc::AF_NETLINK => return self.create(call).map(Verdict::Reply),
            nr::SOCKET => return Ok(Verdict::Pass),
            _ => {}
        }
        let Some(index) = self.find(call)? else {
            // Whatever it is, it is not ours: connect has another handler, and of the others the kernel's rules and Landlock decide.
            return Ok(match call.nr() {
                nr::CONNECT => Verdict::Pass,
                _ => Verdict::Reply(Response::Continue(Why::KernelDecides)),
            });
        };
        let value = match call.nr() {
            nr::BIND => self.rename(index, Socket::bind::<NativeEndian>, call)?,
            nr::CONNECT => self.rename(index, Socket::connect::<NativeEndian>, call)?,
            nr::GETSOCKNAME => put_name(call, &self.end(index)?.socket.name())?,
            // The other end is the kernel: port 0.
            nr::GETPEERNAME => put_name(call, &SocketName::new(0, 0))?,
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
            .map(|end| end.as_ref().map_or(PollFd::NONE, |end| PollFd::new(end.ours.as_fd(), end.wanted())))
    }

    /// Takes one datagram out of a socket that has something and answers it, or closes it when the guest has.
    pub fn serve(&mut self, index: usize) {
        let Ok(end) = self.end(index) else { return };
        end.go_on();
        let process = end.process;
        let mut request = [0; REQUEST_MAX];
        match net::recv(end.ours.as_fd(), &mut request, libc::MSG_DONTWAIT) {
            Ok(len @ 1..) => {
                let _bound = self.name(index, AUTOBIND, &[], process);
                if let (Ok(end), Some(request)) = (self.end(index), request.get(..len)) {
                    end.answer(request);
                }
            }
            // An empty datagram reads like the end; poll says which it is, next time round.
            Ok(0) if !is_closed(&end.ours) => {}
            Err(Errno::EAGAIN) => {}
            _ => self.ends.iter_mut().skip(index).take(1).for_each(|end| *end = None),
        }
    }

    fn create(&mut self, call: &Call<'_>) -> Result<Response> {
        let kind = call.int(1);
        // `__sys_socket`, `netlink_create`: the flags, the type, the protocol.
        let known = 0xf | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        match kind & 0xf {
            11.. => return Err(Errno::EINVAL),
            _ if kind & !known != 0 => return Err(Errno::EINVAL),
            libc::SOCK_RAW | libc::SOCK_DGRAM => {}
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        }
        let protocol = Protocol::new(call.int(2)).map_err(native)?;
        let slot = self.ends.iter_mut().find(|end| end.is_none()).ok_or(Errno::ENOBUFS)?;
        let (ours, guest) = pair::make(&mut self.next, kind & libc::SOCK_NONBLOCK != 0)?;
        let cookie = net::cookie(guest.as_fd())?;
        // It is the guest's too: nobody in a sandbox changes it.
        let socket = Socket { uid: process::getuid(), ..Socket::of(protocol, 0) };
        *slot = Some(End { ours, cookie, kind: kind & 0xf, process: process_of(call.target()), socket });
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

    fn end(&mut self, index: usize) -> Result<&mut End> {
        self.ends.get_mut(index).and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// bind, connect.
    fn rename(&mut self, index: usize, rename: Rename, call: &Call<'_>) -> Result<i64> {
        let mut name = [0; NAME_LEN];
        self.name(index, rename, take_name(call, &mut name)?, process_of(call.target()))
    }

    /// Gives a socket a name, which its process has asked for or not.
    fn name(&mut self, index: usize, rename: Rename, name: &[u8], process: u32) -> Result<i64> {
        let mut socket = self.end(index)?.socket;
        let protocol = socket.protocol;
        let taken = |port| {
            // One that the guest has closed has given its port back, whether or not that was noticed yet.
            let has_it = |end: &&End| end.socket.protocol == protocol && end.socket.port == port;
            self.ends.iter().flatten().filter(has_it).any(|end| !is_closed(&end.ours))
        };
        rename(&mut socket, name, process, &taken).map_err(native)?;
        self.end(index)?.socket = socket;
        Ok(0)
    }

    fn set_option(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let value = match call.int(4) {
            ..0 => return Err(Errno::EINVAL),
            0..4 => 0,
            _ => u32::from_ne_bytes(read_array(call.target(), call.addr(3))?),
        };
        match call.int(1) {
            libc::SOL_NETLINK => self.end(index)?.socket.set_option(call.int(2), value).map_err(native)?,
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(0)
    }

    fn option(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let End { socket, kind, .. } = self.end(index)?;
        let room = take_room(call.target(), call.addr(4))?;
        let value = match (call.int(1), call.int(2)) {
            (libc::SOL_NETLINK, name) => {
                let (value, written, len) = socket.option::<NativeEndian>(name, room).map_err(native)?;
                return put(call, (3, 4), value.as_bytes().get(..written).unwrap_or_default(), len);
            }
            (libc::SOL_SOCKET, libc::SO_DOMAIN) => libc::AF_NETLINK,
            (libc::SOL_SOCKET, libc::SO_TYPE) => *kind,
            (libc::SOL_SOCKET, libc::SO_PROTOCOL) => socket.protocol.number(),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        let value = value.to_ne_bytes();
        let value = value.get(..room).unwrap_or(&value);
        put(call, (3, 4), value, value.len())
    }

    fn send(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let request: [u8; MUSL_REQUEST] = read_array(call.target(), call.addr(1))?;
        self.name(index, AUTOBIND, &[], process_of(call.target()))?;
        self.end(index)?.answer(&request);
        i64::try_from(MUSL_REQUEST).map_err(|_| Errno::EINVAL)
    }
}

/// An error under the number it has on this machine.
fn native(errno: sandlock_netlink::Errno) -> Errno {
    Errno::new(ErrnoTable::NATIVE.number(errno))
}

/// The process that asks, for its port; without one, 0, the kernel's range serves.
fn process_of(target: &dyn Target) -> u32 {
    proc::thread_group(target.tid()).map_or(0, i32::cast_unsigned)
}

/// Whether the other end is gone, or will never write again.
fn is_closed(end: &OwnedFd) -> bool {
    let mut row = [PollFd::new(end.as_fd(), Events::RDHUP)];
    let found = sandlock_sys::poll::ppoll(&mut row, Some(core::time::Duration::ZERO));
    let [row] = row;
    found.is_err() || row.found().intersects(Events::HUP.union(Events::ERR).union(Events::RDHUP))
}

/// Reads the address of bind or connect, registers 1 and 2: as much of it as a `sockaddr_nl` has.
fn take_name<'b>(call: &Call<'_>, buffer: &'b mut [u8; NAME_LEN]) -> Result<&'b [u8]> {
    // The kernel refuses what is longer than any address.
    let len = usize::try_from(call.int(2)).ok().filter(|len| *len <= 128).ok_or(Errno::EINVAL)?;
    let name = buffer.get_mut(..len.min(NAME_LEN)).unwrap_or_default();
    read_exact(call.target(), call.addr(1), name)?;
    Ok(name)
}

/// Writes the answer of getsockname or getpeername: registers 1 and 2.
fn put_name(call: &Call<'_>, name: &SocketName) -> Result<i64> {
    let (room, name) = (take_room(call.target(), call.addr(2))?, name.as_bytes());
    put(call, (1, 2), name.get(..room).unwrap_or(name), name.len())
}

/// How much the target has room for, where it then is told how much there was.
fn take_room(target: &dyn Target, at: UserAddr) -> Result<usize> {
    usize::try_from(i32::from_ne_bytes(read_array(target, at)?)).map_err(|_| Errno::EINVAL)
}

/// Writes an answer, and how long it is, to where two registers point.
fn put(call: &Call<'_>, (to, len_at): (usize, usize), bytes: &[u8], len: usize) -> Result<i64> {
    let len = i32::try_from(len).map_err(|_| Errno::EINVAL)?.to_ne_bytes();
    call.target().write_both([(call.addr(to), bytes), (call.addr(len_at), &len)])?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::Image;
    use sandlock_sys::seccomp::Data;
    use std::vec::Vec;

    /// The length at the beginning, and 16 bytes for what is written.
    fn with_room(room: i32) -> Image {
        Image::new(&[&room.to_ne_bytes()[..], &[0xee; 16]].concat())
    }

    const AT: (u64, u64) = (Image::BASE + 4, Image::BASE);

    fn name_into(room: i32) -> (Result<i64>, Vec<u8>) {
        let (image, data) = (with_room(room), Data { args: [0, AT.0, AT.1, 0, 0, 0], ..Data::default() });
        let result = put_name(&Call::new(1, &data, &image), &SocketName::new(7, 0));
        (result, image.0.into_inner())
    }

    #[test]
    fn no_byte_is_written_beyond_the_room() {
        let name = SocketName::<NativeEndian>::new(7, 0);
        for (room, written) in [(12, 12), (112, 12), (5, 5), (0, 0)] {
            let (result, bytes) = name_into(room);
            assert_eq!(result, Ok(0));
            assert_eq!(bytes[4..4 + written], name.as_bytes()[..written]);
            assert!(bytes[4 + written..].iter().all(|byte| *byte == 0xee), "room {room}");
            assert_eq!(bytes[..4], 12i32.to_ne_bytes());
        }
        assert_eq!(name_into(-1).0, Err(Errno::EINVAL));
    }

    /// A handler with one socket, of which no descriptor is known.
    fn with_socket(protocol: i32) -> Netlink {
        let mut netlink = Netlink::new();
        let data = Data { args: [16, 3, protocol.cast_unsigned().into(), 0, 0, 0], ..Data::default() };
        assert!(netlink.create(&Call::new(1, &data, &Image::default())).is_ok());
        netlink
    }

    fn option_into(netlink: &mut Netlink, level: i32, name: i32, room: i32) -> Result<(Vec<u8>, i32)> {
        let image = with_room(room);
        let [level, name] = [level, name].map(|word| u64::from(word.cast_unsigned()));
        let data = Data { args: [0, level, name, AT.0, AT.1, 0], ..Data::default() };
        netlink.option(0, &Call::new(1, &data, &image))?;
        let bytes = image.0.into_inner();
        let written = bytes[4..].iter().take_while(|byte| **byte != 0xee).copied().collect();
        Ok((written, i32::from_ne_bytes(bytes[..4].try_into().unwrap())))
    }

    #[test]
    fn options_say_what_the_socket_is() {
        let mut netlink = with_socket(16);
        let int = |value: i32| (value.to_ne_bytes().to_vec(), 4);
        for (name, value) in [(libc::SO_DOMAIN, 16), (libc::SO_TYPE, 3), (libc::SO_PROTOCOL, 16)] {
            assert_eq!(option_into(&mut netlink, libc::SOL_SOCKET, name, 112), Ok(int(value)));
        }
        assert_eq!(
            option_into(&mut netlink, libc::SOL_SOCKET, libc::SO_TYPE, 3),
            Ok((3i32.to_ne_bytes()[..3].to_vec(), 3))
        );
        assert_eq!(option_into(&mut netlink, libc::SOL_NETLINK, 11, 4), Ok(int(0)));
        assert_eq!(option_into(&mut netlink, libc::SOL_NETLINK, 11, 3), Err(Errno::EINVAL));
        assert_eq!(option_into(&mut netlink, libc::SOL_NETLINK, 9, 8), Ok((Vec::new(), 0)));
        assert_eq!(option_into(&mut netlink, libc::SOL_NETLINK, 99, 4), Err(Errno::ENOPROTOOPT));
        let groups = Image::new(&3u32.to_ne_bytes());
        let data = Data { args: [0, 270, 1, Image::BASE, 4, 0], ..Data::default() };
        assert_eq!(netlink.set_option(0, &Call::new(1, &data, &groups)), Ok(0));
        let words = [4u32.to_ne_bytes(), [0; 4]].concat();
        assert_eq!(option_into(&mut netlink, libc::SOL_NETLINK, 9, 16), Ok((words, 8)));
    }

    #[test]
    fn types_and_protocols_are_refused_as_the_kernel_refuses_them() {
        for (kind, protocol, want) in [
            (3, 12, Errno::EPROTONOSUPPORT),
            (3, -1, Errno::EPROTONOSUPPORT),
            (1, 0, Errno::ESOCKTNOSUPPORT),
            (5, 99, Errno::ESOCKTNOSUPPORT),
            (11, 0, Errno::EINVAL),
            (3 | 0x1000_0000, 0, Errno::EINVAL),
        ] {
            let args = [16, kind, i32::cast_unsigned(protocol).into(), 0, 0, 0];
            let data = Data { args, ..Data::default() };
            let refused = Netlink::new().create(&Call::new(1, &data, &Image::default()));
            assert_eq!(refused.err(), Some(want), "{kind:x} {protocol}");
        }
    }

    /// A dump of lo, and nothing else, in a datagram that is far too long.
    fn request() -> Vec<u8> {
        // RTM_GETLINK; NLM_F_REQUEST and NLM_F_DUMP.
        let (len, [kind, flags]) = (20u32.to_ne_bytes(), [18u16, 0x301].map(u16::to_ne_bytes));
        let mut request = [len.as_slice(), &kind, &flags, &[0; 12]].concat();
        request.extend([0xff; 60_000]);
        request
    }

    #[test]
    fn a_guest_that_does_not_read_costs_its_queue_and_gets_the_rest_of_the_dump_when_it_does() {
        let (mut next, mut scratch) = (0, [0; 65536]);
        let (ours, guest) = pair::make(&mut next, true).unwrap();
        let mut netlink = Netlink::new();
        let socket = Socket::new(7);
        netlink.ends[0] = Some(End { ours, cookie: 0, kind: 3, process: 7, socket });
        // It asks and asks until nothing more goes into its queue, and then a hundred times again.
        let mut more = 100;
        while more != 0 {
            net::send(guest.as_fd(), &request(), libc::MSG_DONTWAIT).unwrap();
            netlink.serve(0);
            let full = netlink.end(0).unwrap().socket.dump.is_some();
            more -= i32::from(full);
        }
        assert_eq!(netlink.end(0).unwrap().wanted(), Events::IN | Events::OUT);
        // All that it then reads are whole dumps: a link, an end, and so on to the last end.
        let mut kinds = Vec::new();
        while let Ok(len) = net::recv(guest.as_fd(), &mut scratch, 0) {
            assert!((20..=REPLY_MAX).contains(&len));
            kinds.push(u16::from_ne_bytes([scratch[4], scratch[5]]));
            netlink.serve(0);
        }
        assert!(kinds.len() > 20 && kinds.chunks(2).all(|pair| pair == [16, 3]), "{kinds:?}");
        assert_eq!(netlink.end(0).unwrap().socket.dump, None);
        // And the socket still answers.
        net::send(guest.as_fd(), &request()[..20], 0).unwrap();
        netlink.serve(0);
        assert_eq!(net::recv(guest.as_fd(), &mut scratch, 0), Ok(1468));
        drop(guest);
        netlink.serve(0);
        assert!(netlink.ends[0].is_none());
    }

    #[test]
    fn a_call_on_no_emulated_socket_is_left_to_the_kernel() {
        let data = Data { nr: nr::BIND.cast_signed(), ..Default::default() };
        let image = Image::default();
        let verdict = Netlink::new().handle(&Call::new(1, &data, &image));
        assert!(matches!(verdict, Ok(Verdict::Reply(Response::Continue(Why::KernelDecides)))));
    }
}
