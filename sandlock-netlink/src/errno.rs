//! The errors that answers carry, and their numbers on the guest's architecture.

/// An error of the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// Operation not permitted.
    EPERM,
    /// Device or resource busy.
    EBUSY,
    /// No such device.
    ENODEV,
    /// Invalid argument.
    EINVAL,
    /// Message too long.
    EMSGSIZE,
    /// Operation not supported.
    EOPNOTSUPP,
}

/// Whose numbers errors have in answers.
///
/// They are the kernel's that the guest was compiled for, which under an emulator is not the
/// host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrnoTable {
    /// `asm-generic/errno.h`: most architectures.
    Generic,
    /// `arch/mips/include/uapi/asm/errno.h`.
    Mips,
    /// `arch/sparc/include/uapi/asm/errno.h`.
    Sparc,
}

impl ErrnoTable {
    /// That of the architecture this was compiled for.
    pub const NATIVE: Self = if cfg!(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6"
    )) {
        Self::Mips
    } else if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) {
        Self::Sparc
    } else {
        Self::Generic
    };

    /// The error's positive number.
    pub const fn number(self, errno: Errno) -> i32 {
        match errno {
            Errno::EPERM => 1,
            Errno::EBUSY => 16,
            Errno::ENODEV => 19,
            Errno::EINVAL => 22,
            // Up to 34 all agree.
            Errno::EMSGSIZE => self.pick(90, 97, 40),
            Errno::EOPNOTSUPP => self.pick(95, 122, 45),
        }
    }

    const fn pick(self, generic: i32, mips: i32, sparc: i32) -> i32 {
        match self {
            Self::Generic => generic,
            Self::Mips => mips,
            Self::Sparc => sparc,
        }
    }
}
