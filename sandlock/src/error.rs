//! The errors that keep a command from starting: who, which call, on what, why, and what to do about it.

use std::ffi::OsString;
use std::path::PathBuf;

use sandlock_landlock::Protection;
use sandlock_sys::Errno;

use crate::policy::Source;

/// Why there is no sandbox. Nothing of the command has run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A path of the policy cannot be opened: the part that named it, the path, why.
    Path(Source, PathBuf, Errno),
    /// A value means nothing: what it was for, the value, what would do.
    Value(Source, OsString, &'static str),
    /// No command was given.
    NoCommand,
    /// The command is nowhere: it, and why it cannot be found.
    NotFound(OsString, Errno),
    /// The command is there and cannot be executed.
    NotExecutable(OsString, Errno),
    /// The kernel has no Landlock, or it is off.
    NoLandlock(Errno),
    /// The kernel cannot enforce these.
    Missing(Vec<&'static Protection>),
    /// A Landlock call failed.
    Landlock(sandlock_landlock::Error),
    /// The filter does not fit.
    Filter(sandlock_bpf::Error),
    /// A private temporary directory could not be made in this place.
    Tmp(PathBuf, Errno),
    /// A step of the launch failed.
    Step(Step, Errno),
    /// A call is refused to this process: its name, and the error.
    Refused(&'static str, Errno),
    /// The guardian or a worker died before the command ended, or the command before its execve.
    Guardian,
    /// The caller's parent has ended ([`Policy::die_with_parent`](crate::Policy::die_with_parent)).
    Orphaned,
}

/// Declares the steps: what each is, and the call that it makes.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident: $call:literal),+ $(,)?) => {
        /// A step of the launch, in order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Step {
            $($(#[$doc])* #[doc = concat!("`", $call, "`")] $name),+
        }

        impl Step {
            /// All, in order: the number is the place.
            const ALL: &[Self] = &[$(Self::$name),+];

            pub(crate) const fn call(self) -> &'static str {
                match self {
                    $(Self::$name => $call),+
                }
            }
        }
    };
}

steps! {
    /// Blocking signals.
    Mask: "rt_sigprocmask",
    /// Without new privileges, as every domain and filter demands.
    Privileges: "prctl(PR_SET_NO_NEW_PRIVS)",
    /// Restricting the supervisor itself.
    Confine: "landlock_restrict_self of the supervisor",
    /// Giving up capabilities.
    Capabilities: "capset",
    /// The channel to the guardian.
    Channel: "socketpair",
    /// Sending by it.
    Send: "sendto",
    /// Receiving by it.
    Receive: "recvfrom",
    /// The supervisor's own process, for the guardian.
    Pidfd: "pidfd_open",
    /// Stacks.
    Stacks: "mmap",
    /// Cloning the guardian.
    Guardian: "clone of the guardian",
    /// That children are waited for.
    Children: "rt_sigaction(SIGCHLD)",
    /// That orphans come back.
    Orphans: "prctl(PR_SET_CHILD_SUBREAPER)",
    /// Restricting what the guardian may signal.
    GuardianScope: "landlock_restrict_self of the guardian",
    /// Signals, which the end of a sandbox takes.
    Kill: "kill",
    /// That the guardian cannot signal its maker any more.
    Scope: "kill of the supervisor",
    /// The timer of the time limit.
    Timer: "timerfd_create, timerfd_settime",
    /// A process group, or a session, of the guardian's own.
    Session: "setsid, setpgid",
    /// Cloning the command.
    Clone: "clone of the command",
    /// A process group of its own.
    Group: "setpgid",
    /// The terminal.
    Terminal: "ioctl(TIOCSPGRP)",
    /// The parent-death signal.
    DeathSignal: "prctl(PR_SET_PDEATHSIG)",
    /// The working directory.
    Chdir: "fchdir",
    /// Restricting the command.
    Landlock: "landlock_restrict_self",
    /// The command's filter.
    Filter: "seccomp(SECCOMP_SET_MODE_FILTER)",
    /// Signal handlers that are not the command's.
    Signals: "rt_sigaction",
    /// The command's standard descriptors.
    Stdio: "pipe2, dup3",
    /// Closing what the command, or the supervisor, is not to have.
    Close: "close_range",
    /// execve(2).
    Exec: "execve",
    /// The guardian's own descriptors.
    Table: "close_range, dup3 of the guardian",
    /// Reaping children.
    Wait: "waitid",
    /// The signals of a loop.
    SignalFd: "signalfd4",
    /// The guardian's filter, or the supervisor's.
    OwnFilter: "seccomp(SECCOMP_SET_MODE_FILTER) of sandlock itself",
    /// That the filter's listener is one.
    Listener: "ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID)",
    /// Reading the command's memory.
    Memory: "process_vm_readv",
    /// Writing it.
    Write: "process_vm_writev",
    /// Duplicating the command's descriptors.
    Descriptors: "pidfd_getfd",
    /// The bell of the workers.
    Bell: "eventfd2",
    /// Waiting.
    Poll: "ppoll",
    /// Closing the supervisor's memory and its files in /proc to others.
    Undumpable: "prctl(PR_SET_DUMPABLE)",
}

/// The step that failed in the guardian or the command, and why.
pub(crate) type Failed = (Step, Errno);

impl Step {
    /// The step with this number.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// Its number.
    pub(crate) fn number(self) -> i32 {
        Self::ALL.iter().zip(1..).find(|(step, _)| **step == self).map_or(0, |(_, number)| number)
    }
}

impl Error {
    /// The exit status that env(1) gives it: 127 not found, 126 not executable, 125 anything of our own.
    #[must_use]
    pub const fn status(&self) -> u8 {
        match self {
            Self::NotFound(..) => 127,
            Self::NotExecutable(..) => 126,
            _ => 125,
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_survives_its_number() {
        for step in Step::ALL {
            assert_eq!(Step::from_number(step.number()), Some(*step));
        }
        let beyond = i32::try_from(Step::ALL.len()).unwrap() + 1;
        assert_eq!((Step::from_number(0), Step::from_number(beyond)), (None, None));
    }
}
