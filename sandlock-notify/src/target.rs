//! The target as a handler meets it: memory that is copied once, descriptors that are duplicated.

use core::ffi::CStr;

use sandlock_sys::{Errno, OwnedFd, Result};

/// A pointer argument: the target's allegation that something is there. It becomes bytes through [`Target`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserAddr(pub u64);

impl UserAddr {
    /// Whether it is the null pointer.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

/// The thread that made the call. A trait, so that handlers are tested on a byte slice and without a process.
///
/// Another thread of the target can write the same memory and close the same descriptors at any time: decide on one copy, act on
/// that copy, and never read an argument twice.
pub trait Target {
    /// Its thread ID in the supervisor's PID namespace.
    fn tid(&self) -> i32;

    /// Copies until `buffer` is full or the mapping ends; returns how many bytes came.
    ///
    /// # Errors
    ///
    /// * `EFAULT`: nothing is mapped there.
    /// * `ENOENT`: the target is gone, and what was read may be somebody else's.
    /// * `EPERM`: it hides its memory (`PR_SET_DUMPABLE`).
    fn read(&self, from: UserAddr, buffer: &mut [u8]) -> Result<usize>;

    /// Copies all bytes of two slices into the target, the first one first.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn write_both(&self, parts: [(UserAddr, &[u8]); 2]) -> Result<()>;

    /// Copies all of `bytes` into the target.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn write(&self, to: UserAddr, bytes: &[u8]) -> Result<()> {
        self.write_both([(to, bytes), (to, &[])])
    }

    /// A duplicate of its descriptor `fd`: the same open file, whatever the target does with its number from now on.
    ///
    /// # Errors
    ///
    /// * `EBADF`: it has none of this number.
    /// * `ENOENT`: the target is gone.
    fn descriptor(&self, fd: i32) -> Result<OwnedFd>;
}

/// Copies as many bytes as `buffer` has.
///
/// # Errors
///
/// As [`Target::read`]; `EFAULT` also when the mapping ends too early.
pub(crate) fn read_exact(target: &dyn Target, from: UserAddr, buffer: &mut [u8]) -> Result<()> {
    // Of nothing, the pointer may be null.
    let whole = buffer.is_empty() || target.read(from, buffer)? == buffer.len();
    if whole { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Copies exactly `N` bytes.
///
/// # Errors
///
/// As [`Target::read`]; `EFAULT` also when the mapping ends too early.
pub fn read_array<const N: usize>(target: &dyn Target, from: UserAddr) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    read_exact(target, from, &mut bytes).map(|()| bytes)
}

/// Copies a path into `buffer`: the string up to its NUL.
///
/// # Errors
///
/// As [`Target::read`]; `ENAMETOOLONG` when there is no NUL in as many bytes as `buffer` has.
pub fn read_cstr<'b>(target: &dyn Target, from: UserAddr, buffer: &'b mut [u8]) -> Result<&'b CStr> {
    let room = buffer.len();
    let len = target.read(from, buffer)?;
    let bytes = buffer.get(..len).ok_or(Errno::EFAULT)?;
    match CStr::from_bytes_until_nul(bytes) {
        Ok(string) => Ok(string),
        Err(_) if len == room => Err(Errno::ENAMETOOLONG),
        Err(_) => Err(Errno::EFAULT),
    }
}
