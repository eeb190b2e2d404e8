//! Which route a packet takes: `RTM_GETROUTE` for one destination.
//!
//! `inet_rtm_getroute` (`net/ipv4/route.c`) and `inet6_rtm_getroute` (`net/ipv6/route.c`), and what
//! they ask `ip_route_output_key_hash_rcu` and the rules.

use core::net::{IpAddr, Ipv4Addr};

use zerocopy::{ByteOrder, U32};

use super::format::RequestFormat;
use super::formats::*;
use super::request::{Out, Request};
use crate::route::write_cache_info;
use crate::rtnetlink::*;
use crate::{Attrs, Errno, Link, Route, View, ip};

/// The messages for a request with an address of another length.
pub(super) const LENGTHS4: &str = "ipv4: rtm_src_len and rtm_dst_len must be 32 for IPv4";
pub(super) const LENGTHS6: &str = "ipv6: rtm_src_len and rtm_dst_len must be 128 for IPv6";

/// What a lookup is about.
struct Flow {
    dst: IpAddr,
    src: IpAddr,
    oif: u32,
    /// The link it arrives at; 0: it is sent from here.
    iif: u32,
    mark: u32,
    uid: u32,
    /// `rtm_flags` of the request.
    flags: u32,
}

impl Flow {
    /// The source, if the request has one.
    fn given(&self) -> Option<IpAddr> {
        Some(self.src).filter(|src| !src.is_unspecified())
    }
}

/// Refuses a header in which the length of an address is neither 0 nor `bits`, or another byte is not 0.
pub(super) fn check_lengths<O: ByteOrder>(
    request: &mut Request<'_, O>,
    format: &RequestFormat,
    bits: u8,
) -> Result<(), Errno> {
    let lengths = request.message.payload().get(1..3).unwrap_or_default();
    let wrong = lengths.iter().any(|len| *len != 0 && *len != bits);
    request.refuse_if(wrong && request.message.payload().len() >= format.size, format.values)?;
    format.strict_header(request)
}

/// Refuses addresses of no length.
pub(super) fn check_addresses<O: ByteOrder>(
    request: &mut Request<'_, O>,
    attrs: &Attrs<'_, O>,
    why: &'static str,
) -> Result<(), Errno> {
    let lengths = request.message.payload().get(1..3).unwrap_or_default();
    let lacks =
        [RTA_DST, RTA_SRC].iter().zip(lengths).any(|(kind, len)| *len == 0 && attrs.last_of(*kind).is_some());
    request.refuse_if(lacks, why)
}

/// Reads a request, and refuses one that no lookup can answer.
fn read<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Flow, Errno> {
    let message = request.message;
    let v4 = request.family() == AF_INET;
    let (format, bits, lengths) = if v4 { (ROUTE4_GET, 32, LENGTHS4) } else { (ROUTE6_GET, 128, LENGTHS6) };
    let (known, unsupported) = if v4 {
        let known = RTM_F_FIB_MATCH | RTM_F_NOTIFY | RTM_F_LOOKUP_TABLE;
        (known, "ipv4: Unsupported rtm_flags for route get request")
    } else {
        (RTM_F_FIB_MATCH, "ipv6: Invalid flags for get route request")
    };
    let attrs = if request.strict() {
        check_lengths(request, &format, bits)?;
        let (header, _) = message.body::<RtMsg<O>>()?;
        request.refuse_if(header.flags.get() & !known != 0, unsupported)?;
        let attrs = format.parse_strict(request)?;
        check_addresses(request, &attrs, lengths)?;
        // It has twenty bits.
        let label = attrs.last_of(RTA_FLOWLABEL).filter(|label| !matches!(label.payload(), [0, 0..16, ..]));
        if let Some(label) = label.filter(|_| !v4) {
            return Err(request.blame(Errno::EINVAL, "Invalid flow label", label, None));
        }
        format.each(request, &attrs, |_, _| Ok(()))?;
        attrs
    } else {
        format.lenient(request)?
    };
    let (header, _) = message.body::<RtMsg<O>>()?;
    let unspecified = ip::unspecified(header.family);
    // Too short an address is refused by the policy for IPv4, and only here for IPv6.
    let address = |kind| match attrs.last_of(kind) {
        None => Ok(unspecified),
        Some(attr) => ip::read(header.family, attr).ok_or(Errno::EINVAL),
    };
    let iif = attrs.number(RTA_IIF);
    // A packet that arrives has no user.
    let uid = if iif == 0 { request.socket.uid } else { u32::MAX };
    let flow = Flow {
        src: address(RTA_SRC)?,
        dst: address(RTA_DST)?,
        oif: attrs.number(RTA_OIF),
        iif,
        mark: attrs.number(RTA_MARK),
        uid: attrs.last_of(RTA_UID).map_or(Ok(uid), |attr| attr.u32())?,
        flags: header.flags.get(),
    };
    // TCP, UDP, and the ICMP of the family.
    let icmp = if v4 { 1 } else { 58 };
    let proto = attrs.last_of(RTA_IP_PROTO).and_then(|attr| attr.u8().ok());
    if proto.is_some_and(|proto| ![6, 17, icmp].contains(&proto)) {
        return Err(request.ext.because(Errno::EOPNOTSUPP, "Unsupported ip proto"));
    }
    Ok(flow)
}

/// The longest prefix in a table: `fib_table_lookup`. Of equals the first is as good as any.
fn find_in_table<'a>(view: &View<'a>, table: u32, dst: IpAddr, oif: u32) -> Option<&'a Route> {
    let candidates = view.routes.iter().filter(|route| {
        let link = oif == 0 || route.oif == oif;
        route.table == table && link && route.covers(dst)
    });
    candidates.min_by_key(|route| (u8::MAX.wrapping_sub(route.prefix_len), route.priority))
}

/// The longest prefix, in the first table by the rules that has any: `fib_lookup`.
fn find<'a>(view: &View<'a>, dst: IpAddr, oif: u32) -> Result<Option<&'a Route>, Errno> {
    for rule in view.rules.iter().filter(|rule| rule.family == ip::family(dst)) {
        let best = find_in_table(view, rule.table, dst, oif);
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

/// An IPv4 packet's way: `struct rtable`, and what it was found by.
struct Lookup<'a> {
    kind: u8,
    /// `RTCF_*`
    flags: u32,
    oif: u32,
    src: Option<IpAddr>,
    /// The entry found in the tables: `res->fi`.
    route: Option<&'a Route>,
    /// Whether that keeps the way, which is then in use once more.
    is_cached: bool,
}

/// All hosts, the group that each link is in.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

/// The loopback's index.
fn loopback(view: &View<'_>) -> u32 {
    view.links.iter().find(|link| link.is_loopback()).map_or(0, |link| link.index)
}

/// `ip_route_output_key_hash_rcu`: the way of a packet that this machine sends.
fn find_output<'a>(view: &View<'a>, flow: &Flow) -> Result<Lookup<'a>, Errno> {
    let (IpAddr::V4(dst), IpAddr::V4(src)) = (flow.dst, flow.src) else { return Err(Errno::EINVAL) };
    let given = flow.given();
    let mut oif = flow.oif;
    if given.is_some() {
        if src.is_multicast() || src.is_broadcast() {
            return Err(Errno::EINVAL);
        }
        // `__ip_dev_find`
        let local = find_in_table(view, RT_TABLE_LOCAL, flow.src, 0);
        let local = local.filter(|route| route.kind == RTN_LOCAL).ok_or(Errno::ENETUNREACH)?;
        if oif == 0 && (dst.is_multicast() || dst.is_broadcast()) {
            oif = local.oif;
            return make_output(view, flow, oif, (RTN_UNSPEC, None), given);
        }
    }
    let select = |scope| given.or_else(|| select_source(view, oif, true, scope));
    let mut src = given;
    if oif != 0 {
        let link = view.link(oif).ok_or(Errno::ENODEV)?;
        if !link.flags.contains(LinkFlags::UP) {
            return Err(Errno::ENETUNREACH);
        }
        if dst.is_broadcast() || dst.octets().starts_with(&[224, 0, 0]) {
            return make_output(view, flow, oif, (RTN_UNSPEC, None), select(RT_SCOPE_LINK));
        }
        if dst.is_multicast() {
            src = select(RT_SCOPE_UNIVERSE);
        } else if dst.is_unspecified() {
            src = select(RT_SCOPE_HOST);
        }
    }
    if dst.is_unspecified() {
        let dst = src.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let to_self = Flow { dst, ..*flow };
        return make_output(view, &to_self, loopback(view), (RTN_LOCAL, None), Some(dst));
    }
    match find(view, flow.dst, oif) {
        Ok(Some(route)) if route.kind == RTN_LOCAL => {
            let src = src.or(route.prefsrc).or(Some(flow.dst));
            make_output(view, flow, loopback(view), (RTN_LOCAL, Some(route)), src)
        }
        Ok(Some(route)) => {
            let select = || select_source(view, route.oif, true, RT_SCOPE_UNIVERSE);
            let src = src.or(route.prefsrc).or_else(select);
            make_output(view, flow, route.oif, (route.kind, Some(route)), src)
        }
        // Where the request names a link, the kernel assumes that every destination is on it.
        Ok(None) | Err(_) if oif != 0 => {
            make_output(view, flow, oif, (RTN_UNICAST, None), src.or_else(|| select(RT_SCOPE_LINK)))
        }
        Ok(None) => Err(Errno::ENETUNREACH),
        Err(errno) => Err(errno),
    }
}

/// `__mkroute_output`.
fn make_output<'a>(
    view: &View<'_>,
    flow: &Flow,
    oif: u32,
    (kind, route): (u8, Option<&'a Route>),
    src: Option<IpAddr>,
) -> Result<Lookup<'a>, Errno> {
    let IpAddr::V4(dst) = flow.dst else { return Err(Errno::EINVAL) };
    let is_loopback = view.link(oif).is_some_and(Link::is_loopback);
    if src.is_some_and(|src| src.is_loopback()) && !is_loopback {
        return Err(Errno::EINVAL);
    }
    let local = if is_loopback || kind == RTN_LOCAL { RTCF_LOCAL } else { 0 };
    let (kind, flags) = match kind {
        _ if dst.is_multicast() && dst != ALL_HOSTS => (RTN_MULTICAST, RTCF_MULTICAST),
        _ if dst.is_multicast() => (RTN_MULTICAST, RTCF_MULTICAST | RTCF_LOCAL),
        _ if dst.is_broadcast() => (RTN_BROADCAST, RTCF_BROADCAST | RTCF_LOCAL),
        RTN_BROADCAST => (kind, RTCF_BROADCAST | RTCF_LOCAL),
        _ => (kind, local),
    };
    let is_cached = route.is_some_and(|route| {
        let hack = kind == RTN_MULTICAST && (route.prefix_len < 4 || dst == ALL_HOSTS);
        !hack && !dst.is_broadcast()
    });
    Ok(Lookup { kind, flags, oif, src, route, is_cached })
}

/// `ip_route_input_rcu`: the way of a packet that arrives at a link.
fn find_input<'a>(view: &View<'a>, flow: &Flow) -> Result<Lookup<'a>, Errno> {
    let (IpAddr::V4(dst), IpAddr::V4(src)) = (flow.dst, flow.src) else { return Err(Errno::EINVAL) };
    let link = view.link(flow.iif).ok_or(Errno::ENODEV)?;
    let lookup = |kind, flags, route: Option<&'a Route>| {
        let flags = flags | RTCF_LOCAL;
        Ok(Lookup { kind, flags, oif: loopback(view), src: None, route, is_cached: route.is_some() })
    };
    // No packet comes from a group, nor, by `fib_validate_source`, from an address of this machine.
    let from_many = src.is_multicast() || src.is_broadcast();
    let is_own = view.addrs.iter().any(|addr| addr.ip == flow.src);
    if dst.is_multicast() {
        // The one group is local to the link, and so 0.0.0.0 may send to it.
        let is_member = dst == ALL_HOSTS && link.flags.contains(LinkFlags::UP);
        let refused = !is_member || from_many || is_own || src.is_loopback();
        return if refused { Err(Errno::EINVAL) } else { lookup(RTN_MULTICAST, RTCF_MULTICAST, None) };
    }
    if dst.is_broadcast() || (src.is_unspecified() && dst.is_unspecified()) {
        let refused = from_many || is_own;
        return if refused { Err(Errno::EINVAL) } else { lookup(RTN_BROADCAST, RTCF_BROADCAST, None) };
    }
    if from_many || [src, dst].iter().any(|ip| ip.is_unspecified() || ip.is_loopback()) {
        return Err(Errno::EINVAL);
    }
    match find(view, flow.dst, 0).ok().flatten() {
        Some(route) if matches!(route.kind, RTN_BROADCAST | RTN_LOCAL) && is_own => Err(Errno::EINVAL),
        Some(route) if route.kind == RTN_BROADCAST => lookup(RTN_BROADCAST, RTCF_BROADCAST, Some(route)),
        Some(route) if route.kind == RTN_LOCAL => lookup(RTN_LOCAL, 0, Some(route)),
        // This machine forwards no packet.
        _ => Err(Errno::EHOSTUNREACH),
    }
}

/// `inet_rtm_getroute`.
pub(super) fn get4<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let flow = read(request)?;
    let lookup =
        if flow.iif == 0 { find_output(request.view, &flow)? } else { find_input(request.view, &flow)? };
    let table = match lookup.route {
        _ if flow.flags & RTM_F_LOOKUP_TABLE == 0 => RT_TABLE_MAIN,
        None => RT_TABLE_UNSPEC,
        // The kernel keeps the local table within the main one as long as there are only the first three
        // rules.
        Some(route) if route.table == RT_TABLE_LOCAL => RT_TABLE_MAIN,
        Some(route) => route.table,
    };
    if flow.flags & RTM_F_FIB_MATCH != 0 {
        let route = lookup.route.ok_or(Errno::EHOSTUNREACH)?;
        return Ok(out.message(RTM_NEWROUTE, |body| route.write_as_of(table, 0, body))?);
    }
    // `RTCF_NOTIFY` goes with the other.
    let notify = if flow.flags & RTM_F_NOTIFY == 0 { 0 } else { RTM_F_NOTIFY | 0x1_0000 };
    let given = flow.given();
    Ok(out.message(RTM_NEWROUTE, |body| {
        body.put(&RtMsg::<O> {
            family: AF_INET,
            dst_len: 32,
            src_len: if given.is_some() { 32 } else { 0 },
            table: crate::route::short_table(table),
            kind: lookup.kind,
            flags: U32::new(lookup.flags | notify | RTM_F_CLONED),
            ..RtMsg::default()
        })?;
        body.u32(RTA_TABLE, table)?;
        ip::write(body, RTA_DST, flow.dst)?;
        given.map_or(Ok(()), |src| ip::write(body, RTA_SRC, src))?;
        body.u32(RTA_OIF, lookup.oif)?;
        lookup.src.filter(|_| given.is_none()).map_or(Ok(()), |src| ip::write(body, RTA_PREFSRC, src))?;
        let gateway = lookup.route.and_then(|route| route.gateway);
        gateway.map_or(Ok(()), |gateway| ip::write(body, RTA_GATEWAY, gateway))?;
        if flow.mark != 0 {
            body.u32(RTA_MARK, flow.mark)?;
        }
        if flow.uid != u32::MAX {
            body.u32(RTA_UID, flow.uid)?;
        }
        if flow.iif != 0 {
            body.u32(RTA_IIF, flow.iif)?;
        }
        write_cache_info(body, if lookup.is_cached { 2 } else { 1 })
    })?)
}

/// `inet6_rtm_getroute`.
pub(super) fn get6<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let flow = read(request)?;
    if flow.iif != 0 && request.view.link(flow.iif).is_none() {
        return Err(Errno::ENODEV);
    }
    // A packet that arrives may leave by any link.
    let oif = if flow.iif == 0 { flow.oif } else { 0 };
    let route = find(request.view, flow.dst, oif)?.ok_or(Errno::ENETUNREACH)?;
    if flow.flags & RTM_F_FIB_MATCH != 0 {
        return Ok(out.message(RTM_NEWROUTE, |body| route.write_as_of(route.table, flow.iif, body))?);
    }
    let scope = if flow.dst.is_loopback() { u8::MAX } else { RT_SCOPE_LINK };
    let src = route.prefsrc.or_else(|| select_source(request.view, route.oif, false, scope));
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
