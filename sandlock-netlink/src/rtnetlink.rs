//! The words of rtnetlink: numbers, flags and the headers of its families.
//!
//! From `linux/rtnetlink.h`, `linux/if_link.h`, `linux/if_addr.h`, `linux/neighbour.h`,
//! `linux/fib_rules.h`, `linux/if.h` and others; names and numbers are the kernel's.

/// Defines the constants of each group, with its description and its type, and the table of their names.
macro_rules! constants {
    ($($meaning:literal, $type:ident: $($name:ident = $number:literal),*;)*) => {
        $($(#[doc = $meaning] pub const $name: $type = $number;)*)*

        /// The name and the number of each constant, by group.
        pub(crate) const NAMES: &[&[(&str, u32)]] = &[$(&[$((stringify!($name), $number)),*]),*];
    };
}

#[rustfmt::skip]
mod constants;
mod headers;

use bitflags::bitflags;

pub(crate) use constants::NAMES;
pub use constants::*;
pub use headers::{
    CacheInfo, FibRuleHdr, IfAddrLblMsg, IfAddrMsg, IfInfoMsg, IfStatsMsg, NdMsg, NetConfMsg, NhMsg,
    RtGenMsg, RtMsg, TcMsg,
};

/// The last type; in 6.18.
pub const RTM_MAX: u16 = 123;

/// Any family.
pub const AF_UNSPEC: u8 = 0;
/// Sockets of this machine.
pub const AF_UNIX: u8 = 1;
/// IPv4.
pub const AF_INET: u8 = 2;
/// Bridges and their ports.
pub const AF_BRIDGE: u8 = 7;
/// IPv6.
pub const AF_INET6: u8 = 10;
/// Netlink itself, among the families of sockets.
pub const AF_NETLINK: u8 = 16;
/// Multicast routes of IPv4, where rtnetlink asks for a family.
pub const RTNL_FAMILY_IPMR: u8 = 128;
/// Multicast routes of IPv6.
pub const RTNL_FAMILY_IP6MR: u8 = 129;

/// An Ethernet device: `ifi_type`.
pub const ARPHRD_ETHER: u16 = 1;
/// A loopback device.
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
        /// The driver reports that the line is up.
        const LOWER_UP = 0x1_0000;
        // What the kernel may add is kept.
        const _ = !0;
    }
}
