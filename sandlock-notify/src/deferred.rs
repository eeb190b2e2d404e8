//! Calls that are not answered yet: each waits for its descriptor, for its time, or for its turn, and hears
//! signals meanwhile.

use core::time::Duration;

use sandlock_sys::mm::FixedVec;
use sandlock_sys::poll::PollFd;
use sandlock_sys::{AsFd, Errno};

use crate::proc::{self, Interrupt};
use crate::{Closer, Notification, Response, Until, Wait};

/// How many calls can wait at once. Beyond it the supervisor receives no more, so that the next ones wait in
/// the kernel.
pub const MAX_DEFERRED: usize = 4096;
/// How many of them are looked after at one tick: each costs some ten microseconds.
const AT_ONE_TICK: usize = 64;

/// A call that waits.
struct Deferred<'l> {
    notification: Notification<'l>,
    wait: Wait,
    /// When it was made.
    since: Duration,
    /// Its descriptor had an event and that led nowhere, so that polling it again at once would only spin.
    rests: bool,
}

/// The calls that wait. Times are those of [`monotonic`](sandlock_sys::time::monotonic).
pub struct DeferredCalls<'l> {
    calls: FixedVec<Deferred<'l>>,
    /// The call that was looked after last.
    next: usize,
    /// How many more are looked after in this tick.
    budget: usize,
}

/// A call that its handlers are asked about again, and when it was made.
pub type Again<'l> = (Notification<'l>, Duration);

impl<'l> DeferredCalls<'l> {
    /// Whether no call waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether one more can wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.calls.len() < MAX_DEFERRED
    }

    /// Lets a call wait that was made at `since`. `rests`: it was asked about again because of its
    /// descriptor.
    pub fn push(&mut self, notification: Notification<'l>, wait: Wait, since: Duration, rests: bool) {
        if let Err(deferred) = self.calls.push(Deferred { notification, wait, since, rests }) {
            // There is no memory for the list.
            deferred.notification.reply(Response::Errno(Errno::ENOMEM));
        }
    }

    /// What to poll for: a row for each call, in the order of [`take`](Self::take)'s index.
    pub fn rows(&self) -> impl Iterator<Item = PollFd> {
        self.calls.iter().map(|call| match &call.wait.until {
            Until::Event(fd, events) if !call.rests => PollFd::new(fd.as_fd(), *events),
            _ => PollFd::NONE,
        })
    }

    /// Takes out the call at `index`, whose descriptor has an event. Take the last first: the last call moves
    /// into the gap.
    pub fn take(&mut self, index: usize, closer: &Closer) -> Option<Again<'l>> {
        let call = self.calls.swap_remove(index)?;
        call.wait.release(closer);
        Some((call.notification, call.since))
    }

    /// Takes out a call that waits for an idle worker.
    pub fn take_for_worker(&mut self, closer: &Closer) -> Option<Again<'l>> {
        let index = self.calls.iter().position(|call| matches!(call.wait.until, Until::Worker))?;
        self.take(index, closer)
    }

    /// Answers `ENOSYS` to every call, for the supervisor ends.
    pub fn clear(&mut self, closer: &Closer) {
        while let Some(call) = self.calls.swap_remove(0) {
            drop(call.notification);
            call.wait.release(closer);
        }
    }

    /// Starts a tick: some of the calls are looked after, in turns.
    pub fn start_tick(&mut self) {
        self.budget = self.calls.len().min(AT_ONE_TICK);
    }

    /// Looks after the next calls of this tick: answers one whose time is over or that a signal interrupts,
    /// forgets one whose target is gone. Returns one that is to be asked about again, or `None` at the end of
    /// the tick.
    pub fn next_again(&mut self, now: Duration, closer: &Closer) -> Option<Again<'l>> {
        while let Some(budget) = self.budget.checked_sub(1) {
            self.budget = budget;
            self.next =
                self.next.min(self.calls.len()).checked_sub(1).unwrap_or(self.calls.len().saturating_sub(1));
            let Some(call) = self.calls.get_mut(self.next) else { continue };
            let end = call.end(now);
            let is_due = call.rests || matches!(call.wait.until, Until::Later);
            if end.is_none() && !is_due {
                continue;
            }
            let Some(call) = self.calls.swap_remove(self.next) else { continue };
            call.wait.release(closer);
            match end {
                Some(Some(response)) => call.notification.reply(response),
                Some(None) => _ = call.notification.into_notif(),
                None => return Some((call.notification, call.since)),
            }
        }
        None
    }
}

impl Deferred<'_> {
    /// The end of the call, if this is it: its answer, or none if its target is gone.
    fn end(&self, now: Duration) -> Option<Option<Response>> {
        if !self.notification.is_waiting() {
            return Some(None);
        }
        if let Some((limit, errno)) = self.wait.limit
            && now.saturating_sub(self.since) >= limit
        {
            return Some(Some(Response::Errno(errno)));
        }
        match proc::interrupt(self.notification.tid())? {
            Interrupt::Certain if self.wait.limit.is_none() => Some(Some(Response::Restart)),
            Interrupt::Certain | Interrupt::Possible => Some(Some(Response::Errno(Errno::EINTR))),
        }
    }
}

impl Wait {
    fn release(self, closer: &Closer) {
        if let Until::Event(file, _) = self.until {
            closer.close(file, true);
        }
    }
}

impl Default for DeferredCalls<'_> {
    /// No call waits.
    fn default() -> Self {
        Self { calls: FixedVec::new(MAX_DEFERRED), next: 0, budget: 0 }
    }
}
