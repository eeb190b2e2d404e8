//! The terminals of a sandbox: the caller's, which it is lent, and the pseudo terminals it has opened.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::{BorrowedFd, Errno, Pid, Result, Signal, signal, tty};

use crate::proc;

/// How many pseudo terminals a sandbox can have open: a machine has 4096.
const MAX_PTYS: usize = 64;

/// What loop and workers know of terminals.
#[derive(Debug)]
pub struct Terminals {
    /// The device of the caller's terminal ([`tty::device`](sandlock_sys::tty::device)), if the command has
    /// it on a standard descriptor.
    pub(crate) callers: Option<u32>,
    /// Whether a process group of the sandbox has been put in its foreground.
    lent: AtomicBool,
    /// The numbers of pseudo terminals whose other ends were opened, plus one; 0: free.
    ptys: [AtomicU32; MAX_PTYS],
}

impl Terminals {
    /// Of a sandbox whose command has the terminal that is this device.
    #[must_use]
    pub const fn new(callers: Option<u32>) -> Self {
        Self { callers, lent: AtomicBool::new(false), ptys: [const { AtomicU32::new(0) }; MAX_PTYS] }
    }

    /// Notes that the caller's terminal is lent to the sandbox, or is not any more.
    pub fn set_lent(&self, lent: bool) {
        self.lent.store(lent, SeqCst);
    }

    /// Whether the caller's terminal is lent to the sandbox. A shell that takes it without a word (the caller
    /// was stopped and sent to the background) has it: its group is in the foreground, and the signal scope
    /// refuses signals to it.
    #[must_use]
    pub fn is_lent(&self, terminal: BorrowedFd<'_>) -> bool {
        let is_outside = |group: Pid| signal::kill_group(group, Signal::NONE) == Err(Errno::EPERM);
        self.lent.load(SeqCst) && tty::foreground(terminal).is_ok_and(|group| !is_outside(group))
    }

    /// Counts the pseudo terminal with this number.
    ///
    /// # Errors
    ///
    /// `ENOSPC`: there are too many, as on a machine that has no more of them.
    pub(crate) fn add_pty(&self, number: u32) -> Result<()> {
        let mark = number.wrapping_add(1);
        if self.ptys.iter().any(|slot| slot.load(SeqCst) == mark) {
            return Ok(());
        }
        let take = || self.ptys.iter().any(|slot| slot.compare_exchange(0, mark, SeqCst, SeqCst).is_ok());
        if take() {
            return Ok(());
        }
        for slot in &self.ptys {
            let old = slot.load(SeqCst);
            if old != 0 && !exists(old.wrapping_sub(1)) {
                let _ = slot.compare_exchange(old, 0, SeqCst, SeqCst);
            }
        }
        if take() { Ok(()) } else { Err(Errno::ENOSPC) }
    }
}

/// Whether the pseudo terminal is still there: it goes with its master.
fn exists(number: u32) -> bool {
    let mut buffer = [0; 40];
    let path = proc::text(format_args!("/dev/pts/{number}\0"), &mut buffer);
    path.is_ok_and(|path| fs::open(path, OFlags::PATH).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_terminals_are_counted_once_and_forgotten_when_they_are_gone() {
        let terminals = Terminals::new(None);
        // Numbers that no machine has.
        let first = 1 << 20;
        let max = u32::try_from(MAX_PTYS).unwrap();
        for number in first..first + max {
            assert_eq!(terminals.add_pty(number), Ok(()));
            assert_eq!(terminals.add_pty(number), Ok(()));
        }
        assert_eq!(terminals.add_pty(first + max), Ok(()), "none of them exists");
    }
}
