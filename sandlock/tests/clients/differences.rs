//! Clients that notice where they are: why, and what they then print.

use crate::both::both;
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

/// Datagram sockets of the Internet cannot send, and these clients want one for ioctl(2) only, or connect one
/// to learn from which address it would send: they notice nothing.
mod datagrams {
    use super::*;

    macro_rules! same {
        ($($test:ident: $run:ident $(, $argument:expr)*;)+) => {
            $(#[test]
            fn $test() {
                if let Some(both) = $run($test $(, $argument)*) {
                    both.same();
                }
            })+
        };
    }

    same! {
        musl_getaddrinfo: compiled, MUSL, ADDRCONFIG, &[];
        psutil_states: python, "psutil", "print(psutil.net_if_stats())";
        erlang: both, &["erl", "-noshell", "-eval", "io:format(\"~p~n\", [inet:getifaddrs()]), halt()."];
    }
}

/// Files below /proc/net are the host's: these clients read it there.
mod proc_net {
    use super::*;

    notice! {
        busybox_ifconfig_of_lo "inet addr:127.0.0.1  Mask:255.0.0.0": both, &["busybox", "ifconfig", "lo"];
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
