//! `sandlock run`: from the arguments to a policy, and from how it ended to an exit status.

use core::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;

use sandlock::{Outcome, Plan, Witness};
use sandlock_sys::Signal;
use sandlock_sys::signal::{self, SigSet};
use sandlock_sys::{AsFd as _, OwnedFd};

use super::advice::Places;
use super::complain::{FAILED, complain};
use super::explain;
use super::fail::{failed, mistaken};
use super::flags::{QUIET, RECEIPT, STRICT_LATER, TIMEOUT, VERBOSE, WHY};
use super::later::{ACTS_LATER, Later};
use super::parse::Typed;
use super::refused::{Lines, print};

pub(crate) fn run(typed: Typed) -> ExitCode {
    let typed = match typed.with_profiles() {
        Ok(typed) => typed,
        Err(mistake) => return mistaken(&mistake),
    };
    // Of both, the one that was typed last.
    let loud = typed.flags.iter().rfind(|given| [QUIET, VERBOSE].contains(&given.flag.long));
    let is = |name| loud.is_some_and(|given| given.flag.long == name);
    let (quiet, verbose) = (is(QUIET), is(VERBOSE));
    // From here on a signal waits for the supervisor's loop: an end in between would leave the private
    // directory behind.
    let ends = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];
    let _ = signal::set_mask(ends.iter().fold(SigSet::EMPTY, |set, signal| set.with(*signal)));
    let why = Why::of(&typed, quiet);
    let plan = typed.policy().and_then(|mut policy| {
        if why.is_some() {
            policy.observe();
        }
        policy.plan(&typed.command)
    });
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return failed(&error, &typed),
    };
    if !quiet && (verbose || plan.is_degraded()) {
        let lines = plan.receipt();
        lines.iter().filter(|line| verbose || line.by.is_none()).for_each(|line| complain(&line.to_string()));
    }
    if !quiet {
        plan.warnings().iter().for_each(|warning| complain(warning));
    }
    if verbose {
        plan.notes().iter().for_each(|note| complain(note));
    }
    if let Some(file) = typed.last(RECEIPT) {
        let text = format!("{}\n", explain::as_json(&plan, &typed));
        if let Err(error) = std::fs::write(file, text) {
            complain(&format!("--receipt {}: {error}", file.display()));
            return ExitCode::from(FAILED);
        }
    }
    // A file that was open before could be kept by number (`--keep-fd`).
    let report = match why.as_ref().map_or(Ok(None), Why::open) {
        Ok(report) => report,
        Err(mistake) => return mistaken(&mistake),
    };
    let before = Later::look(&plan);
    let asks_later = !quiet && why.is_none() && std::io::stderr().is_terminal();
    let ended = match why {
        Some(why) => why.run(plan, report),
        None => plan.run_here(),
    };
    match ended {
        Ok(ended) => {
            let later = before.changed();
            if !quiet {
                later.iter().for_each(|line| complain(line));
            }
            if !quiet {
                let command = typed.command.first().map(|name| name.display().to_string());
                told(&command.unwrap_or_default(), ended.outcome, &typed, asks_later);
            }
            if ended.processes {
                complain(
                    "processes of the sandbox are left: they were killed, and sleep in the kernel until a file system answers",
                );
            }
            if let Some(directory) = ended.directory {
                complain(&format!(
                    "the private temporary directory {} could not be removed",
                    directory.display()
                ));
            }
            if !later.is_empty() && typed.last(STRICT_LATER).is_some() {
                return ExitCode::from(ACTS_LATER);
            }
            ExitCode::from(ended.outcome.status())
        }
        Err(error) => failed(&error, &typed),
    }
}

/// `--why`: where the report goes.
struct Why {
    /// The file for lines of JSON; none if it is empty.
    file: OsString,
    /// Lines of text on standard error.
    text: bool,
}

impl Why {
    /// As the flag or the environment wants it.
    fn of(typed: &Typed, quiet: bool) -> Option<Self> {
        let habit = || std::env::var_os("SANDLOCK_WHY").filter(|value| value == "1" && !quiet);
        let file = typed.last(WHY).map(OsStr::to_owned).or_else(|| habit().map(|_| OsString::new()))?;
        let text = file.is_empty() || (!quiet && std::io::stderr().is_terminal());
        Some(Self { file, text })
    }

    /// Opens the file. A pipe that is not read must not make the supervisor wait.
    fn open(&self) -> Result<Option<OwnedFd>, String> {
        if self.file.is_empty() {
            return Ok(None);
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let opened = options.open(&self.file);
        let opened = opened.map_err(|error| format!("--why={}: {error}", self.file.display()))?;
        Ok(Some(std::os::fd::OwnedFd::from(opened).into()))
    }

    /// Runs the plan, and reports to the open file.
    fn run(&self, plan: Plan, file: Option<OwnedFd>) -> Result<sandlock::Ended, sandlock::Error> {
        let (places, lines) = (Places::look(), RefCell::new(Lines::default()));
        let mut witness = Witness::new(&plan, file, |refusal, file| {
            if let Some(file) = file {
                lines.borrow_mut().refused(refusal, &places, file);
            }
        });
        let ended = plan.run_observed(Some(&mut witness))?;
        let (ranked, left_out, file) = witness.ranked();
        if let Some(file) = file {
            let status = ended.outcome.status();
            lines.borrow_mut().end(status, &ranked, left_out, &places, file.as_fd());
        }
        if self.text {
            print(&ranked, left_out, &places);
        }
        Ok(ended)
    }
}

/// Reports how the command ended, except for SIGINT and SIGQUIT (the user's) and SIGPIPE. `asks`: a
/// failure gets one line about `--why`.
fn told(command: &str, outcome: Outcome, typed: &Typed, asks: bool) {
    let hint = "`sandlock run --why` reports what was refused";
    match outcome {
        Outcome::Exited(status) if status != 0 && asks => {
            complain(&format!("{command} ended with status {status}; {hint}"));
        }
        Outcome::Exited(_) | Outcome::Killed(libc::SIGINT | libc::SIGPIPE | libc::SIGQUIT) => {}
        Outcome::Killed(signal) if asks => {
            complain(&format!("{command} was killed by {}; {hint}", name(signal)));
        }
        Outcome::Killed(signal) => complain(&format!("{command} was killed by {}", name(signal))),
        Outcome::TimedOut => {
            let limit = typed.last(TIMEOUT).unwrap_or_default().display();
            let unit = if limit.to_string().ends_with(['s', 'm', 'h']) { "" } else { " s" };
            complain(&format!("{command} was killed after {limit}{unit}, its time limit (-t)"));
        }
    }
}

/// A signal as people call it.
fn name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        // The filter's answer to a call of another architecture.
        libc::SIGSYS => {
            "SIGSYS (it made a system call of another architecture; for 32-bit programs there is --allow-compat)"
        }
        other => return format!("signal {other}"),
    };
    name.to_owned()
}
