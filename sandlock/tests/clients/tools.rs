//! Tools other than iproute2: busybox, net-tools, libnl's, ethtool and their like.

use crate::both::{clients, cut, same_but};

clients! {
    busybox_addr: "busybox", "ip", "addr";
    busybox_link: "busybox", "ip", "link";
    busybox_route: "busybox", "ip", "route";
    busybox_route_all: "busybox", "ip", "route", "list", "table", "all";
    busybox_route_v6: "busybox", "ip", "-6", "route";
    busybox_route_get: "busybox", "ip", "route", "get", "127.0.0.1";
    busybox_rule: "busybox", "ip", "rule";
    busybox_neigh: "busybox", "ip", "neigh";
    busybox_tunnel: "busybox", "ip", "tunnel";
    busybox_ifconfig: "busybox", "ifconfig";

    nl_link_list: "nl-link-list";
    nl_addr_list: "nl-addr-list", "--details";
    nl_route_list: "nl-route-list";
    nl_route_list_details: "nl-route-list", "--details";
    nl_route_get: "nl-route-get", "127.0.0.1";
    nl_neigh_list: "nl-neigh-list";
    nl_qdisc_list: "nl-qdisc-list";
    nl_rule_list: "nl-rule-list";
    nl_class_list: "nl-class-list";
    nl_cls_list: "nl-cls-list", "--dev", "lo";
    nl_link_name: "nl-link-ifindex2name", "1";
    nl_link_index: "nl-link-name2ifindex", "lo";
    nl_fib_lookup: "nl-fib-lookup", "127.0.0.1";

    hostname_addresses: "hostname", "-I";
    ifconfig: "ifconfig";
    ifconfig_of_lo: "ifconfig", "lo";
    ifconfig_short: "ifconfig", "-s";
    route_of_net_tools: "route", "-n";
    netstat_interfaces: "netstat", "-i";
    ethtool_driver: "ethtool", "-i", "lo";
    wireguard: "wg", "show";
    iw: "iw", "dev";
    getent_localhost: "getent", "-s", "myhostname", "ahosts", "localhost";
    getent_gateway: "getent", "-s", "myhostname", "hosts", "_gateway";
    curl_from_nowhere: "curl", "-sS", "--interface", "if!nope", "http://127.0.0.1:1/";
}

/// The kernel picks the reachable time at random.
#[test]
fn nl_neightbl_list() {
    same_but(nl_neightbl_list, &["nl-neightbl-list"], |text| cut(text, &["reachable-time"]));
}

/// The link knows when its neighbour table was made.
#[test]
fn nl_link_list_details() {
    same_but(nl_link_list_details, &["nl-link-list", "--details"], |text| cut(text, &["create-stamp"]));
}

#[test]
fn nl_tctree_list() {
    same_but(nl_tctree_list, &["nl-tctree-list"], |text| cut(text, &["create-stamp"]));
}

/// curl looks an interface's addresses up; it says how long the connection took that nobody answers.
#[test]
fn curl_from_lo() {
    let words = ["curl", "-sS", "--interface", "lo", "http://127.0.0.1:1/"];
    same_but(curl_from_lo, &words, str::to_owned);
}
