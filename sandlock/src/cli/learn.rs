//! `sandlock learn`: runs a command in a sandbox that grants little, and proposes a profile with what it was
//! refused.
//!
//! Each round is a `sandlock run --why` of its own, for a supervisor gives up what a next round needs. The
//! report is a file without a name, which the command cannot reach.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

use clap::Command;
use sandlock_sys::fs::{self, MemfdFlags};
use serde_json::Value;

use super::advice::{Allow, Places, line, merged};
use super::complain::{FAILED, complain};
use super::fail::mistaken;
use super::flags::{FLAGS as OF_RUN, Flag, Given, JSON, NET_ALLOW, READ, RECEIPT, WHY, WRITE};
use super::learned::{Learned, Note, of_flag, with_slash};
use super::parse::{Typed, with_flags};
use super::refused::word;
use super::why::quoted;

/// A command that asks for something new each time is hostile, or lost.
const ROUNDS: usize = 20;
/// The most of a report that is read: a run writes a line for each of 1,024 refusals.
const LONGEST: u64 = 16 << 20;
/// How many letters of the command are printed.
const LONGEST_NAME: usize = 100;
/// How many programs are named beside a grant.
const PROGRAMS: usize = 3;

const OUTPUT: &str = "output";
const YES: &str = "yes";
const SENSITIVE: &str = "allow-sensitive";

pub(crate) const FLAGS: &[Flag] = &[
    Flag {
        short: Some('o'),
        long: OUTPUT,
        takes: Some("FILE"),
        help: "The profile to write; one that was learned is extended",
        ..JSON
    },
    Flag {
        short: Some('y'),
        long: YES,
        help: "Grant what is proposed and run again, until the command succeeds or asks for nothing new",
        ..JSON
    },
    Flag {
        long: SENSITIVE,
        help: "Propose keys, tokens, histories, devices, services and the system's files too",
        ..JSON
    },
];

pub(crate) fn command() -> Command {
    let command = super::parse::with_command(Command::new("learn")
        .about("Run a command with little, and write a profile of what it was refused")
        .after_help(
            "Example: sandlock learn -o ./site.toml -p node -w . -- npm run build\n\n\
             Nothing runs without a sandbox. The command is run with the flags and profiles that are given; what it was refused\n\
             is proposed line by line, with the program that asked for it. Without --yes it is run once, or as often\n\
             as the answer on the terminal is yes. A command that succeeds needs no more, and nothing is added.\n\n\
             Exit status: that of the last run; 125 when no profile could be written.",
        ));
    with_flags(with_flags(command, OF_RUN), FLAGS)
}

/// The words after `learn`, if they can be read at once.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Option<Typed> {
    Typed::parse_with(words, FLAGS).filter(|typed| !typed.command.is_empty())
}

pub(crate) fn learn(typed: Typed) -> ExitCode {
    rounds(&typed).unwrap_or_else(|mistake| mistaken(&mistake))
}

/// What a round has shown.
struct Round {
    status: u8,
    /// What would have been allowed by these flags, and who asked for it.
    asked: BTreeMap<Allow, Askers>,
}

/// The programs that asked for something, each with its call, and how often altogether.
#[derive(Default)]
struct Askers {
    programs: Vec<String>,
    count: u64,
}

impl Askers {
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        for program in &other.programs {
            if self.programs.len() < PROGRAMS && !self.programs.contains(program) {
                self.programs.push(program.clone());
            }
        }
    }
}

impl core::fmt::Display for Askers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.programs.join(", "))?;
        if self.count > 1 { write!(f, ", {} times", self.count) } else { Ok(()) }
    }
}

fn rounds(typed: &Typed) -> Result<ExitCode, String> {
    let has = |flag| typed.last(flag).is_some();
    let file = typed.last(OUTPUT).map(Path::new).ok_or(
        "-o FILE is missing: the profile to write, such as -o ./site.toml or -o ~/.config/sandlock/profiles/site.toml",
    )?;
    let mut learned = Learned::open(file, typed, &shown(&typed.command))?;
    let places = Places::look();
    let mut granted: BTreeMap<Allow, Askers> = BTreeMap::new();
    for round in 1..=ROUNDS {
        let is_grave = |allow: &Allow| places.is_grave(allow).filter(|_| !has(SENSITIVE));
        let Some(Round { status, mut asked }) = run(typed, &learned, |allow| is_grave(allow).is_some())?
        else {
            return Ok(ExitCode::from(FAILED));
        };
        asked.retain(|allow, _| match allow {
            Allow::Read(path) | Allow::Write(path) => path.exists(),
            Allow::Other(..) => true,
        });
        let grave: Vec<Allow> = asked.keys().filter(|allow| is_grave(allow).is_some()).cloned().collect();
        let lines = |of: &BTreeMap<Allow, Askers>| -> Vec<Note> {
            let light = of.keys().filter(|allow| is_grave(allow).is_none()).cloned();
            let notes = merged(light, &places).into_iter().filter_map(|allow| note(&allow, of));
            notes.filter(|note| !learned.has(note)).collect()
        };
        let is_done = status == 0 || lines(&asked).is_empty();
        let ended = format!("round {round}: {} ended with status {status}", shown(&typed.command));
        if is_done {
            complain(&format!("{ended}; nothing is to be added"));
            learned.refused = lines(&asked);
        } else {
            complain(&format!("{ended}; the additions to {}:", file.display()));
            // Files of one tree may be asked for in several rounds.
            asked.iter().for_each(|(allow, askers)| granted.entry(allow.clone()).or_default().add(askers));
            let all = lines(&granted);
            let old = core::mem::take(&mut learned.added);
            for (sign, some, others) in [("-", &old, &all), ("+", &all, &old)] {
                let only = some.iter().filter(|note| !others.iter().any(|other| other.given.is(&note.given)));
                only.for_each(|note| complain(&format!("{sign} {}", of_flag(note))));
            }
            learned.added = all;
        }
        for allow in &grave {
            if let Some((why, askers)) = is_grave(allow).zip(asked.get(allow)) {
                let flag = line(core::slice::from_ref(allow), &places);
                complain(&format!("not proposed: {flag}  # {askers}; {why} (--{SENSITIVE} proposes it)"));
            }
        }
        learned.write(file)?;
        if is_done || !(has(YES) || is_wanted()) {
            let (path, command) = (with_slash(file), shown(&typed.command));
            if learned.may_change(file) {
                complain(&format!(
                    "{0} is where the command may write (-w): move it, or read it before each use",
                    file.display()
                ));
            }
            complain(&format!("`sandlock run -p {} -- {command}` runs with it", path.display()));
            return Ok(ExitCode::from(status));
        }
    }
    Err(format!(
        "the command asked for something new {ROUNDS} times; {} has what was granted",
        file.display()
    ))
}

/// The grant as a line of a profile.
fn note(allow: &Allow, asked: &BTreeMap<Allow, Askers>) -> Option<Note> {
    let (long, value) = allow.words();
    let flag = OF_RUN.iter().find(|flag| flag.long == long)?;
    let mut all = Askers::default();
    // A tree has the programs of the files in it.
    for (one, askers) in asked {
        let is_it = match (allow, one) {
            (Allow::Read(top), Allow::Read(path)) => path.starts_with(top),
            (Allow::Write(top), Allow::Read(path) | Allow::Write(path)) => path.starts_with(top),
            (allow, one) => allow == one,
        };
        if is_it {
            all.add(askers);
        }
    }
    Some(Note { given: Given { flag, value: value.to_owned(), at: None }, why: all.to_string() })
}

/// Asks at a terminal whether to go on.
fn is_wanted() -> bool {
    let (input, errors) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !errors.is_terminal() {
        return false;
    }
    let _ = errors.lock().write_all(b"sandlock: grant this and run again? [y/N] ");
    let mut answer = String::new();
    input.lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Runs the command once. `None`: it was not started, and the reason is on standard error.
fn run(typed: &Typed, learned: &Learned, is_grave: impl Fn(&Allow) -> bool) -> Result<Option<Round>, String> {
    let cannot = |error: std::io::Error| format!("the report of the run: {error}");
    let report = fs::memfd_create(c"report", MemfdFlags::CLOEXEC);
    let report = report.map_err(|errno| cannot(std::io::Error::from_raw_os_error(errno.get())))?;
    let mut report = std::fs::File::from(OwnedFd::from(report));
    let this = std::env::current_exe().map_err(cannot)?;
    let mut command = std::process::Command::new(this);
    // This process's own, which no command in a sandbox can look into.
    command.args(["run", "--quiet"]);
    command.arg(format!("--{WHY}=/proc/{}/fd/{}", std::process::id(), report.as_raw_fd()));
    // No profile holds that.
    let receipt = typed.last(RECEIPT).map(|file| (RECEIPT, file));
    for (long, value) in learned.flags().chain(receipt) {
        let mut flag = OsString::from(format!("--{long}"));
        if !value.is_empty() {
            flag.push("=");
            flag.push(value);
        }
        command.arg(flag);
    }
    let status = command.arg("--").args(&typed.command).status().map_err(cannot)?;
    let mut text = String::new();
    report.rewind().map_err(cannot)?;
    report.take(LONGEST).read_to_string(&mut text).map_err(cannot)?;
    Ok(asked(&text, is_grave).map(|asked| Round { status: code(status), asked }))
}

fn code(status: ExitStatus) -> u8 {
    let signal = || status.signal().and_then(|signal| signal.checked_add(128));
    status.code().or_else(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED)
}

/// What a report says was asked for. `None`: there is no end in it.
fn asked(report: &str, is_grave: impl Fn(&Allow) -> bool) -> Option<BTreeMap<Allow, Askers>> {
    let lines: Vec<Value> = report.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let end = lines.iter().find(|line| word(line, "event") == "end")?;
    let ranked = end.get("ranked").and_then(Value::as_array);
    let count = |line: &Value| {
        let is_it =
            |one: &&Value| ["operation", "object"].iter().all(|key| word(one, key) == word(line, key));
        ranked?.iter().find(is_it)?.get("count")?.as_u64()
    };
    let mut asked: BTreeMap<Allow, Askers> = BTreeMap::new();
    for line in
        lines.iter().filter(|line| word(line, "event") == "refused" && word(line, "weight") != "probe")
    {
        let allows = allows(line);
        // One of two flags helps nothing.
        let one_is_grave = allows.iter().any(&is_grave);
        for allow in allows.into_iter().filter(|allow| !one_is_grave || is_grave(allow)) {
            let program = format!("{}: {}", word(line, "process"), word(line, "call"));
            let asker = Askers { programs: vec![program], count: count(line).unwrap_or(1) };
            asked.entry(allow).or_default().add(&asker);
        }
    }
    Some(asked)
}

/// The flags that allow what a line of a report is about.
fn allows(line: &Value) -> Vec<Allow> {
    let grants = line.get("grants").and_then(Value::as_array);
    let known = |grant: &Value| {
        let value = word(grant, "value").to_owned();
        let flag = OF_RUN.iter().find(|flag| flag.long == word(grant, "flag"))?;
        Some(match flag.long {
            READ => Allow::Read(value.into()),
            WRITE => Allow::Write(value.into()),
            // A machine is less than a port of all machines.
            NET_ALLOW if word(line, "operation") == "connect" => {
                Allow::Other(NET_ALLOW, word(line, "object").to_owned())
            }
            long => Allow::Other(long, value),
        })
    };
    grants.into_iter().flatten().filter_map(known).collect()
}

/// A command as a person types it, as far as that fits a line.
fn shown(command: &[OsString]) -> String {
    let words: Vec<String> = command.iter().map(|word| quoted(Path::new(word))).collect();
    let words = words.join(" ");
    let shown: String = words.chars().take(LONGEST_NAME).collect();
    if shown.len() < words.len() { format!("{shown}…") } else { shown }
}
