//! `msrv`: the workspace builds with the oldest compiler that `rust-version` allows.

use std::{
    fs,
    process::{Command, ExitCode},
};

use crate::{
    Outcome,
    command::{self, read, run as execute},
};

/// How the compiler to test with relates to the one that runs this task.
#[derive(Debug, PartialEq)]
enum Oldest {
    /// It is the same version.
    Same,
    /// Another toolchain, by rustup's name.
    Installed(String),
    Missing,
}

/// A toolchain that is not installed is reported, and no failure: not every machine can get it.
pub(crate) fn run(args: &[String]) -> Outcome {
    if !args.is_empty() {
        return Err("msrv takes no arguments".into());
    }
    let manifest = fs::read_to_string("Cargo.toml").map_err(|e| format!("Cargo.toml: {e}"))?;
    let version = rust_version(&manifest).ok_or("Cargo.toml has no rust-version")?;
    let current = read(Command::new("rustc").arg("--version"))?;
    // Without rustup there is the current compiler only.
    let toolchains = read(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    match find(version, &current, &toolchains) {
        Oldest::Same => {
            println!("rust-version {version} IS THE CURRENT COMPILER: the other steps build with it already")
        }
        Oldest::Missing => {
            println!("NOT RUN: rust-version {version} is not installed; `rustup toolchain install {version}`")
        }
        Oldest::Installed(toolchain) => {
            let mut check = Command::new("rustup");
            // The variables that the current cargo has set would reach the other one.
            check
                .env_remove("CARGO")
                .env_remove("RUSTC")
                .env_remove("RUSTDOC")
                .env_remove("RUSTUP_TOOLCHAIN");
            check.args(["run", &toolchain, "cargo", "check", "--quiet", "--locked", "--workspace"]);
            execute(check.args(["--exclude", "xtask", "--target-dir"]).arg(command::target("msrv")?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The value of `rust-version` in a manifest.
fn rust_version(manifest: &str) -> Option<&str> {
    manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'))
}

/// The toolchain of `version`, given what `rustc --version` and `rustup toolchain list` print.
fn find(version: &str, current: &str, toolchains: &str) -> Oldest {
    let is_it = |name: &str| {
        name.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    if current.strip_prefix("rustc ").is_some_and(|found| found.split(' ').next().is_some_and(is_it)) {
        return Oldest::Same;
    }
    let mut names = toolchains.lines().filter_map(|line| line.split(' ').next());
    names.find(|name| is_it(name)).map_or(Oldest::Missing, |name| Oldest::Installed(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_a_rust_version() {
        assert_eq!(rust_version("[workspace.package]\nrust-version = \"1.95\"\n"), Some("1.95"));
    }

    #[test]
    fn the_toolchain_is_found_by_its_version() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n1.95.0-x86_64-unknown-linux-gnu\n";
        let newer = "rustc 1.96.0 (0 2026-05-01)\n";
        assert_eq!(find("1.95", newer, list), Oldest::Installed("1.95.0-x86_64-unknown-linux-gnu".into()));
        assert_eq!(find("1.9", newer, list), Oldest::Missing);
        assert_eq!(find("1.95", "rustc 1.95.0 (0 2026-03-21)\n", list), Oldest::Same);
        assert_eq!(find("1.95", newer, ""), Oldest::Missing);
    }
}
