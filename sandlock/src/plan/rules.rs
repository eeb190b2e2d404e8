//! The file rules: what the command may do with each place, and below it.

use core::ffi::CStr;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use sandlock_landlock::{AccessFs, Error as Landlock, RulesetFd};
use sandlock_sys::fs::{self, FileType, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd};

use super::grants::Grant;
use super::place::{self, Place, STANDARD, is_process};
use super::tmp::{PrivateTmp, each};
use crate::error::Error;
use crate::policy::Source;

/// What `-w` grants.
const ALL: AccessFs =
    AccessFs::READ.union(AccessFs::WRITE).union(AccessFs::IOCTL_DEV).union(AccessFs::RESOLVE_UNIX);
/// What changes a file that is there. In procfs it would change processes, the supervisor's and the
/// guardian's among them.
const CONTENTS: AccessFs = AccessFs::WRITE_FILE.union(AccessFs::TRUNCATE);

/// The file rules, as they are added.
pub(crate) struct Rules {
    /// The command's, and the supervisor's: what the command may do, the processes above it must be able to
    /// do too.
    pub(crate) rulesets: [RulesetFd; 2],
    /// What the rules of the base profile are about. They are closed while the command starts: that takes as
    /// long as opening them.
    pub(crate) files: Vec<OwnedFd>,
    /// The grants so far.
    pub(crate) grants: Vec<Grant>,
    /// The real paths at and below which files may be changed.
    pub(crate) writable: Vec<Vec<u8>>,
    pub(crate) notes: Vec<String>,
    /// What the caller should know.
    pub(crate) warnings: Vec<String>,
    /// Whether a device is granted.
    pub(crate) devices: bool,
}

impl Rules {
    pub(crate) const fn new(rulesets: [RulesetFd; 2]) -> Self {
        Self {
            rulesets,
            files: Vec::new(),
            grants: Vec::new(),
            writable: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            devices: false,
        }
    }

    /// Grants by name. What this machine does not have is skipped.
    pub(crate) fn names(&mut self, names: &[(Cow<'static, CStr>, AccessFs)]) -> Result<(), Error> {
        for (path, rights) in names {
            let mut place = fs::open(path, OFlags::PATH);
            if place == Err(Errno::EMFILE) {
                self.files.clear();
                place = fs::open(path, OFlags::PATH);
            }
            if let Ok(place) = place {
                self.allow(Source::Base, *rights, OsStr::from_bytes(path.to_bytes()), place.as_fd())?;
                self.files.push(place);
            }
        }
        Ok(())
    }

    /// Opening by name what the standard descriptors are open on (`/dev/stdout`), as far as they are. A pipe
    /// or a socket needs no rule, and a directory would be more than the descriptor.
    pub(crate) fn standard(&mut self) -> Result<(), Error> {
        let files = [BorrowedFd::STDIN, BorrowedFd::STDOUT, BorrowedFd::STDERR];
        for (file, [name, ..]) in files.into_iter().zip(STANDARD) {
            let (Ok(info), Ok(flags)) = (fs::info(file), fs::status_flags(file)) else { continue };
            let mut rights = AccessFs::empty();
            // Neither a path alone nor access mode 3, for ioctl(2) only, reads or writes.
            let both = OFlags::WRONLY | OFlags::RDWR;
            let mode = flags & both;
            if flags.contains(OFlags::PATH) || mode == both {
                continue;
            }
            rights.set(AccessFs::READ_FILE, mode != OFlags::WRONLY);
            rights.set(CONTENTS, !mode.is_empty());
            match info.kind {
                FileType::Regular => {}
                FileType::CharDevice => rights |= AccessFs::IOCTL_DEV,
                _ => continue,
            }
            match self.allow(Source::Command, rights, name, file) {
                // A file of no file system (a memory file) has no name to open it by.
                Ok(()) | Err(Error::Landlock(Landlock::AddRule(Errno::EBADFD))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The private temporary directory, which the supervisor removes at the end.
    pub(crate) fn private(&mut self, tmp: &PrivateTmp) -> Result<(), Error> {
        let real =
            place::real_of(tmp.path(), tmp.fd()).map_err(|errno| Error::Tmp(tmp.path().into(), errno))?;
        self.allow(Source::Tmp, ALL, &real, tmp.fd())?;
        self.writable.push(real.into_os_string().into_vec());
        self.allow_supervisor(AccessFs::REMOVE_DIR, tmp.parent())
    }

    /// Gives Landlock a rule, and notes it.
    pub(crate) fn allow(
        &mut self,
        source: Source,
        rights: AccessFs,
        path: impl Into<PathBuf>,
        file: BorrowedFd<'_>,
    ) -> Result<(), Error> {
        self.rulesets
            .iter()
            .try_for_each(|ruleset| ruleset.allow_path(rights, file))
            .map_err(Error::Landlock)?;
        self.grants.push(Grant { path: path.into(), rights, source });
        Ok(())
    }

    /// A right of the supervisor's alone.
    fn allow_supervisor(&self, rights: AccessFs, file: BorrowedFd<'_>) -> Result<(), Error> {
        let [_, supervisor] = &self.rulesets;
        supervisor.allow_path(rights, file).map_err(Error::Landlock)
    }

    /// What the supervisor needs besides: to read about processes, and to open the other ends of pseudo
    /// terminals.
    pub(crate) fn supervisor(&self) -> Result<(), Error> {
        let terminal = AccessFs::READ_FILE | AccessFs::WRITE_FILE | AccessFs::IOCTL_DEV;
        for (path, rights) in [(c"/proc", AccessFs::READ_FILE | AccessFs::READ_DIR), (c"/dev/pts", terminal)]
        {
            if let Ok(place) = fs::open(path, OFlags::PATH) {
                self.allow_supervisor(rights, place.as_fd())?;
            }
        }
        Ok(())
    }

    /// A grant for reading, listing and executing.
    pub(crate) fn read(&mut self, path: &Path) -> Result<(), Error> {
        let place = self.open(Source::Read, path)?;
        self.named(Source::Read, path, &place, AccessFs::READ)
    }

    /// A grant for changing too.
    pub(crate) fn write(&mut self, path: &Path) -> Result<(), Error> {
        let place = self.open(Source::Write, path)?;
        self.write_place(Source::Write, path, place)
    }

    /// The same, of a place that is open already.
    pub(crate) fn write_place(&mut self, source: Source, path: &Path, place: Place) -> Result<(), Error> {
        self.devices |= place.has_devices();
        let holes = if place.is_directory() { procfs_below(&place.real) } else { Vec::new() };
        if holes.is_empty() {
            self.named(source, path, &place, ALL)?;
        } else {
            self.around(path, &place, &holes)?;
        }
        self.writable.push(place.real.into_os_string().into_vec());
        Ok(())
    }

    fn open(&mut self, source: Source, path: &Path) -> Result<Place, Error> {
        let place = Place::open(source, path)?;
        if place.is_linked {
            // A link below the current directory may be an earlier run's command's, and gets a warning.
            let here = std::env::current_dir().unwrap_or_default();
            for (link, owner) in Place::follow(path).1 {
                let is_below = owner != 0 && link.starts_with(&here);
                let list = if is_below { &mut self.warnings } else { &mut self.notes };
                let (path, real, link) = (path.display(), place.real.display(), link.display());
                list.push(format!(
                    "{path} is {real}, by the symbolic link {link}, which belongs to user {owner}"
                ));
            }
        }
        Ok(place)
    }

    fn named(&mut self, source: Source, path: &Path, place: &Place, rights: AccessFs) -> Result<(), Error> {
        match self.allow(source, rights, &place.real, place.fd.as_fd()) {
            Err(Error::Landlock(Landlock::AddRule(Errno::EBADFD))) => {
                Err(Error::Value(source, path.into(), place.nameless()))
            }
            other => other,
        }
    }

    /// Rules for a directory with procfs in it, so that no file of a process can be changed. Rights hold
    /// below a directory, so the rest is granted to every entry beside the way to procfs, and not to the
    /// directories on that way.
    fn around(&mut self, path: &Path, place: &Place, holes: &[PathBuf]) -> Result<(), Error> {
        self.named(Source::Write, path, place, ALL.difference(CONTENTS))?;
        let is_procfs = place.is_procfs();
        let because = |errno| Error::Path(Source::Write, place.real.clone(), errno);
        each(place.fd.as_fd(), because, |name| {
            let name_os = OsStr::from_bytes(name.to_bytes());
            let entry = place.real.join(name_os);
            if is_procfs && is_process(name_os) {
                return Ok(());
            }
            if holes.iter().any(|hole| hole.starts_with(&entry)) {
                let place = Place::open(Source::Write, &entry)?;
                return self.around(path, &place, holes);
            }
            // A link's target has a rule where it is; a file that is gone meanwhile needs none.
            let flags = OFlags::PATH | OFlags::NOFOLLOW;
            match fs::openat2(place.fd.as_fd(), name, flags, Mode::empty(), Resolve::NO_SYMLINKS) {
                Ok(file) => self.allow(Source::Write, ALL, entry, file.as_fd()),
                Err(_) => Ok(()),
            }
        })
    }
}

/// Where procfs is mounted below a directory, or at it. Where that cannot be asked, at the place where it
/// always is.
fn procfs_below(dir: &Path) -> Vec<PathBuf> {
    let mounts =
        std::fs::read("/proc/self/mountinfo").unwrap_or_else(|_| b"0 0 0:0 / /proc - proc - -".to_vec());
    let mounts = mounts.split(|byte| *byte == b'\n').filter_map(procfs_mount);
    mounts.filter(|mount| mount.starts_with(dir)).collect()
}

/// The mount point of a line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)), if it is procfs.
fn procfs_mount(line: &[u8]) -> Option<PathBuf> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = fields.by_ref().nth(4)?;
    // Optional fields end with a hyphen.
    fields.by_ref().find(|field| field == b"-")?;
    (fields.next()? == b"proc").then(|| PathBuf::from(OsString::from_vec(unescaped(point))))
}

/// Space, tab, newline and backslash are written as `\040` and so on.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.first_chunk::<3>().filter(|_| *first == b'\\');
        let byte = octal.and_then(|digits| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = tail.get(if byte.is_some() { 3 } else { 0 }..).unwrap_or_default();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procfs_is_found_among_mounts() {
        for (line, want) in [
            (&b"25 30 0:23 / /proc rw,nosuid shared:13 - proc proc rw"[..], Some("/proc")),
            (b"25 30 0:23 / /srv/a\\040b/proc rw - proc proc rw", Some("/srv/a b/proc")),
            (b"25 30 0:23 / /pro\\134c rw shared:1 master:2 - proc none rw", Some("/pro\\c")),
            (b"25 30 0:23 / /sys rw,nosuid shared:13 - sysfs proc rw", None),
            (b"25 30 0:23 / /proc", None),
            (b"", None),
        ] {
            assert_eq!(procfs_mount(line), want.map(PathBuf::from), "{}", line.escape_ascii());
        }
        assert_eq!(procfs_below(Path::new("/usr")), Vec::<PathBuf>::new());
        assert!(procfs_below(Path::new("/")).contains(&"/proc".into()));
        assert_eq!(procfs_below(Path::new("/proc")).first(), Some(&"/proc".into()));
    }
}
