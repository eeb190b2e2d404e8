//! The operations that a sandbox refuses while it runs, each once, and the order in which they explain a
//! failure.

use core::fmt;
use std::collections::HashMap;
use std::path::PathBuf;

use sandlock_sys::nr::Name;
use sandlock_sys::{Errno, Pid};

use super::decide::Mechanism;

/// How many different refusals are kept: the last ones. Of the others there is a number only.
pub const MOST_REFUSALS: usize = 1024;
/// How many threads have a counter of their own.
const MOST_THREADS: usize = 4096;
/// A thread that has made more calls than this after a refusal has got over it.
const GOT_OVER: u64 = 40;

/// The kind of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Reading a file.
    Read,
    /// Listing a directory.
    List,
    /// Executing a file.
    Execute,
    /// Writing to a file that is there.
    Write,
    /// Making a file; the place is its directory.
    Make,
    /// Removing a file; the place is its directory.
    Remove,
    /// Moving or linking a file between directories; the place is one of them.
    Move,
    /// Changing mode, owner, times or attributes.
    Change,
    /// Connecting a socket.
    Connect,
    /// Asking for the addresses of a name; the object is the name.
    Resolve,
    /// Listening at an address.
    Bind,
    /// Making a socket.
    Socket,
    /// Acting on another process.
    Process,
    /// A request by ioctl(2).
    Request,
    /// Another system call.
    Call,
    /// Opening a file that the user's home has and the command's own has not.
    Home,
}

impl Act {
    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Resolve => "resolve",
            Self::Execute => "execute",
            Self::Write => "write",
            Self::Make => "make",
            Self::Remove => "remove",
            Self::Move => "move",
            Self::Change => "change",
            Self::Connect => "connect",
            Self::Bind => "bind",
            Self::Socket => "socket",
            Self::Process => "process",
            Self::Request => "request",
            Self::Call => "call",
            Self::Home => "home",
        }
    }
}

/// How likely a refusal makes a program fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Most programs go no further.
    Cause,
    /// Some programs do without.
    Perhaps,
    /// Programs do without: they look whether something is there.
    Probe,
}

impl Weight {
    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Perhaps => "perhaps",
            Self::Probe => "probe",
        }
    }
}

/// An operation that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its kind.
    pub act: Act,
    /// The system call, as it was made last.
    pub call: Name,
    /// The object: a path, an address, a number.
    pub object: String,
    /// The place that a grant must cover, of a file.
    pub place: Option<PathBuf>,
    /// The TCP port.
    pub port: Option<u16>,
    /// The error.
    pub errno: Errno,
    /// The mechanism that refused.
    pub by: Mechanism,
    /// The reason.
    pub because: String,
    /// Whether the error is known. Where the kernel decides, it is predicted from a copy of the arguments.
    pub is_certain: bool,
    /// How likely it is that the program failed for it.
    pub weight: Weight,
    /// The name of the thread that met it last.
    pub process: String,
    /// The ID of its process.
    pub pid: Pid,
    /// How often it was met.
    pub count: u64,
    /// The number of the call that met it last, among all that were seen.
    pub(super) last: u64,
    /// The thread that met it last, and how many calls of that thread had been seen by then.
    pub(super) thread: (Pid, u64),
}

impl Refusal {
    /// A refusal as it was met, before it is known by which process.
    pub(super) fn new(act: Act, call: Name, object: String, errno: Errno, by: Mechanism) -> Self {
        Self {
            act,
            call,
            object,
            place: None,
            port: None,
            errno,
            by,
            because: String::new(),
            is_certain: true,
            weight: Weight::Cause,
            process: String::new(),
            pid: Pid::default(),
            count: 1,
            last: 0,
            thread: (Pid::default(), 0),
        }
    }
}

/// When a call was made, and by which thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    at: u64,
    pub(super) thread: (Pid, u64),
}

/// The refusals of a run.
#[derive(Default)]
pub(super) struct Refusals {
    all: Vec<Refusal>,
    index: HashMap<(Act, String, i32), usize>,
    /// The calls seen of each thread.
    threads: HashMap<i32, u64>,
    calls: u64,
    left_out: u64,
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("all", &self.all.len()).finish_non_exhaustive()
    }
}

impl Refusals {
    /// One more call of a thread is seen.
    pub(super) fn moment(&mut self, tid: Pid) -> Moment {
        self.calls = self.calls.saturating_add(1);
        if self.threads.len() >= MOST_THREADS && !self.threads.contains_key(&tid.get()) {
            // A thread that is forgotten starts anew, and its refusals count as those it has not got over.
            self.threads.clear();
        }
        let count = self.threads.entry(tid.get()).or_default();
        *count = count.saturating_add(1);
        Moment { at: self.calls, thread: (tid, *count) }
    }

    /// Adds a refusal. Returns true if it is the first of its kind, and there was room for it.
    pub(super) fn add(&mut self, mut refusal: Refusal, moment: Moment) -> bool {
        (refusal.last, refusal.thread) = (moment.at, moment.thread);
        let key = (refusal.act, refusal.object.clone(), refusal.errno.get());
        if let Some(known) = self.index.get(&key).and_then(|at| self.all.get_mut(*at)) {
            refusal.count = known.count.saturating_add(1);
            *known = refusal;
            return false;
        }
        if self.all.len() >= MOST_REFUSALS {
            // Late refusals explain more than early ones.
            let turn = self.left_out.checked_rem(self.all.len().try_into().unwrap_or(u64::MAX));
            let at = turn.and_then(|turn| usize::try_from(turn).ok()).unwrap_or(0);
            self.left_out = self.left_out.saturating_add(1);
            if let Some(oldest) = self.all.get_mut(at) {
                self.index.remove(&(oldest.act, oldest.object.clone(), oldest.errno.get()));
                self.index.insert(key, at);
                *oldest = refusal;
            }
            return false;
        }
        self.index.insert(key, self.all.len());
        self.all.push(refusal);
        true
    }

    /// How many refusals had to give way to others.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Refusal> {
        self.all.iter()
    }

    pub(super) fn last(&self) -> Option<&Refusal> {
        self.all.last()
    }

    /// The refusals, the most likely cause of a failure first: those that programs rarely do without, of a
    /// thread that made few calls afterwards, and then the last.
    pub(super) fn ranked(&self) -> Vec<&Refusal> {
        let mut ranked: Vec<&Refusal> = self.all.iter().collect();
        ranked.sort_by_key(|refusal| {
            let (tid, then) = refusal.thread;
            let since = self.threads.get(&tid.get()).map_or(0, |now| now.saturating_sub(then));
            (refusal.weight, since > GOT_OVER, core::cmp::Reverse(refusal.last))
        });
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(object: &str, weight: Weight) -> Refusal {
        let refusal =
            Refusal::new(Act::Read, Name::openat, object.into(), Errno::EACCES, Mechanism::Landlock);
        Refusal { weight, ..refusal }
    }

    fn order(refusals: &Refusals) -> Vec<&str> {
        refusals.ranked().iter().map(|refusal| refusal.object.as_str()).collect()
    }

    #[test]
    fn the_last_thing_that_a_thread_has_not_got_over_comes_first() {
        let mut refusals = Refusals::default();
        let (one, two) = (Pid::new(1), Pid::new(2));
        for (tid, object, weight, calls_after) in [
            (one, "early", Weight::Cause, 0),
            (two, "got over", Weight::Cause, 100),
            (one, "cause", Weight::Cause, 5),
            (one, "probe", Weight::Probe, 0),
        ] {
            let moment = refusals.moment(tid);
            assert!(refusals.add(refusal(object, weight), moment));
            for _ in 0..calls_after {
                refusals.moment(tid);
            }
        }
        assert_eq!(order(&refusals), ["cause", "early", "got over", "probe"]);
        let moment = refusals.moment(two);
        assert!(!refusals.add(refusal("got over", Weight::Cause), moment));
        assert_eq!(order(&refusals), ["got over", "cause", "early", "probe"]);
        assert_eq!(refusals.ranked()[0].count, 2);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut refusals = Refusals::default();
        for number in 0..100_000 {
            let moment = refusals.moment(Pid::new(number));
            refusals.add(refusal(&number.to_string(), Weight::Cause), moment);
        }
        assert_eq!(refusals.ranked().len(), MOST_REFUSALS);
        assert_eq!(refusals.left_out(), 100_000 - u64::try_from(MOST_REFUSALS).unwrap());
        assert_eq!(order(&refusals)[0], "99999");
        assert_eq!(refusals.index.len(), MOST_REFUSALS);
        assert!(refusals.threads.len() <= MOST_THREADS);
    }
}
