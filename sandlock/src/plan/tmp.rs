//! The private temporary directory: made before the command starts, removed after everything in it has ended.

use core::ffi::CStr;
use core::hash::{BuildHasher, Hasher};
use std::ffi::{CString, OsString};
use std::hash::RandomState;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sandlock_sys::fs::{self, Entries, Mode, OFlags, Resolve, UnlinkFlags};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Result};

/// A directory that no other process has, removed when dropped.
#[derive(Debug)]
pub(crate) struct PrivateTmp {
    parent: OwnedFd,
    name: CString,
    path: PathBuf,
    dir: OwnedFd,
    is_gone: bool,
}

impl PrivateTmp {
    /// Makes one in `parent`.
    pub(crate) fn create(parent: &Path) -> Result<Self> {
        let text = CString::new(parent.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
        let dir = fs::open(&text, OFlags::PATH | OFlags::DIRECTORY)?;
        for _ in 0..100 {
            // Random, so that no process can be there first on purpose; mkdir would notice.
            let name = format!("sandlock-{:016x}", RandomState::new().build_hasher().finish());
            let path = parent.join(&name);
            let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
            match fs::mkdirat(dir.as_fd(), &name, Mode::RWXU) {
                Ok(()) => {
                    // In a directory that others write to, the name may be another file's by now. Never a
                    // link, and files put there can only be theirs.
                    let made = open_dir(dir.as_fd(), &name, OFlags::PATH)?;
                    return Ok(Self { parent: dir, name, path, dir: made, is_gone: false });
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::EEXIST)
    }

    /// The directory itself (`O_PATH`).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// The directory itself once more.
    pub(crate) fn again(&self) -> Result<OwnedFd> {
        open_dir(self.fd(), c".", OFlags::PATH)
    }

    /// The directory that it is in.
    pub(crate) fn parent(&self) -> BorrowedFd<'_> {
        self.parent.as_fd()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file below it.
    pub(crate) fn below(&self, name: &str) -> OsString {
        if name.is_empty() { self.path.clone().into() } else { self.path.join(name).into() }
    }

    /// Makes a file in it.
    pub(crate) fn write(&self, name: &CStr, bytes: &[u8]) -> Result<()> {
        let flags = OFlags::CREAT | OFlags::EXCL | OFlags::WRONLY;
        let file = fs::openat2(self.fd(), name, flags, Mode::from_bits_retain(0o600), Resolve::NO_SYMLINKS)?;
        fs::write(file.as_fd(), bytes).map(drop)
    }

    /// Removes it. The guest made its contents, so depth and names are its choice: the tree is flattened,
    /// level by level, instead of walked. Returns whether it is gone.
    pub(crate) fn remove(&mut self) -> bool {
        let is_gone = |result| matches!(result, Ok(()) | Err(Errno::ENOENT));
        // Mostly nothing is in it.
        if self.is_gone || is_gone(fs::unlinkat(self.parent.as_fd(), &self.name, UnlinkFlags::REMOVEDIR)) {
            self.is_gone = true;
            return true;
        }
        unlock(self.dir.as_fd());
        if let Ok(top) = open_dir(self.dir.as_fd(), c".", OFlags::empty()) {
            // Names that no process could have taken in advance.
            let mut number = RandomState::new().build_hasher().finish();
            while sweep(top.as_fd(), &mut number) == Ok(true) {}
        }
        self.is_gone = is_gone(fs::unlinkat(self.parent.as_fd(), &self.name, UnlinkFlags::REMOVEDIR));
        self.is_gone
    }
}

impl Drop for PrivateTmp {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Lets its owner into a directory.
fn unlock(dir: BorrowedFd<'_>) {
    if let Ok(link) = CString::new(format!("/proc/self/fd/{}", dir.as_raw())) {
        let _ = fs::fchmodat(BorrowedFd::CWD, &link, Mode::RWXU);
    }
}

/// Opens a directory: the guest may put a symbolic link in its place, and what that leads to is not ours.
/// `how`: only pins it (`O_PATH`), or for reading.
fn open_dir(at: BorrowedFd<'_>, name: &CStr, how: OFlags) -> Result<OwnedFd> {
    let flags = how | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    fs::openat2(at, name, flags, Mode::empty(), Resolve::NO_SYMLINKS)
}

/// The same for a name in a directory.
fn unlock_at(at: BorrowedFd<'_>, name: &CStr) {
    if let Ok(dir) = open_dir(at, name, OFlags::PATH) {
        unlock(dir.as_fd());
    }
}

/// One pass over the top: files go, directories are emptied into it. Whether anything went.
fn sweep(top: BorrowedFd<'_>, number: &mut u64) -> Result<bool> {
    let mut went = false;
    each(top, core::convert::identity, |name| {
        if remove(top, name).is_ok() {
            went = true;
            return Ok(());
        }
        unlock_at(top, name);
        let Ok(dir) = open_dir(top, name, OFlags::empty()) else { return Ok(()) };
        let _ = each(dir.as_fd(), core::convert::identity, |child| {
            if remove(dir.as_fd(), child).is_err() {
                // A directory is moved up by its owner's write permission on itself.
                unlock_at(dir.as_fd(), child);
                *number = number.wrapping_add(1);
                if let Ok(new) = CString::new(format!("~{number:016x}")) {
                    went |= fs::renameat(dir.as_fd(), child, top, &new).is_ok();
                }
            }
            Ok(())
        });
        went |= fs::unlinkat(top, name, UnlinkFlags::REMOVEDIR).is_ok();
        Ok(())
    })?;
    Ok(went)
}

/// A file, or an empty directory.
fn remove(at: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    match fs::unlinkat(at, name, UnlinkFlags::empty()) {
        Err(Errno::EISDIR | Errno::EPERM) => fs::unlinkat(at, name, UnlinkFlags::REMOVEDIR),
        other => other,
    }
}

/// Every name in a directory but `.` and `..`, until one fails.
pub(super) fn each<E>(
    dir: BorrowedFd<'_>,
    because: impl Fn(Errno) -> E,
    mut with: impl FnMut(&CStr) -> core::result::Result<(), E>,
) -> core::result::Result<(), E> {
    // A descriptor of its own: reading goes on where the last reader of a shared one stopped.
    let dir = open_dir(dir, c".", OFlags::empty()).map_err(&because)?;
    let mut buffer = [0; 8192];
    loop {
        let len = fs::getdents64(dir.as_fd(), &mut buffer).map_err(&because)?;
        if len == 0 {
            return Ok(());
        }
        for name in Entries::new(buffer.get(..len).unwrap_or_default()) {
            if name != c"." && name != c".." {
                with(name)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn whatever_the_guest_made_is_gone() {
        let tmp = PrivateTmp::create(&std::env::temp_dir()).unwrap();
        let path = tmp.path().to_owned();
        std::fs::create_dir_all(path.join("a/b/c")).unwrap();
        std::fs::write(path.join("a/b/c/file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", path.join("a/link")).unwrap();
        std::fs::create_dir(path.join("a/closed")).unwrap();
        std::fs::write(path.join("a/closed/file"), "x").unwrap();
        for dir in ["a/closed", "a/b", "a"] {
            std::fs::set_permissions(path.join(dir), PermissionsExt::from_mode(0o000)).unwrap();
        }
        drop(tmp);
        assert!(!path.exists());
        assert!(Path::new("/etc/passwd").exists());
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let outside = PrivateTmp::create(&std::env::temp_dir()).unwrap();
        std::fs::set_permissions(outside.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let tmp = PrivateTmp::create(&std::env::temp_dir()).unwrap();
        std::fs::remove_dir(tmp.path()).unwrap();
        std::os::unix::fs::symlink(outside.path(), tmp.path()).unwrap();
        let link = tmp.path().to_owned();
        drop(tmp);
        let mode = std::fs::metadata(outside.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        std::fs::remove_file(link).unwrap();
    }

    #[test]
    fn depth_is_no_problem() {
        let tmp = PrivateTmp::create(&std::env::temp_dir()).unwrap();
        let path = tmp.path().to_owned();
        let c = CString::new(path.as_os_str().as_bytes()).unwrap();
        let mut at = fs::open(&c, OFlags::PATH | OFlags::DIRECTORY).unwrap();
        for _ in 0..3000 {
            fs::mkdirat(at.as_fd(), c"d", Mode::RWXU).unwrap();
            at = open_dir(at.as_fd(), c"d", OFlags::empty()).unwrap();
        }
        drop(tmp);
        assert!(!path.exists());
    }
}
