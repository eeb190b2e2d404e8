//! Tools other than iproute2: busybox, net-tools, libnl's, ethtool and their like.

use crate::both::{both, clients, cut};

clients! {
    busybox_addr: "busybox", "ip", "addr";
    busybox_link: "busybox", "ip", "link";
    ethtool_driver: "ethtool", "-i", "lo";
    busybox_route: "busybox", "ip", "route";
    busybox_route_all: "busybox", "ip", "route", "list", "table", "all";
    busybox_route_v6: "busybox", "ip", "-6", "route";
    busybox_route_get: "busybox", "ip", "route", "get", "127.0.0.1";
    busybox_rule: "busybox", "ip", "rule";
    busybox_neigh: "busybox", "ip", "neigh";

    nl_link_list: "nl-link-list";
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

    hostname_addresses: "hostname", "-I";
    wireguard: "wg", "show";
    iw: "iw", "dev";
    getent_localhost: "getent", "-s", "myhostname", "ahosts", "localhost";
    getent_gateway: "getent", "-s", "myhostname", "hosts", "_gateway";
    curl_from_lo: "curl", "-s", "-w", "%{exitcode}", "--interface", "if!lo", "http://127.0.0.1:1/";
    curl_from_nowhere: "curl", "-sS", "--interface", "if!nope", "http://127.0.0.1:1/";
}

/// A row for each client of which something differs from one run to the next: the words from which on a line
/// is not compared, then the program and its arguments.
macro_rules! volatile {
    ($($(#[$why:meta])* $test:ident ($($from:literal),+): $($word:expr),+;)+) => {
        $($(#[$why])*
        #[test]
        fn $test() {
            if let Some(both) = both($test, &[$($word),+]) {
                both.same_but(|text| cut(text, &[$($from),+]));
            }
        })+
    };
}

volatile! {
    /// When each address was made.
    nl_addr_list ("created"): "nl-addr-list", "--details";
    /// The kernel picks the reachable time at random, and counts the entries of every namespace.
    nl_neightbl_list ("entries", "reachable-time"): "nl-neightbl-list";
    /// The link knows when its neighbour table was made.
    nl_link_list_details ("create-stamp"): "nl-link-list", "--details";
    nl_tctree_list ("create-stamp"): "nl-tctree-list";
}
