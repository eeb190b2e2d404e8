//! The tests on this machine: as the present user, and if that is root, as an unprivileged user too.

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    command::{cargo, line},
    executables::{self, Program, Test},
    guest::arch::Arch,
    libtest::{Counts, Summaries},
    setup,
    skips::Place,
    stage::{Stage, User, timed},
    verdict::{self, End},
};

/// Runs all of them; the counts, and the number of unexpected skips.
pub(crate) fn run(filter: Option<String>) -> Result<(Counts, usize), String> {
    if let Err(error) = setup::packages() {
        println!("a test that needs a program which is not here will skip: {error}");
    }
    let (tests, programs) = executables::build(None)?;
    let mut session = Session::new(filter)?;

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
    Ok((session.counts.into_iter().sum(), session.unexpected))
}

/// Runs what never reaches the kernel as other architectures have it, in qemu's user mode: sooner than a
/// machine has booted.
pub(crate) fn emulated(arches: &[&Arch], filter: Option<String>) -> Result<(Counts, usize), String> {
    let mut session = Session::new(filter)?;
    for arch in arches {
        setup::guest(arch).and_then(|()| setup::user(arch))?;
        println!("tests that never reach the kernel, in {}", arch.user);
        let (tests, _) = executables::build(Some(arch))?;
        for test in tests.iter().filter(|test| !test.is_live()) {
            let mut command = timed(Path::new(arch.user));
            command.arg(&test.path).current_dir(&test.folder).env("CARGO_MANIFEST_DIR", &test.folder);
            session.run(User::Ourselves, &test.name(), command, &Summaries::Last)?;
        }
    }
    Ok((session.counts.into_iter().sum(), session.unexpected))
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
    fn new(filter: Option<String>) -> Result<Self, String> {
        Ok(Self { stage: Stage::new()?, filter, counts: vec![], unexpected: 0 })
    }

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
        let end = End { success: status.success(), status: &status.to_string() };
        let verdict = verdict::of(name, &output, which, &end, &Place::Here);
        println!("{} in {:.1} s", verdict.report.counts, started.elapsed().as_secs_f32());
        print!("{}{}", verdict.failures, verdict.skips);
        self.unexpected = self.unexpected.saturating_add(verdict.unexpected);
        self.counts.push(verdict.report.counts);
        Ok(())
    }
}
