//! The table, its filters on every set of features, and the decisions that must not change by accident.

#[cfg(target_arch = "x86_64")]
mod golden;

use std::collections::BTreeSet;

use sandlock_bpf::{Action, Answer, Arch, Table, check, constant, run, trace, verify};
use sandlock_sys::nr::{self, Name};
use sandlock_sys::seccomp::Data;
use sandlock_sys::tty::CHANGES;
use sandlock_sys::{Errno, ioctl};

use super::filter::{Rows, compile, table};
use super::{Features, Rule, Then, decide, handlers, row_of};

const OLD: Features = Features::empty();
const NEW: Features = Features::UNIX_SEEN;

/// Every set of features, of native calls and of compat ones where there are any.
fn all() -> impl Iterator<Item = Features> {
    (0..=Features::all().bits())
        .map(Features::from_bits_retain)
        .filter(|features| Arch::COMPAT.is_some() || !features.contains(Features::COMPAT))
}

/// What libc calls: Arm has no other.
const MMAP: &str = if cfg!(target_pointer_width = "32") { "mmap2" } else { "mmap" };

/// The numbers and the architecture that these features are about.
fn about(features: Features) -> (&'static [(Name, u32)], Arch) {
    match Arch::COMPAT {
        Some(arch) if features.contains(Features::COMPAT) => (nr::COMPAT, arch),
        _ => (nr::NATIVE, Arch::NATIVE),
    }
}

/// The filter of these features: with an arm for compat calls if they are about those.
fn filter(features: Features) -> Vec<sandlock_sys::filter::SockFilter> {
    let compat = Arch::COMPAT.filter(|_| features.contains(Features::COMPAT));
    compile(features.difference(Features::COMPAT), compat).unwrap()
}

fn answers(name: &str, args: [u64; 6], features: Features) -> Action {
    let (numbers, arch) = about(features);
    let nr = nr::number(numbers, Name::parse(name).unwrap()).unwrap().cast_signed();
    let data = Data { nr, arch: arch.audit, args, ..Data::default() };
    let rows = Rows::new(features);
    let by_table = table(arch, &rows.rows()).answer(&data);
    for program in [features, features | Features::COMPAT].map(filter) {
        assert_eq!(run(&program, &data).unwrap(), by_table.word(), "{name} {args:x?}");
    }
    by_table
}

/// Flags of clone(2), with a stack that would be refused as flags.
const fn clone_flags(flags: u64) -> [u64; 6] {
    const STACK: u64 = 0x1000_8000;
    if cfg!(target_arch = "s390x") { [STACK, flags, 0, 0, 0, 0] } else { [flags, STACK, 0, 0, 0, 0] }
}

#[test]
fn arguments_decide_as_the_table_says_and_high_halves_do_not_matter() {
    const GARBAGE: u64 = 0xdead_beef_0000_0000;
    let errno = Action::errno;
    let compat = Arch::COMPAT.map(|_| Features::COMPAT);
    for (name, args, want) in [
        ("ioctl", [0, 0x5412, 0, 0, 0, 0], errno(Errno::EPERM)),
        ("ioctl", [0, GARBAGE | 0x5412, 0, 0, 0, 0], errno(Errno::EPERM)),
        ("ioctl", [0, 0x541c, 0, 0, 0, 0], errno(Errno::EPERM)),
        ("ioctl", [0, ioctl::TCGETS.into(), 0, 0, 0, 0], Action::ALLOW),
        ("ioctl", [0, 0x8912, 0, 0, 0, 0], Action::USER_NOTIF),
        ("ioctl", [0, 0x8971, 0, 0, 0, 0], errno(Errno::ENOTTY)),
        ("ioctl", [0, 0x890f, 0, 0, 0, 0], errno(Errno::ENOTTY)),
        ("ioctl", [0, ioctl::FIONBIO.into(), 0, 0, 0, 0], Action::ALLOW),
        ("ioctl", [0, CHANGES[0].0.into(), 0, 0, 0, 0], Action::USER_NOTIF),
        ("ioctl", [0, ioctl::TIOCGPTPEER.into(), 0, 0, 0, 0], Action::USER_NOTIF),
        ("ioctl", [0, 0x4b45, 0, 0, 0, 0], errno(Errno::ENOTTY)),
        ("fcntl", [0, 4, 0x800, 0, 0, 0], Action::ALLOW),
        ("fcntl", [0, 4, 0x2000, 0, 0, 0], errno(Errno::EPERM)),
        ("fcntl", [0, 8, 0, 0, 0, 0], Action::ALLOW),
        ("fcntl", [0, 8, 7, 0, 0, 0], Action::USER_NOTIF),
        ("fcntl", [0, 8, 0xffff_fff9, 0, 0, 0], errno(Errno::EPERM)),
        ("fcntl", [0, 15, 1, 0, 0, 0], errno(Errno::EPERM)),
        ("fcntl", [0, 1024, 2, 0, 0, 0], Action::ALLOW),
        ("fcntl", [0, 1024, 0, 0, 0, 0], errno(Errno::EACCES)),
        ("openat", [0, 1, 0o102, 0o755, 0, 0], Action::ALLOW),
        ("openat", [0, 1, 0o102, 0o4755, 0, 0], errno(Errno::EPERM)),
        ("openat", [0, 1, 0o102, 0o2755, 0, 0], errno(Errno::EPERM)),
        ("openat", [0, 1, 0o2, 0o4755, 0, 0], Action::ALLOW),
        ("openat2", [0; 6], errno(Errno::ENOSYS)),
        ("mknodat", [0, 1, 0o10_4755, 0, 0, 0], errno(Errno::EPERM)),
        ("mknodat", [0, 1, 0o10_0755, 0, 0, 0], Action::ALLOW),
        ("setpgid", [0, 0, 0, 0, 0, 0], Action::ALLOW),
        ("setpgid", [0, 7, 0, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [1, 1, 0, 0, 0, 0], Action::ALLOW),
        ("socket", [1, 2, 0, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [1, 3, 0, 0, 0, 0], errno(Errno::EACCES)),
        ("socket", [2, 0x80801, 6, 0, 0, 0], Action::ALLOW),
        ("socket", [GARBAGE | 2, GARBAGE | 1, GARBAGE, 0, 0, 0], Action::ALLOW),
        ("socket", [2, 1, 262, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
        ("socket", [10, 1, 132, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
        ("socket", [2, 1, 256, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
        ("socket", [2, 2, 0, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [2, 0x80802, 17, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [2, 2, 1, 0, 0, 0], errno(Errno::EACCES)),
        ("socket", [10, 2, 136, 0, 0, 0], errno(Errno::EACCES)),
        ("socket", [2, 3, 1, 0, 0, 0], errno(Errno::EPERM)),
        ("socket", [2, 10, 3, 0, 0, 0], errno(Errno::EPERM)),
        ("socket", [16, 3, 0, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [16, 0x80802, 0, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [16, 3, 4, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [16, 3, GARBAGE | 16, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [16, 2, 15, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [16, 3, 12, 0, 0, 0], Action::USER_NOTIF),
        ("socket", [16, 3, 10, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
        ("socket", [17, 3, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
        ("socket", [38, 5, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
        ("socket", [40, 1, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
        ("socket", [43, 1, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
        ("socketpair", [1, 2, 0, 0, 0, 0], errno(Errno::EACCES)),
        ("socketpair", [30, 1, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
        ("sendto", [3, 1, 20, 0, 0, 0], Action::ALLOW),
        ("sendto", [959, 1, 20, 0, 0, 0], Action::ALLOW),
        ("sendto", [960, 1, 20, 0, 0, 0], Action::USER_NOTIF),
        ("sendto", [GARBAGE | 1023, 1, 20, 0, 0, 0], Action::USER_NOTIF),
        ("sendto", [1024, 1, 20, 0, 0, 0], Action::ALLOW),
        ("sendto", [960, 1, 20, 0x2000_0000, 9, 16], errno(Errno::EOPNOTSUPP)),
        ("write", [960, 1, 20, 0, 0, 0], Action::USER_NOTIF),
        ("write", [2, 1, 20, 0, 0, 0], Action::ALLOW),
        ("recvfrom", [960, 1, 20, 0, 0, 0], Action::ALLOW),
        ("recvfrom", [960, 1, 20, 0, 9, 9], Action::USER_NOTIF),
        ("recvmsg", [960, 1, 0, 0, 0, 0], Action::USER_NOTIF),
        ("sendto", [3, 1, 20, 0x2000_0000, 9, 16], errno(Errno::EOPNOTSUPP)),
        ("sendmsg", [3, 1, 0x2000_4000, 0, 0, 0], errno(Errno::EOPNOTSUPP)),
        ("sendmmsg", [3, 1, 1, GARBAGE | 0x2000_0000, 0, 0], errno(Errno::EOPNOTSUPP)),
        ("sendmmsg", [3, 1, 0x2000_0000, 0, 0, 0], Action::ALLOW),
        ("clone", clone_flags(0x1000_0000), errno(Errno::EPERM)),
        ("clone", clone_flags(0x8011), errno(Errno::EPERM)),
        ("clone", clone_flags(0x3d_0f00), Action::ALLOW),
        ("clone3", [0; 6], errno(Errno::ENOSYS)),
        ("unshare", [0x80, 0, 0, 0, 0, 0], errno(Errno::EPERM)),
        ("unshare", [0x400, 0, 0, 0, 0, 0], Action::ALLOW),
        ("personality", [0xffff_ffff, 0, 0, 0, 0, 0], Action::ALLOW),
        ("personality", [0x4_0000, 0, 0, 0, 0, 0], Action::ALLOW),
        ("personality", [8, 0, 0, 0, 0, 0], Action::ALLOW),
        ("personality", [0x4_0006, 0, 0, 0, 0, 0], errno(Errno::EINVAL)),
        ("prctl", [4, 0, 0, 0, 0, 0], Action::IGNORE),
        ("prctl", [4, 2, 0, 0, 0, 0], errno(Errno::EINVAL)),
        ("prctl", [4, 1, 0, 0, 0, 0], Action::ALLOW),
        ("prctl", [15, 0, 0, 0, 0, 0], Action::ALLOW),
        ("prlimit64", [0, 7, 0, 0, 0, 0], Action::ALLOW),
        ("prlimit64", [1, 7, 0, 0, 0, 0], Action::USER_NOTIF),
        ("setpriority", [0, 0, 5, 0, 0, 0], Action::ALLOW),
        ("setpriority", [0, 9, 5, 0, 0, 0], Action::USER_NOTIF),
        ("setpriority", [2, 0, 5, 0, 0, 0], errno(Errno::EPERM)),
        ("ioprio_set", [3, 0, 5, 0, 0, 0], errno(Errno::EPERM)),
        ("memfd_create", [1, 1, 0, 0, 0, 0], Action::USER_NOTIF),
        ("memfd_create", [1, 0x10, 0, 0, 0, 0], errno(Errno::EACCES)),
        ("memfd_create", [1, 0x18, 0, 0, 0, 0], errno(Errno::EINVAL)),
        ("memfd_create", [1, 0xffff_ffff, 0, 0, 0, 0], errno(Errno::EINVAL)),
        ("memfd_create", [1, 9, 0, 0, 0, 0], Action::ALLOW),
        ("getsockopt", [3, 1, 3, 0, 0, 0], Action::USER_NOTIF),
        ("getsockopt", [3, 1, 4, 0, 0, 0], Action::ALLOW),
        ("setsockopt", [3, 270, 11, 0, 0, 0], Action::USER_NOTIF),
        ("setsockopt", [3, 6, 31, 0, 0, 0], errno(Errno::ENOPROTOOPT)),
        ("setsockopt", [3, 0, 4, 0, 0, 0], errno(Errno::EPERM)),
        ("setsockopt", [3, 41, 6, 0, 0, 0], errno(Errno::EPERM)),
        ("setsockopt", [3, 41, 57, 0, 0, 0], errno(Errno::EPERM)),
        ("setsockopt", [3, 0, 35, 0, 0, 0], errno(Errno::ENODEV)),
        ("setsockopt", [3, 0, 48, 0, 0, 0], errno(Errno::ENODEV)),
        ("setsockopt", [3, 0, 49, 0, 0, 0], Action::ALLOW),
        ("setsockopt", [3, 41, 20, 0, 0, 0], errno(Errno::ENODEV)),
        ("setsockopt", [3, 41, 42, 0, 0, 0], errno(Errno::ENODEV)),
        ("setsockopt", [3, 41, 26, 0, 0, 0], Action::ALLOW),
    ] {
        let fits = args.iter().all(|arg| *arg < 1 << 32 || arg & GARBAGE != 0);
        if fits || cfg!(target_pointer_width = "64") {
            assert_eq!(answers(name, args, OLD), want, "{name} {args:x?}");
        }
        // The 32-bit call is the same, but that only half of each register counts.
        if let Some(features) = compat
            && fits
        {
            assert_eq!(answers(name, args, features), want, "{name} {args:x?}");
            assert_eq!(answers(name, args.map(|arg| arg | GARBAGE), features), want, "{name} {args:x?}");
        }
    }
    assert_eq!(answers("socket", [1, 2, 0, 0, 0, 0], NEW), Action::ALLOW);
    assert_eq!(answers("socketpair", [1, 2, 0, 0, 0, 0], NEW), Action::ALLOW);
    let [cwd, dir] = [0xffff_ff9c, 3];
    let [shm, folder] = [libc::O_RDWR | libc::O_NOFOLLOW, libc::O_NOFOLLOW | libc::O_DIRECTORY]
        .map(|flags| u64::from(flags.cast_unsigned()));
    for (name, args, is_asked) in [
        ("openat", [cwd, 1, shm, 0, 0, 0], true),
        ("openat", [cwd, 1, 0o302, 0o600, 0, 0], true),
        ("openat", [dir, 1, shm, 0, 0, 0], false),
        ("openat", [cwd, 1, shm | 1, 0, 0, 0], false),
        ("openat", [cwd, 1, folder, 0, 0, 0], false),
        ("openat", [cwd, 1, 0o301, 0o600, 0, 0], false),
        ("openat", [cwd, 1, 0o102, 0o600, 0, 0], false),
        ("linkat", [cwd, 1, cwd, 1, 0, 0], true),
        ("linkat", [cwd, 1, dir, 1, 0, 0], false),
        ("linkat", [cwd, 1, cwd, 1, 0x400, 0], false),
        ("unlinkat", [cwd, 1, 0, 0, 0, 0], true),
        ("unlinkat", [cwd, 1, 0x200, 0, 0, 0], false),
        ("unlinkat", [dir, 1, 0, 0, 0, 0], false),
    ] {
        assert_eq!(answers(name, args, OLD), Action::ALLOW, "{name} {args:x?}");
        let want = if is_asked { Action::USER_NOTIF } else { Action::ALLOW };
        assert_eq!(answers(name, args, Features::POSIX_SHM), want, "{name} {args:x?}");
    }
    assert_eq!(answers("socket", [2, 2, 0, 0, 0, 0], NEW), Action::USER_NOTIF);
    if let Some(features) = compat {
        // FS_IOC32_SETVERSION and EXT4_IOC32_SETVERSION; a call that the native table has not.
        for request in [0x4004_7602, 0x4004_6604] {
            assert_eq!(answers("ioctl", [0, request, 0, 0, 0, 0], features), errno(Errno::EPERM));
        }
        assert_eq!(answers("fcntl64", [0, 4, 0, 0, 0, 0], features), Action::ALLOW);
        assert_eq!(answers("chown32", [0; 6], features), Action::USER_NOTIF);
    }
}

#[test]
fn the_requests_that_are_refused_have_the_numbers_of_this_architecture() {
    use linux_raw_sys::ioctl::*;
    for request in [
        TIOCSTI,
        TIOCLINUX,
        TIOCSETD,
        TIOCCONS,
        FS_IOC_SETFLAGS,
        FS_IOC32_SETFLAGS,
        FS_IOC_FSSETXATTR,
        FS_IOC_ENABLE_VERITY,
        FS_IOC_SETVERSION,
        EXT4_IOC_SETVERSION,
        FS_IOC_SET_ENCRYPTION_POLICY,
        FAT_IOCTL_SET_ATTRIBUTES,
        BTRFS_IOC_SNAP_CREATE,
        BTRFS_IOC_SNAP_CREATE_V2,
        BTRFS_IOC_SUBVOL_CREATE,
        BTRFS_IOC_SUBVOL_CREATE_V2,
        BTRFS_IOC_SNAP_DESTROY,
        BTRFS_IOC_SNAP_DESTROY_V2,
        BTRFS_IOC_SUBVOL_SETFLAGS,
    ] {
        let args = [0, request.into(), 0, 0, 0, 0];
        for features in all() {
            let refused = Action::errno(Errno::EPERM);
            let want = if features.contains(Features::OBSERVED) { Action::USER_NOTIF } else { refused };
            assert_eq!(answers("ioctl", args, features), want, "{request:#x}");
        }
    }
    for (request, want) in
        [(FIONBIO, Action::ALLOW), (SIOCGIFCONF, Action::USER_NOTIF), (TCGETS, Action::ALLOW)]
    {
        for features in all() {
            assert_eq!(answers("ioctl", [0, request.into(), 0, 0, 0, 0], features), want, "{request:#x}");
        }
    }
}

#[test]
fn the_filter_equals_the_table_for_every_number_and_passes_the_kernels_rules() {
    for features in all() {
        let program = filter(features);
        check(&program).unwrap();
        let rows = Rows::new(features.difference(Features::COMPAT));
        let others = Rows::new(features | Features::COMPAT);
        let (rows, others) = (rows.rows(), others.rows());
        let others =
            Arch::COMPAT.filter(|_| features.contains(Features::COMPAT)).map(|arch| table(arch, &others));
        let table = Table { compat: others.as_ref(), ..table(Arch::NATIVE, &rows) };
        // For every number and every value of every argument, by enumeration of the program's paths.
        verify(&table, &program).unwrap();
        let numbers = (0..=4095).chain([0x4000_0000, 0x4000_0001, 0x7fff_ffff, -1, i32::MIN]);
        for nr in numbers {
            for arch in [sandlock_sys::filter::AUDIT_ARCH, 0x4000_0003, 0x4000_0028, 0] {
                for args in [[0; 6], [u64::MAX; 6], [1, 2, 3, 4, 5, 6]] {
                    let data = Data { nr, arch, args, ..Data::default() };
                    assert_eq!(run(&program, &data).unwrap(), table.answer(&data).word(), "{data:x?}");
                }
            }
        }
    }
}

#[test]
fn what_is_allowed_without_a_look_is_answered_by_the_kernels_bitmap() {
    for features in all() {
        let (numbers, arch) = about(features);
        let program = filter(features);
        for row in Rows::new(features).rows() {
            let constant = constant(&program, arch, row.nr);
            match row.answer {
                Answer::Always(action) => assert_eq!(constant, Some(action), "{}", row.nr),
                Answer::Cases(..) if features.contains(Features::OBSERVED) => {
                    assert!(matches!(constant, None | Some(Action::USER_NOTIF)), "{}", row.nr);
                }
                Answer::Cases(..) => assert_eq!(constant, None, "{}", row.nr),
            }
        }
        for hot in [
            "read",
            if features.contains(Features::COMPAT) { "mmap2" } else { MMAP },
            "futex",
            "close",
            "readv",
            "wait4",
            // Without these no program gets back from a signal, or into a call that one interrupted.
            "rt_sigreturn",
            "restart_syscall",
            "exit_group",
        ] {
            let nr = nr::number(numbers, Name::parse(hot).unwrap()).unwrap();
            assert_eq!(constant(&program, arch, nr), Some(Action::ALLOW), "{hot}");
        }
    }
}

#[test]
fn a_call_that_the_filter_hands_over_has_a_handler_and_no_other_call_has() {
    for features in all() {
        let (numbers, _) = about(features);
        let trapped: BTreeSet<Name> = Rows::new(features)
            .rows()
            .iter()
            .filter(|row| match row.answer {
                Answer::Always(action) => action == Action::USER_NOTIF,
                Answer::Cases(cases, last) => {
                    last == Action::USER_NOTIF || cases.iter().any(|case| case.then == Action::USER_NOTIF)
                }
            })
            .map(|row| nr::name(numbers, row.nr).unwrap())
            .collect();
        for (name, _) in numbers {
            let handled = handlers(*name).next().is_some();
            // A handler of fewer features than there can be is asked on other kernels.
            let observed = features.contains(Features::OBSERVED);
            assert!(handled || observed || !trapped.contains(name), "{name}");
            let most = Features::TRACING | Features::POSIX_SHM;
            assert!(!handled || trapped.contains(name) || features != most, "{name}");
        }
    }
}

/// Whatever is observed is answered as it would be without: a call that is refused with the same error, and
/// what the kernel decides by the kernel.
#[test]
fn an_observer_sees_what_may_be_refused_and_changes_nothing() {
    for features in all().filter(|features| !features.contains(Features::OBSERVED)) {
        let (numbers, arch) = about(features);
        let (plain, seen) = (Rows::new(features), Rows::new(features | Features::OBSERVED));
        let (plain, seen) = (plain.rows(), seen.rows());
        let (plain, seen) = (table(arch, &plain), table(arch, &seen));
        for (name, nr) in numbers {
            let is_fork = ["fork", "vfork", "clone3"].contains(&name.as_str());
            for args in cases(*name) {
                let args = args.map(|arg| arg & arch.registers);
                let data = Data { nr: nr.cast_signed(), arch: arch.audit, args, ..Data::default() };
                let (is, sees) = (plain.answer(&data), seen.answer(&data));
                let decided = match decide(*name, &args, features | Features::OBSERVED) {
                    Then::Allow | Then::Observe => Action::ALLOW,
                    Then::Refuse(errno) => Action::errno(errno),
                    Then::Ignore => Action::IGNORE,
                    Then::Ask(_) => Action::USER_NOTIF,
                };
                assert_eq!(decided, is, "{name} {args:x?} {features:?}");
                let refused = is != Action::ALLOW && is != Action::IGNORE;
                assert!(sees == is || (sees == Action::USER_NOTIF && !is_fork), "{name} {args:x?}");
                assert!(!refused || sees == Action::USER_NOTIF || is_fork, "{name} {args:x?}");
            }
        }
    }
    for hot in ["read", "stat", "close", "fork", "futex", "wait4", "clone3", "exit_group", "fstat", "brk"] {
        for program in [Features::empty(), Features::POSIX_SHM].map(|with| filter(with | Features::OBSERVED))
        {
            let Some(nr) = nr::number(nr::NATIVE, Name::parse(hot).unwrap()) else { continue };
            assert_ne!(constant(&program, Arch::NATIVE, nr), Some(Action::USER_NOTIF), "{hot}");
            assert!(constant(&program, Arch::NATIVE, nr).is_some(), "{hot}");
        }
    }
}

/// Registers around the values that the cases of a call compare with.
fn cases(name: Name) -> Vec<[u64; 6]> {
    let mut all = vec![[0; 6], [u64::MAX; 6], [1, 2, 3, 4, 5, 6]];
    let Some(Rule::ByArgs(cases, _)) = row_of(name).map(|row| &row.rule) else { return all };
    for case in *cases {
        let mut args = [0; 6];
        for test in case.tests {
            let holds = |arg: &u64| {
                (0..6).any(|at| {
                    let mut one = [0; 6];
                    one[at] = *arg;
                    test.holds(&one) != test.holds(&[0; 6])
                })
            };
            let tried =
                (0..64).map(|bit| 1 << bit).chain(0..0x200).chain((0x5400..0x5500).chain(0x8900..0x8980));
            for arg in tried.filter(holds) {
                all.extend((0..6).map(|at| {
                    let mut one = [0; 6];
                    one[at] = arg;
                    one
                }));
                for (at, place) in args.iter_mut().enumerate() {
                    let mut one = [0; 6];
                    one[at] = arg;
                    if *place == 0 && test.holds(&one) {
                        *place = arg;
                    }
                }
            }
            all.push(args);
        }
        args.iter_mut().for_each(|arg| *arg |= u64::MAX << 32);
        all.push(args);
    }
    all
}

#[test]
fn what_is_hot_takes_few_instructions() {
    let program = filter(OLD);
    // s390x has the longest: the numbers of its families lie scattered.
    assert!(program.len() <= 450, "{}", program.len());
    for name in ["read", "write", MMAP, "futex"] {
        let nr = nr::number(nr::NATIVE, Name::parse(name).unwrap()).unwrap().cast_signed();
        let data = Data { nr, arch: sandlock_sys::filter::AUDIT_ARCH, ..Data::default() };
        let steps = trace(&program, &data).unwrap().steps;
        println!("{name}: {steps} of {} instructions", program.len());
        assert!(steps <= 16, "{name}: {steps}");
    }
}
