//! What a filter is made of and what it sees: the two data types of `linux/filter.h` and `linux/seccomp.h`,
//! on any host.

use core::mem::offset_of;

/// `AUDIT_ARCH_X86_64`: `EM_X86_64`, 64 bits, little endian (`linux/audit.h`).
#[cfg(target_arch = "x86_64")]
pub const AUDIT_ARCH: u32 = 0xc000_003e;
/// `AUDIT_ARCH_AARCH64`: `EM_AARCH64`, 64 bits, little endian (`linux/audit.h`).
#[cfg(target_arch = "aarch64")]
pub const AUDIT_ARCH: u32 = 0xc000_00b7;
/// `AUDIT_ARCH_RISCV64`: `EM_RISCV`, 64 bits, little endian (`linux/audit.h`).
#[cfg(target_arch = "riscv64")]
pub const AUDIT_ARCH: u32 = 0xc000_00f3;
/// `AUDIT_ARCH_I386`: `EM_386`, 32 bits, little endian (`linux/audit.h`).
#[cfg(target_arch = "x86")]
pub const AUDIT_ARCH: u32 = 0x4000_0003;
/// `AUDIT_ARCH_ARM`: `EM_ARM`, 32 bits, little endian (`linux/audit.h`).
#[cfg(target_arch = "arm")]
pub const AUDIT_ARCH: u32 = 0x4000_0028;
/// `AUDIT_ARCH_S390X`: `EM_S390`, 64 bits, big endian (`linux/audit.h`).
#[cfg(target_arch = "s390x")]
pub const AUDIT_ARCH: u32 = 0x8000_0016;
/// `AUDIT_ARCH_PPC64LE`: `EM_PPC64`, 64 bits, little endian (`linux/audit.h`).
#[cfg(all(target_arch = "powerpc64", target_endian = "little"))]
pub const AUDIT_ARCH: u32 = 0xc000_0015;

/// `AUDIT_ARCH_I386` or `AUDIT_ARCH_ARM`: of the 32-bit programs that the same kernel runs; `None` where it
/// runs none that are known here.
pub const AUDIT_ARCH_COMPAT: Option<u32> = match AUDIT_ARCH {
    0xc000_003e => Some(0x4000_0003),
    0xc000_00b7 => Some(0x4000_0028),
    _ => None,
};

/// `struct sock_filter`: one classic BPF instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct SockFilter {
    /// Class, size, mode or operation, source.
    pub code: u16,
    /// Instructions to skip when the condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The constant operand.
    pub k: u32,
}
const _: () = assert!(size_of::<SockFilter>() == 8 && offset_of!(SockFilter, k) == 4);

/// `struct seccomp_data`: what a filter sees of a call.
#[doc(alias = "seccomp_data")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Data {
    /// The number, on the architecture below.
    pub nr: i32,
    /// `AUDIT_ARCH_*`
    pub arch: u32,
    /// Where the call was made.
    pub instruction_pointer: u64,
    /// The registers, whole: of an `int` argument the kernel reads the low half only.
    pub args: [u64; 6],
}
const _: () = assert!(size_of::<Data>() == 64 && offset_of!(Data, args) == 16);
