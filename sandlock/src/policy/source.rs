//! The parts of a policy, by which grants and errors name their source.

/// A part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The base profile: [`Policy::base`](crate::Policy::base).
    Base,
    /// The command and its arguments.
    Command,
    /// [`Policy::read`](crate::Policy::read).
    Read,
    /// [`Policy::write`](crate::Policy::write).
    Write,
    /// [`Policy::connect`](crate::Policy::connect).
    Connect,
    /// [`Policy::deny`](crate::Policy::deny).
    Deny,
    /// [`Policy::bind`](crate::Policy::bind).
    Bind,
    /// [`Policy::env`](crate::Policy::env).
    Env,
    /// [`Policy::cwd`](crate::Policy::cwd), or the current directory.
    Cwd,
    /// The private directory.
    Tmp,
    /// [`Policy::home`](crate::Policy::home).
    Home,
    /// [`Policy::die_with_parent`](crate::Policy::die_with_parent).
    Parent,
    /// [`Policy::keep_fd`](crate::Policy::keep_fd).
    KeepFd,
    /// A toolchain below the home, of which a directory is in `PATH`.
    Toolchain,
    /// [`Policy::timeout`](crate::Policy::timeout).
    Timeout,
    /// [`Policy::keep_caps`](crate::Policy::keep_caps).
    KeepCaps,
    /// [`Policy::allow_degraded`](crate::Policy::allow_degraded).
    Degraded,
    /// [`Policy::allow_compat`](crate::Policy::allow_compat).
    Compat,
}
