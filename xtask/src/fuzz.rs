//! `fuzz`: every target of `fuzz/` for some seconds, from the seeds that are committed and what earlier runs
//! found.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
    sync::Mutex,
    thread,
};

use crate::{
    Outcome,
    command::{self, line},
    nightly,
};

/// How long each target runs without `--seconds`.
const SECONDS: &str = "60";

/// Longest input, in bytes: room for a page of requests, or for a path.
const LONGEST: &str = "-max_len=4096";

/// No input takes longer, in seconds: what does is a finding.
const TIMEOUT: &str = "-timeout=60";

/// Where libFuzzer puts an input that crashes.
const ARTIFACTS: &str = "fuzz/artifacts";

/// What a run came to.
struct Run {
    target: String,
    executions: u64,
    per_second: u64,
    edges: u64,
    /// The inputs on which it crashed, hung, or took too much memory.
    crashes: Vec<PathBuf>,
    log: PathBuf,
    status: ExitStatus,
}

pub(crate) fn run(args: &[String]) -> Outcome {
    let (mut seconds, mut ci, mut wanted) = (SECONDS, false, vec![]);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--ci" => ci = true,
            "--seconds" => seconds = args.next().ok_or("--seconds wants a number")?,
            target => wanted.push(target.to_owned()),
        }
    }
    if seconds.parse::<u32>().is_err() {
        return Err(format!("--seconds {seconds}: not a number of seconds"));
    }
    let mut targets = targets()?;
    if let Some(unknown) = wanted.iter().find(|wanted| !targets.contains(wanted)) {
        return Err(format!("there is no target {unknown}; there are {}", targets.join(", ")));
    }
    targets.retain(|target| wanted.is_empty() || wanted.contains(target));
    if !nightly::has(Some("fuzz")) {
        return nightly::missing("fuzz", ci);
    }

    let folder = command::target("fuzz")?;
    let folder = fs::canonicalize(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let only = match targets.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    build(&folder, only)?;
    let binaries = folder.join(command::host()?).join("release");
    let runs = run_all(targets, |target| run_one(target, seconds, &binaries, &folder))?;
    print(&runs);
    let failed: Vec<String> = runs.iter().filter(|run| !run.status.success()).map(failure).collect();
    if failed.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(failed.join("\n")) }
}

/// The targets, by name.
fn targets() -> Result<Vec<String>, String> {
    let folder = fs::read_dir("fuzz/fuzz_targets").map_err(|e| format!("fuzz/fuzz_targets: {e}"))?;
    let mut targets: Vec<String> = folder.flatten().map(|entry| nightly::stem(&entry.path())).collect();
    targets.sort();
    Ok(targets)
}

/// Builds all targets, or one. Without a sanitizer: the crates they reach forbid unsafe code, but for the
/// system calls, and no sanitizer sees the kernel's writes. Arithmetic and panics are left, which debug
/// assertions find.
fn build(folder: &Path, only: Option<&String>) -> Result<(), String> {
    let mut build = nightly::cargo(&["fuzz", "build", "--sanitizer=none", "--debug-assertions"]);
    build.arg("--target-dir").arg(folder).args(only);
    // Cargo's progress is of no interest, a mistake is.
    let output = build.stdin(Stdio::null()).output().map_err(|e| format!("{}: {e}", line(&build)))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}\n{}", line(&build), String::from_utf8_lossy(&output.stderr)))
}

/// Runs `one` for each target, as many at a time as there are processors.
fn run_all(
    targets: Vec<String>,
    one: impl Fn(String) -> Result<Run, String> + Sync,
) -> Result<Vec<Run>, String> {
    let queue = Mutex::new(targets.into_iter());
    let next = || queue.lock().ok()?.next();
    let worker = || -> Vec<_> { core::iter::from_fn(next).map(&one).collect() };
    let workers = thread::available_parallelism().map_or(1, core::num::NonZero::get);
    let runs: Vec<Result<Run, String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let mut runs = runs.into_iter().collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(runs)
}

fn run_one(target: String, seconds: &str, binaries: &Path, folder: &Path) -> Result<Run, String> {
    let corpus = folder.join("corpus").join(&target);
    plant(&target, &corpus)?;
    let artifacts = Path::new(ARTIFACTS).join(&target);
    fs::create_dir_all(&artifacts).map_err(|e| format!("{}: {e}", artifacts.display()))?;
    let before = crashes(&artifacts);
    let log = folder.join(format!("{target}.log"));
    let file = fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    let mut fuzzer = Command::new(binaries.join(&target));
    fuzzer
        .args([LONGEST, TIMEOUT, "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&corpus);
    let status = fuzzer.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).status();
    let status = status.map_err(|e| format!("{}: {e}", line(&fuzzer)))?;
    let output = fs::read(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    let output = String::from_utf8_lossy(&output);
    let mut crashes = crashes(&artifacts);
    crashes.retain(|crash| !before.contains(crash));
    Ok(Run {
        target,
        executions: last_after(&output, "stat::number_of_executed_units:"),
        per_second: last_after(&output, "stat::average_exec_per_sec:"),
        edges: last_after(&output, " cov: "),
        crashes,
        log,
        status,
    })
}

fn crashes(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Writes the seeds of a target, each a line of hexadecimal digits, as the files that libFuzzer starts from.
fn plant(target: &str, corpus: &Path) -> Result<(), String> {
    fs::create_dir_all(corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
    let file = format!("fuzz/seeds/{target}.txt");
    let text = fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
    for (line, number) in text.lines().filter(|line| !line.starts_with('#')).zip(1..) {
        let seed = bytes(line).ok_or_else(|| format!("{file}: seed {number} is not hexadecimal"))?;
        let path = corpus.join(format!("seed-{number}"));
        fs::write(&path, seed).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// The number after the last `label` in what libFuzzer printed, 0 without one.
fn last_after(output: &str, label: &str) -> u64 {
    let after = output.rsplit_once(label).map(|(_, after)| after.trim_start());
    let digits = after.map(|after| after.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn print(runs: &[Run]) {
    println!("{:12}{:>14}{:>14}{:>8}{:>9}", "target", "executions", "a second", "edges", "crashes");
    let row = |name: &str, executions: u64, rate: u64, edges: u64, crashes: usize| {
        println!("{name:12}{executions:>14}{rate:>14}{edges:>8}{crashes:>9}");
    };
    for Run { target, executions, per_second, edges, crashes, .. } in runs {
        row(target, *executions, *per_second, *edges, crashes.len());
    }
    let sum = |of: fn(&Run) -> u64| runs.iter().map(of).fold(0, u64::saturating_add);
    let crashes = runs.iter().map(|run| run.crashes.len()).fold(0, usize::saturating_add);
    row("all", sum(|run| run.executions), sum(|run| run.per_second), sum(|run| run.edges), crashes);
}

/// What to look at after a run that failed.
fn failure(run: &Run) -> String {
    let Run { target, crashes, log, status, .. } = run;
    let inputs: String = crashes
        .iter()
        .map(|input| {
            format!("\n  rustup run nightly cargo fuzz run --sanitizer=none {target} {}", input.display())
        })
        .collect();
    format!("{target}: {status}; what it said is in {}; to see it again:{inputs}", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_last_that_were_said() {
        let output =
            "#2\tINITED cov: 5 ft: 6\n#9\tNEW    cov: 71 ft: 9\nstat::number_of_executed_units: 300\n";
        assert_eq!(last_after(output, " cov: "), 71);
        assert_eq!(last_after(output, "stat::number_of_executed_units:"), 300);
        assert_eq!(last_after(output, "stat::average_exec_per_sec:"), 0);
    }

    #[test]
    fn seeds_are_hexadecimal() {
        for (line, want) in [("", Some(&[][..])), ("00fF10", Some(&[0, 255, 16])), ("0", None), ("0x", None)]
        {
            assert_eq!(bytes(line).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn every_target_is_run_once() {
        let names: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        let one = |target: String| {
            let status = Command::new("true").status().map_err(|e| e.to_string())?;
            Ok(Run {
                target,
                executions: 1,
                per_second: 1,
                edges: 1,
                crashes: vec![],
                log: PathBuf::new(),
                status,
            })
        };
        let runs = run_all(names.clone(), one).unwrap();
        assert_eq!(runs.into_iter().map(|run| run.target).collect::<Vec<_>>(), names);
    }
}
