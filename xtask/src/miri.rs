//! `miri`: the tests of what makes no system call, interpreted by Miri, which sees every use of memory that
//! is not allowed.

use std::process::ExitCode;

use crate::{Outcome, command, nightly};

/// A crate, its test targets, and the start of the tests' names, if not all are pure.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

/// What takes a minute, the interpreter's own standard library aside.
const QUICK: &[Row] = &[
    ("sandlock-netlink", &["--lib", "--test", "minimal"], &[]),
    ("sandlock-landlock", &["--lib", "--test", "abi"], &[]),
    (
        "sandlock-notify",
        &["--lib"],
        // The others make system calls, and Miri has none of ours.
        &[
            "call",
            "dispatch",
            "dns",
            "handlers::connect::model",
            "handlers::interfaces",
            "handlers::metadata",
            "handlers::own::model",
            "kept",
            "place",
            "ports",
            "proc::tests::a_name",
        ],
    ),
];

/// What takes the better part of an hour.
const LONG: &[Row] = &[
    ("sandlock-netlink", &["--test", "host", "--test", "properties", "--test", "vectors"], &[]),
    ("sandlock-bpf", &["--tests"], &[]),
];

pub(crate) fn run(args: &[String]) -> Outcome {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (ci, tables): (bool, &[&[Row]]) = match args.as_slice() {
        [] => (false, &[QUICK, LONG]),
        ["--quick"] => (false, &[QUICK]),
        ["--ci"] => (true, &[QUICK]),
        _ => return Err("miri takes --quick or --ci, or nothing".into()),
    };
    if !nightly::has(Some("miri")) {
        return nightly::missing("miri", ci);
    }
    for (name, targets, tests) in tables.iter().copied().flatten() {
        let mut miri = nightly::cargo(&["miri", "test", "--quiet", "--package", name]);
        // Of its own, for what it builds is of no use to others.
        miri.args(*targets).arg("--target-dir").arg(command::target("miri")?).arg("--").args(*tests);
        command::run(&mut miri)?;
    }
    Ok(ExitCode::SUCCESS)
}
