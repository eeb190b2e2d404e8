//! The file rules: paths opened, and what the command may do below each.

use core::ffi::CStr;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use sandlock_landlock::{AccessFs, RulesetFd};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, fs};

use crate::base;
use crate::error::Error;

/// The file rules, as they are added.
pub(crate) struct Rules {
    pub(crate) ruleset: RulesetFd,
    pub(crate) places: Vec<OwnedFd>,
    pub(crate) trees: Vec<Vec<u8>>,
    pub(crate) notes: Vec<String>,
}

impl Rules {
    /// The base profile. What of it this machine does not have is skipped.
    pub(crate) fn base(
        &mut self,
        command: &Path,
        cwd: Option<&Path>,
        home: Option<&Path>,
    ) -> Result<(), Error> {
        let devices = AccessFs::READ_FILE | AccessFs::WRITE_FILE;
        let grants = base::SYSTEM
            .iter()
            .chain(base::MERGED.iter().filter(|path| !is_below_usr(path)))
            .map(|path| (*path, AccessFs::READ))
            .chain(base::FILES.iter().map(|path| (*path, AccessFs::EXECUTE | AccessFs::READ_FILE)))
            .chain([(base::PROC, AccessFs::READ_FILE | AccessFs::READ_DIR)])
            .chain(base::DEVICES.iter().map(|path| (*path, devices)))
            .chain(base::TERMINALS.iter().map(|path| (*path, devices | AccessFs::IOCTL_DEV)));
        for (path, rights) in grants {
            self.optional(path, rights)?;
        }
        self.optional(&c_path("CMD", command)?, AccessFs::READ)?;
        let here = match cwd {
            Some(cwd) => real(cwd),
            None => std::env::current_dir().ok(),
        };
        match here {
            Some(here) if base::is_readable_cwd(&here, home) => {
                self.optional(&c_path("--cwd", &here)?, AccessFs::READ)?;
            }
            Some(here) => self.notes.push(format!(
                "the current directory {} is not readable by default (it holds more than a project); add -r . to grant it",
                here.display()
            )),
            None => {}
        }
        Ok(())
    }

    fn optional(&mut self, path: &CStr, rights: AccessFs) -> Result<(), Error> {
        let mut place = fs::open(path, fs::OFlags::PATH);
        if place == Err(Errno::EMFILE) {
            self.places.clear();
            place = fs::open(path, fs::OFlags::PATH);
        }
        let Ok(place) = place else { return Ok(()) };
        self.ruleset.allow_path(rights, place.as_fd()).map_err(Error::Landlock)?;
        self.places.push(place);
        Ok(())
    }

    pub(crate) fn read(&self, flag: &'static str, path: &Path) -> Result<(), Error> {
        let place = open(flag, path)?;
        self.ruleset.allow_path(AccessFs::READ, place.as_fd()).map_err(Error::Landlock)
    }

    pub(crate) fn write(&mut self, flag: &'static str, path: &Path) -> Result<(), Error> {
        let (place, path) = locate(flag, path)?;
        let rights = AccessFs::READ | AccessFs::WRITE | AccessFs::IOCTL_DEV | AccessFs::RESOLVE_UNIX;
        self.ruleset.allow_path(rights, place.as_fd()).map_err(Error::Landlock)?;
        self.trees.push(path);
        Ok(())
    }
}

/// Whether it is a link into /usr and needs no rule of its own: looking costs a fourth of one.
fn is_below_usr(path: &CStr) -> bool {
    let mut target = [0; 16];
    let target = fs::readlinkat(BorrowedFd::CWD, path, &mut target);
    target.is_ok_and(|target| target.strip_prefix(b"usr/").is_some_and(|name| !name.contains(&b'/')))
}

/// The place, without opening what is there: a fifo does not block, and nothing need be readable.
pub(crate) fn open(flag: &'static str, path: &Path) -> Result<OwnedFd, Error> {
    let text = c_path(flag, path)?;
    fs::open(&text, fs::OFlags::PATH).map_err(|errno| Error::Path(flag, path.into(), errno))
}

pub(crate) fn c_path(flag: &'static str, path: &Path) -> Result<CString, Error> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::Value(flag, path.into(), "a path has no NUL in it"))
}

/// The place, and its path as the kernel spells it.
fn locate(flag: &'static str, path: &Path) -> Result<(OwnedFd, Vec<u8>), Error> {
    let because = |errno| Error::Path(flag, path.into(), errno);
    let normal = path.components().filter(|part| *part != Component::ParentDir).collect::<PathBuf>();
    let is_plain = path.is_absolute() && normal.as_os_str() == path.as_os_str();
    // A plain path without symbolic links on the way is what the kernel says, and asking it means making three files in /proc first.
    if is_plain
        && let Ok(place) =
            fs::openat2(BorrowedFd::CWD, &c_path(flag, path)?, fs::OFlags::PATH, 0, fs::Resolve::NO_SYMLINKS)
    {
        return Ok((place, path.as_os_str().as_bytes().to_vec()));
    }
    let place = open(flag, path)?;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", place.as_fd().as_raw()));
    let real = link.map_err(|error| because(Errno::new(error.raw_os_error().unwrap_or(0))))?;
    Ok((place, real.into_os_string().into_vec()))
}

/// The path of what is there, as the kernel spells it.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    let (_, path) = locate("", path).ok()?;
    Some(OsString::from_vec(path).into())
}

/// The environment's `HOME`, as the kernel spells it.
pub(crate) fn home() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    Some(real(&home).unwrap_or(home))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tmp::PrivateTmp;

    /// The running kernel's spelling is the control.
    #[test]
    fn a_path_is_located_as_the_kernel_spells_it() {
        let dir = PrivateTmp::create(&std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let top = dir.path();
        std::fs::create_dir(top.join("real")).unwrap();
        std::os::unix::fs::symlink("real", top.join("link")).unwrap();
        for name in ["real", "link", "real/", "./real", "real/../real", "link/.", "/real"] {
            let path = PathBuf::from(format!("{}/{name}", top.display()));
            assert_eq!(real(&path), path.canonicalize().ok(), "{name}");
            assert_eq!(real(&path), Some(top.join("real")), "{name}");
        }
        assert_eq!(real(Path::new(".")), std::env::current_dir().ok());
        assert_eq!(real(&top.join("none")), None);
    }
}
