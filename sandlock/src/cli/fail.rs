//! Why there is no sandbox, as the command line says it.

use std::process::ExitCode;

use sandlock::Error;

use super::complain::{FAILED, complain};
use super::parse::Typed;
use super::profile::Mistake;

/// Says why there is no sandbox; where a profile asked for it, by which line.
pub(crate) fn failed(error: &Error, typed: &Typed) -> ExitCode {
    let about = match error {
        Error::Path(_, path, _) => Some(path.as_os_str()),
        Error::Value(_, value, _) => Some(value.as_os_str()),
        _ => None,
    };
    let mut lines = typed.flags.iter().filter(|given| about.is_some_and(|about| given.value == about));
    let line = match lines.find_map(|given| given.at.as_ref()) {
        Some((profile, line)) => format!("profile {profile}:{line}: "),
        None => String::new(),
    };
    complain(&format!("{line}{}", error.with_flags()));
    ExitCode::from(error.status())
}

/// Says what a profile has wrong: a line, and an excerpt of it.
pub(crate) fn mistaken(mistake: &Mistake) -> ExitCode {
    mistake.to_string().lines().for_each(complain);
    ExitCode::from(FAILED)
}
