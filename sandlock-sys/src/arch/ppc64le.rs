//! PowerPC, 64 bits, little endian (ELFv2): `sc`.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry};
use crate::{conv, nr};

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, [a0, a1, a2, a3, a4, a5]: [Arg<'_>; 6]) -> usize {
    let ret: usize;
    // SAFETY: `sc` reads r0 and r3 to r8, writes r3 and the summary overflow bit, set if r3 is an
    // errno, and clobbers r0, r4 to r12, ctr and xer (Documentation/arch/powerpc/syscall64-abi.rst). What it
    // does with the arguments is the caller's contract.
    unsafe {
        asm!(
            "sc",
            "bns+ 2f",
            "neg 3, 3",
            "2:",
            inlateout("r0") conv::usize_from_u32(nr) => _,
            inlateout("r3") a0.0 => ret,
            inlateout("r4") a1.0 => _, inlateout("r5") a2.0 => _, inlateout("r6") a3.0 => _,
            inlateout("r7") a4.0 => _, inlateout("r8") a5.0 => _,
            lateout("r9") _, lateout("r10") _, lateout("r11") _, lateout("r12") _,
            lateout("cr0") _, lateout("ctr") _, lateout("xer") _,
            options(nostack),
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
    // SAFETY: clone(flags, stack, parent_tid, child_tid, tls) returns twice. The maker goes straight to label
    // 2 with the registers of `syscall6` clobbered. The new task has r3 = 0 and its own stack, makes the
    // smallest frame there is, calls `entry` through r12 as the ABI wants and ends in exit_group: it never
    // leaves this block.
    unsafe {
        asm!(
            "sc",
            "bns+ 3f",
            "neg 3, 3",
            "b 2f",
            "3:",
            "cmpdi 3, 0",
            "bne 2f",
            "stdu 3, -32(1)",
            "mr 3, 15",
            "mr 12, 14",
            "mtctr 12",
            "bctrl",
            "li 0, {exit_group}",
            "sc",
            "trap",
            "2:",
            exit_group = const nr::EXIT_GROUP,
            inlateout("r0") conv::usize_from_u32(nr::CLONE) => _,
            inlateout("r3") flags => ret,
            inlateout("r4") stack_top => _, inlateout("r5") pidfd => _, inlateout("r6") 0usize => _,
            inlateout("r7") 0usize => _,
            in("r14") entry, in("r15") arg,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _, lateout("r12") _,
            lateout("cr0") _, lateout("ctr") _, lateout("xer") _, lateout("lr") _,
        );
    }
    ret
}
