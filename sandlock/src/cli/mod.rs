//! The command line: its arguments, and how a mistake is reported.

mod check;
mod complain;
mod explain;
mod fail;
mod flags;
mod later;
mod parse;
mod profile;
mod profiles;
mod run;
mod trial;
mod why;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Command, FromArgMatches};

use complain::{FAILED, complain};
use parse::Typed;

/// What a command does with its flags and words.
type Act = fn(Typed) -> ExitCode;

pub(crate) fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some((_, [first, rest @ ..])) = words.split_first() {
        let rest = rest.iter().cloned();
        let known: Option<(Option<Typed>, Act)> = match first.to_str() {
            Some("run") => Some((Typed::parse(rest), run::run)),
            Some("why") => Some((why::parse(rest), why::why)),
            Some("explain") => Some((explain::parse(rest), explain::explain)),
            _ => None,
        };
        if let Some((Some(typed), act)) = known {
            drop(words);
            return act(typed);
        }
    }
    match other(words) {
        Ok(status) => status,
        Err(error) => told(&error),
    }
}

/// Whatever is not a `run` without a mistake.
fn other(words: Vec<OsString>) -> Result<ExitCode, clap::Error> {
    let mut tree = tree();
    let matches = tree.try_get_matches_from_mut(words)?;
    match matches.subcommand() {
        Some(("check", matches)) => Ok(check::check(&check::Options::from_arg_matches(matches)?)),
        Some(("profile", matches)) => Ok(profiles::profile(matches)),
        Some(("try-inside", matches)) => Ok(trial::inside(&trial::Options::from_arg_matches(matches)?)),
        // The two parsers agree, or a test fails.
        _ => Err(tree.error(ErrorKind::InvalidValue, "this command line cannot be read")),
    }
}

/// All commands, for help and mistakes.
pub(crate) fn tree() -> Command {
    let check = check::Options::augment_args(Command::new("check"));
    let inside = Command::new("try-inside").hide(true);
    Command::new("sandlock")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Runs a program nobody trusts so that it touches only what it was given.")
        .after_help(
            "Try: sandlock run -- ls        look around in the base profile\n     \
             sandlock run -w . -- make  let it change the current directory\n     \
             sandlock check             what this kernel can enforce",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(parse::command())
        .subcommand(why::command())
        .subcommand(explain::command())
        .subcommand(profiles::command())
        .subcommand(check.about("Say what this kernel can enforce"))
        .subcommand(trial::Options::augment_args(inside))
}

/// Help goes to standard output whole; a mistake is one line that names it and what to do.
fn told(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            complain(
                "no subcommand was given; `sandlock run -- CMD` runs a command, `sandlock --help` tells the rest",
            );
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first).trim_end_matches(':');
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(names)) if error.kind() == ErrorKind::MissingRequiredArgument => {
                    format!(" ({})", names.join(" "))
                }
                _ => String::new(),
            };
            let ours = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(word)) => {
                    flags::FOREIGN.iter().find(|(foreign, _)| foreign == word)
                }
                _ => None,
            };
            let meant =
                match error.get(ContextKind::SuggestedArg).or(error.get(ContextKind::SuggestedSubcommand)) {
                    Some(ContextValue::String(meant)) => Some(meant.clone()),
                    Some(ContextValue::Strings(all)) => Some(all.join(" or ")),
                    _ => None,
                };
            let ours = match (ours, meant) {
                (Some((_, ours)), _) => format!("; {ours}"),
                (None, Some(meant)) => format!("; is {meant} meant?"),
                (None, None) => String::new(),
            };
            complain(&format!("{first}{missing}{ours}; see `sandlock run --help`"));
        }
    }
    ExitCode::from(FAILED)
}
