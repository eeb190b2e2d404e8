//! `RTM_GETROUTE`: dumps of `net/ipv4/fib_frontend.c` and `net/ipv6/ip6_fib.c`, requests of multicast
//! routes of `net/ipv4/ipmr.c`. Lookups are in [`lookup`](super::lookup).

use zerocopy::ByteOrder;

use super::formats::*;
use super::lookup::{LENGTHS4, LENGTHS6, check_addresses, check_lengths};
use super::request::{Out, Request, StepResult, when};
use crate::query::{Query, RouteFilter};
use crate::rtnetlink::*;
use crate::{Errno, MessageFlags, ip};

/// `rtm_flags`, 0 where the header is too short for them.
fn flags<O: ByteOrder>(request: &Request<'_, O>) -> u32 {
    request.message.body::<RtMsg<O>>().map_or(0, |(header, _)| header.flags.get())
}

/// The filter of a dump of any family of routes, and whether no route matches it.
fn filter<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(RouteFilter, bool), Errno> {
    let mut filter = RouteFilter { family: request.family(), ..RouteFilter::default() };
    let header = request.message.body::<RtMsg<O>>().map(|(header, _)| *header).ok();
    let flags = flags(request);
    if !request.strict() {
        // No route comes from a router's advertisement, which is what this flag asks for.
        return Ok((filter, flags & RTM_F_PREFIX != 0));
    }
    ROUTE_DUMP.strict_header(request)?;
    request.refuse_if(flags & !(RTM_F_CLONED | RTM_F_PREFIX) != 0, "Invalid flags for FIB dump request")?;
    let attrs = ROUTE_DUMP.parse_strict(request)?;
    request.object_flags = MessageFlags::DUMP_FILTERED;
    if let Some(header) = header {
        filter.protocol = header.protocol;
        filter.kind = header.kind;
        filter.table = header.table.into();
    }
    ROUTE_DUMP.each(request, &attrs, |request, attr| {
        match attr.kind() {
            RTA_OIF => filter.oif = request.view.link(attr.u32()?).ok_or(Errno::ENODEV)?.index,
            _ => filter.table = attr.u32()?,
        }
        Ok(())
    })?;
    if flags != 0 || (RouteFilter { family: 0, ..filter }) != RouteFilter::default() {
        request.dump_flags = MessageFlags::DUMP_FILTERED;
    }
    // There are no exceptions to routes, which is what the one flag asks for.
    Ok((filter, flags != 0))
}

/// `inet_dump_fib`, `inet6_dump_fib`, and `rtnl_dump_all`, which does both.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let (filter, is_empty) = filter(request)?;
    let query = if is_empty { Query::Nothing } else { Query::Routes(filter) };
    let known = |table: u32| {
        let routes = request.view.routes.iter().filter(|route| ip::family(route.dst) == filter.family);
        match table {
            0 => true,
            // These two of IPv4 come into being with their first route.
            RT_TABLE_MAIN | RT_TABLE_LOCAL => filter.family == AF_INET6 || routes.clone().next().is_some(),
            _ => routes.clone().any(|route| route.table == table),
        }
    };
    match filter.family {
        // IPv4 has no such flag, and looks no further.
        AF_INET if flags(request) & RTM_F_PREFIX != 0 => Ok(query),
        AF_INET | AF_INET6 if known(filter.table) => Ok(query),
        AF_INET => Err(request.ext.because(Errno::ENOENT, "ipv4: FIB table does not exist")),
        AF_INET6 => Err(request.ext.because(Errno::ENOENT, "ipv6: FIB table does not exist")),
        _ if is_empty => Ok(query),
        _ => Ok(Query::Routes(RouteFilter { family: 0, ..filter })),
    }
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, filter: RouteFilter) -> StepResult {
    let route = out.view.routes.get(out.at)?;
    let matches = [
        (u32::from(filter.family), ip::family(route.dst).into()),
        (filter.table, route.table),
        (filter.kind.into(), route.kind.into()),
        (filter.protocol.into(), route.protocol.into()),
        (filter.oif, route.oif),
    ];
    let asked = matches.iter().all(|(asked, is)| *asked == 0 || asked == is);
    when(asked, || out.message(RTM_NEWROUTE, |body| route.write(body)))
}

/// `ipmr_rtm_dumproute`, `ip6mr_rtm_dumproute`: there is one table for each family, and it is empty.
pub(super) fn start_multicast<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let (filter, _) = filter(request)?;
    match (filter.family, filter.table) {
        (_, 0) | (RTNL_FAMILY_IPMR, RT_TABLE_DEFAULT) | (RTNL_FAMILY_IP6MR, RT_TABLE_MAIN) => {
            Ok(Query::Nothing)
        }
        (RTNL_FAMILY_IPMR, _) => Err(request.ext.because(Errno::ENOENT, "ipv4: MR table does not exist")),
        _ => Err(request.ext.because(Errno::ENOENT, "ipv6: MR table does not exist")),
    }
}

/// `ipmr_rtm_getroute`, `ip6mr_rtm_getroute`: there is none.
pub(super) fn get_multicast<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    // Requests for those of IPv6 are young enough to be always strict.
    if request.family() == RTNL_FAMILY_IP6MR {
        let attrs = MROUTE6_GET.full(request)?;
        check_lengths(request, &MROUTE6_GET, 128)?;
        check_addresses(request, &attrs, LENGTHS6)?;
        // The one table there is has the number of the main one, but another is the default of a request.
        let exists = attrs.number(RTA_TABLE) == RT_TABLE_MAIN;
        let why = if exists { "ipv6: MR cache entry not found" } else { "ipv6: MR table does not exist" };
        return Err(request.ext.because(Errno::ENOENT, why));
    }
    if request.strict() {
        check_lengths(request, &MROUTE4_GET, 32)?;
        let attrs = MROUTE4_GET.parse_strict(request)?;
        check_addresses(request, &attrs, LENGTHS4)?;
        MROUTE4_GET.each(request, &attrs, |_, _| Ok(()))?;
    } else {
        MROUTE4_GET.lenient(request)?;
    }
    Err(Errno::ENOENT)
}
