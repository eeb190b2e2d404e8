//! The skips that are expected; any other is a failure for `test --ci`.

/// Where a test ran.
pub(crate) enum Place {
    /// On a machine of the continuous integration.
    Here,
    /// In a virtual machine, whose kernel has this Landlock ABI (nought: none).
    Guest { abi: u64 },
}

/// The start of a test's full name, `package/target/test`, and why it cannot run on the machines of
/// the continuous integration.
const HERE: &[(&str, &str)] = &[
    ("sandlock-landlock/live/domains::tsync", "thread sync is ABI 8; the machines have 7"),
    ("sandlock-landlock/live/files::make_block", "only root makes devices, and the same test runs as root"),
    ("sandlock-landlock/live/files::make_char", "only root makes devices, and the same test runs as root"),
    ("sandlock-landlock/live/files::resolve_unix", "unix sockets by path are ABI 9; the machines have 7"),
    ("sandlock-landlock/live/ports::bind_udp", "UDP is ABI 10; the machines have 7"),
    ("sandlock-landlock/live/ports::connect_send_udp", "UDP is ABI 10; the machines have 7"),
    (
        "sandlock/programs/cargo_builds_offline",
        "nobody cannot read root's toolchain, and the same test runs as root",
    ),
];

/// Programs that no guest has.
const NOT_IN_GUESTS: &[&str] = &[
    "bash",
    "curl",
    "dash",
    "gcc",
    "git",
    "go",
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
    "vi",
];

/// Why a skip of this test is expected there, if it is.
pub(crate) fn expected(full_name: &str, why: &str, place: &Place) -> Option<&'static str> {
    match place {
        Place::Here => HERE.iter().find(|(start, _)| full_name.starts_with(start)).map(|(_, reason)| *reason),
        Place::Guest { .. } => {
            let mut missing = why.strip_prefix("not installed: [")?.strip_suffix(']')?.split(", ");
            let known = |name: &str| NOT_IN_GUESTS.contains(&name.trim_matches('"'));
            missing.all(known).then_some("the guest has busybox only")
        }
    }
}
