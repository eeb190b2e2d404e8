//! `landlock`, as far as `sandlock-landlock` cannot ask for it: the errors it makes impossible.

use sandlock_sys::fs::{self, MemfdFlags, OFlags};
use sandlock_sys::landlock::{
    AccessFs, AccessNet, RulesetFd, Scope, abi, add_net_port, add_path_beneath, create_ruleset, errata,
};
use sandlock_sys::{AsFd, Errno};

use crate::skip;

fn ruleset<T>(test: T, version: u32, fs: AccessFs, net: AccessNet) -> Option<RulesetFd> {
    match abi() {
        Ok(abi) if abi >= version => Some(create_ruleset(fs, net, Scope::empty()).unwrap()),
        Ok(abi) => {
            skip(test, format_args!("Landlock ABI {abi}, not {version}"));
            None
        }
        Err(errno) => {
            assert!([Errno::ENOSYS, Errno::EOPNOTSUPP].contains(&errno));
            assert_eq!(create_ruleset(fs, net, Scope::empty()).unwrap_err(), errno);
            skip(test, format_args!("no Landlock ({errno})"));
            None
        }
    }
}

#[test]
fn a_rule_is_of_what_is_handled_and_fits_the_file() {
    let handled = AccessFs::READ_FILE | AccessFs::READ_DIR;
    let Some(ruleset) =
        ruleset(a_rule_is_of_what_is_handled_and_fits_the_file, 1, handled, AccessNet::empty())
    else {
        return;
    };
    let dir = fs::open(c"/", OFlags::PATH).unwrap();
    let file = fs::open(c"/dev/null", OFlags::PATH).unwrap();
    let memfd = fs::memfd_create(c"test", MemfdFlags::CLOEXEC).unwrap();
    let add = |rights, fd: &sandlock_sys::OwnedFd| add_path_beneath(&ruleset, rights, fd.as_fd());
    assert_eq!(add(handled, &dir), Ok(()));
    assert_eq!(add(AccessFs::READ_FILE, &file), Ok(()));
    assert_eq!(add(AccessFs::empty(), &dir), Err(Errno::ENOMSG));
    assert_eq!(add(AccessFs::WRITE_FILE, &dir), Err(Errno::EINVAL));
    assert_eq!(add(AccessFs::READ_DIR, &file), Err(Errno::EINVAL));
    assert_eq!(add(AccessFs::READ_FILE, &memfd), Err(Errno::EBADFD));
    assert_eq!(add_net_port(&ruleset, AccessNet::BIND_TCP, 1), Err(Errno::EINVAL));
}

#[test]
fn a_port_rule_is_of_what_is_handled() {
    let Some(ruleset) = ruleset(a_port_rule_is_of_what_is_handled, 4, AccessFs::empty(), AccessNet::BIND_TCP)
    else {
        return;
    };
    for port in [0, 1, u16::MAX] {
        assert_eq!(add_net_port(&ruleset, AccessNet::BIND_TCP, port), Ok(()));
        assert_eq!(add_net_port(&ruleset, AccessNet::CONNECT_TCP, port), Err(Errno::EINVAL));
        assert_eq!(add_net_port(&ruleset, AccessNet::empty(), port), Err(Errno::ENOMSG));
    }
}

#[test]
fn a_ruleset_of_nothing_is_none() {
    let Some(_) = ruleset(a_ruleset_of_nothing_is_none, 1, AccessFs::EXECUTE, AccessNet::empty()) else {
        return;
    };
    let nothing = create_ruleset(AccessFs::empty(), AccessNet::empty(), Scope::empty());
    assert_eq!(nothing.unwrap_err(), Errno::ENOMSG);
    // The question is newer than the rest, and the numbers are few.
    assert!(errata().is_ok_and(|errata| errata < 1 << 16) || errata() == Err(Errno::EINVAL));
}
