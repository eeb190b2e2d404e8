//! What the guardian and the supervisor say to each other: datagrams of twelve bytes.

use sandlock_sys::process::Change;
use sandlock_sys::{BorrowedFd, Errno, Result, net};

/// From the guardian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// A step before execve failed: its number, and why.
    Failed(u32, Errno),
    /// The command runs, as this process.
    Launched(i32),
    /// The command was stopped, or went on.
    Changed(Change),
    /// The command has ended like this, and everything in the sandbox with it.
    Ended(Change),
}

const LEN: usize = 12;

impl Message {
    fn words(self) -> [i32; 3] {
        let change = |change| match change {
            Change::Exited(status) => (0, status),
            Change::Killed(signal) => (1, signal),
            Change::Stopped(signal) => (2, signal),
            Change::Continued => (3, 0),
        };
        match self {
            Self::Failed(step, errno) => [0, step.cast_signed(), errno.get()],
            Self::Launched(pid) => [1, pid, 0],
            Self::Changed(how) => [2, change(how).0, change(how).1],
            Self::Ended(how) => [3, change(how).0, change(how).1],
        }
    }

    fn from_words(words: [i32; 3]) -> Option<Self> {
        let change = |kind, value| match kind {
            0 => Some(Change::Exited(value)),
            1 => Some(Change::Killed(value)),
            2 => Some(Change::Stopped(value)),
            3 => Some(Change::Continued),
            _ => None,
        };
        match words {
            [0, step, errno] => Some(Self::Failed(step.cast_unsigned(), Errno::new(errno))),
            [1, pid, _] => Some(Self::Launched(pid)),
            [2, kind, value] => change(kind, value).map(Self::Changed),
            [3, kind, value] => change(kind, value).map(Self::Ended),
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
            // Said once, when the guardian ends with a word of ours unread, and before what it still had to say.
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

    #[test]
    fn what_is_sent_arrives() {
        let (one, other) = net::socketpair(libc::SOCK_SEQPACKET).unwrap();
        for message in [
            Message::Failed(7, Errno::EACCES),
            Message::Launched(42),
            Message::Changed(Change::Stopped(20)),
            Message::Changed(Change::Continued),
            Message::Ended(Change::Exited(3)),
            Message::Ended(Change::Killed(9)),
        ] {
            message.send(one.as_fd(), 0).unwrap();
            assert_eq!(Message::recv(other.as_fd()), Ok(message));
        }
        assert_eq!(Message::recv(other.as_fd()), Err(Errno::EAGAIN));
        // The last word arrives even if ours was never read.
        net::send(other.as_fd(), b"end", 0).unwrap();
        Message::Ended(Change::Exited(0)).send(one.as_fd(), 0).unwrap();
        drop(one);
        assert_eq!(Message::recv(other.as_fd()), Ok(Message::Ended(Change::Exited(0))));
        assert_eq!(Message::recv(other.as_fd()), Err(Errno::EPIPE));
        assert_eq!(Message::from_words([9, 0, 0]), None);
    }
}
