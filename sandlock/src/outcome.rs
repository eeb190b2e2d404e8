//! How a command ended.

use std::path::PathBuf;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(i32),
    /// Its time was over.
    TimedOut,
}

/// How a run ended, and what of it is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How the command ended.
    pub outcome: Outcome,
    /// Whether processes are left that were killed and have not ended: each sleeps in the kernel, for a file
    /// system that does not answer, and ends when it wakes, without another instruction.
    pub processes: bool,
    /// The private temporary directory, if it could not be removed.
    pub directory: Option<PathBuf>,
}

impl Outcome {
    /// As env(1), timeout(1) and shells return it: the status, 128 + the signal, 124.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
            Self::Killed(signal) => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
            Self::TimedOut => 124,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_env_ones() {
        for (outcome, want) in [
            (Outcome::Exited(0), 0),
            (Outcome::Exited(3), 3),
            (Outcome::Exited(255), 255),
            (Outcome::Killed(9), 137),
            (Outcome::TimedOut, 124),
        ] {
            assert_eq!(outcome.status(), want);
        }
    }
}
