//! The words of `struct seccomp_data`, which is all a filter can read.

use crate::arch::Arch;

/// A 32-bit word of `struct seccomp_data`, as its offset in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(u32);

impl Field {
    /// `nr`
    pub const NR: Self = Self(0);
    /// `arch`
    pub const ARCH: Self = Self(4);

    /// Bits 0 to 31 of `args[arg]`.
    ///
    /// # Panics
    ///
    /// If there is no such argument: they are 0 to 5.
    #[must_use]
    pub const fn low(arch: Arch, arg: u8) -> Self {
        Self::word(arg, arch.big_endian)
    }

    /// Bits 32 to 63 of `args[arg]`.
    ///
    /// # Panics
    ///
    /// If there is no such argument: they are 0 to 5.
    #[must_use]
    pub const fn high(arch: Arch, arg: u8) -> Self {
        Self::word(arg, !arch.big_endian)
    }

    #[expect(clippy::as_conversions, reason = "`u32::from`, which cannot be called in a constant")]
    const fn word(arg: u8, second: bool) -> Self {
        assert!(arg < 6, "a system call has six arguments");
        // Eight bytes each, and as many as two of them come before.
        let first = (arg as u32).wrapping_add(2) << 3;
        Self(if second { first | 4 } else { first })
    }

    /// Bytes from the start of the structure.
    #[must_use]
    pub const fn offset(self) -> u32 {
        self.0
    }
}

/// The high and the low word.
pub(crate) fn halves(value: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}
