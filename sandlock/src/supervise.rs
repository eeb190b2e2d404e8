//! The supervisor: one thread, one ppoll over the listener, the guardian, signals, emulated sockets and kept calls.

use core::time::Duration;
use std::time::Instant;

use sandlock_notify::handlers::connect::{Connect, Judge};
use sandlock_notify::handlers::interfaces::Interfaces;
use sandlock_notify::handlers::listen::Listen;
use sandlock_notify::handlers::memfd::Memfd;
use sandlock_notify::handlers::metadata::Metadata;
use sandlock_notify::handlers::netlink::{Netlink, SOCKETS};
use sandlock_notify::handlers::own::Own;
use sandlock_notify::{Kept, Known, Notification, Verdict, dispatch, recv};
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::process::Change;
use sandlock_sys::seccomp::ListenerFd;
use sandlock_sys::signal::{self, SigSet, SignalFd};
use sandlock_sys::{AsFd, Errno, net};

use crate::channel::Message;
use crate::error::{Error, Step};
use crate::guardian;
use crate::launch::{self, Running};
use crate::plan::Plan;
use crate::routes::State;
use crate::terminal::{Mode, Terminal};
use crate::tmp::PrivateTmp;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(i32),
    /// It took too long.
    TimedOut,
}

impl Outcome {
    /// As env(1), timeout(1) and shells say it: the status, 128 + the signal, 124.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
            Self::Killed(signal) => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
            Self::TimedOut => 124,
        }
    }
}

/// What is passed on to the command.
const PASSED_ON: [i32; 8] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGTSTP,
    libc::SIGCONT,
];
/// The stops that a terminal causes.
const JOB_STOPS: [i32; 4] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU, libc::SIGSTOP];
/// How many calls can wait for something at once.
const KEPT: usize = 64;
/// How often a kept call is asked about when nothing tells that it can go on.
const TICK: Duration = Duration::from_millis(20);

impl Plan {
    /// Runs the command to its end, on a thread of its own that is confined with it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn run(&self) -> Result<Outcome, Error> {
        let run = || {
            let terminal = Terminal::find();
            let running = launch::launch(self, terminal.mode);
            self.to_the_end(running.as_ref(), &terminal, &mut None)
        };
        match std::thread::scope(|scope| scope.spawn(run).join()) {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// The same once, on the calling thread, which is confined for good: it loses its capabilities and its right to ports, abstract
    /// sockets and signals outside, and its signals stay blocked. For a program that does nothing else.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn run_here(mut self) -> Result<Outcome, Error> {
        let terminal = Terminal::find();
        let mut tmp = self.tmp.take();
        let running = launch::launch(&self, terminal.mode);
        (self.ruleset, self.own, self.cage) = (None, None, None);
        self.to_the_end(running.as_ref(), &terminal, &mut tmp)
    }

    /// What is in `tmp` goes with the last process of the sandbox.
    fn to_the_end(
        &self,
        running: Result<&Running, &Error>,
        terminal: &Terminal,
        tmp: &mut Option<PrivateTmp>,
    ) -> Result<Outcome, Error> {
        let outcome =
            running.map_err(Error::clone).and_then(|running| supervise(self, running, terminal, tmp));
        if outcome.is_ok() {
            // Nobody is left who could use it, and the guardian takes its time to end.
            drop(tmp.take());
        }
        terminal.take_back();
        outcome
    }
}

fn supervise(
    plan: &Plan,
    running: &Running,
    terminal: &Terminal,
    tmp: &mut Option<PrivateTmp>,
) -> Result<Outcome, Error> {
    let trees: Vec<&[u8]> = plan.trees.iter().map(Vec::as_slice).collect();
    let judge = if plan.facts.sees_unix {
        Judge::Landlock
    } else {
        Judge::Rules { ports: plan.connect.as_ports(), sockets: &trees, scoped: running.confined.is_some() }
    };
    // Large, so it is made where it stays, and on a stack that others have used before: each new page takes a microsecond.
    let mut state = State {
        netlink: Netlink::new(),
        interfaces: Interfaces,
        connect: Connect::new(judge),
        listen: Listen { ports: plan.bind.as_ports() },
        own: Own { guardian: running.guardian },
        memfd: Memfd,
        metadata: Metadata { trees: &trees },
    };
    let set = PASSED_ON.iter().fold(SigSet::EMPTY, |set, signal| set.with(*signal));
    let signals = signal::signalfd(set).map_err(|errno| Error::Step(Step::Prepare, errno))?;
    let deadline = plan.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut supervisor = Supervisor {
        running,
        known: &Known::default(),
        terminal,
        signals,
        state: &mut state,
        kept: Kept::new(),
        deadline,
        timed_out: false,
        has_targets: true,
        tmp,
        next_tick: None,
    };
    loop {
        if let Some(outcome) = supervisor.turn()? {
            return Ok(outcome);
        }
    }
}

/// The loop's state.
struct Supervisor<'r, 's, 'p> {
    running: &'r Running,
    known: &'r Known,
    terminal: &'r Terminal,
    signals: SignalFd,
    state: &'s mut State<'p>,
    kept: Kept<'r, KEPT>,
    deadline: Option<Instant>,
    timed_out: bool,
    /// Whether anybody can still notify: a listener that nobody can is ready for ever.
    has_targets: bool,
    tmp: &'s mut Option<PrivateTmp>,
    next_tick: Option<Instant>,
}

/// What a row of the poll was about.
#[derive(Clone, Copy)]
enum About {
    Listener,
    Guardian,
    Signals,
    Socket(usize),
    Kept(usize),
}

const ROWS: usize = 3 + SOCKETS + KEPT;

impl<'r> Supervisor<'r, '_, '_> {
    /// Waits once, and answers whatever is there. `Some` when the command has ended and nobody is left.
    fn turn(&mut self) -> Result<Option<Outcome>, Error> {
        let mut rows = [PollFd::NONE; ROWS];
        let mut about = [About::Listener; ROWS];
        let len = self.fill(&mut rows, &mut about);
        let (Some(rows), Some(about)) = (rows.get_mut(..len), about.get(..len)) else {
            return Err(Error::Step(Step::Prepare, Errno::EINVAL));
        };
        match ppoll(rows, self.patience()) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Step(Step::Prepare, errno)),
        }
        for (row, about) in rows.iter().zip(about) {
            if row.found().is_empty() {
                continue;
            }
            match *about {
                About::Listener => self.receive(row.found()),
                About::Guardian => {
                    if let Some(outcome) = self.listen_to_guardian()? {
                        return Ok(Some(outcome));
                    }
                }
                About::Signals => self.pass_signals_on(),
                About::Socket(index) => self.state.netlink.serve(index),
                About::Kept(index) => self.ask_again(index),
            }
        }
        self.watch_the_clock();
        Ok(None)
    }

    /// Only rows that can find something, for the kernel looks at each.
    fn fill(&self, rows: &mut [PollFd; ROWS], about: &mut [About; ROWS]) -> usize {
        let listener: &ListenerFd = &self.running.listener;
        let first = [
            (About::Listener, if self.has_targets { Some(listener.as_fd()) } else { None }),
            (About::Guardian, Some(self.running.channel.as_fd())),
            (About::Signals, Some(self.signals.as_fd())),
        ];
        let first = first.into_iter().filter_map(|(about, fd)| Some((about, PollFd::new(fd?, Events::IN))));
        let sockets = self.state.netlink.rows().enumerate();
        let sockets = sockets.map(|(index, row)| (About::Socket(index), row));
        let kept = self.kept.rows().enumerate().map(|(index, row)| (About::Kept(index), row));
        let mut len = 0usize;
        let slots = rows.iter_mut().zip(about);
        for ((row, about), (what, wanted)) in
            slots.zip(first.chain(sockets).chain(kept).filter(|(_, row)| row.is_some()))
        {
            (*row, *about) = (wanted, what);
            len = len.saturating_add(1);
        }
        len
    }

    fn patience(&self) -> Option<Duration> {
        let until =
            [self.deadline.filter(|_| !self.timed_out), self.next_tick].into_iter().flatten().min()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    fn receive(&mut self, found: Events) {
        if found.contains(Events::IN) {
            if let Ok(Some(notification)) = recv(&self.running.listener, self.known) {
                self.answer(notification);
            }
        } else {
            self.has_targets = false;
            // Nobody in the sandbox makes another system call. The kernel takes the last of them down meanwhile.
            *self.tmp = None;
        }
    }

    fn answer(&mut self, notification: Notification<'r>) {
        let verdict = dispatch(&State::ROUTES, self.state, &notification.call());
        match verdict {
            Verdict::Reply(response) => notification.reply(response),
            Verdict::Keep(row) => {
                self.next_tick = self.next_tick.or_else(|| Instant::now().checked_add(TICK));
                self.kept.keep(notification, row);
            }
            // dispatch never passes; unanswered is ENOSYS.
            Verdict::Pass => drop(notification),
        }
    }

    fn ask_again(&mut self, index: usize) {
        let Some(notification) = self.kept.take(index) else { return };
        if notification.is_waiting() {
            self.answer(notification);
        } else {
            let id = notification.call().id();
            drop(notification);
            self.state.forget(id);
        }
    }

    fn listen_to_guardian(&mut self) -> Result<Option<Outcome>, Error> {
        loop {
            match Message::recv(self.running.channel.as_fd()) {
                Ok(Message::Ended(_)) if self.timed_out => return Ok(Some(Outcome::TimedOut)),
                Ok(Message::Ended(Change::Exited(status))) => return Ok(Some(Outcome::Exited(status))),
                Ok(Message::Ended(Change::Killed(signal))) => return Ok(Some(Outcome::Killed(signal))),
                Ok(Message::Changed(Change::Stopped(signal))) => self.stopped(signal),
                Ok(_) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                // The guardian is gone, which only somebody outside can have done.
                Err(_) => {
                    guardian::kill_everybody(self.running.confined.as_ref());
                    return Err(Error::Guardian);
                }
            }
        }
    }

    /// A command that stops is the business of the shell we were started from. Not so where there is none. Where time is limited a command
    /// could stop us, and with us the clock.
    fn stopped(&self, signal: i32) {
        if self.terminal.mode != Mode::None && JOB_STOPS.contains(&signal) {
            self.terminal.stop_with(self.running.command, signal, self.deadline.is_none());
        }
    }

    fn pass_signals_on(&self) {
        while let Ok(info) = signal::read_signal(&self.signals) {
            let signal = i32::try_from(info.signo).unwrap_or(0);
            // What the terminal sends goes to its whole foreground group, and there the command has its own.
            let has_its_own = self.terminal.mode == Mode::Shared && info.code > 0;
            if !has_its_own {
                self.terminal.signal(self.running.command, signal);
                // One that is stopped would not hear it.
                if signal != libc::SIGTSTP {
                    self.terminal.signal(self.running.command, libc::SIGCONT);
                }
            }
        }
    }

    fn watch_the_clock(&mut self) {
        let now = || Instant::now();
        if self.next_tick.is_some_and(|tick| tick <= now()) {
            self.next_tick = None;
            for index in 0..KEPT {
                self.ask_again(index);
            }
        }
        if !self.timed_out && self.deadline.is_some_and(|deadline| deadline <= now()) {
            self.timed_out = true;
            let _ = net::send(self.running.channel.as_fd(), b"end", libc::MSG_DONTWAIT);
        }
    }
}

impl Drop for Supervisor<'_, '_, '_> {
    /// Targets that wait are answered before the guardian waits for them.
    fn drop(&mut self) {
        self.kept = Kept::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_env_ones() {
        for (outcome, want) in [
            (Outcome::Exited(0), 0),
            (Outcome::Exited(3), 3),
            (Outcome::Exited(255), 255),
            (Outcome::Killed(9), 137),
            (Outcome::TimedOut, 124),
        ] {
            assert_eq!(outcome.status(), want);
        }
    }
}
