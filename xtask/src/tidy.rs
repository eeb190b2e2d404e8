//! `tidy`: what the compiler does not check, and how much there is to audit.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    Outcome, arrows,
    circles::Modules,
    command::{cargo, read, run as execute},
    setup,
    source::{Size, Source},
};

/// The folders at the root, in the order of the arrows.
pub(crate) const CRATES: [&str; 7] = [
    "sandlock-sys",
    "sandlock-bpf",
    "sandlock-landlock",
    "sandlock-netlink",
    "sandlock-notify",
    "sandlock",
    "xtask",
];

/// A workspace of its own beside them: the fuzz targets.
const FUZZ: &str = "fuzz";

/// The crates that never allocate.
pub(crate) const LAYERS: [&str; 5] =
    ["sandlock-sys", "sandlock-bpf", "sandlock-landlock", "sandlock-netlink", "sandlock-notify"];

/// The layer that is unsafe, so that no other is.
const UNSAFE: &str = "sandlock-sys";

/// The one file outside `sandlock-sys` that may have `unsafe`: it forks.
const FORKS: &str = "sandlock/src/launch.rs";

/// The most lines that a file may have, without its tests.
const LONGEST_FILE: usize = 600;

/// What a mistake in a file can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It has authority over the machine: a mistake can let a sandboxed program out.
    Authority,
    /// It reads hostile bytes without authority: a mistake gives a wrong answer.
    HostileBytes,
    /// No running sandbox needs it, or it only prepares and reports.
    OffThePath,
}

/// The classes that have a limit: what each is called, and how many lines of code it may have.
pub(crate) const LIMITS: [(Class, &str, usize); 2] = [
    (Class::Authority, "class A: authority", 10_000),
    (Class::HostileBytes, "class B: hostile bytes", 4_500),
];

/// Class B: crates, and single files of others, that are pure: no `unsafe`, no system call, no allocation.
const HOSTILE_BYTES: [&str; 3] =
    ["sandlock-netlink", "sandlock-notify/src/dns.rs", "sandlock-notify/src/handlers/interfaces/model.rs"];

/// The names of `sandlock-sys` that a single file of class B may have: those of its answers.
const PURE: [&str; 2] = ["Errno", "Result"];

/// Files of the other classes that no running sandbox uses, and their purpose. No file of class A or B may
/// name an item of theirs.
const OFF_THE_PATH: [(&str, &str); 20] = [
    ("sandlock/src/grammar.rs", "rules of the network as they are typed: policies are made of them"),
    ("sandlock/src/profile.rs", "what the base profile has on this machine: plans are made of it"),
    ("sandlock/src/profile/", "the same"),
    ("sandlock/src/plan/listing.rs", "the parts of a plan that reports print: callers, the command line"),
    ("sandlock/src/report.rs", "passes on what reports have"),
    ("sandlock/src/report/", "reports: the command line"),
    ("sandlock-bpf/src/decode.rs", "instructions taken apart: who reads a program"),
    ("sandlock-bpf/src/definition.rs", "the meaning of a table: tests, the verifier"),
    ("sandlock-bpf/src/check.rs", "tells whether the kernel takes a program: tests, sandlock explain"),
    ("sandlock-bpf/src/display.rs", "prints a program: sandlock explain"),
    ("sandlock-bpf/src/facts.rs", "what the proof knows"),
    ("sandlock-bpf/src/run.rs", "runs a program outside the kernel: tests"),
    ("sandlock-bpf/src/verify.rs", "proves that a program is its table: tests, sandlock explain"),
    ("sandlock-landlock/src/display.rs", "texts of rights and errors: reports, tests"),
    ("sandlock-netlink/src/client.rs", "dumps as they are read: clients"),
    ("sandlock-netlink/src/display.rs", "texts of errors: clients, tests"),
    ("sandlock-netlink/src/host.rs", "a machine with a network card: emulators"),
    ("sandlock-netlink/src/print.rs", "datagrams as text: tests, debugging"),
    ("sandlock-netlink/src/publish.rs", "tells of changes, of which a sandbox has none: emulators"),
    ("sandlock-netlink/src/read.rs", "what messages of a kernel say: clients"),
];

/// The command line, what runs when it is built, and the tool for the work on all of it.
const COMMAND_LINE: [&str; 4] = ["xtask", "sandlock/build.rs", "sandlock/src/cli", "sandlock/src/main.rs"];

/// A file for each architecture, of which a build has one: only the longest counts.
const ARCHES: &str = "sandlock-sys/src/arch";
const COUNTED: [&str; 2] = ["mod.rs", "i386.rs"];

/// Words that no file has, tests and comments included. In two halves, for this is a file too.
const NEVER: [&str; 2] = [concat!("FIX", "ME"), concat!("TO", "DO")];

/// Patterns that no code has, tests included.
const NEVER_IN_CODE: [&str; 3] = ["#[ignore", "todo!", "unimplemented!"];

/// Words that no comment has: people in place of a thing, and a clause without a subject in place of a noun.
const NEVER_IN_COMMENTS: [&str; 9] = [
    "nobody else",
    "somebody",
    "whoever",
    "everybody",
    "anybody",
    " is told",
    " are told",
    " is said",
    " of what is",
];

/// The most columns of a comment line; rustfmt holds it for code.
const WIDEST: usize = 110;

/// Folders of files that are not part of the build for use.
const TEST_FOLDERS: [&str; 4] = ["tests", "benches", "examples", FUZZ];

pub(crate) fn run(args: &[String]) -> Outcome {
    if !args.is_empty() {
        return Err("tidy takes no arguments".into());
    }
    let metadata = read(&mut cargo(&["metadata", "--quiet", "--no-deps", "--format-version=1"]))?;
    let mut faults = arrows::faults(&metadata)?;
    faults.extend(unknown_folders()?);
    let apart = names_apart()?;
    let mut classes: [Vec<Size>; 2] = Default::default();
    println!("{:20}{:>8}{:>8}{:>8}", "without tests", "lines", "code", "unsafe");
    for name in CRATES.into_iter().chain([FUZZ]) {
        let mut sizes = Vec::new();
        let mut modules = Modules::default();
        for path in rust_files(Path::new(name))? {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let source = Source::new(&text);
            faults
                .extend(faults_of(&path, &source).iter().map(|fault| format!("{}: {fault}", path.display())));
            if let Ok(below) = path.strip_prefix(Path::new(name).join("src"))
                && !path.ends_with("tests.rs")
            {
                modules.add(below, &source);
            }
            if is_counted(&path, &source) {
                sizes.push(source.size());
                for ((class, ..), sizes) in LIMITS.iter().zip(&mut classes) {
                    if class_of(&path) == Some(*class) {
                        sizes.push(source.size());
                        faults.extend(leaves_the_path(&path, &source, &apart));
                        faults.extend(has_authority(&path, &source));
                    }
                }
            }
        }
        faults.extend(modules.faults().iter().map(|fault| format!("{name}: {fault}")));
        // The fuzz targets are not counted.
        if name != FUZZ {
            print(name, sizes);
        }
    }
    for ((class, title, _), sizes) in LIMITS.iter().zip(classes) {
        faults.extend(too_long(*class, print(title, sizes)));
    }
    faults.extend(builds());
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(format!("not tidy\n{}", faults.join("\n"))) }
}

/// The fault of a class of this size, if it is beyond its limit.
pub(crate) fn too_long(class: Class, size: Size) -> Option<String> {
    let (_, title, limit) = LIMITS.iter().find(|(limited, ..)| *limited == class)?;
    (size.code > *limit).then(|| format!("{title} has {} lines of code, and {limit} are allowed", size.code))
}

fn print(name: &str, sizes: Vec<Size>) -> Size {
    let size: Size = sizes.into_iter().sum();
    println!("{name:20}{:8}{:8}{:8}", size.lines, size.code, size.blocks);
    size
}

/// The faults of one file.
fn faults_of(path: &Path, source: &Source<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |ok: bool, fault: &str| {
        if !ok {
            faults.push(fault.to_owned());
        }
    };
    check(source.opens_with_a_sentence(), "does not open with //!");
    for word in NEVER {
        check(!source.text.contains(word), &format!("says {word}"));
    }
    for pattern in NEVER_IN_CODE {
        check(!source.has(pattern), &format!("uses {pattern}"));
    }
    let comments = source.text.lines().filter(|line| line.trim_start().starts_with("//"));
    let comments: Vec<_> = comments.map(str::to_lowercase).collect();
    for words in NEVER_IN_COMMENTS {
        let found = comments.iter().any(|line| line.contains(words));
        check(!found, &format!("has a comment with {words:?}: name the thing"));
    }
    // A row of a table is one line, and so is the first line of a generated file.
    let is_wide = |line: &str| {
        let line = line.trim_start();
        let may_be = line.starts_with("//! |") || line.contains("generated by `cargo xtask");
        line.starts_with("//") && !may_be
    };
    let wide = source.text.lines().filter(|line| line.chars().count() > WIDEST && is_wide(line)).count();
    check(wide == 0, &format!("has {wide} comment lines of more than {WIDEST} columns"));
    if !is_counted(path, source) {
        return faults;
    }
    check(source.size().lines <= LONGEST_FILE, &format!("has more than {LONGEST_FILE} lines"));
    let unsafe_here = path.starts_with(UNSAFE) || path == Path::new(FORKS);
    check(unsafe_here || !source.is_unsafe(), "is unsafe, and only sandlock-sys may be");
    if let Some(layer) = LAYERS.iter().find(|layer| path.starts_with(layer)) {
        check(!source.links_a_crate(), "links a crate that no_std lacks");
        if path == Path::new(layer).join("src/lib.rs") {
            check(source.has("#![no_std]"), "is not no_std");
            check(*layer == UNSAFE || source.has("#![forbid(unsafe_code)]"), "does not forbid unsafe code");
        }
    }
    faults
}

/// Whether people wrote the file, and not for tests only.
pub(crate) fn is_counted(path: &Path, source: &Source<'_>) -> bool {
    let test = path.iter().any(|part| TEST_FOLDERS.iter().any(|folder| part == *folder))
        || path.ends_with("tests.rs");
    !test && !source.is_generated()
}

/// The class of a file that is counted; of the architectures' files only one counts.
pub(crate) fn class_of(path: &Path) -> Option<Class> {
    let below = |parts: &[&str]| parts.iter().any(|part| path.starts_with(part));
    if path.starts_with(ARCHES) && !COUNTED.iter().any(|name| path.ends_with(name)) {
        return None;
    }
    Some(if below(&OFF_THE_PATH.map(|(part, _)| part)) || below(&COMMAND_LINE) {
        Class::OffThePath
    } else if below(&HOSTILE_BYTES) {
        Class::HostileBytes
    } else {
        Class::Authority
    })
}

/// The files of [`OFF_THE_PATH`]: of each the crate, and its names, the module's own among them.
fn names_apart() -> Result<Vec<(&'static str, Vec<String>)>, String> {
    let names = OFF_THE_PATH.iter().map(|(file, _)| {
        let (name, module) = file.split_once("/src/").ok_or(format!("{file}: not in a crate"))?;
        let module = module.trim_end_matches(".rs");
        let root = Path::new(name).join("src/lib.rs");
        let text = fs::read_to_string(&root).map_err(|e| format!("{}: {e}", root.display()))?;
        let mut names = Source::new(&text).names_in(module);
        names.push(module.to_owned());
        Ok((name, names))
    });
    names.collect()
}

/// The names in a file of class A or B that belong to class C. The root of a crate only passes names on.
fn leaves_the_path(path: &Path, source: &Source<'_>, apart: &[(&str, Vec<String>)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, names) in apart.iter().filter(|_| !path.ends_with("src/lib.rs")) {
        let roots: &[&str] =
            if path.starts_with(name) { &["crate", "super"] } else { &[&name.replace('-', "_")] };
        for found in roots.iter().flat_map(|root| source.names_in(root)) {
            if found == "*" || names.contains(&found) {
                faults.push(format!("{}: names {found} of {name}, which is not on the path", path.display()));
            }
        }
    }
    faults
}

/// The names by which a single file of class B could make a system call: those of its own crate, and of
/// `sandlock-sys` all but [`PURE`].
fn has_authority(path: &Path, source: &Source<'_>) -> Vec<String> {
    if !HOSTILE_BYTES.iter().any(|file| path == Path::new(file)) {
        return Vec::new();
    }
    let own = ["crate", "super"].into_iter().flat_map(|root| source.names_in(root));
    let sys = source.names_in("sandlock_sys").into_iter().filter(|name| !PURE.contains(&name.as_str()));
    own.chain(sys).map(|name| format!("{}: names {name}, and is of class B", path.display())).collect()
}

/// Every Rust file below `folder`.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// A folder at the root that is no crate of ours.
fn unknown_folders() -> Result<Vec<String>, String> {
    let known =
        |name: &str| name.starts_with('.') || name == "target" || name == FUZZ || CRATES.contains(&name);
    let folders = entries(Path::new(""))?.into_iter().filter(|path| path.is_dir());
    let names = folders.map(|path| path.display().to_string());
    Ok(names.filter(|name| !known(name)).map(|name| format!("{name}: not a folder of the design")).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let here = if folder == Path::new("") { Path::new(".") } else { folder };
    let read = fs::read_dir(here).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries: Vec<PathBuf> = read
        .map_err(|e| format!("{}: {e}", here.display()))?
        .iter()
        .map(|entry| folder.join(entry.file_name()))
        .collect();
    entries.sort();
    Ok(entries)
}

/// Builds for machines that are not this one: without an operating system, and other architectures.
fn builds() -> Vec<String> {
    let bare: &[&str] = &["build", "--quiet", "-p", "sandlock-bpf", "-p", "sandlock-netlink"];
    let netlink: &[&str] = &["build", "--quiet", "-p", "sandlock-netlink"];
    let libs: &[&str] = &["check", "--quiet", "--workspace", "--exclude", "xtask", "--lib"];
    let mut faults = Vec::new();
    for (target, args) in [
        ("x86_64-unknown-none", bare),
        ("thumbv7em-none-eabi", netlink),
        ("wasm32-unknown-unknown", netlink),
        ("aarch64-unknown-linux-gnu", libs),
        ("riscv64gc-unknown-linux-gnu", libs),
    ] {
        if setup::has_target(target) {
            faults.extend(execute(cargo(args).args(["--target", target])).err());
        } else {
            println!("not built for {target}: `cargo xtask setup` installs it");
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        faults_of(Path::new(path), &Source::new(text))
    }

    #[test]
    fn a_tidy_file_has_no_fault() {
        for (path, text) in [
            ("sandlock-sys/src/lib.rs", "//! Sys.\n#![no_std]\nfn f() { unsafe { g() } }\n"),
            ("sandlock-bpf/src/lib.rs", "//! Bpf.\n#![no_std]\n#![forbid(unsafe_code)]\n"),
            ("sandlock/src/launch.rs", "//! Launch.\nfn f() { unsafe { g() } }\n"),
            ("sandlock-bpf/tests/live.rs", "//! Live.\nfn f() { unsafe { g() } }\n"),
            ("sandlock-bpf/src/a.rs", "//! A.\n#[cfg(test)]\nextern crate std;\n"),
            ("xtask/src/a.rs", "//! A.\n// As `nobody`.\nconst A: &str = \"somebody is told\";\n"),
        ] {
            assert_eq!(faults(path, text), [""; 0], "{path}");
        }
    }

    #[test]
    fn what_is_not_on_the_path_is_not_named_there() {
        let apart = [("sandlock-bpf", vec!["run".to_owned(), "trace".to_owned()])];
        for (path, text, want) in [
            ("sandlock/src/a.rs", "use sandlock_bpf::{Table, trace};\n", "trace"),
            ("sandlock/src/a.rs", "fn f() { sandlock_bpf::run(p) }\n", "run"),
            ("sandlock/src/a.rs", "use sandlock_bpf::*;\n", "*"),
            ("sandlock-bpf/src/a.rs", "use crate::run::Steps;\n", "run"),
        ] {
            let want = format!("{path}: names {want} of sandlock-bpf, which is not on the path");
            assert_eq!(leaves_the_path(Path::new(path), &Source::new(text), &apart), [want]);
        }
        for (path, text) in [
            ("sandlock/src/a.rs", "use sandlock_bpf::Table;\nfn run() { crate::run() }\n"),
            ("sandlock-bpf/src/lib.rs", "pub use run::trace;\nuse crate::run;\n"),
        ] {
            assert_eq!(leaves_the_path(Path::new(path), &Source::new(text), &apart), [""; 0], "{path}");
        }
    }

    #[test]
    fn a_single_file_of_class_b_makes_no_call() {
        let [.., model] = HOSTILE_BYTES.map(Path::new);
        assert_eq!(class_of(model), Some(Class::HostileBytes));
        assert_eq!(class_of(&model.with_file_name("mod.rs")), Some(Class::Authority));
        let source = Source::new("//! A.\nuse sandlock_sys::{Errno, net};\nuse crate::call::Call;\n");
        let want = ["call", "Call", "net"]
            .map(|name| format!("{}: names {name}, and is of class B", model.display()));
        assert_eq!(has_authority(model, &source), want);
        assert_eq!(has_authority(Path::new("sandlock-notify/src/call.rs"), &source), [""; 0]);
    }

    #[test]
    fn each_fault_is_found() {
        for (path, text, want) in [
            ("sandlock/src/a.rs", "// A.\n", "does not open with //!"),
            (
                "sandlock-bpf/src/a.rs",
                "//! A.\nfn f() { unsafe { g() } }\n",
                "is unsafe, and only sandlock-sys may be",
            ),
            ("sandlock-bpf/src/lib.rs", "//! A.\n#![no_std]\n", "does not forbid unsafe code"),
            ("sandlock-sys/src/lib.rs", "//! A.\n", "is not no_std"),
            ("sandlock-notify/src/a.rs", "//! A.\nextern crate alloc;\n", "links a crate that no_std lacks"),
            ("sandlock/tests/a.rs", "//! A.\n#[ignore]\nfn f() {}\n", "uses #[ignore"),
            ("xtask/src/a.rs", "//! A.\nfn f() { todo!() }\n", "uses todo!"),
            ("xtask/src/a.rs", &format!("//! A.\n// {}\n", NEVER[0]), &format!("says {}", NEVER[0])),
            (
                "xtask/src/a.rs",
                "//! A.\n    /// Whoever made it.\n",
                "has a comment with \"whoever\": name the thing",
            ),
            ("xtask/src/a.rs", &"//! A.\n".repeat(601), "has more than 600 lines"),
            (
                "xtask/src/a.rs",
                &format!("//! A.\n// {}\n", "b".repeat(108)),
                "has 1 comment lines of more than 110 columns",
            ),
        ] {
            assert_eq!(faults(path, text), [want], "{path}");
        }
    }
}
