//! The network that a guest is shown.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rtnetlink::{LinkFlags, RT_SCOPE_LINK, RTN_BROADCAST};
use crate::sock_diag::Sockets;
use crate::{Addr, Link, Neigh, Route, Rule};

/// How answers are shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// As the kernel's: every attribute, several messages in a datagram, every request.
    #[default]
    Kernel,
    /// The least that getifaddrs(3) and its like do with: links and addresses only, five and three
    /// attributes, one message in each datagram.
    Minimal,
}

/// All that a guest is shown, in the order of the dumps.
///
/// More may be added: build it with `..View::EMPTY` or `..View::LOOPBACK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// How answers are shaped.
    pub style: Style,
    /// The links.
    pub links: &'a [Link<'a>],
    /// The addresses: first those of IPv4.
    pub addrs: &'a [Addr],
    /// The routes: by table, main before local, and within it by destination.
    pub routes: &'a [Route],
    /// The rules, of each family by priority.
    pub rules: &'a [Rule],
    /// The neighbours.
    pub neighs: &'a [Neigh<'a>],
    /// The sockets that `NETLINK_SOCK_DIAG` lists.
    pub sockets: Sockets<'a>,
    /// When all this was made, in hundredths of a second since the machine was started.
    pub since: u32,
}

impl View<'static> {
    /// No network at all.
    pub const EMPTY: Self = Self {
        style: Style::Kernel,
        links: &[],
        addrs: &[],
        routes: &[],
        rules: Rule::DEFAULT,
        neighs: &[],
        sockets: Sockets::NONE,
        since: 0,
    };

    /// A network namespace's own `lo`, up, with 127.0.0.1 and ::1: what a sandbox shows.
    pub const LOOPBACK: Self = Self {
        links: &[Link::LOOPBACK],
        addrs: &[Addr::LOCALHOST4, Addr::LOCALHOST6],
        routes: &LOOPBACK_ROUTES,
        ..Self::EMPTY
    };

    /// The same in the least words.
    pub const MINIMAL: Self = Self {
        style: Style::Minimal,
        links: &[Link {
            flags: LinkFlags::UP.union(LinkFlags::LOOPBACK).union(LinkFlags::RUNNING),
            ..Link::LOOPBACK
        }],
        ..Self::LOOPBACK
    };
}

const LOCALHOST4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The routes that `lo` has, once it is up.
pub(crate) const LOOPBACK_ROUTES: [Route; 4] = [
    Route::local4(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8, 1, LOCALHOST4),
    Route::local4(LOCALHOST4, 32, 1, LOCALHOST4),
    Route {
        scope: RT_SCOPE_LINK,
        kind: RTN_BROADCAST,
        ..Route::local4(IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255)), 32, 1, LOCALHOST4)
    },
    Route::local6(IpAddr::V6(Ipv6Addr::LOCALHOST), 1),
];

impl<'a> View<'a> {
    /// The link with an index.
    pub fn link(&self, index: u32) -> Option<&'a Link<'a>> {
        self.links.iter().find(|link| link.index == index)
    }
}
