//! iproute2: every object that `ip` lists, and `ss`, `bridge` and `tc`.

use crate::both::{both, clients, cut};

clients! {
    addr: "ip", "addr";
    addr_v6: "ip", "-6", "addr";
    addr_v4: "ip", "-4", "addr";
    addr_of_lo: "ip", "addr", "show", "dev", "lo";
    addr_up: "ip", "addr", "show", "up";
    addr_to: "ip", "addr", "show", "to", "127.0.0.0/8";
    addr_of_scope: "ip", "addr", "show", "scope", "host";
    addr_of_label: "ip", "addr", "show", "label", "lo";
    addr_brief: "ip", "-br", "addr";
    addr_on_lines: "ip", "-o", "addr";
    addr_as_json: "ip", "-j", "-d", "addr";
    addr_statistics: "ip", "-s", "addr";
    addr_add_refused: "ip", "addr", "add", "192.0.2.1/24", "dev", "lo";

    link: "ip", "link";
    link_lo: "ip", "link", "show", "lo";
    link_absent: "ip", "link", "show", "nope";
    link_absent_master: "ip", "link", "show", "master", "nope";
    link_of_type: "ip", "link", "show", "type", "dummy";
    link_brief: "ip", "-br", "link";
    link_statistics: "ip", "-s", "-s", "link";
    link_details: "ip", "-d", "link";
    link_as_json: "ip", "-j", "-d", "-s", "link";
    link_down_refused: "ip", "link", "set", "lo", "down";
    link_add_refused: "ip", "link", "add", "dummy0", "type", "dummy";

    route: "ip", "route";
    route_all: "ip", "route", "show", "table", "all";
    route_local: "ip", "route", "show", "table", "local";
    route_absent_table: "ip", "route", "show", "table", "999";
    route_of_lo: "ip", "route", "show", "dev", "lo";
    route_cache: "ip", "route", "show", "cache";
    route_get_local: "ip", "route", "get", "127.0.0.1";
    route_get_match: "ip", "route", "get", "fibmatch", "127.0.0.1";
    route_get_absent: "ip", "route", "get", "8.8.8.8";
    route_add_refused: "ip", "route", "add", "192.0.2.0/24", "dev", "lo";
    route_v6: "ip", "-6", "route";
    route_v6_all: "ip", "-6", "route", "show", "table", "all";
    route_v6_local: "ip", "-6", "route", "show", "table", "local";
    route_v6_get_local: "ip", "-6", "route", "get", "::1";
    route_v6_get_absent: "ip", "-6", "route", "get", "2001:db8::1";

    rule: "ip", "rule";
    rule_v6: "ip", "-6", "rule";
    neigh: "ip", "neigh";
    neigh_of_lo: "ip", "neigh", "show", "dev", "lo";
    neigh_proxy: "ip", "neigh", "show", "proxy";
    neigh_get: "ip", "neigh", "get", "127.0.0.1", "dev", "lo";
    netconf: "ip", "netconf";
    netconf_v6: "ip", "-6", "netconf";
    netconf_of_lo: "ip", "netconf", "show", "dev", "lo";
    netns_ids: "ip", "netns", "list-id";
    addrlabel: "ip", "addrlabel";
    nexthop: "ip", "nexthop";
    nexthop_absent: "ip", "nexthop", "get", "id", "1";
    tunnel: "ip", "tunnel";
    tunnel_v6: "ip", "-6", "tunnel";
    mroute: "ip", "mroute";
    mroute_v6: "ip", "-6", "mroute";
    token: "ip", "token";
    stats: "ip", "stats", "show", "dev", "lo";
    vrf: "ip", "vrf";
    monitor: "sh", "-c", "timeout 0.5 ip monitor; echo $?";

    ss: "ss", "-tuwx";
    ss_tcp: "ss", "-tln";
    ss_udp: "ss", "-uln";
    ss_unix: "ss", "-xl";
    bridge_link: "bridge", "link";
    bridge_details: "bridge", "-d", "link";
    bridge_fdb: "bridge", "fdb";
    bridge_vlan: "bridge", "vlan";
    bridge_vlan_options: "bridge", "vlan", "global";
    bridge_mdb: "bridge", "mdb";
    bridge_vni: "bridge", "vni";
    tc_qdisc: "tc", "qdisc";
    tc_qdisc_of_lo: "tc", "-s", "qdisc", "show", "dev", "lo";
    tc_qdisc_as_json: "tc", "-j", "qdisc";
    tc_filter: "tc", "filter", "show", "dev", "lo";
    tc_class: "tc", "class", "show", "dev", "lo";
    tc_chain: "tc", "chain", "show", "dev", "lo";
}

/// The kernel picks the reachable time at random, and again every few minutes.
#[test]
fn ntable() {
    if let Some(both) = both(ntable, &["ip", "ntable"]) {
        both.same_but(|text| cut(text, &["reachable "]));
    }
}
