//! Interpreters and their libraries, Node and Go.

use std::process::Command;

use crate::both::{Both, both_in, clients, ready};
use crate::common::{Dir, PYTHON, run, skip};

clients! {
    node_interfaces: "node", "-e", "console.log(os.networkInterfaces())";
    node_lookup: "node", "-e", "dns.lookup('localhost', { all: true, hints: dns.ADDRCONFIG }, console.log)";
    ruby_interfaces: "ruby", "-r", "socket", "-e", "Socket.getifaddrs.each { |one| p one }";
    ruby_addresses: "ruby", "-r", "socket", "-e", "p Socket.ip_address_list";
    php: "php", "-r", "print_r(net_get_interfaces());";
}

/// A row for each library of Python's: the test's name, the module, then the script.
macro_rules! python {
    ($($test:ident: $module:literal, $script:literal;)+) => {
        $(#[test]
        fn $test() {
            if let Some(both) = python($test, $module, $script) {
                both.same();
            }
        })+
    };
}

python! {
    python_names: "socket", "print(socket.if_nameindex())";
    python_index: "socket", "print(socket.if_nametoindex('lo'), socket.if_indextoname(1))";
    python_addrconfig: "socket", "print(socket.getaddrinfo('127.0.0.1', 80, flags=socket.AI_ADDRCONFIG))";
    psutil_addresses: "psutil", "print(psutil.net_if_addrs())";
    ifaddr: "ifaddr", "print([(a.name, a.index, [(i.ip, i.network_prefix) for i in a.ips]) for a in ifaddr.get_adapters()])";
    zeroconf: "zeroconf", "print(zeroconf.get_all_addresses(), zeroconf.get_all_addresses_v6())";
    netifaces: "netifaces", "print({name: netifaces.ifaddresses(name) for name in netifaces.interfaces()})";
    netifaces_gateways: "netifaces", "print(netifaces.gateways())";
    pyroute2_links: "pyroute2", "print([(l['index'], l['flags'], l.get_attr('IFLA_IFNAME')) for l in pyroute2.IPRoute().get_links()])";
    pyroute2_addresses: "pyroute2", "print([(a['prefixlen'], a.get_attr('IFA_ADDRESS')) for a in pyroute2.IPRoute().get_addr()])";
    pyroute2_routes: "pyroute2", "print([(r['table'], r.get_attr('RTA_DST')) for r in pyroute2.IPRoute().get_routes()])";
    pyroute2_rules: "pyroute2", "print([(r['table'], r.get_attr('FRA_PRIORITY')) for r in pyroute2.IPRoute().get_rules()])";
    pyroute2_neighbours: "pyroute2", "print(list(pyroute2.IPRoute().get_neighbours()))";
    pyroute2_lookup: "pyroute2", "print(list(pyroute2.IPRoute().link_lookup(ifname='lo')))";
    pyroute2_database: "pyroute2", "print(list(pyroute2.NDB().interfaces.summary()))";
    glib_monitor: "gi.repository.Gio", "
from gi.repository import Gio
monitor = Gio.NetworkMonitor.get_default()
print(type(monitor).__name__, monitor.get_network_available(), monitor.get_connectivity(),
      monitor.can_reach(Gio.NetworkAddress.new('127.0.0.1', 1)), monitor.can_reach(Gio.NetworkAddress.new('192.0.2.1', 1)))";
}

/// Runs a script that imports a module, on both sides.
#[track_caller]
pub(crate) fn python<T: Copy>(test: T, module: &str, script: &str) -> Option<Both> {
    if !ready(test, &[PYTHON]) {
        return None;
    }
    let dir = Dir::new();
    let import = format!("import {module}");
    if run(dir.command(PYTHON).args(["-c", &import])).code != 0 {
        skip(test, format_args!("not installed: [\"{module}\"]"));
        return None;
    }
    Some(both_in(&dir, &[PYTHON, "-c", &format!("{import}\n{script}")]))
}

/// A row for each question to Go's standard library.
macro_rules! go {
    ($($test:ident: $what:literal;)+) => {
        $(#[test]
        fn $test() {
            go($test, $what);
        })+
    };
}

go! {
    go_interfaces: "interfaces";
    go_addresses: "addresses";
    go_by_name: "by-name";
    go_by_index: "by-index";
}

#[track_caller]
fn go<T: Copy>(test: T, what: &str) {
    if !ready(test, &["go"]) {
        return;
    }
    let dir = Dir::new();
    dir.file("main.go", 0o644, include_str!("programs/list.go"));
    let mut build: Command = dir.command("go");
    build
        .args(["build", "-o", "list", "main.go"])
        .env("GO111MODULE", "off")
        .env("GOCACHE", dir.join("cache"));
    run(build.env("GOPATH", dir.join("path"))).ok();
    both_in(&dir, &["./list", what]).same();
}
