//! What a dump asks for, and its position: part of the state of a socket.

use crate::MessageFlags;
use crate::rtnetlink::{AF_INET, AF_INET6};

/// What a dump asks for: one variant for each kind of dump, with its filters. 0 in a filter matches
/// everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Query {
    /// Objects that no view has, or that the filter excludes.
    #[default]
    Nothing,
    /// Links. `ext_mask` is `IFLA_EXT_MASK`.
    Links { ext_mask: u32, master: u32 },
    /// Links with the attributes of IPv6 only.
    Inet6Links,
    /// The table of IPv4 multicast routes, which the kernel shows as a link.
    MulticastTable,
    /// Addresses.
    Addrs { family: u8, index: u32 },
    /// Multicast groups that links have joined.
    MulticastAddrs { family: u8, index: u32 },
    /// Routes.
    Routes(RouteFilter),
    /// Routing rules.
    Rules { family: u8 },
    /// Neighbours.
    Neighs { family: u8, index: u32, master: u32 },
    /// Neighbour tables.
    NeighTables { family: u8 },
    /// IPv6 address labels.
    AddrLabels,
    /// IP settings of links.
    Netconf { family: u8 },
    /// Queueing disciplines.
    Qdiscs,
    /// Statistics. Bit n - 1 of each mask is attribute n; `offload` is for those in the nest of offloading.
    Stats { mask: u32, offload: u32 },
    /// Sockets of `NETLINK_SOCK_DIAG`.
    Sockets(SocketFilter),
    /// Families of generic netlink.
    GenericFamilies,
    /// Attribute policies of the controller of generic netlink, of one command or of all.
    GenericPolicies { command: u32 },
}

impl Query {
    /// Whether `NLMSG_DONE` is in a datagram of its own: where the kernel's dump function returns the length
    /// of the datagram instead of 0.
    pub(crate) fn is_done_in_own_datagram(&self) -> bool {
        match *self {
            Self::Links { .. } | Self::MulticastTable | Self::Routes(_) | Self::NeighTables { .. } => true,
            Self::Qdiscs | Self::GenericFamilies | Self::GenericPolicies { .. } => true,
            Self::Addrs { family, .. } => family != AF_INET6,
            Self::Netconf { family } => !matches!(family, AF_INET | AF_INET6),
            _ => false,
        }
    }
}

/// The filter of a dump of routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RouteFilter {
    pub(crate) family: u8,
    pub(crate) table: u32,
    pub(crate) protocol: u8,
    pub(crate) kind: u8,
    pub(crate) oif: u32,
}

/// The filter of a dump of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketFilter {
    /// The type of the request, which the answers have too.
    pub(crate) message_kind: u16,
    pub(crate) family: u8,
    pub(crate) protocol: u8,
    /// Bit n is state n.
    pub(crate) states: u32,
    /// `UDIAG_SHOW_*`.
    pub(crate) show: u32,
}

/// An unfinished dump: part of the state of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dump {
    pub(crate) query: Query,
    /// The position to continue at.
    pub(crate) at: usize,
    pub(crate) seq: u32,
    /// The flags of every message, `NLMSG_DONE` included.
    pub(crate) flags: MessageFlags,
    /// Further flags of every message but `NLMSG_DONE`.
    pub(crate) object_flags: MessageFlags,
    /// Whether each datagram warns of bytes behind the attributes of the request, which the kernel parses
    /// again for it.
    pub(crate) has_leftover: bool,
    /// Whether only `NLMSG_DONE` is left.
    pub(crate) is_ended: bool,
}
