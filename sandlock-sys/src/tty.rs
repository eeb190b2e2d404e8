//! [ioctl_tty(2)]: the foreground process group and the settings of a terminal.
//!
//! [ioctl_tty(2)]: https://man7.org/linux/man-pages/man2/ioctl_tty.2.html

#![expect(unsafe_code, reason = "terminal ioctls")]

use crate::arch::syscall;
use crate::errno::Result;
use crate::fd::BorrowedFd;
use crate::nr::native as nr;

/// `struct termios` of the kernel (`asm-generic/termbits.h`), kept as it is.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Termios {
    flags: [u32; 4],
    line: u8,
    cc: [u8; 19],
}
const _: () = assert!(size_of::<Termios>() == 36);

#[expect(clippy::as_conversions, reason = "an ioctl number has 32 bits; libc's type differs between targets")]
const fn code(request: libc::Ioctl) -> u32 {
    request as u32
}

/// `TCGETS`
///
/// # Errors
///
/// `ENOTTY`: not a terminal.
pub fn settings(fd: BorrowedFd<'_>) -> Result<Termios> {
    let mut termios = Termios { flags: [0; 4], line: 0, cc: [0; 19] };
    // SAFETY: the kernel writes one termios of 36 bytes; any bytes are a valid one.
    unsafe { syscall!(nr::IOCTL, fd, code(libc::TCGETS), &mut termios)? };
    Ok(termios)
}

/// `TCSETS`
///
/// # Errors
///
/// `ENOTTY`: not a terminal. `EIO`: the caller is in an orphaned background group.
pub fn set_settings(fd: BorrowedFd<'_>, termios: &Termios) -> Result<()> {
    // SAFETY: the kernel reads one termios of 36 bytes.
    unsafe { syscall!(nr::IOCTL, fd, code(libc::TCSETS), termios) }.map(drop)
}

/// `TIOCGPGRP`: the foreground process group.
///
/// # Errors
///
/// `ENOTTY`: not the controlling terminal of the caller.
pub fn foreground(fd: BorrowedFd<'_>) -> Result<i32> {
    let mut group = 0i32;
    // SAFETY: the kernel writes one pid_t.
    unsafe { syscall!(nr::IOCTL, fd, code(libc::TIOCGPGRP), &mut group)? };
    Ok(group)
}

/// `TIOCSPGRP`. `SIGTTOU` must be blocked or ignored when the caller is in the background.
///
/// # Errors
///
/// `ENOTTY`: not the controlling terminal. `EPERM`, `ESRCH`: no such group in this session.
pub fn set_foreground(fd: BorrowedFd<'_>, group: i32) -> Result<()> {
    // SAFETY: the kernel reads one pid_t.
    unsafe { syscall!(nr::IOCTL, fd, code(libc::TIOCSPGRP), &group) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::fd::AsFd;

    #[test]
    fn a_file_is_not_a_terminal() {
        let fd = crate::fs::memfd_create(c"x", crate::fs::MemfdFlags::CLOEXEC).unwrap();
        assert_eq!(settings(fd.as_fd()).unwrap_err(), Errno::ENOTTY);
        assert_eq!(foreground(fd.as_fd()).unwrap_err(), Errno::ENOTTY);
    }
}
