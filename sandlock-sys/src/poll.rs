//! [poll(2)]: waiting for several descriptors at once.
//!
//! [poll(2)]: https://man7.org/linux/man-pages/man2/poll.2.html

#![expect(unsafe_code, reason = "ppoll(2)")]

use core::mem::offset_of;
use core::time::Duration;

use bitflags::bitflags;

use crate::time::Timespec;
use crate::{AsFd, BorrowedFd, Errno, OwnedFd, Result, conv, fs, kind, nr, syscall, wide};

bitflags! {
    /// `POLL*`
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    #[repr(transparent)]
    pub struct Events: u16 {
        /// `POLLIN`: something can be read.
        const IN = 1;
        /// `POLLOUT`: something can be written.
        const OUT = 4;
        /// `POLLERR`: reported unasked.
        const ERR = 8;
        /// `POLLHUP`: reported unasked.
        const HUP = 0x10;
        /// `POLLNVAL`: not open; reported unasked.
        const NVAL = 0x20;
        /// `POLLRDHUP`: the other end will write no more.
        const RDHUP = 0x2000;
        /// Bits this list does not name.
        const _ = !0;
    }
}

/// `struct pollfd`: a descriptor, the events asked of it, the events found.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct PollFd {
    fd: i32,
    events: Events,
    revents: Events,
}
const _: () = assert!(size_of::<PollFd>() == 8 && offset_of!(PollFd, revents) == 6);

impl PollFd {
    /// A row that the kernel skips.
    pub const NONE: Self = Self { fd: -1, events: Events::empty(), revents: Events::empty() };

    /// Asks for `events` on `fd`. The number is kept, not the loan: a descriptor closed since is `POLLNVAL`.
    #[must_use]
    pub const fn new(fd: BorrowedFd<'_>, events: Events) -> Self {
        Self { fd: fd.as_raw(), events, revents: Events::empty() }
    }

    /// Whether the kernel looks at it at all.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.fd >= 0
    }

    /// What the last wait found.
    #[must_use]
    pub const fn found(&self) -> Events {
        self.revents
    }
}

/// `ppoll(2)`: waits until a row has found something or the time is over (`None`: no end). Returns how many
/// rows found something.
///
/// # Errors
///
/// * `EINTR`: a signal handler ran.
/// * `EINVAL`: more rows than `RLIMIT_NOFILE`.
pub fn ppoll(rows: &mut [PollFd], timeout: Option<Duration>) -> Result<usize> {
    let mut time = timeout.map(Timespec::from);
    let time = time.as_mut().map_or(core::ptr::null_mut(), core::ptr::from_mut);
    let len = u32::try_from(rows.len()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel reads and writes `len` pollfd rows, and reads one timespec and writes the time left
    // back into it, if there is one.
    unsafe { syscall!(wide::PPOLL, rows.as_mut_ptr(), len, time, 0usize, 0usize) }
}

kind! {
    /// An eventfd(2): readable from the moment it is signalled until it is cleared.
    EventFd
}

impl EventFd {
    /// eventfd2(2), close-on-exec and non-blocking.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new() -> Result<Self> {
        // SAFETY: no memory is touched.
        let fd = unsafe { syscall!(nr::EVENTFD2, 0u32, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)? };
        // SAFETY: the kernel returned a new descriptor that no other code owns.
        Ok(Self(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) }))
    }

    /// Makes it readable.
    pub fn signal(&self) {
        let _ = fs::write(self.as_fd(), &1u64.to_ne_bytes());
    }

    /// Makes it unreadable.
    pub fn clear(&self) {
        let _ = fs::read(self.as_fd(), &mut [0; size_of::<u64>()]);
    }
}
