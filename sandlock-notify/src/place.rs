//! Where a path leads from where the target stands: the file, pinned, and its real path under the trees that are granted.

use core::ffi::CStr;

use sandlock_sys::fs::{self, OFlags, Resolve};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Result};

use crate::proc;
use crate::target::Target;

/// `PATH_MAX`: no path is longer, its NUL included.
pub(crate) const PATH_MAX: usize = 4096;

/// Pins what `path` leads to, starting at the target's directory descriptor `dir` (`AT_FDCWD`: its working directory). Nothing is opened but
/// the place itself.
///
/// # Errors
///
/// Of the walk; `ELOOP` also for a magic link (`/proc/self/fd/3`), which would be ours and not the target's.
pub(crate) fn pin(target: &dyn Target, dir: i32, path: &CStr, follow: bool) -> Result<OwnedFd> {
    let mut buffer = [0; 40];
    let start = match dir {
        libc::AT_FDCWD => fs::open(proc::path(target.tid(), "cwd", &mut buffer)?, OFlags::PATH)?,
        _ if path.to_bytes().starts_with(b"/") => fs::open(c"/", OFlags::PATH)?,
        _ => target.descriptor(dir)?,
    };
    let flags = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    fs::openat2(start.as_fd(), path, flags, 0, Resolve::NO_MAGICLINKS)
}

/// Whether the pinned file lies at or below one of `trees`, which are real paths.
pub(crate) fn is_granted(file: BorrowedFd<'_>, trees: &[&[u8]]) -> Result<bool> {
    let mut link = [0; 40];
    let mut path = [0; PATH_MAX];
    let link = proc::own_fd_path(file, &mut link)?;
    let path = fs::readlinkat(BorrowedFd::CWD, link, &mut path)?;
    Ok(trees.iter().any(|tree| is_under(path, tree)))
}

/// The number of a descriptor of the target's own that `path` names by way of `/proc`: what libc falls back on where a call takes no flags.
pub(crate) fn own_descriptor(path: &CStr) -> Option<i32> {
    let path = path.to_bytes();
    let rest =
        path.strip_prefix(b"/proc/self/fd/").or_else(|| path.strip_prefix(b"/proc/thread-self/fd/"))?;
    core::str::from_utf8(rest).ok()?.parse().ok()
}

/// Whether `path` is `top` or lies below it; both absolute, and as the kernel spells them.
fn is_under(path: &[u8], top: &[u8]) -> bool {
    let top = top.strip_suffix(b"/").unwrap_or(top);
    match path.strip_prefix(top) {
        Some(rest) => rest.is_empty() || rest.starts_with(b"/"),
        None => false,
    }
}

/// A path with its NUL, out of bytes without one.
///
/// # Errors
///
/// `ENAMETOOLONG`: it does not fit.
pub(crate) fn terminated<'b>(path: &[u8], buffer: &'b mut [u8]) -> Result<&'b CStr> {
    let len = path.len().checked_add(1).ok_or(Errno::ENAMETOOLONG)?;
    let room = buffer.get_mut(..len).ok_or(Errno::ENAMETOOLONG)?;
    if let Some((end, text)) = room.split_last_mut() {
        text.copy_from_slice(path);
        *end = 0;
    }
    CStr::from_bytes_until_nul(room).map_err(|_| Errno::ENAMETOOLONG)
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
            (c"/proc/self/fd/7/x", None),
            (c"/proc/self/fd/", None),
            (c"/proc/1/fd/7", None),
            (c"/tmp/proc/self/fd/7", None),
        ] {
            assert_eq!(own_descriptor(path), want, "{path:?}");
        }
    }
}
