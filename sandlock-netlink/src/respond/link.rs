//! `RTM_GETLINK`: `net/core/rtnetlink.c`, and for one family `net/ipv6/addrconf.c`, `net/ipv4/ipmr.c`.

use zerocopy::{ByteOrder, FromZeros};

use super::requests::*;
use super::{Ask, At, Next, Out, Query, once, when};
use crate::rtnetlink::*;
use crate::schema::{Check, Form, INVALID_HEADER_LENGTH};
use crate::view::Style;
use crate::{Attrs, Errno, Full, Link, View};

/// One link, by index or else by name: `rtnl_getlink`.
pub(super) fn get<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let attrs = LINK_GET.read(ask)?;
    let (info, _) = ask.message.body::<IfInfoMsg<O>>()?;
    if attrs.last_of(IFLA_NET_NS_PID).or_else(|| attrs.last_of(IFLA_NET_NS_FD)).is_some() {
        return Err(ask.ext.because(Errno::EOPNOTSUPP, "specified netns attribute not supported"));
    }
    if attrs.last_of(IFLA_TARGET_NETNSID).is_some() {
        return Err(Errno::EINVAL); // No other namespace has a number here.
    }
    // The index is an int: from 2^31 up it is negative.
    let index = Some(info.index.get()).filter(|index| (1..=i32::MAX.unsigned_abs()).contains(index));
    let name = attrs.last_of(IFLA_IFNAME).or_else(|| attrs.last_of(IFLA_ALT_IFNAME));
    let link = match (index, name) {
        (Some(index), _) => ask.view.link(index),
        (None, Some(name)) => ask.view.links.iter().find(|link| link.name.as_bytes() == name.string()),
        (None, None) => return Err(Errno::EINVAL),
    };
    let query = Query { mask: ext_mask(&attrs), ..Query::default() };
    Ok(send(ask.view, link.ok_or(Errno::ENODEV)?, &query, out)?)
}

/// `rtnl_dump_ifinfo`. What a lenient request asks for in vain, it asks for without a word.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let attrs = if ask.strict() {
        let attrs = LINK_DUMP.strict(ask)?;
        let (info, _) = ask.message.body::<IfInfoMsg<O>>()?;
        ask.refuse_if(info.index.get() != 0, "Filter by device index not supported for link dumps")?;
        attrs
    } else {
        // Many clients send a `struct rtgenmsg`, which is the first byte of the header.
        let rest = ask.message.after(LINK_GET.size).or_else(|_| ask.message.after(1)).unwrap_or_default();
        match LINK.check(ask, Attrs::new(rest), Check::Lenient) {
            Ok(attrs) => attrs,
            Err(_) => return Ok(Query::default()),
        }
    };
    ask.refuse_if(attrs.last_of(IFLA_TARGET_NETNSID).is_some(), "Invalid target network namespace id")?;
    let master = attrs.last_of(IFLA_MASTER).and_then(|attr| attr.u32().ok()).unwrap_or(0);
    Ok(Query { mask: ext_mask(&attrs), table: master, filtered: master != 0, ..Query::default() })
}

pub(super) fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let link = view.links.get(at)?;
    // The query's table is the master it asks for.
    when(query.table == 0 || query.table == link.master, || send(view, link, query, out))
}

fn send<O: ByteOrder>(
    view: &View<'_>,
    link: &Link<'_>,
    query: &Query,
    out: &mut Out<'_, '_, O>,
) -> Result<(), Full> {
    out.message(RTM_NEWLINK, |body| match view.style {
        Style::Kernel => link.write(query.mask & RTEXT_FILTER_SKIP_STATS != 0, view.since, body),
        Style::Minimal => link.write_minimal(body),
    })
}

fn ext_mask<O: ByteOrder>(attrs: &Attrs<'_, O>) -> u32 {
    attrs.last_of(IFLA_EXT_MASK).and_then(|attr| attr.u32().ok()).unwrap_or(0)
}

/// `inet6_dump_ifinfo`.
pub(super) fn step6<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let link = view.links.get(at)?;
    Some(match view.style {
        Style::Kernel => out.message(RTM_NEWLINK, |body| link.write_as_inet6(view.since, body)),
        Style::Minimal => send(view, link, query, out),
    })
}

/// `rtnl_bridge_getlink`: nothing, for no link is in a bridge.
pub(super) fn start_bridge<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    if ask.strict() {
        LINK_DUMP_BRIDGE.strict(ask)?;
    } else {
        // What is wrong here is only told.
        let _told = Form { short: INVALID_HEADER_LENGTH, ..LINK_DUMP_BRIDGE }.lenient(ask);
    }
    Ok(Query::default())
}

/// `ipmr_rtm_dumplink`: the one table of multicast routes is told as if it were a link.
/// `IPMRA_TABLE_*` (`linux/mroute.h`).
pub(super) fn step_ipmr<O: ByteOrder>(At { at, .. }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    once(at, || {
        out.message(RTM_NEWLINK, |body| {
            body.put(&IfInfoMsg::<O> { family: RTNL_FAMILY_IPMR, ..IfInfoMsg::new_zeroed() })?;
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
