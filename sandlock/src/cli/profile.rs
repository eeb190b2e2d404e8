//! Profiles: flags in TOML files, by the names that the table of flags has for them.
//!
//! A profile grants, so it is read as carefully as a key file of ssh's: a regular file of the user's or
//! root's that no other user may write, in one of three places or named by its path.

use core::ops::Range;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::flags::{FLAGS, Given};

/// A profile is written by hand.
const LONGEST: u64 = 64 << 10;
/// A profile includes others, and those others.
const DEPTH: usize = 8;
/// More lines are no policy that a person has read.
const LINES: usize = 10_000;
const INCLUDE: &str = "include";
const DESCRIPTION: &str = "description";

/// The profiles that come with sandlock.
pub(crate) const BUILT_IN: &[(&str, &str)] = &[
    ("agent", include_str!("profiles/agent.toml")),
    ("browser", include_str!("profiles/browser.toml")),
    ("build", include_str!("profiles/build.toml")),
    ("git", include_str!("profiles/git.toml")),
    ("go", include_str!("profiles/go.toml")),
    ("java", include_str!("profiles/java.toml")),
    ("node", include_str!("profiles/node.toml")),
    ("offline", include_str!("profiles/offline.toml")),
    ("python", include_str!("profiles/python.toml")),
    ("rust", include_str!("profiles/rust.toml")),
    ("server", include_str!("profiles/server.toml")),
];

/// One profile: its name, where it is from, and its text.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// `None`: it is built in.
    pub(crate) path: Option<PathBuf>,
    pub(crate) text: String,
}

/// The folders in which profiles are looked for by name, the first that has one counting.
pub(crate) fn folders() -> Vec<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    config.into_iter().chain([PathBuf::from("/etc")]).map(|top| top.join("sandlock/profiles")).collect()
}

/// The flags of a profile, after those of the profiles that it includes.
pub(crate) fn load(name: &OsStr) -> Result<Vec<Given>, String> {
    find(name)?.lines()
}

/// The profile of this name, or the file at this path.
pub(crate) fn find(name: &OsStr) -> Result<Profile, String> {
    let shown = name.to_string_lossy().replace(char::is_control, "?");
    if name.as_bytes().contains(&b'/') {
        return read(Path::new(name), shown);
    }
    let is_plain = !shown.is_empty() && !shown.starts_with('.') && !shown.contains('\u{fffd}');
    if !is_plain {
        return Err(format!(
            "-p {shown}: a profile has a plain name; a file is named by its path, such as ./{shown}"
        ));
    }
    for folder in folders() {
        let path = folder.join(format!("{shown}.toml"));
        if path.symlink_metadata().is_ok() {
            return read(&path, shown);
        }
    }
    if let Some(profile) = built_in(&shown) {
        return Ok(profile);
    }
    let is_port = shown.starts_with(|first: char| first.is_ascii_digit());
    let hint = if is_port {
        "; --net-allow-bind grants listening on a port".to_owned()
    } else {
        like(&shown, BUILT_IN.iter().map(|(known, _)| *known))
    };
    Err(format!("-p {shown}: there is no such profile{hint}; `sandlock profile list` lists them"))
}

fn built_in(name: &str) -> Option<Profile> {
    let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    Some(Profile { name: name.to_owned(), path: None, text: (*text).to_owned() })
}

/// Reads a file, which is opened once: the checks are made on the descriptor.
fn read(path: &Path, name: String) -> Result<Profile, String> {
    let shown = path.display().to_string().replace(char::is_control, "?");
    let refuse = |why: &str| format!("profile {shown}: {why}");
    let user = sandlock_sys::process::getuid().get();
    let is_ours = |info: &std::fs::Metadata| [user, 0].contains(&info.uid()) && info.mode() & 0o022 == 0;
    // A link is followed only in a folder whose links are all the user's or root's choice.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let follow = if folder.metadata().is_ok_and(|info| is_ours(&info)) { 0 } else { libc::O_NOFOLLOW };
    // Opening a pipe must not wait.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | follow;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| refuse(&format!("{error}")))?;
    let info = file.metadata().map_err(|error| refuse(&format!("{error}")))?;
    if !info.is_file() {
        return Err(refuse("this is not a file"));
    }
    if ![user, 0].contains(&info.uid()) {
        return Err(refuse(&format!("it belongs to user {}, who would choose the grants", info.uid())));
    }
    if !is_ours(&info) {
        return Err(refuse("other users may write it; take that away first (chmod go-w)"));
    }
    let mut text = String::new();
    let len = file.take(LONGEST.saturating_add(1)).read_to_string(&mut text);
    match len.map_err(|error| refuse(&format!("{error}")))? {
        len if u64::try_from(len).is_ok_and(|len| len <= LONGEST) => {
            Ok(Profile { name, path: Some(path.to_owned()), text })
        }
        _ => Err(refuse("it is longer than 64 KiB")),
    }
}

/// Adds the flags of a profile, after those of the profiles that it includes. `above`: the profiles that
/// include it; `seen`: the included ones so far, each of which is added once.
fn add(
    source: &Profile,
    above: &mut Vec<String>,
    seen: &mut Vec<String>,
    lines: &mut Vec<Given>,
) -> Result<(), String> {
    let table = DeTable::parse(&source.text).map_err(|error| {
        source.mistake(error.span().unwrap_or(0..0), error.message().lines().next().unwrap_or_default())
    })?;
    above.push(source.name.clone());
    for (key, value) in table.get_ref() {
        let section = key.get_ref().as_ref();
        match (section, value.get_ref()) {
            (DESCRIPTION, DeValue::String(_)) => {}
            (INCLUDE, DeValue::Array(names)) => {
                for name in names {
                    source.include(name, above, seen, lines)?;
                }
            }
            (DESCRIPTION | INCLUDE, _) => {
                let form = "this is description = \"text\", or include = [\"name\"]";
                return Err(source.mistake(value.span(), form));
            }
            (_, DeValue::Table(keys)) if sections().any(|known| known == section) => {
                for (key, value) in keys {
                    source.add_key(section, key, value, lines)?;
                }
            }
            (_, DeValue::Table(_)) => {
                let why = format!("there is no section `{section}`{}", like(section, sections()));
                return Err(source.mistake(key.span(), &why));
            }
            _ => {
                let known = [INCLUDE, DESCRIPTION];
                let why = format!(
                    "there is no key `{section}` outside of a section{}",
                    like(section, known.into_iter())
                );
                return Err(source.mistake(key.span(), &why));
            }
        }
    }
    above.pop();
    Ok(())
}

impl Profile {
    /// Its flags, after those of the profiles that it includes.
    pub(crate) fn lines(&self) -> Result<Vec<Given>, String> {
        let mut lines = Vec::new();
        add(self, &mut Vec::new(), &mut Vec::new(), &mut lines)?;
        Ok(lines)
    }

    /// Includes a profile of the same folder, or one that is built in.
    fn include(
        &self,
        name: &Spanned<DeValue<'_>>,
        above: &mut Vec<String>,
        seen: &mut Vec<String>,
        lines: &mut Vec<Given>,
    ) -> Result<(), String> {
        let refuse = |why: &str| self.mistake(name.span(), why);
        let DeValue::String(text) = name.get_ref() else {
            return Err(refuse("the name of a profile is text"));
        };
        if text.contains('/') || text.starts_with('.') {
            return Err(refuse("a profile includes others of its folder, by name"));
        }
        if above.iter().any(|above| above == text.as_ref()) || above.len() >= DEPTH {
            return Err(refuse(&format!("this goes round in a circle: {}", above.join(", then "))));
        }
        if seen.iter().any(|seen| seen == text.as_ref()) {
            return Ok(());
        }
        let beside = self.path.as_ref().map(|path| path.with_file_name(format!("{text}.toml")));
        let source = match beside.filter(|path| path.symlink_metadata().is_ok()) {
            Some(path) => read(&path, text.to_string())?,
            None => built_in(text).ok_or_else(|| {
                let meant = like(text, BUILT_IN.iter().map(|(known, _)| *known));
                refuse(&format!("there is no such profile beside this one{meant}"))
            })?,
        };
        seen.push(text.to_string());
        add(&source, above, seen, lines)
    }

    /// Adds the flags of one key.
    fn add_key(
        &self,
        section: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        lines: &mut Vec<Given>,
    ) -> Result<(), String> {
        let name = key.get_ref().as_ref();
        let Some(flag) = FLAGS.iter().find(|flag| flag.key == Some((section, name))) else {
            let keys = FLAGS.iter().filter_map(|flag| flag.key).filter(|(of, _)| *of == section);
            let why =
                format!("there is no key `{name}` in [{section}]{}", like(name, keys.map(|(_, key)| key)));
            return Err(self.mistake(key.span(), &why));
        };
        let mut push = |text: &str, span: Range<usize>| {
            let value = if flag.takes.is_some() {
                expanded(text).map_err(|why| self.mistake(span.clone(), &why))?
            } else {
                OsString::new()
            };
            if lines.len() >= LINES {
                return Err(self.mistake(span, "this is more than a person reads: 10,000 lines of profiles"));
            }
            let at = Some((self.name.clone(), self.position(span.start).0));
            lines.push(Given { flag, value, at });
            Ok(())
        };
        match (value.get_ref(), flag.takes) {
            (DeValue::Boolean(true), None) => push("", value.span()),
            (DeValue::Boolean(false), None) => Ok(()),
            (_, None) => Err(self.mistake(value.span(), "this is true or false")),
            (DeValue::Array(items), Some(_)) => {
                items.iter().try_for_each(|item| match scalar(item.get_ref()) {
                    Some(text) => push(&text, item.span()),
                    None => Err(self.mistake(item.span(), "this is text, or a number")),
                })
            }
            (one, Some(_)) => match scalar(one) {
                Some(text) => push(&text, value.span()),
                None => Err(self.mistake(value.span(), "this is text, a number, or a list of them")),
            },
        }
    }

    /// The line and the column of a place in the text, from 1.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
        (line, column)
    }

    /// A message with an excerpt.
    fn mistake(&self, span: Range<usize>, why: &str) -> String {
        let shown = self.path.as_ref().map_or_else(|| self.name.clone(), |path| path.display().to_string());
        let (line, column) = self.position(span.start);
        let excerpt = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        // A tab is as wide as a blank here.
        let excerpt = excerpt.replace('\t', " ");
        let marked = self.text.get(span).and_then(|text| text.lines().next()).unwrap_or_default();
        let marks = "^".repeat(marked.chars().count().max(1));
        let blank = " ".repeat(column.saturating_sub(1));
        format!("profile {shown}:{line}:{column}: {why}\n{line:4} | {excerpt}\n     | {blank}{marks}")
    }

    /// The names in `include`.
    pub(crate) fn includes(&self) -> Vec<String> {
        let table = DeTable::parse(&self.text).ok();
        let all = table.as_ref().and_then(|table| table.get_ref().get(INCLUDE)?.get_ref().as_array());
        let text = |name: &Spanned<DeValue<'_>>| name.get_ref().as_str().map(str::to_owned);
        all.into_iter().flatten().filter_map(text).collect()
    }

    /// The text of `description`.
    pub(crate) fn description(&self) -> String {
        let table = DeTable::parse(&self.text).ok();
        let value = table
            .as_ref()
            .and_then(|table| table.get_ref().iter().find(|(key, _)| key.get_ref() == DESCRIPTION));
        value.and_then(|(_, value)| value.get_ref().as_str()).unwrap_or_default().to_owned()
    }
}

/// The sections that there are, each once for every key.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().filter_map(|flag| flag.key).map(|(section, _)| section)
}

/// Text, or a number, as it would be typed.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Float(number) => Some(number.as_str().replace('_', "")),
        _ => None,
    }
}

/// A value with the home in the place of `~`. A path must not lead up: where it ends would depend on links.
fn expanded(text: &str) -> Result<OsString, String> {
    let path = Path::new(text);
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("a path of a profile has no `..`".into());
    }
    match text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        None => Ok(text.into()),
        Some(rest) => match std::env::var_os("HOME").filter(|home| Path::new(home).is_absolute()) {
            Some(mut home) => {
                home.push(rest);
                Ok(home)
            }
            None => Err("HOME is not set, which `~` means".into()),
        },
    }
}

/// `; is X meant?`, if there is something alike.
fn like<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best = known
        .map(|known| (strsim::jaro_winkler(word, known), known))
        .max_by(|one, two| one.0.total_cmp(&two.0));
    match best {
        Some((score, known)) if score > 0.75 => format!("; is `{known}` meant?"),
        _ => String::new(),
    }
}
