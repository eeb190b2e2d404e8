//! A notification: a target that waits, and that must be answered exactly once.

use core::cell::Cell;

use sandlock_sys::fd::AsFd;
use sandlock_sys::process::{self, PidFd};
use sandlock_sys::seccomp::{self, Data, ListenerFd, Notif};
use sandlock_sys::{Errno, OwnedFd, Result};

use crate::call::Call;
use crate::proc;
use crate::target::{Target, UserAddr};

/// Why it is safe that the kernel runs the call with whatever its arguments are *by then*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The decision came from numbers in registers, which nobody can change while the target waits.
    RegistersOnly,
    /// Nothing was decided: Landlock, or the kernel's own rules, judge the call when it runs.
    KernelDecides,
}

/// An answer.
#[derive(Debug)]
pub enum Response {
    /// The call fails with this.
    Errno(Errno),
    /// The call returns this.
    Return(i64),
    /// The call returns a new descriptor of the target for this open file, in one step.
    Fd {
        /// What the target gets a duplicate of.
        fd: OwnedFd,
        /// Whether its descriptor is close-on-exec.
        cloexec: bool,
    },
    /// The kernel runs the call.
    Continue(Why),
}

/// The thread whose descriptor was asked for last, by its ID: mostly it is the next one too. A pidfd of its whole process serves only
/// the notification with this cookie.
#[derive(Default)]
pub struct Known(Cell<Option<(i32, Option<u64>, PidFd)>>);

/// A target that waits. Dropping it unanswered answers `ENOSYS`, as the kernel does when the listener is gone.
#[must_use = "the target waits for an answer"]
pub struct Notification<'l> {
    listener: &'l ListenerFd,
    notif: Notif,
    known: &'l Known,
    answered: bool,
}

/// Takes the next notification. Ask poll first: without a target left this blocks or fails, by kernel version.
///
/// # Errors
///
/// `EINTR` and what else the ioctl says. A target that went away first is no error: `None`.
pub fn recv<'l>(listener: &'l ListenerFd, known: &'l Known) -> Result<Option<Notification<'l>>> {
    match seccomp::notif_recv(listener) {
        Ok(notif) => Ok(Some(Notification { listener, notif, known, answered: false })),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

impl Notification<'_> {
    /// The call, for a handler.
    pub const fn call(&self) -> Call<'_> {
        Call::new(self.notif.id, &self.notif.data, self)
    }

    /// The registers.
    #[must_use]
    pub const fn data(&self) -> &Data {
        &self.notif.data
    }

    /// Whether the target still waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        seccomp::notif_id_valid(self.listener, self.notif.id).is_ok()
    }

    /// Answers. That the target is gone by now is no failure of the supervisor's.
    pub fn reply(mut self, response: Response) {
        self.answered = true;
        let (listener, id) = (self.listener, self.notif.id);
        let sent = match response {
            Response::Errno(errno) => seccomp::notif_send_errno(listener, id, errno),
            Response::Return(value) => seccomp::notif_send_value(listener, id, value),
            Response::Continue(Why::RegistersOnly | Why::KernelDecides) => {
                seccomp::notif_send_continue(listener, id)
            }
            Response::Fd { fd, cloexec } => seccomp::notif_addfd_send(listener, id, fd.as_fd(), cloexec),
        };
        match sent {
            Ok(()) | Err(Errno::ENOENT) => {}
            // The answer did not get through (the target's descriptor table is full): the call fails, it never goes on.
            Err(errno) => {
                let _ = seccomp::notif_send_errno(listener, id, errno);
            }
        }
    }

    fn still_there(&self) -> Result<()> {
        seccomp::notif_id_valid(self.listener, self.notif.id)
    }
}

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let _ = seccomp::notif_send_errno(self.listener, self.notif.id, Errno::ENOSYS);
        }
    }
}

impl Target for Notification<'_> {
    fn tid(&self) -> i32 {
        self.notif.pid.cast_signed()
    }

    fn read(&self, from: UserAddr, buffer: &mut [u8]) -> Result<usize> {
        let address = usize::try_from(from.0).map_err(|_| Errno::EFAULT)?;
        let len = process::vm_readv(self.tid(), address, buffer)?;
        // Read first and ask second: a cookie that is valid *after* the copy proves that the copy came from the target.
        self.still_there()?;
        Ok(len)
    }

    fn write_both(&self, [one, other]: [(UserAddr, &[u8]); 2]) -> Result<()> {
        let at = |to: UserAddr| usize::try_from(to.0).map_err(|_| Errno::EFAULT);
        let parts = [(at(one.0)?, one.1), (at(other.0)?, other.1)];
        // Here the question comes first, for a write cannot be taken back. An ID is reused only after the target ended and
        // all others were handed out, and the kernel lets us write to processes of our own user only.
        self.still_there()?;
        let len = process::vm_writev(self.tid(), parts)?;
        if len == one.1.len().saturating_add(other.1.len()) { Ok(()) } else { Err(Errno::EFAULT) }
    }

    fn descriptor(&self, fd: i32) -> Result<OwnedFd> {
        let tid = self.tid();
        if let Some((number, only, pidfd)) = self.known.0.take()
            && number == tid
            && only.is_none_or(|id| id == self.notif.id)
        {
            let found = process::pidfd_getfd(&pidfd, fd);
            // The thread it names is there, so the number is still that one's, and was when the target called.
            if found != Err(Errno::ESRCH) {
                self.known.0.set(Some((number, only, pidfd)));
                return found;
            }
        }
        let (pidfd, only) = match process::pidfd_open(tid, true) {
            // Before 6.9 there are pidfds of whole processes only. When the thread has ended, its number may be another process's.
            Err(Errno::EINVAL) => {
                (process::pidfd_open(proc::thread_group(tid)?, false)?, Some(self.notif.id))
            }
            other => (other?, None),
        };
        // The cookie is asked about after the ID was looked up: the ID was the target's then, and a pidfd stays with whom it names.
        self.still_there()?;
        let found = process::pidfd_getfd(&pidfd, fd);
        self.known.0.set(Some((tid, only, pidfd)));
        found
    }
}
