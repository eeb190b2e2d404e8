//! x86-64: `syscall`.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry};
use crate::{conv, nr};

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, [a0, a1, a2, a3, a4, a5]: [Arg<'_>; 6]) -> usize {
    let ret: usize;
    // SAFETY: `syscall` reads rax, rdi, rsi, rdx, r10, r8 and r9 and writes rax, rcx and r11; each is an
    // operand or a clobber, and nothing is pushed on the stack. What the kernel does with the arguments
    // is the caller's contract.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") conv::usize_from_u32(nr) => ret,
            in("rdi") a0.0, in("rsi") a1.0, in("rdx") a2.0, in("r10") a3.0, in("r8") a4.0, in("r9") a5.0,
            lateout("rcx") _, lateout("r11") _,
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
    // SAFETY: clone(flags, stack, parent_tid, child_tid, tls) returns twice. The maker goes straight to
    // label 2 with every other register as before. The new task has rax 0 and its own stack, calls
    // `entry` with it aligned as the ABI wants, and ends in exit_group: it never leaves this block.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "mov edi, eax",
            "mov eax, {exit_group}",
            "syscall",
            "ud2",
            "2:",
            exit_group = const nr::EXIT_GROUP,
            inlateout("rax") conv::usize_from_u32(nr::CLONE) => ret,
            in("rdi") flags, in("rsi") stack_top, in("rdx") pidfd, in("r10") 0usize, in("r8") 0usize,
            in("r12") entry, in("r13") arg,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    ret
}
