//! From the words of a command line to flags and a command.
//!
//! A small parser reads a valid command line. Only help and mistakes build clap's tree of commands, which
//! takes a tenth of the time of a start.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use lexopt::Arg::{Long, Short, Value};

use sandlock::{Error, Policy, Source};

use super::flags::{BASE, FLAGS, FOREIGN, Flag, Given, PROFILE, Set};
use super::profile;

/// A command line: flags with their values, in order, and the command.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    pub(crate) flags: Vec<Given>,
    pub(crate) command: Vec<OsString>,
}

impl Typed {
    /// The words after `run`. `None`: one of them is a mistake, or a wish for help.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        Self::parse_with(words, &[]).filter(|typed| !typed.command.is_empty())
    }

    /// The words after another command that takes the flags of `run`, and `own`.
    pub(crate) fn parse_with(
        words: impl IntoIterator<Item = OsString>,
        own: &'static [Flag],
    ) -> Option<Self> {
        let mut parser = lexopt::Parser::from_args(words);
        let mut typed = Self::default();
        let all = || FLAGS.iter().chain(own);
        loop {
            let flag = match parser.next().ok()? {
                None => return Some(typed),
                Some(Value(first)) => {
                    typed.command = core::iter::once(first).chain(parser.raw_args().ok()?).collect();
                    return Some(typed);
                }
                Some(Short(letter)) => all().find(|flag| flag.short == Some(letter))?,
                Some(Long(word)) => all().find(|flag| flag.long == word || flag.aliases.contains(&word))?,
            };
            let value = match flag.value() {
                None => OsString::new(),
                Some((_, true)) => parser.optional_value().unwrap_or_default(),
                Some(_) => match parser.optional_value() {
                    Some(attached) => attached,
                    None => parser.value().ok().filter(|value| !is_flag(flag, value))?,
                },
            };
            typed.flags.push(Given { flag, value, at: None });
        }
    }

    /// The value of a flag, as it was typed last.
    pub(crate) fn last(&self, long: &str) -> Option<&OsStr> {
        let found = self.flags.iter().rfind(|given| given.flag.long == long);
        found.map(|given| given.value.as_os_str())
    }

    /// The same with the flags of its profiles in front of the typed ones.
    pub(crate) fn with_profiles(mut self) -> Result<Self, String> {
        let mut lines = Vec::new();
        for given in self.flags.iter().filter(|given| given.flag.long == PROFILE) {
            lines.extend(profile::load(&given.value)?);
        }
        self.flags.splice(..0, lines);
        Ok(self)
    }

    /// From the text of the arguments to their meaning.
    pub(crate) fn policy(&self) -> Result<Policy, Error> {
        let mut policy = match self.last(BASE).map(|base| (base, base.to_str())) {
            None | Some((_, Some("default"))) => Policy::base(),
            Some((_, Some("none"))) => Policy::none(),
            Some((base, _)) => {
                let hint = "a policy starts from default or none; see `sandlock run --help`";
                return Err(Error::Value(Source::Base, base.into(), hint));
            }
        };
        policy.streams();
        for Given { flag, value, .. } in &self.flags {
            match flag.set {
                Set::Switch(set) => set(&mut policy),
                Set::Value(set) => set(&mut policy, value)?,
                Set::Other => {}
            }
        }
        Ok(policy)
    }
}

/// Whether a word is rather a flag than a value that was typed apart. A number may be below 0.
fn is_flag(flag: &Flag, word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    let is_number = bytes.get(1).is_some_and(u8::is_ascii_digit) && flag.long == super::flags::TIMEOUT;
    bytes.len() > 1 && bytes.starts_with(b"-") && !is_number
}

/// `run`, for help and mistakes.
pub(crate) fn command() -> Command {
    let command = Command::new("run")
        .about("Run a command in a sandbox")
        .long_about(
            "Run a command in a sandbox.\n\n\
             Without flags the command can read and execute what the system has installed, /etc as far as any\n\
             user may, /proc and the current project; it can write to a private HOME and TMPDIR that are removed at the\n\
             end; it has no network and no way to touch a process outside. Each flag grants something more.",
        )
        .after_help(
            "Examples:\n  \
             sandlock run -- ./untrusted            look, but touch nothing\n  \
             sandlock run -w . -- make -j4          change the current directory\n  \
             sandlock run -w . --net-allow :443 -- npm install\n  \
             sandlock run --net-allow-bind 8080 -- python3 -m http.server 8080\n  \
             sandlock run -t 30s --clean-env -- ./agent-tool\n\n\
             Exit status: the command's own; 128 + N when signal N killed it; 124 when it timed out;\n\
             125 when sandlock failed, 126 when the command cannot be executed, 127 when it is not there.",
        );
    with_command(with_flags(command, FLAGS))
}

/// A command that ends with another one.
pub(crate) fn with_command(command: Command) -> Command {
    let words = Arg::new("CMD").help("The command and its arguments").value_name("CMD").num_args(1..);
    let words = words.trailing_var_arg(true).required(true).value_parser(clap::value_parser!(OsString));
    command.arg(words)
}

/// A mistake in one line: the mistake, the closest valid word, and where to read on.
pub(crate) fn message(error: &clap::Error) -> String {
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
        Some(ContextValue::String(word)) => FOREIGN.iter().find(|(foreign, _)| foreign == word),
        _ => None,
    };
    let meant = match error.get(ContextKind::SuggestedArg).or(error.get(ContextKind::SuggestedSubcommand)) {
        Some(ContextValue::String(meant)) => Some(meant.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(" or ")),
        _ => None,
    };
    let ours = match (ours, meant) {
        (Some((_, ours)), _) => format!("; {ours}"),
        (None, Some(meant)) => format!("; is {meant} meant?"),
        (None, None) => String::new(),
    };
    format!("{first}{missing}{ours}; see `sandlock run --help`")
}

/// A command with these flags, for help and mistakes.
pub(crate) fn with_flags(mut command: Command, flags: &'static [Flag]) -> Command {
    for flag in flags {
        let mut arg = Arg::new(flag.long).long(flag.long).help(flag.help).help_heading(flag.group);
        if let Some(short) = flag.short {
            arg = arg.short(short);
        }
        arg = match flag.value() {
            Some((name, true)) => arg
                .value_name(name)
                .action(ArgAction::Append)
                .value_parser(clap::value_parser!(OsString))
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value(""),
            Some((name, false)) => arg
                .value_name(name)
                .action(ArgAction::Append)
                .value_parser(clap::value_parser!(OsString))
                .allow_negative_numbers(flag.long == super::flags::TIMEOUT),
            None => arg.action(ArgAction::SetTrue).overrides_with(flag.long),
        };
        command = command.arg(arg.aliases(flag.aliases));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Typed> {
        Typed::parse(line.split(' ').filter(|word| !word.is_empty()).map(OsString::from))
    }

    /// The two parsers reject the same command lines, and find the same command in the others.
    #[test]
    fn the_small_parser_takes_what_the_large_one_takes() {
        for (line, is_good) in [
            ("true", true),
            ("-- true", true),
            ("-q true -q", true),
            ("-qv -- true --help", true),
            ("-w . -r/usr --fs-read=/etc -- true", true),
            ("-w=. true", true),
            ("-r - true", true),
            ("--allow-read /etc true", true),
            ("-t -1 true", true),
            ("-t1 true", true),
            ("--clean-env true", true),
            ("-q -q true", true),
            ("--why true", true),
            ("--why=file true", true),
            ("--why -q -- true", true),
            ("--why", false),
            ("", false),
            ("--", false),
            ("-w .", false),
            ("-w -- true", false),
            ("-w -q true", false),
            ("-w", false),
            ("-Z true", false),
            ("--no-such true", false),
            ("--quiet=1 true", false),
            ("--help", false),
            ("-h", false),
            ("--clean-en true", false),
        ] {
            let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
            let large = command().try_get_matches_from([&["run"], words.as_slice()].concat());
            let small = parse(line);
            assert_eq!((small.is_some(), large.is_ok()), (is_good, is_good), "{line}");
            if let (Some(small), Ok(large)) = (small, large) {
                let command: Vec<OsString> = large.get_many("CMD").unwrap().cloned().collect();
                assert_eq!(small.command, command, "{line}");
            }
        }
    }

    /// The message about a flag of another tool names the flag of sandlock.
    #[test]
    fn words_of_other_tools_are_answered_with_ours() {
        for (word, ours) in FOREIGN {
            for words in [&["run", word, "x", "true"][..], &["run", "-w", ".", word, "true"]] {
                let mistake = command().try_get_matches_from(words).expect_err(word);
                assert!(message(&mistake).contains(ours), "{word}: {}", message(&mistake));
            }
            assert!(parse(&format!("{word} x true")).is_none(), "{word}");
        }
    }

    /// Each flag, by each of its names, reaches its row, and help names it.
    #[test]
    fn every_flag_goes_through_everything() {
        let help = command().render_long_help().to_string();
        for flag in FLAGS {
            let mut words: Vec<String> =
                [flag.long].iter().chain(flag.aliases).map(|long| format!("--{long}")).collect();
            words.extend(flag.short.map(|short| format!("-{short}")));
            for word in words {
                let value = flag.takes.map(|_| "7");
                let (word, apart) = match flag.value() {
                    Some((_, true)) => (format!("{word}=7"), None),
                    _ => (word, value),
                };
                let line = [Some(word.as_str()), apart, Some("true")].into_iter().flatten();
                let typed = Typed::parse(line.clone().map(OsString::from)).unwrap();
                assert_eq!(typed.last(flag.long), Some(OsStr::new(value.unwrap_or(""))), "{word}");
                assert!(typed.command == ["true"], "{word}");
                let large = command().try_get_matches_from(core::iter::once("run").chain(line));
                assert!(large.is_ok_and(|large| large.contains_id(flag.long)), "{word}");
            }
            let is_named = help.contains(&format!("--{}", flag.long));
            assert!(is_named && flag.value().is_none_or(|(name, _)| help.contains(name)), "{}", flag.long);
        }
    }
}
