//! The ABI: which version brought which rights, in one table.

use sandlock_sys::{Result, landlock};

use crate::access::{AccessFs, AccessNet, RestrictFlags, Rights, Scope};

/// A Landlock ABI version. [`Abi::current`] asks the kernel; [`Abi::assume`] is for tests and for planning ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Abi(u32);

impl Abi {
    /// The newest version in the table. A kernel that speaks a newer one speaks this one as well.
    pub const NEWEST: Self = Self(11);

    /// What the running kernel speaks.
    ///
    /// # Errors
    ///
    /// * `ENOSYS`: it is built without Landlock.
    /// * `EOPNOTSUPP`: Landlock is not among the security modules enabled at boot.
    pub fn current() -> Result<Self> {
        landlock::abi().map(Self)
    }

    /// This version, whatever the kernel speaks. 0 is a kernel without Landlock.
    #[must_use]
    pub const fn assume(version: u32) -> Self {
        Self(version)
    }

    /// The version number, of a newer one than the table's too.
    #[must_use]
    pub const fn version(self) -> u32 {
        self.0
    }

    /// Every right it can restrict, as far as the table goes.
    #[must_use]
    pub fn rights(self) -> Rights {
        self.rows().fold(Rights::NONE, |all, (_, rights, _)| all.union(*rights))
    }

    /// Every flag that restricting takes.
    #[must_use]
    pub fn flags(self) -> RestrictFlags {
        self.rows().fold(RestrictFlags::empty(), |all, (_, _, flags)| all.union(*flags))
    }

    fn rows(self) -> impl Iterator<Item = &'static Row> {
        ADDED.iter().filter(move |(version, ..)| *version <= self.0)
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
