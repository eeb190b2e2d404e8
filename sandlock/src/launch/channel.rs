//! Messages from the guardian to the supervisor: datagrams of twelve bytes.

use sandlock_sys::{BorrowedFd, Errno, Pid, Result, Signal, net};

use crate::error::Step;
use crate::outcome::Outcome;

/// A message of the guardian's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// A step before execve failed, and why.
    Failed(Step, Errno),
    /// The command runs, as this process.
    Launched(Pid),
    /// This signal stopped the command.
    Stopped(Signal),
    /// The command has ended, and its sandbox with it.
    Ended(End),
}

/// The end of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// How the command ended.
    pub(crate) outcome: Outcome,
    /// Whether killed processes are left that sleep in the kernel, and end when they wake.
    pub(crate) left: bool,
}

impl Message {
    fn words(self) -> [i32; 3] {
        match self {
            Self::Failed(step, errno) => [0, step.number(), errno.get()],
            Self::Launched(pid) => [1, pid.get(), 0],
            Self::Stopped(signal) => [2, signal.get(), 0],
            Self::Ended(End { outcome: Outcome::Exited(status), left }) => [3, status, left.into()],
            Self::Ended(End { outcome: Outcome::Killed(signal), left }) => [4, signal, left.into()],
            Self::Ended(End { outcome: Outcome::TimedOut, left }) => [5, 0, left.into()],
        }
    }

    fn from_words([kind, value, last]: [i32; 3]) -> Option<Self> {
        let ended = |outcome| Self::Ended(End { outcome, left: last != 0 });
        Some(match kind {
            0 => Self::Failed(Step::from_number(value)?, Errno::new(last)),
            1 => Self::Launched(Pid::new(value)),
            2 => Self::Stopped(Signal::new(value)),
            3 => ended(Outcome::Exited(value)),
            4 => ended(Outcome::Killed(value)),
            5 => ended(Outcome::TimedOut),
            _ => return None,
        })
    }

    /// Sends it. The guardian calls this, so nothing is allocated.
    pub(crate) fn send(self, channel: BorrowedFd<'_>, flags: i32) -> Result<()> {
        net::send(channel, self.words().map(i32::to_ne_bytes).as_flattened(), flags).map(drop)
    }

    /// Takes the next one.
    ///
    /// # Errors
    ///
    /// * `EAGAIN`: there is none.
    /// * `EPIPE`: the guardian is gone.
    pub(crate) fn recv(channel: BorrowedFd<'_>) -> Result<Self> {
        let mut words = [[0; 4]; 3];
        let mut recv = || net::recv(channel, words.as_flattened_mut(), libc::MSG_DONTWAIT);
        let len = match recv() {
            // Returned once, when the guardian ends with a datagram of ours unread, and before its own last
            // ones.
            Err(Errno::ECONNRESET) => recv()?,
            other => other?,
        };
        if len == 0 {
            return Err(Errno::EPIPE);
        }
        Self::from_words(words.map(i32::from_ne_bytes)).ok_or(Errno::EIO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock_sys::AsFd;

    const fn ended(outcome: Outcome, left: bool) -> Message {
        Message::Ended(End { outcome, left })
    }

    #[test]
    fn what_is_sent_arrives() {
        let (one, other) = net::socketpair(libc::SOCK_SEQPACKET).unwrap();
        for message in [
            Message::Failed(Step::Exec, Errno::EACCES),
            Message::Launched(Pid::new(42)),
            Message::Stopped(Signal::TSTP),
            ended(Outcome::Exited(3), false),
            ended(Outcome::Killed(9), true),
            ended(Outcome::TimedOut, false),
            ended(Outcome::TimedOut, true),
        ] {
            message.send(one.as_fd(), 0).unwrap();
            assert_eq!(Message::recv(other.as_fd()), Ok(message));
        }
        assert_eq!(Message::recv(other.as_fd()), Err(Errno::EAGAIN));
        // The last word arrives even if ours was never read.
        net::send(other.as_fd(), b"end", 0).unwrap();
        let last = ended(Outcome::Exited(0), true);
        last.send(one.as_fd(), 0).unwrap();
        drop(one);
        assert_eq!(Message::recv(other.as_fd()), Ok(last));
        assert_eq!(Message::recv(other.as_fd()), Err(Errno::EPIPE));
        assert_eq!((Message::from_words([9, 0, 0]), Message::from_words([0, 0, 1])), (None, None));
    }
}
