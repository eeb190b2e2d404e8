//! From a policy to the end of its command: plan, launch, supervise.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

use crate::error::{Error, Step};
use crate::launch::{self, Running, Terminal};
use crate::outcome::{Ended, Outcome};
use crate::plan::{Plan, PrivateTmp};
use crate::policy::Policy;
use crate::supervise::{Observer, supervise};
use sandlock_sys::{BorrowedFd, Pid, prctl, process::PidFd};

/// The result of a supervisor's thread; its panic goes on here.
pub(crate) fn joined(ended: std::thread::Result<Result<Ended, Error>>) -> Result<Ended, Error> {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Policy {
    /// Runs `command` to its end, on a thread of its own that is confined with it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn run<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Result<Outcome, Error> {
        self.plan(command)?.run()
    }
}

impl Plan {
    /// Runs the command to its end, on a thread of its own that is confined with it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn run(&self) -> Result<Outcome, Error> {
        let (send, started) = std::sync::mpsc::channel();
        let ended = std::thread::scope(|scope| {
            // Moved, so that waiting for the start ends with the thread.
            let supervisor = scope.spawn(move || self.supervised(&send, [None, None, None]));
            if let Ok((command, pidfd)) = started.recv() {
                launch::raise_of(command, &pidfd);
            }
            supervisor.join()
        });
        joined(ended).map(|ended| ended.outcome)
    }

    /// Starts the command, with these instead of the caller's standard descriptors, reports its process ID,
    /// and supervises it to its end. The calling thread is confined for good.
    pub(crate) fn supervised(
        &self,
        started: &Sender<(Pid, PidFd)>,
        stdio: [Option<OwnedFd>; 3],
    ) -> Result<Ended, Error> {
        // The terminals among them stay open, to be put right at the end.
        let terminals = stdio.each_ref().map(|file| file.as_ref().filter(|file| file.is_terminal()));
        let terminals = terminals.map(|file| file.and_then(|file| file.try_clone().ok()));
        let mut found = launch::lent(&terminals);
        for (found, given) in found.iter_mut().zip(&stdio) {
            *found = found.or(given.as_ref().map(|_| BorrowedFd::NONE));
        }
        let terminal = Terminal::find(launch::standard(found));
        let running = launch::launch(&self.start, terminal.mode, false, launch::lent(&stdio));
        // A reader of the command's pipes waits for their last writer.
        drop(stdio);
        let running = running.map(|(running, pidfd)| {
            let _ = started.send((running.command, pidfd));
            running
        });
        self.to_the_end(running.as_ref(), &terminal, &mut None, None)
    }

    /// The same once, on the calling thread, which is confined for good: it loses its capabilities and its
    /// right to ports, abstract sockets and signals outside, its signals stay blocked, and descriptors above
    /// 2 are closed. For a program that does nothing else.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn run_here(self) -> Result<Ended, Error> {
        self.run_observed(None)
    }

    /// The same with an observer, for a plan of a policy that [asks for one](Policy::observe).
    ///
    /// # Errors
    ///
    /// As [`run_here`](Self::run_here).
    pub fn run_observed(mut self, observer: Option<&mut dyn Observer>) -> Result<Ended, Error> {
        let terminal = Terminal::find(launch::standard([None; 3]));
        let mut tmp = self.tmp.take();
        let running = launch::launch(&self.start, terminal.mode, true, [None; 3]);
        (self.start.rulesets, self.start.cwd) = (None, None);
        let running = running.and_then(|(running, _)| {
            let mut kept: Vec<_> = observer.iter().filter_map(|observer| observer.file()).collect();
            kept.extend(tmp.iter().flat_map(|tmp| [tmp.fd(), tmp.parent()]));
            launch::keep_only(&running, &self.watch, kept)
                .map_err(|errno| Error::Step(Step::Close, errno))?;
            // Not before: the launch writes to a file of this process in /proc, which is root's from here on.
            prctl::set_undumpable().map_err(|errno| Error::Step(Step::Undumpable, errno))?;
            Ok(running)
        });
        self.to_the_end(running.as_ref(), &terminal, &mut tmp, observer)
    }

    /// Supervises a launched command to its end. The directory in `tmp` goes with the last process of the
    /// sandbox.
    fn to_the_end(
        &self,
        running: Result<&Running, &Error>,
        terminal: &Terminal<'_>,
        tmp: &mut Option<PrivateTmp>,
        observer: Option<&mut dyn Observer>,
    ) -> Result<Ended, Error> {
        let running = running.map_err(Error::clone);
        let end = running.and_then(|running| supervise(&self.watch, running, terminal, tmp, observer));
        // No process is left that could use it, and the guardian takes its time to end.
        let directory =
            tmp.as_mut().filter(|_| end.is_ok()).and_then(|tmp| (!tmp.remove()).then(|| tmp.path().into()));
        terminal.take_back();
        end.map(|end| Ended { outcome: end.outcome, processes: end.left, directory })
    }
}
