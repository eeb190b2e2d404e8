//! The terminal: who is in its foreground while the command runs, and that it is as before afterwards.

use sandlock_sys::signal::{self, SigSet};
use sandlock_sys::tty::{self, Termios};
use sandlock_sys::{BorrowedFd, Errno, process};

/// How the command stands to the caller's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Input and output are the terminal's: the command becomes its foreground group.
    Foreground,
    /// Some of the standard descriptors are, as in a pipeline, whose other members need the terminal too: the command stays in the caller's group.
    Shared,
    /// No terminal: a group of its own.
    None,
}

/// The terminal as it was found.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) mode: Mode,
    settings: Option<Termios>,
    group: i32,
}

impl Terminal {
    /// Looks at the standard descriptors.
    pub(crate) fn find() -> Self {
        let group = process::process_group().unwrap_or(0);
        let is_ours = |fd| tty::foreground(fd) == Ok(group);
        let (input, output, errors) =
            (is_ours(BorrowedFd::STDIN), is_ours(BorrowedFd::STDOUT), is_ours(BorrowedFd::STDERR));
        let mode = if input && output {
            Mode::Foreground
        } else if input || output || errors {
            Mode::Shared
        } else {
            Mode::None
        };
        let settings = (mode == Mode::Foreground).then(|| tty::settings(BorrowedFd::STDIN).ok()).flatten();
        Self { mode, settings, group }
    }

    /// Takes the terminal back, with the settings it had. (Every signal is blocked, SIGTTOU too, so the kernel lets us.)
    pub(crate) fn take_back(&self) {
        if self.mode == Mode::Foreground {
            let _ = tty::set_foreground(BorrowedFd::STDIN, self.group);
            if let Some(settings) = &self.settings {
                let _ = tty::set_settings(BorrowedFd::STDIN, settings);
            }
        }
    }

    /// The command was stopped (Ctrl-Z): stop too, so that the shell has its prompt; when it lets us go on, let the command go on.
    pub(crate) fn stop_with(&self, command: i32, stop: i32) {
        let theirs = tty::settings(BorrowedFd::STDIN).ok();
        self.take_back();
        if !stop_here() {
            // There is no shell that could let us go on. Who wants the terminal will not get it: the kernel's word for that is SIGHUP.
            if stop == libc::SIGTTIN || stop == libc::SIGTTOU {
                self.signal(command, libc::SIGHUP);
            }
        } else if self.mode == Mode::Foreground && tty::foreground(BorrowedFd::STDIN) == Ok(self.group) {
            let _ = tty::set_foreground(BorrowedFd::STDIN, command);
            if let Some(settings) = &theirs {
                let _ = tty::set_settings(BorrowedFd::STDIN, settings);
            }
        }
        self.signal(command, libc::SIGCONT);
    }

    /// Passes a signal on: to the command's group, or to the command alone where it has none of its own (any more).
    pub(crate) fn signal(&self, command: i32, signal: i32) {
        let group = command.wrapping_neg();
        if self.mode == Mode::Shared || signal::kill(group, signal) == Err(Errno::ESRCH) {
            let _ = signal::kill(command, signal);
        }
    }
}

/// Stops this process as Ctrl-Z would, which the kernel refuses where nobody is left who could continue it. Whether it was stopped: then
/// the SIGCONT that ended the stop is pending.
fn stop_here() -> bool {
    let Ok(continued) = signal::signalfd(SigSet::EMPTY.with(libc::SIGCONT)) else { return false };
    while signal::read_signal(&continued).is_ok() {}
    let _ = signal::kill(process::getpid(), libc::SIGTSTP);
    // The stop happens here, when the signal is let in.
    let _ = signal::set_mask(SigSet::ALL.without(libc::SIGTSTP));
    let _ = signal::set_mask(SigSet::ALL);
    signal::read_signal(&continued).is_ok()
}
