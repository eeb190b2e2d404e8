//! The terminal: whether a group of the command's is in its foreground, and that it is as before afterwards.
//!
//! The command has the caller's own terminal and not the end of a second one that is copied to and fro: in a
//! pipeline nothing could decide which member gets the input, a shell's job control would end at the
//! copy, and a library would have to read the caller's input. Instead the few requests that change a terminal
//! are performed on behalf (`sandlock_notify::handlers::terminal`), while it is lent.

use core::cell::Cell;

use sandlock_notify::Terminals;
use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::signal::{self, SigSet};
use sandlock_sys::tty::{self, Termios};
use sandlock_sys::{BorrowedFd, Errno, Pid, Signal, process};

/// How the command stands to the caller's terminal. It has a process group of its own in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Input and output are the terminal's, and we are in its foreground: the command's group takes our
    /// place.
    Foreground,
    /// Some of the standard descriptors are, as in a pipeline, whose other members need the terminal too, or
    /// a shell started us in the background, and will bring our group to the foreground: the terminal is lent
    /// when the command stops for it.
    Shared,
    /// The controlling terminal is on no standard descriptor: the command gets a session of its own, without
    /// any.
    Elsewhere,
    /// There is none.
    None,
}

/// The terminal as it was found.
#[derive(Debug)]
pub(crate) struct Terminal<'f> {
    pub(crate) mode: Mode,
    /// What others need to know of it.
    pub(crate) shared: Terminals,
    /// The descriptor it is found on.
    fd: BorrowedFd<'f>,
    /// What it gets back.
    settings: Cell<Option<Termios>>,
    /// Our process group.
    group: Pid,
}

impl<'f> Terminal<'f> {
    /// Looks at the standard descriptors of the command.
    pub(crate) fn find(all: [BorrowedFd<'f>; 3]) -> Self {
        let group = process::process_group(Pid::SELF).unwrap_or_default();
        let [input, output, _] = all.map(|fd| tty::foreground(fd) == Ok(group));
        let controlling = all.into_iter().find(|fd| tty::foreground(*fd).is_ok());
        let mode = match controlling {
            Some(_) if input && output => Mode::Foreground,
            Some(_) => Mode::Shared,
            // Not always a session of its own, for one takes as long as a twentieth of the start.
            None if fs::open(c"/dev/tty", OFlags::RDWR | OFlags::NOCTTY) == Err(Errno::ENXIO) => Mode::None,
            None => Mode::Elsewhere,
        };
        let fd = controlling.or_else(|| all.into_iter().find(|fd| tty::device(*fd).is_ok()));
        let shared = Terminals::new(controlling.and_then(|fd| tty::device(fd).ok()));
        shared.set_lent(mode == Mode::Foreground);
        // One that is not controlling is open to every change.
        let settings = fd.filter(|_| mode != Mode::Shared).and_then(|fd| tty::settings(fd).ok());
        let fd = fd.unwrap_or(BorrowedFd::STDIN);
        Self { mode, shared, fd, settings: Cell::new(settings), group }
    }

    /// Takes the terminal back, as it was. (Every signal is blocked, SIGTTOU too, so the kernel lets us.)
    pub(crate) fn take_back(&self) {
        let is_lent = self.shared.is_lent(self.fd);
        self.shared.set_lent(false);
        if is_lent {
            let _ = tty::set_foreground(self.fd, self.group);
        }
        if let Some(settings) = self.settings.take()
            && (is_lent || !self.is_controlling())
        {
            let _ = tty::resume_output(self.fd);
            let _ = tty::set_settings(self.fd, &settings);
        }
    }

    /// The command was stopped, by Ctrl-Z or because it wants the terminal: stop too, so that the shell has
    /// its prompt; when it lets us go on, let the command go on. If we must not stop, the command does not
    /// either.
    pub(crate) fn stop_with(&self, command: Pid, stop: Signal, may_stop: bool) {
        let wants_it = stop == Signal::TTIN || stop == Signal::TTOU;
        if wants_it && self.is_in_front() {
            // We have had it all along, or the shell has brought us to the foreground in the meantime.
            self.lend(command, None);
        } else if may_stop {
            let theirs = self.shared.is_lent(self.fd).then(|| tty::settings(self.fd).ok()).flatten();
            self.take_back();
            if !stop_here() && wants_it {
                // There is no shell that could let us go on. Who wants the terminal will not get it: the
                // kernel's word for that is SIGHUP.
                self.signal(command, Signal::HUP);
            }
            if self.is_in_front() && (self.mode == Mode::Foreground || theirs.is_some()) {
                self.lend(command, theirs.as_ref());
            }
        } else if wants_it {
            // Its turn comes when we are brought to the foreground.
            return;
        }
        self.signal(command, Signal::CONT);
    }

    /// Whether the controlling terminal is on a standard descriptor.
    pub(crate) fn is_controlling(&self) -> bool {
        matches!(self.mode, Mode::Foreground | Mode::Shared)
    }

    fn is_in_front(&self) -> bool {
        self.is_controlling() && tty::foreground(self.fd) == Ok(self.group)
    }

    fn lend(&self, command: Pid, settings: Option<&Termios>) {
        self.settings.set(tty::settings(self.fd).ok());
        self.shared.set_lent(tty::set_foreground(self.fd, command).is_ok());
        if let Some(settings) = settings {
            let _ = tty::set_settings(self.fd, settings);
        }
    }

    /// Passes a signal on: to the command's group, or to the command alone where it has left that.
    pub(crate) fn signal(&self, command: Pid, signal: Signal) {
        if signal::kill_group(command, signal) == Err(Errno::ESRCH) {
            let _ = signal::kill(command, signal);
        }
    }
}

/// Stops this process as Ctrl-Z would, which the kernel refuses where nothing is left that could continue it.
/// Whether it was stopped: then the SIGCONT that ended the stop is pending.
fn stop_here() -> bool {
    let Ok(continued) = signal::signalfd(SigSet::EMPTY.with(Signal::CONT)) else { return false };
    while signal::read_signal(&continued).is_ok() {}
    let _ = signal::kill(process::getpid(), Signal::TSTP);
    // The stop happens here, when the signal is let in.
    let _ = signal::set_mask(SigSet::ALL.without(Signal::TSTP));
    let _ = signal::set_mask(SigSet::ALL);
    signal::read_signal(&continued).is_ok()
}
