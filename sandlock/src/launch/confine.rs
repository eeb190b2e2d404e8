//! What the supervisor gives up before it makes anything, and what it must be able to do.

use sandlock_landlock::Enforced;
use sandlock_sys::process::{self, PidFd};
use sandlock_sys::{Errno, Pid, cap, prctl};

use crate::error::{Error, Step};
use crate::plan::Start;

/// What the supervisor gives up: capabilities, and in Landlock's eyes ports, abstract sockets and signals
/// that the command has no right to.
pub(super) fn confine(start: &Start) -> Result<Option<Enforced>, Error> {
    let at = |step| move |errno| Error::Step(step, errno);
    let privs = prctl::set_no_new_privs().map_err(at(Step::Privileges))?;
    let enforced = start.rulesets.as_ref().map(|rulesets| rulesets.supervisor.restrict_self(&privs));
    let enforced = enforced.transpose().map_err(at(Step::Confine))?;
    let kept = if start.keep_caps { !cap::READING_PROCESSES } else { 0 };
    cap::keep_only(kept).map_err(at(Step::Capabilities))?;
    // Without the signal scope it is no evidence for what the guardian wants it for.
    Ok(enforced.filter(|_| start.rulesets.as_ref().is_some_and(|rulesets| rulesets.guardian.is_some())))
}

/// That the supervisor can do with a process what answering calls takes. Where it cannot (a container's
/// seccomp profile, Yama), nothing would work, and the command must not find out.
pub(super) fn reach(process: Pid, pidfd: &PidFd) -> Result<(), Error> {
    // Nothing is mapped there, so that a fault is what success looks like. A process that has ended already
    // is no failure.
    const NOWHERE: usize = 8;
    let is_reached = |result: Result<usize, Errno>| match result {
        Ok(_) | Err(Errno::EFAULT | Errno::ESRCH | Errno::EBADF) => Ok(()),
        Err(errno) => Err(errno),
    };
    let at = |step| move |errno| Error::Step(step, errno);
    is_reached(process::vm_readv(process, NOWHERE, &mut [0])).map_err(at(Step::Memory))?;
    is_reached(process::vm_writev(process, [(NOWHERE, &[0][..])])).map_err(at(Step::Write))?;
    is_reached(process::pidfd_getfd(pidfd, 0).map(|_| 0)).map_err(at(Step::Descriptors))
}
