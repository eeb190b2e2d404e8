//! Crates that Rust programs list the network with: a program asks each, built by `cargo xtask test`.

use std::env;
use std::path::{Path, PathBuf};

use crate::both::{Both, both_in, ready};
use crate::common::{Dir, run, skip};

/// A row for each question: the test's name, and what the program calls it.
macro_rules! crates {
    ($($test:ident: $what:literal;)+) => {
        $(#[test]
        fn $test() {
            if let Some(both) = ask($test, $what) {
                both.same();
            }
        })+
    };
}

crates! {
    if_addrs: "if-addrs";
    getifaddrs: "getifaddrs";
    getifaddrs_index: "getifaddrs-index";
    network_interface: "network-interface";
    nix_index: "nix-index";
    local_ip_address: "local-ip-address";
    local_ip_address_v4: "local-ip-address-v4";
    local_ip_address_v6: "local-ip-address-v6";
    netdev: "netdev";
    netdev_default: "netdev-default";
    nix: "nix";
    nix_names: "nix-names";
    neli_links: "neli-links";
    neli_routes: "neli-routes";
    rtnetlink_links: "rtnetlink-links";
    rtnetlink_lo: "rtnetlink-lo";
    rtnetlink_absent: "rtnetlink-absent";
    rtnetlink_addresses: "rtnetlink-addresses";
    rtnetlink_routes: "rtnetlink-routes";
    rtnetlink_rules: "rtnetlink-rules";
    rtnetlink_neighbours: "rtnetlink-neighbours";
}

/// Asks one crate, on both sides.
#[track_caller]
pub(crate) fn ask<T: Copy>(test: T, what: &str) -> Option<Both> {
    if !ready(test, &[]) {
        return None;
    }
    let Some(program) = program() else {
        skip(test, "cargo xtask test builds the program, and has not");
        return None;
    };
    let dir = Dir::new();
    // Where a sandboxed command may execute it.
    run(dir.command("cp").arg(program).arg("client")).ok();
    Some(both_in(&dir, &["./client", what]))
}

fn program() -> Option<PathBuf> {
    const NAME: &str = "network-crates";
    let staged = env::var_os("SANDLOCK_TEST_BIN_DIR").map(|folder| Path::new(&folder).join(NAME));
    let built = env::var_os(format!("CARGO_BIN_EXE_{NAME}")).map(PathBuf::from);
    staged.or(built).filter(|path| path.exists())
}
