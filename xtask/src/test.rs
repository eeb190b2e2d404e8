//! `test`: every test of the workspace, as whoever runs it, and if that is root once more as nobody.

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use crate::{
    Outcome,
    command::{cargo, line},
    executables::{self, Program, Test},
    libtest::{self, Counts, Report, Summaries},
    setup, skips,
    stage::{Stage, User, timed},
};

/// What the command line asks.
#[derive(Default)]
struct Options {
    /// A skip that is not in the table of expected ones is a failure.
    ci: bool,
    /// Every skip is a failure.
    no_skips: bool,
    /// For libtest: only the tests whose name has this in it.
    filter: Option<String>,
}

fn options(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--ci" => options.ci = true,
            "--no-skips" => options.no_skips = true,
            "--filter" => options.filter = Some(args.next().ok_or("--filter needs a substring")?.clone()),
            _ => return Err(format!("test takes --ci, --no-skips and --filter SUBSTR, not {arg}")),
        }
    }
    Ok(options)
}

/// Ends with the line `N passed, M failed, K skipped`.
pub(crate) fn run(args: &[String]) -> Outcome {
    let options = options(args)?;
    if let Err(error) = setup::packages() {
        println!("a test that needs a program which is not here will skip: {error}");
    }
    let (tests, programs) = executables::build()?;
    let mut session = Session { stage: Stage::new()?, filter: options.filter, counts: vec![], unexpected: 0 };

    println!("tests");
    for test in &tests {
        session.run(User::Ourselves, &test.name(), ourselves(test, &programs), &Summaries::Last)?;
    }
    if setup::is_root() {
        println!("tests that ask the kernel, as nobody");
        session.stage.furnish(&programs)?;
        for test in tests.iter().filter(|test| test.is_live()) {
            let command = session.stage.command(test, &programs)?;
            session.run(User::Nobody, &test.name(), command, &Summaries::Last)?;
        }
    }
    println!("tests in the documentation");
    let mut doc = timed(Path::new(cargo(&[]).get_program()));
    doc.args(["test", "--quiet", "--workspace", "--doc", "--no-fail-fast", "--"]);
    session.run(User::Ourselves, "doc", doc, &Summaries::Every)?;

    let counts: Counts = session.counts.into_iter().sum();
    if options.ci && session.unexpected > 0 {
        println!("unexpected: {} skips, in no row of xtask/src/skips.rs", session.unexpected);
    }
    println!("{counts}");
    let bad = counts.failed > 0
        || (options.no_skips && counts.skipped > 0)
        || (options.ci && session.unexpected > 0);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A command that runs `test` where it was built, as cargo would.
fn ourselves(test: &Test, programs: &[Program]) -> Command {
    let inherited = env::var("PATH").unwrap_or_default();
    let mut command = timed(&test.path);
    command
        .current_dir(&test.folder)
        .env("PATH", [setup::PATH, &inherited].join(":"))
        .env("CARGO_MANIFEST_DIR", &test.folder)
        .envs(programs.iter().map(|program| (program.variable(), &program.path)));
    command
}

/// One run of this task.
struct Session {
    stage: Stage,
    filter: Option<String>,
    counts: Vec<Counts>,
    /// Skips that no row of the table expects.
    unexpected: usize,
}

impl Session {
    /// Runs what prints as libtest does, and prints what it came to.
    fn run(&mut self, user: User, name: &str, mut command: Command, which: &Summaries) -> Result<(), String> {
        print!("  {name}: ");
        // It is only for a person who waits.
        let _ = io::stdout().flush();
        let started = Instant::now();
        let (log, path) = self.stage.log(user)?;
        let status = command
            .arg("--show-output")
            .args(&self.filter)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|e| e.to_string())?)
            .stderr(log)
            .status()
            .map_err(|e| format!("{}: {e}", line(&command)))?;
        let output = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let output = String::from_utf8_lossy(&output);
        let report = judge(libtest::parse(&output, which), status.success());
        println!("{} in {:.1} s", report.counts, started.elapsed().as_secs_f32());
        if report.counts.failed > 0 {
            failing(&output).for_each(|line| println!("    {line}"));
            println!("    {name}: {status}");
        }
        let full = |test: &str| format!("{name}/{test}");
        for (test, why) in &report.skips {
            match skips::expected(&full(test)) {
                Some(reason) => println!("    skipped {test}: {why} (expected: {reason})"),
                None => println!("    skipped {test}: {why}"),
            }
        }
        // libtest names none that it ignores, so no row can expect them.
        let named = report.skips.keys().filter(|test| skips::expected(&full(test)).is_some()).count();
        self.unexpected = self.unexpected.saturating_add(report.counts.skipped.saturating_sub(named));
        self.counts.push(report.counts);
        Ok(())
    }
}

/// A test that hangs or ends its process, in whatever way, is in no summary; it has failed.
fn judge(report: Option<Report>, success: bool) -> Report {
    let ended_early = report.is_none();
    let mut report = report.unwrap_or_default();
    if ended_early || (!success && report.counts.failed == 0) {
        report.counts.failed = 1;
    }
    report
}

/// The lines of an output that are not about tests that passed.
fn failing(output: &str) -> impl Iterator<Item = &str> {
    let mut successes = false;
    output.lines().filter(move |line| {
        successes = *line == "successes:"
            || (successes && *line != "failures:" && !line.starts_with("test result: "));
        let passed = line.starts_with("test ") && line.ends_with(" ... ok");
        !successes && !passed && !line.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_not_shown() {
        let output = "
running 2 tests
test a ... ok
test b ... FAILED

successes:

---- a stdout ----
fine

successes:
    a

failures:

---- b stdout ----
broken

failures:
    b

test result: FAILED.
";
        let shown: Vec<_> = failing(output).collect();
        let want = "running 2 tests|test b ... FAILED|failures:|---- b stdout ----|broken|failures:|    b|test result: FAILED.";
        assert_eq!(shown.join("|"), want);
    }

    #[test]
    fn what_ends_early_has_failed() {
        let report = |failed| Report { counts: Counts { failed, ..Counts::default() }, ..Report::default() };
        for (found, success, want) in [
            (Some(report(0)), true, 0),
            (Some(report(2)), false, 2),
            (Some(report(0)), false, 1),
            (None, true, 1),
            (None, false, 1),
        ] {
            assert_eq!(judge(found, success), report(want));
        }
    }

    #[test]
    fn unknown_arguments_are_refused() {
        let parse = |args: &[&str]| options(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        let good = parse(&["--ci", "--no-skips", "--filter", "x"]).unwrap();
        assert!(good.ci && good.no_skips && good.filter.as_deref() == Some("x"));
        assert!(parse(&["--filter"]).is_err() && parse(&["x"]).is_err());
    }
}
