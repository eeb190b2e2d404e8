//! Calls that name a process by number: they act on processes of the sandbox, or fail.
//!
//! The kernel lets them act on every process of the same user, and Landlock does not see them. Only calls
//! with a number other than 0 (the caller itself, which the filter allows) come here.
//!
//! Nothing is performed on behalf: every call continues or fails.

use sandlock_sys::nr::Name;
use sandlock_sys::{Errno, Pid, Result};

use crate::args::{FcntlArgs, ProcessArgs, WhoArgs};
use crate::{Call, ContinueReason, Desk, Handler, Response, Verdict, proc};

/// Compares a process with the first one of the sandbox.
#[derive(Debug)]
pub struct ProcessIds {
    /// The process that all others of the sandbox descend from, itself outside.
    pub guardian: Pid,
}

impl Handler for ProcessIds {
    /// A number that names a process of the sandbox now could name another one only after that process ended
    /// and every other number was used in between, in the microseconds until the kernel runs the call: the
    /// register cannot change, so `CONTINUE` it is.
    fn handle(&mut self, call: &Call<'_>, _: &mut Desk<'_, '_>) -> Result<Verdict> {
        let pid = match call.name() {
            // PTRACE_TRACEME makes the parent the tracer. Should that end before the kernel runs the call,
            // the guardian is: it leaves its tracee stopped, and can kill it all the same.
            Some(Name::ptrace) => proc::parent(call.target().tid())?,
            Some(Name::setpriority | Name::ioprio_set) => WhoArgs::of(call).who,
            Some(Name::fcntl | Name::fcntl64) => Pid::new(FcntlArgs::of(call).arg),
            _ => ProcessArgs::of(call).pid,
        };
        if proc::descends(self.guardian, pid) {
            return Ok(Verdict::Reply(Response::Continue(ContinueReason::RegistersOnly)));
        }
        // A process that is not there is nothing to protect, and programs look whether one is.
        let is_free = pid.get() > 0 && proc::parent(pid) == Err(Errno::ENOENT);
        Err(if is_free { Errno::ESRCH } else { Errno::EPERM })
    }
}
