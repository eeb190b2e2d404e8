//! Numbers that identify a process, a signal, a user or a group, each kind of number a type of its own, so
//! that two swapped arguments do not compile.

use core::fmt;

use crate::arch::Arg;

/// Declares types that hold one number each.
macro_rules! ids {
    ($($(#[$doc:meta])* pub struct $name:ident($number:ty);)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
            #[repr(transparent)]
            pub struct $name($number);

            impl $name {
                /// From the kernel's number.
                #[must_use]
                pub const fn new(number: $number) -> Self {
                    Self(number)
                }

                /// The kernel's number.
                #[must_use]
                pub const fn get(self) -> $number {
                    self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl From<$name> for Arg<'_> {
                fn from(id: $name) -> Self {
                    Self::from(id.0)
                }
            }
        )+
    };
}

ids! {
    /// The ID of a process, of a thread, or of a process group or session, which has the ID of its leader:
    /// the kernel's `pid_t` is all of them too.
    pub struct Pid(i32);

    /// A signal's number ([signal(7)]); it need not be one that exists.
    ///
    /// [signal(7)]: https://man7.org/linux/man-pages/man7/signal.7.html
    pub struct Signal(i32);

    /// A user ID.
    pub struct Uid(u32);

    /// The ID of a group of users.
    pub struct Gid(u32);
}

impl Pid {
    /// 0: the calling process. As an answer: a process that is not visible here.
    pub const SELF: Self = Self(0);
    /// −1, for kill(2): every process that the caller may signal.
    pub const ALL: Self = Self(-1);
}

impl Signal {
    /// 0, no signal: kill(2) only checks whether one could be sent, and a process made by clone(2) sends none
    /// when it ends.
    pub const NONE: Self = Self(0);
    /// `SIGHUP`
    pub const HUP: Self = Self(libc::SIGHUP);
    /// `SIGINT`
    pub const INT: Self = Self(libc::SIGINT);
    /// `SIGQUIT`
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// `SIGKILL`
    pub const KILL: Self = Self(libc::SIGKILL);
    /// `SIGUSR1`
    pub const USR1: Self = Self(libc::SIGUSR1);
    /// `SIGUSR2`
    pub const USR2: Self = Self(libc::SIGUSR2);
    /// `SIGPIPE`
    pub const PIPE: Self = Self(libc::SIGPIPE);
    /// `SIGTERM`
    pub const TERM: Self = Self(libc::SIGTERM);
    /// `SIGCHLD`
    pub const CHLD: Self = Self(libc::SIGCHLD);
    /// `SIGCONT`
    pub const CONT: Self = Self(libc::SIGCONT);
    /// `SIGSTOP`
    pub const STOP: Self = Self(libc::SIGSTOP);
    /// `SIGTSTP`
    pub const TSTP: Self = Self(libc::SIGTSTP);
    /// `SIGTTIN`
    pub const TTIN: Self = Self(libc::SIGTTIN);
    /// `SIGTTOU`
    pub const TTOU: Self = Self(libc::SIGTTOU);
    /// `SIGWINCH`
    pub const WINCH: Self = Self(libc::SIGWINCH);
}
