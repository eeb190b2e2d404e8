//! A notification: a target that waits, and that must be answered exactly once.

use core::cell::Cell;

use sandlock_sys::fd::AsFd;
use sandlock_sys::fs::OFlags;
use sandlock_sys::process::{self, PidFd, PidfdFlags};
use sandlock_sys::seccomp::{self, Data, ListenerFd, Notif};
use sandlock_sys::{Errno, OwnedFd, Pid, Result};

use crate::{Closer, ContinueReason, Response, Target, UserAddr, proc};

/// One-entry cache of the last target's pidfd, keyed by thread ID: consecutive notifications usually come
/// from one thread. A pidfd of a process (before Linux 6.9) is used again only for the notification whose
/// cookie is stored with it.
#[derive(Default)]
pub struct PidfdCache(Cell<Option<(Pid, Option<u64>, PidFd)>>);

/// A target that waits. Dropping it unanswered answers `ENOSYS`, as the kernel does when the listener is
/// gone.
#[derive(Debug)]
#[must_use = "the target waits for an answer"]
pub struct Notification<'l> {
    listener: &'l ListenerFd,
    notif: Notif,
    answered: bool,
}

/// Takes the next notification. Ask poll first: without a target left this blocks or fails, by kernel
/// version.
///
/// # Errors
///
/// `EINTR` and the other errors of the ioctl. A target that went away first is no error: `None`.
pub fn recv(listener: &ListenerFd) -> Result<Option<Notification<'_>>> {
    match seccomp::notif_recv(listener) {
        Ok(notif) => Ok(Some(Notification::new(listener, notif))),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

impl<'l> Notification<'l> {
    /// A notification that was received, and that only this value answers.
    pub const fn new(listener: &'l ListenerFd, notif: Notif) -> Self {
        Self { listener, notif, answered: false }
    }

    /// The notification as it was received, without an answer.
    #[must_use = "the target waits for an answer"]
    pub fn into_notif(mut self) -> Notif {
        self.answered = true;
        self.notif
    }

    /// The registers.
    #[must_use]
    pub const fn data(&self) -> &Data {
        &self.notif.data
    }

    /// The thread ID of the target.
    #[must_use]
    pub const fn tid(&self) -> Pid {
        self.notif.pid
    }

    /// Whether the target still waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.still_there().is_ok()
    }

    /// Answers. That the target is gone by now is no failure of the supervisor's.
    pub fn reply(mut self, response: Response) {
        self.answered = true;
        let (listener, id) = (self.listener, self.notif.id);
        let sent = match response {
            Response::Errno(errno) => seccomp::notif_send_errno(listener, id, errno),
            Response::Return(value) => seccomp::notif_send_value(listener, id, value),
            Response::Restart => seccomp::notif_send_errno(listener, id, Errno::ERESTARTSYS),
            Response::Continue(
                ContinueReason::RegistersOnly | ContinueReason::KernelDecides | ContinueReason::Observed,
            ) => seccomp::notif_send_continue(listener, id),
            Response::Swap { fd, at, value } => {
                let swapped =
                    seccomp::notif_addfd(listener, id, fd.as_fd(), OFlags::CLOEXEC, Some(at), false);
                swapped.and_then(|()| seccomp::notif_send_value(listener, id, value))
            }
            Response::Fd { fd, cloexec, at } => {
                let flags = if cloexec { OFlags::CLOEXEC } else { OFlags::empty() };
                let add = |at| seccomp::notif_addfd(listener, id, fd.as_fd(), flags, at, true);
                match add(at) {
                    Err(Errno::EBADF) => add(None),
                    sent => sent,
                }
            }
        };
        match sent {
            Ok(()) | Err(Errno::ENOENT) => {}
            // The answer did not get through (the target's descriptor table is full): the call fails, it
            // never goes on.
            Err(errno) => {
                let _ = seccomp::notif_send_errno(listener, id, errno);
            }
        }
    }

    pub(crate) fn still_there(&self) -> Result<()> {
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

/// The target of a notification, as the supervisor's loop reaches it.
#[derive(Clone, Copy)]
pub struct Waiting<'a> {
    /// The notification.
    pub notification: &'a Notification<'a>,
    /// The pidfd of the last target.
    pub cache: &'a PidfdCache,
    /// Where duplicates of the target's files go.
    pub closer: &'a Closer,
}

impl Target for Waiting<'_> {
    fn tid(&self) -> Pid {
        self.notification.tid()
    }

    fn read(&self, from: UserAddr, buffer: &mut [u8]) -> Result<usize> {
        let address = usize::try_from(from.0).map_err(|_| Errno::EFAULT)?;
        let len = process::vm_readv(self.tid(), address, buffer)?;
        // Read first and ask second: a cookie that is valid *after* the copy proves that the copy came from
        // the target.
        self.notification.still_there()?;
        Ok(len)
    }

    fn write_both(&self, [one, other]: [(UserAddr, &[u8]); 2]) -> Result<()> {
        let at = |to: UserAddr| usize::try_from(to.0).map_err(|_| Errno::EFAULT);
        let parts = [(at(one.0)?, one.1), (at(other.0)?, other.1)];
        // Here the question comes first, for a write cannot be taken back. An ID is reused only after the
        // target ended and all others were handed out, and the kernel lets us write to processes of our own
        // user only.
        self.notification.still_there()?;
        let len = process::vm_writev(self.tid(), parts)?;
        if len == one.1.len().saturating_add(other.1.len()) { Ok(()) } else { Err(Errno::EFAULT) }
    }

    fn file(&self, fd: i32) -> Result<OwnedFd> {
        let tid = self.tid();
        let cookie = self.notification.notif.id;
        if let Some((number, only, pidfd)) = self.cache.0.take()
            && number == tid
            && only.is_none_or(|id| id == cookie)
        {
            let found = process::pidfd_getfd(&pidfd, fd);
            // The thread of the pidfd is there, so the number is still that one's, and was when the target
            // called.
            if found != Err(Errno::ESRCH) {
                self.cache.0.set(Some((number, only, pidfd)));
                return found;
            }
        }
        let of_process = PidfdFlags::empty();
        let (pidfd, only) = match process::pidfd_open(tid, PidfdFlags::THREAD) {
            // Before 6.9 there are pidfds of whole processes only. When the thread has ended, its number may
            // be another process's.
            Err(Errno::EINVAL) => (process::pidfd_open(proc::thread_group(tid)?, of_process)?, Some(cookie)),
            other => (other?, None),
        };
        // The cookie is asked about after the ID was looked up: the ID was the target's then, and a pidfd
        // never names another.
        self.notification.still_there()?;
        let found = process::pidfd_getfd(&pidfd, fd);
        self.cache.0.set(Some((tid, only, pidfd)));
        found
    }

    fn release(&self, file: OwnedFd, is_socket: bool) {
        self.closer.close(file, is_socket);
    }

    fn sockets_linger(&self) {
        self.closer.sockets_linger();
    }
}
