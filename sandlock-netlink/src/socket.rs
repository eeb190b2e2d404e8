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
        SocketName::new(self.port, u32::try_from(self.groups & u64::from(u32::MAX)).unwrap_or(0))
    }

    /// `netlink_bind` (`net/netlink/af_netlink.c`) to a name of the guest's.
    ///
    /// Port 0 asks for any; `free` is the one it then gets: by custom the process's id, if no other
    /// socket has it. A caller that knows that a port is taken answers `EADDRINUSE` itself.
    ///
    /// # Errors
    ///
    /// [`Errno::EINVAL`]: it is too short or of another family, or the socket has another port.
    pub fn bind<O: ByteOrder>(&mut self, name: &[u8], free: u32) -> Result<(), Errno> {
        let (name, _) = SocketName::<O>::ref_from_prefix(name).map_err(|_| Errno::EINVAL)?;
        let asked = name.port.get();
        if name.family.get() != AF_NETLINK.into() || (self.port != 0 && asked != self.port) {
            return Err(Errno::EINVAL);
        }
        if self.port == 0 {
            self.port = if asked == 0 { free } else { asked };
        }
        self.groups = (self.groups & !u64::from(u32::MAX)) | u64::from(name.groups.get());
        Ok(())
    }

    /// `setsockopt(SOL_NETLINK)`.
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

    /// `getsockopt(SOL_NETLINK)` of an option that is on or off.
    ///
    /// `NETLINK_LIST_MEMBERSHIPS` is no such option: it is the words of [`groups`](Self::groups),
    /// as many as [`Protocol::groups`] take.
    ///
    /// # Errors
    ///
    /// [`Errno::ENOPROTOOPT`]: no such option.
    pub fn option(&self, name: i32) -> Result<bool, Errno> {
        option(name).map(|option| self.options.contains(option))
    }
}

fn option(name: i32) -> Result<SocketOptions, Errno> {
    let bit = u32::try_from(name).ok().and_then(|name| 1u32.checked_shl(name));
    bit.and_then(SocketOptions::from_bits).filter(|bit| !bit.is_empty()).ok_or(Errno::ENOPROTOOPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::{BigEndian, LittleEndian};

    #[test]
    fn a_port_is_chosen_once() {
        let mut socket = Socket::new(0);
        assert_eq!(socket.bind::<LittleEndian>(SocketName::<LittleEndian>::new(0, 1).as_bytes(), 77), Ok(()));
        assert_eq!((socket.port, socket.groups), (77, 1));
        for (port, result) in [(77, Ok(())), (78, Err(Errno::EINVAL)), (0, Err(Errno::EINVAL))] {
            let name = SocketName::<LittleEndian>::new(port, 2);
            assert_eq!(socket.bind::<LittleEndian>(name.as_bytes(), 5), result);
        }
        assert_eq!(socket.name::<BigEndian>().as_bytes(), [0, 16, 0, 0, 0, 0, 0, 77, 0, 0, 0, 2]);
        assert_eq!(Socket::new(0).bind::<BigEndian>(&[0, 16, 0, 0, 0, 0, 0, 9], 5), Err(Errno::EINVAL));
        assert_eq!(
            Socket::new(0).bind::<BigEndian>(&[0, 2, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0], 5),
            Err(Errno::EINVAL)
        );
    }

    #[test]
    fn options_are_the_kernels() {
        let mut socket = Socket::new(1);
        for name in -2..70 {
            let known = [3, 4, 5, 8, 10, 11, 12].contains(&name);
            assert_eq!(socket.option(name), if known { Ok(false) } else { Err(Errno::ENOPROTOOPT) });
            if ![1, 2, 8].contains(&name) {
                assert_eq!(socket.set_option(name, 1).is_ok(), known, "{name}");
            }
        }
        assert_eq!(socket.set_option(8, 1), Err(Errno::EPERM));
        assert!(socket.options.contains(SocketOptions::STRICT_CHK));
    }

    #[test]
    fn groups_are_joined_and_left() {
        let mut socket = Socket::new(1);
        for (group, result) in [(0, Err(Errno::EINVAL)), (1, Ok(())), (39, Ok(())), (40, Err(Errno::EINVAL))]
        {
            assert_eq!(socket.set_option(ADD_MEMBERSHIP, group), result);
        }
        assert_eq!(socket.groups, 1 | 1 << 38);
        assert_eq!(socket.set_option(DROP_MEMBERSHIP, 39), Ok(()));
        assert_eq!(socket.groups, 1);
        assert_eq!(Protocol::new(Protocol::Generic.number()), Ok(Protocol::Generic));
        assert_eq!(Protocol::new(12), Err(Errno::EPROTONOSUPPORT));
    }
}
