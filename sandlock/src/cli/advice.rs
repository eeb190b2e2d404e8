//! The flags that allow what was refused: as little as helps, and no place of keys unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use sandlock::{Act, Mechanism, Refusal};

use super::flags::{HOME, KEEP_CAPS, NET_ALLOW, NET_ALLOW_BIND, READ, SHM, WRITE};
use super::later;
use super::why::{bind_ports, quoted};

/// So many files of a directory are that directory.
const A_TREE: usize = 3;

/// Where keys, tokens and histories are, below a home; and wherever else such a name is.
const SENSITIVE: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".password-store",
    ".vault-token",
    ".terraform.d",
    ".mozilla",
    ".thunderbird",
    ".bitcoin",
    ".electrum",
    ".ethereum",
    ".config/gh",
    ".config/glab-cli",
    ".config/git/credentials",
    ".config/gcloud",
    ".config/google-chrome",
    ".config/chromium",
    ".config/sandlock",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".config/containers",
    ".config/fish/fish_variables",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/share/fish/fish_history",
    ".local/share/password-store",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".rediscli_history",
    ".irb_history",
    ".lesshst",
    ".viminfo",
];
/// The same, at one place of the machine.
const SECRETS: &[&str] = &[
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/ssl/private",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/krb5.keytab",
    "/etc/NetworkManager/system-connections",
    "/etc/wireguard",
    "/var/lib/sss",
    "/var/log",
];
/// What the system and its programs are made of.
const SYSTEM: &[&str] = &[
    "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr",
    "/var",
];
/// Where every program leaves files and sockets.
const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

/// The places that the advice depends on, read before the run.
#[derive(Debug)]
pub(super) struct Places {
    here: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Places {
    pub(super) fn look() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let home = home.map(|home| std::fs::canonicalize(&home).unwrap_or(home));
        Self { here: std::env::current_dir().ok(), home }
    }

    /// Whether a grant of a directory would be one of all that the user has, or the machine.
    pub(super) fn is_too_much(&self, dir: &Path) -> bool {
        dir == Path::new("/") || self.home.as_ref().is_some_and(|home| home.starts_with(dir))
    }

    /// Whether keys, tokens or a history are at a place, or below it.
    pub(super) fn is_sensitive(&self, path: &Path) -> bool {
        let is_at = |below: &Path| SENSITIVE.iter().any(|place| below.starts_with(place));
        let below = |top: &Path| path.strip_prefix(top).is_ok_and(is_at);
        let above = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        path.ancestors().any(below)
            || above.is_some_and(|path| SENSITIVE.iter().any(|place| Path::new(place).starts_with(path)))
            || SECRETS.iter().any(|place| path.starts_with(place) || Path::new(place).starts_with(path))
    }

    /// The reason why a person has to want a flag that a command asks for.
    pub(super) fn is_grave(&self, allow: &Allow) -> Option<&'static str> {
        let (path, writes) = match allow {
            Allow::Read(path) => (path, false),
            Allow::Write(path) => (path, true),
            Allow::Other(KEEP_CAPS, _) => return Some("capabilities are root's powers"),
            Allow::Other(..) => return None,
        };
        let is_in = |tops: &[&str]| tops.iter().any(|top| path.starts_with(top));
        let is_home = self.home.as_ref().is_some_and(|home| path.starts_with(home));
        let is_here =
            self.here.as_ref().is_some_and(|here| path.starts_with(here) && !self.is_too_much(here));
        match path {
            _ if self.is_sensitive(path) => Some("keys, tokens or a history are there"),
            _ if self.is_too_much(path) => Some("that is all of the home, or of the machine"),
            _ if path.starts_with("/dev") => Some("that is a device"),
            _ if is_here => None,
            _ if is_in(&["/home", "/root"]) && !is_home => Some("it is another user's"),
            _ if !writes => None,
            _ if SHARED.iter().any(|shared| path == Path::new(shared)) => {
                Some("files and sockets of every program are there")
            }
            _ if later::acts(path) => Some("a program outside executes it later"),
            _ if path.metadata().is_ok_and(|info| info.file_type().is_socket()) => {
                Some("a service that listens there acts outside")
            }
            _ if is_in(SYSTEM) && !is_in(SHARED) && !is_home => Some("it is the system's"),
            _ => None,
        }
    }

    /// The place to grant for a file: the current directory, if the file is below it.
    fn grant(&self, place: &Path) -> PathBuf {
        match &self.here {
            Some(here) if place.starts_with(here) && !self.is_too_much(here) => here.clone(),
            // A repository is read as a whole.
            _ => place.ancestors().find(|top| top.ends_with(".git")).unwrap_or(place).to_owned(),
        }
    }

    /// A path as a person types it.
    fn typed(&self, path: &Path) -> String {
        if self.here.as_deref() == Some(path) { ".".to_owned() } else { quoted(path) }
    }
}

/// A flag for a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Allow {
    /// `-r` and `-w`.
    Read(PathBuf),
    Write(PathBuf),
    /// Any other: its name, and its value.
    Other(&'static str, String),
}

impl Allow {
    /// The name of its flag, and the value.
    pub(super) fn words(&self) -> (&'static str, &OsStr) {
        match self {
            Self::Read(path) => (READ, path.as_os_str()),
            Self::Write(path) => (WRITE, path.as_os_str()),
            Self::Other(flag, value) => (flag, OsStr::new(value)),
        }
    }
}

/// The flags that allow an operation; none if no flag does.
pub(super) fn flags(refusal: &Refusal, places: &Places) -> Vec<Allow> {
    let other = |flag, value: &str| vec![Allow::Other(flag, value.to_owned())];
    if refusal.by == Mechanism::Capabilities {
        return other(KEEP_CAPS, "");
    }
    match (refusal.act, refusal.port, &refusal.place) {
        (Act::Connect, Some(port), _) => other(NET_ALLOW, &format!(":{port}")),
        (Act::Bind, Some(port), _) => other(NET_ALLOW_BIND, &bind_ports(port)),
        // A name may look like an address or a list of ports, which a rule then means.
        (Act::Resolve, ..) if !is_host(&refusal.object) => Vec::new(),
        (Act::Resolve, ..) => other(NET_ALLOW, &refusal.object),
        (_, _, Some(place)) if place.starts_with("/dev/shm") => other(SHM, ""),
        (Act::Home, _, Some(place)) => {
            vec![Allow::Other(HOME, "keep".to_owned()), Allow::Read(place.clone())]
        }
        (Act::Read | Act::List, _, Some(place)) if !places.is_too_much(place) => {
            vec![Allow::Read(places.grant(place))]
        }
        (Act::Execute, _, Some(place)) => vec![Allow::Read(installed(place, places))],
        // No file of a process can be changed, whatever is granted.
        (_, _, Some(place)) if place.starts_with("/proc") => Vec::new(),
        (Act::Write | Act::Change | Act::Connect, _, Some(place)) => vec![Allow::Write(places.grant(place))],
        (Act::Make | Act::Remove | Act::Move, _, Some(place)) if !places.is_too_much(place) => {
            vec![Allow::Write(places.grant(place))]
        }
        _ => Vec::new(),
    }
}

/// Whether a rule means a machine by this name.
fn is_host(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// The prefix of a program: the folder that has its `bin`.
fn installed(program: &Path, places: &Places) -> PathBuf {
    let top = program.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent);
    let is_deep = |top: &&Path| top.components().count() > 2;
    match top.filter(is_deep).filter(|top| !places.is_too_much(top)) {
        Some(top) => top.to_owned(),
        None => places.grant(program),
    }
}

/// Flags as they are typed.
pub(super) fn line(allows: &[Allow], places: &Places) -> String {
    let word = |allow: &Allow| match allow {
        Allow::Read(path) => format!("-r {}", places.typed(path)),
        Allow::Write(path) => format!("-w {}", places.typed(path)),
        Allow::Other(flag, value) if value.is_empty() => format!("--{flag}"),
        Allow::Other(flag, value) => format!("--{flag} {}", quoted(Path::new(value))),
    };
    allows.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Each flag once, and files of one tree as the tree.
pub(super) fn merged(allows: impl IntoIterator<Item = Allow>, places: &Places) -> Vec<Allow> {
    let (mut read, mut write, mut other) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for allow in allows {
        match allow {
            Allow::Read(path) => read.insert(path),
            Allow::Write(path) => write.insert(path),
            allow @ Allow::Other(..) => other.insert(allow),
        };
    }
    let write = trees(write, places);
    let mut read = trees(read, places);
    read.retain(|path| !write.iter().any(|top| path.starts_with(top)));
    let read = read.into_iter().map(Allow::Read);
    read.chain(write.into_iter().map(Allow::Write)).chain(other).collect()
}

/// Puts a directory in the place of three of its entries, as far up as that goes.
fn trees(mut paths: BTreeSet<PathBuf>, places: &Places) -> BTreeSet<PathBuf> {
    loop {
        let mut entries: BTreeMap<&Path, usize> = BTreeMap::new();
        for parent in paths.iter().filter_map(|path| path.parent()) {
            let count = entries.entry(parent).or_default();
            *count = count.saturating_add(1);
        }
        let is_tree = |dir: &Path| {
            dir.components().count() > 2 && !places.is_too_much(dir) && !places.is_sensitive(dir)
        };
        let found = entries.into_iter().find(|(dir, count)| *count >= A_TREE && is_tree(dir));
        let Some(tree) = found.map(|(dir, _)| dir.to_owned()) else { break };
        paths.retain(|path| !path.starts_with(&tree));
        paths.insert(tree);
    }
    let tops = paths.clone();
    paths.retain(|path| !tops.iter().any(|top| top != path && path.starts_with(top)));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_has_to_want_is_known_by_its_place() {
        let places = Places { here: Some("/home/u/project".into()), home: Some("/home/u".into()) };
        let read = |path: &str| Allow::Read(path.into());
        let write = |path: &str| Allow::Write(path.into());
        for (allow, is_grave) in [
            (read("/home/u/data"), false),
            (read("/home/u"), true),
            (read("/home"), true),
            (read("/"), true),
            (read("/home/u/.ssh"), true),
            (read("/home/u/.ssh/id"), true),
            (read("/home/u/.sshd"), false),
            (read("/srv/app/.aws/credentials"), true),
            // There are tokens below.
            (read("/home/u/.config"), true),
            (read("/home/u/.config/app"), false),
            (read("/home/u/.cargo"), true),
            (read("/home/u/.cargo/registry"), false),
            (read("/etc"), true),
            (read("/etc/shadow"), true),
            (read("/etc/app.conf"), false),
            (read("/home/other/file"), true),
            (read("/root/file"), true),
            (read("/dev/kvm"), true),
            (write("/home/u/project"), false),
            (write("/home/u/project/.git/config"), false),
            (write("/home/u/data"), false),
            (write("/home/u/.bashrc"), true),
            (write("/home/u/.config/autostart"), true),
            (write("/home/u/other/.git/hooks"), true),
            (write("/srv/data"), false),
            (write("/etc/ld.so.preload"), true),
            (write("/usr/lib"), true),
            (write("/run/user/1000"), true),
            (write("/tmp"), true),
            (write("/tmp/mine"), false),
            (write("/var/tmp/mine"), false),
            (Allow::Other(KEEP_CAPS, String::new()), true),
            (Allow::Other(NET_ALLOW, "example.org".into()), false),
        ] {
            assert_eq!(places.is_grave(&allow).is_some(), is_grave, "{allow:?}");
        }
    }

    #[test]
    fn a_tree_with_keys_below_stays_single_files() {
        let places = Places { here: None, home: Some("/home/u".into()) };
        let all = |top: &str| ["a", "b", "c"].map(|name| Allow::Read(Path::new(top).join(name)));
        assert_eq!(merged(all("/home/u/.config"), &places), all("/home/u/.config"));
        assert_eq!(merged(all("/home/u"), &places), all("/home/u"));
        assert_eq!(merged(all("/etc"), &places), all("/etc"));
        let tree = Path::new("/home/u/.config/app");
        assert_eq!(merged(all("/home/u/.config/app"), &places), [Allow::Read(tree.to_owned())]);
    }

    #[test]
    fn a_name_that_a_rule_would_take_for_something_else_is_no_advice() {
        for (name, is_one) in [
            ("example.org", true),
            ("localhost", true),
            ("10.0.0.1", false),
            ("443", false),
            ("0x7f.1", false),
            ("", false),
        ] {
            assert_eq!(is_host(name), is_one, "{name}");
        }
    }
}
