//! Closing duplicates of a target's files without ever sleeping in the loop.

use core::cell::{Cell, RefCell};

use sandlock_sys::mm::FixedVec;
use sandlock_sys::{AsFd, OwnedFd, net};

/// How many files can wait for a worker that closes them, and with how many no further call is received.
const MAX_LEFT: usize = 8192;
const ENOUGH: usize = 512;

/// Closes the files that close at once, and keeps the rest for a worker: a file whose file system is asked
/// about its close (FUSE, NFS), and a socket that lingers, if the target has closed its own descriptor
/// meanwhile.
#[derive(Debug)]
pub struct Closer {
    /// Whether a socket of the target's may linger. Only a call that the supervisor performs makes one
    /// linger, and this is set before.
    lingering: Cell<bool>,
    left: RefCell<FixedVec<OwnedFd>>,
}

impl Closer {
    /// Nothing is left to close. `lingering`: the target was born with a socket, which may linger.
    #[must_use]
    pub const fn new(lingering: bool) -> Self {
        Self { lingering: Cell::new(lingering), left: RefCell::new(FixedVec::new(MAX_LEFT)) }
    }

    /// From now on every socket is looked at before it is closed.
    pub fn sockets_linger(&self) {
        self.lingering.set(true);
    }

    /// Closes a file, or leaves it to a worker.
    pub fn close(&self, file: OwnedFd, is_socket: bool) {
        let waits = || net::linger(file.as_fd()).map_or(true, net::Linger::waits);
        if is_socket && !(self.lingering.get() && waits()) {
            return;
        }
        if let Err(file) = self.left.borrow_mut().push(file) {
            // The descriptor is lost until the supervisor ends; closing it here could stop the supervisor.
            let _ = file.into_raw();
        }
    }

    /// Whether calls may leave more. A call leaves 64 at most, and one that waits leaves its own.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.left.borrow().len() < ENOUGH
    }

    /// Whether a worker has something to close.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !self.left.borrow().is_empty()
    }

    /// One file that a worker is to close.
    pub fn take(&self) -> Option<OwnedFd> {
        self.left.borrow_mut().swap_remove(0)
    }
}

impl Drop for Closer {
    /// Closing these could sleep, and no worker is left.
    fn drop(&mut self) {
        while let Some(file) = self.take() {
            let _ = file.into_raw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_more_is_received_until_workers_have_closed_what_is_left() {
        let closer = Closer::new(false);
        for _ in 0..ENOUGH {
            assert!(closer.has_room());
            let (file, socket) = net::socketpair(libc::SOCK_SEQPACKET).unwrap();
            closer.close(socket, true);
            closer.close(file, false);
        }
        assert!(!closer.has_room() && closer.is_needed());
        drop(closer.take());
        assert!(closer.has_room());
        while closer.take().is_some() {}
        assert!(!closer.is_needed());
    }
}
