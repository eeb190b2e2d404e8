//! The command line: what can be typed, and how a mistake is told.

mod check;
mod run;

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

/// Our own failure, as env(1) has it.
const FAILED: u8 = 125;

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
}

pub(crate) fn main() -> ExitCode {
    let options = match parse() {
        Ok(options) => options,
        Err(error) => return told(&error),
    };
    match options.command {
        Command::Run(options) => run::run(&options),
        Command::Check(options) => check::check(&options),
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

/// One line on standard error, which may be closed. Names that others chose must not break the line or drive the terminal.
fn complain(what: &str) {
    let mut line = String::from("sandlock: ");
    for letter in what.chars() {
        if letter.is_control() { line.extend(letter.escape_default()) } else { line.push(letter) }
    }
    let _ = writeln!(std::io::stderr(), "{line}");
}
