//! The decision of a handler about a call: a response, or the event that the call waits for.

use core::time::Duration;

use sandlock_sys::poll::Events;
use sandlock_sys::{Errno, OwnedFd};

/// The reason why it is safe that the kernel runs a call with whatever its arguments are *by then*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContinueReason {
    /// The decision came from numbers in registers, which cannot change while the target waits.
    RegistersOnly,
    /// Nothing was decided: Landlock, or the kernel's own rules, judge the call when it runs.
    KernelDecides,
    /// The call was handed over for a report only. The filter allows it otherwise, whatever its arguments
    /// are.
    Observed,
}

/// An answer.
#[derive(Debug)]
pub enum Response {
    /// The call fails with this.
    Errno(Errno),
    /// The call returns this.
    Return(i64),
    /// The target handles the signal that waits for it; then the call is made again, or fails with `EINTR`,
    /// as the signal's handler asks (`ERESTARTSYS`). Without a signal the target would see the number.
    Restart,
    /// The call returns a new descriptor of the target for this open file, in one step.
    Fd {
        /// What the target gets a duplicate of.
        fd: OwnedFd,
        /// Whether its descriptor is close-on-exec.
        cloexec: bool,
        /// The number it gets, if the target's limit (`RLIMIT_NOFILE`) allows that; else, and with none, the
        /// lowest free one.
        at: Option<i32>,
    },
    /// The call returns `value`, and the target's descriptor `at` is another open file from now on, which is
    /// close-on-exec.
    Swap {
        /// The other open file.
        fd: OwnedFd,
        /// The number.
        at: i32,
        /// The result.
        value: i64,
    },
    /// The kernel runs the call.
    Continue(ContinueReason),
}

/// The decision of a handler about a call.
#[derive(Debug)]
pub enum Verdict {
    /// The call is another handler's.
    Pass,
    /// The answer.
    Reply(Response),
    /// No answer yet: the call is dispatched again later, and then judged anew.
    Defer(Wait),
    /// A worker answers: the handler has put the job on the desk.
    Work,
}

/// The event that a deferred call waits for, and its time limit.
#[derive(Debug)]
pub struct Wait {
    /// The time of the next dispatch.
    pub until: Until,
    /// How long the target waits in all, and the error that it then gets. A call with a limit that a signal
    /// interrupts fails with `EINTR`; one without is made again, as the kernel does (`sock_intr_errno`).
    pub limit: Option<(Duration, Errno)>,
}

/// The time at which a deferred call is dispatched again.
#[derive(Debug)]
pub enum Until {
    /// When this descriptor has one of these events.
    Event(OwnedFd, Events),
    /// When a worker is idle.
    Worker,
    /// After a while: no descriptor announces the event.
    Later,
}

impl Wait {
    /// Until a worker is idle.
    pub const WORKER: Self = Self { until: Until::Worker, limit: None };
    /// For a while.
    pub const LATER: Self = Self { until: Until::Later, limit: None };
}
