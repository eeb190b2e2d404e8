//! The messages of errors: who, which call, on what, why, and what to do about it.

use core::fmt;

use sandlock_sys::Errno;

use crate::error::{Error, Step};
use crate::policy::Source;

/// The names of the parts of a policy in messages.
type Names = fn(Source) -> &'static str;

/// The names in the library: those of the methods of [`Policy`](crate::Policy).
const fn method(source: Source) -> &'static str {
    match source {
        Source::Base => "Policy::none",
        Source::Command => "command",
        Source::Read => "read",
        Source::Write => "write",
        Source::Connect => "connect",
        Source::Deny => "deny",
        Source::Bind => "bind",
        Source::Env => "env",
        Source::Cwd => "cwd",
        Source::Tmp => "TMPDIR",
        Source::Home => "home",
        Source::Toolchain => "PATH",
        Source::Parent => "die_with_parent",
        Source::KeepFd => "keep_fd",
        Source::Timeout => "timeout",
        Source::KeepCaps => "keep_caps",
        Source::Degraded => "allow_degraded",
        Source::Compat => "allow_compat",
    }
}

impl Source {
    /// Its name on the command line.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        flag(self)
    }
}

/// The names on the command line.
const fn flag(source: Source) -> &'static str {
    match source {
        Source::Base => "--base none",
        Source::Command => "CMD",
        Source::Read => "-r",
        Source::Write => "-w",
        Source::Connect => "--net-allow",
        Source::Deny => "--net-deny",
        Source::Bind => "--net-allow-bind",
        Source::Env => "--env",
        Source::Cwd => "--cwd",
        Source::Tmp => "TMPDIR",
        Source::Home => "--home",
        Source::Toolchain => "PATH",
        Source::Parent => "--die-with-parent",
        Source::KeepFd => "--keep-fd",
        Source::Timeout => "-t",
        Source::KeepCaps => "--keep-caps",
        Source::Degraded => "--allow-degraded",
        Source::Compat => "--allow-compat",
    }
}

/// The advice for an errno that is about the machine, the user's limits, or a filter above.
const fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::EMFILE => "this process may open no more files; raise the limit (ulimit -n), or close some",
        Errno::ENFILE => "the machine has no room for more open files (fs.file-max)",
        Errno::EAGAIN => "this user may have no more processes; raise the limit (ulimit -u), or end some",
        Errno::ENOMEM => "there is not enough memory, or no more of it may be locked or mapped (ulimit -v)",
        Errno::EPERM | Errno::EACCES | Errno::ENOSYS => {
            "the kernel, or a filter that this process already runs under (a container's seccomp profile, another sandbox, Yama), \
             refuses a call that sandlock needs; allow it there, or start sandlock outside"
        }
        _ => "`sandlock check` says what this kernel can do",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, method)
    }
}

struct WithFlags<'e>(&'e Error);

impl fmt::Display for WithFlags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, flag)
    }
}

impl Error {
    /// The message as the command line prints it: a part of the policy has the name of its flag.
    #[must_use]
    pub fn with_flags(&self) -> impl fmt::Display + '_ {
        WithFlags(self)
    }

    /// A name of the message that stays, whatever its words are; `sandlock explain E003` says more about it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Path(_, _, Errno::ENOENT) => "E003",
            Self::Path(..) => "E004",
            Self::Value(..) => "E005",
            Self::NoCommand => "E006",
            Self::NotFound(..) => "E007",
            Self::NotExecutable(..) => "E008",
            Self::NoLandlock(_) => "E009",
            Self::Missing(_) => "E010",
            Self::Step(Step::Filter, Errno::EBUSY) => "E011",
            Self::Landlock(_) | Self::Step(..) | Self::Refused(..) => "E012",
            Self::Tmp(..) => "E013",
            Self::Filter(_) => "E014",
            Self::Guardian => "E015",
            Self::Orphaned => "E016",
        }
    }

    /// Writes the message, with the names that these are for the parts of a policy.
    fn write(&self, f: &mut fmt::Formatter<'_>, name: Names) -> fmt::Result {
        match self {
            Error::Path(source, path, Errno::ENOENT) => {
                write!(
                    f,
                    "{} {}: ENOENT: there is no such path; make it first, or leave the rule out",
                    name(*source),
                    path.display()
                )
            }
            Error::Path(source, path, errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => {
                write!(f, "{} {}: {errno}: {}", name(*source), path.display(), advice(*errno))
            }
            Error::Path(source, path, errno) => {
                write!(
                    f,
                    "{} {}: {errno}: the path cannot be opened; check its type and permissions",
                    name(*source),
                    path.display()
                )
            }
            Error::Value(source, value, hint) => write!(f, "{} {}: {hint}", name(*source), value.display()),
            Error::NoCommand => {
                write!(f, "no command was given: a program and its arguments")
            }
            Error::NotFound(command, errno) => {
                write!(f, "{}: {errno}: no such command; check the name and PATH", command.display())
            }
            Error::NotExecutable(command, errno @ Errno::EACCES) => write!(
                f,
                "execve {}: {errno}: it is not executable, or the policy does not let it (or its interpreter) be read; \
                 grant its directory with {}",
                command.display(),
                name(Source::Read)
            ),
            Error::NotExecutable(command, errno @ Errno::EPERM) => write!(
                f,
                "execve {}: {errno}: the file wants capabilities, which the sandbox has given up; {} keeps them",
                command.display(),
                name(Source::KeepCaps)
            ),
            Error::NotExecutable(command, errno) => {
                write!(f, "execve {}: {errno}: this kernel cannot execute it", command.display())
            }
            Error::NoLandlock(errno) => write!(
                f,
                "landlock_create_ruleset: {errno}: this kernel has no Landlock (it needs Linux 5.13 with `landlock` in the lsm= list); \
                 without it there is no sandbox"
            ),
            Error::Missing(protections) => {
                write!(f, "this kernel cannot enforce")?;
                for protection in protections {
                    write!(f, " {} (Landlock ABI {})", protection.name, protection.abi)?;
                }
                write!(f, "; to run without, add")?;
                for protection in protections {
                    write!(f, " {} {}", name(Source::Degraded), protection.name)?;
                }
                Ok(())
            }
            Error::Landlock(error) => {
                let errno = match error {
                    sandlock_landlock::Error::Create(errno)
                    | sandlock_landlock::Error::Open(errno)
                    | sandlock_landlock::Error::AddRule(errno) => *errno,
                    sandlock_landlock::Error::Unsupported(_) => Errno::EOPNOTSUPP,
                };
                write!(f, "{error}: {}", advice(errno))
            }
            Error::Filter(error) => write!(f, "seccomp filter: {error}"),
            Error::Tmp(path, errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => {
                write!(f, "mkdir {}: {errno}: {}", path.display(), advice(*errno))
            }
            Error::Tmp(path, errno) => write!(
                f,
                "mkdir {}: {errno}: no private temporary directory can be made there; set TMPDIR to a writable directory, or \
                 start from nothing ({})",
                path.display(),
                name(Source::Base)
            ),
            Error::Step(Step::Filter, Errno::EBUSY) => write!(
                f,
                "seccomp: EBUSY: this process already runs under a supervisor (another sandbox, or WSL's), and the kernel has room for \
                 one; start sandlock outside of it"
            ),
            Error::Step(Step::Scope, errno) => write!(
                f,
                "landlock: {errno}: this kernel takes the scope of signals (ABI 6) and does not keep it, so that nothing would keep the \
                 command from signalling the user's other processes"
            ),
            Error::Step(step, errno) => write!(f, "{}: {errno}: {}", step.call(), advice(*errno)),
            Error::Refused(call, errno) => write!(f, "{call}: {errno}: {}", advice(*errno)),
            Error::Orphaned => {
                write!(
                    f,
                    "the process that started sandlock has ended, and so has everything in the sandbox, as asked for"
                )
            }
            Error::Guardian => write!(
                f,
                "the guardian, a worker, or the command before its execve was killed from outside; everything in the sandbox was killed too"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_names_of_its_reader() {
        let error = Error::Path(Source::Read, "/no".into(), Errno::ENOENT);
        assert!(error.to_string().starts_with("read /no: ENOENT"));
        assert!(error.with_flags().to_string().starts_with("-r /no: ENOENT"));
    }

    #[test]
    fn every_error_is_one_line() {
        for error in [
            Error::Path(Source::Read, "/no".into(), Errno::ENOENT),
            Error::NoCommand,
            Error::NoLandlock(Errno::EOPNOTSUPP),
            Error::Missing(sandlock_landlock::PROTECTIONS.iter().collect()),
            Error::Step(Step::Filter, Errno::EBUSY),
            Error::Step(Step::Clone, Errno::EAGAIN),
            Error::Refused("openat2", Errno::EPERM),
            Error::Landlock(sandlock_landlock::Error::Create(Errno::EMFILE)),
            Error::Guardian,
            Error::Orphaned,
        ] {
            let text = error.to_string();
            assert!(!text.contains('\n') && text.len() > 20, "{text}");
        }
    }
}
