//! The supervisor: one loop over the listener, the guardian, signals, and the descriptors of handlers and
//! deferred calls.
//!
//! Nothing in the loop sleeps but its ppoll: a call that can sleep is a worker's.

mod handlers;
mod workers;

use core::time::Duration;

use sandlock_notify::egress::Egress;
use sandlock_notify::handlers::{
    connect::Connect, connect::Judge, interfaces::Interfaces, listen::Listen, memfd::Memfd,
    metadata::Metadata, netlink, netlink::Netlink, netlink::Resolver, posix_shm::PosixShm,
    process_ids::ProcessIds, system_v::SystemV, terminal::Terminal as Jobs,
};
use sandlock_notify::{
    Again, Call, Closer, Context, ContinueReason, DeferredCalls, Desk, MAX_DEFERRED, Notification,
    PidfdCache, Response, Until, Verdict, Wait, Waiting, Workers as _, dispatch, recv,
};
use sandlock_sys::mm::FixedVec;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::seccomp::FilterFlags;
use sandlock_sys::signal::{self, SigSet, SignalFd};
use sandlock_sys::{AsFd, BorrowedFd, Errno, Signal, prctl, seccomp, time};

use crate::error::{Error, Step};
use crate::launch::{self, Bell, End, Message, Running, Terminal};
use crate::plan::{PrivateTmp, Watch};
use crate::table::{self, Features, Handler, Then};
use handlers::Handlers;
use workers::{Pool, WORKERS};

/// The signals that are passed on to the command.
const PASSED_ON: [Signal; 9] = [
    Signal::INT,
    Signal::TERM,
    Signal::HUP,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::TSTP,
    Signal::CONT,
    Signal::WINCH,
];
/// The stops that a terminal causes.
const JOB_STOPS: [Signal; 4] = [Signal::TSTP, Signal::TTIN, Signal::TTOU, Signal::STOP];
/// How often deferred calls are looked after.
const TICK: Duration = Duration::from_millis(20);
/// The most rows of one poll: the loop's own, the workers', the handlers', and the deferred calls'.
const MAX_ROWS: usize = 5 + WORKERS + netlink::ROWS + MAX_DEFERRED;

/// Sees the calls that the supervisor answers. It decides nothing.
///
/// It runs in the supervisor's loop: it must not sleep, and it is behind the supervisor's own filter.
pub trait Observer {
    /// A call and its verdict, before the answer is sent.
    fn call(&mut self, call: &Call<'_>, verdict: &Verdict);

    /// A descriptor of the observer's, which stays open.
    fn file(&self) -> Option<BorrowedFd<'_>>;
}

/// Answers the calls of a running sandbox until it has ended. `tmp` goes as soon as nothing of the sandbox
/// makes a call any more.
pub(crate) fn supervise(
    watch: &Watch,
    running: &Running,
    terminal: &Terminal<'_>,
    tmp: &mut Option<PrivateTmp>,
    observer: Option<&mut dyn Observer>,
) -> Result<End, Error> {
    let at = |step: Step| move |errno| Error::Step(step, errno);
    let writable: Vec<&[u8]> = watch.writable.iter().map(Vec::as_slice).collect();
    let rules = watch.rules();
    let egress = Egress::new(&rules);
    let judge = if watch.features.contains(Features::UNIX_SEEN) {
        Judge::Landlock
    } else {
        Judge::Rules { egress: &egress, scoped: running.confined.is_some() }
    };
    // Large, so it is made where it stays, and on a stack that others have used before: each new page takes a
    // microsecond.
    let mut handlers = Handlers {
        netlink: Netlink::new(Resolver::new(&watch.servers, &egress)),
        interfaces: Interfaces { mutes: !watch.features.contains(Features::UNIX_SEEN) },
        connect: Connect::new(judge),
        listen: Listen { ports: watch.bind.as_ports() },
        process_ids: ProcessIds { guardian: running.guardian },
        terminal: Jobs { guardian: running.guardian, terminals: &terminal.shared },
        memfd: Memfd,
        metadata: Metadata,
        posix_shm: PosixShm,
        system_v: SystemV { objects: &running.objects },
    };
    // Target and supervisor take turns on one processor then, which is dear where most calls are only seen:
    // two jobs of make end up on that one.
    let is_seen = watch.features.contains(Features::OBSERVED);
    let _ = is_seen || seccomp::sync_wake_up(&running.listener).is_ok();
    let signals = PASSED_ON.iter().fold(SigSet::EMPTY, |set, signal| set.with(*signal));
    let closer = Closer::new(running.has_socket);
    let bell = Bell::new().map_err(at(Step::Bell))?;
    let context = Context {
        listener: &running.listener,
        writable: &writable,
        terminals: &terminal.shared,
        objects: &running.objects,
        private: watch.private.as_ref().map(AsFd::as_fd),
    };
    let workers = Pool::new(context, &bell);
    let mut supervisor = Supervisor {
        watch,
        running,
        cache: PidfdCache::default(),
        closer: &closer,
        terminal,
        signals: signal::signalfd(signals).map_err(at(Step::SignalFd))?,
        handlers: &mut handlers,
        deferred: DeferredCalls::default(),
        workers: &workers,
        bell: &bell,
        has_targets: true,
        is_filtered: false,
        tmp,
        observer,
        next_tick: None,
        rows: FixedVec::new(MAX_ROWS),
        sources: FixedVec::new(MAX_ROWS),
    };
    loop {
        if let Some(end) = supervisor.turn()? {
            return Ok(end);
        }
    }
}

/// The loop's state.
struct Supervisor<'r, 's, 'p, 'o> {
    watch: &'r Watch,
    running: &'r Running,
    cache: PidfdCache,
    closer: &'s Closer,
    terminal: &'r Terminal<'r>,
    signals: SignalFd,
    handlers: &'s mut Handlers<'p>,
    deferred: DeferredCalls<'r>,
    workers: &'s Pool<'r>,
    bell: &'s Bell,
    /// Whether a process can still notify: a listener without one is ready for ever.
    has_targets: bool,
    /// Whether this thread is behind its own filter.
    is_filtered: bool,
    tmp: &'s mut Option<PrivateTmp>,
    observer: Option<&'o mut dyn Observer>,
    next_tick: Option<Duration>,
    rows: FixedVec<PollFd>,
    sources: FixedVec<Source>,
}

/// Whose row of the poll it is.
#[derive(Clone, Copy)]
enum Source {
    Listener,
    Guardian,
    Signals,
    Workers,
    BusyWorker,
    Handler(Handler, usize),
    Deferred(usize),
    Parent,
}

impl<'r> Supervisor<'r, '_, '_, '_> {
    /// Waits once, and answers whatever is there. `Some` when the command has ended and its sandbox is empty.
    fn turn(&mut self) -> Result<Option<End>, Error> {
        // With a row that is missing, something would be waited for in vain.
        if !self.fill() {
            return Err(Error::Step(Step::Stacks, Errno::ENOMEM));
        }
        let deadlines = Handler::ALL.iter().filter_map(|handler| self.handlers.pick(*handler).deadline());
        let wake = deadlines.chain(self.next_tick).min();
        let timeout = wake.map(|wake| wake.saturating_sub(time::monotonic()));
        match ppoll(&mut self.rows, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Step(Step::Poll, errno)),
        }
        // The last first: a deferred call that is taken out leaves its place to the last one.
        for index in (0..self.rows.len()).rev() {
            let (Some(row), Some(source)) = (self.rows.get(index).copied(), self.sources.get(index).copied())
            else {
                continue;
            };
            if row.found().is_empty() {
                continue;
            }
            match source {
                Source::Listener => self.receive(row.found())?,
                Source::Guardian => {
                    if let Some(end) = self.listen_to_guardian()? {
                        return Ok(Some(end));
                    }
                }
                Source::Signals => self.pass_signals_on(),
                Source::Parent => return Err(Error::Orphaned),
                Source::Workers => self.listen_to_workers(),
                // It has ended, and answers no more.
                Source::BusyWorker => return Err(Error::Guardian),
                Source::Handler(handler, index) => self.handlers.pick(handler).ready(index),
                Source::Deferred(index) => {
                    if let Some(again) = self.deferred.take(index, self.closer) {
                        self.ask_again(again, true);
                    }
                }
            }
        }
        self.tick();
        self.close_what_is_left();
        Ok(None)
    }

    /// Fills the rows of the poll, with those only that can find something, for the kernel looks at each.
    /// Returns false without memory for all of them.
    fn fill(&mut self) -> bool {
        self.rows.clear();
        self.sources.clear();
        let (rows, sources) = (&mut self.rows, &mut self.sources);
        let mut is_whole = true;
        let mut add = |source, row: PollFd| {
            if row.is_some() {
                is_whole &= rows.push(row).is_ok() && sources.push(source).is_ok();
            }
        };
        if self.has_targets && self.deferred.has_room() && self.closer.has_room() {
            add(Source::Listener, PollFd::new(self.running.listener.as_fd(), Events::IN));
        }
        add(Source::Guardian, PollFd::new(self.running.channel.as_fd(), Events::IN));
        add(Source::Signals, PollFd::new(self.signals.as_fd(), Events::IN));
        if let Some(parent) = &self.watch.parent {
            add(Source::Parent, PollFd::new(parent.as_fd(), Events::IN));
        }
        add(Source::Workers, self.bell.row());
        self.workers.busy().for_each(|row| add(Source::BusyWorker, row));
        for handler in Handler::ALL {
            let mut index = 0usize;
            self.handlers.pick(handler).descriptors(&mut |row| {
                add(Source::Handler(handler, index), row);
                index = index.wrapping_add(1);
            });
        }
        for (index, row) in self.deferred.rows().enumerate() {
            add(Source::Deferred(index), row);
        }
        is_whole
    }

    /// Puts this thread behind its own filter. Not before there is a call to judge, and so a byte of the
    /// sandbox's: of a command that makes none the filter would be a tenth of the start.
    fn filter_itself(&mut self) -> Result<(), Error> {
        let at = |step: Step| move |errno| Error::Step(step, errno);
        let program = table::compile_own(table::SUPERVISOR, true).map_err(Error::Filter)?;
        let privs = prctl::set_no_new_privs().map_err(at(Step::Privileges))?;
        seccomp::set_mode_filter(&program, FilterFlags::empty(), &privs).map_err(at(Step::OwnFilter))?;
        self.is_filtered = true;
        #[cfg(test)]
        launch::tests::in_supervisor();
        Ok(())
    }

    fn receive(&mut self, found: Events) -> Result<(), Error> {
        if found.contains(Events::IN) {
            if !self.is_filtered {
                self.filter_itself()?;
            }
            if let Ok(Some(notification)) = recv(&self.running.listener) {
                self.answer(notification, None, false);
            }
        } else {
            self.has_targets = false;
            // No process of the sandbox makes another system call. The kernel takes the last of them down
            // meanwhile.
            if let Some(tmp) = self.tmp {
                tmp.remove();
            }
        }
        Ok(())
    }

    /// Answers a call, or lets it wait. `since`: it was made at this time, and waits already.
    fn answer(&mut self, notification: Notification<'r>, since: Option<Duration>, rests: bool) {
        let workers = self.workers;
        let mut desk = Desk::new(workers);
        let target = Waiting { notification: &notification, cache: &self.cache, closer: self.closer };
        let call = Call::new(notification.data(), &target);
        let mut features = self.watch.features;
        features.set(Features::COMPAT, call.is_compat());
        let is_seen = features.contains(Features::OBSERVED);
        let registers = core::array::from_fn(|index| call.register(index));
        let decide = |name| is_seen.then(|| table::decide(name, &registers, features));
        let verdict = match call.name().map(|name| (name, decide(name))) {
            Some((_, Some(Then::Refuse(errno)))) => Verdict::Reply(Response::Errno(errno)),
            Some((_, Some(Then::Observe))) => Verdict::Reply(Response::Continue(ContinueReason::Observed)),
            Some((name, _)) => {
                dispatch(table::handlers(name), self.handlers, Handlers::pick, &call, &mut desk)
            }
            None => Verdict::Reply(Response::Errno(Errno::ENOSYS)),
        };
        if let Some(observer) = &mut self.observer {
            observer.call(&call, &verdict);
        }
        match (verdict, desk.into_turn()) {
            (Verdict::Work, Some(mut turn)) => {
                turn.assign(notification, since);
                turn.submit();
            }
            (Verdict::Reply(response), turn) => {
                notification.reply(response);
                // There is a file on the desk that only a worker may close.
                if let Some(turn) = turn {
                    turn.submit();
                }
            }
            (Verdict::Defer(wait), _) => self.defer(notification, wait, since, rests),
            // dispatch never passes. A notification that is dropped answers ENOSYS.
            (Verdict::Pass | Verdict::Work, _) => drop(notification),
        }
    }

    fn defer(&mut self, notification: Notification<'r>, wait: Wait, since: Option<Duration>, rests: bool) {
        let now = time::monotonic();
        if matches!(wait.until, Until::Worker) {
            self.workers.want();
        }
        self.next_tick = self.next_tick.or(now.checked_add(TICK));
        self.deferred.push(notification, wait, since.unwrap_or(now), rests);
    }

    fn ask_again(&mut self, (notification, since): Again<'r>, rests: bool) {
        if notification.is_waiting() {
            self.answer(notification, Some(since), rests);
        } else {
            let _ = notification.into_notif();
        }
    }

    /// Takes back what workers have deferred, and asks about calls that wait for a worker.
    fn listen_to_workers(&mut self) {
        self.workers.heard();
        while let Some(mut turn) = self.workers.deferred() {
            let deferred = turn.take_deferred();
            drop(turn);
            if let Some((notification, wait, since)) = deferred {
                self.defer(notification, wait, since, false);
            }
        }
        while self.workers.is_one_idle() {
            let Some(again) = self.deferred.take_for_worker(self.closer) else { break };
            self.ask_again(again, false);
        }
    }

    fn tick(&mut self) {
        let now = time::monotonic();
        for handler in Handler::ALL {
            let handler = self.handlers.pick(handler);
            if handler.deadline().is_some_and(|deadline| deadline <= now) {
                handler.tick(now);
            }
        }
        if self.next_tick.is_none_or(|tick| tick > now) {
            return;
        }
        self.next_tick = None;
        self.deferred.start_tick();
        while let Some(again) = self.deferred.next_again(now, self.closer) {
            self.ask_again(again, false);
        }
        if !self.deferred.is_empty() {
            self.next_tick = self.next_tick.or(now.checked_add(TICK));
        }
    }

    fn close_what_is_left(&self) {
        while self.closer.is_needed() {
            let Some(mut turn) = self.workers.idle() else { return self.workers.want() };
            if let Some(file) = self.closer.take() {
                turn.close(file);
                turn.submit();
            }
        }
    }

    fn listen_to_guardian(&mut self) -> Result<Option<End>, Error> {
        loop {
            match Message::recv(self.running.channel.as_fd()) {
                Ok(Message::Ended(end)) => return Ok(Some(end)),
                Ok(Message::Failed(step, errno)) => return Err(Error::Step(step, errno)),
                Ok(Message::Stopped(signal)) => self.stopped(signal),
                Ok(Message::Launched(_)) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                // The guardian is gone, which only a process outside can have caused.
                Err(_) => {
                    launch::kill_everybody(self.running.confined.as_ref(), None);
                    return Err(Error::Guardian);
                }
            }
        }
    }

    /// A command that stops is the business of the shell we were started from. Without a terminal, Ctrl-Z
    /// alone is.
    fn stopped(&self, signal: Signal) {
        // Where time is limited, the supervisor does not stop with its command: its message would come late.
        let may_stop = !self.watch.is_timed;
        let is_keyed = signal == Signal::TSTP && may_stop;
        if (self.terminal.is_controlling() || is_keyed) && JOB_STOPS.contains(&signal) {
            self.terminal.stop_with(self.running.command, signal, may_stop);
        }
    }

    fn pass_signals_on(&self) {
        while let Ok(info) = signal::read_signal(&self.signals) {
            if info.signo == Signal::TSTP && self.watch.is_timed {
                continue;
            }
            self.terminal.signal(self.running.command, info.signo);
            // One that is stopped would not hear it.
            if info.signo != Signal::TSTP && info.signo != Signal::WINCH {
                self.terminal.signal(self.running.command, Signal::CONT);
            }
        }
    }
}

impl Drop for Supervisor<'_, '_, '_, '_> {
    /// Targets that wait are answered before the guardian waits for them.
    fn drop(&mut self) {
        self.deferred.clear(self.closer);
        self.close_what_is_left();
    }
}
