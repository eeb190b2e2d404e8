//! Paths of a target as the supervisor's loop may look at them: by the names that the kernel has in memory,
//! and never asking a file system, which could take any time to answer (FUSE, NFS).

use core::fmt::Display;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use sandlock_sys::fs::{self, FileInfo, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid};

/// How far up from a process its ancestors are looked at.
const DEEPEST: usize = 64;

/// The end of a walk.
pub(super) enum Found {
    /// This file, by its real path.
    File(PathBuf, FileInfo),
    /// No file.
    Nothing,
    /// A directory on the way lets this user through no further.
    Closed,
    /// The kernel does not have the names in memory.
    NotKnown,
}

/// Walks a path. `follow`: a symbolic link at its end is followed.
pub(super) fn walk(path: &Path, follow: bool) -> Found {
    let Ok(text) = CString::new(path.as_os_str().as_bytes()) else { return Found::Nothing };
    let flags = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    let resolve = Resolve::CACHED | Resolve::NO_MAGICLINKS;
    let file = match fs::openat2(BorrowedFd::CWD, &text, flags, Mode::empty(), resolve) {
        Ok(file) => file,
        Err(Errno::EAGAIN) => return Found::NotKnown,
        Err(Errno::EACCES) => return Found::Closed,
        Err(_) => return Found::Nothing,
    };
    match (real(&file), fs::info_with(file.as_fd(), libc::AT_STATX_DONT_SYNC)) {
        (Some(real), Ok(info)) => Found::File(real, info),
        _ => Found::Nothing,
    }
}

fn real(file: &OwnedFd) -> Option<PathBuf> {
    link(format_args!("/proc/self/fd/{}", file.as_fd().as_raw()))
}

/// The text of a link of procfs.
pub(super) fn link(name: impl Display) -> Option<PathBuf> {
    let name = CString::new(name.to_string()).ok()?;
    let mut buffer = [0; 4096];
    let text = fs::readlinkat(BorrowedFd::CWD, &name, &mut buffer).ok()?;
    Some(OsString::from_vec(text.to_vec()).into())
}

/// The start of a file of procfs.
pub(super) fn procfs(name: impl Display) -> Option<String> {
    let name = CString::new(name.to_string()).ok()?;
    let file = fs::open(&name, OFlags::empty()).ok()?;
    let mut buffer = [0; 512];
    let len = fs::read(file.as_fd(), &mut buffer).ok()?;
    Some(String::from_utf8_lossy(buffer.get(..len)?).into_owned())
}

/// The name of a thread, and its process.
pub(super) fn process(tid: Pid) -> Option<(String, Pid)> {
    let status = procfs(format_args!("/proc/{tid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim().to_owned())
    };
    Some((field("Name")?, Pid::new(field("Tgid")?.parse().ok()?)))
}

/// Whether a process is in the sandbox: it descends from a child of this process. `None`: there is no such
/// process.
pub(super) fn is_inside(id: Pid, own: Pid) -> Option<bool> {
    let mut at = id;
    for depth in 0..DEEPEST {
        let stat = procfs(format_args!("/proc/{at}/stat"));
        if depth == 0 && stat.is_none() {
            return None;
        }
        let stat = stat.unwrap_or_default();
        // The name may hold anything; the part behind the last parenthesis is the kernel's.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let parent = fields.split(' ').nth(1).and_then(|parent| parent.parse().ok()).map(Pid::new);
        match parent {
            Some(parent) if parent == own => return Some(depth > 0),
            Some(parent) if parent.get() > 1 => at = parent,
            _ => return Some(false),
        }
    }
    Some(false)
}

/// The user of a process, and its rights by the permissions of files.
#[derive(Debug)]
pub(super) struct User {
    pub(super) uid: u32,
    groups: Vec<u32>,
    /// Its capabilities, bit n for capability n.
    caps: u64,
    /// Whether the sandbox keeps them.
    keeps: bool,
}

/// `CAP_DAC_OVERRIDE`, `CAP_DAC_READ_SEARCH`, `CAP_FOWNER`, `CAP_KILL`, `CAP_NET_BIND_SERVICE`
pub(super) const DAC_OVERRIDE: u64 = 1 << 1;
pub(super) const DAC_READ_SEARCH: u64 = 1 << 2;
pub(super) const FOWNER: u64 = 1 << 3;
pub(super) const KILL: u64 = 1 << 5;
pub(super) const NET_BIND_SERVICE: u64 = 1 << 10;

impl User {
    /// The calling process's.
    pub(super) fn own(caps: u64, keeps: bool) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let numbers = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<u32>>()
        };
        let uid = sandlock_sys::process::getuid().get();
        Self { uid, groups: [numbers("Gid:"), numbers("Groups:")].concat(), caps, keeps }
    }

    /// Whether the permissions of a file (4: reading, 2: writing, 1: executing) let this user, without
    /// regard to lists of access control.
    pub(super) fn may(&self, file: &FileInfo, want: u16) -> bool {
        let shift = match file {
            file if file.uid.get() == self.uid => 6,
            file if self.groups.contains(&file.gid.get()) => 3,
            _ => 0,
        };
        file.mode.bits() >> shift & want == want
    }

    /// Whether a capability among these lets the user, outside at least.
    pub(super) const fn has(&self, caps: u64) -> bool {
        self.caps & caps != 0
    }

    /// Whether one does outside only, for it was given up.
    pub(super) const fn has_lost(&self, caps: u64) -> bool {
        self.has(caps) && !self.keeps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock_sys::fs::FileType;
    use sandlock_sys::{Gid, Uid, process};

    #[test]
    fn permissions_are_the_owners_or_the_groups_or_the_others() {
        let user = User { uid: 5, groups: vec![7, 8], caps: 0, keeps: false };
        for (uid, gid, mode, want, may) in [
            (5, 1, 0o400, 4, true),
            (5, 7, 0o077, 4, false),
            (1, 8, 0o040, 4, true),
            (1, 8, 0o707, 1, false),
            (1, 1, 0o007, 7, true),
            (1, 1, 0o770, 4, false),
        ] {
            let file = FileInfo {
                kind: FileType::Regular,
                links: 1,
                uid: Uid::new(uid),
                gid: Gid::new(gid),
                mode: Mode::from_bits_retain(mode),
                identity: ([0; 2], 0),
                device: [0; 2],
                changed: [0; 2],
            };
            assert_eq!(user.may(&file, want), may, "{uid} {gid} {mode:o} {want}");
        }
    }

    #[test]
    fn a_walk_finds_what_is_there() {
        // Whatever the test before has looked at is in memory.
        let passwd = Path::new("/etc/passwd");
        assert!(passwd.metadata().is_ok());
        assert!(matches!(walk(passwd, true), Found::File(real, _) if real == passwd));
        // Some file systems do not remember the names that they have not.
        assert!(!Path::new("/no/such").exists());
        assert!(matches!(walk(Path::new("/no/such"), true), Found::Nothing | Found::NotKnown));
        assert!(process(process::gettid()).is_some_and(|(_, pid)| pid == process::getpid()));
        assert_eq!(is_inside(process::getpid(), process::getppid()), Some(false));
        assert_eq!(is_inside(Pid::new(i32::MAX), process::getpid()), None);
    }
}
