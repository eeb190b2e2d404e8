//! Rights: what a ruleset handles, of the three kinds together.

pub use sandlock_sys::landlock::{AccessFs, AccessNet, RestrictFlags, Scope};

/// Rights on files, rights on ports, and scopes. A scope is not a right that a rule could grant; but a
/// ruleset handles it and an ABI version brings it, so it is counted among them.
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

    /// These, on files.
    #[must_use]
    pub const fn on_files(fs: AccessFs) -> Self {
        Self { fs, ..Self::NONE }
    }

    /// These, on ports.
    #[must_use]
    pub const fn on_ports(net: AccessNet) -> Self {
        Self { net, ..Self::NONE }
    }

    /// These scopes.
    #[must_use]
    pub const fn scoped(scope: Scope) -> Self {
        Self { scope, ..Self::NONE }
    }

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
        self.difference(self.difference(other))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_do_not_mix() {
        let fs = Rights::on_files(AccessFs::EXECUTE);
        let net = Rights::on_ports(AccessNet::BIND_TCP);
        let scope = Rights::scoped(Scope::ABSTRACT_UNIX_SOCKET);
        let all = fs.union(net).union(scope);
        assert_eq!(all, Rights { fs: fs.fs, net: net.net, scope: scope.scope });
        for (one, others) in [(fs, net.union(scope)), (net, fs.union(scope)), (scope, fs.union(net))] {
            assert!(!one.is_empty());
            assert_eq!((all.difference(one), all.intersection(one)), (others, one));
            assert_eq!((others.intersection(one), one.difference(all)), (Rights::NONE, Rights::NONE));
        }
    }

    #[test]
    fn reading_and_writing_share_no_right() {
        assert!((AccessFs::READ & AccessFs::WRITE).is_empty());
        let rest = AccessFs::IOCTL_DEV | AccessFs::RESOLVE_UNIX;
        assert_eq!((AccessFs::READ | AccessFs::WRITE | rest).bits(), (1 << 17) - 1);
    }
}
