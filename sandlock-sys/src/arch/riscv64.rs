//! RISC-V, 64 bits: `ecall`.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry};
use crate::{conv, nr};

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, [a0, a1, a2, a3, a4, a5]: [Arg<'_>; 6]) -> usize {
    let ret: usize;
    // SAFETY: `ecall` reads a7 and a0 to a5 and writes a0. The kernel may clobber the vector state on a
    // call (Documentation/arch/riscv/vector.rst), hence v0 to v31. What it does with the arguments is
    // the caller's contract.
    unsafe {
        asm!(
            "ecall",
            in("a7") conv::usize_from_u32(nr),
            inlateout("a0") a0.0 => ret,
            in("a1") a1.0, in("a2") a2.0, in("a3") a3.0, in("a4") a4.0, in("a5") a5.0,
            lateout("v0") _, lateout("v1") _, lateout("v2") _, lateout("v3") _,
            lateout("v4") _, lateout("v5") _, lateout("v6") _, lateout("v7") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            lateout("v16") _, lateout("v17") _, lateout("v18") _, lateout("v19") _,
            lateout("v20") _, lateout("v21") _, lateout("v22") _, lateout("v23") _,
            lateout("v24") _, lateout("v25") _, lateout("v26") _, lateout("v27") _,
            lateout("v28") _, lateout("v29") _, lateout("v30") _, lateout("v31") _,
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
    // SAFETY: clone(flags, stack, parent_tid, tls, child_tid) returns twice. The maker goes straight to
    // label 2 with every other register as before (vector state apart). The new task has a0 = 0 and its
    // own stack, calls `entry` and ends in exit_group: it never leaves this block.
    unsafe {
        asm!(
            "ecall",
            "bnez a0, 2f",
            "mv s0, zero",
            "mv a0, t1",
            "jalr t0",
            "li a7, {exit_group}",
            "ecall",
            "unimp",
            "2:",
            exit_group = const nr::EXIT_GROUP,
            in("a7") conv::usize_from_u32(nr::CLONE),
            inlateout("a0") flags => ret,
            in("a1") stack_top, in("a2") pidfd, in("a3") 0usize, in("a4") 0usize,
            in("t0") entry, in("t1") arg,
            lateout("ra") _,
            lateout("v0") _, lateout("v1") _, lateout("v2") _, lateout("v3") _,
            lateout("v4") _, lateout("v5") _, lateout("v6") _, lateout("v7") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            lateout("v16") _, lateout("v17") _, lateout("v18") _, lateout("v19") _,
            lateout("v20") _, lateout("v21") _, lateout("v22") _, lateout("v23") _,
            lateout("v24") _, lateout("v25") _, lateout("v26") _, lateout("v27") _,
            lateout("v28") _, lateout("v29") _, lateout("v30") _, lateout("v31") _,
        );
    }
    ret
}
