//! Which requests there are, and who answers them: the table of rtnetlink.

use zerocopy::ByteOrder;

use super::{Ask, At, Dumper, Get, Next, Out, Plan};
use super::{addr, label, link, lookup, neigh, neigh_table, netconf, nexthop, route, rule, stats, tc};
use crate::rtnetlink::*;
use crate::view::Style;
use crate::{Errno, Full, MessageFlags};

/// `rtnetlink_rcv_msg` (`net/core/rtnetlink.c`).
pub(super) fn plan<O: ByteOrder>(ask: &Ask<'_, O>) -> Result<Plan<O>, Errno> {
    let kind = ask.message.kind();
    if kind > RTM_MAX {
        return Err(Errno::EOPNOTSUPP);
    }
    let Some(family) = ask.message.payload().first().copied() else {
        return Ok(Plan::Nothing);
    };
    // Types come in fours: NEW, DEL, GET, SET. All but GET want CAP_NET_ADMIN, and no guest has it.
    if kind % 4 != RTM_GETLINK % 4 {
        return Err(Errno::EPERM);
    }
    if ask.view.style == Style::Minimal && !matches!(kind, RTM_GETLINK | RTM_GETADDR) {
        return Err(Errno::EOPNOTSUPP);
    }
    if ask.message.flags().intersects(MessageFlags::DUMP) {
        dumper(kind, family).map(Plan::Dump).ok_or(Errno::EOPNOTSUPP)
    } else {
        get(kind, family).map(Plan::Get).ok_or(Errno::EOPNOTSUPP)
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
        (RTM_GETROUTE, RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => route::get_multicast,
        (RTM_GETNEIGH, AF_BRIDGE) => neigh::get_fdb,
        (RTM_GETNEIGH, _) => neigh::get,
        (RTM_GETQDISC, _) => tc::get_qdisc,
        (RTM_GETTCLASS, _) => tc::get_class,
        (RTM_GETTFILTER, _) => tc::get_filter,
        (RTM_GETCHAIN, _) => tc::get_chain,
        (RTM_GETACTION, _) => tc::get_action,
        (RTM_GETDCB, _) => tc::get_dcb,
        (RTM_GETADDRLABEL, AF_INET6) => label::get,
        (RTM_GETNETCONF, AF_INET | AF_INET6) => netconf::get,
        (RTM_GETMDB, AF_BRIDGE) => neigh::get_mdb,
        (RTM_GETNSID, _) => nexthop::get_nsid,
        (RTM_GETSTATS, _) => stats::get,
        (RTM_GETNEXTHOP | RTM_GETNEXTHOPBUCKET, _) => nexthop::get,
        _ => return None,
    })
}

/// Who makes a dump.
pub(super) fn dumper<O: ByteOrder>(kind: u16, family: u8) -> Option<Dumper<O>> {
    let dumper = |start, step, apart| Some(Dumper { start, step, apart });
    match (kind, family) {
        (RTM_GETLINK, AF_BRIDGE) => dumper(link::start_bridge, nothing, false),
        (RTM_GETLINK, AF_INET6) => dumper(link::start6, link::step6, false),
        (RTM_GETLINK, RTNL_FAMILY_IPMR) => dumper(link::start_ipmr, link::step_ipmr, true),
        (RTM_GETLINK, _) => dumper(link::start, link::step, true),
        (RTM_GETADDR, AF_INET6) => dumper(addr::start6, addr::step, false),
        (RTM_GETADDR, _) => dumper(addr::start4, addr::step, true),
        (RTM_GETMULTICAST, AF_INET) => dumper(addr::start4, addr::step_multicast, false),
        (RTM_GETMULTICAST, AF_INET6) => dumper(addr::start6, addr::step_multicast, false),
        (RTM_GETANYCAST, AF_INET6) => dumper(addr::start6, nothing, false),
        (RTM_GETROUTE, RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => {
            dumper(route::start_multicast, nothing, false)
        }
        (RTM_GETROUTE, _) => dumper(route::start, route::step, true),
        (RTM_GETRULE, _) => dumper(rule::start, rule::step, false),
        (RTM_GETNEIGH, AF_BRIDGE) => dumper(neigh::start_fdb, nothing, false),
        (RTM_GETNEIGH, _) => dumper(neigh::start, neigh::step, false),
        (RTM_GETNEIGHTBL, _) => dumper(neigh_table::start, neigh_table::step, true),
        (RTM_GETADDRLABEL, AF_INET6) => dumper(label::start, label::step, false),
        (RTM_GETNETCONF, AF_INET | AF_INET6) => dumper(netconf::start, netconf::step, false),
        (RTM_GETNETCONF, _) => dumper(netconf::start, netconf::step, true),
        (RTM_GETQDISC, _) => dumper(tc::start_qdisc, tc::step_qdisc, true),
        (RTM_GETTCLASS, _) => dumper(tc::start_class, nothing, false),
        (RTM_GETTFILTER | RTM_GETCHAIN, _) => dumper(tc::start_filter, nothing, false),
        (RTM_GETACTION, _) => dumper(tc::start_action, nothing, false),
        (RTM_GETMDB, AF_BRIDGE) => dumper(neigh::start_mdb, nothing, false),
        (RTM_GETTUNNEL, AF_BRIDGE) => dumper(neigh::start_tunnel, nothing, false),
        (RTM_GETNSID, _) => dumper(nexthop::start_nsid, nothing, false),
        (RTM_GETNEXTHOP, _) => dumper(nexthop::start, nothing, false),
        (RTM_GETNEXTHOPBUCKET, _) => dumper(nexthop::start_bucket, nothing, false),
        (RTM_GETSTATS, _) => dumper(stats::start, stats::step, false),
        _ => None,
    }
}

/// A dump of what there is none of.
fn nothing<O: ByteOrder>(_: At<'_>, _: &mut Out<'_, '_, O>) -> Result<Next, Full> {
    Ok(Next::End)
}
