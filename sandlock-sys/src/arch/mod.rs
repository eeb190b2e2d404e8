//! One system call instruction per architecture, and the typed registers that go into it.
//!
//! Each architecture file defines the same two names: `syscall6` and `clone_call`. A further architecture is
//! one more file here, one more line in the list below, and one more
//! [`AUDIT_ARCH`](crate::filter::AUDIT_ARCH).

#![expect(unsafe_code, reason = "system calls are made here and nowhere below")]

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(target_arch = "x86", path = "i386.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
#[cfg_attr(all(target_arch = "powerpc64", target_endian = "little"), path = "ppc64le.rs")]
mod native;

use core::ffi::{CStr, c_void};
use core::marker::PhantomData;

use crate::conv;
use crate::errno::{Errno, Result};

/// One argument register: a number, or a pointer that keeps its provenance and its lifetime.
#[derive(Clone, Copy)]
pub(crate) struct Arg<'a>(*const c_void, PhantomData<&'a ()>);

impl Arg<'_> {
    /// What an unused register holds.
    const ZERO: Self = Self(core::ptr::null(), PhantomData);
}

impl From<usize> for Arg<'_> {
    fn from(value: usize) -> Self {
        Self(core::ptr::without_provenance(value), PhantomData)
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::from(conv::usize_from_u32(value))
    }
}

impl From<i32> for Arg<'_> {
    /// Sign-extended, as a C compiler passes an `int`.
    fn from(value: i32) -> Self {
        Self::from(conv::usize_from_i32(value))
    }
}

impl<'a> From<&'a CStr> for Arg<'a> {
    fn from(string: &'a CStr) -> Self {
        Self(string.as_ptr().cast(), PhantomData)
    }
}

impl<'a, T> From<&'a T> for Arg<'a> {
    fn from(value: &'a T) -> Self {
        Self(core::ptr::from_ref(value).cast(), PhantomData)
    }
}

impl<'a, T> From<&'a mut T> for Arg<'a> {
    fn from(value: &'a mut T) -> Self {
        Self(core::ptr::from_mut(value).cast_const().cast(), PhantomData)
    }
}

impl<T> From<*const T> for Arg<'_> {
    fn from(pointer: *const T) -> Self {
        Self(pointer.cast(), PhantomData)
    }
}

impl<T> From<*mut T> for Arg<'_> {
    fn from(pointer: *mut T) -> Self {
        Self(pointer.cast_const().cast(), PhantomData)
    }
}

/// Fills the registers a call does not use.
pub(crate) fn pad<'a, const N: usize>(given: [Arg<'a>; N]) -> [Arg<'a>; 6] {
    const { assert!(N <= 6, "Linux calls have six arguments at most") };
    core::array::from_fn(|at| given.get(at).copied().unwrap_or(Arg::ZERO))
}

/// Makes one system call.
///
/// # Safety
///
/// Whatever the call reads or writes through `args` must be valid for that, and the call must not
/// break an invariant of the process (a descriptor that other code owns, memory that it borrows).
pub(crate) unsafe fn invoke(nr: u32, args: [Arg<'_>; 6]) -> Result<usize> {
    // SAFETY: the caller's contract is the same.
    Errno::split(unsafe { native::syscall6(nr, args) })
}

/// Makes one system call out of a number and up to six arguments.
macro_rules! syscall {
    ($nr:expr $(, $arg:expr)* $(,)?) => {
        $crate::arch::invoke($nr, $crate::arch::pad([$($crate::arch::Arg::from($arg)),*]))
    };
}
pub(crate) use syscall;

/// The entry of a task made by [`clone`](crate::process::clone); what it returns is the task's exit status.
pub type Entry = unsafe extern "C" fn(*mut c_void) -> i32;

/// `clone(2)` on a stack of its own: the new task calls `entry(arg)` and exits with what that returns.
/// Its maker gets the kernel's return value.
///
/// # Safety
///
/// `stack_top` is the 16-byte aligned end of writable memory that no other code uses while the task lives and
/// that is large enough for `entry`; with `CLONE_PIDFD` in `flags`, `pidfd` is valid for one write; `flags`
/// has neither `CLONE_SETTLS` nor any of the `*_SETTID`/`*_CLEARTID`; `entry(arg)` is sound in a task that
/// shares with its maker whatever `flags` names, on any thread-local state there is.
pub(crate) use native::clone_call;
