//! Rulesets and domains themselves: making, sharing, nesting, flags.

use std::env;
use std::fs::{self, File};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use sandlock_landlock::{Abi, AccessFs, Error, RestrictFlags, Rights, Ruleset, RulesetFd, Scope};
use sandlock_sys::{AsFd, Errno, landlock, net, prctl};

use crate::{Dir, abi_with, outcome, place, restricted, skip};

const READ_DIR: Rights = Rights::on_files(AccessFs::READ_DIR);

fn denies_listing(abi: Abi) -> RulesetFd {
    Ruleset::handle(READ_DIR).create(abi).unwrap()
}

fn list(dir: &Dir) -> Result<(), Errno> {
    outcome(fs::read_dir(&**dir))
}

#[test]
fn the_best_this_kernel_can_do_is_everything_it_has() {
    let Some(abi) = abi_with(the_best_this_kernel_can_do_is_everything_it_has, Rights::NONE) else {
        return;
    };
    let (ruleset, dropped) = Ruleset::handle(Abi::NEWEST.rights()).best_effort(abi);
    assert_eq!(dropped, Abi::NEWEST.rights().difference(abi.rights()));
    let ruleset = ruleset.create(abi).unwrap();
    assert_eq!(ruleset.handled(), abi.rights());
    let dir = Dir::new();
    assert_eq!(list(&dir), Ok(()));
    assert_eq!(restricted(&ruleset, || list(&dir)), Err(Errno::EACCES));
    ruleset.allow_path(AccessFs::READ, place(&*dir).as_fd()).unwrap();
    assert_eq!(restricted(&ruleset, || list(&dir)), Ok(()));
}

#[test]
fn a_ruleset_of_nothing_or_of_unheard_rights_is_refused() {
    let test = a_ruleset_of_nothing_or_of_unheard_rights_is_refused;
    let Some(abi) = abi_with(test, Rights::NONE) else { return };
    assert_eq!(Ruleset::handle(Rights::NONE).create(abi).unwrap_err(), Error::Create(Errno::ENOMSG));
    let unheard = Rights::on_files(AccessFs::from_bits_retain(1 << 63));
    assert_eq!(landlock::create_ruleset(unheard.fs, unheard.net, unheard.scope).unwrap_err(), Errno::EINVAL);
    assert_eq!(Ruleset::handle(unheard).create(abi).unwrap_err(), Error::Unsupported(unheard));
}

#[test]
fn an_assumed_abi_is_not_the_kernels() {
    let Some(abi) = abi_with(an_assumed_abi_is_not_the_kernels, Rights::NONE) else { return };
    let newer = Abi::NEWEST.rights().difference(abi.rights());
    if newer.is_empty() {
        return skip(an_assumed_abi_is_not_the_kernels, "this kernel has every right of the table");
    }
    // We believe it; the kernel returns EINVAL for unknown bits, and E2BIG for unknown kinds of rights.
    let error = Ruleset::handle(newer).create(Abi::NEWEST).unwrap_err();
    assert!(matches!(error, Error::Create(Errno::EINVAL | Errno::E2BIG)), "{error}");
}

#[test]
fn no_rule_can_name_a_socket() {
    let Some(abi) = abi_with(no_rule_can_name_a_socket, READ_DIR) else { return };
    let rights = Rights::on_files(AccessFs::READ_FILE);
    let ruleset = Ruleset::handle(rights).create(abi).unwrap();
    let (socket, _) = net::socketpair(libc::SOCK_STREAM).unwrap();
    assert_eq!(ruleset.allow_path(rights.fs, socket.as_fd()), Err(Error::AddRule(Errno::EBADFD)));
    // Nor is a rule made of rights that are not handled.
    assert_eq!(ruleset.allow_path(AccessFs::EXECUTE, socket.as_fd()), Ok(()));
}

#[test]
fn scopes_alone_leave_files_alone() {
    let rights = Rights::scoped(Scope::SIGNAL);
    let Some(abi) = abi_with(scopes_alone_leave_files_alone, rights) else { return };
    let ruleset = Ruleset::handle(rights).create(abi).unwrap();
    let dir = Dir::new();
    ruleset.allow_path(AccessFs::READ, place(&*dir).as_fd()).unwrap();
    restricted(&ruleset, || {
        fs::write(dir.join("file"), "").unwrap();
        fs::create_dir(dir.join("sub")).unwrap();
        fs::rename(dir.join("file"), dir.join("sub/file")).unwrap();
    });
}

#[test]
fn one_ruleset_restricts_many_threads_and_only_them() {
    let Some(abi) = abi_with(one_ruleset_restricts_many_threads_and_only_them, READ_DIR) else { return };
    let (ruleset, dir) = (denies_listing(abi), Dir::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(restricted(&ruleset, || list(&dir)), Err(Errno::EACCES)));
        }
    });
    assert_eq!(list(&dir), Ok(()));
}

#[test]
fn a_rule_counts_for_the_threads_restricted_after_it() {
    let Some(abi) = abi_with(a_rule_counts_for_the_threads_restricted_after_it, READ_DIR) else { return };
    let (ruleset, dir) = (denies_listing(abi), Dir::new());
    let before_and_after = || {
        let before = list(&dir);
        ruleset.allow_path(AccessFs::READ_DIR, place(&*dir).as_fd()).unwrap();
        (before, list(&dir))
    };
    assert_eq!(restricted(&ruleset, before_and_after), (Err(Errno::EACCES), Err(Errno::EACCES)));
    assert_eq!(restricted(&ruleset, || list(&dir)), Ok(()));
}

#[test]
fn a_nested_domain_only_takes_away() {
    let Some(abi) = abi_with(a_nested_domain_only_takes_away, READ_DIR) else { return };
    let (outer, inner, dir) = (denies_listing(abi), denies_listing(abi), Dir::new());
    inner.allow_path(AccessFs::READ_DIR, place(&*dir).as_fd()).unwrap();
    assert_eq!(restricted(&inner, || list(&dir)), Ok(()));
    assert_eq!(restricted(&outer, || restricted(&inner, || list(&dir))), Err(Errno::EACCES));
}

#[test]
fn sixteen_domains_nest_and_the_next_is_too_many() {
    let Some(abi) = abi_with(sixteen_domains_nest_and_the_next_is_too_many, READ_DIR) else { return };
    let ruleset = denies_listing(abi);
    let results: Vec<_> = restricted(&ruleset, || {
        let privs = prctl::set_no_new_privs().unwrap();
        (2..=17).map(|_| ruleset.restrict_self(&privs).map(drop)).collect()
    });
    let (last, nested) = results.split_last().unwrap();
    assert_eq!((nested, *last), (&[Ok(()); 15][..], Err(Errno::E2BIG)));
}

#[test]
fn what_was_open_before_stays_usable() {
    let rights = Rights::on_files(AccessFs::READ_FILE);
    let Some(abi) = abi_with(what_was_open_before_stays_usable, rights) else { return };
    let dir = Dir::new();
    fs::write(dir.join("file"), "content").unwrap();
    let open = File::open(dir.join("file")).unwrap();
    let ruleset = Ruleset::handle(rights).create(abi).unwrap();
    restricted(&ruleset, || {
        assert_eq!(std::io::read_to_string(&open).unwrap(), "content");
        assert_eq!(outcome(File::open(dir.join("file"))), Err(Errno::EACCES));
    });
}

#[test]
fn flags_are_taken_as_the_abi_says() {
    let Some(abi) = abi_with(flags_are_taken_as_the_abi_says, READ_DIR) else { return };
    // TSYNC would restrict the other tests. An unknown flag the kernel refuses before anything else.
    let known = abi.flags().difference(RestrictFlags::TSYNC);
    let unknown = Abi::NEWEST.flags().difference(abi.flags()).union(RestrictFlags::from_bits_retain(1 << 31));
    let (ruleset, dir) = (denies_listing(abi), Dir::new());
    let restrict = |flags: RestrictFlags| {
        thread::scope(|scope| {
            let restricted = scope.spawn(|| {
                let privs = prctl::set_no_new_privs().unwrap();
                let restricted = ruleset.restrict_self_with(flags, &privs).map(drop);
                (restricted, list(&dir))
            });
            restricted.join().unwrap()
        })
    };
    for flag in known.iter().chain([known]) {
        assert_eq!(restrict(flag), (Ok(()), Err(Errno::EACCES)), "{flag:?}");
    }
    for flag in unknown.iter() {
        assert_eq!(restrict(flag), (Err(Errno::EINVAL), Ok(())), "{flag:?}");
    }
}

#[test]
fn tsync_restricts_every_thread() {
    /// Set in the process that may be restricted as a whole.
    const ALONE: &str = "SANDLOCK_LANDLOCK_TEST_ALONE";
    let Some(abi) = abi_with(tsync_restricts_every_thread, READ_DIR) else { return };
    if !abi.flags().contains(RestrictFlags::TSYNC) {
        // That it is refused, flags_are_taken_as_the_abi_says has checked.
        return skip(tsync_restricts_every_thread, format_args!("ABI {} has no TSYNC", abi.version()));
    }
    if env::var_os(ALONE).is_none() {
        let mut alone = Command::new(env::current_exe().unwrap());
        let alone = alone.args(["--exact", "domains::tsync_restricts_every_thread"]).env(ALONE, "1").output();
        let alone = alone.unwrap();
        assert!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stdout));
        return;
    }
    let (ruleset, dir) = (denies_listing(abi), Dir::new());
    let (tell, told) = mpsc::channel();
    let other = thread::spawn({
        let dir = dir.to_path_buf();
        move || {
            told.recv().unwrap();
            outcome(fs::read_dir(dir))
        }
    });
    assert_eq!(list(&dir), Ok(()));
    let privs = prctl::set_no_new_privs().unwrap();
    let _enforced = ruleset.restrict_self_with(RestrictFlags::TSYNC, &privs).unwrap();
    tell.send(()).unwrap();
    assert_eq!(other.join().unwrap(), Err(Errno::EACCES));
}
