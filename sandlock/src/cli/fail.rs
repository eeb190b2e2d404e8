//! Reports of a policy or a profile that cannot be used.

use std::process::ExitCode;

use sandlock::Error;

use super::codes;
use super::complain::{FAILED, complain};
use super::parse::Typed;

/// Reports why no sandbox was made, with the line of the profile that caused it.
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
    complain(&format!("{line}{} [{}]", error.with_flags(), error.code()));
    ExitCode::from(error.status())
}

/// Reports a mistake in a profile: a line, and an excerpt of the profile.
pub(crate) fn mistaken(mistake: &str) -> ExitCode {
    let (first, excerpt) = mistake.split_once('\n').unwrap_or((mistake, ""));
    complain(&format!("{first} [{}]", codes::PROFILE));
    excerpt.lines().for_each(complain);
    ExitCode::from(FAILED)
}
