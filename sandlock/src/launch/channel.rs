//! Messages from the guardian to the supervisor: datagrams of twelve bytes.

use sandlock_sys::process::Change;
use sandlock_sys::{BorrowedFd, Errno, Pid, Result, Signal, net};

use crate::outcome::Outcome;

/// A message of the guardian's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// A step before execve failed: its number, and why.
    Failed(u32, Errno),
    /// The command runs, as this process.
    Launched(Pid),
    /// The command was stopped, or went on.
    Changed(Change),
    /// The command has ended, and its sandbox with it.
    Ended(End),
}

/// The end of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// How the command ended.
    pub(crate) how: Change,
    /// Whether its time was over.
    pub(crate) timed_out: bool,
    /// Whether killed processes are left that sleep in the kernel, and end when they wake.
    pub(crate) left: bool,
}

impl End {
    /// For the caller.
    pub(crate) const fn outcome(self) -> Outcome {
        match self.how {
            _ if self.timed_out => Outcome::TimedOut,
            Change::Exited(status) => Outcome::Exited(status),
            Change::Killed(signal) | Change::Stopped(signal) => Outcome::Killed(signal.get()),
            Change::Continued => Outcome::Killed(Signal::KILL.get()),
        }
    }
}

const LEN: usize = 12;
/// Bits of the first word of an end.
const TIMED_OUT: i32 = 0x100;
const LEFT: i32 = 0x200;

impl Message {
    fn words(self) -> [i32; 3] {
        let change = |change| match change {
            Change::Exited(status) => (0, status),
            Change::Killed(signal) => (1, signal.get()),
            Change::Stopped(signal) => (2, signal.get()),
            Change::Continued => (3, 0),
        };
        match self {
            Self::Failed(step, errno) => [0, step.cast_signed(), errno.get()],
            Self::Launched(pid) => [1, pid.get(), 0],
            Self::Changed(how) => [2, change(how).0, change(how).1],
            Self::Ended(End { how, timed_out, left }) => {
                let flags = if timed_out { TIMED_OUT } else { 0 } | if left { LEFT } else { 0 };
                [3 | flags, change(how).0, change(how).1]
            }
        }
    }

    fn from_words(words: [i32; 3]) -> Option<Self> {
        let change = |kind, value| match kind {
            0 => Some(Change::Exited(value)),
            1 => Some(Change::Killed(Signal::new(value))),
            2 => Some(Change::Stopped(Signal::new(value))),
            3 => Some(Change::Continued),
            _ => None,
        };
        match words {
            [0, step, errno] => Some(Self::Failed(step.cast_unsigned(), Errno::new(errno))),
            [1, pid, _] => Some(Self::Launched(Pid::new(pid))),
            [2, kind, value] => change(kind, value).map(Self::Changed),
            [first, kind, value] if first & !(TIMED_OUT | LEFT) == 3 => Some(Self::Ended(End {
                how: change(kind, value)?,
                timed_out: first & TIMED_OUT != 0,
                left: first & LEFT != 0,
            })),
            _ => None,
        }
    }

    /// Sends it. The guardian calls this, so nothing is allocated.
    pub(crate) fn send(self, channel: BorrowedFd<'_>, flags: i32) -> Result<()> {
        let mut bytes = [0; LEN];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(self.words()) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        net::send(channel, &bytes, flags).map(drop)
    }

    /// Takes the next one.
    ///
    /// # Errors
    ///
    /// * `EAGAIN`: there is none.
    /// * `EPIPE`: the guardian is gone.
    pub(crate) fn recv(channel: BorrowedFd<'_>) -> Result<Self> {
        let mut bytes = [0; LEN];
        let len = match net::recv(channel, &mut bytes, libc::MSG_DONTWAIT) {
            // Returned once, when the guardian ends with a datagram of ours unread, and before its own last
            // ones.
            Err(Errno::ECONNRESET) => net::recv(channel, &mut bytes, libc::MSG_DONTWAIT)?,
            other => other?,
        };
        if len == 0 {
            return Err(Errno::EPIPE);
        }
        let mut words = [0; 3];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = i32::from_ne_bytes(chunk.try_into().unwrap_or_default());
        }
        Self::from_words(words).ok_or(Errno::EIO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock_sys::AsFd;

    fn ended(how: Change, timed_out: bool, left: bool) -> Message {
        Message::Ended(End { how, timed_out, left })
    }

    #[test]
    fn what_is_sent_arrives() {
        let (one, other) = net::socketpair(libc::SOCK_SEQPACKET).unwrap();
        for message in [
            Message::Failed(7, Errno::EACCES),
            Message::Launched(Pid::new(42)),
            Message::Changed(Change::Stopped(Signal::TSTP)),
            Message::Changed(Change::Continued),
            ended(Change::Exited(3), false, false),
            ended(Change::Killed(Signal::KILL), true, false),
            ended(Change::Killed(Signal::KILL), true, true),
        ] {
            message.send(one.as_fd(), 0).unwrap();
            assert_eq!(Message::recv(other.as_fd()), Ok(message));
        }
        assert_eq!(Message::recv(other.as_fd()), Err(Errno::EAGAIN));
        // The last word arrives even if ours was never read.
        net::send(other.as_fd(), b"end", 0).unwrap();
        let last = ended(Change::Exited(0), false, true);
        last.send(one.as_fd(), 0).unwrap();
        drop(one);
        assert_eq!(Message::recv(other.as_fd()), Ok(last));
        assert_eq!(Message::recv(other.as_fd()), Err(Errno::EPIPE));
        assert_eq!(Message::from_words([9, 0, 0]), None);
    }
}
