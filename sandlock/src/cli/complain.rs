//! Messages of the command itself on standard error, and the exit status of its own failures.

use core::time::Duration;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use sandlock_sys::BorrowedFd;
use sandlock_sys::poll::{Events, PollFd, ppoll};

/// The time limit for writing a part of a message.
const PATIENCE: Duration = Duration::from_millis(500);
/// The exit status of a failure of sandlock itself, as that of env(1).
pub(super) const FAILED: u8 = 125;

/// A line with control and invisible characters escaped: a name could break the line or drive the terminal.
pub(super) fn plain(line: &str) -> String {
    let mut plain = String::new();
    for letter in line.chars() {
        // Also those that turn the direction of writing, or are not seen.
        let is_hidden = matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        if letter.is_control() || is_hidden {
            plain.extend(letter.escape_default())
        } else {
            plain.push(letter)
        }
    }
    plain
}

/// Prints the answer of a command. A closed pipe is no error.
pub(super) fn print(text: &str) -> ExitCode {
    let plain: Vec<String> = text.split('\n').map(plain).collect();
    match std::io::stdout().write_all(plain.join("\n").as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("standard output: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// One line on standard error, which may be closed or full: the command has it too.
pub(super) fn complain(what: &str) {
    let line = format!("sandlock: {}\n", plain(what));
    // A pipe that is ready takes as much as this at once.
    for part in line.as_bytes().chunks(4096) {
        let mut row = [PollFd::new(BorrowedFd::STDERR, Events::OUT)];
        if ppoll(&mut row, Some(PATIENCE)) == Ok(0) || std::io::stderr().write_all(part).is_err() {
            return;
        }
    }
}
