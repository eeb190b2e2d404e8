//! The target as a handler meets it: memory that is copied once, descriptors that are duplicated.

use core::ffi::CStr;

use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Result, net};

/// A pointer argument: an allegation that the target has memory there. It becomes bytes through [`Target`]
/// only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserAddr(pub u64);

impl UserAddr {
    /// Whether it is the null pointer.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address so many bytes further on.
    pub(crate) fn plus(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(u64::try_from(bytes).unwrap_or(0)))
    }
}

/// The thread that made the call. A trait, so that handlers are tested on a byte slice and without a process.
///
/// Another thread of the target can write the same memory and close the same descriptors at any time: decide
/// on one copy, act on that copy, and never read an argument twice.
pub trait Target {
    /// Its thread ID in the supervisor's PID namespace.
    fn tid(&self) -> Pid;

    /// Copies until `buffer` is full or the mapping ends; returns how many bytes came.
    ///
    /// # Errors
    ///
    /// * `EFAULT`: nothing is mapped there.
    /// * `ENOENT`: the target is gone, and the bytes read may be another process's.
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

    /// A duplicate of its descriptor `fd`: the same open file, whatever the target does with its number from
    /// now on.
    ///
    /// Closing it can sleep, as long as its file system or its linger time likes. So it goes into a
    /// [`Job`](crate::Job), whose worker closes it, or to [`release`](Self::release).
    ///
    /// # Errors
    ///
    /// * `EBADF`: it has none of this number.
    /// * `ENOENT`: the target is gone.
    /// * `EMFILE`, `ENFILE`: the supervisor has no room for one more.
    fn file(&self, fd: i32) -> Result<OwnedFd>;

    /// Closes a duplicate: here if that cannot sleep, else by a worker.
    fn release(&self, file: OwnedFd, is_socket: bool);

    /// From now on a socket of the target's may linger when it is closed.
    fn sockets_linger(&self);
}

/// A duplicate of a socket of the target's, released when dropped.
pub struct Socket<'t> {
    file: Option<OwnedFd>,
    is_socket: bool,
    target: &'t dyn Target,
}

impl<'t> Socket<'t> {
    /// The target's descriptor `fd`, and the family of the socket that it is: its `SO_DOMAIN`.
    ///
    /// # Errors
    ///
    /// As [`Target::file`]; `ENOTSOCK`: it is none.
    pub fn open(target: &'t dyn Target, fd: i32) -> Result<(Self, i32)> {
        let mut socket = Self { file: Some(target.file(fd)?), is_socket: false, target };
        let domain = net::option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN)?;
        socket.is_socket = true;
        Ok((socket, domain))
    }

    /// Whether it is `SOCK_DGRAM`, of any family.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn is_datagram(&self) -> Result<bool> {
        net::option(self.as_fd(), libc::SOL_SOCKET, libc::SO_TYPE).map(|kind| kind == libc::SOCK_DGRAM)
    }

    /// Gives the duplicate away, to be closed by a worker.
    pub fn into_file(mut self) -> Option<OwnedFd> {
        self.file.take()
    }
}

impl AsFd for Socket<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // There is one until the socket is given away.
        self.file.as_ref().map_or(BorrowedFd::NONE, AsFd::as_fd)
    }
}

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            self.target.release(file, self.is_socket);
        }
    }
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
    let missing = if len == room { Errno::ENAMETOOLONG } else { Errno::EFAULT };
    CStr::from_bytes_until_nul(bytes).map_err(|_| missing)
}
