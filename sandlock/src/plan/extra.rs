//! A profile's additions to a policy: grants, environment, and the contents of the private directory.

use core::ffi::CStr;
use core::net::SocketAddr;
use std::borrow::Cow;
use std::path::PathBuf;

use sandlock_landlock::AccessFs;
use sandlock_sys::{AsFd, BorrowedFd, OwnedFd};

use super::command::Environment;
use super::place::Place;
use crate::policy::{Reach, Source};

/// What a profile adds to a policy, as [`Plan::new`](super::Plan::new) takes it.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Grants by name, of the base profile. What this machine does not have is skipped.
    pub(crate) names: Vec<(Cow<'static, CStr>, AccessFs)>,
    /// Grants of places that are open already, by descriptor.
    pub(crate) places: Vec<(Source, AccessFs, Place)>,
    /// Whether the command's own file is granted.
    pub(crate) command: bool,
    /// Whether what the caller's standard descriptors are open on is, by name.
    pub(crate) streams: bool,
    /// Descriptors that the command gets besides the standard ones: the numbers, in ascending order, and
    /// duplicates.
    pub(crate) kept_fds: Vec<(i32, OwnedFd)>,
    /// The rules of machines: whether each allows.
    pub(crate) egress: Vec<(bool, Reach)>,
    /// The name servers that resolve the names of the policy.
    pub(crate) servers: Vec<SocketAddr>,
    /// The private directory, if there is one.
    pub(crate) private: Option<Private>,
    /// The environment.
    pub(crate) env: Environment,
    /// The command's working directory, if it is not the caller's.
    pub(crate) cwd: Option<Place>,
    /// The home that stays, which may be changed.
    pub(crate) write: Option<Place>,
    /// What the caller may want to know.
    pub(crate) notes: Vec<String>,
    /// What the caller should know.
    pub(crate) warnings: Vec<String>,
}

impl Extra {
    /// Where the command starts.
    pub(crate) fn at(&self) -> BorrowedFd<'_> {
        self.cwd.as_ref().map_or(BorrowedFd::CWD, |cwd| cwd.fd.as_fd())
    }
}

/// A private directory.
#[derive(Debug)]
pub(crate) struct Private {
    /// The directory that it is made in.
    pub(crate) parent: PathBuf,
    /// Variables that name it, or something below.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    /// Files in it.
    pub(crate) files: Vec<(&'static CStr, Vec<u8>)>,
}
