//! `package`: each crate but `xtask` packs for a registry, with its licences and without its tests.

use std::{env, fs, path::PathBuf, process::ExitCode};

use serde_json::Value;

use crate::{
    Outcome,
    command::{cargo, read, run as execute},
    tidy::CRATES,
};

/// The files that every package has.
const NEEDED: [&str; 4] = ["README.md", "LICENSE-APACHE", "LICENSE-MIT", "src/lib.rs"];

/// Folders of files that only a checkout uses.
const CHECKOUT_ONLY: [&str; 2] = ["tests/", "data/"];

/// The fields of a manifest that a registry shows.
const SHOWN: [&str; 7] =
    ["description", "license", "repository", "homepage", "keywords", "categories", "rust_version"];

/// Packs all crates together, for none of them is in a registry yet; without `--quick` each package is built
/// too.
pub(crate) fn run(args: &[String]) -> Outcome {
    let quick = match args {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err("package takes --quick or nothing".into()),
    };
    let metadata = read(&mut cargo(&["metadata", "--quiet", "--no-deps", "--format-version=1"]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let mut faults = Vec::new();
    println!("{:20}{:>8}{:>10}", "", "files", "bytes");
    for name in CRATES.into_iter().filter(|name| *name != "xtask") {
        let mut list = cargo(&["package", "--quiet", "--list", "--allow-dirty", "--package", name]);
        let files = read(&mut list)?;
        // A file that cargo makes while it packs is not there.
        let sizes = files.lines().filter_map(|file| fs::metadata(format!("{name}/{file}")).ok());
        let bytes: u64 = sizes.map(|file| file.len()).sum();
        println!("{name:20}{:>8}{bytes:>10}", files.lines().count());
        let found = of_files(&files).into_iter().chain(of_manifest(name, &metadata));
        faults.extend(found.map(|fault| format!("{name}: {fault}")));
    }
    forget_earlier();
    // The index is not asked: the lock file has every version.
    let mut pack =
        cargo(&["package", "--quiet", "--workspace", "--exclude", "xtask", "--allow-dirty", "--offline"]);
    pack.args(quick.then_some("--no-verify"));
    faults.extend(execute(&mut pack).err());
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

/// Removes what cargo has unpacked of these crates before: it takes that again for the same version from a
/// checkout at the same path, whatever is packed now.
fn forget_earlier() {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let registries = home.into_iter().flat_map(|home| fs::read_dir(home.join("registry/src"))).flatten();
    // A registry of a folder has no name before its hash.
    let of_folders =
        registries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"-"));
    for package in of_folders.flat_map(|registry| fs::read_dir(registry.path())).flatten().flatten() {
        if package.file_name().as_encoded_bytes().starts_with(b"sandlock-") {
            // If it fails, the packages do not build, and that is reported.
            let _ = fs::remove_dir_all(package.path());
        }
    }
}

/// The faults of a package with these files, one on each line.
fn of_files(files: &str) -> Vec<String> {
    let missing = NEEDED.iter().filter(|needed| !files.lines().any(|file| file == **needed));
    let kept_in = |file: &&str| CHECKOUT_ONLY.iter().any(|folder| file.starts_with(folder));
    let missing = missing.map(|file| format!("the package lacks {file}"));
    missing.chain(files.lines().filter(kept_in).map(|file| format!("the package has {file}"))).collect()
}

/// The fields that a crate's manifest lacks.
fn of_manifest(name: &str, metadata: &Value) -> Vec<String> {
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    let mut this = packages.filter(|package| package.get("name").and_then(Value::as_str) == Some(name));
    let manifest = this.next().unwrap_or(&Value::Null);
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let lacks = SHOWN.iter().filter(|field| manifest.get(**field).is_none_or(is_empty));
    let mut faults: Vec<String> = lacks.map(|field| format!("the manifest has no {field}")).collect();
    if manifest.pointer("/metadata/docs/rs").is_none_or(is_empty) {
        faults.push("the manifest has no [package.metadata.docs.rs]".into());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_licence_and_a_test_are_found() {
        assert_eq!(of_files("README.md\nLICENSE-APACHE\nLICENSE-MIT\nsrc/lib.rs"), [""; 0]);
        assert_eq!(
            of_files("README.md\nLICENSE-MIT\nsrc/lib.rs\ntests/a.rs"),
            ["the package lacks LICENSE-APACHE", "the package has tests/a.rs"]
        );
    }

    #[test]
    fn an_empty_field_is_a_missing_one() {
        let manifest = |keywords: &str| {
            let text = format!(
                r#"{{"packages": [{{"name": "a", "description": "d", "license": "l", "repository": "r",
                "homepage": "h", "keywords": {keywords}, "categories": ["c"], "rust_version": "1",
                "metadata": {{"docs": {{"rs": {{}}}}}}}}]}}"#
            );
            of_manifest("a", &serde_json::from_str(&text).unwrap())
        };
        assert_eq!(manifest(r#"["k"]"#), [""; 0]);
        assert_eq!(manifest("[]"), ["the manifest has no keywords"]);
    }
}
