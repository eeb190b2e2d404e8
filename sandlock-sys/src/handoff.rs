//! A value that two tasks of one address space use in turns: one prepares it, the other works on it. futex(2)
//! lets each wait for the other.

#![expect(unsafe_code, reason = "futex(2), and a value that is shared by turns")]

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use crate::{nr, syscall};

/// The giver may take the value.
const IDLE: u32 = 0;
/// The giver has the value.
const TAKEN: u32 = 1;
/// The worker may take the value.
const READY: u32 = 2;
/// The worker has the value.
const BUSY: u32 = 3;
/// The worker has finished, and the giver is to look at the value.
const DONE: u32 = 4;
/// The worker is to end.
const QUIT: u32 = 5;

const FUTEX_WAIT_PRIVATE: u32 = 128;
const FUTEX_WAKE_PRIVATE: u32 = 129;

/// A value that passes between a giver and a worker.
#[derive(Debug)]
pub struct Handoff<T> {
    state: AtomicU32,
    quit: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the state names the side that has the value, it changes by compare-and-swap, and only the side that
// has the value refers to it.
unsafe impl<T: Send> Sync for Handoff<T> {}

impl<T> Handoff<T> {
    /// A value that the giver may take first.
    pub const fn new(value: T) -> Self {
        Self { state: AtomicU32::new(IDLE), quit: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, where no worker is any more.
    pub const fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Whether the giver may take the value.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.load(SeqCst) == IDLE
    }

    /// Takes the value while the worker is idle.
    pub fn take(&self) -> Option<Turn<'_, T>> {
        self.turn(IDLE)
    }

    /// Takes the value that the worker has finished and wants to be looked at.
    pub fn take_done(&self) -> Option<Turn<'_, T>> {
        self.turn(DONE)
    }

    fn turn(&self, from: u32) -> Option<Turn<'_, T>> {
        self.state.compare_exchange(from, TAKEN, SeqCst, SeqCst).ok()?;
        Some(Turn { handoff: self, next: IDLE })
    }

    /// Makes the worker end, at once or after its present work.
    pub fn quit(&self) {
        self.quit.store(true, SeqCst);
        for waiting in [IDLE, DONE] {
            if self.state.compare_exchange(waiting, QUIT, SeqCst, SeqCst).is_ok() {
                self.futex(FUTEX_WAKE_PRIVATE, 1);
            }
        }
    }

    /// The worker's side: works on the value each time it is ready, until [`quit`](Self::quit). Where `work`
    /// returns true, the giver is to look at the value before it can be used again. `then` runs when the
    /// giver can take the value, and gets the same answer.
    pub fn serve(&self, mut work: impl FnMut(&mut T) -> bool, then: impl Fn(bool)) {
        loop {
            match self.state.compare_exchange(READY, BUSY, SeqCst, SeqCst) {
                Ok(_) => {
                    // SAFETY: the state is BUSY, so this task has the value.
                    let done = work(unsafe { &mut *self.value.get() });
                    self.state.store(if done { DONE } else { IDLE }, SeqCst);
                    then(done);
                }
                Err(QUIT) => return,
                Err(_) if self.quit.load(SeqCst) => return,
                Err(state) => self.futex(FUTEX_WAIT_PRIVATE, state),
            }
        }
    }

    /// Sleeps while the state is `number`, or wakes so many sleepers. A signal or an outdated state ends a
    /// sleep early; the caller looks again.
    fn futex(&self, operation: u32, number: u32) {
        // SAFETY: the kernel reads the state at most; the timeout pointer is null.
        let _ = unsafe { syscall!(nr::FUTEX, &self.state, operation, number, 0usize) };
    }
}

/// The giver's turn with the value. When dropped, the value stays the giver's.
#[derive(Debug)]
pub struct Turn<'h, T> {
    handoff: &'h Handoff<T>,
    next: u32,
}

impl<T> Turn<'_, T> {
    /// Gives the value to the worker.
    pub fn submit(mut self) {
        self.next = READY;
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the state is TAKEN as long as this turn lives, so the giver has the value.
        unsafe { &*self.handoff.value.get() }
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and there is one turn at a time.
        unsafe { &mut *self.handoff.value.get() }
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.handoff.state.store(self.next, SeqCst);
        if self.next == READY {
            self.handoff.futex(FUTEX_WAKE_PRIVATE, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_the_value_in_turn() {
        let handoff = Handoff::new(0u32);
        std::thread::scope(|scope| {
            let work = |value: &mut u32| {
                *value = value.wrapping_add(1);
                value.is_multiple_of(2)
            };
            let worker = &handoff;
            scope.spawn(move || worker.serve(work, |_| {}));
            let mut done = 0u32;
            for round in 0..1000u32 {
                let mut turn = loop {
                    match handoff
                        .take()
                        .or_else(|| handoff.take_done().inspect(|_| done = done.wrapping_add(1)))
                    {
                        Some(turn) => break turn,
                        None => std::thread::yield_now(),
                    }
                };
                assert_eq!(*turn, round.wrapping_mul(2));
                *turn = turn.wrapping_add(1);
                assert!(handoff.take().is_none() && handoff.take_done().is_none());
                turn.submit();
            }
            // Every second value is even after the worker, and is to be looked at.
            assert!(done > 900, "{done}");
            handoff.quit();
        });
    }

    #[test]
    fn a_turn_that_is_dropped_gives_nothing_away() {
        let handoff = Handoff::new(7);
        drop(handoff.take());
        assert!(handoff.is_idle());
        assert_eq!(handoff.take().map(|turn| *turn), Some(7));
        // A worker that was stopped beforehand ends.
        handoff.quit();
        handoff.serve(|_| false, |_| {});
    }
}
