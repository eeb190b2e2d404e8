//! `RTM_GETLINK`: `net/core/rtnetlink.c`, and for one family `net/ipv6/addrconf.c`, `net/ipv4/ipmr.c`.

use zerocopy::ByteOrder;

use super::format::{INVALID_HEADER_LENGTH, RequestFormat};
use super::formats::*;
use super::request::{Out, Request, StepResult, when};
use crate::attr_policy::Check;
use crate::query::Query;
use crate::rtnetlink::*;
use crate::view::Style;
use crate::{Attrs, Errno, Full, Link, MessageFlags, View};

/// The kinds of links that there are in a kernel but not in any view: `rtnl_link_ops_get`.
const KINDS: &[&[u8]] = &[b"bridge", b"ifb", b"macvlan", b"macvtap", b"tun", b"veth", b"vxlan"];

/// One link, by index or else by name: `rtnl_getlink`.
pub(super) fn get<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let attrs = LINK_GET.read(request)?;
    let (info, _) = request.message.body::<IfInfoMsg<O>>()?;
    if attrs.last_of(IFLA_NET_NS_PID).or_else(|| attrs.last_of(IFLA_NET_NS_FD)).is_some() {
        return Err(request.ext.because(Errno::EOPNOTSUPP, "specified netns attribute not supported"));
    }
    if attrs.last_of(IFLA_TARGET_NETNSID).is_some() {
        return Err(Errno::EINVAL); // No other namespace has a number here.
    }
    // The index is an int: from 2^31 up it is negative.
    let index = Some(info.index.get()).filter(|index| (1..=i32::MAX.unsigned_abs()).contains(index));
    let name = attrs.last_of(IFLA_IFNAME).or_else(|| attrs.last_of(IFLA_ALT_IFNAME));
    let link = match (index, name) {
        (Some(index), _) => request.view.link(index),
        (None, Some(name)) => request.view.link_named(name.string()),
        (None, None) => return Err(Errno::EINVAL),
    };
    Ok(send(link.ok_or(Errno::ENODEV)?, attrs.number(IFLA_EXT_MASK), out)?)
}

/// `rtnl_dump_ifinfo`. What a lenient request asks for in vain, it asks for without a word.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let netns = "Invalid target network namespace id";
    let attrs = if request.strict() {
        LINK_DUMP.strict_header(request)?;
        let (info, _) = request.message.body::<IfInfoMsg<O>>()?;
        request.refuse_if(info.index.get() != 0, "Filter by device index not supported for link dumps")?;
        let attrs = LINK_DUMP.parse_strict(request)?;
        LINK_DUMP.each(request, &attrs, |request, attr| {
            request.refuse_if(attr.kind() == IFLA_TARGET_NETNSID, netns)
        })?;
        attrs
    } else {
        // Many clients send a `struct rtgenmsg`, which is the first byte of the header.
        let rest =
            request.message.after(LINK_GET.size).or_else(|_| request.message.after(1)).unwrap_or_default();
        match LINK.check(request, Attrs::new(rest), Check::Lenient) {
            Ok(attrs) => attrs,
            Err(_) => return Ok(Query::Links { ext_mask: 0, master: 0 }),
        }
    };
    request.refuse_if(attrs.last_of(IFLA_TARGET_NETNSID).is_some(), netns)?;
    let kind = attrs.last_of(IFLA_LINKINFO).and_then(|info| info.nested().last_of(IFLA_INFO_KIND));
    if kind.is_some_and(|kind| KINDS.contains(&kind.string())) {
        return Ok(Query::Nothing);
    }
    let master = attrs.number(IFLA_MASTER);
    request.object_flags.set(MessageFlags::DUMP_FILTERED, master != 0);
    Ok(Query::Links { ext_mask: attrs.number(IFLA_EXT_MASK), master })
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, ext_mask: u32, master: u32) -> StepResult {
    let link = out.view.links.get(out.at)?;
    when(link.is_of_master(master), || send(link, ext_mask, out))
}

fn send<O: ByteOrder>(link: &Link<'_>, ext_mask: u32, out: &mut Out<'_, O>) -> Result<(), Full> {
    let view = out.view;
    out.message(RTM_NEWLINK, |body| match view.style {
        Style::Kernel => link.write(ext_mask & RTEXT_FILTER_SKIP_STATS != 0, view.since, body),
        Style::Minimal => link.write_minimal(body),
    })
}

/// `inet6_valid_dump_ifinfo`, `ipmr_valid_dumplink`, which check what follows the header first.
pub(super) fn start_plain<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let (format, query) = if request.family() == AF_INET6 {
        (LINK_DUMP_INET6, Query::Inet6Links)
    } else {
        (LINK_DUMP_IPMR, Query::MulticastTable)
    };
    if request.strict() {
        format.parse_strict(request)?;
        format.strict_header(request)?;
    }
    Ok(query)
}

/// `inet6_dump_ifinfo`.
pub(super) fn step6<O: ByteOrder>(out: &mut Out<'_, O>) -> StepResult {
    let link = out.view.links.get(out.at)?;
    let View { style, since, .. } = *out.view;
    Some(match style {
        Style::Kernel => out.message(RTM_NEWLINK, |body| link.write_as_inet6(since, body)),
        Style::Minimal => send(link, 0, out),
    })
}

/// `rtnl_bridge_getlink`: nothing, for no link is in a bridge.
pub(super) fn start_bridge<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    if request.strict() {
        LINK_DUMP_BRIDGE.strict(request)?;
    } else {
        // A fault here is reported, but is no error.
        let _told = RequestFormat { short: INVALID_HEADER_LENGTH, ..LINK_DUMP_BRIDGE }.lenient(request);
    }
    Ok(Query::Nothing)
}

/// `ipmr_rtm_dumplink`: the one table of multicast routes is dumped as if it were a link.
/// `IPMRA_TABLE_*` (`linux/mroute.h`).
pub(super) fn step_ipmr<O: ByteOrder>(out: &mut Out<'_, O>) -> StepResult {
    (out.at == 0).then(|| {
        out.message(RTM_NEWLINK, |body| {
            body.put(&IfInfoMsg::<O> { family: RTNL_FAMILY_IPMR, ..IfInfoMsg::default() })?;
            body.nest(IFLA_AF_SPEC, |nest| {
                nest.u32(1, RT_TABLE_DEFAULT)?; // ID
                nest.u32(2, 0)?; // CACHE_RES_QUEUE_LEN
                nest.u32(3, u32::MAX)?; // MROUTE_REG_VIF_NUM
                nest.u8(4, 0)?; // MROUTE_DO_ASSERT
                nest.u8(5, 0)?; // MROUTE_DO_PIM
                nest.u8(7, 0)?; // MROUTE_DO_WRVIFWHOLE
                nest.nest(6, |_| Ok(())) // VIFS
            })
        })
    })
}
