//! `RTM_GETROUTE`: dumps of `net/ipv4/fib_frontend.c` and `net/ipv6/ip6_fib.c`, requests of multicast
//! routes of `net/ipv4/ipmr.c`. Lookups are in [`lookup`](super::lookup).

use zerocopy::ByteOrder;

use super::lookup::{LENGTHS4, LENGTHS6};
use super::requests::*;
use super::{Ask, At, Next, Out, Query, when};
use crate::rtnetlink::*;
use crate::{Errno, MessageFlags, ip};

/// The filter of a dump of any family of routes.
fn filter<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let family = ask.family();
    let mut query = Query { family, ..Query::default() };
    let header = ask.message.body::<RtMsg<O>>().map(|(header, _)| *header).ok();
    let flags = header.map_or(0, |header| header.flags.get());
    if !ask.strict() {
        // No route comes from a router's advertisement, which is what this flag asks for.
        query.nothing = flags & RTM_F_PREFIX != 0;
        return Ok(query);
    }
    ROUTE_DUMP.strict_header(ask)?;
    ask.refuse_if(flags & !(RTM_F_CLONED | RTM_F_PREFIX) != 0, "Invalid flags for FIB dump request")?;
    let attrs = ROUTE_DUMP.strict(ask)?;
    query.filtered = true;
    if let Some(header) = header {
        query.protocol = header.protocol;
        query.kind = header.kind.into();
        query.table = header.table.into();
    }
    let number = |kind| attrs.last_of(kind).and_then(|attr| attr.u32().ok());
    query.table = number(RTA_TABLE).unwrap_or(query.table);
    if let Some(index) = number(RTA_OIF) {
        query.index = ask.view.link(index).ok_or(Errno::ENODEV)?.index;
    }
    // There are no exceptions to routes, which is what the one flag asks for.
    query.nothing = flags != 0;
    let asked = [flags, query.table, query.kind, query.index, query.protocol.into()];
    if asked.iter().any(|value| *value != 0) {
        ask.answer_flags = MessageFlags::DUMP_FILTERED;
    }
    Ok(query)
}

/// `inet_dump_fib`, `inet6_dump_fib`, and `rtnl_dump_all`, which does both.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let query = filter(ask)?;
    let known = |table: u32| {
        let routes = ask.view.routes.iter().filter(|route| ip::family(route.dst) == query.family);
        matches!(table, 0 | RT_TABLE_MAIN | RT_TABLE_LOCAL)
            || routes.clone().any(|route| route.table == table)
    };
    match query.family {
        AF_INET | AF_INET6 if known(query.table) => Ok(query),
        AF_INET => Err(ask.ext.because(Errno::ENOENT, "ipv4: FIB table does not exist")),
        AF_INET6 => Err(ask.ext.because(Errno::ENOENT, "ipv6: FIB table does not exist")),
        _ => Ok(Query { family: 0, ..query }),
    }
}

pub(super) fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let route = view.routes.get(at).filter(|_| !query.nothing)?;
    let matches = [
        (u32::from(query.family), ip::family(route.dst).into()),
        (query.table, route.table),
        (query.kind, route.kind.into()),
        (query.protocol.into(), route.protocol.into()),
        (query.index, route.oif),
    ];
    let asked = matches.iter().all(|(asked, is)| *asked == 0 || asked == is);
    when(asked, || out.message(RTM_NEWROUTE, |body| route.write(body)))
}

/// `ipmr_rtm_dumproute`, `ip6mr_rtm_dumproute`: there is one table for each family, and it is empty.
pub(super) fn start_multicast<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let query = filter(ask)?;
    match (query.family, query.table) {
        (_, 0) | (RTNL_FAMILY_IPMR, RT_TABLE_DEFAULT) | (RTNL_FAMILY_IP6MR, RT_TABLE_MAIN) => Ok(query),
        (RTNL_FAMILY_IPMR, _) => Err(ask.ext.because(Errno::ENOENT, "ipv4: MR table does not exist")),
        _ => Err(ask.ext.because(Errno::ENOENT, "ipv6: MR table does not exist")),
    }
}

/// `ipmr_rtm_getroute`, `ip6mr_rtm_getroute`: there is none.
pub(super) fn get_multicast<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let v4 = ask.family() == RTNL_FAMILY_IPMR;
    let (form, bits) = if v4 { (MROUTE4_GET, 32) } else { (MROUTE6_GET, 128) };
    // Requests for those of IPv6 are young enough to be always strict.
    if v4 && !ask.strict() {
        form.lenient(ask)?;
        return Err(Errno::ENOENT);
    }
    let lengths = ask.message.payload().get(1..3).unwrap_or_default();
    ask.refuse_if(
        lengths.iter().any(|len| *len != 0 && *len != bits) && ask.message.payload().len() >= form.size,
        form.values,
    )?;
    let attrs = form.strict(ask)?;
    let of_no_length =
        [RTA_SRC, RTA_DST].iter().any(|kind| attrs.last_of(*kind).is_some()) && lengths == [0; 2];
    ask.refuse_if(of_no_length, if v4 { LENGTHS4 } else { LENGTHS6 })?;
    if v4 { Err(Errno::ENOENT) } else { Err(ask.ext.because(Errno::ENOENT, "ipv6: MR table does not exist")) }
}
