//! `sandlock run`: from the arguments to a policy, and from how it ended to an exit status.

use std::process::ExitCode;

use sandlock::Outcome;
use sandlock_sys::Signal;
use sandlock_sys::signal::{self, SigSet};

use super::complain::{FAILED, complain};
use super::explain;
use super::fail::{failed, mistaken};
use super::flags::{QUIET, RECEIPT, STRICT_LATER, TIMEOUT, VERBOSE};
use super::later::{ACTS_LATER, Later};
use super::parse::Typed;

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
    let plan = match typed.policy().and_then(|policy| policy.plan(&typed.command)) {
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
    let before = Later::look(&plan);
    match plan.run_here() {
        Ok(ended) => {
            let later = before.changed();
            if !quiet {
                later.iter().for_each(|line| complain(line));
            }
            if !quiet {
                let command = typed.command.first().map(|name| name.display().to_string());
                told(&command.unwrap_or_default(), ended.outcome, &typed);
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

/// Reports how the command ended, except for SIGINT and SIGQUIT (the user's) and SIGPIPE.
fn told(command: &str, outcome: Outcome, typed: &Typed) {
    match outcome {
        Outcome::Exited(_) | Outcome::Killed(libc::SIGINT | libc::SIGPIPE | libc::SIGQUIT) => {}
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
