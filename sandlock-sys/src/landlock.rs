//! [landlock(7)]: rulesets, the rules in them, and the call that restricts a thread by one.
//!
//! Constants and structures are those of `linux/landlock.h`. Unknown bits are kept: the kernel's ABI version
//! decides whether it takes a right, not this list.
//!
//! [landlock(7)]: https://man7.org/linux/man-pages/man7/landlock.7.html

#![expect(unsafe_code, reason = "the three landlock calls")]

use core::mem::offset_of;

use bitflags::bitflags;

use crate::prctl::NoNewPrivs;
use crate::{AsFd, BorrowedFd, OwnedFd, Result, conv, kind, nr, syscall};

bitflags! {
    /// `LANDLOCK_ACCESS_FS_*`: rights to files. Each names the ABI it came with.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct AccessFs: u64 {
        /// `LANDLOCK_ACCESS_FS_EXECUTE`: execute a file, or have it interpret another (ABI 1).
        const EXECUTE = 1;
        /// `LANDLOCK_ACCESS_FS_WRITE_FILE`: open a file to write (1).
        const WRITE_FILE = 2;
        /// `LANDLOCK_ACCESS_FS_READ_FILE`: open a file to read (1).
        const READ_FILE = 4;
        /// `LANDLOCK_ACCESS_FS_READ_DIR`: open a directory, which is to list it (1).
        const READ_DIR = 8;
        /// `LANDLOCK_ACCESS_FS_REMOVE_DIR`: remove or rename an empty directory in it (1).
        const REMOVE_DIR = 0x10;
        /// `LANDLOCK_ACCESS_FS_REMOVE_FILE`: remove or rename a file in it (1).
        const REMOVE_FILE = 0x20;
        /// `LANDLOCK_ACCESS_FS_MAKE_CHAR`: make a character device (1).
        const MAKE_CHAR = 0x40;
        /// `LANDLOCK_ACCESS_FS_MAKE_DIR`: make a directory (1).
        const MAKE_DIR = 0x80;
        /// `LANDLOCK_ACCESS_FS_MAKE_REG`: make a regular file (1).
        const MAKE_REG = 0x100;
        /// `LANDLOCK_ACCESS_FS_MAKE_SOCK`: make a unix socket, by bind(2) to a path (1).
        const MAKE_SOCK = 0x200;
        /// `LANDLOCK_ACCESS_FS_MAKE_FIFO`: make a named pipe (1).
        const MAKE_FIFO = 0x400;
        /// `LANDLOCK_ACCESS_FS_MAKE_BLOCK`: make a block device (1).
        const MAKE_BLOCK = 0x800;
        /// `LANDLOCK_ACCESS_FS_MAKE_SYM`: make a symbolic link (1).
        const MAKE_SYM = 0x1000;
        /// `LANDLOCK_ACCESS_FS_REFER`: link or rename between directories; denied by every ruleset with a
        /// right of this type that does not grant it, handled or not (2).
        const REFER = 0x2000;
        /// `LANDLOCK_ACCESS_FS_TRUNCATE`: truncate(2), ftruncate(2), `O_TRUNC` (3).
        const TRUNCATE = 0x4000;
        /// `LANDLOCK_ACCESS_FS_IOCTL_DEV`: ioctl(2) on a device (5).
        const IOCTL_DEV = 0x8000;
        /// `LANDLOCK_ACCESS_FS_RESOLVE_UNIX`: connect or send to the unix socket at a path (9).
        const RESOLVE_UNIX = 0x1_0000;
        /// Bits this list does not know yet.
        const _ = !0;
    }

    /// `LANDLOCK_ACCESS_NET_*`: rights to ports.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct AccessNet: u64 {
        /// `LANDLOCK_ACCESS_NET_BIND_TCP`: bind a TCP socket to it; 0 stands for any ephemeral one (ABI 4).
        const BIND_TCP = 1;
        /// `LANDLOCK_ACCESS_NET_CONNECT_TCP`: connect a TCP socket to it (4).
        const CONNECT_TCP = 2;
        /// `LANDLOCK_ACCESS_NET_BIND_UDP`: bind a UDP socket to it (10).
        const BIND_UDP = 4;
        /// `LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP`: connect a UDP socket, or send a datagram, to it (10).
        const CONNECT_SEND_UDP = 8;
        /// Bits this list does not know yet.
        const _ = !0;
    }

    /// `LANDLOCK_SCOPE_*`: operations that may not cross the domain's border. No rule grants an exception.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Scope: u64 {
        /// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`: connect or send to an abstract unix socket (ABI 6).
        const ABSTRACT_UNIX_SOCKET = 1;
        /// `LANDLOCK_SCOPE_SIGNAL`: send a signal (6).
        const SIGNAL = 2;
        /// Bits this list does not know yet.
        const _ = !0;
    }

    /// `LANDLOCK_RESTRICT_SELF_*`
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct RestrictFlags: u32 {
        /// `LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF`: no audit record of what this program is denied (ABI
        /// 7).
        const LOG_SAME_EXEC_OFF = 1;
        /// `LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON`: audit records of what a program executed later is denied
        /// (7).
        const LOG_NEW_EXEC_ON = 2;
        /// `LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF`: no audit record of domains nested in this one (7).
        const LOG_SUBDOMAINS_OFF = 4;
        /// `LANDLOCK_RESTRICT_SELF_TSYNC`: every thread of the process, or none (8).
        const TSYNC = 8;
        /// `LANDLOCK_RESTRICT_SELF_NO_NEW_PRIVS`: set `no_new_privs` in the same step (11).
        const NO_NEW_PRIVS = 0x10;
        /// Bits this list does not know yet.
        const _ = !0;
    }
}

impl AccessFs {
    /// `ACCESS_FILE` of `security/landlock/fs.c`: what a rule on something other than a directory can grant.
    pub const FILE: Self = Self::EXECUTE
        .union(Self::WRITE_FILE)
        .union(Self::READ_FILE)
        .union(Self::TRUNCATE)
        .union(Self::IOCTL_DEV)
        .union(Self::RESOLVE_UNIX);
    /// To look at files, list directories and run programs.
    pub const READ: Self = Self::EXECUTE.union(Self::READ_FILE).union(Self::READ_DIR);
    /// Whatever changes a file or a directory. Neither device ioctls nor sockets.
    pub const WRITE: Self = Self::WRITE_FILE
        .union(Self::REMOVE_DIR)
        .union(Self::REMOVE_FILE)
        .union(Self::MAKE_CHAR)
        .union(Self::MAKE_DIR)
        .union(Self::MAKE_REG)
        .union(Self::MAKE_SOCK)
        .union(Self::MAKE_FIFO)
        .union(Self::MAKE_BLOCK)
        .union(Self::MAKE_SYM)
        .union(Self::REFER)
        .union(Self::TRUNCATE);
}

/// `LANDLOCK_CREATE_RULESET_VERSION`
const CREATE_RULESET_VERSION: u32 = 1;
/// `LANDLOCK_CREATE_RULESET_ERRATA`
const CREATE_RULESET_ERRATA: u32 = 2;
/// `LANDLOCK_RULE_PATH_BENEATH`
const RULE_PATH_BENEATH: u32 = 1;
/// `LANDLOCK_RULE_NET_PORT`
const RULE_NET_PORT: u32 = 2;

/// `struct landlock_ruleset_attr`, as ABI 6 has it: an older kernel wants zeros in what it does not know, a
/// newer one reads zeros after it.
#[repr(C)]
struct RulesetAttr {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}
const _: () = assert!(size_of::<RulesetAttr>() == 24 && offset_of!(RulesetAttr, scoped) == 16);

/// `struct landlock_path_beneath_attr`
#[repr(C, packed)]
struct PathBeneathAttr {
    allowed_access: u64,
    parent_fd: i32,
}
const _: () = assert!(size_of::<PathBeneathAttr>() == 12 && offset_of!(PathBeneathAttr, parent_fd) == 8);

/// `struct landlock_net_port_attr`
#[repr(C)]
struct NetPortAttr {
    allowed_access: u64,
    port: u64,
}
const _: () = assert!(size_of::<NetPortAttr>() == 16 && offset_of!(NetPortAttr, port) == 8);

kind! {
    /// A ruleset: rules go in, and any number of threads restrict themselves by it.
    RulesetFd
}

/// `landlock_create_ruleset(LANDLOCK_CREATE_RULESET_VERSION)`: the highest ABI version the kernel speaks, 1
/// or more.
///
/// # Errors
///
/// * `ENOSYS`: the kernel is built without Landlock.
/// * `EOPNOTSUPP`: it is not among the security modules enabled at boot.
pub fn abi() -> Result<u32> {
    ask(CREATE_RULESET_VERSION)
}

/// `landlock_create_ruleset(LANDLOCK_CREATE_RULESET_ERRATA)`: bit n−1 for the repaired erratum n of the ABI.
///
/// # Errors
///
/// * `EINVAL`: the kernel is too old to be asked.
/// * and those of [`abi`].
pub fn errata() -> Result<u32> {
    ask(CREATE_RULESET_ERRATA)
}

fn ask(flag: u32) -> Result<u32> {
    // SAFETY: with this flag the kernel takes a null attribute of size 0 and touches no memory.
    let answer = unsafe { syscall!(nr::LANDLOCK_CREATE_RULESET, 0usize, 0usize, flag)? };
    Ok(conv::i32_from_usize(answer).cast_unsigned())
}

/// `landlock_create_ruleset(2)`: a ruleset that will deny what it handles except where a rule grants it.
///
/// # Errors
///
/// * `ENOSYS`, `EOPNOTSUPP`: as [`abi`].
/// * `E2BIG`: the kernel's ABI has no `net` (before 4) or no `scope` (before 6).
/// * `EINVAL`: it does not know one of the bits.
/// * `ENOMSG`: nothing is handled.
pub fn create_ruleset(fs: AccessFs, net: AccessNet, scope: Scope) -> Result<RulesetFd> {
    let attr =
        RulesetAttr { handled_access_fs: fs.bits(), handled_access_net: net.bits(), scoped: scope.bits() };
    // SAFETY: the kernel reads one landlock_ruleset_attr, whose size is passed.
    let fd = unsafe { syscall!(nr::LANDLOCK_CREATE_RULESET, &attr, size_of::<RulesetAttr>(), 0u32)? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    Ok(RulesetFd(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) }))
}

/// `landlock_add_rule(LANDLOCK_RULE_PATH_BENEATH)`: grants `allowed` on `parent` and, if it is a directory,
/// on everything beneath. An `O_PATH` descriptor will do.
///
/// # Errors
///
/// * `EINVAL`: a right is not handled, or is not in [`AccessFs::FILE`] and `parent` is no directory.
/// * `ENOMSG`: `allowed` is empty.
/// * `EBADFD`: `parent` is in no tree that can be restricted (a pipe, a socket, a memfd).
pub fn add_path_beneath(ruleset: &RulesetFd, allowed: AccessFs, parent: BorrowedFd<'_>) -> Result<()> {
    let attr = PathBeneathAttr { allowed_access: allowed.bits(), parent_fd: parent.as_raw() };
    // SAFETY: the kernel reads one landlock_path_beneath_attr.
    unsafe { syscall!(nr::LANDLOCK_ADD_RULE, ruleset.as_fd(), RULE_PATH_BENEATH, &attr, 0u32) }.map(drop)
}

/// `landlock_add_rule(LANDLOCK_RULE_NET_PORT)`: grants `allowed` on a port, of any address.
///
/// # Errors
///
/// * `EINVAL`: a right is not handled, or the kernel has no such rule (before ABI 4).
/// * `ENOMSG`: `allowed` is empty.
/// * `EAFNOSUPPORT`: the kernel is built without TCP/IP.
pub fn add_net_port(ruleset: &RulesetFd, allowed: AccessNet, port: u16) -> Result<()> {
    let attr = NetPortAttr { allowed_access: allowed.bits(), port: u64::from(port) };
    // SAFETY: the kernel reads one landlock_net_port_attr.
    unsafe { syscall!(nr::LANDLOCK_ADD_RULE, ruleset.as_fd(), RULE_NET_PORT, &attr, 0u32) }.map(drop)
}

/// `landlock_restrict_self(2)`: restricts the calling thread, and what it will fork or execute, for good.
/// Rules added later do not count.
///
/// # Errors
///
/// * `E2BIG`: the thread is in 16 domains already.
/// * `EINVAL`: the kernel does not know a flag.
pub fn restrict_self(ruleset: &RulesetFd, flags: RestrictFlags, _: &NoNewPrivs) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::LANDLOCK_RESTRICT_SELF, ruleset.as_fd(), flags.bits()) }.map(drop)
}
