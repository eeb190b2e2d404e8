//! What a filter must know of an architecture.

use sandlock_sys::filter::{AUDIT_ARCH, AUDIT_ARCH_COMPAT};

/// `__AUDIT_ARCH_LE`: this bit of an `AUDIT_ARCH_*` value means little endian.
pub(crate) const LE: u32 = 0x4000_0000;

/// `__AUDIT_ARCH_64BIT`
const WIDE: u32 = 0x8000_0000;

/// `__X32_SYSCALL_BIT`: numbers from here up are x32's, under the `arch` value of x86-64.
pub(crate) const X32_SYSCALL_BIT: u32 = 0x4000_0000;
/// `syscall(-1)`: a number that no architecture has, x32 neither. The kernel answers `ENOSYS`.
pub(crate) const NONE: u32 = u32::MAX;

/// An architecture as `struct seccomp_data` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arch {
    /// `AUDIT_ARCH_*` (`linux/audit.h`).
    pub audit: u32,
    /// Whether numbers from `0x4000_0000` up, but for -1, belong to another architecture, x32.
    pub x32: bool,
    /// Whether the high word of an argument comes first.
    pub big_endian: bool,
    /// The bits of a register that the kernel looks at. A filter sees the others too where a 64-bit program
    /// makes a 32-bit call (`int 0x80`), and they are whatever it left there.
    pub registers: u64,
}

impl Arch {
    /// x86-64, without x32.
    pub const X86_64: Self = Self::new(0xc000_003e);
    /// AArch64.
    pub const AARCH64: Self = Self::new(0xc000_00b7);
    /// RISC-V, 64 bits.
    pub const RISCV64: Self = Self::new(0xc000_00f3);
    /// x86, 32 bits.
    pub const I386: Self = Self::new(0x4000_0003);
    /// Arm EABI, little endian.
    pub const ARM: Self = Self::new(0x4000_0028);
    /// IBM Z, 64 bits.
    pub const S390X: Self = Self::new(0x8000_0016);
    /// POWER, 64 bits, little endian.
    pub const PPC64LE: Self = Self::new(0xc000_0015);
    /// LoongArch, 64 bits.
    pub const LOONGARCH64: Self = Self::new(0xc000_0102);
    /// The one this crate is compiled for.
    pub const NATIVE: Self = Self::new(AUDIT_ARCH);
    /// That of the 32-bit programs which the same kernel runs, where there are any.
    pub const COMPAT: Option<Self> = match AUDIT_ARCH_COMPAT {
        Some(audit) => Some(Self::new(audit)),
        None => None,
    };

    /// The architecture with this `AUDIT_ARCH_*` value, which determines the rest.
    #[must_use]
    pub const fn new(audit: u32) -> Self {
        let registers = if audit & WIDE != 0 { u64::MAX } else { 0xffff_ffff };
        Self { audit, x32: audit == 0xc000_003e, big_endian: audit & LE == 0, registers }
    }
}
