//! Emulated `AF_NETLINK` sockets: the guest holds one end of a connected unix pair, and every datagram it
//! sends is answered at the other.
//!
//! The guest's end gets a number from [`NUMBERS`], by which the filter knows the calls that send and receive
//! on it; poll, close and dup need no trap. A duplicate by another number works too, though its answers come
//! a moment after the send, and without an address. The model, without a system call, is `sandlock_netlink`.
//!
//! A datagram socket of the Internet, and of unix where Landlock does not see where it sends, is a real one
//! that cannot send: it is shut down for writing, and the kernel knows no way back from that. When one is
//! connected to a name server, or is to send there, the end of such a pair takes its place, and `resolver`
//! answers.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | socket(2) | the supervisor as the peer, which getsockopt(2) does not show | nothing |
//! | bind, connect, getsockname, getpeername, setsockopt, getsockopt | no process: state of the handler | nothing |
//! | send(2), recv(2) and their like | no process: data without descriptors or credentials | nothing: `MSG_DONTWAIT`; a receive that must wait is deferred |

mod end;
mod message;
mod resolver;
mod transfer;

use core::ops::RangeInclusive;
use core::time::Duration;

use sandlock_netlink::{ErrnoTable, IntoBytes, NativeEndian, Protocol, Socket};
use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::mm::FixedVec;
use sandlock_sys::nr::Name;
use sandlock_sys::poll::PollFd;
use sandlock_sys::{AsFd, Errno, OwnedFd, Pid, Result, net, process};

use crate::args::{ConnectArgs, GetOptionArgs, NameArgs, SendtoArgs, SetOptionArgs, SocketArgs};
use crate::{
    Call, ContinueReason, Desk, Handler, Response, Socket as TargetSocket, Target, UserAddr, Verdict,
};
use crate::{proc, read_array};
use end::{Address, End, Taken};
use message::Modelled;
pub use resolver::Resolver;

/// How many emulated sockets there can be at once.
pub const SOCKETS: usize = 256;
/// The most rows of a poll: each of these sockets, and each question that a name server has.
pub const ROWS: usize = SOCKETS + resolver::QUESTIONS;
/// The descriptors that emulated sockets get: the last below the usual limit, where few programs have others.
pub const NUMBERS: RangeInclusive<i32> = 960..=1023;
/// How much of a datagram is looked at; real requests are under 200 bytes. No message beyond it is
/// executed, nor one that reaches there.
const REQUEST_MAX: usize = 8192;

/// Gives a socket a name: the requested one, the process, which ports are taken.
type Rename = fn(&mut Socket, &[u8], u32, &dyn Fn(u32) -> bool) -> Modelled;

const AUTOBIND: Rename = |socket, _, process, taken| {
    socket.autobind(process, taken);
    Ok(())
};

/// All emulated sockets of one sandbox.
#[derive(Debug)]
pub struct Netlink<'p> {
    ends: FixedVec<Option<End>>,
    resolver: Resolver<'p>,
}

impl Handler for Netlink<'_> {
    fn handle(&mut self, call: &Call<'_>, _: &mut Desk<'_, '_>) -> Result<Verdict> {
        let name = call.name().ok_or(Errno::ENOSYS)?;
        let fd = match name {
            Name::socket => {
                let is_netlink = SocketArgs::of(call).domain == libc::AF_NETLINK;
                let made = if is_netlink { self.create(call) } else { datagram_socket(call) };
                return made.map(Verdict::Reply);
            }
            Name::setsockopt if SetOptionArgs::of(call).level != libc::SOL_NETLINK => {
                return Ok(Verdict::Pass);
            }
            _ => ConnectArgs::of(call).fd,
        };
        let Some((index, guest)) = self.find(call, fd)? else {
            if let Some(verdict) = self.adopt(name, call, fd)? {
                return Ok(verdict);
            }
            // Whatever it is, it is not ours: bind and connect have another handler, and of the others the
            // kernel's rules and Landlock decide.
            return Ok(match name {
                Name::bind | Name::connect => Verdict::Pass,
                _ => Verdict::Reply(Response::Continue(ContinueReason::KernelDecides)),
            });
        };
        let end = self.end(index)?;
        let value = match name {
            Name::bind if end.server.is_some() => return Err(Errno::EINVAL),
            Name::connect if let Some(server) = &mut end.server => {
                let address = read_address(call)?;
                if address.is_server() {
                    *server = address;
                }
                0
            }
            Name::bind => self.rename(index, Socket::bind::<NativeEndian>, call)?,
            Name::connect => self.rename(index, Socket::connect::<NativeEndian>, call)?,
            Name::getsockname | Name::getpeername => {
                let NameArgs { addr, len, .. } = NameArgs::of(call);
                let address = if name == Name::getsockname { end.name() } else { end.peer() };
                put_name(call, (addr, len), &address)?
            }
            Name::setsockopt => self.set_option(index, call)?,
            Name::getsockopt => self.option(index, call)?,
            Name::recvfrom | Name::recvmsg | Name::recvmmsg | Name::recvmmsg_time64 => {
                return self.receive(index, guest, call);
            }
            Name::sendto | Name::send | Name::sendmsg | Name::sendmmsg | Name::write | Name::writev => {
                self.send(index, guest.as_fd(), call)?
            }
            _ => return Err(Errno::EOPNOTSUPP),
        };
        Ok(Verdict::Reply(Response::Return(value)))
    }

    fn descriptors(&self, add: &mut dyn FnMut(PollFd)) {
        for end in self.ends.iter() {
            add(end.as_ref().map_or(PollFd::NONE, End::row));
        }
        // Behind the last place that an end can have, for there may be more of them when one is ready.
        (self.ends.len()..SOCKETS).for_each(|_| add(PollFd::NONE));
        self.resolver.rows().for_each(add);
    }

    fn deadline(&self) -> Option<Duration> {
        self.resolver.deadline()
    }

    fn tick(&mut self, now: Duration) {
        self.resolver.tick(now, self.ends.iter().flatten());
    }

    /// Takes one datagram out of a socket that has something and answers it, or closes it when the guest has.
    fn ready(&mut self, index: usize) {
        if let Some(question) = index.checked_sub(SOCKETS) {
            return self.resolver.ready(question, self.ends.iter().flatten());
        }
        let Ok(end) = self.end(index) else { return };
        end.go_on();
        let process = end.process;
        let mut request = [0; REQUEST_MAX];
        match end.take(&mut request) {
            Taken::Request(len) => {
                if end.server.is_none() {
                    let _bound = self.name(index, AUTOBIND, &[], process);
                }
                self.answer(index, request.get(..len).unwrap_or_default());
            }
            Taken::Nothing => {}
            Taken::Closed => drop(self.ends.get_mut(index).and_then(Option::take)),
        }
    }
}

impl<'p> Netlink<'p> {
    /// No socket yet; names are answered so.
    #[must_use]
    pub const fn new(resolver: Resolver<'p>) -> Self {
        Self { ends: FixedVec::new(SOCKETS), resolver }
    }

    /// Answers a request that was sent at an end, or a query to a name server.
    fn answer(&mut self, index: usize, request: &[u8]) {
        match self.ends.get_mut(index) {
            Some(Some(end)) if end.server.is_some() => self.resolver.ask(end, request),
            Some(Some(end)) => end.answer(request),
            _ => {}
        }
    }

    /// Puts the end of a pair in the place of a datagram socket that is to reach a name server, by connect(2)
    /// or sendto(2). `None`: it is no such call.
    fn adopt(&mut self, name: Name, call: &Call<'_>, fd: i32) -> Result<Option<Verdict>> {
        if !NUMBERS.contains(&fd) {
            return Ok(None);
        }
        let sends = SendtoArgs::of(call);
        let server = match name {
            Name::connect => read_address(call)?,
            Name::sendto if !sends.addr.is_null() => {
                Address::read(call.target(), sends.addr, sends.addr_len)?
            }
            _ => return Ok(None),
        };
        if !server.is_server() {
            return Ok(None);
        }
        let (socket, domain) = TargetSocket::open(call.target(), fd)?;
        if !socket.is_datagram()? || domain != server.family() {
            return Ok(None);
        }
        let is_nonblocking = fs::status_flags(socket.as_fd())?.contains(OFlags::NONBLOCK);
        let kind = libc::SOCK_DGRAM | if is_nonblocking { libc::SOCK_NONBLOCK } else { 0 };
        let (index, fd_of_pair) = self.add(kind, call, Socket::new(0))?;
        self.end(index)?.server = Some(server);
        let value = if name == Name::sendto { self.send(index, socket.as_fd(), call)? } else { 0 };
        Ok(Some(Verdict::Reply(Response::Swap { fd: fd_of_pair, at: fd, value })))
    }

    /// A new pair: the place of our end, and the guest's end. `kind` is that of socket(2), flags included.
    fn add(&mut self, kind: i32, call: &Call<'_>, socket: Socket) -> Result<(usize, OwnedFd)> {
        let index = self.ends.iter().position(Option::is_none).unwrap_or(self.ends.len());
        if index == self.ends.len() {
            self.ends.push(None).map_err(|_| Errno::ENOBUFS)?;
        }
        let slot = self.ends.get_mut(index).ok_or(Errno::ENOBUFS)?;
        let (end, guest) = End::new(kind, process_of(call.target()), socket)?;
        *slot = Some(end);
        Ok((index, guest))
    }

    fn create(&mut self, call: &Call<'_>) -> Result<Response> {
        let SocketArgs { kind, protocol, .. } = SocketArgs::of(call);
        // `__sys_socket`, `netlink_create`: the flags, the type, the protocol.
        let known = 0xf | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        match kind & 0xf {
            11.. => return Err(Errno::EINVAL),
            _ if kind & !known != 0 => return Err(Errno::EINVAL),
            libc::SOCK_RAW | libc::SOCK_DGRAM => {}
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        }
        let protocol = Protocol::new(protocol).map_err(native)?;
        // It is the guest's too: nothing in a sandbox changes it.
        let socket = Socket { uid: process::getuid().get(), ..Socket::of(protocol, 0) };
        let (index, guest) = self.add(kind, call, socket)?;
        let at = free_number(call.target(), index);
        Ok(Response::Fd { fd: guest, cloexec: kind & libc::SOCK_CLOEXEC != 0, at })
    }

    /// Which of ours the call's descriptor is, and a duplicate of it.
    fn find<'t>(&self, call: &Call<'t>, fd: i32) -> Result<Option<(usize, TargetSocket<'t>)>> {
        if self.ends.iter().all(Option::is_none) {
            return Ok(None);
        }
        let guest = match TargetSocket::open(call.target(), fd) {
            // The kernel will return the error.
            Err(Errno::ENOTSOCK) => return Ok(None),
            other => other?.0,
        };
        let cookie = net::cookie(guest.as_fd())?;
        let index = self.ends.iter().position(|end| end.as_ref().is_some_and(|end| end.cookie == cookie));
        Ok(index.map(|index| (index, guest)))
    }

    fn end(&mut self, index: usize) -> Result<&mut End> {
        self.ends.get_mut(index).and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// bind, connect.
    fn rename(&mut self, index: usize, rename: Rename, call: &Call<'_>) -> Result<i64> {
        self.name(index, rename, read_address(call)?.bytes(), process_of(call.target()))
    }

    /// Gives a socket a name, which its process has asked for or not.
    fn name(&mut self, index: usize, rename: Rename, name: &[u8], process: Pid) -> Result<i64> {
        let mut socket = self.end(index)?.socket;
        let protocol = socket.protocol;
        rename(&mut socket, name, process.get().cast_unsigned(), &self.taken(protocol)).map_err(native)?;
        self.end(index)?.socket = socket;
        Ok(0)
    }

    /// Whether a port of a protocol is taken. A socket that the guest has closed has given its port back,
    /// whether or not that was noticed yet.
    fn taken(&self, protocol: Protocol) -> impl Fn(u32) -> bool {
        move |port| {
            let has_it = |end: &&End| end.socket.protocol == protocol && end.socket.port == port;
            self.ends.iter().flatten().filter(has_it).any(|end| !end.is_closed())
        }
    }

    fn set_option(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let args = SetOptionArgs::of(call);
        let value = match args.len {
            ..0 => return Err(Errno::EINVAL),
            0..4 => 0,
            _ => u32::from_ne_bytes(read_array(call.target(), args.value)?),
        };
        self.end(index)?.socket.set_option(args.name, value).map_err(native)?;
        Ok(0)
    }

    fn option(&mut self, index: usize, call: &Call<'_>) -> Result<i64> {
        let args = GetOptionArgs::of(call);
        let End { socket, kind, server, .. } = self.end(index)?;
        let (place, room) = ((args.value, args.len), take_room(call.target(), args.len)?);
        let value = match (args.level, args.name) {
            (libc::SOL_SOCKET, name) if let Some(server) = server => match name {
                libc::SO_DOMAIN => server.family(),
                libc::SO_TYPE => libc::SOCK_DGRAM,
                _ => libc::IPPROTO_UDP,
            },
            (libc::SOL_NETLINK, name) => {
                let (value, written, len) = socket.option::<NativeEndian>(name, room).map_err(native)?;
                return put(call, place, value.as_bytes().get(..written).unwrap_or_default(), len);
            }
            (libc::SOL_SOCKET, libc::SO_DOMAIN) => libc::AF_NETLINK,
            (libc::SOL_SOCKET, libc::SO_TYPE) => *kind,
            (libc::SOL_SOCKET, libc::SO_PROTOCOL) => socket.protocol.number(),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        let value = value.to_ne_bytes();
        let value = value.get(..room).unwrap_or(&value);
        put(call, place, value, value.len())
    }
}

/// A number that the target does not use, by its place among [`NUMBERS`] first. None is free, or it cannot be
/// asked: any number serves.
fn free_number(target: &dyn Target, hint: usize) -> Option<i32> {
    let len = NUMBERS.clone().count();
    NUMBERS
        .cycle()
        .skip(hint.checked_rem(len).unwrap_or(0))
        .take(len)
        .find(|number| TargetSocket::open(target, *number).err() == Some(Errno::EBADF))
}

/// A datagram socket that receives and never sends. shutdown(2) takes the way out, and of the Internet then
/// finds that no peer is there.
fn datagram_socket(call: &Call<'_>) -> Result<Response> {
    let SocketArgs { domain, kind, protocol } = SocketArgs::of(call);
    if kind & !(0xf | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let fd = net::socket(domain, libc::SOCK_DGRAM | kind & libc::SOCK_NONBLOCK, protocol)?;
    match net::shutdown(fd.as_fd(), libc::SHUT_WR) {
        Ok(()) | Err(Errno::ENOTCONN) => {
            let at = if domain == libc::AF_UNIX { None } else { free_number(call.target(), 0) };
            Ok(Response::Fd { fd, cloexec: kind & libc::SOCK_CLOEXEC != 0, at })
        }
        Err(errno) => Err(errno),
    }
}

/// An error under the number it has on this machine.
fn native(errno: sandlock_netlink::Errno) -> Errno {
    Errno::new(ErrnoTable::NATIVE.number(errno))
}

/// The process that asks, for its port; without one, 0, the kernel's range serves.
fn process_of(target: &dyn Target) -> Pid {
    proc::thread_group(target.tid()).unwrap_or_default()
}

/// Reads the address of bind or connect.
fn read_address(call: &Call<'_>) -> Result<Address> {
    let ConnectArgs { addr, len, .. } = ConnectArgs::of(call);
    Address::read(call.target(), addr, len)
}

/// Writes an address as the answer of getsockname, getpeername or recvfrom.
fn put_name(call: &Call<'_>, (to, len_at): (UserAddr, UserAddr), name: &Address) -> Result<i64> {
    let (name, room) = (name.bytes(), take_room(call.target(), len_at)?);
    put(call, (to, len_at), name.get(..room).unwrap_or(name), name.len())
}

/// How much the target has room for, at the address where the length is written afterwards.
fn take_room(target: &dyn Target, at: UserAddr) -> Result<usize> {
    usize::try_from(i32::from_ne_bytes(read_array(target, at)?)).map_err(|_| Errno::EINVAL)
}

/// Writes an answer, and its length.
fn put(call: &Call<'_>, (to, len_at): (UserAddr, UserAddr), bytes: &[u8], len: usize) -> Result<i64> {
    let len = i32::try_from(len).map_err(|_| Errno::EINVAL)?.to_ne_bytes();
    call.target().write_both([(to, bytes), (len_at, &len)])?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::Egress;
    use crate::tests::Image;
    use sandlock_netlink::SocketName;
    use sandlock_sys::seccomp::Data;
    use std::vec::Vec;

    /// The length at the beginning, and 16 bytes for the answer.
    fn with_room(room: i32) -> Image {
        Image::new(&[&room.to_ne_bytes()[..], &[0xee; 16]].concat())
    }

    const AT: (u64, u64) = (Image::BASE + 4, Image::BASE);

    fn name_into(room: i32) -> (Result<i64>, Vec<u8>) {
        let (image, data) = (with_room(room), Data::default());
        let name = Address::of(&SocketName::new(7, 0));
        let result = put_name(&Call::new(&data, &image), (UserAddr(AT.0), UserAddr(AT.1)), &name);
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

    /// A handler that knows no name.
    const fn without_names<'e>(egress: &'e Egress<'e>) -> Netlink<'e> {
        Netlink::new(Resolver::new(&[], egress))
    }

    /// A handler with one socket, of which no descriptor is known.
    fn with_socket<'e>(egress: &'e Egress<'e>, protocol: i32) -> Netlink<'e> {
        let mut netlink = without_names(egress);
        let data = Data { args: [16, 3, protocol.cast_unsigned().into(), 0, 0, 0], ..Data::default() };
        assert!(netlink.create(&Call::new(&data, &Image::default())).is_ok());
        netlink
    }

    fn option_into(netlink: &mut Netlink, level: i32, name: i32, room: i32) -> Result<(Vec<u8>, i32)> {
        let image = with_room(room);
        let [level, name] = [level, name].map(|word| u64::from(word.cast_unsigned()));
        let data = Data { args: [0, level, name, AT.0, AT.1, 0], ..Data::default() };
        netlink.option(0, &Call::new(&data, &image))?;
        let bytes = image.0.into_inner();
        let written = bytes[4..].iter().take_while(|byte| **byte != 0xee).copied().collect();
        Ok((written, i32::from_ne_bytes(bytes[..4].try_into().unwrap())))
    }

    #[test]
    fn options_say_what_the_socket_is() {
        let egress = Egress::new(&[]);
        let mut netlink = with_socket(&egress, 16);
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
        assert_eq!(netlink.set_option(0, &Call::new(&data, &groups)), Ok(0));
        let words = [4u32.to_ne_bytes(), [0; 4]].concat();
        assert_eq!(option_into(&mut netlink, libc::SOL_NETLINK, 9, 16), Ok((words, 8)));
    }

    #[test]
    fn types_and_protocols_are_refused_as_the_kernel_refuses_them() {
        for (kind, protocol, want) in [
            (3, 10, Errno::EPROTONOSUPPORT),
            (3, -1, Errno::EPROTONOSUPPORT),
            (1, 0, Errno::ESOCKTNOSUPPORT),
            (5, 99, Errno::ESOCKTNOSUPPORT),
            (11, 0, Errno::EINVAL),
            (3 | 0x1000_0000, 0, Errno::EINVAL),
        ] {
            let args = [16, kind, i32::cast_unsigned(protocol).into(), 0, 0, 0];
            let data = Data { args, ..Data::default() };
            let refused = without_names(&Egress::new(&[])).create(&Call::new(&data, &Image::default()));
            assert_eq!(refused.err(), Some(want), "{kind:x} {protocol}");
        }
    }

    #[test]
    fn a_call_on_no_emulated_socket_is_left_to_the_kernel() {
        let nr = sandlock_sys::nr::GETSOCKNAME.cast_signed();
        let data = Data { nr, arch: sandlock_sys::filter::AUDIT_ARCH, ..Default::default() };
        let image = Image::default();
        let verdict =
            without_names(&Egress::new(&[])).handle(&Call::new(&data, &image), &mut Desk::default());
        assert!(matches!(verdict, Ok(Verdict::Reply(Response::Continue(ContinueReason::KernelDecides)))));
    }
}
