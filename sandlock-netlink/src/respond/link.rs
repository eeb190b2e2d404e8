//! `RTM_GETLINK`: `net/core/rtnetlink.c`, and for one family `net/ipv6/addrconf.c`, `net/ipv4/ipmr.c`.

use zerocopy::{ByteOrder, FromZeros};

use super::{Ask, At, Next, Out, Query, once, when};
use crate::rtnetlink::*;
use crate::schema::{Check, Form, INVALID_HEADER_LENGTH, Rule, Schema};
use crate::view::Style;
use crate::{Attrs, Errno, Full, Link, View};

/// `ifla_policy`, as far as a request that does not change anything can get in its way.
pub(super) const LINK: Schema = Schema {
    last: IFLA_TAILROOM,
    rules: &[
        (Rule::Text(15), &[IFLA_IFNAME]),
        (Rule::U32, &[IFLA_MASTER, IFLA_EXT_MASK]),
        (Rule::Nest, &[IFLA_LINKINFO]),
        (Rule::S32, &[IFLA_TARGET_NETNSID]),
        (Rule::Text(127), &[IFLA_ALT_IFNAME]),
    ],
};

/// All of `struct ifinfomsg` but for the family and the index.
const NEITHER_FAMILY_NOR_INDEX: &[(usize, usize)] = &[(1, 4), (8, 16)];
/// All of it but for the family.
const NOT_FAMILY: &[(usize, usize)] = &[(1, 16)];

const GET: Form = Form {
    size: size_of::<IfInfoMsg>(),
    short: "Invalid header for get link",
    zero: NEITHER_FAMILY_NOR_INDEX,
    values: "Invalid values in header for get link request",
    schema: Some(&LINK),
    allowed: &[IFLA_IFNAME, IFLA_EXT_MASK, IFLA_TARGET_NETNSID, IFLA_ALT_IFNAME],
    other: "Unsupported attribute in get link request",
};

const DUMP: Form = Form {
    short: "Invalid header for link dump",
    values: "Invalid values in header for link dump request",
    allowed: &[IFLA_EXT_MASK, IFLA_TARGET_NETNSID, IFLA_MASTER, IFLA_LINKINFO],
    other: "Unsupported attribute in link dump request",
    ..GET
};

const DUMP_BRIDGE: Form = Form {
    short: "Invalid header for bridge link dump",
    zero: NOT_FAMILY,
    values: "Invalid values in header for bridge link dump request",
    allowed: &[IFLA_EXT_MASK],
    other: "Unsupported attribute in bridge link dump request",
    ..GET
};

pub(super) const DUMP6: Form = Form {
    short: "ipv6: Invalid header for link dump request",
    zero: NOT_FAMILY,
    values: "ipv6: Invalid values in header for dump request",
    schema: None,
    other: "ipv6: Invalid data after header",
    ..GET
};

pub(super) const DUMP_IPMR: Form = Form {
    short: "ipv4: Invalid header for ipmr link dump",
    zero: NOT_FAMILY,
    values: "Invalid values in header for ipmr link dump request",
    other: "Invalid data after header in ipmr link dump",
    ..DUMP6
};

/// One link, by index or else by name: `rtnl_getlink`.
pub(super) fn get<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let attrs = GET.read(ask)?;
    let (info, _) = ask.message.body::<IfInfoMsg<O>>()?;
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
        let attrs = DUMP.strict(ask)?;
        let (info, _) = ask.message.body::<IfInfoMsg<O>>()?;
        ask.refuse_if(info.index.get() != 0, "Filter by device index not supported for link dumps")?;
        attrs
    } else {
        // Many clients send a `struct rtgenmsg`, which is the first byte of the header.
        let rest = ask.message.after(GET.size).or_else(|_| ask.message.after(1)).unwrap_or_default();
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
        DUMP_BRIDGE.strict(ask)?;
    } else {
        // What is wrong here is only told.
        let _told = Form { short: INVALID_HEADER_LENGTH, ..DUMP_BRIDGE }.lenient(ask);
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
