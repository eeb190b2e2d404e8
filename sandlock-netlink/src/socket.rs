//! What an answer depends on besides the request: the state of the socket that asks.

use bitflags::bitflags;
use zerocopy::{ByteOrder, FromBytes, U16, U32};

use crate::rtnetlink::{AF_NETLINK, RTNLGRP_IPV4_MROUTE_R, RTNLGRP_IPV6_MROUTE_R};
use crate::wire::wire;
use crate::{Errno, ErrnoTable, query::Dump};

bitflags! {
    /// The options of `SOL_NETLINK` that are on or off; see netlink(7). Bit n is option n.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SocketOptions: u32 {
        /// `NETLINK_PKTINFO`: received messages name the group they came by.
        const PKTINFO = 1 << 3;
        /// `NETLINK_BROADCAST_ERROR`.
        const BROADCAST_ERROR = 1 << 4;
        /// `NETLINK_NO_ENOBUFS`.
        const NO_ENOBUFS = 1 << 5;
        /// `NETLINK_LISTEN_ALL_NSID`.
        const LISTEN_ALL_NSID = 1 << 8;
        /// `NETLINK_CAP_ACK`: errors echo only the header of the request.
        const CAP_ACK = 1 << 10;
        /// `NETLINK_EXT_ACK`: errors have a message.
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
    /// `NETLINK_XFRM`: IPsec. Every request needs `CAP_NET_ADMIN`.
    Xfrm,
    /// `NETLINK_NETFILTER`: packet filters, connection tracking. Every request needs `CAP_NET_ADMIN`.
    Netfilter,
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
            6 => Ok(Self::Xfrm),
            12 => Ok(Self::Netfilter),
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
            Self::Xfrm => 6,
            Self::Netfilter => 12,
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

    /// `NL_CFG_F_NONROOT_RECV`: groups can be joined without `CAP_NET_ADMIN`.
    const fn has_open_groups(self) -> bool {
        !matches!(self, Self::Xfrm | Self::Netfilter)
    }

    /// `rtnetlink_bind` (`net/core/rtnetlink.c`): two of the open groups need `CAP_NET_ADMIN` all the same.
    fn allows(self, groups: u64) -> Result<(), Errno> {
        let refused = bit(RTNLGRP_IPV4_MROUTE_R) | bit(RTNLGRP_IPV6_MROUTE_R);
        if self == Self::Route && groups & refused != 0 { Err(Errno::EPERM) } else { Ok(()) }
    }
}

/// The bit of a group: bit n for group n + 1.
pub(crate) const fn bit(group: u32) -> u64 {
    1u64.rotate_left(group.wrapping_sub(1))
}

wire! {
    /// `struct sockaddr_nl` (`linux/netlink.h`): the name of a netlink socket.
    pub struct SocketName<O>: 12 {
        /// `nl_family`: `AF_NETLINK`.
        pub family: U16<O>,
        /// Unused, 0.
        pub pad: [u8; 2],
        /// `nl_pid`: the port; 0 is the kernel's.
        pub port: U32<O>,
        /// `nl_groups`: bit n for group n + 1.
        pub groups: U32<O>,
    }
}

impl<O: ByteOrder> SocketName<O> {
    /// Of a port and groups.
    pub fn new(port: u32, groups: u32) -> Self {
        let family = U16::new(AF_NETLINK.into());
        Self { family, pad: [0; 2], port: U32::new(port), groups: U32::new(groups) }
    }
}

/// The arguments of a send(2), sendto(2) or sendmsg(2), except for the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendArgs<'a> {
    /// The destination, a `sockaddr_nl`; empty where the call names none.
    pub name: &'a [u8],
    /// The length of the payload, in bytes.
    pub len: usize,
    /// Whether `MSG_OOB` is set.
    pub out_of_band: bool,
    /// The result of `scm_send` (`include/net/scm.h`) for the control messages, which the caller reads.
    pub control: Result<(), Errno>,
    /// `SO_SNDBUF` as getsockopt(2) returns it.
    pub send_buffer: usize,
}

/// The state of one emulated netlink socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The port id: `nl_pid` of its name; 0 as long as it is not bound, which it is at the latest
    /// before its first request. Most clients drop answers that carry another one, and wait for ever.
    pub port: u32,
    /// The port of a bind(2) that failed with `EADDRINUSE`: the name shows it until there is another.
    pub refused_port: u32,
    /// The protocol that it speaks.
    pub protocol: Protocol,
    /// The options set on it.
    pub options: SocketOptions,
    /// The groups it has joined: bit n for group n + 1.
    pub groups: u64,
    /// Whether a call has named a group: `NETLINK_LIST_MEMBERSHIPS` is empty before that.
    pub lists_groups: bool,
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
        Self {
            port,
            refused_port: 0,
            protocol,
            options,
            groups: 0,
            lists_groups: false,
            errnos: ErrnoTable::NATIVE,
            uid: 0,
            dump: None,
        }
    }

    /// Its name, as getsockname(2) gives it.
    pub fn name<O: ByteOrder>(&self) -> SocketName<O> {
        SocketName::new(if self.port == 0 { self.refused_port } else { self.port }, low(self.groups))
    }

    /// `netlink_bind` (`net/netlink/af_netlink.c`) to a name of the guest's.
    ///
    /// `process` is the guest's process ID, and `taken` returns whether another socket of the
    /// protocol has a port: port 0 asks for any, as [`autobind`](Self::autobind) chooses it.
    ///
    /// # Errors
    ///
    /// * [`Errno::EINVAL`]: it is too short or of another family, or the socket has another port.
    /// * [`Errno::EPERM`]: it names groups that need `CAP_NET_ADMIN`.
    /// * [`Errno::EADDRINUSE`]: another socket has that port.
    pub fn bind<O: ByteOrder>(
        &mut self,
        name: &[u8],
        process: u32,
        taken: &dyn Fn(u32) -> bool,
    ) -> Result<(), Errno> {
        let name = read_name::<O>(name)?;
        let groups = u64::from(name.groups.get());
        if groups != 0 {
            self.list_groups()?;
        }
        let asked = name.port.get();
        if self.port != 0 && self.port != asked {
            return Err(Errno::EINVAL);
        }
        self.protocol.allows(groups)?;
        match asked {
            0 => self.autobind(process, taken),
            _ if self.port == 0 && taken(asked) => {
                self.refused_port = asked;
                return Err(Errno::EADDRINUSE);
            }
            _ => self.port = asked,
        }
        self.groups = (self.groups & !u64::from(u32::MAX)) | groups;
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

    /// `netlink_connect`: to the kernel, or to no port (`AF_UNSPEC`), which is where its datagrams go
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
        if !name.starts_with(&[0; 2]) {
            names_kernel::<O>(name)?;
            self.autobind(process, taken);
        }
        Ok(())
    }

    /// `netlink_sendmsg`: on success the datagram goes to the kernel, and [`answer`](crate::answer) replies.
    ///
    /// No protocol here has `NL_CFG_F_NONROOT_SEND`, so an unprivileged datagram never reaches another
    /// socket. The kernel has a receiving socket of each protocol, so no datagram fails with `ECONNREFUSED`.
    ///
    /// # Errors
    ///
    /// In this order:
    ///
    /// * [`Errno::EOPNOTSUPP`]: it is out of band.
    /// * [`Errno::ENODATA`]: it is empty.
    /// * That of [`SendArgs::control`].
    /// * [`Errno::EINVAL`]: the destination is too short or of another family.
    /// * [`Errno::EPERM`]: the destination is not the kernel.
    /// * [`Errno::EMSGSIZE`]: it is longer than the send buffer. The socket has a port by then.
    pub fn send<O: ByteOrder>(
        &mut self,
        args: &SendArgs<'_>,
        process: u32,
        taken: &dyn Fn(u32) -> bool,
    ) -> Result<(), Errno> {
        if args.out_of_band {
            return Err(Errno::EOPNOTSUPP);
        }
        if args.len == 0 {
            return Err(Errno::ENODATA);
        }
        args.control?;
        if !args.name.is_empty() {
            names_kernel::<O>(args.name)?;
        }
        self.autobind(process, taken);
        // The kernel keeps 32 bytes of the buffer.
        if args.len > args.send_buffer.saturating_sub(32) { Err(Errno::EMSGSIZE) } else { Ok(()) }
    }

    /// `setsockopt(SOL_NETLINK)`: of a value too short for an `int` the kernel makes 0.
    ///
    /// # Errors
    ///
    /// * [`Errno::ENOPROTOOPT`]: no such option.
    /// * [`Errno::EINVAL`]: no such group.
    /// * [`Errno::EPERM`]: the group or the option needs a capability.
    pub fn set_option(&mut self, name: i32, value: u32) -> Result<(), Errno> {
        if matches!(name, ADD_MEMBERSHIP | DROP_MEMBERSHIP) {
            self.list_groups()?;
            if !(1..=self.protocol.groups()).contains(&value) {
                return Err(Errno::EINVAL);
            }
            self.groups &= !bit(value);
            if name == ADD_MEMBERSHIP {
                self.protocol.allows(bit(value))?;
                self.groups |= bit(value);
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

    /// `netlink_realloc_groups`, of a protocol whose groups can be joined without a capability.
    fn list_groups(&mut self) -> Result<(), Errno> {
        self.lists_groups = self.protocol.has_open_groups();
        if self.lists_groups { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// `getsockopt(SOL_NETLINK)` into a room of so many bytes: the value, how many of its bytes are to be
    /// written, and the length to report.
    ///
    /// # Errors
    ///
    /// * [`Errno::ENOPROTOOPT`]: no such option.
    /// * [`Errno::EINVAL`]: there is no room.
    pub fn option<O: ByteOrder>(&self, name: i32, room: usize) -> Result<([U32<O>; 2], usize, usize), Errno> {
        if name == LIST_MEMBERSHIPS {
            let words = [self.groups, self.groups >> 32].map(|word| U32::new(low(word)));
            let words_long = if self.lists_groups { self.protocol.groups().div_ceil(32) } else { 0 };
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

/// Checks that a name is the kernel's: port 0 and no groups.
fn names_kernel<O: ByteOrder>(bytes: &[u8]) -> Result<(), Errno> {
    let name = read_name::<O>(bytes)?;
    if name.port.get() == 0 && name.groups.get() == 0 { Ok(()) } else { Err(Errno::EPERM) }
}

fn option(name: i32) -> Result<SocketOptions, Errno> {
    let bit = u32::try_from(name).ok().and_then(|name| 1u32.checked_shl(name));
    bit.and_then(SocketOptions::from_bits).filter(|bit| !bit.is_empty()).ok_or(Errno::ENOPROTOOPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::{BigEndian, IntoBytes, LittleEndian};

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
        let mut refused = Socket::new(0);
        assert_eq!(bind(&mut refused, 5, 0, &[5]), Err(Errno::EADDRINUSE));
        assert_eq!((refused.port, refused.name::<LittleEndian>().port.get()), (0, 5));
        assert_eq!(bind(&mut refused, 6, 0, &[5]), Ok(6));
        assert_eq!(refused.name::<LittleEndian>().port.get(), 6);
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

    #[test]
    fn a_datagram_goes_to_the_kernel_or_nowhere() {
        let to_kernel = SocketName::<LittleEndian>::new(0, 0);
        let [to_port, to_group] =
            [(5, 0), (0, 1)].map(|(port, groups)| SocketName::<LittleEndian>::new(port, groups));
        let args = SendArgs { name: &[], len: 20, out_of_band: false, control: Ok(()), send_buffer: 4608 };
        for (args, result, port) in [
            (args, Ok(()), 77),
            (SendArgs { name: to_kernel.as_bytes(), ..args }, Ok(()), 77),
            (SendArgs { name: to_port.as_bytes(), ..args }, Err(Errno::EPERM), 0),
            (SendArgs { name: to_group.as_bytes(), ..args }, Err(Errno::EPERM), 0),
            (SendArgs { name: &to_port.as_bytes()[..11], ..args }, Err(Errno::EINVAL), 0),
            // No name is AF_UNSPEC here.
            (SendArgs { name: &[0; 12], ..args }, Err(Errno::EINVAL), 0),
            (SendArgs { len: 4608 - 32, ..args }, Ok(()), 77),
            (SendArgs { len: 4608 - 31, ..args }, Err(Errno::EMSGSIZE), 77),
            (SendArgs { len: 5000, name: to_port.as_bytes(), ..args }, Err(Errno::EPERM), 0),
            (
                SendArgs { control: Err(Errno::EINVAL), name: to_port.as_bytes(), ..args },
                Err(Errno::EINVAL),
                0,
            ),
            (SendArgs { len: 0, control: Err(Errno::EINVAL), ..args }, Err(Errno::ENODATA), 0),
            (SendArgs { len: 0, out_of_band: true, ..args }, Err(Errno::EOPNOTSUPP), 0),
            (SendArgs { send_buffer: 0, ..args }, Err(Errno::EMSGSIZE), 77),
        ] {
            for protocol in [0, 4, 6, 12, 15, 16].map(|number| Protocol::new(number).unwrap()) {
                let mut socket = Socket::of(protocol, 0);
                assert_eq!(socket.send::<LittleEndian>(&args, 77, &|_| false), result, "{args:?}");
                assert_eq!(socket.port, port, "{args:?}");
            }
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
    }

    #[test]
    fn groups_of_netfilter_xfrm_and_multicast_routers_need_a_capability() {
        for (protocol, group, refused) in [
            (Protocol::Netfilter, 1, true),
            (Protocol::Xfrm, 1, true),
            (Protocol::Route, RTNLGRP_IPV4_MROUTE_R, true),
            (Protocol::Route, RTNLGRP_IPV6_MROUTE_R, true),
            (Protocol::Route, 1, false),
            (Protocol::SockDiag, 30, false),
            (Protocol::KobjectUevent, 30, false),
            (Protocol::Generic, 30, false),
        ] {
            let result = if refused { Err(Errno::EPERM) } else { Ok(()) };
            let (groups, mut joins, mut binds) =
                (1 << (group - 1), Socket::of(protocol, 0), Socket::of(protocol, 0));
            assert_eq!(joins.set_option(ADD_MEMBERSHIP, group), result, "{protocol:?} {group}");
            assert_eq!(bind(&mut binds, 7, groups, &[]).map(|_| ()), result, "{protocol:?} {group}");
            let expected = if refused { (0, 0) } else { (u64::from(groups), 7) };
            assert_eq!((joins.groups, binds.port), expected);
        }
        // The capability is asked for before the port, and the two groups of routes after it.
        for (protocol, errno) in [(Protocol::Xfrm, Errno::EPERM), (Protocol::Route, Errno::EINVAL)] {
            assert_eq!(bind(&mut Socket::of(protocol, 5), 7, 1 << 29, &[]), Err(errno));
        }
        // Leaving is not joining, but of a protocol with closed groups it is as well.
        assert_eq!(Socket::of(Protocol::Route, 5).set_option(DROP_MEMBERSHIP, 30), Ok(()));
        assert_eq!(Socket::of(Protocol::Xfrm, 5).set_option(DROP_MEMBERSHIP, 0), Err(Errno::EPERM));
    }

    #[test]
    fn protocols_are_six() {
        let numbers: std::vec::Vec<_> =
            (-1..40).filter(|number| Protocol::new(*number).is_ok_and(|is| is.number() == *number)).collect();
        assert_eq!(numbers, [0, 4, 6, 12, 15, 16]);
        assert_eq!(Protocol::new(2), Err(Errno::EPROTONOSUPPORT));
    }

    #[test]
    fn the_list_of_groups_begins_with_the_first_that_is_asked_for() {
        let len = |socket: &Socket| socket.option::<LittleEndian>(LIST_MEMBERSHIPS, 16).unwrap().2;
        for (protocol, ask, listed) in [
            (Protocol::Route, (DROP_MEMBERSHIP, 0), 8),
            (Protocol::SockDiag, (ADD_MEMBERSHIP, 1), 4),
            (Protocol::Xfrm, (ADD_MEMBERSHIP, 1), 0),
        ] {
            let mut socket = Socket::of(protocol, 1);
            assert_eq!(len(&socket), 0);
            let _result = socket.set_option(ask.0, ask.1);
            assert_eq!(len(&socket), listed, "{protocol:?}");
        }
    }
}
