//! Our end of one emulated socket: its answers, and those that are left for later.

use sandlock_netlink::{IntoBytes, NativeEndian, REPLY_MAX, Socket, SocketName, answer, resume};
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::{AsFd, Errno, OwnedFd, Pid, Result, net};

use super::message::NAME_MAX;
use crate::handlers::VIEW;
use crate::target::read_exact;
use crate::{Target, UserAddr};

/// Our end of one socket, and the state of the guest's.
#[derive(Debug)]
pub(super) struct End {
    ours: OwnedFd,
    /// `SO_COOKIE` of the guest's end: dup, fork, exec and `SCM_RIGHTS` do not change it.
    pub(super) cookie: u64,
    /// `SOCK_RAW` or `SOCK_DGRAM`.
    pub(super) kind: i32,
    /// The process that made it.
    pub(super) process: Pid,
    pub(super) socket: Socket,
    /// Of the socket to a name server: that one's address, as the guest wrote it.
    pub(super) server: Option<Address>,
    /// Whether a datagram with descriptors lies in front. It is never taken: closing them can sleep.
    is_stuck: bool,
}

/// A socket address, as much of it as a `sockaddr_nl`, `sockaddr_in` or `sockaddr_in6` has, and its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address([u8; 28], usize);

impl Address {
    /// Copies a target's.
    pub(super) fn read(target: &dyn Target, at: UserAddr, len: i32) -> Result<Self> {
        let mut bytes = [0; 28];
        // The kernel refuses a length beyond that of any address.
        let len = Some(len).filter(|len| *len <= NAME_MAX).and_then(|len| usize::try_from(len).ok());
        let len = len.ok_or(Errno::EINVAL)?.min(bytes.len());
        read_exact(target, at, bytes.get_mut(..len).unwrap_or_default())?;
        Ok(Self(bytes, len))
    }

    pub(super) fn of(name: &SocketName<NativeEndian>) -> Self {
        let mut bytes = [0; 28];
        bytes.iter_mut().zip(name.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(bytes, name.as_bytes().len())
    }

    /// Whether it is a name server's: port 53, of any machine.
    pub(super) fn is_server(&self) -> bool {
        let is_whole = match self.family() {
            libc::AF_INET => self.1 >= 16,
            libc::AF_INET6 => self.1 >= 24,
            _ => false,
        };
        is_whole && matches!(self.0, [_, _, 0, 53, ..])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }

    /// `AF_INET` or `AF_INET6`.
    pub(super) fn family(&self) -> i32 {
        self.0.first_chunk().map_or(0, |family| u16::from_ne_bytes(*family).into())
    }
}

/// What our end has for the loop.
pub(super) enum Taken {
    /// The first so many bytes of the buffer are a request.
    Request(usize),
    /// Nothing (any more).
    Nothing,
    /// The guest has closed its end.
    Closed,
}

impl End {
    /// A new pair: our end, which never blocks, and the guest's.
    pub(super) fn new(kind: i32, process: Pid, socket: Socket) -> Result<(Self, OwnedFd)> {
        let (ours, guest) = net::socketpair(libc::SOCK_SEQPACKET | kind & libc::SOCK_NONBLOCK)?;
        // Since Linux 6.16 nothing with descriptors reaches us.
        let _ = net::set_option(ours.as_fd(), libc::SOL_SOCKET, net::SO_PASSRIGHTS, &[0; 4]);
        let cookie = net::cookie(guest.as_fd())?;
        Ok((Self { ours, cookie, kind: kind & 0xf, process, socket, server: None, is_stuck: false }, guest))
    }

    /// The guest's address; of a socket to a name server that one's, which has the family at least.
    pub(super) fn name(&self) -> Address {
        self.server.unwrap_or_else(|| Address::of(&self.socket.name()))
    }

    /// The address that datagrams come from: the name server's, or the kernel's, which is port 0.
    pub(super) fn peer(&self) -> Address {
        self.server.unwrap_or_else(|| Address::of(&SocketName::new(0, 0)))
    }

    /// Sends one datagram to the guest. It is lost where its queue has no room.
    pub(super) fn emit(&self, datagram: &[u8]) {
        is_out(&self.ours, datagram);
    }

    /// Answers a request. What the guest's queue has no room for is lost, as it is in the kernel's, but for a
    /// dump, which waits.
    pub(super) fn answer(&mut self, request: &[u8]) {
        let mut scratch = [0; REPLY_MAX];
        let mut emit = |datagram: &[u8]| is_out(&self.ours, datagram);
        answer::<NativeEndian>(VIEW, &mut self.socket, request, &mut scratch, &mut emit);
        self.go_on();
    }

    /// Sends of a dump what there is room for, as the kernel does when its reader comes back.
    pub(super) fn go_on(&mut self) {
        let mut scratch = [0; REPLY_MAX];
        let mut emit = |datagram: &[u8]| is_out(&self.ours, datagram);
        while resume::<NativeEndian>(VIEW, &mut self.socket, &mut scratch, &mut emit) {}
    }

    /// What the loop polls for: requests that were sent by a number that the filter does not look at, and
    /// room for the rest of a dump.
    pub(super) fn row(&self) -> PollFd {
        let wanted = if self.socket.dump.is_some() { Events::IN.union(Events::OUT) } else { Events::IN };
        if self.is_stuck { PollFd::NONE } else { PollFd::new(self.ours.as_fd(), wanted) }
    }

    /// Takes a request that is there.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> Taken {
        let ours = self.ours.as_fd();
        // Taking a datagram with descriptors would close them.
        if let Ok((_, flags)) = net::recv_flags(ours, &mut [], libc::MSG_DONTWAIT | libc::MSG_PEEK)
            && flags & libc::MSG_CTRUNC != 0
        {
            self.is_stuck = true;
            return Taken::Nothing;
        }
        match net::recv(ours, buffer, libc::MSG_DONTWAIT) {
            Ok(len @ 1..) => Taken::Request(len),
            // An empty datagram reads like the end; poll distinguishes them.
            Ok(0) if !self.is_closed() => Taken::Nothing,
            Err(Errno::EAGAIN) => Taken::Nothing,
            _ => Taken::Closed,
        }
    }

    /// Whether the other end is gone, or will never write again.
    pub(super) fn is_closed(&self) -> bool {
        let mut row = [PollFd::new(self.ours.as_fd(), Events::RDHUP)];
        let found = ppoll(&mut row, Some(core::time::Duration::ZERO));
        let [row] = row;
        found.is_err() || row.found().intersects(Events::HUP.union(Events::ERR).union(Events::RDHUP))
    }
}

/// Sends a datagram. Returns false only for `EAGAIN`: the queue has no room, which a guest that has shut its
/// end down for reading never makes, though its end is always ready to be written to.
fn is_out(ours: &OwnedFd, datagram: &[u8]) -> bool {
    net::send(ours.as_fd(), datagram, libc::MSG_DONTWAIT) != Err(Errno::EAGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A dump of lo, and nothing else, in a datagram that is far too long.
    fn request() -> Vec<u8> {
        // RTM_GETLINK; NLM_F_REQUEST and NLM_F_DUMP.
        let (len, [kind, flags]) = (20u32.to_ne_bytes(), [18u16, 0x301].map(u16::to_ne_bytes));
        let mut request = [len.as_slice(), &kind, &flags, &[0; 12]].concat();
        request.extend([0xff; 60_000]);
        request
    }

    /// What the loop does when the end is ready. Whether the guest is still there.
    fn serve(end: &mut End) -> bool {
        let mut buffer = [0; 8192];
        end.go_on();
        match end.take(&mut buffer) {
            Taken::Request(len) => end.answer(&buffer[..len]),
            Taken::Nothing => {}
            Taken::Closed => return false,
        }
        true
    }

    #[test]
    fn a_guest_that_does_not_read_costs_its_queue_and_gets_the_rest_of_the_dump_when_it_does() {
        let mut scratch = [0; 65536];
        let (mut end, guest) = End::new(3 | libc::SOCK_NONBLOCK, Pid::new(7), Socket::new(7)).unwrap();
        // It asks and asks until nothing more goes into its queue, and then a hundred times again.
        let mut more = 100;
        while more != 0 {
            net::send(guest.as_fd(), &request(), libc::MSG_DONTWAIT).unwrap();
            assert!(serve(&mut end));
            more -= i32::from(end.socket.dump.is_some());
        }
        assert!(ppoll(&mut [end.row()], Some(core::time::Duration::ZERO)) == Ok(0), "it waits for room");
        // All that it then reads are whole dumps: a link, an end, and so on to the last end.
        let mut kinds = Vec::new();
        while let Ok(len) = net::recv(guest.as_fd(), &mut scratch, 0) {
            assert!((20..=REPLY_MAX).contains(&len));
            kinds.push(u16::from_ne_bytes([scratch[4], scratch[5]]));
            serve(&mut end);
        }
        assert!(kinds.len() > 20 && kinds.chunks(2).all(|pair| pair == [16, 3]), "{kinds:?}");
        assert_eq!(end.socket.dump, None);
        // And the socket still answers.
        net::send(guest.as_fd(), &request()[..20], 0).unwrap();
        serve(&mut end);
        assert_eq!(net::recv(guest.as_fd(), &mut scratch, 0), Ok(1468));
        drop(guest);
        assert!(!serve(&mut end));
    }

    #[test]
    fn only_a_guest_that_asked_for_it_does_not_block() {
        use sandlock_sys::fs::{self, OFlags};
        for (flag, nonblocking) in [(0, false), (libc::SOCK_NONBLOCK, true)] {
            let (_end, guest) = End::new(3 | flag, Pid::new(7), Socket::new(7)).unwrap();
            assert_eq!(fs::status_flags(guest.as_fd()).unwrap().contains(OFlags::NONBLOCK), nonblocking);
        }
    }
}
