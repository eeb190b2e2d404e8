//! Facts about a thread that `/proc` has: its process, its parent, and whether a signal waits for it.

use core::ffi::CStr;
use core::fmt::{self, Write};

use sandlock_sys::signal::SigSet;
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Result, Signal, fs};

/// Opens `/proc/ID/FILE`.
pub(crate) fn open(id: Pid, file: &str, flags: fs::OFlags) -> Result<OwnedFd> {
    let mut name = [0; 40];
    fs::open(text(format_args!("/proc/{id}/{file}\0"), &mut name)?, flags)
}

/// A text that ends in a NUL, in `buffer`.
///
/// # Errors
///
/// `ENAMETOOLONG`: it does not fit.
pub(crate) fn text<'b>(arguments: fmt::Arguments<'_>, buffer: &'b mut [u8]) -> Result<&'b CStr> {
    let mut text = Text { buffer, len: 0 };
    text.write_fmt(arguments).map_err(|_| Errno::ENAMETOOLONG)?;
    CStr::from_bytes_until_nul(text.buffer).map_err(|_| Errno::ENAMETOOLONG)
}

/// `/proc/self/fd/N` of the supervisor's own descriptor: the magic link to exactly that open file.
pub(crate) fn own_fd_path<'b>(fd: BorrowedFd<'_>, buffer: &'b mut [u8]) -> Result<&'b CStr> {
    text(format_args!("/proc/self/fd/{}\0", fd.as_raw()), buffer)
}

/// Text written into a byte slice.
struct Text<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, string: &str) -> fmt::Result {
        let end = self.len.checked_add(string.len()).ok_or(fmt::Error)?;
        self.buffer.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(string.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The process of a thread: the `Tgid:` line of `/proc/TID/status`.
pub(crate) fn thread_group(tid: Pid) -> Result<Pid> {
    let mut text = [0; 256];
    field(read(tid, "status", &mut text)?, "Tgid").and_then(number).ok_or(Errno::ESRCH)
}

/// Whether a signal interrupts a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The kernel has marked the thread (`TIF_SIGPENDING`): it handles the signal when it returns, and
    /// restarts a call that asks for it.
    Certain,
    /// The signal is for the process, and the kernel may have chosen another of its threads.
    Possible,
}

/// Whether a signal waits for the thread `tid` that it does not block: SIGSTOP, one with a handler, one that
/// kills.
pub(crate) fn interrupt(tid: Pid) -> Option<Interrupt> {
    let signals = Signals::of_thread(tid).ok()?;
    let unblocked = |pending: u64| pending & !signals.blocked != 0;
    if unblocked(signals.private) || (unblocked(signals.shared) && signals.process == tid) {
        return Some(Interrupt::Certain);
    }
    if signals.process == tid {
        return None;
    }
    // The kernel prefers the first thread (`complete_signal`). A stop of the process marks every thread.
    let first = Signals::of_thread(signals.process).ok()?;
    if first.is_stopped {
        return Some(Interrupt::Certain);
    }
    (signals.shared & !signals.blocked & first.blocked != 0).then_some(Interrupt::Possible)
}

/// Opens `/proc/PID/status`.
///
/// # Errors
///
/// `ENOENT`: there is no such process.
pub fn open_status(pid: Pid) -> Result<OwnedFd> {
    open(pid, "status", fs::OFlags::empty())
}

/// The signals that wait for a process, or for its first thread: bit n−1 for signal n. `status` is its open
/// `/proc/PID/status`.
///
/// # Errors
///
/// `ESRCH`: the process is gone.
pub fn pending_signals(status: BorrowedFd<'_>) -> Result<u64> {
    let mut text = [0; STATUS_MAX];
    fs::rewind(status)?;
    let len = fs::read(status, &mut text)?;
    let signals = Signals::of(text.get(..len).unwrap_or_default()).ok_or(Errno::EIO)?;
    Ok(signals.private | signals.shared)
}

/// Whether a thread ignores or blocks a signal.
///
/// # Errors
///
/// `ESRCH`, `ENOENT`: the thread is gone.
pub(crate) fn does_not_hear(tid: Pid, signal: Signal) -> Result<bool> {
    let signals = Signals::of_thread(tid)?;
    let bit = SigSet::EMPTY.with(signal).bits();
    Ok((signals.blocked | signals.ignored) & bit != 0)
}

/// How much of `/proc/TID/status` is read. It is longer only for a user in hundreds of groups.
const STATUS_MAX: usize = 4096;

/// The fields of `/proc/TID/status` about signals.
#[derive(Debug, PartialEq, Eq)]
struct Signals {
    process: Pid,
    is_stopped: bool,
    private: u64,
    shared: u64,
    blocked: u64,
    ignored: u64,
}

impl Signals {
    fn of_thread(tid: Pid) -> Result<Self> {
        let mut text = [0; STATUS_MAX];
        Self::of(read(tid, "status", &mut text)?).ok_or(Errno::ESRCH)
    }

    fn of(status: &[u8]) -> Option<Self> {
        let set = |name| u64::from_str_radix(core::str::from_utf8(field(status, name)?).ok()?, 16).ok();
        Some(Self {
            process: number(field(status, "Tgid")?)?,
            is_stopped: field(status, "State")?.starts_with(b"T"),
            private: set("SigPnd")?,
            shared: set("ShdPnd")?,
            blocked: set("SigBlk")?,
            ignored: set("SigIgn")?,
        })
    }
}

/// A field of a status, in whole lines only: the last one may be cut off.
fn field<'s>(status: &'s [u8], name: &str) -> Option<&'s [u8]> {
    let lines = status.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    lines.filter_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b":\t")).next()
}

/// The parent of a process or thread: the second field of `/proc/ID/stat` after the name.
pub(crate) fn parent(id: Pid) -> Result<Pid> {
    let mut text = [0; 256];
    parent_in(read(id, "stat", &mut text)?).ok_or(Errno::ESRCH)
}

/// The name is the process's own choice and may hold anything, `) R 1 ` included: what follows the last
/// parenthesis is the kernel's.
fn parent_in(stat: &[u8]) -> Option<Pid> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat.get(end..)?.split(|byte| *byte == b' ');
    number(fields.nth(2)?)
}

/// How far up the walk goes. No program makes a longer chain by accident.
const DEEPEST: usize = 64;

/// Whether `id` descends from `ancestor`, where `parent` returns the parent of a process (0: there is none,
/// or it is unknown).
fn descends_by(ancestor: Pid, id: Pid, parent: impl Fn(Pid) -> Pid) -> bool {
    let line = core::iter::successors(Some(parent(id)), |up| (up.get() > 1).then(|| parent(*up)));
    line.take(DEEPEST).any(|up| up == ancestor)
}

/// Whether a process descends from `ancestor`.
pub(crate) fn descends(ancestor: Pid, id: Pid) -> bool {
    descends_by(ancestor, id, |id| parent(id).unwrap_or_default())
}

/// As much of a file as there is room for. The kernel hands a status over in one piece.
fn read<'b>(id: Pid, file: &str, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    let file = open(id, file, fs::OFlags::empty())?;
    let len = fs::read(file.as_fd(), buffer)?;
    buffer.get(..len).ok_or(Errno::EIO)
}

fn number(digits: &[u8]) -> Option<Pid> {
    core::str::from_utf8(digits).ok()?.parse().ok().map(Pid::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock_sys::process;

    #[test]
    fn a_name_cannot_forge_a_parent() {
        for (stat, want) in [
            (&b"12 (sh) S 7 12 12 0"[..], Some(7)),
            (b"12 (a) R 1 (b) S 7 12 12", Some(7)),
            (b"12 ()) R 1 ) S 7 12", Some(7)),
            (b"12 (sh", None),
            (b"12 (sh) S", None),
            (b"12 (sh) S x", None),
        ] {
            assert_eq!(parent_in(stat), want.map(Pid::new), "{}", stat.escape_ascii());
        }
    }

    #[test]
    fn signals_are_read_from_a_status() {
        let status = b"Name:\tsh\nState:\tT (stopped)\nTgid:\t12\nPid:\t13\nSigPnd:\t0000000000000100\n\
            ShdPnd:\t0000000000004002\nSigBlk:\t0000000000010000\nSigIgn:\t0000000000000004\nSigCgt:\t0\n";
        let want = Signals {
            process: Pid::new(12),
            is_stopped: true,
            private: 0x100,
            shared: 0x4002,
            blocked: 0x1_0000,
            ignored: 4,
        };
        assert_eq!(Signals::of(status), Some(want));
        for cut in 0..status.len().saturating_sub(b"SigCgt:\t0\n".len()) {
            assert_eq!(Signals::of(&status[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn the_running_thread_is_found() {
        assert_eq!(thread_group(process::gettid()), Ok(process::getpid()));
        assert_eq!(parent(process::gettid()), Ok(process::getppid()));
        assert_eq!(parent(Pid::new(i32::MAX)), Err(Errno::ENOENT));
    }

    #[test]
    fn only_descendants_descend() {
        let parent = |id: Pid| match id.get() {
            30 => 20,
            20 => 10,
            10 => 5,
            5 => 1,
            99 => 98,
            98 => 1,
            _ => 0,
        };
        let parent = |id| Pid::new(parent(id));
        for (id, want) in [
            (30, true),
            (20, true),
            (10, false),
            (5, false),
            (99, false),
            (1, false),
            (0, false),
            (-7, false),
        ] {
            assert_eq!(descends_by(Pid::new(10), Pid::new(id), parent), want, "{id}");
        }
    }

    #[test]
    fn a_loop_or_a_chain_without_end_is_no_and_ends() {
        assert!(!descends_by(Pid::new(10), Pid::new(7), |_| Pid::new(7)));
        assert!(!descends_by(Pid::new(-1), Pid::new(1 << 20), |id| Pid::new(id.get() - 1)));
    }
}
