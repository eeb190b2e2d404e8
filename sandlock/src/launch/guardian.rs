//! The guardian: the process between the supervisor and the command. It adopts every orphan of the sandbox
//! and holds the time limit. When the command ends, its time is over, or the supervisor is gone, it kills
//! everything that is left.
//!
//! It needs nothing of the supervisor for that. It lives in the supervisor's address space, on a stack of its
//! own, so nothing here allocates, panics or touches thread-local state.

use core::ffi::CStr;
use core::time::Duration;

use sandlock_landlock::Enforced;
use sandlock_notify::Objects;
use sandlock_sys::fs::OFlags;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::process::{self, Change, WaitFlags};
use sandlock_sys::signal::{self, SigSet, SignalFd};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Signal, fs, time};

use super::channel::{End, Message};
use crate::error::{Failed, Step};
use crate::outcome::Outcome;

/// The guardian has closed the standard descriptors and put these in their places.
pub(crate) const CHANNEL: BorrowedFd<'static> = BorrowedFd::STDIN;
/// The supervisor's process.
pub(crate) const SUPERVISOR: BorrowedFd<'static> = BorrowedFd::STDOUT;
/// The timer, if time is limited.
pub(crate) const TIMER: BorrowedFd<'static> = BorrowedFd::STDERR;

const CHILDREN: &CStr = c"/proc/thread-self/children";
const REAPED_AT_ONCE: usize = 64;
/// How long nothing happens before the guardian looks around by itself.
const REST: Duration = Duration::from_secs(1);
/// How long killed processes may take to end without one of them being reaped. Those that sleep in the kernel
/// (a file system that does not answer) can take for ever; the signal is there, so none of them executes
/// another instruction.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same when the command's time is over.
const PATIENCE_WHEN_LATE: Duration = Duration::from_millis(150);
/// The signals that mean the end of sandlock, or of its command.
const ENDS: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];

/// What the guardian ends the sandbox with.
pub(crate) struct Means<'g> {
    /// The evidence that `kill(-1)` reaches the sandbox only.
    scope: Option<&'g Enforced>,
    /// Its children's process IDs, opened before its filter closes every file.
    children: Result<OwnedFd, Errno>,
    /// The supervisor's status, likewise.
    supervisor: Result<OwnedFd, Errno>,
}

impl<'g> Means<'g> {
    /// To be called by the guardian itself.
    pub(crate) fn open(scope: Option<&'g Enforced>) -> Self {
        let supervisor = sandlock_notify::open_status(process::getppid());
        Self { scope, children: fs::open(CHILDREN, OFlags::empty()), supervisor }
    }

    /// Leaves no process behind, and reports nothing.
    pub(crate) fn end(&self) {
        let _ = kill_all(None, self, PATIENCE);
    }

    /// One SIGKILL to everything in the sandbox. Returns false if it has reached the children only.
    fn kill(&self) -> bool {
        kill_everybody(self.scope, self.children.as_ref().ok())
    }
}

/// Waits for the end of `command` and leaves no process behind. `signals`: SIGCHLD.
pub(crate) fn watch(command: Pid, is_timed: bool, means: &Means<'_>, signals: &SignalFd, objects: &Objects) {
    let ended = until_end(command, is_timed, means, signals);
    let patience = if ended == Ok(Outcome::TimedOut) { PATIENCE_WHEN_LATE } else { PATIENCE };
    let left = !kill_all(Some(signals), means, patience);
    objects.remove_all();
    // The supervisor learns it last: then the sandbox is empty.
    let last = match ended {
        Ok(outcome) => Message::Ended(End { outcome, left }),
        Err((step, errno)) => Message::Failed(step, errno),
    };
    let _ = last.send(CHANNEL, 0);
}

/// Until the command has ended, or there is a reason to end it.
///
/// # Errors
///
/// The call without which the end cannot be waited for.
fn until_end(command: Pid, is_timed: bool, means: &Means<'_>, signals: &SignalFd) -> Result<Outcome, Failed> {
    let timer = if is_timed { PollFd::new(TIMER, Events::IN) } else { PollFd::NONE };
    let mut rows = [
        PollFd::new(signals.as_fd(), Events::IN),
        PollFd::new(CHANNEL, Events::IN),
        PollFd::new(SUPERVISOR, Events::IN),
        timer,
    ];
    let (mut looked, mut was_unheard) = (time::monotonic(), false);
    loop {
        match reap(command).map_err(|errno| (Step::Wait, errno))? {
            Some(Change::Exited(status)) => return Ok(Outcome::Exited(status)),
            Some(Change::Killed(signal)) => return Ok(Outcome::Killed(signal.get())),
            Some(Change::Stopped(signal)) => {
                // Sent if there is room: a command that stops and goes on in a loop must not block the
                // guardian.
                let _ = Message::Stopped(signal).send(CHANNEL, libc::MSG_DONTWAIT);
                continue;
            }
            Some(Change::Continued) => continue,
            None => {}
        }
        // A timeout also because reaping may have been broken off.
        let found = ppoll(&mut rows, Some(REST));
        let [_, channel, supervisor, timer] = rows;
        let killed = Ok(Outcome::Killed(Signal::KILL.get()));
        if !timer.found().is_empty() {
            return Ok(Outcome::TimedOut);
        }
        match found {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err((Step::Poll, errno)),
        }
        // Whatever comes from the supervisor, its end included, means: enough.
        if !channel.found().is_empty() || !supervisor.found().is_empty() {
            return killed;
        }
        while signal::read_signal(signals).is_ok() {}
        let now = time::monotonic();
        if now.saturating_sub(looked) >= REST {
            looked = now;
            let is_unheard = supervisor_is_deaf(means);
            if is_unheard && was_unheard {
                return killed;
            }
            was_unheard = is_unheard;
        }
    }
}

/// Whether a signal that means the end waits for the supervisor. The supervisor takes signals at once; one
/// that waits for longer than a second shows that the supervisor is stuck.
fn supervisor_is_deaf(means: &Means<'_>) -> bool {
    let ends = ENDS.iter().fold(0u64, |set, signal| set | SigSet::EMPTY.with(*signal).bits());
    let pending = |status: &OwnedFd| sandlock_notify::pending_signals(status.as_fd()).unwrap_or(0);
    means.supervisor.as_ref().is_ok_and(|status| pending(status) & ends != 0)
}

/// Reaps changed children, until it was the command, or no child has changed, or a number of them has been
/// reaped: the sandbox can make orphans faster than they are reaped, and there is more to listen to.
///
/// # Errors
///
/// The command's end cannot be learned, and must not be waited for.
fn reap(command: Pid) -> Result<Option<Change>, Errno> {
    for _ in 0..REAPED_AT_ONCE {
        match process::wait_any(WaitFlags::PENDING)? {
            Some((pid, change)) if pid == command => return Ok(Some(change)),
            Some(_) => {}
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Kills and reaps until there is no child, and so no descendant: orphans become children of this process.
/// Returns false if some are left that do not end, or cannot be waited for.
fn kill_all(signals: Option<&SignalFd>, means: &Means<'_>, patience: Duration) -> bool {
    const STEP: Duration = Duration::from_millis(10);
    let mut progress = time::monotonic();
    // Mostly there is nothing left, and then looking for it through all processes of the machine is what
    // costs.
    let mut has_killed = false;
    loop {
        match process::wait_any(WaitFlags::PENDING) {
            Err(Errno::ECHILD) => return true,
            Err(_) => {
                // The rest cannot be seen, so all that can be killed is killed once more.
                means.kill();
                return false;
            }
            Ok(Some(_)) => {
                progress = time::monotonic();
                continue;
            }
            Ok(None) => {}
        }
        // Again, where not all of them were reached: without a scope, orphans are only after their parents
        // have ended.
        has_killed = has_killed || means.kill();
        if time::monotonic().saturating_sub(progress) >= patience {
            return false;
        }
        let mut rows = [signals.map_or(PollFd::NONE, |signals| PollFd::new(signals.as_fd(), Events::IN))];
        let _ = ppoll(&mut rows, Some(STEP));
        if let Some(signals) = signals {
            while signal::read_signal(signals).is_ok() {}
        }
    }
}

/// One SIGKILL to everything in the sandbox. Returns false if it has reached the children only.
///
/// In a Landlock domain that scopes signals, `kill(-1)` reaches the descendants of the process that made the
/// domain, and the kernel signals all of them under one lock, so no fork slips through. Whether our maker,
/// which is outside, can be signalled is checked first: the evidence of a domain is a value in this program,
/// and a mistake about it would cost every process of the user.
pub(crate) fn kill_everybody(scope: Option<&Enforced>, children: Option<&OwnedFd>) -> bool {
    let is_scoped = scope.is_some() && signal::kill(process::getppid(), Signal::NONE) == Err(Errno::EPERM);
    let has_killed = is_scoped && signal::kill(Pid::ALL, Signal::KILL).is_ok();
    if !has_killed {
        let _ = kill_children(children);
    }
    has_killed
}

/// SIGKILL to the children of this thread; theirs become ours when they end.
fn kill_children(list: Option<&OwnedFd>) -> Result<(), Errno> {
    let mut text = [0; 4096];
    let len = match list {
        Some(list) => fs::rewind(list.as_fd()).and_then(|()| fs::read(list.as_fd(), &mut text))?,
        None => fs::read(fs::open(CHILDREN, OFlags::empty())?.as_fd(), &mut text)?,
    };
    let text = text.get(..len).ok_or(Errno::EIO)?;
    // A number that is cut off at the end of a full buffer is left for the next round.
    for number in text.split_inclusive(|byte| *byte == b' ').filter(|number| number.ends_with(b" ")) {
        let pid = core::str::from_utf8(number).ok().and_then(|number| number.trim_ascii_end().parse().ok());
        if let Some(pid @ 2..) = pid {
            let _ = signal::kill(Pid::new(pid), Signal::KILL);
        }
    }
    Ok(())
}
