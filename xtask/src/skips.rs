//! The skips that `test --ci` expects; any other is a failure there.

/// The start of a test's full name, `package/target/test`, and why it cannot run on the machines of
/// the continuous integration.
const EXPECTED: &[(&str, &str)] = &[
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

/// Why a skip of this test is expected, if it is.
pub(crate) fn expected(full_name: &str) -> Option<&'static str> {
    EXPECTED.iter().find(|(start, _)| full_name.starts_with(start)).map(|(_, reason)| *reason)
}
