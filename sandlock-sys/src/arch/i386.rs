//! i386: `int 0x80`, which every kernel and every machine has.

use core::arch::asm;
use core::ffi::c_void;

use super::{Arg, Entry};
use crate::nr;

/// # Safety
///
/// See [`super::invoke`].
pub(super) unsafe fn syscall6(nr: u32, [a0, a1, a2, a3, a4, a5]: [Arg<'_>; 6]) -> usize {
    // ebx, esi and ebp may not be operands here, and all seven registers are needed: so they come from
    // memory.
    let block = [Arg::from(nr).0, a0.0, a1.0, a2.0, a3.0, a4.0, a5.0];
    let ret: usize;
    // SAFETY: the block is read before the call. `int` reads eax, ebx, ecx, edx, esi, edi and ebp and writes
    // eax; the registers that are no operands are saved on the stack meanwhile. What the kernel does with the
    // arguments is the caller's contract.
    unsafe {
        asm!(
            "push ebx",
            "push esi",
            "push ebp",
            "mov ebx, [eax + 4]",
            "mov ecx, [eax + 8]",
            "mov edx, [eax + 12]",
            "mov esi, [eax + 16]",
            "mov edi, [eax + 20]",
            "mov ebp, [eax + 24]",
            "mov eax, [eax]",
            "int 0x80",
            "pop ebp",
            "pop esi",
            "pop ebx",
            inlateout("eax") block.as_ptr() => ret,
            lateout("ecx") _, lateout("edx") _, lateout("edi") _,
            options(preserves_flags),
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
    let block = [flags, stack_top.expose_provenance(), pidfd.expose_provenance(), arg.expose_provenance()];
    let ret: usize;
    // SAFETY: clone(flags, stack, parent_tid, tls, child_tid) returns twice. The maker goes straight to label
    // 2 with every other register as before. The new task has eax 0 and its own stack, at whose end `arg` was
    // put where the ABI wants it; it calls `entry` and ends in exit_group: it never leaves this block.
    unsafe {
        asm!(
            "push ebx",
            "push esi",
            "push ebp",
            "mov ebp, ecx",
            "mov ebx, [eax]",
            "mov ecx, [eax + 4]",
            "mov edx, [eax + 8]",
            "mov eax, [eax + 12]",
            "sub ecx, 16",
            "mov [ecx], eax",
            "xor esi, esi",
            "xor edi, edi",
            "mov eax, {clone}",
            "int 0x80",
            "test eax, eax",
            "jnz 2f",
            "mov ecx, ebp",
            "xor ebp, ebp",
            "call ecx",
            "mov ebx, eax",
            "mov eax, {exit_group}",
            "int 0x80",
            "ud2",
            "2:",
            "pop ebp",
            "pop esi",
            "pop ebx",
            clone = const nr::CLONE,
            exit_group = const nr::EXIT_GROUP,
            inlateout("eax") block.as_ptr() => ret,
            inlateout("ecx") entry => _,
            lateout("edx") _, lateout("edi") _,
        );
    }
    ret
}
