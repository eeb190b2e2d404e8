//! File rules as data: path, rights, and the part of the policy that each comes from.

use std::path::PathBuf;

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
