//! `sandlock run --why`: the refusals of a run, and the flags that allow them, as lines of text and of JSON.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sandlock::{Act, Mechanism, Refusal, Weight};
use sandlock_sys::fs;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::{BorrowedFd, Errno};
use serde_json::{Value, json};

use super::complain::{complain, plain};
use super::why::{bind_flag, connect_flag, mechanism_name, quoted};

/// How many refusals are printed.
const SHOWN: usize = 20;
/// How many letters of an object are printed.
const LONGEST: usize = 300;
/// How many refusals the last line of JSON has in order.
const IN_ORDER: usize = 100;
/// The most of the line that allows everything.
const LONGEST_LINE: usize = 4000;
/// So many files of a directory are that directory.
const A_TREE: usize = 3;
/// How much waits for a reader of JSON lines.
const MOST_UNREAD: usize = 1 << 20;
/// How long the end of a run waits for that reader.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where keys, tokens and histories are, below a home.
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
    ".git-credentials",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".config/gh",
    ".config/gcloud",
    ".config/google-chrome",
    ".config/chromium",
    ".config/sandlock",
    ".config/op",
    ".local/share/keyrings",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".lesshst",
    ".viminfo",
];
/// The same, anywhere.
const SECRETS: &[&str] = &["/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/root/.ssh", "/etc/sudoers"];

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

    /// Whether a place has keys, tokens or a history.
    pub(super) fn is_sensitive(&self, path: &Path) -> bool {
        let below = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        below.is_some_and(|below| SENSITIVE.iter().any(|place| below.starts_with(place)))
            || SECRETS.iter().any(|place| path.starts_with(place))
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
    /// Any other, as it is typed.
    Typed(String),
}

/// The flags that allow an operation; none if no flag does.
pub(super) fn flags(refusal: &Refusal, places: &Places) -> Vec<Allow> {
    let typed = |text: &str| vec![Allow::Typed(text.to_owned())];
    if refusal.by == Mechanism::Capabilities {
        return typed("--keep-caps");
    }
    match (refusal.act, refusal.port, &refusal.place) {
        (Act::Connect, Some(port), _) => typed(&connect_flag(port)),
        (Act::Bind, Some(port), _) => typed(&bind_flag(port)),
        (Act::Resolve, ..) => typed(&format!("--net-allow {}", refusal.object)),
        (_, _, Some(place)) if place.starts_with("/dev/shm") => typed("--shm"),
        (Act::Home, _, Some(place)) => {
            vec![Allow::Typed("--home keep".to_owned()), Allow::Read(place.clone())]
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

/// The prefix of a program: the folder that has its `bin`.
fn installed(program: &Path, places: &Places) -> PathBuf {
    let top = program.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent);
    let is_deep = |top: &&Path| top.components().count() > 2;
    match top.filter(is_deep).filter(|top| !places.is_too_much(top)) {
        Some(top) => top.to_owned(),
        None => places.grant(program),
    }
}

/// The flags that allow all of these as one line, as far as it is one that a person pastes.
fn all_line(ranked: &[&Refusal], places: &Places) -> String {
    let (mut text, mut rest) = (String::new(), 0usize);
    for allow in all_flags(ranked.iter().copied(), places) {
        let word = line(&[allow], places);
        if text.len().saturating_add(word.len()) > LONGEST_LINE {
            rest = rest.saturating_add(1);
        } else {
            text += &format!("{word} ");
        }
    }
    if rest > 0 {
        text += &format!("(and {rest} more)");
    }
    text.trim_end().to_owned()
}

/// Flags as they are typed.
pub(super) fn line(allows: &[Allow], places: &Places) -> String {
    let word = |allow: &Allow| match allow {
        Allow::Read(path) => format!("-r {}", places.typed(path)),
        Allow::Write(path) => format!("-w {}", places.typed(path)),
        Allow::Typed(text) => text.clone(),
    };
    allows.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The flags that allow all of these, without those for places of keys: files of one tree are the tree.
pub(super) fn all_flags<'r>(refusals: impl IntoIterator<Item = &'r Refusal>, places: &Places) -> Vec<Allow> {
    let (mut read, mut write, mut typed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for allow in refusals
        .into_iter()
        .filter(|refusal| refusal.weight != Weight::Probe)
        .flat_map(|one| flags(one, places))
    {
        match allow {
            Allow::Read(path) | Allow::Write(path) if places.is_sensitive(&path) => continue,
            Allow::Read(path) => read.insert(path),
            Allow::Write(path) => write.insert(path),
            Allow::Typed(text) => typed.insert(text),
        };
    }
    let write = trees(write, places);
    let mut read = trees(read, places);
    read.retain(|path| !write.iter().any(|top| path.starts_with(top)));
    let read = read.into_iter().map(Allow::Read);
    read.chain(write.into_iter().map(Allow::Write)).chain(typed.into_iter().map(Allow::Typed)).collect()
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

/// The start and the end of a long object.
fn shortened(object: &str) -> String {
    let count = object.chars().count();
    if count <= LONGEST {
        return object.to_owned();
    }
    let (start, end) = (LONGEST.saturating_sub(50), count.saturating_sub(40));
    let (start, end): (String, String) =
        (object.chars().take(start).collect(), object.chars().skip(end).collect());
    format!("{start}…{end}")
}

/// One refusal as a line of text.
fn text(refusal: &Refusal, places: &Places) -> String {
    let Refusal { process, pid, call, act, object, errno, because, count, .. } = refusal;
    let allows = flags(refusal, places);
    let flag = match line(&allows, places) {
        none if none.is_empty() => match &refusal.place {
            Some(place) if places.is_too_much(place) => {
                "no flag grants as little as that: make the file first, and grant it with -w".to_owned()
            }
            _ => "no flag allows it".to_owned(),
        },
        flags => format!("to allow it: {flags}"),
    };
    let is_key = allows.iter().any(|allow| match allow {
        Allow::Read(path) | Allow::Write(path) => places.is_sensitive(path),
        Allow::Typed(_) => false,
    });
    let key = if is_key { " (keys, tokens or a history are there)" } else { "" };
    let times = if *count > 1 { format!(", {count} times") } else { String::new() };
    let sure = if refusal.is_certain { "" } else { " (predicted)" };
    let by = if *act == Act::Home { "the private home" } else { mechanism_name(refusal.by) };
    let object = shortened(object);
    let about = match act {
        Act::Call => String::new(),
        Act::Connect | Act::Bind | Act::Socket | Act::Process | Act::Request => format!(" {object}"),
        act => format!(" {object} ({})", act.as_str()),
    };
    format!("{process} [{pid}] {call}{about}: {errno}, by {by}{sure}{times}: {because}; {flag}{key}")
}

/// Prints the refusals of a run, the most likely cause first.
pub(super) fn print(ranked: &[&Refusal], left_out: u64, places: &Places) {
    if ranked.is_empty() {
        return complain("--why: nothing was refused that a report can see");
    }
    complain(&format!("--why: {} refused, the most likely cause first", operations(ranked.len())));
    for (number, refusal) in (1..=SHOWN).zip(ranked) {
        complain(&format!("{number}. {}", text(refusal, places)));
    }
    let hidden =
        u64::try_from(ranked.len().saturating_sub(SHOWN)).unwrap_or(u64::MAX).saturating_add(left_out);
    if hidden > 0 {
        complain(&format!("{hidden} more are not shown"));
    }
    let all = all_line(ranked, places);
    if !all.is_empty() {
        complain(&format!("to allow all of this: {all}"));
    }
}

fn operations(count: usize) -> String {
    if count == 1 { "1 operation was".to_owned() } else { format!("{count} operations were") }
}

/// One refusal as data.
fn value(refusal: &Refusal, places: &Places) -> Value {
    let flags = line(&flags(refusal, places), places);
    json!({
        "event": "refused",
        "process": plain(&refusal.process),
        "pid": refusal.pid.get(),
        "call": refusal.call.as_str(),
        "operation": refusal.act.as_str(),
        "object": plain(&refusal.object),
        "errno": refusal.errno.to_string(),
        "by": mechanism_name(refusal.by),
        "because": plain(&refusal.because),
        "flag": (!flags.is_empty()).then(|| plain(&flags)),
        "certain": refusal.is_certain,
    })
}

/// Lines for a file, which may be a pipe without a reader: up to a limit, bytes that it does not take wait.
#[derive(Debug, Default)]
pub(super) struct Lines {
    unread: Vec<u8>,
    lost: u64,
}

impl Lines {
    /// Writes the first refusal of a kind.
    pub(super) fn refused(&mut self, refusal: &Refusal, places: &Places, file: BorrowedFd<'_>) {
        self.add(&value(refusal, places), file);
    }

    /// Writes the last line: how the command ended, and the objects in order.
    pub(super) fn end(
        &mut self,
        status: u8,
        ranked: &[&Refusal],
        left_out: u64,
        places: &Places,
        file: BorrowedFd<'_>,
    ) {
        let object = |one: &Refusal| plain(&shortened(&one.object));
        let value = |one: &&Refusal| json!({"operation": one.act.as_str(), "object": object(one), "count": one.count});
        let order: Vec<Value> = ranked.iter().take(IN_ORDER).map(value).collect();
        let allow = all_line(ranked, places);
        let lost = left_out.saturating_add(self.lost);
        self.add(
            &json!({"event": "end", "status": status, "ranked": order, "allow": plain(&allow), "left_out": lost}),
            file,
        );
        let mut row = [PollFd::new(file, Events::OUT)];
        while !self.unread.is_empty() && ppoll(&mut row, Some(PATIENCE)) == Ok(1) {
            if self.flush(file).is_err() {
                break;
            }
        }
    }

    fn add(&mut self, value: &Value, file: BorrowedFd<'_>) {
        let line = format!("{value}\n");
        if self.unread.len().saturating_add(line.len()) > MOST_UNREAD {
            self.lost = self.lost.saturating_add(1);
        } else {
            self.unread.extend(line.into_bytes());
        }
        let _ = self.flush(file);
    }

    fn flush(&mut self, file: BorrowedFd<'_>) -> Result<(), Errno> {
        while !self.unread.is_empty() {
            let len = fs::write(file, &self.unread)?;
            self.unread.drain(..len.min(self.unread.len()));
        }
        Ok(())
    }
}
