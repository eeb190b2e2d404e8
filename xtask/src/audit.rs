//! `audit`: AUDIT.md, the list of all trusted code, matches the sources; and the layers link into a program
//! that has no allocator.

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

/// The policy and its filters as text, which a test compares with the table.
const POLICIES: &str = "sandlock/src/table/golden";

/// What runs beside the guest: the supervisor and its guardian.
const SUPERVISOR: &[&str] =
    &["sandlock-notify/src", "sandlock/src/launch/", "sandlock/src/supervise.rs", "sandlock/src/supervise/"];

pub(crate) fn run(args: &[String]) -> Outcome {
    let (bless, quick) = match args {
        [] => (false, false),
        [flag] if flag == "--bless" => (true, false),
        [flag] if flag == "--quick" => (false, true),
        _ => return Err("audit takes --bless or --quick, or nothing".into()),
    };
    if bless {
        let test = ["test", "--quiet", "--package", "sandlock", "--lib", "golden"];
        execute(cargo(&test).env("SANDLOCK_BLESS", "1"))?;
    }
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
    if !quick {
        faults.extend(without_an_allocator().err());
        faults.extend(binary().err());
    }
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
    on_behalf(&mut page, &files, &mut faults);
    confined(&mut page, &files, &mut faults)?;
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
    for (class, title, limit) in tidy::LIMITS {
        let of_class = files.iter().filter(|(path, _)| tidy::class_of(path) == Some(class));
        let size = row(page, &format!("{title} (at most {limit})"), of_class);
        faults.extend(tidy::too_long(class, size));
    }
}

/// Writes the sum of some files, and returns it.
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

/// Each block with its `SAFETY` comment.
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

/// The tables that handlers have of the calls that they perform on behalf. A handler without one declares
/// that it performs none.
fn on_behalf(page: &mut String, files: &[(PathBuf, String)], faults: &mut Vec<String>) {
    const HEAD: &str = "| performed on behalf | the kernel remembers | it can wait for |";
    const NONE: &str = "//! Nothing is performed on behalf";
    let _ = write!(page, "\n## Calls on behalf of a target\n\n{HEAD}\n|---|---|---|\n");
    let is_handler =
        |path: &Path| path.starts_with("sandlock-notify/src/handlers") && path.components().count() == 5;
    for (path, text) in files.iter().filter(|(path, _)| is_handler(path) && path.ends_with("mod.rs")) {
        let docs = || text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let rows = docs().skip_while(|line| *line != HEAD).skip(2).take_while(|line| line.starts_with('|'));
        let rows: Vec<&str> = rows.collect();
        rows.iter().for_each(|row| _ = writeln!(page, "{row}"));
        if rows.is_empty() != text.contains(NONE) {
            faults.push(format!("{}: whom does the kernel remember, what can it wait for?", path.display()));
        }
    }
}

/// What the filters of the supervisor and of the guardian allow; whatever a handler calls must be among it.
fn confined(page: &mut String, files: &[(PathBuf, String)], faults: &mut Vec<String>) -> Result<(), String> {
    let mut allowed = BTreeSet::new();
    for process in ["supervisor", "guardian"] {
        let text = read_file(&Path::new(POLICIES).join(format!("{process}.txt")))?;
        let _ = write!(
            page,
            "\n## The filter of the {process}\n\nEvery other call fails.\n\n```text\n{text}```\n"
        );
        allowed.extend(text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned()));
    }
    faults.extend(beyond(files, &allowed));
    Ok(())
}

/// The handlers' calls that are not among these.
fn beyond(files: &[(PathBuf, String)], allowed: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("sandlock-sys/src")) {
        let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let functions: Vec<(&str, &str)> =
            text.split("fn ").skip(1).filter_map(|part| part.split_once(['(', '<'])).collect();
        for (user, code) in files.iter().filter(|(path, _)| path.starts_with("sandlock-notify/src")) {
            let named = Source::new(code).names_in(&module);
            for (_, body) in functions.iter().filter(|(name, _)| named.iter().any(|used| used == name)) {
                let calls =
                    body.split("syscall!(nr::").skip(1).filter_map(|rest| rest.split_once([',', ')']));
                let unlisted =
                    calls.map(|(call, _)| call.to_lowercase()).filter(|call| !allowed.contains(call));
                faults.extend(
                    unlisted
                        .map(|call| format!("{}: {call} is in no filter of table/own.rs", user.display())),
                );
            }
        }
    }
    faults
}

fn read_file(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Where the kernel is let run a call, and why that is safe: the reasons that there are, and which of them
/// each place gives.
fn continues(page: &mut String, files: &[(PathBuf, String)]) -> Result<(), String> {
    page.push_str("\n## CONTINUE\n\n");
    for (path, text) in files {
        for (why, meaning) in
            api::variants(text, "ContinueReason").map_err(|e| format!("{}: {e}", path.display()))?
        {
            let _ = writeln!(page, "- {why}: {meaning}");
        }
    }
    page.push('\n');
    for (path, text) in files {
        for why in Source::new(text).names_in("ContinueReason").iter().filter(|why| why.as_str() != "Self") {
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
pub(crate) const BINARY: u64 = 7 << 18;

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
    fn a_handler_without_answers_is_found_and_one_that_calls_what_the_filter_refuses() {
        let head = "//! A.\n//!\n//! | performed on behalf | the kernel remembers | it can wait for |\n//! |---|---|---|\n";
        let file = |name: &str, text: String| (PathBuf::from(name), text);
        for (text, wrong) in [
            (format!("{head}//! | chmod | nobody | a lock |\nfn f() {{}}\n"), 0),
            ("//! A.\n//!\n//! Nothing is performed on behalf: none.\n".into(), 0),
            ("//! A.\nfn f() {}\n".into(), 1),
        ] {
            let (mut page, mut faults) = (String::new(), Vec::new());
            on_behalf(&mut page, &[file("sandlock-notify/src/handlers/a/mod.rs", text)], &mut faults);
            assert_eq!(faults.len(), wrong, "{page}");
        }
        let sys =
            "//! A.\npub fn send(a: u8) { syscall!(nr::SENDTO, a) }\npub fn bind() { syscall!(nr::BIND) }\n";
        for (call, wrong) in [("net::send()", 0), ("net::bind()", 1)] {
            let user = file("sandlock-notify/src/a.rs", format!("//! A.\nfn f() {{ {call} }}\n"));
            let files = [file("sandlock-sys/src/net.rs", sys.into()), user];
            assert_eq!(beyond(&files, &BTreeSet::from(["sendto".to_owned()])).len(), wrong);
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
                "//! A.\nfn f() { net::send(); Response::Continue(ContinueReason::Known) }\nenum ContinueReason {\n    /// It is.\n    /// Really.\n    Known,\n}\n",
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
    fn a_class_that_is_too_large_is_found() {
        let file = |path: &str, lines| (PathBuf::from(path), format!("//! A.\n{}", "f();\n".repeat(lines)));
        let authority = [file("sandlock-sys/src/a.rs", 5_000), file("sandlock/src/b.rs", 5_000)];
        let hostile = file("sandlock-netlink/src/c.rs", 4_500);
        // The command line has no limit, and neither has what no sandbox runs.
        let beside = [file("sandlock/src/cli/d.rs", 20_000), file("sandlock-netlink/src/host.rs", 20_000)];
        let all = [&authority[..], &[hostile], &beside].concat();
        for (more, wrong) in [
            (None, 0),
            (Some(file("sandlock/src/e.rs", 1)), 1),
            (Some(file("sandlock-netlink/src/f.rs", 1)), 1),
        ] {
            let files: Vec<_> = all.iter().cloned().chain(more).collect();
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
