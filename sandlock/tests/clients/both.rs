//! One client on both sides: in a fresh network namespace, and inside a sandbox.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::common::{Dir, Ran, has, run, skip, which};

/// Seconds; who takes longer hangs.
const DEADLINE: &str = "20";

/// What of the base profile a client lacks.
const READABLE: &[&str] = &["/etc/iproute2", "/etc/php"];

/// In a namespace of one's own: brings `lo` up, then gives up what root may do, as a sandboxed command has to.
const BARE: &str = "ip link set lo up && exec setpriv --no-new-privs --ambient-caps=-all --inh-caps=-all \
                    --bounding-set=-all -- timeout \"$@\"";

/// A row for each client: the test's name, then the program and its arguments.
macro_rules! clients {
    ($($test:ident: $($word:expr),+;)+) => {
        $(#[test]
        fn $test() {
            crate::both::same($test, &[$($word),+]);
        })+
    };
}
pub(crate) use clients;

/// That a program of the system ends and prints the same on both sides.
#[track_caller]
pub(crate) fn same<T: Copy>(test: T, words: &[&str]) {
    same_but(test, words, str::to_owned);
}

/// The same, but for what `mask` takes from its output: what differs from one run to the next on any kernel.
#[track_caller]
pub(crate) fn same_but<T: Copy>(test: T, words: &[&str], mask: fn(&str) -> String) {
    if has(test, words.get(..1).unwrap_or_default()) {
        same_in(test, &Dir::new(), words, mask);
    }
}

/// The same, in a directory where the client already is.
#[track_caller]
pub(crate) fn same_in<T>(test: T, dir: &Dir, words: &[&str], mask: fn(&str) -> String) {
    if let Err(why) = namespaces() {
        skip(test, why);
        return;
    }
    let masked = |mut ran: Ran| {
        ran.out = mask(&ran.out);
        ran
    };
    let outside = masked(run(&mut outside(dir, words)));
    assert_ne!(outside.code, 124, "hangs where the network is the kernel's: {words:?}: {outside:?}");
    let inside = masked(run(&mut inside(dir, &[], words)));
    assert!(
        inside == outside,
        "{words:?}\n=== the kernel's network\n{outside:?}\n=== the sandbox's\n{inside:?}"
    );
}

/// A command that runs a program in the base profile, with flags.
pub(crate) fn inside(dir: &Dir, flags: &[&str], words: &[&str]) -> Command {
    let mut command = dir.sandlock(["run", "-t", DEADLINE]);
    for path in READABLE.iter().filter(|path| Path::new(path).exists()) {
        command.args(["-r", path]);
    }
    command.args(flags).arg("--").args(words);
    command
}

/// A command that runs a program in a fresh network namespace.
fn outside(dir: &Dir, words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = dir.command("unshare");
    if !is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--net", "sh", "-c", BARE, "sh", DEADLINE]).args(words);
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whether this kernel lets us have network namespaces; if not, why.
fn namespaces() -> &'static Result<(), String> {
    static FOUND: OnceLock<Result<(), String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        if let Some(missing) = ["unshare", "setpriv", "ip"].into_iter().find(|name| which(name).is_none()) {
            return Err(format!("not installed: {missing}"));
        }
        let ran = run(&mut outside(&Dir::new(), &["true"]));
        if ran.code == 0 { Ok(()) } else { Err(format!("no namespace to compare with: {}", ran.err.trim())) }
    })
}

/// The text with each line only up to one of these words: what follows differs from one run to the next.
pub(crate) fn cut(text: &str, words: &[&str]) -> String {
    let before = |line: &str| {
        let end = words.iter().filter_map(|word| line.find(word)).min();
        line.split_at(end.unwrap_or(line.len())).0.to_owned() + "\n"
    };
    text.lines().map(before).collect()
}
