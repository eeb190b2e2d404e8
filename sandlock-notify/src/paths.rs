//! Paths of the target: the file that a path leads to, pinned, and whether its real path lies below a grant.

use core::ffi::CStr;

use sandlock_sys::fs::{self, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, BorrowedFd, OwnedFd, Pid, Result};

use crate::proc;

/// `PATH_MAX`: no path is longer, its NUL included.
pub(crate) const PATH_MAX: usize = 4096;

/// Where a path of the target starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// At the working directory of this thread.
    Cwd(Pid),
    /// At this directory.
    At(BorrowedFd<'a>),
}

/// Pins the file that `path` leads to. Nothing is opened but the place itself.
///
/// # Errors
///
/// Of the walk; `ELOOP` also for a magic link (`/proc/self/fd/3`), which would be the supervisor's and not
/// the target's.
pub(crate) fn pin(start: Start<'_>, path: &CStr, follow: bool) -> Result<OwnedFd> {
    let flags = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    let open = |start| fs::openat2(start, path, flags, Mode::empty(), Resolve::NO_MAGICLINKS);
    match start {
        _ if path.to_bytes().starts_with(b"/") => open(BorrowedFd::CWD),
        Start::Cwd(tid) => open(proc::open(tid, "cwd", OFlags::PATH)?.as_fd()),
        Start::At(dir) => open(dir),
    }
}

/// The path of an open file, as the kernel spells it.
pub(crate) fn real_path<'b>(file: BorrowedFd<'_>, buffer: &'b mut [u8; PATH_MAX]) -> Result<&'b [u8]> {
    let mut link = [0; 40];
    fs::readlinkat(BorrowedFd::CWD, proc::own_fd_path(file, &mut link)?, buffer)
}

/// Whether a real path lies at or below one of `trees`, which are real paths.
pub(crate) fn is_below_any(path: &[u8], trees: &[&[u8]]) -> bool {
    trees.iter().any(|tree| is_under(path, tree))
}

/// The number of a descriptor of the target's own that `path` names by way of `/proc`: libc does so where a
/// call takes no flags.
pub(crate) fn own_descriptor(path: &CStr) -> Option<i32> {
    const FOLDERS: [&[u8]; 3] = [b"/proc/self/fd/", b"/proc/thread-self/fd/", b"/dev/fd/"];
    let rest = FOLDERS.iter().find_map(|folder| path.to_bytes().strip_prefix(*folder))?;
    core::str::from_utf8(rest).ok()?.parse().ok()
}

/// Whether `path` is `top` or lies below it; both absolute, and as the kernel spells them.
fn is_under(path: &[u8], top: &[u8]) -> bool {
    let top = top.strip_suffix(b"/").unwrap_or(top);
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_by_whole_names() {
        for (path, top, want) in [
            (&b"/tmp/x"[..], &b"/tmp/x"[..], true),
            (b"/tmp/x/y", b"/tmp/x", true),
            (b"/tmp/xy", b"/tmp/x", false),
            (b"/tmp", b"/tmp/x", false),
            (b"/tmp/x", b"/", true),
            (b"/tmp/x (deleted)", b"/tmp/x", false),
        ] {
            assert_eq!(is_under(path, top), want, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn a_descriptors_path_is_read_as_its_number() {
        for (path, want) in [
            (c"/proc/self/fd/7", Some(7)),
            (c"/proc/thread-self/fd/12", Some(12)),
            (c"/dev/fd/0", Some(0)),
            (c"/proc/self/fd/7/x", None),
            (c"/proc/self/fd/", None),
            (c"/proc/1/fd/7", None),
            (c"/tmp/proc/self/fd/7", None),
        ] {
            assert_eq!(own_descriptor(path), want, "{path:?}");
        }
    }
}
