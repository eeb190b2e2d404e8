//! What the two libcs make of it, and C programs that use libmnl.

use std::path::Path;

use crate::both::same_in;
use crate::common::{Dir, has, run, skip};

const GLIBC: &[&str] = &["cc"];
const GLIBC_STATIC: &[&str] = &["cc", "-static"];
/// What is linked statically cannot be told from the outside which libc it is of.
const MUSL: &[&str] = &["musl-gcc", "-static"];

const LIBMNL: &[&str] = &["cc", "-lmnl"];

const GETIFADDRS: &str = include_str!("programs/getifaddrs.c");
const NAMES: &str = include_str!("programs/names.c");
const ADDRCONFIG: &str = include_str!("programs/addrconfig.c");
const MNL: &str = include_str!("programs/mnl.c");

/// A row for each program: the test's name, the compiler, the source, then its arguments.
macro_rules! compiled {
    ($($test:ident: $compiler:expr, $source:expr $(, $word:expr)*;)+) => {
        $(#[test]
        fn $test() {
            compiled($test, $compiler, $source, &[$($word),*]);
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
    musl_getaddrinfo: MUSL, ADDRCONFIG;
}

#[track_caller]
fn compiled<T: Copy>(test: T, compiler: &[&str], source: &str, words: &[&str]) {
    if !has(test, compiler.get(..1).unwrap_or_default()) {
        return;
    }
    let dir = Dir::new();
    dir.file("client.c", 0o644, source);
    let (first, rest) = compiler.split_first().expect("a compiler");
    run(dir.command(first).args(["-o", "client", "client.c"]).args(rest)).ok();
    same_in(test, &dir, &[&["./client"], words].concat(), str::to_owned);
}

/// A row for each table: the type of the request, the family, and the length of the family's header.
macro_rules! dumped {
    ($($test:ident: $kind:literal, $family:literal, $header:literal;)+) => {
        $(#[test]
        fn $test() {
            dumped($test, &[$kind, $family, $header]);
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
fn dumped<T: Copy>(test: T, words: &[&str]) {
    if Path::new("/usr/include/libmnl/libmnl.h").exists() {
        compiled(test, LIBMNL, MNL, words);
    } else {
        skip(test, "not installed: libmnl-dev");
    }
}
