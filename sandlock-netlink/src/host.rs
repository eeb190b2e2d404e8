//! A machine with `lo` and one Ethernet interface, with all that the kernel makes of it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rtnetlink::*;
use crate::view::LOOPBACK_ROUTES;
use crate::{Addr, IfName, Link, Route, View};

/// The priority of routes that IPv6 makes by itself: `IP6_RT_PRIO_ADDRCONF`.
const ADDRCONF: u32 = 256;

/// `lo`, and one Ethernet interface with index 2, an IPv4 address and the IPv6 address that follows
/// from its hardware address.
///
/// ```
/// use sandlock_netlink::{Host, IfName};
///
/// let mac = [2, 0, 0, 0, 0, 2];
/// let name = IfName::new(b"eth0").unwrap();
/// let host = Host::new(name, &mac, [10, 0, 2, 15].into(), 24, Some([10, 0, 2, 2].into()));
/// assert_eq!(host.view().links.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    links: [Link<'a>; 2],
    addrs: [Addr; 4],
    /// First the one to the gateway.
    routes: [Route; 11],
    has_gateway: bool,
}

impl<'a> Link<'a> {
    /// An Ethernet interface, up and connected.
    pub const fn ethernet(index: u32, name: IfName, address: &'a [u8; 6]) -> Self {
        Self {
            index,
            name,
            kind: ARPHRD_ETHER,
            flags: LinkFlags::UP
                .union(LinkFlags::BROADCAST)
                .union(LinkFlags::RUNNING)
                .union(LinkFlags::MULTICAST)
                .union(LinkFlags::LOWER_UP),
            mtu: 1500,
            mtu_limits: [68, 65535],
            operstate: IF_OPER_UP,
            address,
            broadcast: &[0xff; 6],
            ..Link::LOOPBACK
        }
    }
}

impl<'a> Host<'a> {
    /// With an interface called `name` that has the hardware address `mac` and the address `ip` in a
    /// network of `prefix_len` bits, which `gateway`, if there is one, leads out of.
    pub fn new(
        name: IfName,
        mac: &'a [u8; 6],
        ip: Ipv4Addr,
        prefix_len: u8,
        gateway: Option<Ipv4Addr>,
    ) -> Self {
        let index = 2;
        let host_bits = u32::MAX.checked_shr(prefix_len.into()).unwrap_or(0);
        let network = IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & !host_bits));
        let broadcast = Ipv4Addr::from_bits(ip.to_bits() | host_bits);
        let [a, b, c, d, e, f] = mac.map(u16::from);
        let interface = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
        let [s, t, u, v] = interface;
        let on_link = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, s, t, u, v));
        let prefix = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0));
        let groups = IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0));
        let v4 = IpAddr::V4(ip);

        let own = Route::local4(v4, 32, index, v4);
        let to_all = Route::local4(broadcast.into(), 32, index, v4);
        let [lo_net, lo_own, lo_to_all, lo6] = LOOPBACK_ROUTES;
        let mut local =
            [own, Route { scope: RT_SCOPE_LINK, kind: RTN_BROADCAST, ..to_all }, lo_net, lo_own, lo_to_all];
        local.sort_unstable_by_key(|route| (route.dst, route.prefix_len));
        let [l0, l1, l2, l3, l4] = local;
        Self {
            links: [Link::LOOPBACK, Link::ethernet(index, name, mac)],
            addrs: [
                Addr::LOCALHOST4,
                Addr {
                    broadcast: Some(broadcast),
                    label: Some(name),
                    protocol: IFAPROT_UNSPEC,
                    ..Addr::new(index, v4, prefix_len)
                },
                Addr::LOCALHOST6,
                Addr { scope: RT_SCOPE_LINK, protocol: IFAPROT_KERNEL_LL, ..Addr::new(index, on_link, 64) },
            ],
            routes: [
                Route {
                    protocol: RTPROT_BOOT,
                    scope: RT_SCOPE_UNIVERSE,
                    gateway: gateway.map(IpAddr::V4),
                    ..Route::connected(Ipv4Addr::UNSPECIFIED.into(), 0, index)
                },
                Route { prefsrc: Some(v4), ..Route::connected(network, prefix_len, index) },
                l0,
                l1,
                l2,
                l3,
                l4,
                Route { priority: ADDRCONF, ..Route::connected(prefix, 64, index) },
                lo6,
                Route::local6(on_link, index),
                Route {
                    priority: ADDRCONF,
                    table: RT_TABLE_LOCAL,
                    kind: RTN_MULTICAST,
                    ..Route::connected(groups, 8, index)
                },
            ],
            has_gateway: gateway.is_some(),
        }
    }

    /// What a guest is shown of it.
    pub fn view(&self) -> View<'_> {
        let routes = self.routes.get(usize::from(!self.has_gateway)..).unwrap_or_default();
        View { links: &self.links, addrs: &self.addrs, routes, ..View::EMPTY }
    }
}
