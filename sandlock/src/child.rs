//! A command that runs while its caller does something else, in the manner of [`std::process::Child`].
//!
//! A thread of its own supervises it, and is confined with it; the caller's threads stay as they are.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, pipe};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use sandlock_sys::process::PidFd;
use sandlock_sys::{Errno, Pid, Signal, signal};

use crate::error::{Error, Step};
use crate::launch;
use crate::outcome::Ended;
use crate::plan::Plan;
use crate::run::joined;

/// A standard descriptor of a command.
#[derive(Debug)]
pub enum Stdio {
    /// The caller's.
    Inherit,
    /// `/dev/null`.
    Null,
    /// A pipe, whose other end is in the [`Child`].
    Piped,
    /// This file.
    File(OwnedFd),
}

impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(file: T) -> Self {
        Self::File(file.into())
    }
}

/// A command that was started. Dropping it kills everything in its sandbox, and waits for that.
#[derive(Debug)]
pub struct Child {
    /// Writes to the command's standard input, if that is [`Stdio::Piped`].
    pub stdin: Option<PipeWriter>,
    /// Reads the command's standard output, likewise.
    pub stdout: Option<PipeReader>,
    /// Reads the command's standard error, likewise.
    pub stderr: Option<PipeReader>,
    id: Pid,
    command: PidFd,
    /// Hangs up when the supervisor's thread ends.
    end: UnixStream,
    supervisor: Option<JoinHandle<Result<Ended, Error>>>,
    ended: Option<Result<Ended, Error>>,
}

impl Plan {
    /// Starts the command with these for its standard input, output and error, on a thread of its own that is
    /// confined with it. Each call starts one more.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn spawn(self: &Arc<Self>, stdio: [Stdio; 3]) -> Result<Child, Error> {
        let at = |error: std::io::Error| {
            Error::Step(Step::Stdio, Errno::new(error.raw_os_error().unwrap_or(libc::EIO)))
        };
        let [stdin, stdout, stderr] = stdio;
        let (theirs_in, stdin) = stdin.open(false).map_err(at)?;
        let (theirs_out, stdout) = stdout.open(true).map_err(at)?;
        let (theirs_err, stderr) = stderr.open(true).map_err(at)?;
        let (end, at_the_end) = UnixStream::pair().map_err(at)?;
        end.set_nonblocking(true).map_err(at)?;
        let (send, started) = std::sync::mpsc::channel();
        let plan = Arc::clone(self);
        let stdio = [theirs_in, theirs_out, theirs_err];
        let supervise = move || {
            let _at_the_end = at_the_end;
            plan.supervised(&send, stdio)
        };
        let supervisor = std::thread::Builder::new().name("sandlock".into()).spawn(supervise).map_err(at)?;
        let Ok((id, command)) = started.recv() else {
            // It has ended with the reason.
            return Err(joined(supervisor.join()).err().unwrap_or(Error::Guardian));
        };
        launch::raise_of(id, &command);
        Ok(Child { stdin, stdout, stderr, id, command, end, supervisor: Some(supervisor), ended: None })
    }
}

impl Stdio {
    /// The command's file, if it is not the caller's, and the caller's end of a pipe. The command's is under
    /// a number above those of the standard descriptors, which it replaces.
    fn open<T: From<OwnedFd>>(self, is_output: bool) -> std::io::Result<(Option<OwnedFd>, Option<T>)> {
        let (theirs, ours) = match self {
            Self::Inherit => return Ok((None, None)),
            Self::Null => (File::options().read(!is_output).write(is_output).open("/dev/null")?.into(), None),
            Self::File(file) => (file, None),
            Self::Piped => {
                let (read, write) =
                    pipe().map(|(read, write)| (OwnedFd::from(read), OwnedFd::from(write)))?;
                if is_output { (write, Some(read)) } else { (read, Some(write)) }
            }
        };
        Ok((Some(theirs.try_clone()?), ours.map(T::from)))
    }
}

impl Child {
    /// The command's process ID.
    #[must_use]
    pub const fn id(&self) -> i32 {
        self.id.get()
    }

    /// Waits until the command has ended, and everything in its sandbox with it. Closes the write end of its
    /// standard input first.
    ///
    /// # Errors
    ///
    /// The supervision failed; everything in the sandbox was killed.
    pub fn wait(&mut self) -> Result<Ended, Error> {
        drop(self.stdin.take());
        if let Some(supervisor) = self.supervisor.take() {
            self.ended = Some(joined(supervisor.join()));
        }
        self.ended.clone().unwrap_or(Err(Error::Guardian))
    }

    /// The same without waiting: `None` while it runs. When it has ended, [`as_fd`](AsFd::as_fd) polls as
    /// readable (a hangup).
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn try_wait(&mut self) -> Result<Option<Ended>, Error> {
        let has_ended = self.supervisor.is_none() || matches!((&self.end).read(&mut [0]), Ok(0));
        if has_ended { self.wait().map(Some) } else { Ok(None) }
    }

    /// Kills the command; everything in its sandbox ends with it.
    pub fn kill(&self) {
        // If it has ended, there is nothing to kill.
        let _ = signal::pidfd_send_signal(&self.command, Signal::KILL);
    }
}

impl AsFd for Child {
    /// A descriptor for an event loop to poll: a socket that never has data, and hangs up when the sandbox is
    /// empty.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.supervisor.is_some() {
            self.kill();
            let _ = self.wait();
        }
    }
}
