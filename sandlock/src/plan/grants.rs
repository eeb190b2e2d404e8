//! File rules as data: path, rights, and the part of the policy that each comes from.

use std::path::{Path, PathBuf};

use sandlock_landlock::AccessFs;

use crate::policy::Source;

/// One file rule: rights to a file, or to a directory and everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The path as the kernel spells it; of the base profile, as the profile does.
    pub path: PathBuf,
    /// The rights. A kernel that does not know one of them does not restrict it.
    pub rights: AccessFs,
    /// Where it comes from.
    pub source: Source,
}

impl Grant {
    /// Whether the caller grants a place in `/dev/shm`, or grants changing all of it.
    pub(super) fn has_shm(&self) -> bool {
        const SHM: &str = "/dev/shm";
        let is_named = matches!(self.source, Source::Read | Source::Write);
        let is_all = self.rights.contains(AccessFs::MAKE_REG) && Path::new(SHM).starts_with(&self.path);
        is_named && (is_all || self.path.starts_with(SHM))
    }
}
