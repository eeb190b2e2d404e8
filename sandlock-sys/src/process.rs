//! Making, replacing, waiting for and looking into processes: clone(2), execve(2), waitid(2), `pidfd_*(2)`,
//! process_vm_readv(2).

#![expect(unsafe_code, reason = "process calls")]

use core::ffi::{CStr, c_char, c_void};
use core::mem::offset_of;

use bitflags::bitflags;
use libc::iovec;

use crate::arch::{self, Entry};
use crate::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Result, Signal, Uid, conv, kind, nr, syscall, wide};

kind! {
    /// A descriptor that names a process or a thread, and never another one.
    PidFd
}

impl PidFd {
    /// Takes a descriptor over after asking the kernel whether it is a pidfd, by a waitid(2) that waits for
    /// nothing and reaps nothing.
    ///
    /// # Errors
    ///
    /// `EBADF`: it is something else.
    pub fn check(fd: OwnedFd) -> Result<Self> {
        match wait(libc::P_PIDFD, fd.as_fd().as_raw(), WaitFlags::NOHANG | WaitFlags::NOWAIT) {
            Ok(_) | Err(Errno::ECHILD) => Ok(Self(fd)),
            Err(errno) => Err(errno),
        }
    }
}

bitflags! {
    /// `CLONE_*` of clone(2), as far as they are used here.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct CloneFlags: u32 {
        /// `CLONE_VM`: one address space.
        const VM = 0x100;
        /// `CLONE_FILES`: one descriptor table.
        const FILES = 0x400;
        /// `CLONE_VFORK`: the maker's thread sleeps until the new process executes or ends.
        const VFORK = 0x4000;
    }

    /// `W*` of waitid(2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct WaitFlags: i32 {
        /// `WNOHANG`: does not block.
        const NOHANG = libc::WNOHANG;
        /// `WNOWAIT`: leaves the child as it is, to be waited for again.
        const NOWAIT = libc::WNOWAIT;
        /// `WNOHANG | WSTOPPED | WCONTINUED`: every change that has happened already.
        const PENDING = libc::WNOHANG | libc::WSTOPPED | libc::WCONTINUED;
    }

    /// `PIDFD_*` of `linux/pidfd.h`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct PidfdFlags: i32 {
        /// `PIDFD_THREAD`: of a thread, also of one that does not lead its process (Linux 6.9).
        const THREAD = libc::O_EXCL;
    }
}

/// clone(2) on a stack of its own: the new process runs `entry(arg)`, and exits with what that returns.
/// Returns its process ID and its pidfd (`CLONE_PIDFD`). `signal` is sent when it ends: `SIGCHLD`, or none so
/// that an ordinary wait never sees it.
///
/// # Safety
///
/// * `stack` is memory that nothing else uses until the process has executed or ended, and enough for
///   `entry`.
/// * With [`CloneFlags::VM`], `entry(arg)` touches nothing of the shared memory that its maker or another
///   thread may touch at the same time (atomics apart), uses no thread-local state (no allocation, no panic,
///   no libc), and `arg` outlives it.
/// * With [`CloneFlags::FILES`], it closes no descriptor that other code owns before it has unshared the
///   table.
///
/// # Errors
///
/// * `EAGAIN`: `RLIMIT_NPROC` or the like.
/// * `ENOMEM`.
pub unsafe fn clone(
    flags: CloneFlags,
    signal: Signal,
    stack: &mut [u8],
    entry: Entry,
    arg: *mut c_void,
) -> Result<(Pid, PidFd)> {
    const CLONE_PIDFD: u32 = 0x1000;
    let top = stack.as_mut_ptr_range().end;
    let top = top.map_addr(|address| address & !15);
    let mut pidfd = -1i32;
    let bits = conv::usize_from_u32(flags.bits() | CLONE_PIDFD) | conv::usize_from_i32(signal.get() & 0xff);
    // SAFETY: `top` is the aligned end of `stack`; `pidfd` lives here; the rest is the caller's contract.
    let pid = Errno::split(unsafe { arch::clone_call(bits, top, &raw mut pidfd, entry, arg) })?;
    // SAFETY: with CLONE_PIDFD the kernel wrote a new descriptor that no other code owns.
    let pidfd = PidFd(unsafe { OwnedFd::from_raw(pidfd) });
    Ok((Pid::new(conv::i32_from_usize(pid)), pidfd))
}

/// A null-terminated array of C strings: `argv` or `envp`.
#[derive(Clone, Copy)]
pub struct Strings<'a>(&'a [Option<&'a CStrPtr>]);

/// What a C string pointer points to, as an opaque thin type.
#[repr(transparent)]
pub struct CStrPtr {
    _first: c_char,
}

impl<'a> Strings<'a> {
    /// Wraps pointers whose last is null.
    #[must_use]
    pub fn new(pointers: &'a [Option<&'a CStrPtr>]) -> Option<Self> {
        matches!(pointers.last(), Some(None)).then_some(Self(pointers))
    }
}

impl CStrPtr {
    /// The thin pointer to a C string.
    #[must_use]
    pub fn new(string: &CStr) -> &Self {
        // SAFETY: a C string has one byte at least, and CStrPtr is read through by the kernel only.
        unsafe { &*string.as_ptr().cast::<Self>() }
    }
}

/// The sixth register of our own [`execve`], which the kernel ignores: a filter tells the call by it.
pub const EXECVE_MARK: u32 = 0x5a4d_10c5;

/// execve(2). It returns only to report a failure.
///
/// # Errors
///
/// `ENOENT`, `EACCES`, `ENOEXEC`, `E2BIG`, …
#[must_use]
pub fn execve(path: &CStr, argv: Strings<'_>, envp: Strings<'_>) -> Errno {
    // SAFETY: the kernel reads the path and two null-terminated arrays of C strings; on success this program
    // is gone.
    let failed = unsafe { syscall!(nr::EXECVE, path, argv.0.as_ptr(), envp.0.as_ptr(), 0, 0, EXECVE_MARK) };
    failed.err().unwrap_or(Errno::EIO)
}

/// getpid(2)
#[must_use]
pub fn getpid() -> Pid {
    // SAFETY: no memory is touched.
    Pid::new(unsafe { syscall!(nr::GETPID) }.map_or(-1, conv::i32_from_usize))
}

/// gettid(2)
#[must_use]
pub fn gettid() -> Pid {
    // SAFETY: no memory is touched.
    Pid::new(unsafe { syscall!(nr::GETTID) }.map_or(-1, conv::i32_from_usize))
}

/// getppid(2), [`Pid::SELF`] (0) if the parent is not visible here.
#[must_use]
pub fn getppid() -> Pid {
    // SAFETY: no memory is touched.
    Pid::new(unsafe { syscall!(nr::GETPPID) }.map_or(-1, conv::i32_from_usize))
}

/// getrandom(2)
///
/// # Errors
///
/// `EAGAIN`: the kernel has none yet; `EINTR`: it waited for that.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    // SAFETY: the kernel writes at most `bytes.len()` bytes into `bytes`.
    let len = unsafe { syscall!(nr::GETRANDOM, bytes.as_mut_ptr(), bytes.len(), 0u32)? };
    if len == bytes.len() { Ok(()) } else { Err(Errno::EIO) }
}

/// getuid(2)
#[must_use]
pub fn getuid() -> Uid {
    // SAFETY: no memory is touched.
    let uid = unsafe { syscall!(wide::GETUID) };
    Uid::new(uid.map_or(u32::MAX, |uid| conv::i32_from_usize(uid).cast_unsigned()))
}

/// getresuid(2): the real, the effective and the saved user ID.
///
/// # Errors
///
/// None that the manual has, but a filter's.
pub fn getresuid() -> Result<[Uid; 3]> {
    let mut ids = [Uid::new(u32::MAX); 3];
    let [real, effective, saved] = &mut ids;
    // SAFETY: the kernel writes a uid_t, which a Uid is, to each of the three.
    unsafe { syscall!(wide::GETRESUID, real, effective, saved)? };
    Ok(ids)
}

/// `setpgid(0, 0)`: a process group of its own.
///
/// # Errors
///
/// `EPERM`: the process is a session leader.
pub fn new_process_group() -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::SETPGID, 0u32, 0u32) }.map(drop)
}

/// `setsid(2)`: a session of its own, without a terminal.
///
/// # Errors
///
/// `EPERM`: the process leads a process group.
pub fn new_session() -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::SETSID) }.map(drop)
}

/// getpgid(2): the process group of a process or thread.
///
/// # Errors
///
/// `ESRCH`: there is no such process.
pub fn process_group(pid: Pid) -> Result<Pid> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::GETPGID, pid) }.map(conv::i32_from_usize).map(Pid::new)
}

/// getsid(2): the session of a process or thread.
///
/// # Errors
///
/// `ESRCH`: there is no such process.
pub fn session(pid: Pid) -> Result<Pid> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::GETSID, pid) }.map(conv::i32_from_usize).map(Pid::new)
}

/// close_range(2) from `first` on, in this process's own table, which it stops sharing
/// (`CLOSE_RANGE_UNSHARE`).
///
/// # Safety
///
/// Nothing in this process uses a descriptor of that range afterwards.
///
/// # Errors
///
/// `ENOSYS`: a kernel before 5.9.
pub unsafe fn close_from_unshared(first: u32) -> Result<()> {
    const CLOSE_RANGE_UNSHARE: u32 = 2;
    // SAFETY: no memory is touched; the descriptors are given up by the caller's contract.
    unsafe { syscall!(nr::CLOSE_RANGE, first, u32::MAX, CLOSE_RANGE_UNSHARE) }.map(drop)
}

/// close_range(2) of `first` to `last`, both included.
///
/// # Safety
///
/// Nothing in this process uses a descriptor of that range afterwards.
///
/// # Errors
///
/// `EINVAL`: `first` is above `last`. `ENOSYS`: a kernel before 5.9.
pub unsafe fn close_range(first: u32, last: u32) -> Result<()> {
    // SAFETY: no memory is touched; the descriptors are given up by the caller's contract.
    unsafe { syscall!(nr::CLOSE_RANGE, first, last, 0u32) }.map(drop)
}

/// `dup3(2)` onto a number of the caller's choice, without close-on-exec, closing the file that was there.
///
/// # Safety
///
/// No code owns `to`.
///
/// # Errors
///
/// `EBADF`: `to` is beyond `RLIMIT_NOFILE`. `EINVAL`: it is `from`.
pub unsafe fn dup_onto(from: BorrowedFd<'_>, to: i32) -> Result<()> {
    // SAFETY: no memory is touched; `to` is the caller's to replace.
    unsafe { syscall!(nr::DUP3, from, to, 0u32) }.map(drop)
}

/// How a process changed: what [`wait_any`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It called exit with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(Signal),
    /// This signal stopped it.
    Stopped(Signal),
    /// `SIGCONT` let it go on.
    Continued,
}

/// The start of `siginfo_t` as waitid fills it in.
#[derive(Default)]
#[repr(C)]
struct WaitInfo {
    signo: i32,
    errno: i32,
    code: i32,
    /// What follows may hold pointers, and is aligned for them.
    #[cfg(target_pointer_width = "64")]
    pad: i32,
    pid: i32,
    uid: u32,
    status: i32,
    rest: [i32; 25],
}
const _: () = assert!(offset_of!(WaitInfo, pid) == 12usize.next_multiple_of(size_of::<usize>()));

/// waitid(2) for any child, whatever signal it sends (`__WALL`); its end always counts (`WEXITED`). Returns
/// `None`, with [`WaitFlags::NOHANG`] only, if children are left and none has changed.
///
/// # Errors
///
/// `ECHILD`: there is no child.
pub fn wait_any(flags: WaitFlags) -> Result<Option<(Pid, Change)>> {
    wait(libc::P_ALL, 0, flags)
}

/// waitid(2) for the process of a pidfd, blocking until it ends, whatever signal it sends (`__WALL`).
///
/// # Errors
///
/// `ECHILD`: it is no child of this process, or was waited for before.
pub fn wait_pidfd(pidfd: &PidFd) -> Result<Option<(Pid, Change)>> {
    wait(libc::P_PIDFD, pidfd.as_fd().as_raw(), WaitFlags::empty())
}

fn wait(kind: libc::idtype_t, id: i32, flags: WaitFlags) -> Result<Option<(Pid, Change)>> {
    let mut info = WaitInfo::default();
    let options = flags.bits() | libc::WEXITED | libc::__WALL;
    // SAFETY: the kernel writes one siginfo_t, of which waitid(2) fills the start up to the status; the
    // rusage pointer is null.
    unsafe { syscall!(nr::WAITID, kind, id, &mut info, options, 0usize)? };
    if info.pid == 0 {
        return Ok(None);
    }
    let change = match info.code {
        libc::CLD_EXITED => Change::Exited(info.status),
        libc::CLD_KILLED | libc::CLD_DUMPED => Change::Killed(Signal::new(info.status)),
        libc::CLD_STOPPED => Change::Stopped(Signal::new(info.status)),
        libc::CLD_CONTINUED => Change::Continued,
        _ => return Err(Errno::EIO),
    };
    Ok(Some((Pid::new(info.pid), change)))
}

/// `pidfd_open(2)`
///
/// # Errors
///
/// * `ESRCH`: no process or thread has this ID.
/// * `EINVAL`: it is a thread and [`PidfdFlags::THREAD`] is not set, or the kernel does not know the flag.
pub fn pidfd_open(pid: Pid, flags: PidfdFlags) -> Result<PidFd> {
    // SAFETY: no memory is touched.
    let fd = unsafe { syscall!(nr::PIDFD_OPEN, pid, flags.bits())? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    Ok(PidFd(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) }))
}

/// `pidfd_getfd(2)`: a duplicate of the target's descriptor `fd`, close-on-exec.
///
/// # Errors
///
/// * `EBADF`: the target has no such descriptor.
/// * `EPERM`: the caller may not ptrace the target.
/// * `ESRCH`: it has ended.
pub fn pidfd_getfd(pidfd: &PidFd, fd: i32) -> Result<OwnedFd> {
    // SAFETY: no memory is touched.
    let fd = unsafe { syscall!(nr::PIDFD_GETFD, pidfd.as_fd(), fd, 0u32)? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

/// process_vm_readv(2): copies from `address` of the process `pid` (any of its threads' IDs) until `buffer`
/// is full or the mapping ends. Returns the bytes copied.
///
/// # Errors
///
/// * `EFAULT`: nothing is mapped there.
/// * `EPERM`: the caller may not ptrace the target.
/// * `ESRCH`: it has ended.
pub fn vm_readv(pid: Pid, address: usize, buffer: &mut [u8]) -> Result<usize> {
    let local = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = iovec { iov_base: core::ptr::without_provenance_mut(address), iov_len: buffer.len() };
    // SAFETY: the kernel reads two iovecs and writes at most `buffer.len()` bytes into `buffer`; the remote
    // address is looked up in the target, never here.
    unsafe { syscall!(nr::PROCESS_VM_READV, pid, &local, 1usize, &remote, 1usize, 0usize) }
}

/// process_vm_writev(2): copies each slice to its address of the process `pid`, in order. Returns the bytes
/// copied.
///
/// # Errors
///
/// As [`vm_readv`].
pub fn vm_writev<const N: usize>(pid: Pid, parts: [(usize, &[u8]); N]) -> Result<usize> {
    let local =
        parts.map(|(_, bytes)| iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
    let remote = parts.map(|(address, bytes)| iovec {
        iov_base: core::ptr::without_provenance_mut(address),
        iov_len: bytes.len(),
    });
    // SAFETY: the kernel reads twice `N` iovecs and every byte of the slices; the remote addresses are looked
    // up in the target, never here.
    unsafe { syscall!(nr::PROCESS_VM_WRITEV, pid, &local, N, &remote, N, 0usize) }
}
