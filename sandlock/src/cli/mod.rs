//! The command line: its arguments, and how a mistake is reported.

mod check;
mod complain;
mod run;
mod trial;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use complain::{FAILED, complain};

/// Runs a program nobody trusts so that it touches only what it was given.
#[derive(Debug, Parser)]
#[command(
    name = "sandlock",
    version,
    after_help = "Try: sandlock run -- ls        look around in the base profile\n     \
                  sandlock run -w . -- make  let it change the current directory\n     \
                  sandlock check             what this kernel can enforce"
)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a command in a sandbox
    Run(Box<run::Options>),
    /// Say what this kernel can enforce
    Check(check::Options),
    /// The part of `check` that runs in the sandbox it tries
    #[command(hide = true)]
    TryInside(trial::Options),
}

pub(crate) fn main() -> ExitCode {
    let options = match parse() {
        Ok(options) => options,
        Err(error) => return told(&error),
    };
    match options.command {
        Command::Run(options) => run::run(&options),
        Command::Check(options) => check::check(&options),
        Command::TryInside(options) => trial::inside(&options),
    }
}

/// Not part of its caller: what parsing needs of the stack is free again for what comes after it.
#[inline(never)]
fn parse() -> Result<Options, clap::Error> {
    Options::try_parse()
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
            complain(&format!("{first}{missing}; see `sandlock run --help`"));
        }
    }
    ExitCode::from(FAILED)
}
