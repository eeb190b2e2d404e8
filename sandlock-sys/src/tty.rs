//! [ioctl_tty(2)]: the foreground process group and the settings of a terminal.
//!
//! [ioctl_tty(2)]: https://man7.org/linux/man-pages/man2/ioctl_tty.2.html

#![expect(unsafe_code, reason = "terminal ioctls")]

use crate::arch::syscall;
use crate::errno::Result;
use crate::fd::BorrowedFd;
use crate::ioctl::{TCGETS, TCSETS, TERMIOS, TIOCGPGRP, TIOCSPGRP};
use crate::nr::native as nr;

/// The kernel's `struct termios` (`asm/termbits.h`), kept as it is.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(4))]
pub struct Termios([u8; TERMIOS]);

/// `TCGETS`
///
/// # Errors
///
/// `ENOTTY`: not a terminal.
pub fn settings(fd: BorrowedFd<'_>) -> Result<Termios> {
    let mut termios = Termios([0; TERMIOS]);
    // SAFETY: the kernel writes one termios; any bytes are a valid one.
    unsafe { syscall!(nr::IOCTL, fd, TCGETS, &mut termios)? };
    Ok(termios)
}

/// `TCSETS`
///
/// # Errors
///
/// `ENOTTY`: not a terminal. `EIO`: the caller is in an orphaned background group.
pub fn set_settings(fd: BorrowedFd<'_>, termios: &Termios) -> Result<()> {
    // SAFETY: the kernel reads one termios.
    unsafe { syscall!(nr::IOCTL, fd, TCSETS, termios) }.map(drop)
}

/// `TIOCGPGRP`: the foreground process group.
///
/// # Errors
///
/// `ENOTTY`: not the controlling terminal of the caller.
pub fn foreground(fd: BorrowedFd<'_>) -> Result<i32> {
    let mut group = 0i32;
    // SAFETY: the kernel writes one pid_t.
    unsafe { syscall!(nr::IOCTL, fd, TIOCGPGRP, &mut group)? };
    Ok(group)
}

/// `TIOCSPGRP`. `SIGTTOU` must be blocked or ignored when the caller is in the background.
///
/// # Errors
///
/// `ENOTTY`: not the controlling terminal. `EPERM`, `ESRCH`: no such group in this session.
pub fn set_foreground(fd: BorrowedFd<'_>, group: i32) -> Result<()> {
    // SAFETY: the kernel reads one pid_t.
    unsafe { syscall!(nr::IOCTL, fd, TIOCSPGRP, &group) }.map(drop)
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
