//! The command line: its arguments, and how a mistake is reported.

mod advice;
mod check;
mod codes;
mod complain;
mod explain;
mod fail;
mod flags;
mod later;
mod learn;
mod learned;
mod parse;
mod profile;
mod profiles;
mod refused;
mod run;
mod trial;
mod why;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Command, FromArgMatches};

use complain::{FAILED, complain};
use parse::Typed;

/// The function of a command, which takes its flags and words.
type Act = fn(Typed) -> ExitCode;

pub(crate) fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some((_, [first, rest @ ..])) = words.split_first() {
        let rest = rest.iter().cloned();
        let known: Option<(Option<Typed>, Act)> = match first.to_str() {
            Some("run") => Some((Typed::parse(rest), run::run)),
            Some("why") => Some((why::parse(rest), why::why)),
            Some("learn") => Some((learn::parse(rest), learn::learn)),
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
        .subcommand(learn::command())
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
            complain(&format!(
                "no subcommand was given; `sandlock run -- CMD` runs a command, `sandlock --help` tells the rest [{}]",
                codes::TYPED
            ));
        }
        _ => complain(&format!("{} [{}]", parse::message(error), codes::TYPED)),
    }
    ExitCode::from(FAILED)
}
