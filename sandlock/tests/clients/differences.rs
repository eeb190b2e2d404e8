//! Clients that notice where they are: why, and what they then print.

use crate::both::{Both, both, both_in, ready};
use crate::common::{Dir, run};
use crate::languages::python;
use crate::libc::{ADDRCONFIG, MUSL, compiled};

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

/// Datagram sockets of the Internet are refused, because nothing would judge where they send to: these
/// clients want one for ioctl(2), or connect one to learn from which address it would send.
mod datagrams {
    use super::*;

    notice! {
        musl_getaddrinfo "System error": compiled, MUSL, ADDRCONFIG, &[];
        psutil_states "Permission denied": python, "psutil", "print(psutil.net_if_stats())";
        erlang "{error,eacces}": both, &["erl", "-noshell", "-eval", "io:format(\"~p~n\", [inet:getifaddrs()]), halt()."];
        java "Socket creation failed": java_lists;
        busybox_tunnel "socket: Permission denied": both, &["busybox", "ip", "tunnel"];
        busybox_ifconfig "socket: Permission denied": both, &["busybox", "ifconfig"];
        ifconfig "no inet socket available": both, &["ifconfig"];
        netstat_interfaces "no inet socket available": both, &["netstat", "-i"];
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

/// Files below /proc/net are the host's: these clients read it there.
mod proc_net {
    use super::*;

    notice! {
        maddr "1:\tlo\n\tinet  224.0.0.1\n": both, &["ip", "maddr"];
        psutil_counters "'lo': snetio(": python, "psutil", "print(psutil.net_io_counters(pernic=True))";
        ifconfig_of_lo "inet6 ::1  prefixlen 128": both, &["ifconfig", "lo"];
        route "Kernel IP routing table": both, &["route", "-n"];
    }
}

/// A protocol of netlink that no kernel has to have.
#[test]
fn nl_fib_lookup() {
    if let Some(both) = both(nl_fib_lookup, &["nl-fib-lookup", "127.0.0.1"]) {
        both.notices("Protocol mismatch");
    }
}

/// The client looks for an error as soon as send(2) returns, and in a sandbox that may be too early: then it
/// asks again until it gives up.
#[test]
fn addr_flush() {
    if let Some(both) = both(addr_flush, &["ip", "addr", "flush", "dev", "lo"]) {
        both.same_status();
    }
}
