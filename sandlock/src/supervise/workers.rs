//! The workers: processes that share the supervisor's memory and descriptors and carry out the calls that can
//! sleep.
//!
//! Processes and not threads, so that one that sleeps in the kernel for good does not keep the supervisor
//! from ending. They start on first use, allocate nothing, and answer by themselves.

use core::cell::OnceCell;
use core::sync::atomic::Ordering::SeqCst;
use core::time::Duration;

use sandlock_notify::{Context, Job, Workers};
use sandlock_sys::handoff::{Handoff, Turn};
use sandlock_sys::mm::Mapping;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::process::{self, PidFd};
use sandlock_sys::{AsFd, Signal, signal};

use crate::launch::{self, Bell, Worker, WorkerDesk};

/// How many calls can sleep at once; further ones wait for a worker.
pub(crate) const WORKERS: usize = 8;
/// How long the end of the sandbox waits for a worker that is at work. It has been killed by then, and ends
/// when it wakes.
const PATIENCE: Duration = Duration::from_millis(50);

/// All workers of a sandbox.
pub(crate) struct Pool<'w> {
    desks: [WorkerDesk<'w>; WORKERS],
    bell: &'w Bell,
}

impl<'w> Pool<'w> {
    /// No worker is started yet.
    pub(crate) fn new(context: Context<'w>, bell: &'w Bell) -> Self {
        let supervisor = process::getpid();
        let desk = |()| {
            let handoff = Handoff::new(Job::new(context));
            WorkerDesk { handoff, bell, worker: OnceCell::new(), supervisor }
        };
        Self { desks: [(); WORKERS].map(desk), bell }
    }

    /// Something waits for an idle worker; the bell rings when there is one.
    pub(crate) fn want(&self) {
        self.bell.wanted.store(true, SeqCst);
        // One that became idle just before did not see that.
        if self.is_one_idle() {
            self.bell.event.signal();
        }
    }

    /// The bell has rung.
    pub(crate) fn heard(&self) {
        self.bell.event.clear();
        self.bell.wanted.store(false, SeqCst);
    }

    /// Whether a worker is idle.
    pub(crate) fn is_one_idle(&self) -> bool {
        self.desks.iter().any(|desk| desk.handoff.is_idle())
    }

    /// A row for each worker that is not idle, which finds something when the worker has ended.
    pub(crate) fn busy(&self) -> impl Iterator<Item = PollFd> {
        let busy = self.desks.iter().filter(|desk| !desk.handoff.is_idle());
        busy.filter_map(|desk| Some(PollFd::new(desk.worker.get()?.pidfd.as_fd(), Events::IN)))
    }

    /// A job whose call its worker has deferred.
    pub(crate) fn deferred(&self) -> Option<Turn<'_, Job<'w>>> {
        self.desks.iter().find_map(|desk| desk.handoff.take_done())
    }
}

impl<'w> Workers<'w> for Pool<'w> {
    fn idle(&self) -> Option<Turn<'_, Job<'w>>> {
        let (desk, turn) = self.desks.iter().find_map(|desk| Some((desk, desk.handoff.take()?)))?;
        if desk.worker.get().is_none() {
            let mut stack = Mapping::new(launch::STACK).ok()?;
            let (pid, pidfd) = launch::start_worker(desk, stack.bytes()).ok()?;
            let _ = desk.worker.set(Worker { pid, pidfd, stack });
        }
        Some(turn)
    }
}

impl Drop for Pool<'_> {
    /// Ends every worker. One that does not end in time sleeps in the kernel: killed as it is, it never
    /// executes another instruction, but the kernel may still write to its stack and its job, which are
    /// therefore never unmapped.
    fn drop(&mut self) {
        for desk in &mut self.desks {
            // Mostly none was ever started, and each wake would be a system call.
            if desk.worker.get_mut().is_some() {
                desk.handoff.quit();
            }
        }
        for desk in &mut self.desks {
            let Some(worker) = desk.worker.take() else { continue };
            if !has_ended(&worker.pidfd, PATIENCE) {
                let _ = signal::kill(worker.pid, Signal::KILL);
            }
            if has_ended(&worker.pidfd, PATIENCE) {
                let _ = process::wait_pidfd(&worker.pidfd);
            } else {
                core::mem::forget(worker.stack);
                desk.handoff.get_mut().abandon();
            }
        }
    }
}

fn has_ended(pidfd: &PidFd, patience: Duration) -> bool {
    let mut row = [PollFd::new(pidfd.as_fd(), Events::IN)];
    ppoll(&mut row, Some(patience)) == Ok(1)
}
