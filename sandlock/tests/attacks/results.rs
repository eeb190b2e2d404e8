//! Single calls: each returns inside what it returns outside, but for the exceptions in this file.

use crate::common::{Ran, run};
use crate::compiled;

const RESULTS: &str = include_str!("programs/results.c");
const INTERRUPTED: &str = include_str!("programs/interrupted.c");
const REQUESTS: &str = include_str!("programs/requests.c");

/// The start of a line, its end inside, and the reason.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("sched_setscheduler(-1", "EPERM", "a process of the sandbox has no such number"),
    ("setpriority(PRIO_PGRP", "EPERM", "a group can have processes outside"),
    ("setpriority(PRIO_USER", "EPERM", "a user has processes outside"),
    ("setpriority(9", "EPERM", "the filter knows one kind only"),
    ("personality(PER_LINUX32)", "EPERM", "it is asked and never set"),
    ("listen(tcp, 5)", "EACCES", "the kernel would choose a port"),
    (
        "depth 24",
        "ENAMETOOLONG ENAMETOOLONG ENAMETOOLONG",
        "whether a file may be changed is decided by its path, and this one is longer than PATH_MAX",
    ),
];

#[test]
fn odd_arguments_come_to_what_they_come_to_outside() {
    let Some(dir) = compiled(odd_arguments_come_to_what_they_come_to_outside, RESULTS) else { return };
    for name in ["in", "out"] {
        std::fs::create_dir(dir.join(name)).unwrap();
    }
    let outside = run(&mut dir.bare("cd out && exec ../guest"));
    let inside = run(&mut dir.sandboxed(&["-w", "in"], "cd in && exec ../guest"));
    let lines = |ran: &Ran| ran.ok().lines().map(str::to_owned).collect::<Vec<_>>();
    let (outside, inside) = (lines(&outside), lines(&inside));
    assert_eq!(outside.len(), inside.len());
    let mut wrong = String::new();
    for (want, got) in outside.iter().zip(&inside).filter(|(want, got)| want != got) {
        let known = |(start, end, _): &&(&str, &str, &str)| got.starts_with(start) && got.ends_with(end);
        if DIFFERENCES.iter().find(known).is_none() {
            wrong += &format!("outside {want}, inside {got}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_change_of_flags_is_never_interrupted() {
    let Some(dir) = compiled(a_change_of_flags_is_never_interrupted, INTERRUPTED) else { return };
    for ran in [run(&mut dir.command("./guest")), run(&mut dir.sandlock(["run", "--", "./guest"]))] {
        let lines: Vec<&str> = ran.ok().lines().collect();
        assert!(lines.len() == 8 && lines.iter().all(|line| line.ends_with(": 0 EINTR")), "{ran:?}");
    }
}

#[test]
fn no_request_changes_what_is_only_readable() {
    let Some(dir) = compiled(no_request_changes_what_is_only_readable, REQUESTS) else { return };
    dir.file("file", 0o644, "text");
    let outside = run(dir.command("./guest").args(["harmless", "file", "."]));
    // The kernel would carry that out: it looks at the argument.
    assert!(outside.ok().contains("file SETFLAGS: EFAULT\n"), "{outside:?}");
    assert!(outside.out.contains(". SETFLAGS: EFAULT\n"), "{outside:?}");
    let reads = |ran: &Ran| ran.ok().lines().filter(|line| line.contains("reads")).collect::<String>();
    for flags in [&["run", "-w", "."][..], &["run"]] {
        let ran = run(&mut dir.sandlock([flags, &["--", "./guest", "file", "."]].concat()));
        // What only asks is answered as outside.
        assert_eq!(reads(&ran), reads(&outside));
        for line in ran.out.lines().filter(|line| !line.contains("reads")) {
            assert!(line.ends_with(": EPERM") || line.ends_with(": ENOTTY"), "{line}");
        }
        assert!(ran.out.lines().count() > 100, "{ran:?}");
    }
}
