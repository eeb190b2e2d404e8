//! What acts later: files below a write grant that a program outside will execute when the sandbox is long
//! gone. They are looked at before and after, and what changed is named.
//!
//! Nothing is refused by that. Files further down than the places below, and set-user-ID bits, which a
//! command cannot set, are not looked for.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use sandlock::{AccessFs, Plan};
use sandlock_sys::fs::{self, Entries, FileInfo, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, OwnedFd};

/// The exit status with `--strict-later`.
pub(super) const ACTS_LATER: u8 = 123;

/// A command can change more of them than a person reads.
const SHOWN: usize = 20;

/// A file, or with `/` at its end all files of a directory, and what executes it.
const PLACES: &[(&str, &str)] = &[
    (".git/config", "git"),
    (".git/hooks/", "git"),
    (".gitmodules", "git"),
    (".husky/", "git"),
    (".pre-commit-config.yaml", "pre-commit"),
    (".envrc", "direnv, when the directory is entered"),
    ("mise.toml", "mise, when the directory is entered"),
    (".mise.toml", "mise, when the directory is entered"),
    (".vscode/", "the editor"),
    (".idea/", "the editor"),
    (".devcontainer/", "the editor"),
    (".nvim.lua", "the editor"),
    (".exrc", "the editor"),
    (".mcp.json", "an agent"),
    (".claude/", "an agent"),
    (".cursor/", "an agent"),
    (".github/workflows/", "CI"),
    (".gitlab-ci.yml", "CI"),
    (".circleci/", "CI"),
    (".travis.yml", "CI"),
    ("Jenkinsfile", "CI"),
    ("package.json", "npm, by its scripts"),
    (".npmrc", "npm"),
    (".cargo/", "cargo"),
    (".profile", "the next shell"),
    (".bash_profile", "the next shell"),
    (".bash_login", "the next shell"),
    (".bashrc", "the next shell"),
    (".zshenv", "the next shell"),
    (".zshrc", "the next shell"),
    (".zprofile", "the next shell"),
    (".config/fish/", "the next shell"),
    (".config/autostart/", "the next login"),
    (".config/systemd/user/", "the next login"),
    (".gitconfig", "git"),
    (".ssh/", "ssh"),
];

/// The stamps of all places, by their paths.
#[derive(Debug)]
pub(super) struct Later {
    /// The write grants. They are opened anew afterwards, for a run closes all descriptors.
    tops: Vec<PathBuf>,
    before: Vec<(PathBuf, &'static str, FileInfo)>,
}

impl Later {
    /// Looks at the places below the write grants of a plan.
    pub(super) fn look(plan: &Plan) -> Self {
        let is_written = |grant: &&sandlock::Grant| {
            grant.rights.contains(AccessFs::MAKE_REG) && grant.source != sandlock::Source::Tmp
        };
        let tops = plan.grants().iter().filter(is_written).map(|grant| grant.path.clone());
        let mut later = Self { tops: tops.collect(), before: Vec::new() };
        later.before = later.all();
        later
    }

    /// A line for each file that is new, or other than before.
    pub(super) fn changed(&self) -> Vec<String> {
        let is_as_before = |(path, _, info): &(PathBuf, &str, FileInfo)| {
            let before = self.before.iter().find(|(known, ..)| known == path);
            before.is_some_and(|(.., known)| known.identity == info.identity && known.changed == info.changed)
        };
        let mut lines: Vec<String> = Vec::new();
        for (path, who, _) in self.all().iter().filter(|file| !is_as_before(file)) {
            if lines.len() == SHOWN {
                lines.push("more files were changed that act later".to_owned());
                break;
            }
            lines.push(format!("{} was changed, and acts later, by {who}", path.display()));
        }
        lines
    }

    fn all(&self) -> Vec<(PathBuf, &'static str, FileInfo)> {
        let mut found = Vec::new();
        for top in &self.tops {
            let Ok(path) = CString::new(top.as_os_str().as_bytes()) else { continue };
            let Ok(dir) = fs::open(&path, OFlags::PATH | OFlags::DIRECTORY) else { continue };
            for (place, who) in PLACES {
                let mut add = |name: &[u8]| {
                    let Ok(name) = CString::new(name) else { return };
                    let flags = OFlags::PATH | OFlags::NOFOLLOW;
                    let file = fs::openat2(dir.as_fd(), &name, flags, Mode::empty(), Resolve::empty());
                    // What a link leads to is looked at where it is.
                    let info = file.and_then(|file| fs::info(file.as_fd()));
                    if let Ok(info) = info.map_err(drop) {
                        found.push((top.join(OsStr::from_bytes(name.as_bytes())), *who, info));
                    }
                };
                match place.strip_suffix('/') {
                    None => add(place.as_bytes()),
                    Some(folder) => {
                        for name in names(&dir, folder) {
                            // Samples of git's are executed by no program.
                            if !name.ends_with(b".sample") {
                                add(&[place.as_bytes(), &name].concat());
                            }
                        }
                    }
                }
            }
        }
        found
    }
}

/// The names in a directory; none if there is no such directory.
fn names(top: &OwnedFd, folder: &str) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    let Ok(folder) = CString::new(folder) else { return names };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let Ok(dir) = fs::openat2(top.as_fd(), &folder, flags, Mode::empty(), Resolve::empty()) else {
        return names;
    };
    let mut buffer = [0; 8192];
    // A command can make a directory of any length.
    while let Ok(len @ 1..) = fs::getdents64(dir.as_fd(), &mut buffer) {
        let entries = Entries::new(buffer.get(..len).unwrap_or_default());
        names.extend(entries.map(|name| name.to_bytes().to_vec()).filter(|name| !name.starts_with(b".")));
        if names.len() > 1000 {
            break;
        }
    }
    names
}
