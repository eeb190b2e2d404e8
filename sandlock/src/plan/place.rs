//! A name of the policy, opened once: the rule, the checks and the launch use the descriptor, so that a name
//! which is changed meanwhile changes nothing.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use sandlock_sys::fs::{self, FileInfo, FileType, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd};

use crate::error::Error;
use crate::policy::Source;

/// The names of the standard descriptors, which are the command's own too.
pub(super) const STANDARD: [[&str; 3]; 3] = [
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"],
    ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"],
    ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"],
];
/// The kernel follows no more links (`MAXSYMLINKS`).
const LONGEST: usize = 40;
/// `PROC_SUPER_MAGIC` and `PROC_ROOT_INO`
const PROCFS: u32 = 0x9fa0;
const PROC_ROOT: u64 = 1;

/// What a name led to. It was opened with `O_PATH`: a fifo does not block, and nothing need be readable.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) fd: OwnedFd,
    pub(crate) info: FileInfo,
    /// The path as the kernel spells it.
    pub(crate) real: PathBuf,
    /// Whether a symbolic link was on the way.
    pub(crate) is_linked: bool,
}

impl Place {
    /// `source` named it.
    pub(crate) fn open(source: Source, path: &Path) -> Result<Self, Error> {
        let refuse = |why| Err(Error::Value(source, path.into(), why));
        let because = |errno| Error::Path(source, path.into(), errno);
        let text = c_path(source, path)?;
        let open = |resolve| fs::openat2(BorrowedFd::CWD, &text, OFlags::PATH, Mode::empty(), resolve);
        let is_standard = STANDARD.iter().flatten().any(|name| path == Path::new(name));
        let (fd, is_linked) = match open(Resolve::NO_SYMLINKS) {
            // A link of /proc/self/fd leads to the open file itself.
            Err(Errno::ELOOP) if is_standard => (open(Resolve::empty()).map_err(because)?, false),
            Err(Errno::ELOOP) => match open(Resolve::NO_MAGICLINKS) {
                Err(Errno::ELOOP) => {
                    return refuse(
                        "it leads through a process's own files (/proc/PID/fd, cwd, exe), which are other files to the command; \
                         name the file itself",
                    );
                }
                opened => (opened.map_err(because)?, true),
            },
            opened => (opened.map_err(because)?, false),
        };
        let info = fs::info(fd.as_fd()).map_err(because)?;
        let is_it = |path: &PathBuf| path.metadata().is_ok_and(|file| identity(&file) == info.identity);
        let known = match plain(path) {
            // Without links it is the kernel's spelling, and a query means making three files in /proc first.
            Some(plain) if !is_linked && !is_standard => Some(plain.to_owned()),
            None if path == Path::new(".") => std::env::current_dir().ok().filter(is_it),
            _ => None,
        };
        let real = known.map_or_else(|| real_path(fd.as_fd()), Ok).map_err(because)?;
        if is_of_a_process(fd.as_fd(), &real) {
            return refuse(
                "it is the directory of one process, which is another one to the command; /proc as a whole can be granted with -r",
            );
        }
        Ok(Self { fd, info, real, is_linked })
    }

    /// The same, of a directory to start in.
    pub(crate) fn open_dir(path: &Path) -> Result<Self, Error> {
        let place = Self::open(Source::Cwd, path)?;
        if place.is_directory() {
            Ok(place)
        } else {
            Err(Error::Path(Source::Cwd, path.into(), Errno::ENOTDIR))
        }
    }

    /// The same directory once more.
    pub(crate) fn again(&self) -> Result<Self, Errno> {
        let fd = fs::openat2(self.fd.as_fd(), c".", OFlags::PATH, Mode::empty(), Resolve::empty())?;
        Ok(Self { fd, info: self.info, real: self.real.clone(), is_linked: self.is_linked })
    }

    /// `file` beside other messages: why Landlock has no rule for it (`EBADFD`).
    pub(crate) fn nameless(&self) -> &'static str {
        match self.info.kind {
            FileType::Fifo => {
                "it is a pipe, which belongs to no file system, so there is nothing to grant; the command has it if it inherits it"
            }
            FileType::Socket => {
                "it is a socket, which belongs to no file system, so there is nothing to grant"
            }
            _ => "it is a file of no file system (a namespace, a memory file), so there is nothing to grant",
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.info.kind == FileType::Directory
    }

    /// Whether it is a procfs as a whole.
    pub(crate) fn is_procfs(&self) -> bool {
        self.info.identity.1 == PROC_ROOT && fs::file_system(self.fd.as_fd()) == Ok(PROCFS)
    }

    /// Whether requests to devices are among what a grant of it means.
    pub(crate) fn has_devices(&self) -> bool {
        let is_device = matches!(self.info.kind, FileType::CharDevice | FileType::BlockDevice);
        is_device || self.real == Path::new("/") || self.real.starts_with("/dev")
    }

    /// The path that a name leads to, and the symbolic links on the way, each with its owner, who has thereby
    /// chosen the file that is granted.
    pub(crate) fn follow(path: &Path) -> (PathBuf, Vec<(PathBuf, u32)>) {
        let (mut at, mut links) = (PathBuf::new(), Vec::new());
        let parts = |path: &Path| path.iter().rev().map(OsStr::to_owned).collect::<Vec<OsString>>();
        let mut rest = std::path::absolute(path).map_or_else(|_| Vec::new(), |path| parts(&path));
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            at.push(name);
            let Ok(target) = std::fs::read_link(&at) else { continue };
            let owner = at.symlink_metadata().map_or(u32::MAX, |link| link.uid());
            links.push((at.clone(), owner));
            if links.len() == LONGEST {
                break;
            }
            at.pop();
            rest.extend(parts(&target));
        }
        (at, links)
    }
}

/// The file itself, as [`FileInfo::identity`] has it.
pub(crate) fn identity(file: &std::fs::Metadata) -> ([u32; 2], u64) {
    let device = file.dev();
    ([libc::major(device), libc::minor(device)], file.ino())
}

/// The path itself, if it is absolute and has nothing twice.
fn plain(path: &Path) -> Option<&Path> {
    let normal = path.components().filter(|part| *part != Component::ParentDir).collect::<PathBuf>();
    (path.is_absolute() && normal.as_os_str() == path.as_os_str()).then_some(path)
}

/// The path of an open file, as the kernel spells it.
fn real_path(fd: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    let link = CString::new(format!("/proc/self/fd/{}", fd.as_raw())).map_err(|_| Errno::EINVAL)?;
    let mut buffer = [0; 4096];
    let real = fs::readlinkat(BorrowedFd::CWD, &link, &mut buffer)?;
    Ok(OsString::from_vec(real.to_vec()).into())
}

/// The path of the file, as the kernel spells it.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    let text = c_path(Source::Base, path).ok()?;
    if let Some(plain) = plain(path)
        && fs::openat2(BorrowedFd::CWD, &text, OFlags::PATH, Mode::empty(), Resolve::NO_SYMLINKS).is_ok()
    {
        return Some(plain.to_owned());
    }
    real_path(fs::open(&text, OFlags::PATH).ok()?.as_fd()).ok()
}

/// The same of a file opened by this path: the path itself if it has no links and still names the file.
pub(crate) fn real_of(path: &Path, fd: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    let text = c_path(Source::Base, path).map_err(|_| Errno::EINVAL)?;
    let identity = |fd| fs::info(fd).map(|info| info.identity);
    if let Some(plain) = plain(path)
        && let Ok(named) =
            fs::openat2(BorrowedFd::CWD, &text, OFlags::PATH, Mode::empty(), Resolve::NO_SYMLINKS)
        && identity(named.as_fd())? == identity(fd)?
    {
        return Ok(plain.to_owned());
    }
    real_path(fd)
}

/// Whether it is in the directory of one process. The kernel gives such a directory to that process's parent
/// too, and to the supervisor itself.
fn is_of_a_process(fd: BorrowedFd<'_>, real: &Path) -> bool {
    if fs::file_system(fd) != Ok(PROCFS) {
        return false;
    }
    let is_root = |path: &&Path| path.metadata().is_ok_and(|file| file.ino() == PROC_ROOT);
    let root = real.ancestors().find(is_root).unwrap_or(real);
    let first = real.strip_prefix(root).ok().and_then(|below| below.iter().next());
    first.is_some_and(is_process)
}

/// Whether an entry of procfs is about one process.
pub(crate) fn is_process(name: &OsStr) -> bool {
    name == "self" || name == "thread-self" || name.as_bytes().iter().all(u8::is_ascii_digit)
}

pub(crate) fn c_path(source: Source, path: &Path) -> Result<CString, Error> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::Value(source, path.into(), "a path has no NUL in it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PrivateTmp;
    use std::os::unix::fs::symlink;

    /// The running kernel's spelling is the control.
    #[test]
    fn a_path_is_spelled_as_the_kernel_spells_it() {
        let dir = PrivateTmp::create(&std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let top = dir.path();
        std::fs::create_dir(top.join("real")).unwrap();
        symlink("real", top.join("link")).unwrap();
        for name in ["real", "link", "real/", "./real", "real/../real", "link/.", "/real"] {
            let path = PathBuf::from(format!("{}/{name}", top.display()));
            let place = Place::open(Source::Read, &path).unwrap();
            assert_eq!(place.real, path.canonicalize().unwrap(), "{name}");
            assert_eq!(place.real, top.join("real"), "{name}");
            assert_eq!(place.is_linked, name.starts_with("link"), "{name}");
        }
        assert_eq!(Place::open(Source::Read, Path::new(".")).unwrap().real, std::env::current_dir().unwrap());
        assert!(Place::open(Source::Read, &top.join("none")).is_err());
    }

    #[test]
    fn what_is_a_processs_own_is_refused_by_every_name() {
        let own = std::process::id();
        let dir = PrivateTmp::create(&std::env::temp_dir()).unwrap();
        for path in [
            "/proc/self".into(),
            "/proc/thread-self".into(),
            "/proc/self/fd".into(),
            "/proc/self/cwd".into(),
            "/proc/self/root/etc".into(),
            "/proc/self/exe".into(),
            "/dev/fd".into(),
            format!("/dev/fd/{}", dir.fd().as_raw()),
            format!("/proc/{own}"),
            format!("/proc/{own}/task/{own}/oom_score_adj"),
            "/proc/../proc/self/task".into(),
            "/proc/1".into(),
            "/proc/1/comm".into(),
            "/proc/mounts".into(),
        ] {
            let error = Place::open(Source::Write, Path::new(&path)).unwrap_err();
            assert!(matches!(error, Error::Value(Source::Write, ..)), "{path}: {error:?}");
        }
        for path in ["/proc", "/proc/sys/kernel", "/proc/meminfo", "/dev/null", "/dev/stdin"] {
            assert!(Place::open(Source::Read, Path::new(path)).is_ok(), "{path}");
        }
    }

    #[test]
    fn links_on_the_way_are_told() {
        let dir = PrivateTmp::create(&std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let top = dir.path();
        std::fs::create_dir(top.join("a")).unwrap();
        symlink("a", top.join("b")).unwrap();
        symlink(top.join("b"), top.join("c")).unwrap();
        symlink("loop", top.join("loop")).unwrap();
        let found = |name: &str| {
            Place::follow(&top.join(name)).1.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        assert_eq!(found("a"), Vec::<PathBuf>::new());
        assert_eq!(found("c/../c/x"), [top.join("c"), top.join("b"), top.join("c"), top.join("b")]);
        assert_eq!(found("loop").len(), 40);
    }
}
