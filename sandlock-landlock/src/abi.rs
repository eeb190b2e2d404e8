//! The ABI: which version brought which rights, in one table.

use sandlock_sys::{Errno, Result, landlock};

use crate::access::{AccessFs, AccessNet, RestrictFlags, Rights, Scope};
use crate::protection::{PROTECTIONS, Protection};

/// What a kernel's Landlock can restrict: its ABI version, less what it lacks all the same. [`Abi::current`]
/// asks the kernel; [`Abi::assume`] is for tests and for planning ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abi {
    version: u32,
    lacks: Rights,
}

impl Abi {
    /// The newest version in the table. A kernel that speaks a newer one speaks this one as well.
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

    /// The version number, of a newer one than the table's too.
    #[must_use]
    pub const fn version(self) -> u32 {
        self.version
    }

    /// Every right it can restrict, as far as the table goes.
    #[must_use]
    pub fn rights(self) -> Rights {
        self.rows().fold(Rights::NONE, |all, (_, rights, _)| all.union(*rights)).difference(self.lacks)
    }

    /// Whether it can restrict what the protection is about.
    #[must_use]
    pub fn has(self, protection: &Protection) -> bool {
        protection.rights.difference(self.rights()).is_empty()
    }

    /// Every flag that restricting takes.
    #[must_use]
    pub fn flags(self) -> RestrictFlags {
        self.rows().fold(RestrictFlags::empty(), |all, (_, _, flags)| all.union(*flags))
    }

    fn rows(self) -> impl Iterator<Item = &'static Row> {
        ADDED.iter().filter(move |(version, ..)| *version <= self.version)
    }
}

/// A version and what it added.
type Row = (u32, Rights, RestrictFlags);

/// `security/landlock/limits.h` of each release, as differences. Behind each row, the first kernel with it.
#[rustfmt::skip]
const ADDED: &[Row] = &[
    (1, Rights::on_files(FIRST), FLAGS),                    // 5.13
    (2, Rights::on_files(AccessFs::REFER), FLAGS),          // 5.19
    (3, Rights::on_files(AccessFs::TRUNCATE), FLAGS),       // 6.2
    (4, Rights::on_ports(TCP), FLAGS),                      // 6.7
    (5, Rights::on_files(AccessFs::IOCTL_DEV), FLAGS),      // 6.10
    (6, Rights::scoped(SCOPES), FLAGS),                     // 6.12
    (7, Rights::NONE, LOG),                                 // 6.15
    (8, Rights::NONE, RestrictFlags::TSYNC),                // 7.0
    (9, Rights::on_files(AccessFs::RESOLVE_UNIX), FLAGS),   // 7.1
    (10, Rights::on_ports(UDP), FLAGS),                     // 7.2
    (11, Rights::NONE, RestrictFlags::NO_NEW_PRIVS),        // 7.3
];

/// Reading and writing, without what came later.
const FIRST: AccessFs =
    AccessFs::READ.union(AccessFs::WRITE).difference(AccessFs::REFER).difference(AccessFs::TRUNCATE);
const TCP: AccessNet = AccessNet::BIND_TCP.union(AccessNet::CONNECT_TCP);
const UDP: AccessNet = AccessNet::BIND_UDP.union(AccessNet::CONNECT_SEND_UDP);
const SCOPES: Scope = Scope::ABSTRACT_UNIX_SOCKET.union(Scope::SIGNAL);
const FLAGS: RestrictFlags = RestrictFlags::empty();
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
