//! Actions: what a filter returns, `SECCOMP_RET_*` of `linux/seccomp.h`.

use sandlock_sys::Errno;

/// `SECCOMP_RET_ERRNO`
pub(crate) const RET_ERRNO: u32 = 0x0005_0000;

/// One action word: what to do in its upper half, data for that in its lower half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Action(pub(crate) u32);

impl Action {
    /// `SECCOMP_RET_KILL_PROCESS`: the process ends as if by an uncatchable `SIGSYS`.
    pub const KILL_PROCESS: Self = Self(0x8000_0000);
    /// `SECCOMP_RET_KILL_THREAD`: the same for the thread alone.
    pub const KILL_THREAD: Self = Self(0);
    /// `SECCOMP_RET_TRAP`: the thread gets a `SIGSYS` that it may catch.
    pub const TRAP: Self = Self(0x0003_0000);
    /// `SECCOMP_RET_USER_NOTIF`: the supervisor answers; without one, `ENOSYS`.
    pub const USER_NOTIF: Self = Self(0x7fc0_0000);
    /// `SECCOMP_RET_TRACE`: the tracer is asked; without one, `ENOSYS`.
    pub const TRACE: Self = Self(0x7ff0_0000);
    /// `SECCOMP_RET_LOG`: the call is made and logged.
    pub const LOG: Self = Self(0x7ffc_0000);
    /// `SECCOMP_RET_ALLOW`: the call is made.
    pub const ALLOW: Self = Self(0x7fff_0000);

    /// `SECCOMP_RET_ERRNO` with 0: the call returns 0 and is not made.
    pub const IGNORE: Self = Self(RET_ERRNO);

    /// `SECCOMP_RET_ERRNO`: the call fails with this error and is not made.
    #[must_use]
    pub const fn errno(errno: Errno) -> Self {
        Self(RET_ERRNO | errno.get().cast_unsigned())
    }

    /// The return value that means this action.
    #[must_use]
    pub const fn word(self) -> u32 {
        self.0
    }
}
