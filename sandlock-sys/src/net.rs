//! Sockets: socket(2), connect(2), listen(2), send and receive, options.
//!
//! Addresses are bytes as the kernel takes them; their maker knows the layout.

#![expect(unsafe_code, reason = "socket calls")]

use core::net::SocketAddr;
use core::time::Duration;

use crate::{BorrowedFd, Errno, OwnedFd, Result, conv, nr, syscall};

/// socket(2), close-on-exec.
///
/// # Errors
///
/// `EAFNOSUPPORT`, `EPROTONOSUPPORT`, `EACCES`, `EMFILE`.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: no memory is touched.
    let fd = unsafe { syscall!(nr::SOCKET, domain, kind | libc::SOCK_CLOEXEC, protocol)? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
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
    // SAFETY: the kernel returned two new descriptors that no other code owns.
    Ok(fds.map(|fd| unsafe { OwnedFd::from_raw(fd) }).into())
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

/// `struct sockaddr_in` or `sockaddr_in6`: the bytes, and how many of them count.
#[must_use]
pub fn sockaddr(address: &SocketAddr) -> ([u8; 28], usize) {
    let port = address.port().to_be_bytes();
    let fill = |parts: &[&[u8]]| {
        let mut bytes = [0; 28];
        bytes.iter_mut().zip(parts.iter().copied().flatten()).for_each(|(to, from)| *to = *from);
        bytes
    };
    // The families have the same numbers on every architecture.
    match address {
        SocketAddr::V4(v4) => (fill(&[&2u16.to_ne_bytes(), &port, &v4.ip().octets()]), 16),
        SocketAddr::V6(v6) => {
            let scope = v6.scope_id().to_ne_bytes();
            (fill(&[&10u16.to_ne_bytes(), &port, &[0; 4], &v6.ip().octets(), &scope]), 28)
        }
    }
}

/// shutdown(2). `how`: `SHUT_RD`, `SHUT_WR`, `SHUT_RDWR`.
///
/// # Errors
///
/// `ENOTCONN`, `ENOTSOCK`, `EINVAL` (no such `how`).
pub fn shutdown(fd: BorrowedFd<'_>, how: i32) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::SHUTDOWN, fd, how) }.map(drop)
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

/// recvfrom(2) without an address. With `MSG_TRUNC` the result is the datagram's length, even if `buffer` is
/// shorter.
///
/// # Errors
///
/// `EAGAIN`, `ECONNRESET`.
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: i32) -> Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`; the address pointers are null.
    unsafe { syscall!(nr::RECVFROM, fd, buffer.as_mut_ptr(), buffer.len(), flags, 0usize, 0usize) }
}

/// recvmsg(2) without an address or control messages: the length, and the datagram's flags (`MSG_CTRUNC`:
/// there were some).
///
/// # Errors
///
/// `EAGAIN`, `ECONNRESET`.
pub fn recv_flags(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: i32) -> Result<(usize, i32)> {
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let null = core::ptr::null_mut();
    let mut header = MsgHdr {
        name: null,
        name_len: 0,
        iov: &raw mut vector,
        iov_len: 1,
        control: null,
        control_len: 0,
        flags: 0,
    };
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`, which the one vector names, and
    // fields of the header.
    let len = unsafe { syscall!(nr::RECVMSG, fd, &mut header, flags)? };
    Ok((len, header.flags))
}

/// `struct user_msghdr`
#[repr(C)]
struct MsgHdr {
    name: *mut core::ffi::c_void,
    name_len: i32,
    iov: *mut libc::iovec,
    iov_len: usize,
    control: *mut core::ffi::c_void,
    control_len: usize,
    flags: i32,
}
const _: () = assert!(size_of::<MsgHdr>() == 7 * size_of::<usize>());

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
    get(fd, level, name)
}

/// `struct linger` of `SO_LINGER`: whether closing the socket waits for its data, and for how many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Linger {
    /// 0: it does not wait.
    pub onoff: i32,
    /// Seconds; 0 drops the data at once.
    pub seconds: i32,
}
const _: () = assert!(size_of::<Linger>() == 8);

impl Linger {
    /// From the bytes of the structure.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self { onoff: i32::from_ne_bytes([a, b, c, d]), seconds: i32::from_ne_bytes([e, f, g, h]) }
    }

    /// Whether the last close can wait.
    #[must_use]
    pub const fn waits(self) -> bool {
        self.onoff != 0 && self.seconds != 0
    }
}

/// `SO_LINGER`
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn linger(fd: BorrowedFd<'_>) -> Result<Linger> {
    get(fd, libc::SOL_SOCKET, libc::SO_LINGER)
}

/// `SO_LINGER`
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn set_linger(fd: BorrowedFd<'_>, value: Linger) -> Result<()> {
    // SAFETY: the kernel reads one linger, whose size is passed.
    unsafe { syscall!(nr::SETSOCKOPT, fd, libc::SOL_SOCKET, libc::SO_LINGER, &value, size_of::<Linger>()) }
        .map(drop)
}

/// `struct __kernel_old_timeval`, of two `long`: seconds and microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Timeout([core::ffi::c_long; 2]);

impl Timeout {
    /// No limit.
    pub const NONE: Self = Self([0, 0]);
    /// The shortest there is: the kernel rounds it up to one tick of its clock.
    pub const SHORTEST: Self = Self([0, 1]);

    /// From the bytes of the structure of a program whose `long` has 32 bits.
    #[must_use]
    pub fn from_narrow(bytes: [u8; 8]) -> Self {
        let Linger { onoff, seconds } = Linger::from_bytes(bytes);
        Self([onoff.into(), seconds.into()])
    }

    /// The limit, if there is one.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        let [seconds, microseconds] = self.0.map(|value| u64::try_from(value).unwrap_or(0));
        let whole = Duration::from_secs(seconds).saturating_add(Duration::from_micros(microseconds));
        (self != Self::NONE).then_some(whole)
    }
}

/// powerpc numbers a few options of its own.
const POWERPC: bool = cfg!(any(target_arch = "powerpc", target_arch = "powerpc64"));
/// `SO_RCVTIMEO_OLD`, with a [`Timeout`].
pub const SO_RCVTIMEO: i32 = if POWERPC { 18 } else { 20 };
/// `SO_SNDTIMEO_OLD`, with a [`Timeout`].
pub const SO_SNDTIMEO: i32 = if POWERPC { 19 } else { 21 };
/// `SO_SNDTIMEO_NEW`: the same limit, with two words of 64 bits.
pub const SO_SNDTIMEO_NEW: i32 = 67;

/// `SO_PASSRIGHTS`: whether a unix socket takes descriptors (`SCM_RIGHTS`). Since Linux 6.16.
pub const SO_PASSRIGHTS: i32 = 83;

/// `SO_RCVTIMEO` or `SO_SNDTIMEO`: how long a call that receives, or one that sends or connects, waits at
/// most.
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn timeout(fd: BorrowedFd<'_>, name: i32) -> Result<Timeout> {
    get(fd, libc::SOL_SOCKET, name)
}

/// `SO_SNDTIMEO`
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`, `EDOM`.
pub fn set_send_timeout(fd: BorrowedFd<'_>, value: Timeout) -> Result<()> {
    // SAFETY: the kernel reads one timeval, whose size is passed.
    unsafe { syscall!(nr::SETSOCKOPT, fd, libc::SOL_SOCKET, SO_SNDTIMEO, &value, size_of::<Timeout>()) }
        .map(drop)
}

/// setsockopt(2) of bytes as the kernel takes them.
///
/// # Errors
///
/// `ENOPROTOOPT`, `EINVAL`, `EDOM`, `ENOTSOCK`, `EBADF`.
pub fn set_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> Result<()> {
    // SAFETY: the kernel reads `value.len()` bytes of `value`.
    unsafe { syscall!(nr::SETSOCKOPT, fd, level, name, value.as_ptr(), value.len()) }.map(drop)
}

/// `SO_COOKIE`: a number that only this socket has, as long as the kernel runs (Linux 4.12).
///
/// # Errors
///
/// `ENOTSOCK`, `EBADF`.
pub fn cookie(fd: BorrowedFd<'_>) -> Result<u64> {
    get(fd, libc::SOL_SOCKET, libc::SO_COOKIE)
}

/// getsockopt(2) of a plain value whose any bytes are valid: integers and the structures of this file.
fn get<T: Default>(fd: BorrowedFd<'_>, level: i32, name: i32) -> Result<T> {
    let mut value = T::default();
    let size = u32::try_from(size_of::<T>()).map_err(|_| Errno::EINVAL)?;
    let mut len = size;
    // SAFETY: the kernel writes at most `len` = size_of::<T>() bytes into `value`, and reads and writes
    // `len`.
    unsafe { syscall!(nr::GETSOCKOPT, fd, level, name, &mut value, &mut len)? };
    if len == size { Ok(value) } else { Err(Errno::EIO) }
}
