//! Which requests there are, and who answers them: the table of rtnetlink.

use zerocopy::ByteOrder;

use super::dump::{
    Start::{self, By, Form},
    Step,
};
use super::{Ask, At, Dumper, Get, Next, Out, Plan, Query};
use super::{
    addr, label, link, lookup, neigh, neigh_table, netconf, nexthop, requests, route, rule, stats, tc,
};
use crate::rtnetlink::*;
use crate::view::Style;
use crate::{Errno, MessageFlags};

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
    let (start, step, apart): (Start<O>, Step<O>, bool) = match (kind, family) {
        (RTM_GETLINK, AF_BRIDGE) => (By(link::start_bridge), nothing, false),
        (RTM_GETLINK, AF_INET6) => (Form(&requests::LINK_DUMP_INET6), link::step6, false),
        (RTM_GETLINK, RTNL_FAMILY_IPMR) => (Form(&requests::LINK_DUMP_IPMR), link::step_ipmr, true),
        (RTM_GETLINK, _) => (By(link::start), link::step, true),
        (RTM_GETADDR, AF_INET6) => (By(addr::start6), addr::step, false),
        (RTM_GETADDR, _) => (By(addr::start4), addr::step, true),
        (RTM_GETMULTICAST, AF_INET) => (By(addr::start4), addr::step_multicast, false),
        (RTM_GETMULTICAST, AF_INET6) => (By(addr::start6), addr::step_multicast, false),
        (RTM_GETANYCAST, AF_INET6) => (By(addr::start6), nothing, false),
        (RTM_GETROUTE, RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => (By(route::start_multicast), nothing, false),
        (RTM_GETROUTE, _) => (By(route::start), route::step, true),
        (RTM_GETRULE, _) => (By(rule::start), rule::step, false),
        (RTM_GETNEIGH, AF_BRIDGE) => (By(neigh::start_fdb), nothing, false),
        (RTM_GETNEIGH, _) => (By(neigh::start), neigh::step, false),
        (RTM_GETNEIGHTBL, _) => (Form(&requests::NEIGHTBL_DUMP), neigh_table::step, true),
        (RTM_GETADDRLABEL, AF_INET6) => (Form(&requests::LABEL_DUMP), label::step, false),
        (RTM_GETNETCONF, AF_INET) => (Form(&requests::NETCONF4_DUMP), netconf::step, false),
        (RTM_GETNETCONF, AF_INET6) => (Form(&requests::NETCONF6_DUMP), netconf::step, false),
        (RTM_GETNETCONF, _) => (Form(&requests::NETCONF4_DUMP), netconf::step, true),
        (RTM_GETQDISC, _) => (By(tc::start_qdisc), tc::step_qdisc, true),
        (RTM_GETTCLASS, _) => (By(|_| Ok(Query::default())), nothing, false),
        (RTM_GETTFILTER | RTM_GETCHAIN, _) => (By(tc::start_filter), nothing, false),
        (RTM_GETACTION, _) => (By(tc::start_action), nothing, false),
        (RTM_GETMDB, AF_BRIDGE) => (By(neigh::start_mdb), nothing, false),
        (RTM_GETTUNNEL, AF_BRIDGE) => (By(neigh::start_tunnel), nothing, false),
        (RTM_GETNSID, _) => (By(nexthop::start_nsid), nothing, false),
        (RTM_GETNEXTHOP, _) => (By(nexthop::start), nothing, false),
        (RTM_GETNEXTHOPBUCKET, _) => (By(nexthop::start_bucket), nothing, false),
        (RTM_GETSTATS, _) => (By(stats::start), stats::step, false),
        _ => return None,
    };
    Some(Dumper { start, step, apart })
}

/// A dump of what there is none of.
fn nothing<O: ByteOrder>(_: At<'_>, _: &mut Out<'_, '_, O>) -> Next {
    None
}
