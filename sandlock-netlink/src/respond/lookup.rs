//! Which route a packet takes: `RTM_GETROUTE` for one destination.
//!
//! `inet_rtm_getroute` (`net/ipv4/route.c`) and `inet6_rtm_getroute` (`net/ipv6/route.c`), and what
//! they ask `ip_route_output_key_hash_rcu` and the rules.

use core::net::IpAddr;

use zerocopy::{ByteOrder, U32};

use super::requests::*;
use super::{Ask, Out};
use crate::route::write_cache_info;
use crate::rtnetlink::*;
use crate::schema::Form;
use crate::{Attrs, Errno, Link, Route, View, ip};

/// What is said of a request with an address of another length.
pub(super) const LENGTHS4: &str = "ipv4: rtm_src_len and rtm_dst_len must be 32 for IPv4";
pub(super) const LENGTHS6: &str = "ipv6: rtm_src_len and rtm_dst_len must be 128 for IPv6";

/// What a lookup is about.
struct Flow {
    dst: IpAddr,
    src: IpAddr,
    oif: u32,
    iif: u32,
    mark: u32,
    uid: u32,
    /// `rtm_flags` of the request.
    flags: u32,
}

/// Reads a request, and refuses what no lookup can be about.
fn read<'a, O: ByteOrder>(
    ask: &mut Ask<'a, O>,
    form: &Form,
    (bits, flags, lengths): (u8, &'static str, &'static str),
) -> Result<Flow, Errno> {
    let message = ask.message;
    let header = message.body::<RtMsg<O>>().map(|(header, _)| header);
    if ask.strict()
        && let Ok(header) = header
    {
        let v4 = if bits == 32 { RTM_F_NOTIFY | RTM_F_LOOKUP_TABLE } else { 0 };
        let known = RTM_F_FIB_MATCH | v4;
        ask.refuse_if(
            [header.dst_len, header.src_len].iter().any(|len| *len != 0 && *len != bits),
            form.values,
        )?;
        form.strict_header(ask)?;
        ask.refuse_if(header.flags.get() & !known != 0, flags)?;
    }
    let attrs: Attrs<'a, O> = form.read(ask)?;
    let header = header.map_err(|_| Errno::EINVAL)?;
    let find = |kind| attrs.last_of(kind);
    let lacks = |kind, len: u8| find(kind).is_some() && len == 0;
    ask.refuse_if(
        ask.strict() && (lacks(RTA_SRC, header.src_len) || lacks(RTA_DST, header.dst_len)),
        lengths,
    )?;
    // It has twenty bits.
    let label = find(RTA_FLOWLABEL).filter(|label| !matches!(label.payload(), [0, 0..16, ..]));
    if let Some(label) = label.filter(|_| ask.strict()) {
        return Err(ask.ext.blame(Errno::EINVAL, "Invalid flow label", message, label, None));
    }
    let number = |kind| find(kind).and_then(|attr| attr.u32().ok());
    let unspecified = ip::unspecified(header.family);
    // Too short an address is refused by the policy for IPv4, and only here for IPv6.
    let address = |kind| match find(kind) {
        None => Ok(unspecified),
        Some(attr) => ip::read(header.family, attr).ok_or(Errno::EINVAL),
    };
    let flow = Flow {
        src: address(RTA_SRC)?,
        dst: address(RTA_DST)?,
        oif: number(RTA_OIF).unwrap_or(0),
        iif: number(RTA_IIF).unwrap_or(0),
        mark: number(RTA_MARK).unwrap_or(0),
        uid: number(RTA_UID).unwrap_or(ask.socket.uid),
        flags: header.flags.get(),
    };
    // TCP, UDP, and the ICMP of the family.
    let icmp = if header.family == AF_INET { 1 } else { 58 };
    let proto = find(RTA_IP_PROTO).and_then(|attr| attr.u8().ok());
    if proto.is_some_and(|proto| ![6, 17, icmp].contains(&proto)) {
        return Err(ask.ext.because(Errno::EOPNOTSUPP, "Unsupported ip proto"));
    }
    Ok(flow)
}

/// The longest prefix, in the first table by the rules that has any: `fib_lookup`.
fn find<'a>(view: &View<'a>, dst: IpAddr, oif: u32) -> Result<Option<&'a Route>, Errno> {
    for rule in view.rules.iter().filter(|rule| rule.family == ip::family(dst)) {
        let candidates = view.routes.iter().filter(|route| {
            let link = oif == 0 || route.oif == oif;
            route.table == rule.table && link && route.covers(dst)
        });
        // Of equals the first is as good as any.
        let best = candidates.min_by_key(|route| (u8::MAX.wrapping_sub(route.prefix_len), route.priority));
        match best.map(|route| route.kind) {
            None | Some(RTN_THROW) => {}
            Some(RTN_UNREACHABLE) => return Err(Errno::EHOSTUNREACH),
            Some(RTN_BLACKHOLE) => return Err(Errno::EINVAL),
            Some(RTN_PROHIBIT) => return Err(Errno::EACCES),
            Some(_) => return Ok(best),
        }
    }
    Ok(None)
}

/// The source address for packets out of a link: one that is valid at least as far as `scope`.
fn select_source(view: &View<'_>, oif: u32, v4: bool, scope: u8) -> Option<IpAddr> {
    let mut of_family = view.addrs.iter().filter(|addr| addr.ip.is_ipv4() == v4 && addr.scope <= scope);
    let own = of_family.clone().find(|addr| addr.index == oif);
    own.or_else(|| of_family.find(|addr| addr.scope != RT_SCOPE_LINK)).map(|addr| addr.ip)
}

/// What an IPv4 packet's way is, besides the route it was found by.
struct Way<'a> {
    kind: u8,
    oif: u32,
    src: Option<IpAddr>,
    route: Option<&'a Route>,
}

/// `ip_route_output_key_hash_rcu`.
fn find4<'a>(view: &View<'a>, flow: &Flow) -> Result<Way<'a>, Errno> {
    let IpAddr::V4(dst) = flow.dst else { return Err(Errno::EINVAL) };
    let IpAddr::V4(src) = flow.src else { return Err(Errno::EINVAL) };
    let given = Some(flow.src).filter(|src| !src.is_unspecified());
    let to_many = dst.is_multicast() || dst.is_broadcast();
    let mut oif = flow.oif;
    if given.is_some() {
        if src.is_multicast() || src.is_broadcast() || src.octets().starts_with(&[0]) {
            return Err(Errno::EINVAL);
        }
        let local = view.routes.iter().find(|route| route.kind == RTN_LOCAL && route.covers(flow.src));
        if oif == 0 {
            let own = local.ok_or(Errno::ENETUNREACH)?.oif;
            oif = if to_many { own } else { 0 };
        }
    }
    if oif != 0 {
        let link = view.link(oif).ok_or(Errno::ENODEV)?;
        if !link.flags.contains(LinkFlags::UP) {
            return Err(Errno::ENETUNREACH);
        }
        if to_many {
            let kind = if dst.is_multicast() { RTN_MULTICAST } else { RTN_BROADCAST };
            let src = given.or_else(|| select_source(view, oif, true, RT_SCOPE_LINK));
            return Ok(Way { kind, oif, src, route: None });
        }
    }
    let loopback = view.links.iter().find(|link| link.is_loopback()).map_or(0, |link| link.index);
    if dst.is_unspecified() {
        let src = given.or(Some(core::net::Ipv4Addr::LOCALHOST.into()));
        return Ok(Way { kind: RTN_LOCAL, oif: loopback, src, route: None });
    }
    match find(view, flow.dst, flow.oif)? {
        Some(route) if route.kind == RTN_LOCAL => {
            let src = given.or(route.prefsrc).or(Some(flow.dst));
            Ok(Way { kind: RTN_LOCAL, oif: loopback, src, route: Some(route) })
        }
        Some(route) => {
            let select = || select_source(view, route.oif, true, RT_SCOPE_UNIVERSE);
            let src = given.or(route.prefsrc).or_else(select);
            Ok(Way { kind: route.kind, oif: route.oif, src, route: Some(route) })
        }
        // Asked for a link, the kernel takes it that everything is on it.
        None if flow.oif != 0 => {
            let src = given.or_else(|| select_source(view, flow.oif, true, RT_SCOPE_LINK));
            Ok(Way { kind: RTN_UNICAST, oif: flow.oif, src, route: None })
        }
        None => Err(Errno::ENETUNREACH),
    }
}

/// `inet_rtm_getroute`.
pub(super) fn get4<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let unsupported = "ipv4: Unsupported rtm_flags for route get request";
    let flow = read(ask, &ROUTE4_GET, (32, unsupported, LENGTHS4))?;
    if flow.iif != 0 {
        // Nothing arrives from outside at a loopback, and elsewhere nothing arrives.
        return Err(if ask.view.link(flow.iif).is_some() { Errno::EINVAL } else { Errno::ENODEV });
    }
    let way = find4(ask.view, &flow)?;
    // The kernel keeps the local table within the main one as long as there are no rules but the
    // first three.
    let table = |route: &Route| if route.table == RT_TABLE_LOCAL { RT_TABLE_MAIN } else { route.table };
    if flow.flags & RTM_F_FIB_MATCH != 0 {
        let route = way.route.ok_or(Errno::EHOSTUNREACH)?;
        return Ok(out.message(RTM_NEWROUTE, |body| route.write_as_of(table(route), body))?);
    }
    let table = match way.route {
        _ if flow.flags & RTM_F_LOOKUP_TABLE == 0 => RT_TABLE_MAIN,
        route => route.map_or(RT_TABLE_UNSPEC, table),
    };
    let loopback = ask.view.link(way.oif).is_some_and(Link::is_loopback);
    let flags = match way.kind {
        RTN_LOCAL => RTCF_LOCAL,
        RTN_UNICAST if loopback => RTCF_LOCAL,
        RTN_BROADCAST => RTCF_BROADCAST | RTCF_LOCAL,
        RTN_MULTICAST => RTCF_MULTICAST | RTCF_LOCAL,
        _ => 0,
    };
    // `RTCF_NOTIFY` goes with the other.
    let notify = if flow.flags & RTM_F_NOTIFY == 0 { 0 } else { RTM_F_NOTIFY | 0x1_0000 };
    let given = !flow.src.is_unspecified();
    Ok(out.message(RTM_NEWROUTE, |body| {
        body.put(&RtMsg::<O> {
            family: AF_INET,
            dst_len: 32,
            src_len: if given { 32 } else { 0 },
            tos: 0,
            table: crate::route::short_table(table),
            protocol: 0,
            scope: 0,
            kind: way.kind,
            flags: U32::new(flags | notify | RTM_F_CLONED),
        })?;
        body.u32(RTA_TABLE, table)?;
        ip::write(body, RTA_DST, flow.dst)?;
        if given {
            ip::write(body, RTA_SRC, flow.src)?;
        }
        body.u32(RTA_OIF, way.oif)?;
        way.src.filter(|_| !given).map_or(Ok(()), |src| ip::write(body, RTA_PREFSRC, src))?;
        let gateway = way.route.and_then(|route| route.gateway);
        gateway.map_or(Ok(()), |gateway| ip::write(body, RTA_GATEWAY, gateway))?;
        if flow.mark != 0 {
            body.u32(RTA_MARK, flow.mark)?;
        }
        if flow.uid != u32::MAX {
            body.u32(RTA_UID, flow.uid)?;
        }
        // A route that was found is cached, and so in use once more.
        write_cache_info(body, if way.route.is_some() { 2 } else { 1 })
    })?)
}

/// `inet6_rtm_getroute`.
pub(super) fn get6<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let unsupported = "ipv6: Invalid flags for get route request";
    let flow = read(ask, &ROUTE6_GET, (128, unsupported, LENGTHS6))?;
    if flow.iif != 0 && ask.view.link(flow.iif).is_none() {
        return Err(Errno::ENODEV);
    }
    let route = find(ask.view, flow.dst, flow.oif)?.ok_or(Errno::ENETUNREACH)?;
    if flow.flags & RTM_F_FIB_MATCH != 0 {
        return Ok(out.message(RTM_NEWROUTE, |body| route.write(body))?);
    }
    let scope = if flow.dst.is_loopback() { u8::MAX } else { RT_SCOPE_LINK };
    let src = route.prefsrc.or_else(|| select_source(ask.view, route.oif, false, scope));
    Ok(out.message(RTM_NEWROUTE, |body| {
        body.put(&RtMsg::<O> { dst_len: 128, src_len: 128, ..route.header::<O>(route.table) })?;
        body.u32(RTA_TABLE, route.table)?;
        ip::write(body, RTA_DST, flow.dst)?;
        ip::write(body, RTA_SRC, flow.src)?;
        match src {
            _ if flow.iif != 0 => body.u32(RTA_IIF, flow.iif)?,
            Some(src) => ip::write(body, RTA_PREFSRC, src)?,
            None => {}
        }
        body.u32(RTA_PRIORITY, route.priority)?;
        route.gateway.map_or(Ok(()), |gateway| ip::write(body, RTA_GATEWAY, gateway))?;
        body.u32(RTA_OIF, route.oif)?;
        write_cache_info(body, 2)?;
        body.u8(RTA_PREF, 0)
    })?)
}
