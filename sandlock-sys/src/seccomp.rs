//! [seccomp(2)] and [seccomp_unotify(2)]: filters, and the listener that answers what they hand over.
//!
//! Constants and structures are those of `linux/seccomp.h` and `linux/filter.h`.
//!
//! [seccomp(2)]: https://man7.org/linux/man-pages/man2/seccomp.2.html
//! [seccomp_unotify(2)]: https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html

#![expect(unsafe_code, reason = "seccomp(2) and its ioctls")]

use core::mem::offset_of;

use bitflags::bitflags;

use crate::fs::OFlags;
use crate::ioctl::{READ_WRITE, WRITE, ioc};
use crate::prctl::NoNewPrivs;
use crate::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Result, conv, kind, nr, syscall};

pub use crate::filter::{Data, SockFilter};

/// `SECCOMP_SET_MODE_FILTER`
const SET_MODE_FILTER: u32 = 1;
/// `SECCOMP_GET_ACTION_AVAIL`
const GET_ACTION_AVAIL: u32 = 2;
/// `SECCOMP_GET_NOTIF_SIZES`
const GET_NOTIF_SIZES: u32 = 3;

bitflags! {
    /// `SECCOMP_FILTER_FLAG_*`
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct FilterFlags: u32 {
        /// `SECCOMP_FILTER_FLAG_TSYNC`: every thread of the process (Linux 3.17).
        const TSYNC = 1;
        /// `SECCOMP_FILTER_FLAG_LOG`: log every action but allow (4.14).
        const LOG = 2;
        /// `SECCOMP_FILTER_FLAG_SPEC_ALLOW`: no speculation mitigation (4.17).
        const SPEC_ALLOW = 4;
        /// `SECCOMP_FILTER_FLAG_NEW_LISTENER`: return a listener (5.0).
        const NEW_LISTENER = 8;
        /// `SECCOMP_FILTER_FLAG_TSYNC_ESRCH`: fail with `ESRCH` instead of a thread ID (5.7).
        const TSYNC_ESRCH = 0x10;
        /// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`: once received, only a fatal signal interrupts the target
        /// (5.19).
        const WAIT_KILLABLE_RECV = 0x20;
        /// Bits this list does not know yet.
        const _ = !0;
    }
}

/// `struct sock_fprog`: a program as the kernel takes it.
#[repr(C)]
struct SockFprog {
    len: u16,
    filter: *const SockFilter,
}
const _: () = assert!(offset_of!(SockFprog, filter) == size_of::<usize>());

/// `struct seccomp_notif`: a call that waits for an answer.
#[doc(alias = "seccomp_notif")]
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct Notif {
    /// The cookie, unique as long as the listener lives.
    pub id: u64,
    /// The thread ID of the target in the supervisor's PID namespace, 0 if it is not visible there.
    pub pid: Pid,
    /// Zero so far.
    pub flags: u32,
    /// The call.
    pub data: Data,
}
const _: () = assert!(size_of::<Notif>() == 80 && offset_of!(Notif, data) == 16);

/// `struct seccomp_notif_resp`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
struct NotifResp {
    id: u64,
    val: i64,
    error: i32,
    flags: u32,
}
const _: () = assert!(size_of::<NotifResp>() == 24 && offset_of!(NotifResp, flags) == 20);

/// `struct seccomp_notif_addfd`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
struct NotifAddfd {
    id: u64,
    flags: u32,
    srcfd: u32,
    newfd: u32,
    newfd_flags: u32,
}
const _: () = assert!(size_of::<NotifAddfd>() == 24 && offset_of!(NotifAddfd, newfd_flags) == 20);

/// `struct seccomp_notif_sizes`: how large the running kernel's structures are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct NotifSizes {
    /// Of `struct seccomp_notif`.
    pub notif: u16,
    /// Of `struct seccomp_notif_resp`.
    pub resp: u16,
    /// Of `struct seccomp_data`.
    pub data: u16,
}
const _: () = assert!(size_of::<NotifSizes>() == 6);

const NOTIF_RECV: u32 = ioc(READ_WRITE, b'!', 0, size_of::<Notif>());
const NOTIF_SEND: u32 = ioc(READ_WRITE, b'!', 1, size_of::<NotifResp>());
const NOTIF_ID_VALID: u32 = ioc(WRITE, b'!', 2, size_of::<u64>());
const NOTIF_ADDFD: u32 = ioc(WRITE, b'!', 3, size_of::<NotifAddfd>());
const NOTIF_SET_FLAGS: u32 = ioc(WRITE, b'!', 4, size_of::<u64>());

/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`
const FLAG_CONTINUE: u32 = 1;
/// `SECCOMP_ADDFD_FLAG_SETFD`
const ADDFD_SETFD: u32 = 1;
/// `SECCOMP_ADDFD_FLAG_SEND`
const ADDFD_SEND: u32 = 2;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`
const SYNC_WAKE_UP: usize = 1;

kind! {
    /// The listener of a filter: notifications come out, answers go in.
    ListenerFd
}

impl ListenerFd {
    /// Takes a descriptor over after asking the kernel whether it is a listener.
    ///
    /// # Errors
    ///
    /// `ENOTTY`, `EINVAL`: it is something else.
    pub fn check(fd: OwnedFd) -> Result<Self> {
        let listener = Self(fd);
        // A listener knows no cookie 0 (cookies start at 1); any other file does not know the ioctl.
        match notif_id_valid(&listener, 0) {
            Err(Errno::ENOENT) => Ok(listener),
            Err(errno) => Err(errno),
            Ok(()) => Err(Errno::EINVAL),
        }
    }
}

/// `SECCOMP_SET_MODE_FILTER`: restricts the calling thread and what it will fork or execute, for good.
///
/// # Errors
///
/// * `EINVAL`: the program breaks a rule of the kernel, or a flag is unknown to it.
/// * `ENOMEM`: the filters of this thread are too long together.
/// * `ESRCH`: with `TSYNC`, another thread has filters of its own, and nothing was installed.
pub fn set_mode_filter(program: &[SockFilter], flags: FilterFlags, privs: &NoNewPrivs) -> Result<()> {
    if flags.contains(FilterFlags::NEW_LISTENER) {
        return Err(Errno::EINVAL);
    }
    // Without TSYNC_ESRCH the kernel returns the ID (> 0) of a thread that could not be synchronized.
    if install(program, flags, privs)? == 0 { Ok(()) } else { Err(Errno::ESRCH) }
}

/// The same with `NEW_LISTENER`: the calls that the program answers with `USER_NOTIF` wait for the listener.
///
/// # Errors
///
/// * `EBUSY`: a filter of this thread has a listener that is still open; there can be one.
/// * and those of [`set_mode_filter`].
pub fn set_mode_filter_listener(
    program: &[SockFilter],
    flags: FilterFlags,
    privs: &NoNewPrivs,
) -> Result<ListenerFd> {
    let fd = install(program, flags.union(FilterFlags::NEW_LISTENER), privs)?;
    // SAFETY: with NEW_LISTENER the kernel returned a new descriptor that no other code owns.
    Ok(ListenerFd(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) }))
}

fn install(program: &[SockFilter], flags: FilterFlags, _: &NoNewPrivs) -> Result<usize> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = SockFprog { len, filter: program.as_ptr() };
    // SAFETY: the kernel reads one sock_fprog and the `len` instructions it points to.
    unsafe { syscall!(nr::SECCOMP, SET_MODE_FILTER, flags.bits(), &program) }
}

/// `SECCOMP_GET_ACTION_AVAIL`: whether the kernel knows this action word (without data bits).
#[must_use]
pub fn action_available(action: u32) -> bool {
    // SAFETY: the kernel reads one u32.
    unsafe { syscall!(nr::SECCOMP, GET_ACTION_AVAIL, 0u32, &action) }.is_ok()
}

/// `SECCOMP_GET_NOTIF_SIZES`
///
/// # Errors
///
/// `EINVAL`: a kernel before 5.0.
pub fn notif_sizes() -> Result<NotifSizes> {
    let mut sizes = NotifSizes::default();
    // SAFETY: the kernel writes one seccomp_notif_sizes, and any bytes are a valid one.
    unsafe { syscall!(nr::SECCOMP, GET_NOTIF_SIZES, 0u32, &mut sizes)? };
    Ok(sizes)
}

/// `SECCOMP_IOCTL_NOTIF_RECV`: takes the next notification. It blocks, so ask [`poll`](crate::poll) first.
///
/// # Errors
///
/// * `ENOENT`: the target went away first, or no target is left; ask poll again.
/// * `EINTR`: the supervisor was interrupted.
pub fn notif_recv(listener: &ListenerFd) -> Result<Notif> {
    // With room behind it: a newer kernel may write a longer structure (its size is in notif_sizes()).
    let mut buffer = [Notif::default(), Notif::default()];
    // SAFETY: the kernel wants zeroed memory and writes one seccomp_notif, of which it knows versions up to
    // the size that `buffer` has; any bytes are valid ones.
    unsafe { syscall!(nr::IOCTL, listener.as_fd(), NOTIF_RECV, &mut buffer)? };
    let [notif, _] = buffer;
    Ok(notif)
}

/// `SECCOMP_IOCTL_NOTIF_SEND` with a return value.
///
/// # Errors
///
/// * `ENOENT`: no target waits under this cookie any more.
/// * `EINPROGRESS`: it was answered already.
pub fn notif_send_value(listener: &ListenerFd, id: u64, val: i64) -> Result<()> {
    send(listener, NotifResp { id, val, ..NotifResp::default() })
}

/// `SECCOMP_IOCTL_NOTIF_SEND` with an error.
///
/// # Errors
///
/// As [`notif_send_value`].
pub fn notif_send_errno(listener: &ListenerFd, id: u64, errno: Errno) -> Result<()> {
    // The kernel wants it negative: a positive one reaches the target as a return value.
    send(listener, NotifResp { id, error: errno.get().wrapping_neg(), ..NotifResp::default() })
}

/// `SECCOMP_IOCTL_NOTIF_SEND` with `SECCOMP_USER_NOTIF_FLAG_CONTINUE`: the kernel runs the call, with
/// whatever its pointer arguments point to by then.
///
/// # Errors
///
/// As [`notif_send_value`].
pub fn notif_send_continue(listener: &ListenerFd, id: u64) -> Result<()> {
    send(listener, NotifResp { id, flags: FLAG_CONTINUE, ..NotifResp::default() })
}

fn send(listener: &ListenerFd, resp: NotifResp) -> Result<()> {
    // SAFETY: the kernel reads one seccomp_notif_resp.
    uninterrupted(|| unsafe { syscall!(nr::IOCTL, listener.as_fd(), NOTIF_SEND, &resp) })
}

/// Repeats a request that was interrupted (by a stop, or a suspend of the machine) while it waited for the
/// listener's lock, before it did anything: `mutex_lock_interruptible` in `kernel/seccomp.c`.
fn uninterrupted(mut request: impl FnMut() -> Result<usize>) -> Result<()> {
    loop {
        match request() {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

/// `SECCOMP_IOCTL_NOTIF_ID_VALID`: whether the target still waits under this cookie. Asked *after* reading
/// its memory, it proves that the memory was the target's.
///
/// # Errors
///
/// `ENOENT`: it does not.
pub fn notif_id_valid(listener: &ListenerFd, id: u64) -> Result<()> {
    // SAFETY: the kernel reads one u64.
    uninterrupted(|| unsafe { syscall!(nr::IOCTL, listener.as_fd(), NOTIF_ID_VALID, &id) })
}

/// `SECCOMP_IOCTL_NOTIF_ADDFD`: gives the target a duplicate of `fd`, by the number `at` if there is one.
/// The only flag is `O_CLOEXEC`. With `sends` (`SECCOMP_ADDFD_FLAG_SEND`) its call is answered with the
/// number, in one step; without, it goes on waiting. All signals must be blocked: before 7.3, an interrupted
/// supervisor loses the descriptor and the target sees 0.
///
/// # Errors
///
/// * `ENOENT`, `EINPROGRESS`: as [`notif_send_value`].
/// * `EMFILE`: the target's table is full.
/// * `EBADF`: `at` is not below the target's `RLIMIT_NOFILE`.
pub fn notif_addfd(
    listener: &ListenerFd,
    id: u64,
    fd: BorrowedFd<'_>,
    flags: OFlags,
    at: Option<i32>,
    sends: bool,
) -> Result<()> {
    let addfd = NotifAddfd {
        id,
        flags: if sends { ADDFD_SEND } else { 0 } | if at.is_some() { ADDFD_SETFD } else { 0 },
        srcfd: u32::try_from(fd.as_raw()).map_err(|_| Errno::EBADF)?,
        newfd: at.map_or(0, i32::cast_unsigned),
        newfd_flags: flags.bits().cast_unsigned(),
    };
    // SAFETY: the kernel reads one seccomp_notif_addfd.
    unsafe { syscall!(nr::IOCTL, listener.as_fd(), NOTIF_ADDFD, &addfd) }.map(drop)
}

/// `SECCOMP_IOCTL_NOTIF_SET_FLAGS` with `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`: the supervisor and the target
/// wake each other on the same processor.
///
/// # Errors
///
/// `EINVAL`: a kernel before 6.6; everything works without.
pub fn sync_wake_up(listener: &ListenerFd) -> Result<()> {
    // SAFETY: the argument is the flags themselves; no memory is touched.
    unsafe { syscall!(nr::IOCTL, listener.as_fd(), NOTIF_SET_FLAGS, SYNC_WAKE_UP) }.map(drop)
}
