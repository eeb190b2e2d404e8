//! The words of rtnetlink: types, attributes and the headers of its families.
//!
//! From `linux/rtnetlink.h`, `linux/if_link.h`, `linux/if_addr.h`, `linux/if.h` and
//! `linux/if_arp.h`; names and numbers are the kernel's. An attribute's type is given with it.

use bitflags::bitflags;
use zerocopy::{ByteOrder, FromBytes, Immutable, IntoBytes, KnownLayout, NativeEndian, U16, U32, Unaligned};

/// A link appeared or changed; the answer to [`RTM_GETLINK`].
pub const RTM_NEWLINK: u16 = 16;
/// Asks for links.
pub const RTM_GETLINK: u16 = 18;
/// An address appeared or changed; the answer to [`RTM_GETADDR`].
pub const RTM_NEWADDR: u16 = 20;
/// Asks for addresses.
pub const RTM_GETADDR: u16 = 22;
/// The last type; in 6.18.
pub const RTM_MAX: u16 = 123;

/// Any family.
pub const AF_UNSPEC: u8 = 0;
/// IPv4.
pub const AF_INET: u8 = 2;
/// Bridges and their ports.
pub const AF_BRIDGE: u8 = 7;
/// IPv6.
pub const AF_INET6: u8 = 10;

/// Hardware address: bytes.
pub const IFLA_ADDRESS: u16 = 1;
/// Hardware broadcast address: bytes.
pub const IFLA_BROADCAST: u16 = 2;
/// Name: string.
pub const IFLA_IFNAME: u16 = 3;
/// Maximum transmission unit: u32, bytes.
pub const IFLA_MTU: u16 = 4;
/// Length of the transmission queue: u32, packets.
pub const IFLA_TXQLEN: u16 = 13;
/// Another name, longer ones included: string.
pub const IFLA_ALT_IFNAME: u16 = 53;

/// Address of the interface, or of its peer: 4 or 16 bytes.
pub const IFA_ADDRESS: u16 = 1;
/// Address of the interface: 4 bytes (IPv6 has it only where there is a peer).
pub const IFA_LOCAL: u16 = 2;
/// Name of the address, by default its link's: string.
pub const IFA_LABEL: u16 = 3;

/// Not changed by router advertisements or lifetimes: `ifa_flags`.
pub const IFA_F_PERMANENT: u8 = 0x80;

/// Valid everywhere: `ifa_scope`.
pub const RT_SCOPE_UNIVERSE: u8 = 0;
/// Valid on the link.
pub const RT_SCOPE_LINK: u8 = 253;
/// Valid on the machine.
pub const RT_SCOPE_HOST: u8 = 254;

/// A loopback device: `ifi_type`.
pub const ARPHRD_LOOPBACK: u16 = 772;

bitflags! {
    /// `IFF_*` of `linux/if.h`: `ifi_flags`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LinkFlags: u32 {
        /// Administratively up.
        const UP = 0x1;
        /// Has a broadcast address.
        const BROADCAST = 0x2;
        /// Is a loopback.
        const LOOPBACK = 0x8;
        /// Is point to point.
        const POINTOPOINT = 0x10;
        /// Operational.
        const RUNNING = 0x40;
        /// Does no address resolution.
        const NOARP = 0x80;
        /// Receives everything.
        const PROMISC = 0x100;
        /// Can multicast.
        const MULTICAST = 0x1000;
        /// The driver says that the line is up.
        const LOWER_UP = 0x1_0000;
        // What the kernel may add is kept.
        const _ = !0;
    }
}

/// `struct ifinfomsg`: what link messages begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct IfInfoMsg<O: ByteOrder = NativeEndian> {
    /// `ifi_family`.
    pub family: u8,
    /// Unused, 0.
    pub pad: u8,
    /// `ifi_type`: `ARPHRD_*`.
    pub kind: U16<O>,
    /// `ifi_index`: an `int`, positive where there is a link.
    pub index: U32<O>,
    /// `ifi_flags`: see [`LinkFlags`].
    pub flags: U32<O>,
    /// `ifi_change`: which flags are meant.
    pub change: U32<O>,
}

/// `struct ifaddrmsg`: what address messages begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct IfAddrMsg<O: ByteOrder = NativeEndian> {
    /// `ifa_family`.
    pub family: u8,
    /// `ifa_prefixlen`: bits.
    pub prefix_len: u8,
    /// `ifa_flags`: `IFA_F_*`, of which only eight fit.
    pub flags: u8,
    /// `ifa_scope`: `RT_SCOPE_*`.
    pub scope: u8,
    /// `ifa_index`: of the link.
    pub index: U32<O>,
}

const _: () = assert!(size_of::<IfInfoMsg>() == 16 && size_of::<IfAddrMsg>() == 8);
