//! AArch64: `svc 0`.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry};
use crate::{conv, nr};

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, [a0, a1, a2, a3, a4, a5]: [Arg<'_>; 6]) -> usize {
    let ret: usize;
    // SAFETY: `svc` reads x8 and x0 to x5 and writes x0; the kernel preserves every other register.
    // What it does with the arguments is the caller's contract.
    unsafe {
        asm!(
            "svc 0",
            in("x8") conv::usize_from_u32(nr),
            inlateout("x0") a0.0 => ret,
            in("x1") a1.0, in("x2") a2.0, in("x3") a3.0, in("x4") a4.0, in("x5") a5.0,
            options(nostack, preserves_flags),
        );
    }
    ret
}

/// # Safety
///
/// See [`super::clone_call`].
pub(crate) unsafe fn clone_call(
    flags: usize,
    stack_top: *mut u8,
    pidfd: *mut i32,
    entry: Entry,
    arg: *mut c_void,
) -> usize {
    let ret: usize;
    // SAFETY: clone(flags, stack, parent_tid, tls, child_tid) returns twice. The maker goes straight to
    // label 2 with every other register as before. The new task has x0 = 0 and its own stack, calls
    // `entry` and ends in exit_group: it never leaves this block.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x10",
            "blr x9",
            "mov x8, {exit_group}",
            "svc 0",
            "brk 1",
            "2:",
            exit_group = const nr::EXIT_GROUP,
            in("x8") conv::usize_from_u32(nr::CLONE),
            inlateout("x0") flags => ret,
            in("x1") stack_top, in("x2") pidfd, in("x3") 0usize, in("x4") 0usize,
            in("x9") entry, in("x10") arg,
            lateout("x30") _,
        );
    }
    ret
}
