//! `sandlock profile`: lists, prints, checks and compares profiles.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::{ArgMatches, Command, arg};

use super::complain::print;
use super::fail::{failed, mistaken};
use super::flags::Given;
use super::parse::Typed;
use super::profile::{self, BUILT_IN};

pub(crate) fn command() -> Command {
    let name = || {
        arg!(<NAME> "A profile's name, or the path of a file")
            .value_parser(clap::value_parser!(std::ffi::OsString))
    };
    Command::new("profile")
        .about("List, show and check profiles")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("List the profiles that there are, and where each is"))
        .subcommand(Command::new("show").about("Print what a profile says").arg(name()))
        .subcommand(Command::new("check").about("Say whether a profile can be used here").arg(name()))
        .subcommand(
            Command::new("diff")
                .about("Say what one profile gives and another does not")
                .arg(name())
                .arg(arg!(<OTHER> "The other one").value_parser(clap::value_parser!(std::ffi::OsString))),
        )
}

pub(crate) fn profile(matches: &ArgMatches) -> ExitCode {
    let done = match matches.subcommand() {
        Some(("list", _)) => list(),
        Some(("show", matches)) => show(name(matches, "NAME")),
        Some(("check", matches)) => return check(name(matches, "NAME")),
        Some(("diff", matches)) => diff(name(matches, "NAME"), name(matches, "OTHER")),
        _ => Ok(ExitCode::FAILURE),
    };
    done.unwrap_or_else(|mistake| mistaken(&mistake))
}

fn name<'m>(matches: &'m ArgMatches, id: &str) -> &'m OsStr {
    matches.get_one::<std::ffi::OsString>(id).map_or(OsStr::new(""), std::ffi::OsString::as_os_str)
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

fn check(name: &OsStr) -> ExitCode {
    let lines = match profile::load(name) {
        Ok(lines) => lines,
        Err(mistake) => return mistaken(&mistake),
    };
    // This program is there whatever PATH is.
    let this = std::env::current_exe().unwrap_or_else(|_| "true".into());
    let typed = Typed { flags: lines, command: Vec::new() };
    match typed.policy().and_then(|policy| policy.plan([this])) {
        Ok(plan) => {
            let warnings = plan.warnings().iter().map(|warning| format!("  {warning}\n"));
            print(&format!("{} can be used here\n{}", name.display(), warnings.collect::<String>()))
        }
        Err(error) => failed(&error, &typed),
    }
}

fn diff(name: &OsStr, other: &OsStr) -> Result<ExitCode, String> {
    let (one, two) = (profile::load(name)?, profile::load(other)?);
    let is_in = |given: &Given, list: &[Given]| {
        list.iter().any(|other| other.flag.long == given.flag.long && other.value == given.value)
    };
    let mut text = String::new();
    for (sign, list, against) in [('-', &one, &two), ('+', &two, &one)] {
        for given in list.iter().filter(|given| !is_in(given, against)) {
            text += &format!("{sign} --{} {}\n", given.flag.long, given.value.display());
        }
    }
    let printed = print(&text);
    Ok(if text.is_empty() || printed != ExitCode::SUCCESS { printed } else { ExitCode::FAILURE })
}
