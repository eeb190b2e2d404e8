//! The ABI: which version brought which rights and flags.

use sandlock_sys::{Errno, Result, landlock};

use crate::access::{AccessFs, RestrictFlags, Rights};
use crate::protection::{PROTECTIONS, Protection};

/// What a kernel's Landlock can restrict: its ABI version, less what it lacks all the same. [`Abi::current`]
/// asks the kernel; [`Abi::assume`] is for tests and for planning ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abi {
    version: u32,
    lacks: Rights,
}

impl Abi {
    /// The newest version that is known here. A kernel that speaks a newer one speaks this one as well.
    pub const NEWEST: Self = Self::assume(11);

    /// What the running kernel speaks. A distribution's kernel can have a version and not all that belongs to
    /// it (RHEL 9 has 6 without the scopes), so each right counts only if a ruleset that handles it can be
    /// made.
    ///
    /// # Errors
    ///
    /// * `ENOSYS`: it is built without Landlock.
    /// * `EOPNOTSUPP`: Landlock is not among the security modules enabled at boot.
    pub fn current() -> Result<Self> {
        let abi = Self::assume(landlock::abi()?);
        let knows = |Rights { fs, net, scope }| landlock::create_ruleset(fs, net, scope).map(drop);
        Ok(match knows(abi.rights()) {
            Err(Errno::EINVAL | Errno::E2BIG) => abi.less(knows),
            _ => abi,
        })
    }

    /// Less the protections whose rights the kernel does not know.
    fn less(self, knows: impl Fn(Rights) -> Result<()>) -> Self {
        let unknown =
            PROTECTIONS.iter().map(|protection| protection.rights).filter(|rights| knows(*rights).is_err());
        Self { lacks: unknown.fold(Rights::NONE, Rights::union), ..self }
    }

    /// This version, whatever the kernel speaks. 0 is a kernel without Landlock.
    #[must_use]
    pub const fn assume(version: u32) -> Self {
        Self { version, lacks: Rights::NONE }
    }

    /// The version number, of a newer one than [`NEWEST`](Self::NEWEST) too.
    #[must_use]
    pub const fn version(self) -> u32 {
        self.version
    }

    /// Every right it can restrict, as far as [`PROTECTIONS`] goes.
    #[must_use]
    pub fn rights(self) -> Rights {
        let first = if self.version == 0 { AccessFs::empty() } else { FIRST };
        let later = PROTECTIONS.iter().filter(|protection| protection.abi <= self.version);
        let all = later.fold(Rights::on_files(first), |all, protection| all.union(protection.rights));
        all.difference(self.lacks)
    }

    /// Whether it can restrict what the protection is about.
    #[must_use]
    pub fn has(self, protection: &Protection) -> bool {
        protection.rights.difference(self.rights()).is_empty()
    }

    /// Every flag that restricting takes.
    #[must_use]
    pub fn flags(self) -> RestrictFlags {
        let known = FLAGS.iter().filter(|(version, _)| *version <= self.version);
        known.fold(RestrictFlags::empty(), |all, (_, flags)| all.union(*flags))
    }
}

/// What ABI 1 restricts (Linux 5.13): reading and writing, without what came later.
const FIRST: AccessFs =
    AccessFs::READ.union(AccessFs::WRITE).difference(AccessFs::REFER).difference(AccessFs::TRUNCATE);

/// Each version that brought flags (Linux 6.15, 7.0 and 7.3), and which.
const FLAGS: [(u32, RestrictFlags); 3] =
    [(7, LOG), (8, RestrictFlags::TSYNC), (11, RestrictFlags::NO_NEW_PRIVS)];
const LOG: RestrictFlags = RestrictFlags::LOG_SAME_EXEC_OFF
    .union(RestrictFlags::LOG_NEW_EXEC_ON)
    .union(RestrictFlags::LOG_SUBDOMAINS_OFF);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_without_all_that_belongs_to_it_is_less() {
        let no_scopes = |rights: Rights| if rights.scope.is_empty() { Ok(()) } else { Err(Errno::EINVAL) };
        let abi = Abi::assume(6).less(no_scopes);
        assert_eq!(abi.version(), 6);
        assert_eq!(abi.rights(), Abi::assume(5).rights());
        let has: [bool; PROTECTIONS.len()] = core::array::from_fn(|at| abi.has(&PROTECTIONS[at]));
        assert_eq!(has, [true, true, true, true, false, false, false, false]);
        assert_eq!(Abi::assume(6).less(|_| Ok(())), Abi::assume(6));
    }
}
