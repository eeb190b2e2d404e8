//! Clients that notice where they are: why, and what they then print.

use crate::both::{Both, both, both_in, ready};
use crate::common::{Dir, run};
use crate::crates::ask;
use crate::languages::python;
use crate::libc::{ADDRCONFIG, GLIBC, MUSL, NAMES, compiled};

/// A row for each client: the test's name, what it prints, and how it is run on both sides.
macro_rules! notice {
    ($($test:ident $says:literal: $run:ident $(, $argument:expr)*;)+) => {
        $(#[test]
        fn $test() {
            if let Some(both) = $run($test $(, $argument)*) {
                both.notices($says);
            }
        })+
    };
}

/// Datagram sockets are refused, because nothing would judge where they send to; these clients want one for ioctl(2), most of them only to
/// learn the index of `lo`.
mod datagrams {
    use super::*;

    notice! {
        glibc_if_nametoindex "none": compiled, GLIBC, NAMES, &["ioctl"];
        musl_if_nametoindex "none": compiled, MUSL, NAMES, &["ioctl"];
        musl_getaddrinfo "System error": compiled, MUSL, ADDRCONFIG, &[];
        python_index "no interface with this name": python, "socket", "socket.if_nametoindex('lo')";
        psutil_states "Permission denied": python, "psutil", "print(psutil.net_if_stats())";
        ifaddr "('lo', None, [('127.0.0.1', 8)": python, "ifaddr",
            "print([(a.name, a.index, [(i.ip, i.network_prefix) for i in a.ips]) for a in ifaddr.get_adapters()])";
        zeroconf "['127.0.0.1'] [(('::1', 0, 0), None)]": python, "zeroconf",
            "print(zeroconf.get_all_addresses(), zeroconf.get_all_addresses_v6())";
        erlang "{error,eacces}": both, &["erl", "-noshell", "-eval", "io:format(\"~p~n\", [inet:getifaddrs()]), halt()."];
        ruby_interfaces "PACKET[protocol=0 ifindex=1": both, &["ruby", "-r", "socket", "-e", "p Socket.getifaddrs"];
        java "Socket creation failed": java_lists;
        if_addrs "index: None": ask, "if-addrs";
        getifaddrs "index: None": ask, "getifaddrs";
        getifaddrs_index "NotFound": ask, "getifaddrs-index";
        network_interface "index: 0": ask, "network-interface";
        nix_index "Err(": ask, "nix-index";
        busybox_tunnel "socket: Permission denied": both, &["busybox", "ip", "tunnel"];
        busybox_ifconfig "socket: Permission denied": both, &["busybox", "ifconfig"];
        ifconfig "No usable address families found": both, &["ifconfig"];
        ifconfig_of_lo "No usable address families found": both, &["ifconfig", "lo"];
        netstat_interfaces "No usable address families found": both, &["netstat", "-i"];
    }

    fn java_lists<T: Copy>(test: T) -> Option<Both> {
        if !ready(test, &["java", "javac"]) {
            return None;
        }
        let dir = Dir::new();
        dir.file("List.java", 0o644, include_str!("programs/List.java"));
        run(dir.command("javac").arg("List.java")).ok();
        Some(both_in(&dir, &["java", "-cp", ".", "List"]))
    }
}

/// What is below /proc/net is the host's: these clients read it there.
mod proc_net {
    use super::*;

    notice! {
        maddr "1:\tlo\n\tinet  224.0.0.1\n": both, &["ip", "maddr"];
        psutil_counters "'lo': snetio(": python, "psutil", "print(psutil.net_io_counters(pernic=True))";
        route "Kernel IP routing table": both, &["route", "-n"];
    }
}

/// ioctl(2) tells nothing about interfaces; by a socket for streams these clients learn that.
mod ioctl {
    use super::*;

    notice! {
        addr_v6 "SIOCGIFTXQLEN": both, &["ip", "-6", "addr"];
        busybox_addr "SIOCGIFTXQLEN": both, &["busybox", "ip", "addr"];
        busybox_link "SIOCGIFTXQLEN": both, &["busybox", "ip", "link"];
        ethtool "Operation not permitted": both, &["ethtool", "-i", "lo"];
    }
}

/// A protocol of netlink that no kernel has to have, and an answer that comes after send(2) returned, where this client looks first.
mod netlink {
    use super::*;

    notice! {
        nl_fib_lookup "Protocol mismatch": both, &["nl-fib-lookup", "127.0.0.1"];
        addr_flush "Flush remains incomplete": both, &["ip", "addr", "flush", "dev", "lo"];
    }
}
