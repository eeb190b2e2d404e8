//! What the sources claim: a doc comment that starts with the kernel's name, above a constant or a structure.
//!
//! ```text
//! /// `SECCOMP_GET_NOTIF_SIZES`              /// `struct seccomp_notif_resp`
//! const GET_NOTIF_SIZES: u32 = 3;            struct NotifResp { … }
//!                                            const _: () = assert!(size_of::<NotifResp>() == 24 && …);
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

/// The Rust files of the crate without their tests. `None` where this runs without them.
pub(crate) fn read() -> Option<Vec<String>> {
    // Where the tests run, else where they were built.
    let here = env::var_os("CARGO_MANIFEST_DIR").map(|folder| Path::new(&folder).join("src"));
    let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let src = here.filter(|src| src.exists()).unwrap_or(there);
    let mut texts = Vec::new();
    for folder in [src.clone(), src.join("arch")] {
        for entry in fs::read_dir(folder).ok()? {
            let path = entry.ok()?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).ok()?;
                texts.extend(text.split("#[cfg(test)]\nmod").next().map(str::to_owned));
            }
        }
    }
    Some(texts)
}

/// The claims found in the files.
#[derive(Default)]
pub(crate) struct Found {
    /// An expression in C, and the value it must have.
    pub(crate) claims: BTreeMap<String, u64>,
    /// Names of constants and structures without a name of the kernel's.
    pub(crate) nameless: BTreeSet<String>,
    /// Names of the system calls that are made.
    pub(crate) calls: BTreeSet<String>,
}

impl Found {
    /// Adds what one file claims.
    pub(crate) fn scan(&mut self, text: &str) {
        let mut doc = None;
        let mut structs = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("#[")) {
            if line.starts_with("///") {
                doc = doc.or(Some(line));
                continue;
            }
            let name = doc.and_then(kernel_name);
            if let Some((ours, value)) = constant(line) {
                // Without a comment, the constant's name is the kernel's.
                self.claim(ours, name.or(doc.is_none().then_some(ours)).map(str::to_owned), value);
            } else if let Some(ours) = structure(line) {
                structs.extend(name.map(|name| (ours, name)));
            } else if let Some(asserted) = line.strip_prefix("const _: () = assert!(") {
                for (ours, field, value) in asserted.trim_end_matches(");").split(" && ").filter_map(layout) {
                    self.claim(ours, structs.get(ours).map(|name| expression(name, field)), value);
                }
            }
            doc = None;
            for module in ["nr::", "wide::"] {
                let calls = line.split(module).skip(1).map(|rest| word(rest).to_lowercase());
                self.calls.extend(calls.filter(|name| !["", "native"].contains(&name.as_str())));
            }
        }
    }

    fn claim(&mut self, ours: &str, name: Option<String>, value: u64) {
        match name {
            Some(name) => drop(self.claims.insert(name, value)),
            None => drop(self.nameless.insert(ours.to_owned())),
        }
    }
}

/// The identifier that `text` starts with.
fn word(text: &str) -> &str {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap_or("")
}

/// The name that a comment starts with: `` /// `NAME` `` or `` /// `struct name` ``.
fn kernel_name(doc: &str) -> Option<&str> {
    let (name, _) = doc.strip_prefix("/// `")?.split_once('`')?;
    let name = name.strip_prefix("struct ").unwrap_or(name);
    (word(name) == name).then_some(name)
}

/// Name and value of `pub const NAME: u32 = 0x4000;`, or of `const NAME = 1;` inside `bitflags!`.
fn constant(line: &str) -> Option<(&str, u64)> {
    let (head, value) = line.strip_suffix(';')?.split_once(" = ")?;
    let (visibility, name) = head.split_once("const ")?;
    ["", "pub ", "pub(crate) "].contains(&visibility).then_some((word(name), literal(value)?))
}

/// Name of `pub struct Name {`.
fn structure(line: &str) -> Option<&str> {
    let (visibility, name) = line.split_once("struct ")?;
    ["", "pub ", "pub(crate) "].contains(&visibility).then_some(word(name))
}

/// Structure, field and value of `offset_of!(Name, field) == 8`; of `size_of::<Name>() == 12`, without a
/// field.
fn layout(assertion: &str) -> Option<(&str, Option<&str>, u64)> {
    let (left, value) = assertion.split_once(" == ")?;
    let value = literal(value)?;
    if let Some(name) = left.strip_prefix("size_of::<") {
        return Some((name.strip_suffix(">()")?, None, value));
    }
    let (name, field) = left.strip_prefix("offset_of!(")?.strip_suffix(')')?.split_once(", ")?;
    Some((name, Some(field), value))
}

fn expression(name: &str, field: Option<&str>) -> String {
    match field {
        None => format!("sizeof(struct {name})"),
        // The one structure whose names are longer in C.
        Some(field) if name == "statx" => format!("offsetof(struct statx, stx_{field})"),
        Some(field) => format!("offsetof(struct {name}, {field})"),
    }
}

/// `0xc000_003e`, `8`.
fn literal(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}
