//! The nightly compiler, for what the stable one cannot do: fuzzing and Miri.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

/// A command of the nightly's cargo.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    // What the stable cargo that runs us has set would reach the nightly one.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC").env_remove("RUSTUP_TOOLCHAIN");
    command.args(["run", "nightly", "cargo"]).args(args);
    command
}

/// Whether there is a nightly whose cargo has such a subcommand; whether there is one at all, without.
pub(crate) fn has(subcommand: Option<&str>) -> bool {
    let mut command = cargo(&[]);
    command.args(subcommand).arg("--version");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The action without a tool: print so, which is no failure where `--ci` asks for what can be had.
pub(crate) fn missing(tool: &str, ci: bool) -> Result<ExitCode, String> {
    let how = format!("no nightly compiler with `cargo {tool}`; `cargo xtask setup` installs what it can");
    if !ci {
        return Err(how);
    }
    println!("NOT RUN: {how}");
    Ok(ExitCode::SUCCESS)
}

/// A file's name without its ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
