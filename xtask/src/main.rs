//! The work on sandlock: `cargo xtask TASK`, one file for each task.

use std::{env, path::Path, process::ExitCode};

mod api;
mod arrows;
mod audit;
mod bench;
mod codegen;
mod codegen_netlink;
mod command;
mod dist;
mod executables;
mod fuzz;
mod guest;
mod libtest;
mod miri;
mod native;
mod nightly;
mod oracle;
mod setup;
mod skips;
mod source;
mod stage;
mod stress;
mod test;
mod tidy;
mod verdict;

/// What a task comes to: an exit code, or why it could not be done, for a person to read.
type Outcome = Result<ExitCode, String>;

/// A task, its one line of help, and what runs it.
type Task = (&'static str, &'static str, fn(&[String]) -> Outcome);

const TEST: &str =
    "[--ci | --no-skips] [--filter SUBSTR] [--arch A,B|all] [--kernel K,L|newest|all] [--matrix] [--user] [--shell]
      run every test, also unprivileged: here, or in virtual machines; with --user what never reaches the kernel, in qemu's user mode";

const TASKS: &[Task] = &[
    (
        "codegen",
        "[--check]  generate sandlock-sys/src/nr and the numbers of rtnetlink from their tables",
        codegen::run,
    ),
    ("setup", "install the programs and Rust targets that tests and checks need", setup::run),
    ("test", TEST, test::run),
    (
        "audit",
        "[--bless]  compare AUDIT.md with the sources; link the layers without an allocator",
        audit::run,
    ),
    (
        "fuzz",
        "[--seconds N] [--ci] [TARGET…]  feed hostile bytes to what reads them, each target for N seconds",
        fuzz::run,
    ),
    ("miri", "[--quick | --ci]  interpret the tests of what makes no system call", miri::run),
    ("dist", "[A,B…]  build static releases, and check each on a kernel of its architecture", dist::run),
    (
        "oracle",
        "run the kernel's selftests of Landlock and seccomp, as they are and through sandlock-sys (as root)",
        oracle::run,
    ),
    (
        "stress",
        "[--seconds N] [--classes] [--ci]  stress-ng and trinity in sandboxes, each for N seconds; every class of stress-ng (as root)",
        stress::run,
    ),
    (
        "bench",
        "[--rounds N] [--bless] [NAME…]  measure what a sandbox costs, beside others; BENCHMARKS.md",
        bench::run,
    ),
    ("tidy", "check what the compiler does not; count lines and unsafe blocks", tidy::run),
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    task(&args).unwrap_or_else(|error| {
        eprintln!("xtask: {error}");
        ExitCode::FAILURE
    })
}

fn task(args: &[String]) -> Outcome {
    // Every path in the tasks starts at the root of the workspace.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or("run it as `cargo xtask`")?;
    let root = Path::new(&manifest).parent().ok_or("xtask has no folder above it")?;
    env::set_current_dir(root).map_err(|e| format!("chdir {}: {e}", root.display()))?;

    let (name, rest) = args.split_first().ok_or_else(usage)?;
    let (.., run) = TASKS.iter().find(|(task, ..)| task == name).ok_or_else(usage)?;
    run(rest)
}

fn usage() -> String {
    let lines = TASKS.iter().map(|(name, help, _)| format!("\n  cargo xtask {name} {help}"));
    format!("the tasks are{}", lines.collect::<String>())
}
