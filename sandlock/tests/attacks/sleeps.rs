//! Calls that sleep in the kernel for as long as another process likes: the clock goes on, and so do the
//! calls of others.

use core::time::Duration;
use std::time::Instant;

use crate::common::{Dir, Ran, run, skip};
use crate::{compile, compiled};

const SLEEPS: &str = include_str!("programs/sleeps.c");
const FUSE: &str = include_str!("programs/fuse.c");
/// The time limit is two seconds, of a machine that may be busy.
const IN_TIME: Duration = Duration::from_secs(6);
/// Outside the calls sleep longer than that.
const OUTSIDE: &[&str] = &["6000", "end"];
/// Inside the program goes on after that.
const INSIDE: &[&str] = &["1000"];

/// A run with a time limit of two seconds, which it needs, and its output meanwhile.
#[track_caller]
fn limited(dir: &Dir, before: &[&str], flags: &[&str], words: &[&str]) -> Ran {
    let mut command = dir.sandlock([&["run", "-t", "2"], flags, &["--", "./guest"], words, INSIDE].concat());
    if let Some((program, args)) = before.split_first() {
        let mut outer = dir.command(program);
        outer.args(args).arg(command.get_program()).args(command.get_args());
        command = outer;
    }
    let started = Instant::now();
    let ran = run(&mut command);
    let took = started.elapsed();
    assert!(ran.code == 124 && took < IN_TIME, "after {took:?}: {ran:?}");
    ran
}

#[test]
fn a_locked_inode_holds_up_whoever_changes_it_and_nobody_else() {
    let test = a_locked_inode_holds_up_whoever_changes_it_and_nobody_else;
    let Some(dir) = compiled(test, SLEEPS) else { return };
    const LOCK: [&str; 3] = ["lock", "400", "256"];
    let ran = run(dir.command("./guest").args(LOCK).args(OUTSIDE));
    // A change can be lucky and get the lock between two writers.
    let wait = |ran: &Ran| {
        ran.out.ends_with(" of 5 wait, many others, in time\n") && ran.out.starts_with(['3', '4', '5'])
    };
    assert!(wait(&ran), "{ran:?}");
    let ran = limited(&dir, &[], &[], &LOCK);
    assert!(wait(&ran), "{ran:?}");
}

#[test]
fn a_file_system_that_never_answers_holds_up_its_users_and_nobody_else() {
    let test = a_file_system_that_never_answers_holds_up_its_users_and_nobody_else;
    let Some(dir) = compiled(test, SLEEPS) else { return };
    compile(&dir, "fuse", FUSE);
    std::fs::create_dir(dir.join("mnt")).unwrap();
    let mounted = ["./fuse", "mnt"];
    let ran = run(dir.command("./fuse").args(["mnt", "chmod", "0600", "mnt/fast"]));
    if ran.code == 77 {
        return skip(test, ran.err.trim());
    }
    ran.ok();
    // Two of seven are answered before a file of it is closed.
    for (count, want) in [("7", "5 of 7 wait"), ("14", "10 of 14 wait")] {
        let file = ["file", "mnt/slow", count];
        let want = format!("{want}, many others, in time\n");
        let ran = run(dir.command("./fuse").args(["mnt", "./guest"]).args(file).args(["1000", "end"]));
        assert_eq!(ran.out, want, "{ran:?}");
        let ran = limited(&dir, &mounted, &["-w", "mnt"], &file);
        assert_eq!(ran.out, want, "{ran:?}");
    }
}
