//! When memory is short, the kernel is to kill what the sandbox runs before the supervisor and the guardian,
//! whose end would leave it unwatched: proc_pid_oom_score_adj(5).

use core::ffi::CStr;
use std::ffi::CString;

use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::process::PidFd;
use sandlock_sys::{AsFd, Errno, OwnedFd, Pid, Signal, signal};

/// How much more than its maker's score the command's is, and the highest there is.
const MORE: i32 = 500;
const MAX: i32 = 1000;
const OWN: &CStr = c"/proc/self/oom_score_adj";

/// This process's score, raised for what it makes until this is dropped. Not every procfs can be written;
/// then nothing is preferred.
pub(super) struct Raised(Option<(OwnedFd, i32)>);

impl Raised {
    /// Opens what it takes, and changes nothing yet.
    pub(super) fn prepare() -> Self {
        Self(open(OWN))
    }

    /// Raises it. The capability that would make this the lowest score allowed must be gone by then.
    pub(super) fn raise(&self) {
        self.write(|score| score.saturating_add(MORE).min(MAX));
    }

    fn write(&self, score: impl Fn(i32) -> i32) {
        if let Self(Some((file, old))) = self {
            let _ = fs::write(file.as_fd(), score(*old).to_string().as_bytes());
        }
    }
}

impl Drop for Raised {
    /// For every process that shares this memory: the guardian too.
    fn drop(&mut self) {
        self.write(|score| score);
    }
}

/// Raises the score of a command whose supervisor is a thread of a program with a life of its own: that
/// program's score does not change, not for a moment.
pub(crate) fn raise_of(command: Pid, pidfd: &PidFd) {
    let path = CString::new(format!("/proc/{command}/oom_score_adj"));
    let mut raised = Raised(path.ok().and_then(|path| open(&path)));
    // Not reaped yet, so its number was its own when the file was opened, and the file stays that process's.
    if signal::pidfd_send_signal(pidfd, Signal::NONE) != Err(Errno::ESRCH) {
        raised.raise();
    }
    // It stays raised.
    raised.0 = None;
}

/// Opens a score, and reads it.
fn open(path: &CStr) -> Option<(OwnedFd, i32)> {
    let file = fs::open(path, OFlags::RDWR).ok()?;
    let mut text = [0; 16];
    let len = fs::read(file.as_fd(), &mut text).ok()?;
    let score = core::str::from_utf8(text.get(..len)?).ok()?.trim().parse().ok()?;
    Some((file, score))
}
