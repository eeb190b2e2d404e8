//! [ioctl_tty(2)]: the foreground process group and the settings of a terminal.
//!
//! [ioctl_tty(2)]: https://man7.org/linux/man-pages/man2/ioctl_tty.2.html

#![expect(unsafe_code, reason = "terminal ioctls")]

use crate::ioctl::{
    NONE, TCGETS, TCSETS, TCXONC, TERMIOS, TIOCGDEV, TIOCGPGRP, TIOCGPTN, TIOCGPTPEER, TIOCSPGRP, TIOCSWINSZ,
    WRITE, ioc, old,
};
use crate::{BorrowedFd, Errno, OwnedFd, Pid, Result, conv, nr, syscall};

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
pub fn foreground(fd: BorrowedFd<'_>) -> Result<Pid> {
    let mut group = Pid::SELF;
    // SAFETY: the kernel writes one pid_t, which a Pid is.
    unsafe { syscall!(nr::IOCTL, fd, TIOCGPGRP, &mut group)? };
    Ok(group)
}

/// `TIOCSPGRP`. `SIGTTOU` must be blocked or ignored when the caller is in the background.
///
/// # Errors
///
/// `ENOTTY`: not the controlling terminal. `EPERM`, `ESRCH`: no such group in this session.
pub fn set_foreground(fd: BorrowedFd<'_>, group: Pid) -> Result<()> {
    // SAFETY: the kernel reads one pid_t, which a Pid is.
    unsafe { syscall!(nr::IOCTL, fd, TIOCSPGRP, &group) }.map(drop)
}

/// `TCXONC` with `TCOON`: resumes output that `TCOOFF` suspended.
///
/// # Errors
///
/// `ENOTTY`: not a terminal.
pub fn resume_output(fd: BorrowedFd<'_>) -> Result<()> {
    const TCOON: u32 = 1;
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::IOCTL, fd, TCXONC, TCOON) }.map(drop)
}

/// `TIOCGDEV`: the device number of the terminal, whatever name it was opened by (`/dev/tty`), in the
/// kernel's format of `new_encode_dev`. The same for both ends of a pseudo terminal.
///
/// # Errors
///
/// `ENOTTY`: not a terminal.
pub fn device(fd: BorrowedFd<'_>) -> Result<u32> {
    let mut device = 0u32;
    // SAFETY: the kernel writes one unsigned int.
    unsafe { syscall!(nr::IOCTL, fd, TIOCGDEV, &mut device)? };
    Ok(device)
}

/// The longest structure of [`CHANGES`].
pub const CHANGE_MAX: usize = 64;

/// Every request that changes a terminal's settings, output, window or foreground. Each takes a number, or a
/// pointer to a structure of so many bytes, which the kernel reads.
pub const CHANGES: [(u32, Option<usize>); 13] = [
    (TCSETS, Some(TERMIOS)),
    (old(0x5403, ioc(WRITE, b't', 21, TERMIOS)), Some(TERMIOS)),
    (old(0x5404, ioc(WRITE, b't', 22, TERMIOS)), Some(TERMIOS)),
    (old(0x5406, ioc(WRITE, b't', 24, TERMIO)), Some(TERMIO)),
    (old(0x5407, ioc(WRITE, b't', 25, TERMIO)), Some(TERMIO)),
    (old(0x5408, ioc(WRITE, b't', 28, TERMIO)), Some(TERMIO)),
    (TCXONC, None),
    (old(0x540b, ioc(NONE, b't', 31, 0)), None),
    (TIOCSPGRP, Some(4)),
    (TIOCSWINSZ, Some(8)),
    // TCSETS2, TCSETSW2, TCSETSF2, which powerpc has not.
    (ioc(WRITE, b'T', 0x2b, TERMIOS2), Some(TERMIOS2)),
    (ioc(WRITE, b'T', 0x2c, TERMIOS2), Some(TERMIOS2)),
    (ioc(WRITE, b'T', 0x2d, TERMIOS2), Some(TERMIOS2)),
];

/// Bytes in the kernel's `struct termio`.
const TERMIO: usize = if cfg!(any(target_arch = "powerpc", target_arch = "powerpc64")) { 20 } else { 18 };
/// Bytes in the kernel's `struct termios2`.
const TERMIOS2: usize = 11 * size_of::<u32>();

/// Makes one of the [`CHANGES`]: `number` or `bytes` is what it takes. It may wait until the output is
/// written.
///
/// # Errors
///
/// `EINVAL`: the request is none of them; and those of the request.
pub fn change(fd: BorrowedFd<'_>, request: u32, number: u32, bytes: &[u8; CHANGE_MAX]) -> Result<()> {
    let (_, takes) = CHANGES.iter().find(|(known, _)| *known == request).ok_or(Errno::EINVAL)?;
    match takes {
        // SAFETY: on a terminal the request takes a number; on another file it is unknown, or an action
        // without memory.
        None => unsafe { syscall!(nr::IOCTL, fd, request, number) },
        // SAFETY: the kernel reads a structure that is shorter than `bytes`, and writes nothing.
        Some(_) => unsafe { syscall!(nr::IOCTL, fd, request, bytes.as_ptr()) },
    }
    .map(drop)
}

/// `TIOCGPTN`: the number of a pseudo terminal, by its master.
///
/// # Errors
///
/// `ENOTTY`: not the master of a pseudo terminal.
pub fn pty_number(master: BorrowedFd<'_>) -> Result<u32> {
    let mut number = 0u32;
    // SAFETY: the kernel writes one unsigned int.
    unsafe { syscall!(nr::IOCTL, master, TIOCGPTN, &mut number)? };
    Ok(number)
}

/// `TIOCGPTPEER`: opens the other end of a pseudo terminal, with the flags of open(2); close-on-exec and
/// never as a controlling terminal.
///
/// # Errors
///
/// `ENOTTY`: not the master of a pseudo terminal. `EIO`: it is locked.
pub fn pty_peer(master: BorrowedFd<'_>, flags: i32) -> Result<OwnedFd> {
    let flags = flags | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the argument is the flags themselves; no memory is touched.
    let fd = unsafe { syscall!(nr::IOCTL, master, TIOCGPTPEER, flags)? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fd::AsFd;

    #[test]
    fn a_file_is_not_a_terminal() {
        let fd = crate::fs::memfd_create(c"x", crate::fs::MemfdFlags::CLOEXEC).unwrap();
        assert_eq!(settings(fd.as_fd()).unwrap_err(), Errno::ENOTTY);
        assert_eq!(foreground(fd.as_fd()).unwrap_err(), Errno::ENOTTY);
    }
}
