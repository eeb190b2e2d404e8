//! Sockets: socket(2), bind(2), connect(2), accept4(2), send and receive, options.
//!
//! Addresses are bytes as the kernel takes them; whoever makes one knows its layout.

#![expect(unsafe_code, reason = "socket calls")]

use crate::arch::syscall;
use crate::conv;
use crate::errno::{Errno, Result};
use crate::fd::{BorrowedFd, OwnedFd};
use crate::nr::native as nr;

/// socket(2), close-on-exec.
///
/// # Errors
///
/// `EAFNOSUPPORT`, `EPROTONOSUPPORT`, `EACCES`, `EMFILE`.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: no memory is touched.
    let fd = unsafe { syscall!(nr::SOCKET, domain, kind | libc::SOCK_CLOEXEC, protocol)? };
    // SAFETY: the kernel returned a fresh descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

/// socketpair(2) of `AF_UNIX`, close-on-exec.
///
/// # Errors
///
/// `EMFILE`, `ENOMEM`.
pub fn socketpair(kind: i32) -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1i32; 2];
    // SAFETY: the kernel writes two descriptors.
    unsafe { syscall!(nr::SOCKETPAIR, libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0u32, &mut fds)? };
    let [one, other] = fds;
    // SAFETY: the kernel returned two fresh descriptors, and nobody else knows of them.
    let one = unsafe { OwnedFd::from_raw(one) };
    // SAFETY: as above.
    let other = unsafe { OwnedFd::from_raw(other) };
    Ok((one, other))
}

/// bind(2)
///
/// # Errors
///
/// `EADDRINUSE`, `EINVAL`, `EACCES`.
pub fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> Result<()> {
    // SAFETY: the kernel reads `address.len()` bytes of `address`.
    unsafe { syscall!(nr::BIND, fd, address.as_ptr(), address.len()) }.map(drop)
}

/// listen(2)
///
/// # Errors
///
/// `EADDRINUSE`, `EINVAL`, `EOPNOTSUPP`.
pub fn listen(fd: BorrowedFd<'_>, backlog: i32) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::LISTEN, fd, backlog) }.map(drop)
}

/// connect(2)
///
/// # Errors
///
/// `ECONNREFUSED`, `EINPROGRESS`, `EAGAIN`, `EACCES`, …
pub fn connect(fd: BorrowedFd<'_>, address: &[u8]) -> Result<()> {
    // SAFETY: the kernel reads `address.len()` bytes of `address`.
    unsafe { syscall!(nr::CONNECT, fd, address.as_ptr(), address.len()) }.map(drop)
}

/// accept4(2), close-on-exec and with the status flags given (`SOCK_NONBLOCK`).
///
/// # Errors
///
/// `EAGAIN`, `EMFILE`.
pub fn accept(fd: BorrowedFd<'_>, flags: i32) -> Result<OwnedFd> {
    // SAFETY: the address pointers are null, so no memory is touched.
    let fd = unsafe { syscall!(nr::ACCEPT4, fd, 0usize, 0usize, flags | libc::SOCK_CLOEXEC)? };
    // SAFETY: the kernel returned a fresh descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

/// `shutdown(SHUT_RDWR)`
///
/// # Errors
///
/// `ENOTCONN`, `ENOTSOCK`.
pub fn shutdown(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::SHUTDOWN, fd, libc::SHUT_RDWR) }.map(drop)
}

/// sendto(2) without an address: one datagram, or a part of a stream. Never raises `SIGPIPE`.
///
/// # Errors
///
/// `EAGAIN`, `EPIPE`, `ENOBUFS`, `EMSGSIZE`.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8], flags: i32) -> Result<usize> {
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: the kernel reads `bytes.len()` bytes of `bytes`; the address pointer is null.
    unsafe { syscall!(nr::SENDTO, fd, bytes.as_ptr(), bytes.len(), flags, 0usize, 0u32) }
}

/// recvfrom(2) without an address. With `MSG_TRUNC` the result is the datagram's length, even if `buffer` is shorter.
///
/// # Errors
///
/// `EAGAIN`, `ECONNRESET`.
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: i32) -> Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`; the address pointers are null.
    unsafe { syscall!(nr::RECVFROM, fd, buffer.as_mut_ptr(), buffer.len(), flags, 0usize, 0usize) }
}

/// getsockname(2): fills `buffer` and returns the address's own length, which may be longer.
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn getsockname(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    let mut len = u32::try_from(buffer.len()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel writes at most `len` bytes into `buffer`, and reads and writes `len`.
    unsafe { syscall!(nr::GETSOCKNAME, fd, buffer.as_mut_ptr(), &mut len)? };
    Ok(conv::usize_from_u32(len))
}

/// getsockopt(2) of an `int`.
///
/// # Errors
///
/// `ENOPROTOOPT`, `ENOTSOCK`, `EBADF`.
pub fn option(fd: BorrowedFd<'_>, level: i32, name: i32) -> Result<i32> {
    let mut value = 0i32;
    get(fd, level, name, &mut value)?;
    Ok(value)
}

/// `SO_COOKIE`: a number that only this socket has, as long as the kernel runs (Linux 4.12).
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn cookie(fd: BorrowedFd<'_>) -> Result<u64> {
    let mut value = 0u64;
    get(fd, libc::SOL_SOCKET, libc::SO_COOKIE, &mut value)?;
    Ok(value)
}

/// `struct ucred`
#[repr(C)]
#[derive(Default)]
struct UCred {
    pid: i32,
    uid: u32,
    gid: u32,
}

/// `SO_PEERCRED`: the process that made the other end of a connected unix socket.
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn peer_pid(fd: BorrowedFd<'_>) -> Result<i32> {
    let mut cred = UCred::default();
    get(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, &mut cred)?;
    Ok(cred.pid)
}

/// getsockopt(2) of a plain value whose any bytes are valid: `i32`, `u64` and `UCred`, all local to this file.
fn get<T>(fd: BorrowedFd<'_>, level: i32, name: i32, value: &mut T) -> Result<()> {
    let size = u32::try_from(size_of::<T>()).map_err(|_| Errno::EINVAL)?;
    let mut len = size;
    // SAFETY: the kernel writes at most `len` = size_of::<T>() bytes into `value`, and reads and writes `len`.
    unsafe { syscall!(nr::GETSOCKOPT, fd, level, name, &mut *value, &mut len)? };
    if len == size { Ok(()) } else { Err(Errno::EIO) }
}
