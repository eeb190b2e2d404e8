//! The errors that answers carry, and their numbers on the guest's architecture.

/// An error of the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errno {
    /// Operation not permitted.
    EPERM,
    /// No such entry.
    ENOENT,
    /// No such process.
    ESRCH,
    /// Bad file descriptor.
    EBADF,
    /// Permission denied.
    EACCES,
    /// Device or resource busy.
    EBUSY,
    /// No such device.
    ENODEV,
    /// Invalid argument.
    EINVAL,
    /// Out of range.
    ERANGE,
    /// No data available.
    ENODATA,
    /// Message too long.
    EMSGSIZE,
    /// No such option.
    ENOPROTOOPT,
    /// Protocol not supported.
    EPROTONOSUPPORT,
    /// Operation not supported.
    EOPNOTSUPP,
    /// Address family not supported.
    EAFNOSUPPORT,
    /// Address in use.
    EADDRINUSE,
    /// Address not available.
    EADDRNOTAVAIL,
    /// Network unreachable.
    ENETUNREACH,
    /// Host unreachable.
    EHOSTUNREACH,
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
    /// `arch/sparc/include/uapi/asm/errno.h`, and Alpha's, which has the same numbers for all but `ENODATA`,
    /// which is in no answer.
    Sparc,
    /// `arch/parisc/include/uapi/asm/errno.h`.
    Parisc,
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
        let [generic, mips, sparc, parisc] = match errno {
            // Up to 34 all agree.
            Errno::EPERM => [1; 4],
            Errno::ENOENT => [2; 4],
            Errno::ESRCH => [3; 4],
            Errno::EBADF => [9; 4],
            Errno::EACCES => [13; 4],
            Errno::EBUSY => [16; 4],
            Errno::ENODEV => [19; 4],
            Errno::EINVAL => [22; 4],
            Errno::ERANGE => [34; 4],
            Errno::ENODATA => [61, 61, 111, 51],
            Errno::EMSGSIZE => [90, 97, 40, 218],
            Errno::ENOPROTOOPT => [92, 99, 42, 220],
            Errno::EPROTONOSUPPORT => [93, 120, 43, 221],
            Errno::EOPNOTSUPP => [95, 122, 45, 223],
            Errno::EAFNOSUPPORT => [97, 124, 47, 225],
            Errno::EADDRINUSE => [98, 125, 48, 226],
            Errno::EADDRNOTAVAIL => [99, 126, 49, 227],
            Errno::ENETUNREACH => [101, 128, 51, 229],
            Errno::EHOSTUNREACH => [113, 148, 65, 242],
        };
        match self {
            Self::Generic => generic,
            Self::Mips => mips,
            Self::Sparc => sparc,
            Self::Parisc => parisc,
        }
    }
}

impl From<crate::Malformed> for Errno {
    /// Bytes that are too short for their type are invalid.
    fn from(_: crate::Malformed) -> Self {
        Self::EINVAL
    }
}

impl From<crate::Full> for Errno {
    /// A message that does not fit a datagram is too long.
    fn from(_: crate::Full) -> Self {
        Self::EMSGSIZE
    }
}
