//! The requests of ioctl(2): an allow-list by number.
//!
//! A number means one thing to a terminal and another to a file system, and the filter does not see which
//! file it is. So a number is allowed if nothing that it means on any file needs more than the descriptor.
//! What changes a file that is open for reading only, what types into a terminal or stops it, what sends
//! signals and what asks about the host is not. Landlock judges requests to devices besides
//! (`LANDLOCK_ACCESS_FS_IOCTL_DEV`): where the policy grants one, [`Features::DEVICES`] opens the rest, but
//! for that of file systems.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "all of it is evaluated by the compiler, where a fault is an error"
)]

use sandlock_bpf::Test;
use sandlock_sys::Errno;
use sandlock_sys::ioctl::{self, NONE, READ, READ_WRITE, WRITE, ioc, old};
use sandlock_sys::tty::CHANGES;

use super::Handler::{Interfaces, Terminal};
use super::{Case, Features, Then, case};

const ALLOW: Then = Then::Allow;
const EPERM: Then = Then::Refuse(Errno::EPERM);
/// The kernel's error for a request that a file does not know.
pub(super) const UNKNOWN: Then = Then::Refuse(Errno::ENOTTY);

const LONG: usize = size_of::<usize>();
const TERMIO: usize = 20;

/// What changes a terminal: its settings, output, window and foreground.
static TERMINAL_CHANGES: [Test; 10] = merged(numbers(&CHANGES));

/// What only asks, or only concerns the caller and its own descriptor.
static HARMLESS: [Test; 40] = merged([
    // Of terminals: TCGETS, TCGETA, TCGETS2; TCSBRK, TCSBRKP, TIOCSBRK, TIOCCBRK; TIOCNXCL, TIOCGEXCL;
    // TIOCSCTTY, TIOCNOTTY; TIOCGPGRP, TIOCGSID; TIOCOUTQ, TIOCINQ; TIOCGWINSZ; TIOCMGET; TIOCGETD, TIOCGDEV.
    ioctl::TCGETS,
    old(0x5405, ioc(READ, b't', 23, TERMIO)),
    ioc(READ, b'T', 0x2a, 44),
    old(0x5409, ioc(NONE, b't', 29, 0)),
    0x5425,
    0x5427,
    0x5428,
    0x540d,
    ioc(READ, b'T', 0x40, 4),
    0x540e,
    0x5422,
    ioctl::TIOCGPGRP,
    0x5429,
    old(0x5411, ioc(READ, b't', 115, 4)),
    old(0x541b, ioc(READ, b'f', 127, 4)),
    old(0x5413, ioc(READ, b't', 104, 8)),
    0x5415,
    0x5424,
    ioctl::TIOCGDEV,
    // Of pseudo terminals: TIOCPKT, TIOCGPKT; TIOCGPTN; TIOCSPTLCK, TIOCGPTLCK; TIOCSIG, which signals the
    // other end's processes.
    0x5420,
    ioc(READ, b'T', 0x38, 4),
    ioctl::TIOCGPTN,
    ioc(WRITE, b'T', 0x31, 4),
    ioc(READ, b'T', 0x39, 4),
    ioc(WRITE, b'T', 0x36, 4),
    // Of every file: FIOCLEX, FIONCLEX; FIONBIO; FIOQSIZE; FIGETBSZ.
    old(0x5451, ioc(NONE, b'f', 1, 0)),
    old(0x5450, ioc(NONE, b'f', 2, 0)),
    ioctl::FIONBIO,
    old(0x5460, ioc(READ, b'f', 128, 8)),
    ioc(NONE, 0, 2, 0),
    // Of sockets: FIOGETOWN, SIOCGPGRP; SIOCATMARK; SIOCGSTAMP, SIOCGSTAMPNS, old and new.
    0x8903,
    0x8904,
    0x8905,
    0x8906,
    0x8907,
    ioc(READ, 0x89, 6, 16),
    ioc(READ, 0x89, 7, 16),
]);

/// Requests of file systems that only report, or that the kernel grants only to a descriptor that is open for
/// writing.
static FILES: [Test; 14] = merged([
    // FICLONE, FICLONERANGE, FIDEDUPERANGE.
    ioc(WRITE, 0x94, 9, 4),
    ioc(WRITE, 0x94, 13, 32),
    ioc(READ_WRITE, 0x94, 54, 24),
    // FS_IOC_GETFLAGS, FS_IOC_GETVERSION, FS_IOC_FIEMAP, FS_IOC_FSGETXATTR, FS_IOC_GETFSLABEL,
    // FS_IOC_GETFSUUID.
    ioc(READ, b'f', 1, LONG),
    ioc(READ, b'v', 1, LONG),
    ioc(READ_WRITE, b'f', 11, 32),
    ioc(READ, b'X', 31, 28),
    ioc(READ, 0x94, 49, 256),
    ioc(READ, 0x15, 0, 17),
    // FS_IOC_GET_ENCRYPTION_POLICY, and _EX; FS_IOC_MEASURE_VERITY.
    ioc(WRITE, b'f', 21, 12),
    ioc(READ_WRITE, b'f', 22, 9),
    ioc(READ_WRITE, b'f', 134, 4),
]);

/// FS_IOC32_GETFLAGS, FS_IOC32_GETVERSION.
static FILES_COMPAT: [Test; 2] = merged([ioc(READ, b'f', 1, 4), ioc(READ, b'v', 1, 4)]);

/// TIOCEXCL, TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD: they shut others out of a terminal, type into it, paste
/// into it, take the console's output and change its driver. FIOSETOWN, SIOCSPGRP: the process that gets
/// SIGIO, by a number in memory.
static REFUSED: [Test; 5] = merged([0x540c, 0x5412, 0x541c, 0x541d, 0x5423, 0x8901, 0x8902]);

/// Every request of a type: the kernel calls it the magic number.
const fn kind(kind: u8) -> Test {
    Test::masked32(1, 0xff00, u32::from_be_bytes([0, 0, kind, 0]))
}

/// Every other request of a file system: fscrypt's keys and policies, flags of files, subvolumes, atomic
/// writes.
static FILE_SYSTEMS: [Test; 6] = [kind(b'f'), kind(b'X'), kind(b'v'), kind(b'r'), kind(0x94), kind(0xf5)];

/// Where devices are granted: keyboard, screen and switching of virtual consoles, and other requests of
/// sockets and wireless interfaces.
static NO_DEVICES: [Test; 4] = [kind(b'K'), kind(b'V'), kind(0x89), kind(0x8b)];

/// Interfaces, by any socket: SIOCGIFNAME to SIOCGIFMAP are asked of the emulated network.
static INTERFACES: [Test; 1] = [Test::range32(1, 0x8910, 0x8970)];
static PTY_PEER: [Test; 1] = [Test::eq32(1, ioctl::TIOCGPTPEER)];
/// PIDFD_GET_INFO, whose structure grows.
static PIDFD_INFO: [Test; 1] = [Test::masked32(1, 0xffff, 0xff0b)];
/// FIOASYNC, which asks for SIGIO.
static ASYNC: [Test; 1] = [Test::eq32(1, old(0x5452, ioc(WRITE, b'f', 125, 4)))];

/// The first that holds decides; what none is about is [`UNKNOWN`].
pub(super) static REQUESTS: [Case; 80] = {
    let mut list =
        List { cases: [case(&[], ALLOW).with(Features::all()).without(Features::all()); 80], len: 0 };
    list = list.add(&TERMINAL_CHANGES, case(&[], Then::Ask(Terminal)));
    list = list.add(&HARMLESS, case(&[], ALLOW));
    list = list.add(&INTERFACES, case(&[], Then::Ask(Interfaces)));
    list = list.add(&PTY_PEER, case(&[], Then::Ask(Terminal)));
    list = list.add(&REFUSED, case(&[], EPERM));
    list = list.add(&ASYNC, case(&[], ALLOW).with(Features::SCOPED));
    list = list.add(&ASYNC, case(&[], EPERM).without(Features::SCOPED));
    list = list.add(&FILES, case(&[], ALLOW));
    list = list.add(&FILES_COMPAT, case(&[], ALLOW).with(Features::COMPAT));
    list = list.add(&PIDFD_INFO, case(&[], ALLOW));
    list = list.add(&FILE_SYSTEMS, case(&[], EPERM));
    list = list.add(&NO_DEVICES, case(&[], EPERM).with(Features::DEVICES));
    list.rest(case(&[], ALLOW).with(Features::DEVICES)).cases
};

/// What the supervisor asks itself: SECCOMP_IOCTL_NOTIF_*; of terminals TCGETS, TIOCGPGRP, TIOCGPTN,
/// TIOCGDEV, TIOCGPTPEER and every change.
pub(super) static OWN: [Case; 20] = {
    let mut list =
        List { cases: [case(&[], ALLOW).with(Features::all()).without(Features::all()); 20], len: 0 };
    list = list.add(&OWN_TYPE, case(&[], ALLOW));
    list = list.add(&TERMINAL_CHANGES, case(&[], ALLOW));
    list.add(&OWN_REQUESTS, case(&[], ALLOW)).cases
};
static OWN_TYPE: [Test; 1] = [kind(b'!')];
static OWN_REQUESTS: [Test; 6] = merged([
    ioctl::FIONBIO,
    ioctl::TCGETS,
    ioctl::TIOCGPGRP,
    ioctl::TIOCGPTN,
    ioctl::TIOCGDEV,
    ioctl::TIOCGPTPEER,
]);

/// The cases, as they are collected.
#[derive(Clone, Copy)]
struct List<const N: usize> {
    cases: [Case; N],
    len: usize,
}

impl<const N: usize> List<N> {
    /// Adds a case like this one for each of the tests.
    const fn add(mut self, tests: &'static [Test], like: Case) -> Self {
        let mut at = 0;
        while at < tests.len() {
            if !tests[at].never_holds() {
                self.cases[self.len] = Case { tests: core::slice::from_ref(&tests[at]), ..like };
                self.len += 1;
            }
            at += 1;
        }
        self
    }

    /// Adds a case without a test.
    const fn rest(mut self, case: Case) -> Self {
        self.cases[self.len] = case;
        self
    }
}

/// Tests for these numbers, as few as there are runs of neighbours; the rest hold never.
const fn merged<const N: usize, const M: usize>(mut numbers: [u32; N]) -> [Test; M] {
    let mut next = 1;
    while next < N {
        let mut at = next;
        while at > 0 && numbers[at - 1] > numbers[at] {
            numbers.swap(at - 1, at);
            at -= 1;
        }
        next += 1;
    }
    let mut tests = [Test::range32(1, 1, 0); M];
    let (mut len, mut start) = (0, 0);
    while start < N {
        let mut end = start;
        while end + 1 < N && numbers[end + 1] - numbers[end] <= 1 {
            end += 1;
        }
        tests[len] = Test::range32(1, numbers[start], numbers[end]);
        len += 1;
        start = end + 1;
    }
    tests
}

/// The numbers of the requests in a list.
const fn numbers<T: Copy, const N: usize>(list: &[(u32, T); N]) -> [u32; N] {
    let mut numbers = [0; N];
    let mut at = 0;
    while at < N {
        numbers[at] = list[at].0;
        at += 1;
    }
    numbers
}
