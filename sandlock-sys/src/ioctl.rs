//! `_IOC` of `asm/ioctl.h`: how an ioctl number encodes direction, size, type and number.

/// It has 13 bits for the size, a bit for each direction, and makes numbers by the rule that are older than
/// the rule elsewhere.
const POWERPC: bool = cfg!(any(target_arch = "powerpc", target_arch = "powerpc64"));
const DIR_SHIFT: u32 = if POWERPC { 29 } else { 30 };

/// `_IOC_NONE` of powerpc is a bit, elsewhere there is none.
pub const NONE: u32 = if POWERPC { 1 } else { 0 };

/// `_IOC_READ`: the kernel copies into user memory.
pub const READ: u32 = 2;
/// `_IOC_WRITE`: the kernel copies out of user memory.
pub const WRITE: u32 = if POWERPC { 4 } else { 1 };
/// Both ways: `_IOWR`.
pub const READ_WRITE: u32 = READ | WRITE;

/// `_IOC(dir, type, nr, size)`, the size in bytes.
///
/// # Panics
///
/// If the size does not fit: the largest is 8191 everywhere.
#[must_use]
pub const fn ioc(dir: u32, kind: u8, nr: u8, size: usize) -> u32 {
    assert!(size < 1 << 13, "the size field has 13 bits on powerpc");
    #[expect(clippy::as_conversions, reason = "const, and checked the line before")]
    let size = size as u32;
    #[expect(clippy::as_conversions, reason = "const widening")]
    let (kind, nr) = (kind as u32, nr as u32);
    dir << DIR_SHIFT | size << 16 | kind << 8 | nr
}

/// A number that is older than the rule: only powerpc has made one by the rule of it.
#[must_use]
pub const fn old(number: u32, powerpc: u32) -> u32 {
    if POWERPC { powerpc } else { number }
}

/// `FIONBIO`: makes an open file block or not.
pub const FIONBIO: u32 = old(0x5421, ioc(WRITE, b'f', 126, 4));
/// Bytes in the kernel's `struct termios`.
pub const TERMIOS: usize = if POWERPC { 44 } else { 36 };
/// `TCGETS`: the settings of a terminal.
pub const TCGETS: u32 = old(0x5401, ioc(READ, b't', 19, TERMIOS));
/// `TCSETS`: changes them at once.
pub const TCSETS: u32 = old(0x5402, ioc(WRITE, b't', 20, TERMIOS));
/// `TIOCGPGRP`: the foreground process group.
pub const TIOCGPGRP: u32 = old(0x540f, ioc(READ, b't', 119, 4));
/// `TIOCSPGRP`: changes it.
pub const TIOCSPGRP: u32 = old(0x5410, ioc(WRITE, b't', 118, 4));
/// `TCXONC`: suspends or resumes the output of a terminal.
pub const TCXONC: u32 = old(0x540a, ioc(NONE, b't', 30, 0));
/// `TIOCGDEV`: the device of a terminal.
pub const TIOCGDEV: u32 = ioc(READ, b'T', 0x32, 4);
/// `TIOCSWINSZ`: changes the size of the window.
pub const TIOCSWINSZ: u32 = old(0x5414, ioc(WRITE, b't', 103, 8));
/// `TIOCGPTN`: the number of a pseudo terminal.
pub const TIOCGPTN: u32 = ioc(READ, b'T', 0x30, 4);
/// `TIOCGPTPEER`: opens the other end of a pseudo terminal.
pub const TIOCGPTPEER: u32 = ioc(NONE, b'T', 0x41, 0);
