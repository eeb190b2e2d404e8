//! The terminal: who is in its foreground while the command runs, and that it is as before afterwards.

use core::cell::Cell;

use sandlock_sys::signal::{self, SigSet};
use sandlock_sys::tty::{self, Termios};
use sandlock_sys::{BorrowedFd, Errno, process};

/// How the command stands to the caller's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Input and output are the terminal's, and we are in its foreground: the command becomes its foreground group.
    Foreground,
    /// Some of the standard descriptors are, as in a pipeline, whose other members need the terminal too, or a shell started us in the
    /// background, and will bring our group to the foreground: the command stays in it.
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
    /// Whether the command has it from us. A shell that let the job go on in the background has it instead, and must not lose it again.
    lent: Cell<bool>,
}

impl Terminal {
    /// Looks at the standard descriptors.
    pub(crate) fn find() -> Self {
        let group = process::process_group().unwrap_or(0);
        let [input, output, errors] =
            [BorrowedFd::STDIN, BorrowedFd::STDOUT, BorrowedFd::STDERR].map(|fd| tty::foreground(fd).ok());
        let mode = if input == Some(group) && output == Some(group) {
            Mode::Foreground
        } else if [input, output, errors].iter().any(Option::is_some) {
            Mode::Shared
        } else {
            Mode::None
        };
        let is_ours = mode == Mode::Foreground;
        let settings = if is_ours { tty::settings(BorrowedFd::STDIN).ok() } else { None };
        Self { mode, settings, group, lent: Cell::new(is_ours) }
    }

    /// Takes the terminal back, with the settings it had. (Every signal is blocked, SIGTTOU too, so the kernel lets us.)
    pub(crate) fn take_back(&self) {
        if self.lent.replace(false) {
            let _ = tty::set_foreground(BorrowedFd::STDIN, self.group);
            if let Some(settings) = &self.settings {
                let _ = tty::set_settings(BorrowedFd::STDIN, settings);
            }
        }
    }

    /// The command was stopped, by Ctrl-Z or because it wants the terminal: stop too, so that the shell has its prompt; when it lets us
    /// go on, let the command go on. If we must not stop, the command does not either.
    pub(crate) fn stop_with(&self, command: i32, stop: i32, may_stop: bool) {
        let wants_it = stop == libc::SIGTTIN || stop == libc::SIGTTOU;
        if wants_it && self.is_in_front() {
            // The shell has brought us to the foreground in the meantime.
            self.lend(command, None);
        } else if may_stop {
            let theirs = self.lent.get().then(|| tty::settings(BorrowedFd::STDIN).ok()).flatten();
            self.take_back();
            if !stop_here() && wants_it {
                // There is no shell that could let us go on. Who wants the terminal will not get it: the kernel's word for that is SIGHUP.
                self.signal(command, libc::SIGHUP);
            }
            if self.is_in_front() {
                self.lend(command, theirs.as_ref());
            }
        } else if wants_it {
            // Its turn comes when we are brought to the foreground.
            return;
        }
        self.signal(command, libc::SIGCONT);
    }

    fn is_in_front(&self) -> bool {
        self.mode == Mode::Foreground && tty::foreground(BorrowedFd::STDIN) == Ok(self.group)
    }

    fn lend(&self, command: i32, settings: Option<&Termios>) {
        self.lent.set(tty::set_foreground(BorrowedFd::STDIN, command).is_ok());
        if let Some(settings) = settings {
            let _ = tty::set_settings(BorrowedFd::STDIN, settings);
        }
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
