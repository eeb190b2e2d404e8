//! `audit`: AUDIT.md, which says what there is to trust, is what the sources say; and the layers link into a program that has no allocator.

use core::fmt::Write as _;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    Outcome, api, arrows,
    command::{self, cargo, read, run as execute},
    source::{Size, Source},
    tidy::{self, CRATES, LAYERS, is_counted, rust_files},
};

const GOLDEN: &str = "AUDIT.md";

/// What runs beside the guest: the supervisor and its guardian.
const SUPERVISOR: &[&str] = &[
    "sandlock-notify/src",
    "sandlock/src/channel.rs",
    "sandlock/src/guardian.rs",
    "sandlock/src/routes.rs",
    "sandlock/src/supervise.rs",
    "sandlock/src/terminal.rs",
];

pub(crate) fn run(args: &[String]) -> Outcome {
    let bless = match args {
        [] => false,
        [flag] if flag == "--bless" => true,
        _ => return Err("audit takes --bless or nothing".into()),
    };
    let (page, faults) = page()?;
    if bless {
        fs::write(GOLDEN, &page).map_err(|e| format!("{GOLDEN}: {e}"))?;
    }
    let golden = fs::read_to_string(GOLDEN).map_err(|e| format!("{GOLDEN}: {e}"))?;
    let mut faults: Vec<String> = faults;
    if let Some((ours, theirs)) = page.lines().zip(golden.lines().chain([""; 2])).find(|(a, b)| a != b) {
        faults.push(format!(
            "{GOLDEN} is not what the sources say: `cargo xtask audit --bless` writes it anew\n  it has: {theirs}\n  they:   {ours}"
        ));
    } else if page != golden {
        faults
            .push(format!("{GOLDEN} says more than the sources: `cargo xtask audit --bless` writes it anew"));
    }
    faults.extend(without_an_allocator().err());
    faults.extend(binary().err());
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

/// The page, and what in the sources is wrong in itself.
fn page() -> Result<(String, Vec<String>), String> {
    let mut files = Vec::new();
    for name in CRATES.iter().filter(|name| **name != "xtask") {
        for path in rust_files(Path::new(name))? {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            files.push((path, text));
        }
    }
    files.retain(|(path, text)| is_counted(path, &Source::new(text)));

    let mut page = String::from(
        "# Audit\n\nWhat there is to trust, written by `cargo xtask audit --bless` and compared with the sources by CI.\n",
    );
    let mut faults = Vec::new();
    sizes(&mut page, &files, &mut faults);
    let metadata = read(&mut cargo(&["metadata", "--quiet", "--no-deps", "--format-version=1"]))?;
    dependencies(&mut page, &metadata, &mut faults)?;
    unsafe_blocks(&mut page, &files, &mut faults);
    continues(&mut page, &files)?;
    calls(&mut page, &files);
    names(&mut page, &files)?;
    Ok((page, faults))
}

fn sizes(page: &mut String, files: &[(PathBuf, String)], faults: &mut Vec<String>) {
    page.push_str(
        "\n## Size\n\nWithout tests and what is generated; lines of code, to the next hundred. `cargo xtask tidy` counts them.\n\n\
         | crate | code | unsafe blocks |\n|---|---:|---:|\n",
    );
    for name in CRATES.iter().filter(|name| **name != "xtask") {
        row(page, name, files.iter().filter(|(path, _)| path.starts_with(name)));
    }
    let trusted = row(page, "the trusted path", files.iter().filter(|(path, _)| tidy::is_trusted(path)));
    faults.extend(tidy::too_long(trusted));
}

/// Writes the sum of some files, and says it.
fn row<'a>(page: &mut String, name: &str, files: impl Iterator<Item = &'a (PathBuf, String)>) -> Size {
    let size: Size = files.map(|(_, text)| Source::new(text).size()).sum();
    let _ = writeln!(page, "| {name} | {} | {} |", size.code.next_multiple_of(100), size.blocks);
    size
}

fn dependencies(page: &mut String, metadata: &str, faults: &mut Vec<String>) -> Result<(), String> {
    page.push_str("\n## Dependencies at run time\n\n");
    faults.extend(arrows::faults(metadata)?);
    for (name, dependencies) in arrows::dependencies(metadata)? {
        if name != "xtask" {
            let _ = writeln!(page, "- {name}: {}", dependencies.join(", "));
        }
    }
    Ok(())
}

/// Each block with the comment that says why it is sound.
fn unsafe_blocks(page: &mut String, files: &[(PathBuf, String)], faults: &mut Vec<String>) {
    page.push_str("\n## Unsafe blocks\n");
    for (path, text) in files {
        let mut blocks = Vec::new();
        let mut reason: Option<String> = None;
        let mut goes_on = false;
        for (line, is_block) in Source::new(text).with_blocks() {
            let comment = line.trim().strip_prefix("// ");
            if let Some((_, why)) = line.split_once("// SAFETY: ") {
                reason = Some(why.trim().to_owned());
                goes_on = true;
            } else if let (true, Some(more), Some(reason)) = (goes_on, comment, &mut reason) {
                let _ = write!(reason, " {}", more.trim());
            } else {
                goes_on = false;
            }
            if is_block {
                match reason.take() {
                    Some(why) => blocks.push(why),
                    None => faults.push(format!("{}: no SAFETY above: {}", path.display(), line.trim())),
                }
            }
        }
        if !blocks.is_empty() {
            let _ = writeln!(page, "\n{}\n", path.display());
            blocks.iter().for_each(|why| {
                let _ = writeln!(page, "- {why}");
            });
        }
    }
}

/// Where the kernel is let run a call, and why that is safe: the reasons that there are, and which of them each place gives.
fn continues(page: &mut String, files: &[(PathBuf, String)]) -> Result<(), String> {
    page.push_str("\n## CONTINUE\n\n");
    for (path, text) in files {
        for (why, meaning) in api::variants(text, "Why").map_err(|e| format!("{}: {e}", path.display()))? {
            let _ = writeln!(page, "- {why}: {meaning}");
        }
    }
    page.push('\n');
    for (path, text) in files {
        for why in Source::new(text).names_in("Why").iter().filter(|why| why.as_str() != "Self") {
            let _ = writeln!(page, "- {}: {why}", path.display());
        }
    }
    Ok(())
}

/// The functions of `sandlock-sys` that are named in what runs beside the guest.
fn calls(page: &mut String, files: &[(PathBuf, String)]) {
    page.push_str("\n## Calls that the supervisor makes\n\n");
    let mut found = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("sandlock-sys/src")) {
        let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let functions = Source::new(text).names_after("pub fn ");
        for (_, user) in files.iter().filter(|(path, _)| SUPERVISOR.iter().any(|part| path.starts_with(part)))
        {
            let named = Source::new(user).names_in(&module);
            let called = functions.iter().filter(|function| named.contains(function));
            found.extend(called.map(|function| format!("{module}::{function}")));
        }
    }
    found.iter().for_each(|call| {
        let _ = writeln!(page, "- {call}");
    });
}

/// What each crate offers, file by file.
fn names(page: &mut String, files: &[(PathBuf, String)]) -> Result<(), String> {
    for name in CRATES.iter().filter(|name| **name != "xtask") {
        let _ = writeln!(page, "\n## Public names of {name}");
        // The command is no library.
        let files =
            files.iter().filter(|(path, _)| path.starts_with(name) && !path.starts_with("sandlock/src/cli"));
        for (path, text) in files {
            let items = api::items(text).map_err(|e| format!("{}: {e}", path.display()))?;
            if !items.is_empty() {
                let _ = writeln!(page, "\n{}\n", path.display());
                items.iter().for_each(|item| {
                    let _ = writeln!(page, "- `{item}`");
                });
            }
        }
    }
    Ok(())
}

/// The budget of what people install, in bytes.
pub(crate) const BINARY: u64 = 3 << 19;

/// The static binary is as small as it has to be.
fn binary() -> Result<(), String> {
    let path = command::static_binary()?;
    small_enough(fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?.len())
}

fn small_enough(size: u64) -> Result<(), String> {
    if size <= BINARY {
        Ok(())
    } else {
        Err(format!("the static binary has {size} bytes, and {BINARY} are allowed"))
    }
}

/// All layers link into a program without an allocator.
fn without_an_allocator() -> Result<(), String> {
    let folder = command::target("audit")?;
    let root = std::env::current_dir().map_err(|e| e.to_string())?;
    let lock = folder.join("Cargo.lock");
    fs::copy("Cargo.lock", &lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    links(&folder, LAYERS.map(|layer| (layer, root.join(layer))))
}

/// A program of these crates, which none of them gives an allocator: it links only if none of them wants one.
fn links(folder: &Path, crates: impl IntoIterator<Item = (&'static str, PathBuf)>) -> Result<(), String> {
    let mut manifest = String::from(
        "[package]\nname = \"without-an-allocator\"\nedition = \"2024\"\n[workspace]\n[profile.release]\npanic = \"abort\"\n[dependencies]\n",
    );
    let mut program = String::from("//! All layers, and no allocator.\n#![no_std]\n#![no_main]\n");
    for (name, path) in crates {
        let _ = writeln!(manifest, "{name} = {{ path = {path:?} }}");
        let _ = writeln!(program, "extern crate {};", name.replace('-', "_"));
    }
    program.push_str(
        "#[unsafe(no_mangle)]\nextern \"C\" fn main() -> i32 { 0 }\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }\n",
    );
    for (path, text) in [("Cargo.toml", manifest), ("src/main.rs", program)] {
        write(&folder.join(path), &text)?;
    }
    let mut build = cargo(&["build", "--quiet", "--release"]);
    // The C library's own start calls main; Rust's is not there.
    build.env("RUSTFLAGS", "-Clink-arg=-lc").current_dir(folder).env("CARGO_TARGET_DIR", "target");
    execute(&mut build).map_err(|e| format!("a layer needs an allocator, or more: {e}"))
}

/// Writes a file, in a folder that is made if it is not there.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(path, text)).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_a_reason_is_found() {
        let file = |text: &str| [(PathBuf::from("sandlock-sys/src/a.rs"), text.to_owned())];
        let good =
            "//! A.\nfn f() {\n    // SAFETY: it reads nothing,\n    // really.\n    unsafe { g() }\n}\n";
        let bad =
            "//! A.\nfn f() {\n    // SAFETY: it reads nothing.\n    unsafe { g() }\n    unsafe { h() }\n}\n";
        for (text, wrong) in [(good, 0), (bad, 1)] {
            let (mut page, mut faults) = (String::new(), Vec::new());
            unsafe_blocks(&mut page, &file(text), &mut faults);
            let reason =
                if wrong == 0 { "\n- it reads nothing, really.\n" } else { "\n- it reads nothing.\n" };
            assert!(page.contains(reason), "{page}");
            assert_eq!(faults.len(), wrong, "{faults:?}");
        }
    }

    #[test]
    fn a_large_binary_is_too_large() {
        assert_eq!(small_enough(BINARY), Ok(()));
        assert!(small_enough(BINARY + 1).is_err());
    }

    #[test]
    fn calls_and_reasons_are_named() {
        let files = [
            ("sandlock-sys/src/net.rs", "//! A.\npub fn bind() {}\npub fn send() {}\n"),
            (
                "sandlock-notify/src/a.rs",
                "//! A.\nfn f() { net::send(); Response::Continue(Why::Known) }\nenum Why {\n    /// It is.\n    /// Really.\n    Known,\n}\n",
            ),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned()));
        let mut page = String::new();
        calls(&mut page, &files);
        assert!(page.ends_with("\n\n- net::send\n"), "{page}");
        continues(&mut page, &files).unwrap();
        let reasons = "\n\n- Known: It is. Really.\n\n- sandlock-notify/src/a.rs: Known\n";
        assert!(page.ends_with(reasons), "{page}");
    }

    #[test]
    fn a_trusted_path_that_is_too_long_is_found() {
        let text = format!("//! A.\n{}", "f();\n".repeat(5000));
        let file = |path: &str| (PathBuf::from(path), text.clone());
        let trusted = [file("sandlock-sys/src/a.rs"), file("sandlock/src/b.rs")];
        // Of the command line any amount goes.
        let beside = [file("sandlock/src/cli/c.rs"), (PathBuf::from("sandlock/src/d.rs"), "f();\n".into())];
        for (files, wrong) in [
            (trusted.to_vec(), 0),
            ([&trusted[..], &beside[..1]].concat(), 0),
            ([&trusted[..], &beside[1..]].concat(), 1),
        ] {
            let mut faults = Vec::new();
            sizes(&mut String::new(), &files, &mut faults);
            assert_eq!(faults.len(), wrong, "{faults:?}");
        }
    }

    #[test]
    fn a_layer_with_a_new_dependency_is_found_and_one_that_points_up() {
        let on = |name: &str| {
            let dependency = format!(r#"{{"name":"{name}","kind":null,"optional":false}}"#);
            format!(r#"{{"packages":[{{"name":"sandlock-notify","dependencies":[{dependency}]}}]}}"#)
        };
        for (name, wrong) in [("sandlock-sys", 0), ("sandlock", 1), ("hashbrown", 1)] {
            let (mut page, mut faults) = (String::new(), Vec::new());
            dependencies(&mut page, &on(name), &mut faults).unwrap();
            assert!(page.ends_with(&format!("- sandlock-notify: {name}\n")), "{page}");
            assert_eq!(faults.len(), wrong, "{faults:?}");
        }
    }

    #[test]
    fn a_layer_that_wants_an_allocator_is_found() {
        if !cargo(&["--version"]).output().is_ok_and(|output| output.status.success()) {
            println!("SKIP a_layer_that_wants_an_allocator_is_found: there is no cargo");
            return;
        }
        let folder = std::env::temp_dir().join(format!("sandlock-audit-{}", std::process::id()));
        let layer = folder.join("layer");
        write(&layer.join("Cargo.toml"), "[package]\nname = \"layer\"\nedition = \"2024\"\n").unwrap();
        let [without, with] = [
            "#![no_std]\npub fn f() -> u8 { 0 }\n",
            "#![no_std]\nextern crate alloc;\npub fn f() -> alloc::vec::Vec<u8> { alloc::vec![0] }\n",
        ]
        .map(|text| {
            write(&layer.join("src/lib.rs"), text).unwrap();
            links(&folder.join("program"), [("layer", layer.clone())])
        });
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(without, Ok(()));
        assert!(with.is_err_and(|e| e.contains("needs an allocator")));
    }
}
