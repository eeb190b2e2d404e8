//! Actions: what a filter returns, `SECCOMP_RET_*` of `linux/seccomp.h`.

use core::fmt;

use sandlock_sys::Errno;

/// `SECCOMP_RET_ERRNO`
const RET_ERRNO: u32 = 0x0005_0000;

/// One action word: what to do in its upper half, data for that in its lower half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Action(Word);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// `SECCOMP_RET_ERRNO` with this number.
    Errno(Errno),
    /// Any other word.
    Other(u32),
}

impl Action {
    /// `SECCOMP_RET_KILL_PROCESS`: the process ends as if by an uncatchable `SIGSYS`.
    pub const KILL_PROCESS: Self = Self(Word::Other(0x8000_0000));
    /// `SECCOMP_RET_KILL_THREAD`: the same for the thread alone.
    pub const KILL_THREAD: Self = Self(Word::Other(0));
    /// `SECCOMP_RET_TRAP`: the thread gets a `SIGSYS` that it may catch.
    pub const TRAP: Self = Self(Word::Other(0x0003_0000));
    /// `SECCOMP_RET_USER_NOTIF`: the supervisor answers; without one, `ENOSYS`.
    pub const USER_NOTIF: Self = Self(Word::Other(0x7fc0_0000));
    /// `SECCOMP_RET_TRACE`: the tracer is asked; without one, `ENOSYS`.
    pub const TRACE: Self = Self(Word::Other(0x7ff0_0000));
    /// `SECCOMP_RET_LOG`: the call is made and logged.
    pub const LOG: Self = Self(Word::Other(0x7ffc_0000));
    /// `SECCOMP_RET_ALLOW`: the call is made.
    pub const ALLOW: Self = Self(Word::Other(0x7fff_0000));

    /// `SECCOMP_RET_ERRNO`: the call fails with this error and is not made.
    #[must_use]
    pub const fn errno(errno: Errno) -> Self {
        Self(Word::Errno(errno))
    }

    /// The action that a program means by this return value.
    #[must_use]
    pub const fn from_word(word: u32) -> Self {
        match word.wrapping_sub(RET_ERRNO) {
            number @ 1..=4095 => Self::errno(Errno::new(number.cast_signed())),
            _ => Self(Word::Other(word)),
        }
    }

    /// The return value that means this action.
    #[must_use]
    pub fn word(self) -> u32 {
        match self.0 {
            Word::Errno(errno) => RET_ERRNO | errno.get().cast_unsigned(),
            Word::Other(word) => word,
        }
    }
}

impl fmt::Display for Action {
    /// The kernel's name without its prefix, the error's symbol, and data where there is any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.0 {
            Word::Errno(errno) => return write!(f, "ERRNO({errno})"),
            Word::Other(word) => word,
        };
        let name = match word & 0xffff_0000 {
            0x8000_0000 => "KILL_PROCESS",
            0x0000_0000 => "KILL_THREAD",
            0x0003_0000 => "TRAP",
            RET_ERRNO => "ERRNO",
            0x7fc0_0000 => "USER_NOTIF",
            0x7ff0_0000 => "TRACE",
            0x7ffc_0000 => "LOG",
            0x7fff_0000 => "ALLOW",
            // The kernel installs such a filter, and kills when it returns this.
            _ => return write!(f, "{word:#010x}"),
        };
        match word & 0xffff {
            0 => f.write_str(name),
            data => write!(f, "{name}({data})"),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
