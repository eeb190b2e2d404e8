//! The three states of a ruleset: asked for, in the kernel, enforced.

use core::ffi::CStr;
use core::marker::PhantomData;

use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::landlock as sys;
use sandlock_sys::prctl::NoNewPrivs;
use sandlock_sys::{AsFd, BorrowedFd, Errno};

use crate::abi::Abi;
use crate::access::{AccessFs, AccessNet, RestrictFlags, Rights};
use crate::error::Error;

/// A ruleset to be: the rights it will deny wherever no rule grants them.
#[must_use = "nothing is restricted yet"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruleset(Rights);

/// A ruleset in the kernel. Rules go in; any number of threads, and of processes that have the descriptor,
/// restrict themselves by it.
#[must_use = "nothing is restricted yet"]
#[derive(Debug)]
pub struct RulesetFd {
    fd: sys::RulesetFd,
    handled: Rights,
}

/// Evidence that the calling thread is restricted; only [`RulesetFd::restrict_self`] makes one. Not `Send`,
/// for a domain is a thread's.
#[must_use = "what must not run before the restriction should ask for this"]
#[derive(Debug)]
pub struct Enforced(PhantomData<*const ()>);

impl Ruleset {
    /// Handles `rights`. With any right on files, handle [`AccessFs::REFER`] too: moving files between
    /// directories is denied by every such ruleset, and only one that handles it can grant it.
    pub const fn handle(rights: Rights) -> Self {
        Self(rights)
    }

    /// Drops the rights that `abi` cannot restrict, and returns them. This is the only way to less protection
    /// than was asked for.
    ///
    /// One dropped right costs no protection: without [`AccessFs::REFER`] (ABI 1), moving files between
    /// directories is denied for good.
    pub fn best_effort(self, abi: Abi) -> (Self, Rights) {
        let supported = abi.rights();
        (Self(self.0.intersection(supported)), self.0.difference(supported))
    }

    /// Makes the ruleset, of all that was asked for or not at all.
    ///
    /// # Errors
    ///
    /// * [`Error::Unsupported`]: `abi` cannot restrict these rights.
    /// * [`Error::Create`]: the kernel refused; `ENOMSG` when nothing is handled.
    pub fn create(self, abi: Abi) -> Result<RulesetFd, Error> {
        let missing = self.0.difference(abi.rights());
        if !missing.is_empty() {
            return Err(Error::Unsupported(missing));
        }
        let Rights { fs, net, scope } = self.0;
        let fd = sys::create_ruleset(fs, net, scope).map_err(Error::Create)?;
        Ok(RulesetFd { fd, handled: self.0 })
    }
}

impl RulesetFd {
    /// What it denies wherever no rule grants it.
    #[must_use]
    pub const fn handled(&self) -> Rights {
        self.handled
    }

    /// Grants `rights` on the file `parent`, or on the directory and everything beneath it. `O_PATH` is
    /// enough. Rights that are not handled are not restricted, and rights that only a directory can have mean
    /// nothing on a file: both are left out here, and a rule that would grant nothing is not made.
    ///
    /// # Errors
    ///
    /// [`Error::AddRule`].
    pub fn allow_path(&self, rights: AccessFs, parent: BorrowedFd<'_>) -> Result<(), Error> {
        let allowed = rights.intersection(self.handled.fs);
        let on_a_file = allowed.intersection(AccessFs::FILE);
        match self.add(allowed, parent) {
            // The rights are all handled, so the one thing wrong is that some are a directory's and this is
            // none.
            Err(Errno::EINVAL) if on_a_file != allowed => self.add(on_a_file, parent),
            other => other,
        }
        .map_err(Error::AddRule)
    }

    /// The same by paths, each opened here: for a program that restricts itself and has no descriptors.
    ///
    /// # Errors
    ///
    /// [`Error::Open`], [`Error::AddRule`]; the rules before it are made.
    pub fn allow_paths(&self, rights: AccessFs, paths: &[&CStr]) -> Result<(), Error> {
        paths.iter().try_for_each(|path| {
            let file = fs::open(path, OFlags::PATH).map_err(Error::Open)?;
            self.allow_path(rights, file.as_fd())
        })
    }

    fn add(&self, allowed: AccessFs, parent: BorrowedFd<'_>) -> Result<(), Errno> {
        if allowed.is_empty() { Ok(()) } else { sys::add_path_beneath(&self.fd, allowed, parent) }
    }

    /// Grants `rights` on a port, of any address. Those that are not handled are left out, as above. Port 0
    /// is what asks for an ephemeral one.
    ///
    /// # Errors
    ///
    /// [`Error::AddRule`].
    pub fn allow_port(&self, rights: AccessNet, port: u16) -> Result<(), Error> {
        let allowed = rights.intersection(self.handled.net);
        if allowed.is_empty() {
            return Ok(());
        }
        sys::add_net_port(&self.fd, allowed, port).map_err(Error::AddRule)
    }

    /// Restricts the calling thread, and whatever it will fork or execute, for good. One system call and
    /// nothing else, so a child may do it between clone and exec. Rules added afterwards do not count for it.
    ///
    /// # Errors
    ///
    /// `E2BIG`: the thread is in 16 domains already, which is the kernel's limit.
    pub fn restrict_self(&self, privs: &NoNewPrivs) -> Result<Enforced, Errno> {
        self.restrict_self_with(RestrictFlags::empty(), privs)
    }

    /// The same with flags. [`Abi::flags`] returns those that the kernel takes.
    ///
    /// # Errors
    ///
    /// * `EINVAL`: a flag is newer than the kernel.
    /// * `E2BIG`: as above.
    pub fn restrict_self_with(&self, flags: RestrictFlags, privs: &NoNewPrivs) -> Result<Enforced, Errno> {
        sys::restrict_self(&self.fd, flags, privs)?;
        Ok(Enforced(PhantomData))
    }
}
