//! `sandlock profile`: lists, prints, checks and compares profiles.

use core::net::SocketAddr;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, Command, arg};
use sandlock::{AccessFs, Decision, Operation, Plan};
use serde_json::Value;

use super::complain::{complain, print};
use super::fail::{failed, mistaken};
use super::flags::{Given, HOME};
use super::parse::Typed;
use super::profile::{self, BUILT_IN};
use super::refused::word;

pub(crate) fn command() -> Command {
    let name =
        || arg!(<NAME> "A profile's name, or the path of a file").value_parser(clap::value_parser!(OsString));
    Command::new("profile")
        .about("List, show and check profiles")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("List the profiles that there are, and where each is"))
        .subcommand(Command::new("show").about("Print what a profile says").arg(name()))
        .subcommand(
            Command::new("check")
                .about("Say whether a profile can be used here, and whether it would do for a recorded run")
                .arg(name())
                .arg(
                    arg!(--replay <REPORT> "Say what it would refuse of a report of `sandlock run --why=REPORT`")
                        .value_parser(clap::value_parser!(OsString)),
                ),
        )
        .subcommand(
            Command::new("diff")
                .about("Say what one profile gives and another does not")
                .arg(name())
                .arg(arg!(<OTHER> "The other one").value_parser(clap::value_parser!(OsString))),
        )
}

pub(crate) fn profile(matches: &ArgMatches) -> ExitCode {
    let done = match matches.subcommand() {
        Some(("list", _)) => list(),
        Some(("show", matches)) => show(name(matches, "NAME")),
        Some(("check", matches)) => return check(name(matches, "NAME"), matches.get_one("replay")),
        Some(("diff", matches)) => diff(name(matches, "NAME"), name(matches, "OTHER")),
        _ => Ok(ExitCode::FAILURE),
    };
    done.unwrap_or_else(|mistake| mistaken(&mistake))
}

fn name<'m>(matches: &'m ArgMatches, id: &str) -> &'m OsStr {
    matches.get_one::<OsString>(id).map_or(OsStr::new(""), OsString::as_os_str)
}

fn list() -> Result<ExitCode, String> {
    let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    for folder in profile::folders() {
        let entries = folder.read_dir().into_iter().flatten().filter_map(Result::ok);
        names.extend(
            entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned())),
        );
    }
    names.sort_unstable();
    names.dedup();
    let mut text = String::new();
    for name in names {
        text += &match profile::find(OsStr::new(&name)) {
            Ok(source) => {
                let place = source
                    .path
                    .as_ref()
                    .map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
                format!("{name:12} {} ({place})\n", source.description())
            }
            Err(mistake) => {
                format!(
                    "{name:12} cannot be used: {}
",
                    mistake.lines().next().unwrap_or_default()
                )
            }
        };
    }
    Ok(print(&text))
}

fn show(name: &OsStr) -> Result<ExitCode, String> {
    Ok(print(&profile::find(name)?.text))
}

fn check(name: &OsStr, report: Option<&OsString>) -> ExitCode {
    let lines = match profile::load(name) {
        Ok(lines) => lines,
        Err(mistake) => return mistaken(&mistake),
    };
    // This program is there whatever PATH is.
    let this = std::env::current_exe().unwrap_or_else(|_| "true".into());
    let typed = Typed { flags: lines, command: Vec::new() };
    let plan = match typed.policy().and_then(|policy| policy.plan([this])) {
        Ok(plan) => plan,
        Err(error) => return failed(&error, &typed),
    };
    let Some(report) = report else {
        let warnings = plan.warnings().iter().map(|warning| format!("  {warning}\n"));
        return print(&format!("{} can be used here\n{}", name.display(), warnings.collect::<String>()));
    };
    replay(&plan, &typed, report).unwrap_or_else(|mistake| mistaken(&mistake))
}

/// Prints what a plan would refuse of a recorded run.
fn replay(plan: &Plan, typed: &Typed, report: &OsStr) -> Result<ExitCode, String> {
    let text = std::fs::read_to_string(report);
    let text = text.map_err(|error| format!("--replay {}: {error}", report.display()))?;
    let (mut refused, mut never) = (String::new(), 0usize);
    for (number, line) in text.lines().enumerate() {
        let line: Value = serde_json::from_str(line).map_err(|error| {
            format!(
                "--replay {}:{}: this is no line of a report: {error}",
                report.display(),
                number.saturating_add(1)
            )
        })?;
        let word = |key| word(&line, key);
        if word("event") != "refused" || word("weight") == "probe" {
            continue;
        }
        if word("flag").is_empty() {
            never = never.saturating_add(1);
        } else if is_refused(plan, typed, &line) {
            let [process, call, operation, object, flag] =
                ["process", "call", "operation", "object", "flag"].map(word);
            refused += &format!("{process}: {call} {object} ({operation}); to allow it: {flag}\n");
        }
    }
    if never > 0 {
        complain(&format!("{never} of the refusals are the same with every profile"));
    }
    let is_enough = refused.is_empty();
    let printed = print(if is_enough { "nothing of this would be refused\n" } else { &refused });
    Ok(if is_enough || printed != ExitCode::SUCCESS { printed } else { ExitCode::FAILURE })
}

/// Whether a plan refuses what a line of a report is about.
fn is_refused(plan: &Plan, typed: &Typed, line: &Value) -> bool {
    let word = |key| word(line, key);
    let decides = |operation: &Operation<'_>| matches!(plan.decide(operation), Decision::Refused(..));
    let place = line.get("place").and_then(Value::as_str).map(Path::new);
    let file = |of_file: AccessFs, of_dir: AccessFs| {
        place.is_none_or(|place| {
            decides(&Operation::File(place, if place.is_dir() { of_dir } else { of_file }))
        })
    };
    let (_, port) = word("object").rsplit_once(':').unwrap_or_default();
    match (word("operation"), word("object").parse::<SocketAddr>(), port.parse()) {
        ("connect", Ok(address), _) => decides(&Operation::Connect(address.ip(), address.port())),
        ("bind", _, Ok(port)) => decides(&Operation::BindTcp(port)),
        ("resolve", ..) => decides(&Operation::Resolve(word("object"))),
        ("read" | "list", ..) => file(AccessFs::READ_FILE, AccessFs::READ_DIR),
        ("execute", ..) => file(AccessFs::EXECUTE, AccessFs::EXECUTE),
        ("home", ..) => {
            typed.last(HOME).is_none_or(|home| home == "private")
                || file(AccessFs::READ_FILE, AccessFs::READ_DIR)
        }
        ("write" | "make" | "remove" | "move" | "change" | "connect", ..) => {
            file(AccessFs::WRITE_FILE, AccessFs::MAKE_REG)
        }
        _ => true,
    }
}

fn diff(name: &OsStr, other: &OsStr) -> Result<ExitCode, String> {
    let (one, two) = (profile::load(name)?, profile::load(other)?);
    let is_in = |given: &Given, list: &[Given]| list.iter().any(|other| other.is(given));
    let mut text = String::new();
    for (sign, list, against) in [('-', &one, &two), ('+', &two, &one)] {
        for given in list.iter().filter(|given| !is_in(given, against)) {
            text += &format!("{sign} --{} {}\n", given.flag.long, given.value.display());
        }
    }
    let printed = print(&text);
    Ok(if text.is_empty() || printed != ExitCode::SUCCESS { printed } else { ExitCode::FAILURE })
}
