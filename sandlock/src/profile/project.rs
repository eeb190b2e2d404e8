//! The project that the current directory is part of.

use core::ffi::CStr;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use sandlock_sys::fs::{self, FileInfo, FileType, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, Uid, process};

use crate::plan::{Place, identity};
use crate::policy::Source;

/// Folders that hold more than a program's own files: being in one of them is no reason to read all of it.
const NOT_AS_CWD: &[&str] = &[
    "/home",
    "/var",
    "/boot",
    "/root",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/mnt",
    "/media",
    "/srv",
    "/usr/local",
];
/// The same, with everything below.
const NOT_BELOW: &[&str] = &["/etc", "/dev", "/sys", "/run", "/proc"];

/// What lies in a home directory and not in a project: the way to know another user's home, wherever it is.
const OF_A_HOME: &[&CStr] = &[c".ssh", c".gnupg", c".profile", c".bashrc", c".bash_history", c".zshrc"];

/// Whether a directory may be read without being named: not when it is a home directory or holds
/// one, is the system's, or hidden in a home. A home is compared as a file, for a bind mount gives it other
/// names.
fn is_readable(here: &Place, home: Option<&Path>) -> bool {
    let is_here = |path: &Path| path.metadata().is_ok_and(|file| identity(&file) == here.info.identity);
    let holds = |home: &Path| home.ancestors().any(is_here);
    let has = |name: &&CStr| entry(here, name).is_some();
    is_a_projects_name(&here.real) && !home.is_some_and(holds) && !OF_A_HOME.iter().any(has)
}

/// The same by the path alone.
fn is_a_projects_name(path: &Path) -> bool {
    let is_top = path.parent().is_none_or(|parent| parent == Path::new("/home"));
    let is_system = NOT_AS_CWD.iter().any(|folder| path == Path::new(folder))
        || NOT_BELOW.iter().any(|folder| path.starts_with(folder));
    let is_hidden = path.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
    !is_top && !is_system && !is_hidden
}

/// A directory with one of these is where a project starts, if none above is a repository.
const MARKS: &[&CStr] = &[
    c"node_modules",
    c"pnpm-workspace.yaml",
    c"nx.json",
    c"go.work",
    c"Cargo.lock",
    c"uv.lock",
    c"settings.gradle",
    c"MODULE.bazel",
];

/// The project of `here`, and of a work tree the repository that it belongs to. None of it holds the home.
/// An error is what a person is to be shown: why the directory is not readable.
pub(super) fn of(here: Place, home: Option<&Path>) -> Result<Vec<Place>, String> {
    if !is_readable(&here, home) {
        return Err(format!(
            "the current directory {} is not readable by default (it holds more than a project); add -r . to grant it",
            here.real.display()
        ));
    }
    let nearest = |marks: &[&CStr]| {
        // By name first: one call for each, where opening and checking takes thirty.
        let has_one = |dir: &Path| {
            let mut names = marks.iter().map(|mark| OsStr::from_bytes(mark.to_bytes()));
            names.any(|name| dir.join(name).symlink_metadata().is_ok())
        };
        let mut above = here.real.ancestors().skip(1).take_while(|dir| is_a_projects_name(dir));
        let root = Place::open(Source::Cwd, above.find(|dir| has_one(dir))?).ok()?;
        // Any user who may write there could have put the mark there.
        let is_shared = root.info.mode.contains(Mode::from_bits_retain(0o002));
        let is_root = !root.is_linked && !is_shared && is_own(&root.info);
        let is_marked = marks.iter().any(|mark| has(&root, mark));
        (is_root && is_marked && is_readable(&root, home)).then_some(root)
    };
    let mut is_repository = has(&here, c".git");
    let mut root = None;
    if !is_repository {
        root = nearest(&[c".git"]);
        is_repository = root.is_some();
        root = root.or_else(|| nearest(MARKS));
    }
    let root = root.unwrap_or(here);
    let mut places = Vec::new();
    if is_repository {
        let outside = |place: &Place| {
            !place.real.starts_with(&root.real) && !home.is_some_and(|home| home.starts_with(&place.real))
        };
        places.extend(repositories(&root).unwrap_or_default().into_iter().filter(outside));
    }
    places.push(root);
    Ok(places)
}

/// Whether a file is this user's or root's: files that others have put above a project make nothing of it.
fn is_own(info: &FileInfo) -> bool {
    info.uid == process::getuid() || info.uid == Uid::new(0)
}

/// The entry of this name, itself if it is a link.
fn entry(dir: &Place, name: &CStr) -> Option<FileInfo> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW;
    let entry = fs::openat2(dir.fd.as_fd(), name, flags, Mode::empty(), Resolve::empty()).ok()?;
    fs::info(entry.as_fd()).ok()
}

/// Whether there is an entry of this name that is this user's or root's.
fn has(dir: &Place, name: &CStr) -> bool {
    entry(dir, name).is_some_and(|info| is_own(&info))
}

/// Where the repository of a work tree or a submodule is: of `.git` that is a file (gitrepository-layout(5)).
///
/// Any user who may write to the project could have written that file and made links of its neighbours. So no
/// link is followed, and the directory that it names, which lies outside, must be in its place in a
/// repository and name the project in turn.
fn repositories(project: &Place) -> Option<Vec<Place>> {
    let link = text_at(&project.fd, c".git", 4096)?;
    let named = link.strip_prefix("gitdir:")?.trim_matches(['\n', '\r', ' ']);
    let dir = open_plain(&normal(&project.real.join(named)))?;
    let back = |text: &str| normal(&dir.real.join(text.trim()));
    if let Some(text) = text_at(&dir.fd, c"gitdir", 4096) {
        // COMMON/worktrees/NAME
        let common = dir.real.parent().filter(|trees| trees.ends_with("worktrees"))?.parent()?;
        let common = open_plain(common)?;
        let is_repository = has(&common, c"HEAD") && has(&common, c"objects");
        return (is_repository && back(&text) == project.real.join(".git")).then(|| vec![dir, common]);
    }
    // SUPER/.git/modules/NAME
    let is_module = dir.real.ancestors().any(|above| above.ends_with(".git/modules"));
    let config = text_at(&dir.fd, c"config", 1 << 16)?;
    let mut values = config.lines().filter_map(|line| line.split_once('='));
    let (_, tree) = values.find(|(key, _)| key.trim() == "worktree")?;
    (is_module && back(tree) == project.real).then(|| vec![dir])
}

/// A directory that no link leads to.
fn open_plain(path: &Path) -> Option<Place> {
    Place::open(Source::Cwd, path).ok().filter(|place| place.is_directory() && place.real == path)
}

/// A path without `.` and `..`, as it would be if there were no links.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = normal.pop(),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// The start of a regular file, without following a link or waiting.
fn text_at(dir: &impl AsFd, name: &CStr, most: usize) -> Option<String> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = fs::openat2(dir.as_fd(), name, flags, Mode::empty(), Resolve::NO_SYMLINKS).ok()?;
    if fs::info(file.as_fd()).ok()?.kind != FileType::Regular {
        return None;
    }
    let mut text = vec![0; most];
    let len = fs::read(file.as_fd(), &mut text).ok()?;
    text.truncate(len);
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PrivateTmp;

    #[test]
    fn a_project_is_read_and_a_home_is_not() {
        for (path, want) in [
            ("/home/u/project", true),
            ("/home/u", false),
            ("/home", false),
            ("/", false),
            ("/etc", false),
            ("/etc/ssl", false),
            ("/srv/build", true),
            ("/var", false),
            ("/var/lib/build", true),
            ("/tmp", false),
            ("/tmp/build", true),
            ("/home/other", false),
            ("/home/u/.ssh", false),
            ("/sys/kernel", false),
            ("/run/user/1000", false),
        ] {
            assert_eq!(is_a_projects_name(Path::new(path)), want, "{path}");
        }
    }

    #[test]
    fn a_home_is_known_by_itself_and_by_what_is_in_it() {
        let dir = PrivateTmp::create(&std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let users = dir.path().join("users");
        let (bob, eve) = (users.join("bob"), users.join("eve"));
        std::fs::create_dir_all(bob.join("project/src")).unwrap();
        std::fs::create_dir_all(eve.join(".ssh")).unwrap();
        let readable = |path: &Path, home| is_readable(&Place::open(Source::Cwd, path).unwrap(), home);
        for (path, want) in [
            (bob.join("project"), true),
            (bob.join("project/src"), true),
            (bob.clone(), false),
            (users.clone(), false),
            (dir.path().to_owned(), false),
            (eve.clone(), false),
        ] {
            assert_eq!(readable(&path, Some(&bob)), want, "{}", path.display());
        }
        assert!(readable(&bob, Some(&eve)) && readable(&bob, None) && !readable(&eve, None));
    }
}
