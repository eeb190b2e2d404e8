//! The guardian: the process between the supervisor and the command. It adopts every orphan of the sandbox, and when the command ends, or
//! the supervisor is gone for whatever reason, it kills everything that is left.
//!
//! It lives in the supervisor's address space, on a stack of its own, so nothing here allocates, panics or touches thread-local state.

use core::time::Duration;

use sandlock_landlock::Enforced;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::process::{self, Change};
use sandlock_sys::signal::{self, SigSet, SignalFd};
use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, fs};

use crate::channel::Message;

/// The guardian has closed the standard descriptors and put these in their places.
pub(crate) const CHANNEL: BorrowedFd<'static> = BorrowedFd::STDIN;
/// The supervisor's process.
pub(crate) const SUPERVISOR: BorrowedFd<'static> = BorrowedFd::STDOUT;

const REAPED_AT_ONCE: usize = 64;
const REST: Duration = Duration::from_secs(1);

/// Waits for the end of `command` and leaves nobody behind. `cage` is the evidence that a signal to everybody reaches the sandbox only.
pub(crate) fn watch(command: i32, cage: Option<&Enforced>) {
    let how = match signal::signalfd(SigSet::EMPTY.with(libc::SIGCHLD)) {
        Ok(children) => until_end(command, &children),
        Err(_) => Change::Killed(libc::SIGKILL),
    };
    kill_all(cage);
    // The supervisor is told last: then it knows that nobody is left.
    let _ = Message::Ended(how).send(CHANNEL, 0);
}

/// Until the command has ended, or there is a reason to end it.
fn until_end(command: i32, children: &SignalFd) -> Change {
    let mut rows = [
        PollFd::new(children.as_fd(), Events::IN),
        PollFd::new(CHANNEL, Events::IN),
        PollFd::new(SUPERVISOR, Events::IN),
    ];
    loop {
        match reap(command) {
            Some(how @ (Change::Exited(_) | Change::Killed(_))) => return how,
            Some(change) => {
                // Told if there is room: a command that stops and goes on in a loop must not block us.
                let _ = Message::Changed(change).send(CHANNEL, libc::MSG_DONTWAIT);
                continue;
            }
            None => {}
        }
        // A timeout only because reaping may have been broken off.
        match ppoll(&mut rows, Some(REST)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Change::Killed(libc::SIGKILL),
        }
        let [_, channel, supervisor] = rows;
        // Whatever comes from the supervisor, its end included, means: enough.
        if !channel.found().is_empty() || !supervisor.found().is_empty() {
            return Change::Killed(libc::SIGKILL);
        }
        while signal::read_signal(children).is_ok() {}
    }
}

/// Reaps whoever has changed, until it was the command, nobody is left to reap, or a number of them has been: the sandbox can make orphans faster
/// than they are reaped, and there are others to listen to.
fn reap(command: i32) -> Option<Change> {
    for _ in 0..REAPED_AT_ONCE {
        match process::wait_any(false) {
            Ok(Some((pid, change))) if pid == command => return Some(change),
            Ok(Some(_)) => {}
            // No child at all, and so no command: its end was missed, which must not mean waiting for ever.
            Err(Errno::ECHILD) => return Some(Change::Killed(libc::SIGKILL)),
            Ok(None) | Err(_) => return None,
        }
    }
    None
}

/// Kills and reaps until there is no child, and so no descendant: orphans become children of ours.
fn kill_all(cage: Option<&Enforced>) {
    // Mostly there is nobody, and then looking for them through all processes of the machine is what costs.
    while process::wait_any(false) != Err(Errno::ECHILD) {
        kill_everybody(cage);
        let _ = process::wait_any(true);
        while let Ok(Some(_)) = process::wait_any(false) {}
    }
}

/// One SIGKILL to everything in the sandbox.
///
/// In a Landlock domain that scopes signals, "everybody" is who descends from the one that made the domain, and the kernel signals them
/// under one lock, so no fork slips through. That our maker, who is outside, cannot be signalled is asked first: the evidence of a domain is
/// a value in this program, and a mistake about it would cost every process of the user.
pub(crate) fn kill_everybody(cage: Option<&Enforced>) {
    if cage.is_some() && signal::kill(process::getppid(), 0) == Err(Errno::EPERM) {
        let _ = signal::kill(-1, libc::SIGKILL);
    } else {
        let _ = kill_children();
    }
}

/// SIGKILL to the children of this thread; theirs become ours when they end.
fn kill_children() -> Result<()> {
    let list = fs::open(c"/proc/thread-self/children", fs::OFlags::empty())?;
    let mut text = [0; 4096];
    let len = fs::read(list.as_fd(), &mut text)?;
    let text = text.get(..len).ok_or(Errno::EIO)?;
    // A number that is cut off at the end of a full buffer is left for the next round.
    for number in text.split_inclusive(|byte| *byte == b' ').filter(|number| number.ends_with(b" ")) {
        let pid = core::str::from_utf8(number).ok().and_then(|number| number.trim_ascii_end().parse().ok());
        if let Some(pid @ 2..) = pid {
            let _ = signal::kill(pid, libc::SIGKILL);
        }
    }
    Ok(())
}
