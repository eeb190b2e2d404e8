//! Arm, 32 bits, EABI: `svc 0`.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry};
use crate::{conv, nr};

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, [a0, a1, a2, a3, a4, a5]: [Arg<'_>; 6]) -> usize {
    let ret: usize;
    // SAFETY: `svc` reads r7 and r0 to r5 and writes r0; the kernel preserves every other register. r7 cannot
    // be an operand, for in Thumb code it is the frame pointer: it waits in another register meanwhile. What
    // the call does with the arguments is the caller's contract.
    unsafe {
        asm!(
            "mov {r7}, r7",
            "mov r7, {nr}",
            "svc 0",
            "mov r7, {r7}",
            r7 = out(reg) _,
            nr = in(reg) conv::usize_from_u32(nr),
            inlateout("r0") a0.0 => ret,
            in("r1") a1.0, in("r2") a2.0, in("r3") a3.0, in("r4") a4.0, in("r5") a5.0,
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
    // SAFETY: clone(flags, stack, parent_tid, tls, child_tid) returns twice. The maker goes straight to label
    // 2 with every other register as before. The new task has r0 = 0 and its own stack, calls `entry` and
    // ends in exit_group: it never leaves this block.
    unsafe {
        asm!(
            "mov r5, r7",
            "mov r7, #{clone}",
            "svc 0",
            "mov r7, r5",
            "cmp r0, #0",
            "bne 2f",
            "mov r7, #0",
            "mov r11, #0",
            "mov r0, r10",
            "blx r8",
            "mov r7, #{exit_group}",
            "svc 0",
            "udf #0",
            "2:",
            clone = const nr::CLONE,
            exit_group = const nr::EXIT_GROUP,
            inlateout("r0") flags => ret,
            in("r1") stack_top, in("r2") pidfd, in("r3") 0usize, in("r4") 0usize,
            out("r5") _,
            in("r8") entry, in("r10") arg,
            lateout("lr") _,
        );
    }
    ret
}
