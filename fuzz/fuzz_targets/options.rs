//! Any words on the command line, and any text as a profile: they become a policy or a message; and a list of
//! ports has the ports that it names.
#![no_main]

#[path = "../../sandlock/src/cli"]
#[allow(dead_code, reason = "nothing is run here")]
mod cli {
    mod flags;
    pub(crate) mod parse;
    pub(crate) mod profile;
}

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use cli::parse::Typed;
use libfuzzer_sys::fuzz_target;
use sandlock::{PortList, Reach};

fuzz_target!(|bytes: &[u8]| {
    let words: Vec<&OsStr> = bytes.split(|byte| *byte == 0).map(OsStr::from_bytes).collect();
    match Typed::parse(words.iter().map(|word| OsString::from(*word))) {
        Some(typed) => match typed.policy() {
            Ok(policy) => drop(policy),
            Err(error) => assert!(error.status() == 125 && !error.to_string().is_empty()),
        },
        None => {
            let large = cli::parse::command().try_get_matches_from([OsStr::new("run")].iter().chain(&words));
            assert!(large.is_err_and(|error| !error.to_string().is_empty()));
        }
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        let source = cli::profile::Profile { name: "text".into(), path: None, text: text.into() };
        match source.lines() {
            Ok(lines) => drop(Typed { flags: lines, command: Vec::new() }.policy()),
            Err(mistake) => assert!(!mistake.to_string().is_empty()),
        }
    }
    for text in words.iter().filter_map(|word| word.to_str()) {
        ports(text.trim_start_matches(':'));
        match Reach::parse_list(text, &PortList::ALL) {
            Ok(rules) => assert!(!rules.is_empty() && rules.len() <= text.split(',').count()),
            Err((item, why)) => assert!(text.split(',').any(|known| known == item) && !why.is_empty()),
        }
    }
});

/// Reads a list of ports in another way.
fn ports(text: &str) {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.trim_start_matches('0');
        if digits && (1..=5).contains(&value.len()) {
            value.parse::<u32>().ok().filter(|port| *port <= 65535)
        } else {
            None
        }
    };
    let ranges: Option<Vec<(u32, u32)>> = text
        .split(',')
        .map(|item| {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some((first, last))
        })
        .collect();
    match (text.parse::<PortList>(), ranges) {
        (Ok(list), _) if text == "*" => assert!(list.is_all() && list.as_ports().contains(0)),
        (Ok(list), Some(ranges)) => {
            assert!(!list.is_all());
            let named = |port| ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(port)));
            for (first, last) in &ranges {
                for edge in [first.saturating_sub(1), *first, *last, last + 1] {
                    let Ok(port) = u16::try_from(edge) else { continue };
                    assert_eq!(list.as_ports().contains(port), named(port), "{text}: {port}");
                }
            }
        }
        (Err(hint), None) => assert!(!hint.is_empty()),
        (got, want) => panic!("{text:?}: {got:?}, not {want:?}"),
    }
}
