//! Rights: what a ruleset handles, of the three kinds together.

use core::fmt::{self, Write};

pub use sandlock_sys::landlock::{AccessFs, AccessNet, RestrictFlags, Scope};

/// Rights on files, rights on ports, and scopes. A scope is no right that a rule could grant, but a ruleset handles it and an ABI
/// version brings it, so it is counted among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// On files.
    pub fs: AccessFs,
    /// On ports.
    pub net: AccessNet,
    /// What stays inside the domain.
    pub scope: Scope,
}

impl Rights {
    /// Not one.
    pub const NONE: Self = Self { fs: AccessFs::empty(), net: AccessNet::empty(), scope: Scope::empty() };

    /// Whether there is not one.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.fs.is_empty() && self.net.is_empty() && self.scope.is_empty()
    }

    /// Those in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            fs: self.fs.union(other.fs),
            net: self.net.union(other.net),
            scope: self.scope.union(other.scope),
        }
    }

    /// Those in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            fs: self.fs.intersection(other.fs),
            net: self.net.intersection(other.net),
            scope: self.scope.intersection(other.scope),
        }
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self {
            fs: self.fs.difference(other.fs),
            net: self.net.difference(other.net),
            scope: self.scope.difference(other.scope),
        }
    }
}

impl fmt::Display for Rights {
    /// As the kernel's audit records say it: `fs.refer,net.bind_tcp,scope.signal`. Bits without a name are one hexadecimal number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List { f, first: true };
        list.kind("fs", self.fs)?;
        list.kind("net", self.net)?;
        list.kind("scope", self.scope)
    }
}

/// Writes names with commas between them.
struct List<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    first: bool,
}

impl List<'_, '_> {
    fn kind<B: bitflags_like::Flags>(&mut self, kind: &str, rights: B) -> fmt::Result {
        todo!()
    }
}
