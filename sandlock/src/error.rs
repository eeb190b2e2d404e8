//! What can keep a command from starting: who, which call, on what, why, and what to do about it.

use core::fmt;
use std::ffi::OsString;
use std::path::PathBuf;

use sandlock_landlock::Protection;
use sandlock_sys::Errno;

/// Why there is no sandbox. Nothing of the command has run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A path of the policy cannot be opened: the flag or method that named it, the path, why.
    Path(&'static str, PathBuf, Errno),
    /// A value means nothing: what it was for, the value, what would do.
    Value(&'static str, OsString, &'static str),
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
    /// A step between clone and execve failed.
    Step(Step, Errno),
    /// The guardian process died before the command ended.
    Guardian,
}

/// A step of the launch, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Blocking signals, giving up capabilities, making the channel.
    Prepare = 1,
    /// Restricting the supervisor itself.
    Confine,
    /// Cloning the guardian, and restricting what it may signal.
    Guard,
    /// Cloning the command.
    Clone,
    /// A process group of its own, and the terminal.
    Group,
    /// The parent-death signal.
    DeathSignal,
    /// The working directory.
    Chdir,
    /// landlock_restrict_self(2).
    Landlock,
    /// seccomp(2).
    Filter,
    /// close_range(2).
    Close,
    /// execve(2).
    Exec,
}

impl Step {
    /// All, in order: the number is the place.
    const ALL: [Self; 11] = [
        Self::Prepare,
        Self::Confine,
        Self::Guard,
        Self::Clone,
        Self::Group,
        Self::DeathSignal,
        Self::Chdir,
        Self::Landlock,
        Self::Filter,
        Self::Close,
        Self::Exec,
    ];

    /// The step with this number.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// Its number.
    pub(crate) fn number(self) -> u32 {
        Self::ALL.iter().zip(1..).find(|(step, _)| **step == self).map_or(0, |(_, number)| number)
    }

    const fn call(self) -> &'static str {
        match self {
            Self::Prepare => "setting up the supervisor",
            Self::Confine => "confining the supervisor",
            Self::Guard => "starting the guardian",
            Self::Clone => "clone",
            Self::Group => "setpgid",
            Self::DeathSignal => "prctl(PR_SET_PDEATHSIG)",
            Self::Chdir => "chdir",
            Self::Landlock => "landlock_restrict_self",
            Self::Filter => "seccomp(SECCOMP_SET_MODE_FILTER)",
            Self::Close => "close_range",
            Self::Exec => "execve",
        }
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(flag, path, Errno::ENOENT) => {
                write!(
                    f,
                    "{flag} {}: ENOENT: there is no such path; make it first, or leave the rule out",
                    path.display()
                )
            }
            Self::Path(flag, path, errno) => {
                write!(
                    f,
                    "{flag} {}: {errno}: the path cannot be opened; check its type and permissions",
                    path.display()
                )
            }
            Self::Value(flag, value, hint) => write!(f, "{flag} {}: {hint}", value.display()),
            Self::NoCommand => {
                write!(f, "no command was given; say it after `--`, as in `sandlock run -- ls`")
            }
            Self::NotFound(command, errno) => {
                write!(f, "{}: {errno}: no such command; check the name and PATH", command.display())
            }
            Self::NotExecutable(command, errno @ Errno::EACCES) => write!(
                f,
                "execve {}: {errno}: it is not executable, or the policy does not let it (or its interpreter) be read; \
                 grant its directory with -r",
                command.display()
            ),
            Self::NotExecutable(command, errno @ Errno::EPERM) => write!(
                f,
                "execve {}: {errno}: the file wants capabilities, which the sandbox has given up; --keep-caps keeps them",
                command.display()
            ),
            Self::NotExecutable(command, errno) => {
                write!(f, "execve {}: {errno}: this kernel cannot execute it", command.display())
            }
            Self::NoLandlock(errno) => write!(
                f,
                "landlock_create_ruleset: {errno}: this kernel has no Landlock (it needs Linux 5.13 with `landlock` in the lsm= list); \
                 without it there is no sandbox"
            ),
            Self::Missing(protections) => {
                write!(f, "this kernel cannot enforce")?;
                for protection in protections {
                    write!(f, " {} (Landlock ABI {})", protection.name, protection.abi)?;
                }
                write!(f, "; to run without, add")?;
                for protection in protections {
                    write!(f, " --allow-degraded {}", protection.name)?;
                }
                Ok(())
            }
            Self::Landlock(error) => write!(f, "{error}; `sandlock check` says what this kernel can do"),
            Self::Filter(error) => write!(f, "seccomp filter: {error}"),
            Self::Tmp(path, errno) => write!(
                f,
                "mkdir {}: {errno}: no private temporary directory can be made there; set TMPDIR to a writable directory, or use \
                 --base none",
                path.display()
            ),
            Self::Step(Step::Filter, Errno::EBUSY) => write!(
                f,
                "seccomp: EBUSY: this process already runs under a supervisor (another sandbox, or WSL's), and the kernel has room for \
                 one; start sandlock outside of it"
            ),
            Self::Step(step, errno) => {
                write!(f, "{}: {errno}; `sandlock check` says what this kernel can do", step.call())
            }
            Self::Guardian => write!(
                f,
                "the guardian process was killed from outside; everything in the sandbox was killed too"
            ),
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
            assert_eq!(Step::from_number(step.number()), Some(step));
        }
        assert_eq!((Step::from_number(0), Step::from_number(12)), (None, None));
    }

    #[test]
    fn every_error_is_one_line() {
        for error in [
            Error::Path("-r", "/no".into(), Errno::ENOENT),
            Error::NoCommand,
            Error::NoLandlock(Errno::EOPNOTSUPP),
            Error::Missing(sandlock_landlock::PROTECTIONS.iter().collect()),
            Error::Step(Step::Filter, Errno::EBUSY),
            Error::Guardian,
        ] {
            let text = error.to_string();
            assert!(!text.contains('\n') && text.len() > 20, "{text}");
        }
    }
}
