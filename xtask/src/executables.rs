//! The test executables of the workspace and the programs they start, as cargo builds them.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    command::{cargo, read},
    guest::arch::Arch,
};

/// The packages whose tests never reach the kernel, but for those in a target named `live…`.
const PURE: &[&str] = &["sandlock-bpf", "sandlock-netlink", "xtask"];

/// One test executable.
#[derive(Debug, PartialEq)]
pub(crate) struct Test {
    /// The package's name.
    pub(crate) package: String,
    /// The package's folder, where cargo runs its tests.
    pub(crate) folder: PathBuf,
    /// `uapi` for `tests/uapi.rs`, the crate's name for its unit tests.
    pub(crate) target: String,
    pub(crate) path: PathBuf,
}

impl Test {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.package, self.target)
    }

    /// Whether the tests ask the kernel anything, so that who runs them matters.
    pub(crate) fn is_live(&self) -> bool {
        !PURE.contains(&self.package.as_str()) || self.target.starts_with("live")
    }
}

/// A program that tests start: a binary, or an example.
#[derive(Debug, PartialEq)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl Program {
    /// The variable in which cargo passes the program's path to a test.
    pub(crate) fn variable(&self) -> String {
        format!("CARGO_BIN_EXE_{}", self.name)
    }
}

/// Builds every test, and what the tests start: for this machine, or static programs for a guest.
pub(crate) fn build(guest: Option<&Arch>) -> Result<(Vec<Test>, Vec<Program>), String> {
    let mut cargo =
        cargo(&["test", "--quiet", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    if let Some(arch) = guest {
        // Small, for the guest has them in its memory. And fast: without optimization a sandbox takes six
        // times as long to start, and emulation makes that seconds. What checks at run time stays.
        let profile = [
            ("CARGO_PROFILE_DEV_DEBUG", "0"),
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
            ("CARGO_PROFILE_DEV_STRIP", "symbols"),
            ("CARGO_INCREMENTAL", "0"),
        ];
        cargo.args(["--target", arch.target]).envs(arch.environment()).envs(profile);
    }
    let (mut tests, mut programs) = artifacts(&mut cargo)?;
    if guest.is_none() {
        programs.extend(apart());
    }
    // Cargo names them as they become ready, in another order each time.
    tests.sort_by_key(Test::name);
    if guest.is_some() {
        // It tests what runs on this machine.
        tests.retain(|test| test.package != "xtask");
    }
    Ok((tests, programs))
}

/// The program of tests that is no member of the workspace, for it depends on much that nothing else does.
/// Without it tests skip.
fn apart() -> Vec<Program> {
    let mut cargo = cargo(&["build", "--quiet", "--locked", "--message-format=json-render-diagnostics"]);
    cargo.args(["--manifest-path", "sandlock/tests/clients/programs/crates/Cargo.toml"]);
    cargo.env("CARGO_TARGET_DIR", env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    artifacts(&mut cargo).map(|(_, programs)| programs).unwrap_or_else(|error| {
        println!("tests of crates will skip: {error}");
        Vec::new()
    })
}

/// Builds what a release of `sandlock` for a guest is, and the program that runs it there.
pub(crate) fn release(arch: &Arch) -> Result<Vec<Program>, String> {
    let args = [
        "build",
        "--quiet",
        "--release",
        "--message-format=json-render-diagnostics",
        "--target",
        arch.target,
    ];
    let what = ["--package", "sandlock", "--package", "xtask", "--bin", "sandlock", "--example", "guest"];
    artifacts(cargo(&args).args(what).envs(arch.environment())).map(|(_, programs)| programs)
}

fn artifacts(cargo: &mut Command) -> Result<(Vec<Test>, Vec<Program>), String> {
    let (mut tests, mut programs) = (Vec::new(), Vec::new());
    for line in read(cargo)?.lines() {
        match artifact(line) {
            Some(Artifact::Test(test)) => tests.push(test),
            Some(Artifact::Program(program)) => programs.push(program),
            None => {}
        }
    }
    Ok((tests, programs))
}

#[derive(Debug, PartialEq)]
enum Artifact {
    Test(Test),
    Program(Program),
}

/// The executable that a line of cargo's is about, if it is about one.
fn artifact(line: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(line).ok()?;
    let text = |pointer| message.pointer(pointer).and_then(Value::as_str);
    let path = PathBuf::from(text("/executable")?);
    let target = text("/target/name")?.to_owned();
    if message.pointer("/profile/test")? != &Value::Bool(true) {
        return Some(Artifact::Program(Program { name: target, path }));
    }
    let folder = Path::new(text("/manifest_path")?).parent()?.to_owned();
    let package = folder.file_name()?.to_str()?.to_owned();
    Some(Artifact::Test(Test { package, folder, target, path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_messages_are_told_apart() {
        let line = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/sandlock-sys/Cargo.toml",
                "target":{{"kind":["test"],"name":"uapi"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let test = |target: &str| Test {
            package: "sandlock-sys".into(),
            folder: "/w/sandlock-sys".into(),
            target: target.into(),
            path: "/t/uapi-1".into(),
        };
        let program = Program { name: "uapi".into(), path: "/t/uapi-1".into() };
        for (line, want) in [
            (line(true, r#""/t/uapi-1""#), Some(Artifact::Test(test("uapi")))),
            (line(false, r#""/t/uapi-1""#), Some(Artifact::Program(program))),
            (line(false, "null"), None),
            (r#"{"reason":"build-finished","success":true}"#.into(), None),
            ("not JSON".into(), None),
        ] {
            assert_eq!(artifact(&line), want, "{line}");
        }
    }
}
