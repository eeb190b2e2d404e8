//! `sandlock run --why`: the refusals of a run, and the flags that allow them, as lines of text and of JSON.

use core::time::Duration;
use std::ffi::OsStr;

use sandlock::{Act, Refusal, Weight};
use sandlock_sys::fs;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::{BorrowedFd, Errno};
use serde_json::{Value, json};

use super::advice::{Allow, Places, flags, line, merged};
use super::complain::{complain, plain};
use super::why::mechanism_name;

/// How many refusals are printed.
const SHOWN: usize = 20;
/// How many letters of an object are printed.
const LONGEST: usize = 300;
/// How many refusals the last line of JSON has in order.
const IN_ORDER: usize = 100;
/// The most of the line that allows everything.
const LONGEST_LINE: usize = 4000;
/// How much waits for a reader of JSON lines.
const MOST_UNREAD: usize = 1 << 20;
/// How long the end of a run waits for that reader.
const PATIENCE: Duration = Duration::from_millis(500);

/// The flags that allow all of these as one line, as far as it is one that a person pastes.
fn all_line(ranked: &[&Refusal], places: &Places) -> String {
    let (mut text, mut rest) = (String::new(), 0usize);
    let needed = ranked.iter().filter(|refusal| refusal.weight != Weight::Probe);
    let allows = needed.flat_map(|refusal| flags(refusal, places));
    let is_open = |allow: &Allow| match allow {
        Allow::Read(path) | Allow::Write(path) => !places.is_sensitive(path),
        Allow::Other(..) => true,
    };
    for allow in merged(allows.filter(is_open), places) {
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
        Allow::Other(..) => false,
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
    let allows = flags(refusal, places);
    let flags = line(&allows, places);
    // A name that a line of text cannot hold is left out.
    let exact = |text: &OsStr| text.to_str().filter(|text| plain(text) == *text).map(str::to_owned);
    let grants = allows.iter().map(Allow::words);
    let grants = grants.map(|(flag, value)| Some(json!({"flag": flag, "value": exact(value)?})));
    let grants: Option<Vec<Value>> = grants.collect();
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
        "grants": grants.unwrap_or_default(),
        "place": refusal.place.as_deref().and_then(|place| exact(place.as_os_str())),
        "weight": refusal.weight.as_str(),
        "certain": refusal.is_certain,
    })
}

/// A text of a line of a report; empty if there is none.
pub(super) fn word<'l>(line: &'l Value, key: &str) -> &'l str {
    line.get(key).and_then(Value::as_str).unwrap_or_default()
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
