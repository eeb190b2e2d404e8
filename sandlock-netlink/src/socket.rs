//! What an answer depends on besides the request: the state of the socket that asks.

use bitflags::bitflags;
use zerocopy::{ByteOrder, FromBytes, Immutable, IntoBytes, KnownLayout, NativeEndian, U16, U32, Unaligned};

use crate::rtnetlink::AF_NETLINK;
use crate::{Errno, ErrnoTable, respond::Dump};

bitflags! {
    /// The options of `SOL_NETLINK` that are on or off; see netlink(7). Bit n is option n.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SocketOptions: u32 {
        /// `NETLINK_PKTINFO`: received messages say which group they came by.
        const PKTINFO = 1 << 3;
        /// `NETLINK_BROADCAST_ERROR`.
        const BROADCAST_ERROR = 1 << 4;
        /// `NETLINK_NO_ENOBUFS`.
        const NO_ENOBUFS = 1 << 5;
        /// `NETLINK_LISTEN_ALL_NSID`.
        const LISTEN_ALL_NSID = 1 << 8;
        /// `NETLINK_CAP_ACK`: errors echo only the header of the request.
        const CAP_ACK = 1 << 10;
        /// `NETLINK_EXT_ACK`: errors say why.
        const EXT_ACK = 1 << 11;
        /// `NETLINK_GET_STRICT_CHK`: what a request does not ask about must be 0, and filters count.
        const STRICT_CHK = 1 << 12;
    }
}

/// `NETLINK_ADD_MEMBERSHIP`.
const ADD_MEMBERSHIP: i32 = 1;
/// `NETLINK_DROP_MEMBERSHIP`.
const DROP_MEMBERSHIP: i32 = 2;
/// `NETLINK_LIST_MEMBERSHIPS`.
const LIST_MEMBERSHIPS: i32 = 9;

/// Which of the kernel's netlinks a socket speaks to: the third argument of socket(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `NETLINK_ROUTE`: links, addresses, routes.
    #[default]
    Route,
    /// `NETLINK_SOCK_DIAG`: sockets.
    SockDiag,
    /// `NETLINK_KOBJECT_UEVENT`: devices that come and go.
    KobjectUevent,
    /// `NETLINK_GENERIC`: others, found by name.
    Generic,
}

impl Protocol {
    /// The protocol with a number.
    ///
    /// # Errors
    ///
    /// [`Errno::EPROTONOSUPPORT`]: a kernel may lack any other.
    pub const fn new(number: i32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Route),
            4 => Ok(Self::SockDiag),
            15 => Ok(Self::KobjectUevent),
            16 => Ok(Self::Generic),
            _ => Err(Errno::EPROTONOSUPPORT),
        }
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        match self {
            Self::Route => 0,
            Self::SockDiag => 4,
            Self::KobjectUevent => 15,
            Self::Generic => 16,
        }
    }

    /// How many multicast groups it has in 6.18.
    pub const fn groups(self) -> u32 {
        match self {
            Self::Route => 39,
            Self::Generic => 64,
            _ => 32,
        }
    }
}

/// `struct sockaddr_nl` (`linux/netlink.h`): the name of a netlink socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SocketName<O: ByteOrder = NativeEndian> {
    /// `nl_family`: `AF_NETLINK`.
    pub family: U16<O>,
    /// Unused, 0.
    pub pad: [u8; 2],
    /// `nl_pid`: the port; 0 is the kernel's.
    pub port: U32<O>,
    /// `nl_groups`: bit n for group n + 1.
    pub groups: U32<O>,
}

impl<O: ByteOrder> SocketName<O> {
    /// Of a port and groups.
    pub fn new(port: u32, groups: u32) -> Self {
        let family = U16::new(AF_NETLINK.into());
        Self { family, pad: [0; 2], port: U32::new(port), groups: U32::new(groups) }
    }
}

/// The state of one emulated netlink socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The port id: `nl_pid` of its name; 0 as long as it is not bound, which it is at the latest
    /// before its first request. Most clients drop answers that carry another one, and wait for ever.
    pub port: u32,
    /// Whom it speaks to.
    pub protocol: Protocol,
    /// The options set on it.
    pub options: SocketOptions,
    /// The groups it has joined: bit n for group n + 1.
    pub groups: u64,
    /// The numbers of the errors in its answers.
    pub errnos: ErrnoTable,
    /// Whose packets routes are looked up for: the user who asks.
    pub uid: u32,
    /// The dump that is not yet out.
    pub dump: Option<Dump>,
}

impl Socket {
    /// A `NETLINK_ROUTE` socket bound to `port`, with no option set, of a guest of this machine's
    /// architecture.
    pub const fn new(port: u32) -> Self {
        Self::of(Protocol::Route, port)
    }

    /// The same for any protocol.
    pub const fn of(protocol: Protocol, port: u32) -> Self {
        let options = SocketOptions::empty();
        Self { port, protocol, options, groups: 0, errnos: ErrnoTable::NATIVE, uid: 0, dump: None }
    }

    /// Its name, as getsockname(2) gives it.
    pub fn name<O: ByteOrder>(&self) -> SocketName<O> {
        SocketName::new(self.port, low(self.groups))
    }

    /// `netlink_bind` (`net/netlink/af_netlink.c`) to a name of the guest's.
    ///
    /// `process` is the guest's process ID, and `taken` says which ports other sockets of the
    /// protocol have: port 0 asks for any, as [`autobind`](Self::autobind) chooses it.
    ///
    /// # Errors
    ///
    /// * [`Errno::EINVAL`]: it is too short or of another family, or the socket has another port.
    /// * [`Errno::EADDRINUSE`]: another socket has that port.
    pub fn bind<O: ByteOrder>(
        &mut self,
        name: &[u8],
        process: u32,
        taken: &dyn Fn(u32) -> bool,
    ) -> Result<(), Errno> {
        let name = read_name::<O>(name)?;
        match (self.port, name.port.get()) {
            (0, 0) => self.autobind(process, taken),
            (0, asked) if taken(asked) => return Err(Errno::EADDRINUSE),
            (0, asked) => self.port = asked,
            (port, asked) if asked == port => {}
            _ => return Err(Errno::EINVAL),
        }
        self.groups = (self.groups & !u64::from(u32::MAX)) | u64::from(name.groups.get());
        Ok(())
    }

    /// `netlink_autobind`: a socket without a port gets one, at the latest before its first request.
    ///
    /// It is the process's ID, or else one of the kernel's own range for further sockets.
    pub fn autobind(&mut self, process: u32, taken: &dyn Fn(u32) -> bool) {
        const FIRST: u32 = (-4097i32).cast_unsigned();
        const LAST: u32 = i32::MIN.cast_unsigned();
        if self.port == 0 {
            let mut free = core::iter::once(process).chain((LAST..=FIRST).rev()).filter(|port| !taken(*port));
            self.port = free.find(|port| *port != 0).unwrap_or(FIRST);
        }
    }

    /// `netlink_connect`: to the kernel, or to nobody (`AF_UNSPEC`), which is where its datagrams go
    /// anyway.
    ///
    /// # Errors
    ///
    /// * [`Errno::EINVAL`]: it is too short or of another family.
    /// * [`Errno::EPERM`]: only root may send to other sockets.
    pub fn connect<O: ByteOrder>(
        &mut self,
        name: &[u8],
        process: u32,
        taken: &dyn Fn(u32) -> bool,
    ) -> Result<(), Errno> {
        if name.starts_with(&[0; 2]) {
            return Ok(());
        }
        let name = read_name::<O>(name)?;
        if name.port.get() != 0 || name.groups.get() != 0 {
            return Err(Errno::EPERM);
        }
        self.autobind(process, taken);
        Ok(())
    }

    /// `setsockopt(SOL_NETLINK)`: of a value too short for an `int` the kernel makes 0.
    ///
    /// # Errors
    ///
    /// * [`Errno::ENOPROTOOPT`]: no such option.
    /// * [`Errno::EINVAL`]: no such group.
    /// * [`Errno::EPERM`]: `NETLINK_LISTEN_ALL_NSID` is not for guests.
    pub fn set_option(&mut self, name: i32, value: u32) -> Result<(), Errno> {
        if matches!(name, ADD_MEMBERSHIP | DROP_MEMBERSHIP) {
            if !(1..=self.protocol.groups()).contains(&value) {
                return Err(Errno::EINVAL);
            }
            let group = 1u64.rotate_left(value.wrapping_sub(1));
            self.groups &= !group;
            if name == ADD_MEMBERSHIP {
                self.groups |= group;
            }
            return Ok(());
        }
        let option = option(name)?;
        if option == SocketOptions::LISTEN_ALL_NSID {
            return Err(Errno::EPERM);
        }
        self.options.set(option, value != 0);
        Ok(())
    }

    /// `getsockopt(SOL_NETLINK)` into a room of so many bytes: the value, how many of its bytes are to
    /// be written, and how long it is said to be.
    ///
    /// # Errors
    ///
    /// * [`Errno::ENOPROTOOPT`]: no such option.
    /// * [`Errno::EINVAL`]: there is no room.
    pub fn option<O: ByteOrder>(&self, name: i32, room: usize) -> Result<([U32<O>; 2], usize, usize), Errno> {
        if name == LIST_MEMBERSHIPS {
            let words = [self.groups, self.groups >> 32].map(|word| U32::new(low(word)));
            let words_long = if self.groups == 0 { 0 } else { self.protocol.groups().div_ceil(32) };
            let len = usize::try_from(words_long.wrapping_mul(4)).unwrap_or(0);
            return Ok((words, len.min(room & !3), len));
        }
        let is_on = self.options.contains(option(name)?);
        if room < 4 { Err(Errno::EINVAL) } else { Ok(([U32::new(is_on.into()), U32::ZERO], 4, 4)) }
    }
}

/// The low half.
fn low(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0)
}

fn read_name<O: ByteOrder>(bytes: &[u8]) -> Result<SocketName<O>, Errno> {
    let (name, _) = SocketName::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
    if name.family.get() == AF_NETLINK.into() { Ok(name) } else { Err(Errno::EINVAL) }
}

fn option(name: i32) -> Result<SocketOptions, Errno> {
    let bit = u32::try_from(name).ok().and_then(|name| 1u32.checked_shl(name));
    bit.and_then(SocketOptions::from_bits).filter(|bit| !bit.is_empty()).ok_or(Errno::ENOPROTOOPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::{BigEndian, LittleEndian};

    fn bind(socket: &mut Socket, port: u32, groups: u32, taken: &[u32]) -> Result<u32, Errno> {
        let name = SocketName::<LittleEndian>::new(port, groups);
        socket.bind::<LittleEndian>(name.as_bytes(), 77, &|port| taken.contains(&port))?;
        Ok(socket.port)
    }

    #[test]
    fn a_port_is_chosen_once() {
        let mut socket = Socket::new(0);
        assert_eq!(bind(&mut socket, 0, 1, &[]), Ok(77));
        for (port, result) in [(77, Ok(77)), (78, Err(Errno::EINVAL)), (0, Err(Errno::EINVAL))] {
            assert_eq!(bind(&mut socket, port, 2, &[]), result);
        }
        assert_eq!(socket.name::<BigEndian>().as_bytes(), [0, 16, 0, 0, 0, 0, 0, 77, 0, 0, 0, 2]);
        let other = [&[0, 16, 0, 0, 0, 0, 0, 9][..], &[0, 2, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0]];
        for name in other {
            assert_eq!(Socket::new(0).bind::<BigEndian>(name, 77, &|_| false), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn no_two_sockets_have_one_port() {
        let second = (-4097i32).cast_unsigned();
        for (asked, taken, got) in [
            (0, &[][..], Ok(77)),
            (0, &[77], Ok(second)),
            (0, &[77, second], Ok((-4098i32).cast_unsigned())),
            (5, &[77], Ok(5)),
            (5, &[5], Err(Errno::EADDRINUSE)),
        ] {
            assert_eq!(bind(&mut Socket::new(0), asked, 0, taken), got);
        }
        let mut nobodys = Socket::new(0);
        nobodys.autobind(0, &|_| false);
        assert_eq!(nobodys.port, second);
    }

    #[test]
    fn only_the_kernel_can_be_connected_to() {
        let name = |port, groups| SocketName::<LittleEndian>::new(port, groups);
        for (name, result, port) in [
            (name(0, 0).as_bytes(), Ok(()), 77),
            (name(5, 0).as_bytes(), Err(Errno::EPERM), 0),
            (name(0, 1).as_bytes(), Err(Errno::EPERM), 0),
            (&[0, 0][..], Ok(()), 0),
            (&[0], Err(Errno::EINVAL), 0),
            (&[16, 0, 0, 0], Err(Errno::EINVAL), 0),
        ] {
            let mut socket = Socket::new(0);
            assert_eq!(socket.connect::<LittleEndian>(name, 77, &|_| false), result);
            assert_eq!(socket.port, port);
        }
    }

    fn is_on(socket: &Socket, name: i32) -> Result<bool, Errno> {
        socket.option::<BigEndian>(name, 4).map(|([value, _], ..)| value.get() == 1)
    }

    #[test]
    fn options_are_the_kernels() {
        let mut socket = Socket::new(1);
        for name in -2..70 {
            let known = [3, 4, 5, 8, 10, 11, 12].contains(&name);
            if name != LIST_MEMBERSHIPS {
                assert_eq!(is_on(&socket, name), if known { Ok(false) } else { Err(Errno::ENOPROTOOPT) });
            }
            if ![1, 2, 8].contains(&name) {
                assert_eq!(socket.set_option(name, 1).is_ok(), known, "{name}");
            }
        }
        assert_eq!(socket.set_option(8, 1), Err(Errno::EPERM));
        assert!(socket.options.contains(SocketOptions::STRICT_CHK));
        assert_eq!(is_on(&socket, 12), Ok(true));
        assert_eq!(socket.option::<BigEndian>(12, 3), Err(Errno::EINVAL));
    }

    #[test]
    fn groups_are_joined_left_and_listed() {
        let mut socket = Socket::new(1);
        let list = |socket: &Socket, room| socket.option::<LittleEndian>(LIST_MEMBERSHIPS, room).unwrap();
        assert_eq!(list(&socket, 16).2, 0);
        for (group, result) in [(0, Err(Errno::EINVAL)), (1, Ok(())), (39, Ok(())), (40, Err(Errno::EINVAL))]
        {
            assert_eq!(socket.set_option(ADD_MEMBERSHIP, group), result);
        }
        assert_eq!(socket.groups, 1 | 1 << 38);
        for (room, written) in [(16, 8), (8, 8), (7, 4), (3, 0), (0, 0)] {
            assert_eq!(list(&socket, room), ([U32::new(1), U32::new(1 << 6)], written, 8));
        }
        assert_eq!(socket.set_option(DROP_MEMBERSHIP, 39), Ok(()));
        assert_eq!(socket.groups, 1);
        assert_eq!(Protocol::new(Protocol::Generic.number()), Ok(Protocol::Generic));
        assert_eq!(Protocol::new(12), Err(Errno::EPROTONOSUPPORT));
    }
}
