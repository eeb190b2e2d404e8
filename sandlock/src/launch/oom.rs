//! When memory is short, the kernel is to kill what the sandbox runs before the supervisor and the guardian,
//! whose end would leave it unwatched: proc_pid_oom_score_adj(5).

use core::ffi::CStr;
use std::fs::File;
use std::io::{Read as _, Write as _};

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
        let open = || {
            let file = fs::open(OWN, OFlags::RDWR).ok()?;
            let mut text = [0; 16];
            let len = fs::read(file.as_fd(), &mut text).ok()?;
            let score = parse(core::str::from_utf8(text.get(..len)?).ok()?)?;
            Some((file, score))
        };
        Self(open())
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
    let path = format!("/proc/{command}/oom_score_adj");
    let Ok(mut file) = File::options().read(true).write(true).open(path) else { return };
    // Not reaped yet, so its number was its own when the file was opened, and the file stays that process's.
    let is_its_own = signal::pidfd_send_signal(pidfd, Signal::NONE) != Err(Errno::ESRCH);
    let mut text = String::new();
    if is_its_own
        && file.read_to_string(&mut text).is_ok()
        && let Some(score) = parse(&text)
    {
        let _ = file.write_all(score.saturating_add(MORE).min(MAX).to_string().as_bytes());
    }
}

fn parse(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}
