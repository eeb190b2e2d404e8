//! Notifications of the changes between two views, for the groups that a socket has joined.

use zerocopy::{ByteOrder, U32};

use crate::rtnetlink::*;
use crate::socket::{Protocol, bit};
use crate::view::Style;
use crate::{Body, Full, Link, MessageFlags, REPLY_MAX, Route, Socket, View, Writer};

/// Notifies `socket` of the changes from `old` to `new`: calls `emit` with each notification, and the group
/// that it goes to, if the socket has joined that.
///
/// First come links that go down or away, with everything that depends on them, then links, addresses, rules,
/// routes and neighbours that are new or different. As from the kernel, a link that changes its state is
/// reported with the state of IPv6 before the change, and IPv4 routes that vanish with their link are not
/// reported.
///
/// Each notification is a datagram from the kernel's port 0 with the sequence number 0. One that no datagram
/// can hold is left out.
pub fn publish<O: ByteOrder>(
    old: &View<'_>,
    new: &View<'_>,
    socket: &Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(u32, &[u8]),
) {
    let mut to = Recipient::<O> { socket, scratch, emit, order: core::marker::PhantomData };
    let is_up =
        |view: &View<'_>, index| view.link(index).is_some_and(|link| link.flags.contains(LinkFlags::UP));
    let goes_down = |index| is_up(old, index) && !is_up(new, index);
    for link in old.links.iter().filter(|link| goes_down(link.index)) {
        let ready = Some(link.is_ready());
        match new.link(link.index) {
            Some(down) => to.link(RTM_NEWLINK, down, changed_flags(link, down), ready, new),
            // `dev_close_many` (`net/core/dev.c`)
            None => {
                let change = LinkFlags::UP | LinkFlags::RUNNING;
                to.link(RTM_NEWLINK, &closed(link), change.bits(), ready, old);
            }
        }
    }
    to.neighs(old, new, RTM_DELNEIGH);
    // `fib_sync_down_dev` (`net/ipv4/fib_semantics.c`) reports nothing.
    to.routes(old, new, RTM_DELROUTE, |route| {
        route.dst.is_ipv4() && route.kind != RTN_LOCAL && goes_down(route.oif)
    });
    to.rules(old, new, RTM_DELRULE);
    to.addrs(old, new, RTM_DELADDR);
    for link in old.links.iter().filter(|link| new.link(link.index).is_none()) {
        to.link(RTM_DELLINK, &Link { qdisc: b"noop", ..closed(link) }, u32::MAX, None, old);
    }
    for link in new.links.iter().filter(|link| !old.links.contains(link) && !goes_down(link.index)) {
        let before = old.link(link.index);
        let change = before.map_or(u32::MAX, |before| changed_flags(before, link));
        to.link(RTM_NEWLINK, link, change, Some(before.is_some_and(Link::is_ready)), new);
    }
    to.addrs(new, old, RTM_NEWADDR);
    to.rules(new, old, RTM_NEWRULE);
    to.routes(new, old, RTM_NEWROUTE, |_| false);
    to.neighs(new, old, RTM_NEWNEIGH);
}

/// A link that has been set down, before it is deleted.
fn closed<'a>(link: &Link<'a>) -> Link<'a> {
    Link { flags: link.flags.difference(VOLATILE | LinkFlags::UP), ..*link }
}

/// The flags that have been changed: `ifi_change`.
fn changed_flags(before: &Link<'_>, after: &Link<'_>) -> u32 {
    (before.flags ^ after.flags).difference(VOLATILE).bits()
}

/// The flags that follow from the state of the device, and are in no `ifi_change`: `IFF_VOLATILE`.
const VOLATILE: LinkFlags = LinkFlags::RUNNING.union(LinkFlags::LOWER_UP);

/// The socket that notifications go to.
struct Recipient<'a, O: ByteOrder> {
    socket: &'a Socket,
    scratch: &'a mut [u8; REPLY_MAX],
    emit: &'a mut dyn FnMut(u32, &[u8]),
    order: core::marker::PhantomData<O>,
}

impl<O: ByteOrder> Recipient<'_, O> {
    /// One link. `is_ready` as in [`Link::write_as`].
    fn link(&mut self, kind: u16, link: &Link<'_>, change: u32, is_ready: Option<bool>, view: &View<'_>) {
        self.send(RTNLGRP_LINK, kind, MessageFlags::empty(), |body| match view.style {
            Style::Kernel => {
                let header = IfInfoMsg { change: U32::new(change), ..link.header::<O>(AF_UNSPEC) };
                link.write_as(&header, is_ready, false, view.since, body)
            }
            Style::Minimal => link.write_minimal(body),
        });
    }

    /// The addresses of one view that the other has not.
    fn addrs(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for addr in of.addrs.iter().filter(|addr| !other.addrs.contains(addr)) {
            let group = if addr.ip.is_ipv4() { RTNLGRP_IPV4_IFADDR } else { RTNLGRP_IPV6_IFADDR };
            self.send(group, kind, MessageFlags::empty(), |body| match of.style {
                Style::Kernel => addr.write(of.since, body),
                Style::Minimal => addr.write_minimal(body),
            });
        }
    }

    fn routes(&mut self, of: &View<'_>, other: &View<'_>, kind: u16, is_silent: impl Fn(&Route) -> bool) {
        // `NLM_F_EXCL` and `NLM_F_CREATE`: no route to the destination was replaced.
        let flags = if kind == RTM_NEWROUTE { 0x200 | 0x400 } else { 0 };
        for route in of.routes.iter().filter(|route| !other.routes.contains(route) && !is_silent(route)) {
            let group = if route.dst.is_ipv4() { RTNLGRP_IPV4_ROUTE } else { RTNLGRP_IPV6_ROUTE };
            self.send(group, kind, MessageFlags::from_bits_retain(flags), |body| route.write(body));
        }
    }

    fn rules(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for rule in of.rules.iter().filter(|rule| !other.rules.contains(rule)) {
            let group = match rule.family {
                AF_INET => RTNLGRP_IPV4_RULE,
                AF_INET6 => RTNLGRP_IPV6_RULE,
                _ => continue,
            };
            self.send(group, kind, MessageFlags::empty(), |body| rule.write(body));
        }
    }

    fn neighs(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for neigh in of.neighs.iter().filter(|neigh| !other.neighs.contains(neigh)) {
            self.send(RTNLGRP_NEIGH, kind, MessageFlags::empty(), |body| neigh.write(body));
        }
    }

    fn send(
        &mut self,
        group: u32,
        kind: u16,
        flags: MessageFlags,
        body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
    ) {
        let joined = self.socket.groups & bit(group) != 0;
        if !joined || self.socket.protocol != Protocol::Route {
            return;
        }
        let mut writer = Writer::<O>::new(self.scratch);
        if writer.message(kind, flags, 0, 0, body).is_ok() {
            (self.emit)(group, writer.as_bytes());
        }
    }
}
