//! [clock_gettime(2)] and [timerfd_create(2)]: the time, and a descriptor that is readable from a moment on.
//!
//! [clock_gettime(2)]: https://man7.org/linux/man-pages/man2/clock_gettime.2.html
//! [timerfd_create(2)]: https://man7.org/linux/man-pages/man2/timerfd_create.2.html

#![expect(unsafe_code, reason = "clock_gettime(2), timerfd_create(2), timerfd_settime(2)")]

use core::time::Duration;

use crate::{AsFd, OwnedFd, Result, conv, kind, nr, syscall, wide};

/// `struct __kernel_timespec`, with fields of 64 bits everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Timespec {
    /// Seconds; of a time of day, since 1970.
    pub sec: i64,
    /// Nanoseconds; for utimensat(2) also `UTIME_NOW` or `UTIME_OMIT`.
    pub nsec: i64,
}
const _: () = assert!(size_of::<Timespec>() == 16);

impl From<Duration> for Timespec {
    fn from(time: Duration) -> Self {
        let sec = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self { sec, nsec: time.subsec_nanos().into() }
    }
}

/// `CLOCK_MONOTONIC`: the time since some moment in the past; it never goes back.
#[must_use]
pub fn monotonic() -> Duration {
    let mut time = Timespec::default();
    // SAFETY: the kernel writes one timespec; any bytes are a valid one.
    let _ = unsafe { syscall!(wide::CLOCK_GETTIME, libc::CLOCK_MONOTONIC, &mut time) };
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Duration::from_secs(count(time.sec)).saturating_add(Duration::from_nanos(count(time.nsec)))
}

kind! {
    /// A timer: readable when its time is over.
    TimerFd
}

/// timerfd_create(2) of `CLOCK_MONOTONIC`, close-on-exec, started: it is over after this time.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`, `ENOMEM`.
pub fn timer(after: Duration) -> Result<TimerFd> {
    // SAFETY: no memory is touched.
    let fd = unsafe { syscall!(nr::TIMERFD_CREATE, libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC)? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    let timer = TimerFd(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) });
    // `struct __kernel_itimerspec`: how often it is over again, which is never, and when it is over first.
    // Zero would stop the timer.
    let spec = [Timespec::default(), after.max(Duration::from_nanos(1)).into()];
    // SAFETY: the kernel reads one itimerspec; the pointer to the old one is null.
    unsafe { syscall!(wide::TIMERFD_SETTIME, timer.as_fd(), 0u32, &spec, 0usize)? };
    Ok(timer)
}
