//! The skips that are expected; any other is a failure for `test --ci`.

/// Where a test ran.
pub(crate) enum Place {
    /// On a machine of the continuous integration.
    Here,
    /// In a virtual machine, whose kernel has this Landlock ABI (nought: none).
    Guest { abi: u64 },
}

/// The Landlock ABI of the machines of the continuous integration.
const OURS: u64 = 7;

/// The start of a test's full name, `package/target/test`, and the first ABI with what it tests.
const SINCE: &[(&str, u64)] = &[
    ("sandlock-landlock/live/domains::tsync", 8),
    ("sandlock-landlock/live/files::resolve_unix", 9),
    ("sandlock-landlock/live/ports::bind_udp", 10),
    ("sandlock-landlock/live/ports::connect_send_udp", 10),
];

/// The start of a test's full name and the reason, wherever it runs.
const ANYWHERE: &[(&str, &str)] = &[
    ("sandlock-landlock/live/files::make_block", "only root makes devices, and the same test runs as root"),
    ("sandlock-landlock/live/files::make_char", "only root makes devices, and the same test runs as root"),
    (
        "sandlock-netlink/live_kernel/the_kernel_answers_as_we_do",
        "only root has a network namespace, the same test runs as root, and other kernels answer otherwise",
    ),
    (
        "sandlock-netlink/live_kernel/the_kernel_notifies",
        "only root has a network namespace, the same test runs as root, and other kernels notify otherwise",
    ),
    (
        "sandlock-netlink/live_kernel/the_recorded_answers",
        "only root has a network namespace, the same test runs as root, and other kernels answer otherwise",
    ),
    ("sandlock/attacks/sleeps::a_file_system", "only root mounts FUSE, and the same test runs as root"),
    ("sandlock/escapes/a_socket_is_bound", "guests have lo only, and the same test runs natively"),
    ("sandlock/names/", "only root has a network namespace, and the same test runs as root"),
    ("sandlock/workplace/kept_capabilities", "only root has them, and the same test runs as root"),
    (
        "sandlock/workplace/a_link_of_roots",
        "only root makes links below /usr, and the same test runs as root",
    ),
    ("sandlock/workplace/a_link_as_working", "root's links are trusted, and the same test runs as nobody"),
    ("sandlock/workplace/the_limits_of", "guests have no control groups, and the same test runs natively"),
    ("sandlock/ipc/system_v::a_database", "PostgreSQL refuses root, and the same test runs as nobody"),
    ("xtask/xtask/audit::", "nobody cannot read root's toolchain, and the same test runs as root"),
    (
        "sandlock/programs/cargo_builds_offline",
        "nobody cannot read root's toolchain, and the same test runs as root",
    ),
];

/// Programs that no guest has.
const NOT_IN_GUESTS: &[&str] = &[
    "bash",
    "cc",
    "curl",
    "dash",
    "gcc",
    "git",
    "go",
    "initdb",
    "ip",
    "java",
    "make",
    "musl-gcc",
    "node",
    "openssl",
    "perl",
    "python3",
    "redis-server",
    "redis-benchmark",
    "redis-cli",
    "setpriv",
    "sqlite3",
    "strace",
    "vi",
];

/// The start of a skip's reason in a guest with a Landlock ABI below the number, and why that is so.
const IN_GUESTS: &[(&str, u64, &str)] = &[
    ("no C compiler", u64::MAX, "the guest has busybox only"),
    ("no cargo runs this test", u64::MAX, "the guest has busybox only"),
    ("its C library makes sockets by socketcall", u64::MAX, "which is refused"),
    ("no Landlock", 1, "the kernel has none"),
    // The kernels are of Debian, and each has a Landlock of its own.
    ("ABI 2 cannot restrict ", 3, "the kernel's Landlock is older"),
    ("ABI 6 cannot restrict ", 7, "the kernel's Landlock is older"),
    ("ABI 10 cannot restrict ", 11, "the kernel's Landlock is older"),
    ("Landlock ABI ", 10, "the kernel's Landlock is older"),
    ("this kernel scopes no signals", 6, "the kernel's Landlock is older"),
    ("no MFD_NOEXEC_SEAL here", 6, "it is of Linux 6.3"),
    ("this kernel has no PIDFD_THREAD", 7, "it is of Linux 6.9"),
    ("this kernel has no SECCOMP_ADDFD_FLAG_SEND", 2, "it is of Linux 5.14"),
];

/// Why a skip of this test, which gave `why` as the reason, is expected there, if it is.
pub(crate) fn expected(full_name: &str, why: &str, place: &Place) -> Option<&'static str> {
    let abi = match place {
        Place::Here => OURS,
        Place::Guest { abi } => *abi,
    };
    if SINCE.iter().any(|(start, since)| full_name.starts_with(start) && abi < *since) {
        return Some("the kernel's Landlock is older");
    }
    if let Some((_, reason)) = ANYWHERE.iter().find(|(start, _)| full_name.starts_with(start)) {
        return Some(reason);
    }
    if let Place::Guest { .. } = place {
        if let Some((.., reason)) =
            IN_GUESTS.iter().find(|(start, below, _)| why.starts_with(start) && abi < *below)
        {
            return Some(reason);
        }
        if full_name.ends_with("::an_assumed_abi_is_not_the_kernels") && abi >= 10 {
            return Some("ABI 10 has every right there is");
        }
        if why == "this kernel loses the value of an answer" && abi >= 10 {
            return Some("Linux 7.2 does on powerpc");
        }
        let mut missing = why.strip_prefix("not installed: [")?.strip_suffix(']')?.split(", ");
        let known = |name: &str| NOT_IN_GUESTS.contains(&name.trim_matches('"'));
        return missing.all(known).then_some("the guest has busybox only");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_expected_where_its_reason_holds() {
        let tsync = |place| expected("sandlock-landlock/live/domains::tsync_x", "ABI 7 has no TSYNC", &place);
        assert!(tsync(Place::Here).is_some() && tsync(Place::Guest { abi: 7 }).is_some());
        assert!(tsync(Place::Guest { abi: 8 }).is_none());
        let missing = |why, place| expected("sandlock/programs/x", why, &place);
        assert!(missing("not installed: [\"vi\", \"git\"]", Place::Guest { abi: 9 }).is_some());
        assert!(missing("not installed: [\"sh\"]", Place::Guest { abi: 9 }).is_none());
        assert!(missing("not installed: [\"git\"]", Place::Here).is_none());
    }
}
