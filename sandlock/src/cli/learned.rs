//! A profile as `sandlock learn` writes it: the flags that were typed, and what was added, each line with the
//! programs that asked for it.

use core::fmt::Write as _;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path};

use super::flags::{CWD, FLAGS, Given, HOME, PROFILE, READ, WRITE};
use super::parse::Typed;
use super::profile::{self, Profile};

/// The first line of the file. Another file is not written over.
const HEADER: &str = "# Learned by sandlock.";
const LEARNED_BEFORE: &str = "learned before";

/// A line of the profile, and a comment.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) given: Given,
    pub(super) why: String,
}

/// The profile.
#[derive(Debug)]
pub(super) struct Learned {
    /// The profiles that it includes.
    include: Vec<String>,
    /// The lines that it had or was to have before the first run.
    lines: Vec<Note>,
    /// Those that were added since.
    pub(super) added: Vec<Note>,
    /// What the last run did without.
    pub(super) refused: Vec<Note>,
    command: String,
}

impl Learned {
    /// Starts from the file, if it is there, and from the flags that were typed.
    pub(super) fn open(file: &Path, typed: &Typed, command: &str) -> Result<Self, String> {
        let mut learned = Self {
            include: Vec::new(),
            lines: Vec::new(),
            added: Vec::new(),
            refused: Vec::new(),
            command: command.to_owned(),
        };
        if file.symlink_metadata().is_ok() {
            let old = profile::find(with_slash(file).as_os_str())?;
            if !old.text.starts_with(HEADER) {
                return Err(format!(
                    "-o {0}: there is such a file, which was not learned; -p {0} starts from it, and -o names another",
                    file.display()
                ));
            }
            learned.include = old.includes();
            let own = old
                .lines()?
                .into_iter()
                .filter(|line| line.at.as_ref().is_some_and(|(of, _)| *of == old.name));
            learned.lines.extend(own.map(|given| Note { given, why: LEARNED_BEFORE.to_owned() }));
        }
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| format!("-o {}: {error}", file.display()))?;
        }
        for given in &typed.flags {
            if given.flag.long == PROFILE {
                let source = profile::find(&given.value)?;
                if source.path.is_none() {
                    learned.include.push(source.name);
                } else {
                    let lines = source.lines()?.into_iter();
                    let why = || format!("of {}", source.name);
                    learned.lines.extend(lines.map(|given| Note { given, why: why() }));
                }
            } else if given.flag.key.is_some() {
                let note = Note { given: straight(given), why: String::new() };
                if !learned.has(&note) {
                    learned.lines.push(note);
                }
            }
        }
        learned.include.sort_unstable();
        learned.include.dedup();
        Ok(learned)
    }

    /// The flags that a run with it takes.
    pub(super) fn flags(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let include = self.include.iter().map(|name| (PROFILE, OsStr::new(name)));
        let lines = self.lines.iter().chain(&self.added).map(|note| &note.given);
        // A path that is gone would keep the command from being started.
        let is_usable =
            |given: &&Given| ![READ, WRITE].contains(&given.flag.long) || Path::new(&given.value).exists();
        include.chain(lines.filter(is_usable).map(|given| (given.flag.long, given.value.as_os_str())))
    }

    /// Whether it was started with this line.
    pub(super) fn has(&self, note: &Note) -> bool {
        self.lines.iter().any(|line| line.given.is(&note.given))
    }

    /// Whether the command may change a file, by a path that it was given.
    pub(super) fn may_change(&self, file: &Path) -> bool {
        let real = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let lines = self.lines.iter().chain(&self.added);
        let mut written = lines.filter(|note| note.given.flag.long == WRITE);
        written.any(|note| std::fs::canonicalize(&note.given.value).is_ok_and(|top| real.starts_with(top)))
    }

    /// Writes the file, whole or not at all. A link in its place is no way to another file.
    pub(super) fn write(&self, file: &Path) -> Result<(), String> {
        let name =
            file.file_name().ok_or_else(|| format!("-o {}: this is not a file's name", file.display()))?;
        let text = self.text()?;
        let profile =
            Profile { name: name.to_string_lossy().into_owned(), path: Some(file.to_owned()), text };
        profile.lines()?;
        let mut beside = OsString::from(format!(".{}.", std::process::id()));
        beside.push(name);
        let new = file.with_file_name(beside);
        let mut options = std::fs::OpenOptions::new();
        // As a profile has to be, whatever the mask is.
        let opened = options.write(true).create_new(true).mode(0o644).open(&new);
        let written = opened.and_then(|mut opened| opened.write_all(profile.text.as_bytes()));
        written
            .and_then(|()| std::fs::rename(&new, file))
            .map_err(|error| format!("-o {}: {error}", file.display()))
    }

    fn text(&self) -> Result<String, String> {
        let command = quoted(&format!("learned from {}", self.command));
        let mut text =
            format!("{HEADER} It may be edited, and `sandlock learn` extends it.\ndescription = {command}\n");
        if !self.include.is_empty() {
            let names: Vec<String> = self.include.iter().map(|name| quoted(name)).collect();
            let _ = writeln!(text, "include = [{}]", names.join(", "));
        }
        let mut sections = Vec::new();
        for section in profile::sections() {
            if !sections.contains(&section) {
                sections.push(section);
            }
        }
        for section in sections {
            let mut keys = String::new();
            for (flag, key) in FLAGS.iter().filter_map(|flag| Some((flag, flag.key?))) {
                if key.0 == section {
                    let is_it = |note: &&Note| note.given.flag.long == flag.long;
                    let notes: Vec<&Note> = self.lines.iter().chain(&self.added).filter(is_it).collect();
                    keys += &key_text(key.1, flag.takes.is_some(), &notes)?;
                }
            }
            if !keys.is_empty() {
                let _ = write!(text, "\n[{section}]\n{keys}");
            }
        }
        if !self.refused.is_empty() {
            text += "\n# Refused in the last run, which did without:\n";
            for note in &self.refused {
                let _ = writeln!(text, "# {}", of_flag(note));
            }
        }
        Ok(text)
    }
}

/// A line as flags are typed, with its comment.
pub(super) fn of_flag(note: &Note) -> String {
    let Note { given, why } = note;
    let value = if given.value.is_empty() { String::new() } else { format!(" {}", given.value.display()) };
    let why = if why.is_empty() { String::new() } else { format!("  # {why}") };
    super::complain::plain(&format!("--{}{value}{why}", given.flag.long))
}

fn key_text(key: &str, takes: bool, notes: &[&Note]) -> Result<String, String> {
    if notes.is_empty() {
        return Ok(String::new());
    }
    if !takes {
        return Ok(format!("{key} = true\n"));
    }
    let mut text = format!("{key} = [\n");
    for note in notes {
        let value = note.given.value.to_str();
        let value =
            value.ok_or_else(|| format!("{}: a profile is UTF-8 text", note.given.value.display()))?;
        let why = super::complain::plain(&note.why);
        let comment = if why.is_empty() { String::new() } else { format!("  # {why}") };
        let _ = writeln!(text, "    {},{comment}", quoted(value));
    }
    Ok(text + "]\n")
}

/// A text as TOML has it, in double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => _ = write!(quoted, "\\u{:04X}", u32::from(letter)),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// The same path without `..`, which no profile has.
fn straight(given: &Given) -> Given {
    let mut given = Given { at: None, ..given.clone() };
    let path = Path::new(&given.value);
    let leads_up = path.components().any(|part| part == Component::ParentDir);
    if leads_up && [READ, WRITE, CWD, HOME].contains(&given.flag.long) {
        given.value = std::fs::canonicalize(path).map_or_else(|_| given.value.clone(), Into::into);
    }
    given
}

/// A path that is not taken for a profile's name.
pub(super) fn with_slash(file: &Path) -> std::path::PathBuf {
    if file.components().count() == 1 { Path::new(".").join(file) } else { file.to_owned() }
}
