//! Files below a write grant that a program outside executes after the sandbox has ended. Their stamps are
//! taken before and after the run, and the changed files are reported.
//!
//! Nothing is refused. Files deeper than the places below are not covered; set-user-ID bits are not either,
//! for a command cannot set them.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use sandlock::{AccessFs, Plan};
use sandlock_sys::AsFd;
use sandlock_sys::fs::{self, Entries, FileType, OFlags};

/// The exit status with `--strict-later`.
pub(super) const ACTS_LATER: u8 = 123;

/// A command can change more of them than a person reads.
const SHOWN: usize = 20;
/// A folder with more files than this is named as a whole.
const MOST: usize = 1000;

/// A file, or with `/` at its end all files of a directory, and the program that executes it.
const PLACES: &[(&str, &str)] = &[
    (".git", "git"),
    (".git/commondir", "git"),
    (".git/config", "git"),
    (".git/hooks/", "git"),
    (".git/info/attributes", "git"),
    (".gitmodules", "git"),
    (".husky/", "git"),
    (".pre-commit-config.yaml", "pre-commit"),
    (".envrc", "direnv, when the directory is entered"),
    ("mise.toml", "mise, when the directory is entered"),
    (".mise.toml", "mise, when the directory is entered"),
    (".mise/", "mise, when the directory is entered"),
    (".config/mise/", "mise, when the directory is entered"),
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
    (".config/sandlock/profiles/", "sandlock, by what it grants"),
];

/// The state of a file: its identity, its type, and, unless it is a folder, the time of its last change.
/// `None`: a folder that cannot be listed, or has too many files.
type Stamp = Option<(([u32; 2], u64), FileType, Option<[u64; 2]>)>;

/// The stamps of all places, by their paths.
#[derive(Debug)]
pub(super) struct Later {
    /// The write grants. They are opened anew afterwards, for a run closes all descriptors.
    tops: Vec<PathBuf>,
    before: BTreeMap<PathBuf, (&'static str, Stamp)>,
}

impl Later {
    /// Looks at the places below the write grants of a plan.
    pub(super) fn look(plan: &Plan) -> Self {
        let is_written = |grant: &&sandlock::Grant| {
            grant.rights.contains(AccessFs::MAKE_REG) && grant.source != sandlock::Source::Tmp
        };
        let tops = plan.grants().iter().filter(is_written).map(|grant| grant.path.clone());
        let mut later = Self { tops: tops.collect(), before: BTreeMap::new() };
        later.before = later.all();
        later
    }

    /// A line for each file that is new, gone or other than before.
    pub(super) fn changed(&self) -> Vec<String> {
        let after = self.all();
        let is_new = |path: &&PathBuf| match (self.before.get(*path), after.get(*path)) {
            (Some((_, before)), Some((_, after))) => before != after || after.is_none(),
            _ => true,
        };
        let mut lines: Vec<String> = Vec::new();
        // A file that is gone acts no more; a folder may be another's by then.
        for path in after.keys().filter(is_new) {
            if lines.len() == SHOWN {
                lines.push("more files were changed that act later".to_owned());
                break;
            }
            let who = after.get(path).map_or("", |(who, _)| who);
            lines.push(format!("{} was changed, and acts later, by {who}", path.display()));
        }
        lines
    }

    fn all(&self) -> BTreeMap<PathBuf, (&'static str, Stamp)> {
        let mut found = BTreeMap::new();
        for (top, (place, who)) in
            self.tops.iter().flat_map(|top| PLACES.iter().map(move |place| (top, place)))
        {
            for path in places(top, place) {
                match place.ends_with('/') {
                    false => _ = stamp(&path).map(|stamp| found.insert(path, (*who, stamp))),
                    true => folder(&path, who, &mut found),
                }
            }
        }
        found
    }
}

/// Whether a file is at or below one of the places, wherever that is.
pub(super) fn acts(path: &Path) -> bool {
    let is_at = |below: &Path| PLACES.iter().any(|(place, _)| below.starts_with(place.trim_end_matches('/')));
    path.ancestors().any(|top| path.strip_prefix(top).is_ok_and(is_at))
}

/// Where a place is below a grant: also when the grant is a part of the place, such as `.git`.
fn places(top: &Path, place: &str) -> Vec<PathBuf> {
    // With a slash at its end, a link would be followed.
    let place = Path::new(place.trim_end_matches('/'));
    let mut paths = vec![top.join(place)];
    for part in place.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        if top.ends_with(part) {
            let rest = place.strip_prefix(part).unwrap_or(place);
            paths.push(if rest.as_os_str().is_empty() { top.to_owned() } else { top.join(rest) });
        }
    }
    paths
}

/// Adds a folder, and the files in it.
fn folder(path: &Path, who: &'static str, found: &mut BTreeMap<PathBuf, (&'static str, Stamp)>) {
    let Some(own) = stamp(path) else { return };
    let names = match own {
        // A link leads to files that are looked at nowhere else.
        Some((_, FileType::Directory, _)) => names(path),
        other => {
            found.insert(path.to_owned(), (who, other));
            return;
        }
    };
    found.insert(path.to_owned(), (who, own.filter(|_| names.is_some())));
    for name in names.unwrap_or_default() {
        // Samples of git's are executed by no program.
        if !name.as_bytes().ends_with(b".sample") {
            let path = path.join(name);
            _ = stamp(&path).map(|stamp| found.insert(path, (who, stamp)));
        }
    }
}

/// The stamp of a file, if the file exists.
fn stamp(path: &Path) -> Option<Stamp> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let file = fs::open(&path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
    let info = fs::info(file.as_fd()).ok()?;
    // A folder changes with each file in it, and those have stamps.
    let changed = (info.kind != FileType::Directory).then_some(info.changed);
    Some(Some((info.identity, info.kind, changed)))
}

/// The names in a folder, unless it cannot be listed, or is too full.
fn names(path: &Path) -> Option<Vec<OsString>> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let dir = fs::open(&path, OFlags::DIRECTORY | OFlags::NOFOLLOW).ok()?;
    let (mut names, mut buffer, mut seen) = (Vec::new(), [0; 8192], 0usize);
    loop {
        let len = fs::getdents64(dir.as_fd(), &mut buffer).ok()?;
        if len == 0 {
            return Some(names);
        }
        for name in Entries::new(buffer.get(..len)?) {
            seen = seen.saturating_add(1);
            if seen > MOST {
                return None;
            }
            if name != c"." && name != c".." {
                names.push(OsString::from_vec(name.to_bytes().to_vec()));
            }
        }
    }
}
