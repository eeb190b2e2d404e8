//! Which requests there are, and who answers them: the table of rtnetlink.

use zerocopy::ByteOrder;

use super::request::{Action, Get, Request, StartDump};
use super::{addr, label, link, lookup, neigh, neigh_table, netconf, nexthop, route, rule, stats, tc};
use crate::query::Query;
use crate::rtnetlink::*;
use crate::view::Style;
use crate::{Errno, MessageFlags};

/// `rtnetlink_rcv_msg` (`net/core/rtnetlink.c`).
pub(super) fn plan<O: ByteOrder>(request: &Request<'_, O>) -> Result<Action<O>, Errno> {
    let kind = request.message.kind();
    if kind > RTM_MAX {
        return Err(Errno::EOPNOTSUPP);
    }
    let Some(family) = request.message.payload().first().copied() else {
        return Ok(Action::Nothing);
    };
    // Types come in fours: NEW, DEL, GET, SET. All but GET want CAP_NET_ADMIN, and no guest has it.
    if kind % 4 != RTM_GETLINK % 4 {
        return Err(Errno::EPERM);
    }
    if request.view.style == Style::Minimal && !matches!(kind, RTM_GETLINK | RTM_GETADDR) {
        return Err(Errno::EOPNOTSUPP);
    }
    if request.message.flags().intersects(MessageFlags::DUMP) {
        dump(kind, family).map(|start| Action::Dump(|_| Ok(()), start)).ok_or(Errno::EOPNOTSUPP)
    } else {
        get(kind, family).map(Action::Get).ok_or(Errno::EOPNOTSUPP)
    }
}

/// Who answers a request for one thing. Where the kernel has no function for a family, that for all
/// families answers.
fn get<O: ByteOrder>(kind: u16, family: u8) -> Option<Get<O>> {
    Some(match (kind, family) {
        (RTM_GETLINK, _) => link::get,
        (RTM_GETADDR, AF_INET6) => addr::get6,
        (RTM_GETROUTE, AF_INET) => lookup::get4,
        (RTM_GETROUTE, AF_INET6) => lookup::get6,
        (RTM_GETROUTE, RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => |request, _| route::get_multicast(request),
        (RTM_GETNEIGH, AF_BRIDGE) => |request, _| neigh::get_fdb(request),
        (RTM_GETNEIGH, _) => neigh::get,
        (RTM_GETQDISC, _) => tc::get_qdisc,
        (RTM_GETTCLASS, _) => |request, _| tc::get_class(request),
        (RTM_GETTFILTER, _) => |request, _| tc::get_filter(request),
        (RTM_GETCHAIN, _) => |request, _| tc::get_chain(request),
        (RTM_GETACTION, _) => tc::get_action,
        (RTM_GETDCB, _) => |request, _| tc::get_dcb(request),
        (RTM_GETADDRLABEL, AF_INET6) => label::get,
        (RTM_GETNETCONF, AF_INET | AF_INET6) => netconf::get,
        (RTM_GETMDB, AF_BRIDGE) => |request, _| neigh::get_mdb(request),
        (RTM_GETNSID, _) => nexthop::get_nsid,
        (RTM_GETSTATS, _) => stats::get,
        (RTM_GETNEXTHOP | RTM_GETNEXTHOPBUCKET, _) => |request, _| nexthop::get(request),
        _ => return None,
    })
}

/// The reader of a request for a dump.
fn dump<O: ByteOrder>(kind: u16, family: u8) -> Option<StartDump<O>> {
    Some(match (kind, family) {
        (RTM_GETLINK, AF_BRIDGE) => link::start_bridge,
        (RTM_GETLINK, AF_INET6 | RTNL_FAMILY_IPMR) => link::start_plain,
        (RTM_GETLINK, _) => link::start,
        (RTM_GETADDR, AF_INET6) => addr::start6,
        (RTM_GETADDR, _) => addr::start4,
        (RTM_GETMULTICAST, AF_INET | AF_INET6) => addr::start_multicast,
        (RTM_GETANYCAST, AF_INET6) => addr::start_anycast,
        (RTM_GETROUTE, RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => route::start_multicast,
        (RTM_GETROUTE, _) => route::start,
        (RTM_GETRULE, _) => rule::start,
        (RTM_GETNEIGH, AF_BRIDGE) => neigh::start_fdb,
        (RTM_GETNEIGH, _) => neigh::start,
        (RTM_GETNEIGHTBL, _) => neigh_table::start,
        (RTM_GETADDRLABEL, AF_INET6) => label::start,
        (RTM_GETNETCONF, _) => netconf::start,
        (RTM_GETQDISC, _) => tc::start_qdisc,
        (RTM_GETTCLASS, _) => |_| Ok(Query::Nothing),
        (RTM_GETTFILTER | RTM_GETCHAIN, _) => tc::start_filter,
        (RTM_GETACTION, _) => tc::start_action,
        (RTM_GETMDB, AF_BRIDGE) => neigh::start_mdb,
        (RTM_GETTUNNEL, AF_BRIDGE) => neigh::start_tunnel,
        (RTM_GETNSID, _) => nexthop::start_nsid,
        (RTM_GETNEXTHOP, _) => nexthop::start,
        (RTM_GETNEXTHOPBUCKET, _) => nexthop::start_bucket,
        (RTM_GETSTATS, _) => stats::start,
        _ => return None,
    })
}
