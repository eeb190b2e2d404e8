//! `bench`: what a sandbox costs, as ratios and differences within one run.

use core::time::Duration;
use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Instant,
};

use crate::{Outcome, command, setup};

const TARGET: &str = "x86_64-unknown-linux-musl";
const ROUNDS: usize = 300;
/// What is started: it does nothing, so all that is measured is starting it.
const COMMAND: &str = "/bin/true";

/// The argument of the run that [`on_one_processor`] starts: the binary follows.
const START_UP_ONLY: &str = "--start-up-of";

pub(crate) fn run(args: &[String]) -> Outcome {
    match args {
        [] => {}
        [flag, binary] if flag == START_UP_ONLY => return start_up(binary).map(|()| ExitCode::SUCCESS),
        _ => return Err("bench takes no arguments".into()),
    }
    command::run(&mut command::cargo(&[
        "build",
        "--quiet",
        "--release",
        "--package",
        "sandlock",
        "--target",
        TARGET,
    ]))?;
    let folder = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let binary = format!("{folder}/{TARGET}/release/sandlock");
    let size = fs::metadata(&binary).map_err(|e| format!("{binary}: {e}"))?.len();
    // As it is where it is installed: a file that the linker wrote piece by piece is in the page cache in pieces too.
    let installed = std::env::temp_dir().join(format!("sandlock-bench-{}", std::process::id()));
    let installed = installed.to_str().ok_or("the temporary directory has no name in UTF-8")?;
    fs::copy(&binary, installed).map_err(|e| format!("{installed}: {e}"))?;
    let told = measure(installed, size);
    fs::remove_file(installed).map_err(|e| format!("{installed}: {e}"))?;
    told
}

fn measure(binary: &str, size: u64) -> Outcome {
    println!("binary, static and stripped: {size} bytes");
    println!("start-up of {COMMAND}, {ROUNDS} rounds: median (lowest, 90th percentile), median over bare");
    start_up(binary)?;
    on_one_processor(binary)?;
    memory(binary)?;
    Ok(ExitCode::SUCCESS)
}

/// A name, and the words of the command.
type Way<'a> = (&'a str, Vec<&'a str>);

/// bubblewrap has rounds of its own: the kernel takes its namespaces down after its end, in the time of whoever comes next.
fn start_up(binary: &str) -> Result<(), String> {
    let bare = || ("bare", vec![COMMAND]);
    rounds(&[
        bare(),
        ("sandlock run", vec![binary, "run", "--", COMMAND]),
        ("sandlock run --base none -r /", vec![binary, "run", "--base", "none", "-r", "/", "--", COMMAND]),
    ])?;
    if !Path::new("/usr/bin/bwrap").exists() {
        return Ok(());
    }
    let all = "bwrap --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --unshare-all";
    rounds(&[
        bare(),
        ("bwrap --ro-bind / /", vec!["bwrap", "--ro-bind", "/", "/", COMMAND]),
        ("bwrap, everything unshared", all.split(' ').chain([COMMAND]).collect()),
    ])
}

/// Every way once a round, so that all of them meet the same machine.
fn rounds(ways: &[Way<'_>]) -> Result<(), String> {
    // cargo adds some twenty variables, one of which sends the dynamic linker through its own folders first.
    let is_cargos =
        |name: &String| ["CARGO", "RUST", "LD_LIBRARY_PATH"].iter().any(|start| name.starts_with(start));
    let added: Vec<String> = std::env::vars().map(|(name, _)| name).filter(is_cargos).collect();
    let mut times: Vec<Vec<Duration>> = ways.iter().map(|_| Vec::with_capacity(ROUNDS)).collect();
    for _ in 0..ROUNDS {
        for ((name, words), times) in ways.iter().zip(&mut times) {
            let (program, args) = words.split_first().ok_or("no program")?;
            let mut command = Command::new(program);
            command.args(args).env("PATH", setup::PATH);
            added.iter().for_each(|name| {
                command.env_remove(name);
            });
            let started = Instant::now();
            let status = command.status();
            let time = started.elapsed();
            match status {
                Ok(status) if status.success() => times.push(time),
                other => return Err(format!("{name}: {other:?}")),
            }
        }
    }
    let mut bare = Duration::ZERO;
    for ((name, _), times) in ways.iter().zip(&mut times) {
        times.sort_unstable();
        let at =
            |share: usize| times.get(times.len().saturating_mul(share) / 100).copied().unwrap_or_default();
        if bare.is_zero() {
            bare = at(50);
        }
        println!(
            "  {name:30} {:6.3} ms ({:.3}, {:.3})  +{:.3} ms, {:.1} x",
            ms(at(50)),
            ms(at(0)),
            ms(at(90)),
            ms(at(50).saturating_sub(bare)),
            ms(at(50)) / ms(bare)
        );
    }
    Ok(())
}

/// The same again without what it costs to wake another processor: what is left is the work.
fn on_one_processor(binary: &str) -> Result<(), String> {
    println!("the same on one processor");
    let ourselves = std::env::current_exe().map_err(|e| e.to_string())?;
    let last = thread::available_parallelism().map_or(0, |count| count.get().saturating_sub(1));
    let mut taskset = Command::new("taskset");
    command::run(taskset.args(["-c", &last.to_string()]).arg(ourselves).args([
        "bench",
        START_UP_ONLY,
        binary,
    ]))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What the supervisor and the guardian hold while a command sleeps. They share their memory, so it counts once.
fn memory(binary: &str) -> Result<(), String> {
    let mut child = Command::new(binary)
        .args(["run", "--", "sleep", "60"])
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| format!("{binary}: {e}"))?;
    thread::sleep(Duration::from_millis(500));
    let told = supervisor(&child);
    // SIGTERM, which is passed on: the sandbox ends in order.
    let ended = command::run(Command::new("kill").arg(child.id().to_string()));
    child.wait().map_err(|e| e.to_string())?;
    println!("{}", told?);
    ended
}

fn supervisor(child: &Child) -> Result<String, String> {
    let read = |file: &str| {
        let path = format!("/proc/{}/{file}", child.id());
        fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))
    };
    let (rollup, status) = (read("smaps_rollup")?, read("status")?);
    let sum = |text: &str, names: &[&str]| -> u64 {
        let lines = text.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
        lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    };
    // What is resident, less what is the binary's own pages in the page cache: dirty and anonymous pages.
    Ok(format!(
        "supervisor while the command sleeps: {} KiB private and dirty, {} KiB resident, {} thread",
        sum(&rollup, &["Anonymous:"]),
        sum(&status, &["VmRSS:"]),
        sum(&status, &["Threads:"])
    ))
}
