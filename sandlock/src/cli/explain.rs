//! `sandlock explain`: a policy as a person reads it. Nothing is run.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Arg, Command};
use sandlock::{Grant, Plan, SockFilter};
use sandlock_bpf::{Arch, Listing};
use serde_json::{Value, json};

use super::codes;
use super::complain::{FAILED, complain, print};
use super::fail::{failed, mistaken};
use super::flags::{Flag, Given, JSON, Set};
use super::parse::{Typed, with_flags};
use super::words::{part, rights};

const FILTER: &str = "filter";
const VERIFY: &str = "verify";

pub(crate) const FLAGS: &[Flag] = &[
    JSON,
    Flag {
        long: FILTER,
        help: "Print the filter, instruction by instruction, and the reason of each decision",
        ..JSON
    },
    Flag {
        long: VERIFY,
        help: "Prove that the filter decides every call as its table does",
        set: Set::Other,
        ..JSON
    },
];

pub(crate) fn command() -> Command {
    let command = Command::new("explain")
        .about("Say what a policy grants, by which flag or profile, and what enforces it")
        .after_help("Examples: sandlock explain -p node -- npm install\n          sandlock explain E003      about the message with this code")
        .arg(Arg::new("CMD").num_args(0..).trailing_var_arg(true));
    with_flags(with_flags(command, super::flags::FLAGS), FLAGS)
}

/// The words after `explain`, if they can be read at once.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Option<Typed> {
    Typed::parse_with(words, FLAGS)
}

pub(crate) fn explain(typed: Typed) -> ExitCode {
    let mut typed = match typed.with_profiles() {
        Ok(typed) => typed,
        Err(mistake) => return mistaken(&mistake),
    };
    if let Some(code) =
        typed.command.first().and_then(|word| word.to_str()).filter(|word| codes::is_code(word))
    {
        return match codes::text(code) {
            Some(text) => print(&format!("{code}: {text}\n")),
            None => {
                complain(&format!("{code}: there is no message with this code"));
                ExitCode::from(FAILED)
            }
        };
    }
    if typed.command.is_empty() {
        typed.command.push("true".into());
    }
    let plan = match typed.policy().and_then(|policy| policy.plan(&typed.command)) {
        Ok(plan) => plan,
        Err(error) => return failed(&error, &typed),
    };
    let has = |flag| typed.last(flag).is_some();
    if has(VERIFY) {
        return match plan.verify() {
            Ok(paths) => {
                let len = plan.program().len();
                print(&format!(
                    "the filter of {len} instructions decides every call as its table does: {paths} paths, each proved\n"
                ))
            }
            Err(why) => {
                complain(&why);
                ExitCode::from(FAILED)
            }
        };
    }
    print(&if has(FILTER) {
        listing(plan.program())
    } else if has(JSON.long) {
        format!("{}\n", as_json(&plan, &typed))
    } else {
        as_text(&plan, &typed)
    })
}

/// The source of a grant: the part of the policy, or the profile's line.
fn giver(grant: &Grant, typed: &Typed) -> String {
    let real = |given: &Given| std::fs::canonicalize(&given.value).is_ok_and(|real| real == grant.path);
    let is_it = |given: &&Given| format!("--{}", given.flag.long) == long(grant.source.flag()) && real(given);
    match typed.flags.iter().filter(is_it).find_map(|given| given.at.as_ref()) {
        Some((profile, line)) => format!("profile {profile}:{line}"),
        None => part(grant.source).to_owned(),
    }
}

fn long(flag: &str) -> &str {
    match flag {
        "-r" => "--fs-read",
        "-w" => "--fs-write",
        other => other,
    }
}

fn as_text(plan: &Plan, typed: &Typed) -> String {
    let mut text = String::from("files\n");
    let mut givers: Vec<(String, Vec<&Grant>)> = Vec::new();
    for grant in plan.grants() {
        let by = giver(grant, typed);
        match givers.iter_mut().find(|(known, _)| *known == by) {
            Some((_, grants)) => grants.push(grant),
            None => givers.push((by, vec![grant])),
        }
    }
    for (by, grants) in &givers {
        text += &format!("  {by}\n");
        for grant in grants {
            text += &format!("    {:22} {}\n", rights(grant.rights), grant.path.display());
        }
    }
    text += "enforced by\n";
    for line in plan.receipt() {
        text += &format!("  {line}\n");
    }
    for (title, lines) in [("notes", plan.notes()), ("warnings", plan.warnings())] {
        if !lines.is_empty() {
            text += &format!("{title}\n");
            lines.iter().for_each(|line| text += &format!("  {line}\n"));
        }
    }
    text += &asked();
    text
}

/// The handlers, and the calls that each answers.
fn asked() -> String {
    let mut text = String::from("answered by the supervisor\n");
    for row in sandlock::table::ROWS.iter().filter(|row| row.may_ask()) {
        let names: Vec<&str> = row.names.iter().map(|name| name.as_str()).collect();
        text += &format!("  {}\n    {}\n", names.join(" "), row.why);
    }
    text
}

pub(crate) fn as_json(plan: &Plan, typed: &Typed) -> Value {
    let grants: Vec<Value> = plan
        .grants()
        .iter()
        .map(|grant| {
            json!({"path": grant.path.to_string_lossy(), "rights": rights(grant.rights), "by": giver(grant, typed)})
        })
        .collect();
    json!({"grants": grants, "enforced": receipt(plan), "notes": plan.notes(), "warnings": plan.warnings()})
}

/// The receipt as data.
pub(crate) fn receipt(plan: &Plan) -> Value {
    plan.receipt().iter().map(|line| json!({"what": line.what, "by": line.by})).collect()
}

fn listing(program: &[SockFilter]) -> String {
    let mut text = Listing::new(program, Arch::NATIVE).to_string();
    text += "\nreasons\n";
    for row in sandlock::table::ROWS {
        let names: Vec<&str> = row.names.iter().map(|name| name.as_str()).collect();
        text += &format!("  {}: {}\n", names.join(" "), row.why);
    }
    text
}
