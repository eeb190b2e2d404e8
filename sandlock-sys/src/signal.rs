//! [signal(7)]: masks, dispositions, sending, and signals read from a descriptor.
//!
//! [signal(7)]: https://man7.org/linux/man-pages/man7/signal.7.html

#![expect(unsafe_code, reason = "rt_sigprocmask(2), rt_sigaction(2), signalfd4(2), kill(2)")]

use crate::process::PidFd;
use crate::{AsFd, Errno, OwnedFd, Pid, Result, Signal, conv, kind, nr, syscall};

/// The kernel's `sigset_t`: bit n−1 for signal n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct SigSet(u64);

impl SigSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// Every signal that can be blocked.
    pub const ALL: Self = Self(!0);

    /// With one more.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | Self::bit(signal))
    }

    /// With one less.
    #[must_use]
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !Self::bit(signal))
    }

    /// The kernel's bits: bit n−1 for signal n.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Zero for a number outside 1 to 64.
    const fn bit(signal: Signal) -> u64 {
        match signal.get() {
            number @ 1..=64 => 1u64.rotate_left(number.cast_unsigned().wrapping_sub(1)),
            _ => 0,
        }
    }
}

/// `rt_sigprocmask(SIG_SETMASK)`: replaces the calling thread's mask and returns the former one.
///
/// # Errors
///
/// None that the kernel returns for a valid set.
pub fn set_mask(set: SigSet) -> Result<SigSet> {
    let mut old = SigSet::EMPTY;
    // SAFETY: the kernel reads one 8-byte set and writes one; any bytes are a valid one.
    unsafe { syscall!(nr::RT_SIGPROCMASK, libc::SIG_SETMASK, &set, &mut old, size_of::<SigSet>())? };
    Ok(old)
}

/// `struct sigaction` of the kernel: handler, flags, restorer and mask, in this order on every architecture
/// here; not all have a restorer.
#[derive(Default)]
#[repr(C)]
struct Action {
    words: [usize; 3],
    mask: SigSet,
}

/// Gives every signal that has a handler its default disposition back; ignored ones stay ignored, but for
/// `SIGPIPE`, which language run-times ignore on their own account. For a new process that shares memory with
/// its maker, whose handlers must not run in it.
///
/// # Errors
///
/// None that the kernel returns for a valid signal.
pub fn reset_handlers() -> Result<()> {
    for signal in (1..=64).map(Signal::new) {
        let mut old = Action::default();
        // SAFETY: the kernel reads nothing and writes one sigaction at most as long as ours.
        unsafe { syscall!(nr::RT_SIGACTION, signal, 0usize, &mut old, size_of::<SigSet>())? };
        match old.words {
            [libc::SIG_DFL, ..] => {}
            [libc::SIG_IGN, ..] if signal != Signal::PIPE => {}
            _ => set_default(signal)?,
        }
    }
    Ok(())
}

/// Gives one signal its default disposition, without flags.
///
/// # Errors
///
/// `EINVAL`: no such signal, or one whose disposition is fixed.
pub fn set_default(signal: Signal) -> Result<()> {
    // SAFETY: the kernel reads one sigaction, all zero: the default disposition, no flags, an empty mask.
    unsafe { syscall!(nr::RT_SIGACTION, signal, &Action::default(), 0usize, size_of::<SigSet>()) }.map(drop)
}

/// kill(2) of one process, or of [`Pid::ALL`]. Number 0 is the caller's process group.
///
/// # Errors
///
/// * `ESRCH`: there is no such process.
/// * `EPERM`: credentials or a Landlock scope forbid it.
pub fn kill(pid: Pid, signal: Signal) -> Result<()> {
    // SAFETY: no memory is touched; what the signal does is not memory-unsafe for the sender.
    unsafe { syscall!(nr::KILL, pid, signal) }.map(drop)
}

/// kill(2) of every process in a group.
///
/// # Errors
///
/// As [`kill`].
pub fn kill_group(group: Pid, signal: Signal) -> Result<()> {
    kill(Pid::new(group.get().wrapping_neg()), signal)
}

/// `pidfd_send_signal(2)`
///
/// # Errors
///
/// As [`kill`].
pub fn pidfd_send_signal(pidfd: &PidFd, signal: Signal) -> Result<()> {
    // SAFETY: the info pointer is null, so no memory is touched.
    unsafe { syscall!(nr::PIDFD_SEND_SIGNAL, pidfd.as_fd(), signal, 0usize, 0u32) }.map(drop)
}

kind! {
    /// A descriptor that signals are read from.
    SignalFd
}

/// `struct signalfd_siginfo`, of which we name the start.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SigInfo {
    /// The signal.
    pub signo: Signal,
    /// Unused by the kernel.
    pub errno: i32,
    /// `SI_USER` (0) and below for a process, `SI_KERNEL` (0x80) for the kernel, the terminal among it.
    pub code: i32,
    /// The sender.
    pub pid: Pid,
    rest: [u64; 14],
}
const _: () = assert!(size_of::<SigInfo>() == 128);

/// `signalfd4(2)`, close-on-exec and non-blocking. The signals must be blocked, or they go their usual way.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`, `ENOMEM`.
pub fn signalfd(set: SigSet) -> Result<SignalFd> {
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: the kernel reads one 8-byte set.
    let fd = unsafe { syscall!(nr::SIGNALFD4, -1i32, &set, size_of::<SigSet>(), flags)? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    Ok(SignalFd(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) }))
}

/// Takes one pending signal.
///
/// # Errors
///
/// `EAGAIN`: none is pending.
pub fn read_signal(fd: &SignalFd) -> Result<SigInfo> {
    let mut info = SigInfo { signo: Signal::NONE, errno: 0, code: 0, pid: Pid::SELF, rest: [0; 14] };
    // SAFETY: the kernel writes whole signalfd_siginfo structures, here one; any bytes are a valid one.
    let len = unsafe { syscall!(nr::READ, fd.as_fd(), &mut info, size_of::<SigInfo>())? };
    if len == size_of::<SigInfo>() { Ok(info) } else { Err(Errno::EIO) }
}
