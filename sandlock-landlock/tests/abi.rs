//! Every ABI version, assumed: no kernel is asked.

use sandlock_landlock::{Abi, AccessFs, Error, PROTECTIONS, Rights, Ruleset};

/// Version, then the bits of: rights on files, rights on ports, scopes, flags. As
/// `security/landlock/limits.h` and the uapi header of the first kernel with it have them.
const MASKS: [(u32, u64, u64, u64, u32); 13] = [
    (0, 0, 0, 0, 0),
    (1, 0x1fff, 0, 0, 0),
    (2, 0x3fff, 0, 0, 0),
    (3, 0x7fff, 0, 0, 0),
    (4, 0x7fff, 3, 0, 0),
    (5, 0xffff, 3, 0, 0),
    (6, 0xffff, 3, 3, 0),
    (7, 0xffff, 3, 3, 7),
    (8, 0xffff, 3, 3, 15),
    (9, 0x1_ffff, 3, 3, 15),
    (10, 0x1_ffff, 15, 3, 15),
    (11, 0x1_ffff, 15, 3, 31),
    (12, 0x1_ffff, 15, 3, 31),
];

#[test]
fn each_abi_has_the_rights_of_its_kernel() {
    for (version, fs, net, scope, flags) in MASKS {
        let abi = Abi::assume(version);
        let rights = abi.rights();
        assert_eq!((rights.fs.bits(), rights.net.bits(), rights.scope.bits()), (fs, net, scope), "{version}");
        assert_eq!((abi.flags().bits(), abi.version()), (flags, version));
    }
}

#[test]
fn an_abi_newer_than_the_table_is_the_newest_of_it() {
    for version in [12, 13, u32::MAX] {
        assert_eq!(Abi::assume(version).rights(), Abi::NEWEST.rights());
        assert_eq!(Abi::assume(version).flags(), Abi::NEWEST.flags());
        assert!(Abi::assume(version).version() > Abi::NEWEST.version());
    }
}

#[test]
fn best_effort_drops_what_the_abi_lacks_and_says_so() {
    let all = Abi::NEWEST.rights();
    for (version, ..) in MASKS {
        let abi = Abi::assume(version);
        let (kept, dropped) = Ruleset::handle(all).best_effort(abi);
        assert_eq!(kept, Ruleset::handle(abi.rights()), "{version}");
        assert_eq!(dropped, all.difference(abi.rights()), "{version}");
        // Nothing is left to drop, and nothing that was not asked for is added.
        assert_eq!(kept.best_effort(abi), (kept, Rights::NONE));
        assert_eq!(
            Ruleset::handle(Rights::NONE).best_effort(abi),
            (Ruleset::handle(Rights::NONE), Rights::NONE)
        );
    }
}

#[test]
fn the_dropped_rights_can_be_read() {
    for (version, want) in [
        (
            1,
            "fs.refer,fs.truncate,fs.ioctl_dev,fs.resolve_unix,net.bind_tcp,net.connect_tcp,net.bind_udp,\
             net.connect_send_udp,scope.abstract_unix_socket,scope.signal",
        ),
        (5, "fs.resolve_unix,net.bind_udp,net.connect_send_udp,scope.abstract_unix_socket,scope.signal"),
        (8, "fs.resolve_unix,net.bind_udp,net.connect_send_udp"),
        (9, "net.bind_udp,net.connect_send_udp"),
        (10, ""),
    ] {
        let (_, dropped) = Ruleset::handle(Abi::NEWEST.rights()).best_effort(Abi::assume(version));
        assert_eq!(dropped.to_string(), want, "{version}");
    }
}

#[test]
fn strict_creation_names_what_the_abi_lacks_and_asks_no_kernel() {
    for (version, ..) in MASKS {
        let abi = Abi::assume(version);
        for right in single(Abi::NEWEST.rights()).filter(|right| abi.rights().intersection(*right).is_empty())
        {
            // With a right that every ABI has beside it: only the missing one is named.
            let asked = right.union(Rights::on_files(AccessFs::EXECUTE).intersection(abi.rights()));
            let error = Ruleset::handle(asked).create(abi).unwrap_err();
            assert_eq!(error, Error::Unsupported(right), "{version}");
            assert_eq!(error.to_string(), format!("this kernel's Landlock cannot restrict {right}"));
        }
    }
}

#[test]
fn each_protection_came_with_its_abi_as_a_whole() {
    for protection in PROTECTIONS {
        let (before, since) = (Abi::assume(protection.abi - 1), Abi::assume(protection.abi));
        assert!(!protection.rights.is_empty());
        assert_eq!(before.rights().intersection(protection.rights), Rights::NONE, "{}", protection.name);
        assert_eq!(since.rights().intersection(protection.rights), protection.rights, "{}", protection.name);
    }
}

#[test]
fn the_protections_are_all_that_came_after_abi_1_once_each() {
    let mut seen = Rights::NONE;
    let mut names = Vec::new();
    for protection in PROTECTIONS {
        assert!(seen.intersection(protection.rights).is_empty(), "{}", protection.name);
        assert!(!names.contains(&protection.name), "{}", protection.name);
        seen = seen.union(protection.rights);
        names.push(protection.name);
    }
    assert_eq!(seen, Abi::NEWEST.rights().difference(Abi::assume(1).rights()));
    assert!(PROTECTIONS.is_sorted_by_key(|protection| protection.abi));
}

/// Each right by itself.
fn single(rights: Rights) -> impl Iterator<Item = Rights> {
    let fs = rights.fs.iter().map(Rights::on_files);
    fs.chain(rights.net.iter().map(Rights::on_ports)).chain(rights.scope.iter().map(Rights::scoped))
}
