//! The desk of a worker: the memory that the supervisor shares with it from its start on.

use core::cell::OnceCell;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};

use sandlock_notify::Job;
use sandlock_sys::handoff::Handoff;
use sandlock_sys::mm::Mapping;
use sandlock_sys::poll::{EventFd, Events, PollFd};
use sandlock_sys::process::PidFd;
use sandlock_sys::{AsFd, Pid, Result};

/// Wakes the loop: a worker is idle again, or has deferred its call.
#[derive(Debug)]
pub(crate) struct Bell {
    pub(crate) event: EventFd,
    /// Whether a call, or a file to be closed, waits for an idle worker.
    pub(crate) wanted: AtomicBool,
}

/// The jobs of one worker, by turns.
pub(crate) struct WorkerDesk<'w> {
    pub(crate) handoff: Handoff<Job<'w>>,
    pub(crate) bell: &'w Bell,
    /// Only the supervisor uses it.
    pub(crate) worker: OnceCell<Worker>,
    /// The process ID of the supervisor.
    pub(crate) supervisor: Pid,
}

/// A worker that was started.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) pid: Pid,
    pub(crate) pidfd: PidFd,
    pub(crate) stack: Mapping,
}

impl Bell {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { event: EventFd::new()?, wanted: AtomicBool::new(false) })
    }

    pub(crate) fn row(&self) -> PollFd {
        PollFd::new(self.event.as_fd(), Events::IN)
    }
}

impl WorkerDesk<'_> {
    /// The worker's part: carries jobs out until it is stopped.
    pub(crate) fn serve(&self) {
        let ring = |deferred| {
            if deferred || self.bell.wanted.load(SeqCst) {
                self.bell.event.signal();
            }
        };
        self.handoff.serve(Job::carry_out, ring);
    }
}
