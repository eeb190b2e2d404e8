//! s390x: `svc 0`.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry, pad};
use crate::{conv, nr};

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, args: [Arg<'_>; 6]) -> usize {
    // mmap(2) alone takes its arguments from memory.
    let block = args.map(|arg| arg.0);
    let [a0, a1, a2, a3, a4, a5] = if nr == nr::MMAP { pad([Arg::from(&block)]) } else { args };
    let ret: usize;
    // SAFETY: `svc 0` reads r1 and r2 to r7 and writes r2; the kernel preserves every other register. What it
    // does with the arguments is the caller's contract.
    unsafe {
        asm!(
            "svc 0",
            in("r1") conv::usize_from_u32(nr),
            inlateout("r2") a0.0 => ret,
            in("r3") a1.0, in("r4") a2.0, in("r5") a3.0, in("r6") a4.0, in("r7") a5.0,
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
    // SAFETY: clone(stack, flags, parent_tid, child_tid, tls) returns twice. The maker goes straight to label
    // 2 with every other register as before. The new task has r2 = 0 and its own stack, makes the 160 bytes
    // that a callee may save registers in, calls `entry` and ends in exit_group: it never leaves this block.
    unsafe {
        asm!(
            "svc 0",
            "ltgr %r2, %r2",
            "jne 2f",
            "lghi %r11, 0",
            "aghi %r15, -160",
            "xc 0(8, %r15), 0(%r15)",
            "lgr %r2, %r9",
            "basr %r14, %r8",
            "lghi %r1, {exit_group}",
            "svc 0",
            ".insn e, 0x0000",
            "2:",
            exit_group = const nr::EXIT_GROUP,
            in("r1") conv::usize_from_u32(nr::CLONE),
            inlateout("r2") stack_top => ret,
            in("r3") flags, in("r4") pidfd, in("r5") 0usize, in("r6") 0usize,
            in("r8") entry, in("r9") arg,
        );
    }
    ret
}
