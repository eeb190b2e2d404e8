//! The verdict on a run: the sandbox held, ended, reported why, and left nothing behind.

use super::ground::Run;
use super::plan::{Fault, Injection};

/// The probe's own status.
const OWN: &str = "exited 7";
/// The status of a command whose time is over.
const TIMED_OUT: &str = "exited 124";

/// The standard library's messages before it gives up, where no sandbox is yet: memory, and random numbers
/// for the name of a directory.
const LIBRARY: [&str; 2] = ["memory allocation of", "failed to generate random data"];

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// With the probe's status.
    AsUsual,
    /// With another one, and a message.
    Message,
    /// At its time limit, which was reported.
    TimedOut,
    /// The process that would have reported it was killed, as the injection has it.
    Killed,
    /// The call was not made so often.
    NotReached,
    /// Something that must not be.
    Violation,
}

/// How it ended, and every fault.
pub(super) fn judge(run: &Run, injection: Option<&Injection>) -> (Class, Vec<String>) {
    let lines = |start: &'static str| run.log.lines().filter_map(move |line| line.strip_prefix(start));
    let ended = lines("ended ").next().unwrap_or("never");
    let is_injected = injection.is_none() || run.log.lines().any(|line| line == "injected");
    let is_kill = injection.is_some_and(|injection| injection.fault == Fault::Kill);
    let message = run.errors.lines().find(|line| line.starts_with("sandlock: ") && line.len() > 20);
    let is_of_library = LIBRARY.iter().any(|said| run.errors.contains(said));
    let mut faults: Vec<String> = Vec::new();
    let escapes = run.output.lines().filter(|line| line.starts_with("ESCAPE"));
    faults.extend(escapes.map(str::to_owned));
    faults.extend(run.changes.iter().cloned());
    faults.extend(lines("left ").map(|what| format!("left behind (role, call): {what}")));
    let is_killed = ended.starts_with("killed ");
    if is_killed && !is_kill && !is_of_library {
        faults.push(format!("sandlock was {ended}"));
    } else if ended == "hung" || ended == "never" {
        faults.push("it hung".into());
    } else if ended != OWN && !is_killed && message.is_none() {
        faults.push(format!("{ended} without a message"));
    }
    if ended != OWN && !is_kill && message.is_some_and(|message| message.ends_with(" was killed by SIGKILL"))
    {
        faults.push("a failure of sandlock is reported as the command's".into());
    }
    if run.errors.contains("panicked") && !is_of_library {
        faults.push("a panic".into());
    }
    let is_said = run.errors.contains("could not be removed");
    if !run.directories.is_empty() && !is_kill && !is_killed && !is_said && ended != "hung" {
        faults.push("the private directory is left, and not said".into());
    }
    let class = match ended {
        _ if !faults.is_empty() => Class::Violation,
        _ if !is_injected => Class::NotReached,
        OWN => Class::AsUsual,
        TIMED_OUT => Class::TimedOut,
        _ if is_killed && is_kill => Class::Killed,
        _ => Class::Message,
    };
    (class, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(log: &str, errors: &str) -> Run {
        Run { log: log.to_owned(), errors: errors.to_owned(), ..Run::default() }
    }

    #[test]
    fn an_end_needs_a_reason() {
        let said = "sandlock: ppoll: ENOMEM: there is not enough memory\n";
        for (log, errors, want) in [
            ("injected\nended exited 7\n", "", Class::AsUsual),
            ("ended exited 7\n", "", Class::AsUsual),
            ("ended exited 125\n", said, Class::Message),
            ("ended exited 124\n", "sandlock: ./probe was killed after 2 s\n", Class::TimedOut),
            ("ended exited 125\n", "", Class::Violation),
            ("ended exited 125\n", "sandlock: \n", Class::Violation),
            ("ended killed 11\n", "", Class::Violation),
            ("ended exited 137\n", "sandlock: ./probe was killed by SIGKILL\n", Class::Violation),
            ("ended killed 6\n", "memory allocation of 8 bytes failed\n", Class::Message),
            ("ended hung\n", said, Class::Violation),
            ("ended exited 7\nleft guest 34\n", "", Class::Violation),
            ("", "", Class::Violation),
        ] {
            assert_eq!(judge(&run(log, errors), None).0, want, "{log} {errors}");
        }
    }

    #[test]
    fn an_escape_counts_whatever_the_end() {
        let escaped = Run { output: "ESCAPE read a file outside\n".into(), ..run("ended exited 7\n", "") };
        assert_eq!(judge(&escaped, None), (Class::Violation, vec!["ESCAPE read a file outside".to_owned()]));
        let left = Run { directories: vec!["/tmp/x".into()], ..run("ended exited 7\n", "") };
        assert_eq!(judge(&left, None).0, Class::Violation);
        let changed = Run { changes: vec!["x".into()], ..run("ended exited 7\n", "") };
        assert_eq!(judge(&changed, None).0, Class::Violation);
    }
}
