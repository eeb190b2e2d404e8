//! Notifications: what has changed between two views, for the groups that a socket has joined.

use zerocopy::ByteOrder;

use crate::rtnetlink::*;
use crate::socket::Protocol;
use crate::view::Style;
use crate::{Body, Full, MessageFlags, REPLY_MAX, Socket, View, Writer, ip};

/// Tells `socket` what has changed from `old` to `new`: calls `emit` with each notification, and the
/// group it goes to, if the socket has joined that.
///
/// First comes what is gone, in the order in which it depends on each other, and then what is new or
/// different. As the kernel's, each is a datagram from the kernel's port 0 with the sequence number 0.
/// What no datagram can hold is left out.
pub fn publish<O: ByteOrder>(
    old: &View<'_>,
    new: &View<'_>,
    socket: &Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(u32, &[u8]),
) {
    let mut to = Recipient::<O> { socket, scratch, emit, order: core::marker::PhantomData };
    to.neighs(old, new, RTM_DELNEIGH);
    to.routes(old, new, RTM_DELROUTE);
    to.rules(old, new, RTM_DELRULE);
    to.addrs(old, new, RTM_DELADDR);
    for link in old.links.iter().filter(|link| new.link(link.index).is_none()) {
        to.send(RTNLGRP_LINK, RTM_DELLINK, |body| link.write(false, old.since, body));
    }
    for link in new.links.iter().filter(|link| !old.links.contains(link)) {
        to.send(RTNLGRP_LINK, RTM_NEWLINK, |body| match new.style {
            Style::Kernel => link.write(false, new.since, body),
            Style::Minimal => link.write_minimal(body),
        });
    }
    to.addrs(new, old, RTM_NEWADDR);
    to.rules(new, old, RTM_NEWRULE);
    to.routes(new, old, RTM_NEWROUTE);
    to.neighs(new, old, RTM_NEWNEIGH);
}

/// Whom notifications go to.
struct Recipient<'a, O: ByteOrder> {
    socket: &'a Socket,
    scratch: &'a mut [u8; REPLY_MAX],
    emit: &'a mut dyn FnMut(u32, &[u8]),
    order: core::marker::PhantomData<O>,
}

impl<O: ByteOrder> Recipient<'_, O> {
    /// The addresses of one view that the other has not.
    fn addrs(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for addr in of.addrs.iter().filter(|addr| !other.addrs.contains(addr)) {
            let group = if addr.ip.is_ipv4() { RTNLGRP_IPV4_IFADDR } else { RTNLGRP_IPV6_IFADDR };
            self.send(group, kind, |body| match of.style {
                Style::Kernel => addr.write(of.since, body),
                Style::Minimal => addr.write_minimal(body),
            });
        }
    }

    fn routes(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for route in of.routes.iter().filter(|route| !other.routes.contains(route)) {
            let v4 = ip::family(route.dst) == AF_INET;
            self.send(if v4 { RTNLGRP_IPV4_ROUTE } else { RTNLGRP_IPV6_ROUTE }, kind, |body| {
                route.write(body)
            });
        }
    }

    fn rules(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for rule in of.rules.iter().filter(|rule| !other.rules.contains(rule)) {
            let group = match rule.family {
                AF_INET => RTNLGRP_IPV4_RULE,
                AF_INET6 => RTNLGRP_IPV6_RULE,
                _ => continue,
            };
            self.send(group, kind, |body| rule.write(body));
        }
    }

    fn neighs(&mut self, of: &View<'_>, other: &View<'_>, kind: u16) {
        for neigh in of.neighs.iter().filter(|neigh| !other.neighs.contains(neigh)) {
            self.send(RTNLGRP_NEIGH, kind, |body| neigh.write(body));
        }
    }

    fn send(&mut self, group: u32, kind: u16, body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>) {
        let joined = self.socket.groups & 1u64.rotate_left(group.wrapping_sub(1)) != 0;
        if !joined || self.socket.protocol != Protocol::Route {
            return;
        }
        let mut writer = Writer::<O>::new(self.scratch);
        if writer.message(kind, MessageFlags::empty(), 0, 0, body).is_ok() {
            (self.emit)(group, writer.as_bytes());
        }
    }
}
