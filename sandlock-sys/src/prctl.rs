//! [prctl(2)]: attributes of the calling thread and process.
//!
//! [prctl(2)]: https://man7.org/linux/man-pages/man2/prctl.2.html

#![expect(unsafe_code, reason = "prctl(2)")]

use core::ffi::CStr;
use core::marker::PhantomData;

use crate::{Errno, Result, Signal, conv, nr, syscall};

/// Evidence that the calling thread has `no_new_privs` set. Not `Send`, for the bit is a thread's.
#[derive(Debug, Clone, Copy)]
pub struct NoNewPrivs(PhantomData<*const ()>);

/// `PR_SET_NO_NEW_PRIVS`: from here on execve grants nothing, for this thread and what it forks. It cannot be
/// undone.
///
/// # Errors
///
/// `EINVAL`: a kernel before 3.5.
pub fn set_no_new_privs() -> Result<NoNewPrivs> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
    Ok(NoNewPrivs(PhantomData))
}

/// `PR_SET_PDEATHSIG`: the signal this thread gets when the thread that made it dies. Compare `getppid`
/// afterwards.
///
/// # Errors
///
/// `EINVAL`: no such signal.
pub fn set_pdeathsig(signal: Signal) -> Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, conv::usize_from_i32(signal.get()))
}

/// `PR_SET_CHILD_SUBREAPER`: orphans among the descendants become children of this process.
///
/// # Errors
///
/// None that a kernel since 3.4 returns.
pub fn set_child_subreaper() -> Result<()> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// `PR_SET_NAME`: what `ps` calls this thread, up to 15 bytes.
///
/// # Errors
///
/// None that the kernel returns.
pub fn set_name(name: &CStr) -> Result<()> {
    // SAFETY: the kernel reads a C string, 16 bytes of it at most.
    unsafe { syscall!(nr::PRCTL, libc::PR_SET_NAME, name) }.map(drop)
}

/// `PR_SET_DUMPABLE` to 0: no core dump, and the files of this process in `/proc` are root's. For all that
/// share the memory.
///
/// # Errors
///
/// None that the kernel returns.
pub fn set_undumpable() -> Result<()> {
    prctl(libc::PR_SET_DUMPABLE, 0)
}

/// `PR_CAP_AMBIENT` with `PR_CAP_AMBIENT_CLEAR_ALL`.
///
/// # Errors
///
/// `EINVAL`: a kernel before 4.3.
pub fn clear_ambient_caps() -> Result<()> {
    prctl(libc::PR_CAP_AMBIENT, conv::usize_from_i32(libc::PR_CAP_AMBIENT_CLEAR_ALL))
}

/// `PR_CAPBSET_DROP`: this capability can never be gained again.
///
/// # Errors
///
/// * `EINVAL`: the kernel knows no such capability.
/// * `EPERM`: the thread has no `CAP_SETPCAP`.
pub fn drop_bounding_cap(cap: u32) -> Result<()> {
    prctl(libc::PR_CAPBSET_DROP, conv::usize_from_u32(cap))
}

fn prctl(option: i32, value: usize) -> Result<()> {
    // SAFETY: every option passed by this file takes a number and touches no memory of the caller.
    let ret = unsafe { syscall!(nr::PRCTL, option, value, 0u32, 0u32, 0u32)? };
    if ret == 0 { Ok(()) } else { Err(Errno::EINVAL) }
}
