//! What the two libcs make of it, and C programs that use libmnl.

use std::path::Path;

use crate::both::{Both, both_in, ready};
use crate::common::{Dir, run, skip};

pub(crate) const GLIBC: &[&str] = &["cc"];
const GLIBC_STATIC: &[&str] = &["cc", "-static"];
/// A program that is linked statically does not show from the outside which libc it is of.
pub(crate) const MUSL: &[&str] = &["musl-gcc", "-static"];

const LIBMNL: &[&str] = &["cc", "-lmnl"];

const GETIFADDRS: &str = include_str!("programs/getifaddrs.c");
pub(crate) const NAMES: &str = include_str!("programs/names.c");
pub(crate) const ADDRCONFIG: &str = include_str!("programs/addrconfig.c");
const MNL: &str = include_str!("programs/mnl.c");

/// A row for each program: the test's name, the compiler, the source, then its arguments.
macro_rules! compiled {
    ($($test:ident: $compiler:expr, $source:expr $(, $word:expr)*;)+) => {
        $(#[test]
        fn $test() {
            if let Some(both) = compiled($test, $compiler, $source, &[$($word),*]) {
                both.same();
            }
        })+
    };
}

compiled! {
    glibc_getifaddrs: GLIBC, GETIFADDRS;
    glibc_static_getifaddrs: GLIBC_STATIC, GETIFADDRS;
    glibc_if_nameindex: GLIBC, NAMES;
    glibc_if_nametoindex: GLIBC, NAMES, "ioctl";
    glibc_getaddrinfo: GLIBC, ADDRCONFIG;
    musl_getifaddrs: MUSL, GETIFADDRS;
    musl_if_nameindex: MUSL, NAMES;
    musl_if_nametoindex: MUSL, NAMES, "ioctl";
}

/// Compiles a program, and runs it on both sides.
#[track_caller]
pub(crate) fn compiled<T: Copy>(test: T, compiler: &[&str], source: &str, words: &[&str]) -> Option<Both> {
    let (first, rest) = compiler.split_first()?;
    if !ready(test, &[first]) {
        return None;
    }
    let dir = Dir::new();
    dir.file("client.c", 0o644, source);
    run(dir.command(first).args(["-o", "client", "client.c"]).args(rest)).ok();
    Some(both_in(&dir, &[&["./client"], words].concat()))
}

/// A row for each table: the type of the request, the family, and the length of the family's header.
macro_rules! dumped {
    ($($test:ident: $kind:literal, $family:literal, $header:literal;)+) => {
        $(#[test]
        fn $test() {
            if let Some(both) = dumped($test, &[$kind, $family, $header]) {
                both.same();
            }
        })+
    };
}

dumped! {
    mnl_links: "18", "17", "16";
    mnl_links_by_one_byte: "18", "0", "1";
    mnl_addresses: "22", "0", "1";
    mnl_addresses_v6: "22", "10", "8";
    mnl_routes: "26", "0", "12";
    mnl_routes_v6: "26", "10", "1";
    mnl_neighbours: "30", "0", "12";
    mnl_rules: "34", "2", "12";
    mnl_qdiscs: "38", "0", "20";
    mnl_address_labels: "74", "10", "12";
    mnl_netconf: "82", "2", "1";
}

#[track_caller]
fn dumped<T: Copy>(test: T, words: &[&str]) -> Option<Both> {
    if !ready(test, &["cc"]) {
        return None;
    }
    if !Path::new("/usr/include/libmnl/libmnl.h").exists() {
        skip(test, "not installed: [\"libmnl-dev\"]");
        return None;
    }
    compiled(test, LIBMNL, MNL, words)
}
