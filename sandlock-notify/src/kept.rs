//! Calls whose answer takes time: a fixed number of them wait here, polled beside the listener.

use sandlock_sys::Errno;
use sandlock_sys::poll::PollFd;

use crate::notification::{Notification, Response};

/// A fixed list of targets that wait for something; `N` is how many there can be.
pub struct Kept<'l, const N: usize>([Option<(Notification<'l>, PollFd)>; N]);

impl<'l, const N: usize> Kept<'l, N> {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self([const { None }; N])
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Lets one more wait for `row`. When the list is full, its call fails with `EAGAIN`.
    pub fn keep(&mut self, notification: Notification<'l>, row: PollFd) {
        match self.0.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some((notification, row)),
            None => notification.reply(Response::Errno(Errno::EAGAIN)),
        }
    }

    /// What is waited for, in the order of [`take`](Self::take)'s index.
    pub fn rows(&self) -> impl Iterator<Item = PollFd> {
        self.0.iter().map(|slot| slot.as_ref().map_or(PollFd::NONE, |(_, row)| *row))
    }

    /// Takes one out, to ask its handler again.
    pub fn take(&mut self, index: usize) -> Option<Notification<'l>> {
        self.0.get_mut(index)?.take().map(|(notification, _)| notification)
    }
}

impl<const N: usize> Default for Kept<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}
