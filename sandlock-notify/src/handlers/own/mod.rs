//! Calls that name a process by number: they act on the sandbox's own processes, or fail.
//!
//! The kernel lets them act on every process of the same user, and Landlock does not see them. Only calls with a number other than 0 (the
//! caller itself, which the filter allows) come here.

mod model;

use sandlock_sys::{Errno, Result, nr};

use crate::call::Call;
use crate::dispatch::{Handler, Verdict};
use crate::notification::{Response, Why};
use crate::proc;

/// Knows who the sandbox's first process is.
#[derive(Debug)]
pub struct Own {
    /// The process that all others of the sandbox descend from, itself outside.
    pub guardian: i32,
}

impl Handler for Own {
    /// A number that names a process of the sandbox now could name another one only after that process ended and every other number was
    /// used in between, in the microseconds until the kernel runs the call: the register cannot change, so `CONTINUE` it is.
    fn handle(&mut self, call: &Call<'_>) -> Result<Verdict> {
        let id = call.int(process_argument(call.nr()));
        if model::descends(self.guardian, id, |id| proc::parent(id).unwrap_or(0)) {
            Ok(Verdict::Reply(Response::Continue(Why::RegistersOnly)))
        } else {
            Err(Errno::EPERM)
        }
    }
}

/// Which register holds the number.
const fn process_argument(nr: u32) -> usize {
    match nr {
        nr::SETPRIORITY | nr::IOPRIO_SET => 1,
        _ => 0,
    }
}
