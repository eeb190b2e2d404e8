//! One client on both sides: in a fresh network namespace, and inside a sandbox.

use core::fmt;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::common::{Dir, Ran, has, run, skip};

/// Seconds; who takes longer hangs.
const DEADLINE: &str = "20";

/// What a client wants that the base profile lacks: names for numbers, and the type of the one link.
const READABLE: &[&str] = &["/etc/iproute2", "/sys/class/net/lo"];

/// In a namespace of one's own: brings `lo` up, then gives up what root may do, as a sandboxed command has
/// to.
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

/// What a client came to on either side.
pub(crate) struct Both {
    outside: Ran,
    inside: Ran,
}

impl Both {
    /// That it ended and printed the same.
    #[track_caller]
    pub(crate) fn same(&self) {
        self.same_but(str::to_owned);
    }

    /// The same, but for what `mask` takes from its output: what differs from one run to the next on any
    /// kernel.
    #[track_caller]
    pub(crate) fn same_but(&self, mask: fn(&str) -> String) {
        let Self { outside, inside } = self;
        let same = inside.code == outside.code
            && inside.err == outside.err
            && mask(&inside.out) == mask(&outside.out);
        assert!(same, "{self:?}");
    }

    /// That it ended the same, whatever it printed.
    #[track_caller]
    pub(crate) fn same_status(&self) {
        assert_eq!(self.inside.code, self.outside.code, "{self:?}");
    }

    /// That it notices where it is, and prints so.
    #[track_caller]
    pub(crate) fn notices(&self, says: &str) {
        let Self { inside, .. } = self;
        let found = inside.out.contains(says) || inside.err.contains(says);
        assert!(found && inside.code != 124, "not {says:?}: {self:?}");
    }
}

impl fmt::Debug for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outside, inside } = self;
        write!(f, "\n=== the kernel's network\n{outside:?}\n=== the sandbox's\n{inside:?}")
    }
}

/// That a program of the system ends and prints the same on both sides.
#[track_caller]
pub(crate) fn same<T: Copy>(test: T, words: &[&str]) {
    if let Some(both) = both(test, words) {
        both.same();
    }
}

/// A program of the system, on both sides.
#[track_caller]
pub(crate) fn both<T: Copy>(test: T, words: &[&str]) -> Option<Both> {
    ready(test, words.get(..1)?).then(|| both_in(&Dir::new(), words))
}

/// The same, in a directory where the client already is, and after [`ready`].
#[track_caller]
pub(crate) fn both_in(dir: &Dir, words: &[&str]) -> Both {
    let outside = run(&mut outside(dir, words));
    assert_ne!(outside.code, 124, "hangs where the network is the kernel's: {words:?}: {outside:?}");
    Both { outside, inside: run(&mut inside(dir, words)) }
}

/// Whether there can be a namespace to compare with, and all of these programs are here; if not, `test`
/// skips.
pub(crate) fn ready<T: Copy>(test: T, programs: &[&str]) -> bool {
    if !has(test, &["ip", "setpriv"]) {
        return false;
    }
    if let Err(why) = namespaces() {
        skip(test, why);
        return false;
    }
    has(test, programs)
}

/// A command that runs a program in the base profile, with flags.
pub(crate) fn inside(dir: &Dir, words: &[&str]) -> Command {
    let mut command = dir.sandlock(["run", "-t", DEADLINE]);
    for path in READABLE.iter().filter(|path| Path::new(path).exists()) {
        command.args(["-r", path]);
    }
    command.arg("--").args(words);
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
