//! The paths and addresses that calls are about, copied from the target.

use core::ffi::CStr;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use sandlock_landlock::AccessFs;
use sandlock_notify::dns;
use sandlock_notify::handlers::netlink::NUMBERS;
use sandlock_notify::{Call, Target, UserAddr, read_cstr};
use sandlock_sys::Errno;
use sandlock_sys::nr::Name;

use super::refusals::Act;
use super::walk;

/// The longest path, and the longest address of a socket.
const PATH_MAX: usize = 4096;
const SHORT: usize = 256;
const ADDRESS_MAX: usize = 110;

/// Calls by the number of the register that has a path, and of the one that has the directory it starts at.
type At = (Option<usize>, usize);

/// The path of a call, and the rights that the call takes.
pub(super) struct Question {
    pub(super) act: Act,
    pub(super) call: Name,
    /// Absolute, and not walked.
    pub(super) path: PathBuf,
    pub(super) takes: Takes,
    /// Whether the kernel has walked the path itself by now: a name that it still has not in memory is none.
    pub(super) again: bool,
}

/// The rights that a call takes of the file at its path.
pub(super) enum Takes {
    /// open(2) with these flags.
    Open(i32),
    /// To execute it.
    Execute,
    /// To shorten it.
    Truncate,
    /// This right to the directory, in which there must be no such file.
    Make(AccessFs),
    /// This right to the directory, in which there must be such a file.
    Remove(AccessFs),
    /// rename(2) or link(2) to this path; true: the old name goes.
    Move(PathBuf, bool),
    /// Changing its metadata.
    Change,
    /// Connecting to it.
    Connect,
}

impl Question {
    /// The same about another kind of operation.
    pub(super) fn with(&self, act: Act) -> Self {
        Self { act, call: self.call, path: self.path.clone(), takes: Takes::Change, again: self.again }
    }
}

/// The path and the rights of a call that the kernel decides.
pub(super) fn question(call: &Call<'_>, name: Name) -> Option<Question> {
    let new = |act, path, takes| Some(Question { act, call: name, path, takes, again: false });
    let ask = |act, at: At, takes| new(act, path(call, at)?, takes);
    let remove = |is_dir| Takes::Remove(if is_dir { AccessFs::REMOVE_DIR } else { AccessFs::REMOVE_FILE });
    let create = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
    match name {
        Name::open => ask(Act::Read, (None, 0), Takes::Open(call.int(1))),
        Name::openat => ask(Act::Read, (Some(0), 1), Takes::Open(call.int(2))),
        Name::creat => ask(Act::Write, (None, 0), Takes::Open(create)),
        Name::execve => ask(Act::Execute, (None, 0), Takes::Execute),
        Name::execveat => ask(Act::Execute, (Some(0), 1), Takes::Execute),
        Name::truncate | Name::truncate64 => ask(Act::Write, (None, 0), Takes::Truncate),
        Name::mkdir => ask(Act::Make, (None, 0), Takes::Make(AccessFs::MAKE_DIR)),
        Name::mkdirat => ask(Act::Make, (Some(0), 1), Takes::Make(AccessFs::MAKE_DIR)),
        Name::mknod => ask(Act::Make, (None, 0), Takes::Make(node(call.int(1)))),
        Name::mknodat => ask(Act::Make, (Some(0), 1), Takes::Make(node(call.int(2)))),
        Name::symlink => ask(Act::Make, (None, 1), Takes::Make(AccessFs::MAKE_SYM)),
        Name::symlinkat => ask(Act::Make, (Some(1), 2), Takes::Make(AccessFs::MAKE_SYM)),
        Name::unlink => ask(Act::Remove, (None, 0), remove(false)),
        Name::unlinkat => ask(Act::Remove, (Some(0), 1), remove(call.int(2) & libc::AT_REMOVEDIR != 0)),
        Name::rmdir => ask(Act::Remove, (None, 0), remove(true)),
        Name::rename => ask(Act::Move, (None, 0), Takes::Move(path(call, (None, 1))?, true)),
        Name::renameat | Name::renameat2 => {
            ask(Act::Move, (Some(0), 1), Takes::Move(path(call, (Some(2), 3))?, true))
        }
        Name::link => ask(Act::Move, (None, 0), Takes::Move(path(call, (None, 1))?, false)),
        Name::linkat => ask(Act::Move, (Some(0), 1), Takes::Move(path(call, (Some(2), 3))?, false)),
        Name::bind => match address(call) {
            Some(Address::Path(path)) => new(Act::Make, path, Takes::Make(AccessFs::MAKE_SOCK)),
            _ => None,
        },
        Name::connect => match address(call) {
            Some(Address::Path(path)) => new(Act::Connect, path, Takes::Connect),
            _ => None,
        },
        _ => None,
    }
}

/// The right that mknod(2) of this mode takes.
fn node(mode: i32) -> AccessFs {
    match mode.cast_unsigned() & libc::S_IFMT {
        libc::S_IFCHR => AccessFs::MAKE_CHAR,
        libc::S_IFBLK => AccessFs::MAKE_BLOCK,
        libc::S_IFIFO => AccessFs::MAKE_FIFO,
        libc::S_IFSOCK => AccessFs::MAKE_SOCK,
        _ => AccessFs::MAKE_REG,
    }
}

/// The path of a call that a worker answers.
pub(super) fn worked(call: &Call<'_>, name: Name) -> Option<Question> {
    let change = |path| Question { act: Act::Change, call: name, path, takes: Takes::Change, again: false };
    let at: At = match name {
        Name::connect => return question(call, name),
        Name::chmod
        | Name::chown
        | Name::lchown
        | Name::chown32
        | Name::lchown32
        | Name::utime
        | Name::utimes
        | Name::setxattr
        | Name::lsetxattr
        | Name::removexattr
        | Name::lremovexattr => (None, 0),
        Name::fchmodat
        | Name::fchmodat2
        | Name::fchownat
        | Name::futimesat
        | Name::utimensat
        | Name::utimensat_time64 => (Some(0), 1),
        Name::fchmod | Name::fchown | Name::fchown32 | Name::fsetxattr | Name::fremovexattr => {
            let path = walk::link(format_args!("/proc/{}/fd/{}", call.target().tid(), call.int(0)))?;
            return Some(change(path));
        }
        _ => return None,
    };
    // utimensat(2) of a descriptor alone.
    if at == (Some(0), 1) && call.addr(1).is_null() {
        let path = walk::link(format_args!("/proc/{}/fd/{}", call.target().tid(), call.int(0)))?;
        return Some(change(path));
    }
    Some(change(path(call, at)?))
}

/// The path that a register leads to, made absolute by the target's present directory.
fn path(call: &Call<'_>, (dir, at): At) -> Option<PathBuf> {
    let tid = call.target().tid();
    let mut buffer = [0; PATH_MAX];
    // Most are short, and a copy of less is faster.
    let mut short = [0; SHORT];
    let text: &CStr = match read_cstr(call.target(), call.addr(at), &mut short) {
        Err(Errno::ENAMETOOLONG) => read_cstr(call.target(), call.addr(at), &mut buffer).ok()?,
        text => text.ok()?,
    };
    let path = Path::new(OsStr::from_bytes(text.to_bytes()));
    let base = || match dir.map(|dir| call.int(dir)) {
        None | Some(libc::AT_FDCWD) => walk::link(format_args!("/proc/{tid}/cwd")),
        Some(number) => walk::link(format_args!("/proc/{tid}/fd/{number}")),
    };
    if path.as_os_str().is_empty() {
        // AT_EMPTY_PATH of execveat(2) and linkat(2); elsewhere there is no such file.
        return base().filter(|_| dir.is_some());
    }
    if path.is_relative() {
        return Some(base()?.join(path));
    }
    let Some(below) = own(path) else { return Some(path.to_owned()) };
    // A link to an open file leads to that file, and to no path. A pipe or a socket has none.
    let place = format!("/proc/{tid}/{below}");
    match below.strip_prefix("fd/") {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            walk::link(place).filter(|path| path.is_absolute())
        }
        _ => Some(place.into()),
    }
}

/// The rest of a path that leads to the target's own directory of procfs.
fn own(path: &Path) -> Option<String> {
    let mut parts = path.components().skip(1).map(Component::as_os_str);
    let rest = match (parts.next()?.to_str()?, parts.next()?.to_str()?) {
        ("proc", "self" | "thread-self") => parts.collect::<PathBuf>(),
        ("dev", "fd") => Path::new("fd").join(parts.collect::<PathBuf>()),
        ("dev", "stdin") => "fd/0".into(),
        ("dev", "stdout") => "fd/1".into(),
        ("dev", "stderr") => "fd/2".into(),
        _ => return None,
    };
    Some(rest.to_string_lossy().into_owned())
}

/// The address of a socket.
pub(super) enum Address {
    Port(String, u16),
    Path(PathBuf),
    Abstract(String),
}

/// The name in a query that a call sends to a name server.
pub(super) fn asked_name(call: &Call<'_>, name: Name) -> Option<String> {
    if !NUMBERS.contains(&call.int(0)) {
        return None;
    }
    let target = call.target();
    let word = if call.has_narrow_longs() { 4 } else { 8 };
    let at = |from: UserAddr, index: u64| {
        let mut bytes = [0; 8];
        let bytes = bytes.get_mut(..usize::try_from(word).ok()?)?;
        read_exact(target, UserAddr(from.0.checked_add(index.checked_mul(word)?)?), bytes)?;
        Some(match bytes.first_chunk() {
            Some(whole) => u64::from_ne_bytes(*whole),
            None => u32::from_ne_bytes(*bytes.first_chunk()?).into(),
        })
    };
    let (from, len) = match name {
        Name::sendto | Name::send | Name::write => (call.addr(1), call.register(2)),
        // The first vector of the (first) message: struct msghdr has the array as its third word.
        Name::sendmsg | Name::sendmmsg => {
            let vector = UserAddr(at(call.addr(1), 2)?);
            (UserAddr(at(vector, 0)?), at(vector, 1)?)
        }
        _ => return None,
    };
    let mut query = [0; dns::REPLY_MAX];
    let query = query.get_mut(..usize::try_from(len).ok()?)?;
    read_exact(target, from, query)?;
    let question = dns::Question::read(query)?.ok()?;
    let mut text = [0; dns::NAME_MAX];
    Some(String::from_utf8_lossy(question.name(&mut text)?).into_owned())
}

/// Copies as many bytes as there is room for.
fn read_exact(target: &dyn Target, from: UserAddr, bytes: &mut [u8]) -> Option<()> {
    (target.read(from, bytes) == Ok(bytes.len())).then_some(())
}

/// The address that connect(2) or bind(2) has.
pub(super) fn address(call: &Call<'_>) -> Option<Address> {
    let mut buffer = [0; ADDRESS_MAX];
    let len = usize::try_from(call.int(2)).ok()?.min(ADDRESS_MAX);
    let bytes = buffer.get_mut(..len)?;
    let len = call.target().read(call.addr(1), bytes).ok()?;
    let (family, rest) = bytes.get(..len)?.split_first_chunk::<2>()?;
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            let (port, ip) =
                (u16::from_be_bytes(*port), core::net::Ipv4Addr::from(*rest.first_chunk::<4>()?));
            Some(Address::Port(format!("{ip}:{port}"), port))
        }
        libc::AF_INET6 => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            let ip = core::net::Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?);
            let port = u16::from_be_bytes(*port);
            Some(Address::Port(format!("[{ip}]:{port}"), port))
        }
        libc::AF_UNIX => match rest.first()? {
            0 => Some(Address::Abstract(format!("@{}", rest.get(1..)?.escape_ascii()))),
            _ => {
                let path = rest.split(|byte| *byte == 0).next()?;
                let path = Path::new(OsStr::from_bytes(path));
                let tid = call.target().tid();
                let base =
                    if path.is_absolute() { None } else { walk::link(format_args!("/proc/{tid}/cwd")) };
                Some(Address::Path(base.unwrap_or_default().join(path)))
            }
        },
        _ => None,
    }
}

/// The names of a socket's family and type.
pub(super) fn socket_name(domain: i32, kind: i32, protocol: i32) -> String {
    let family = match domain {
        libc::AF_UNIX => "AF_UNIX",
        libc::AF_INET => "AF_INET",
        libc::AF_INET6 => "AF_INET6",
        libc::AF_NETLINK => "AF_NETLINK",
        libc::AF_PACKET => "AF_PACKET",
        libc::AF_VSOCK => "AF_VSOCK",
        libc::AF_ALG => "AF_ALG",
        other => return format!("family {other}"),
    };
    let kind = match kind {
        libc::SOCK_STREAM => "SOCK_STREAM",
        libc::SOCK_DGRAM => "SOCK_DGRAM",
        libc::SOCK_RAW => "SOCK_RAW",
        libc::SOCK_SEQPACKET => "SOCK_SEQPACKET",
        _ => "another type",
    };
    if protocol == 0 { format!("{family} {kind}") } else { format!("{family} {kind} protocol {protocol}") }
}
