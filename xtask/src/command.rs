//! Other programs: run one, or read what one prints.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
};

/// What a task comes to: an exit code, or a reason to print.
pub(crate) type Outcome = Result<ExitCode, String>;

/// Runs `command` and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).status().map_err(|e| format!("{}: {e}", line(command)))?;
    succeeded(command, status)
}

/// What `command` prints; its messages to people go where ours go.
pub(crate) fn read(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| format!("{}: {e}", line(command)))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout).map_err(|e| format!("{}: {e}", line(command)))
}

/// `cargo` with `args`, the same cargo that runs this program.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// A folder of this name beside what cargo builds, made if it is not there.
pub(crate) fn target(name: &str) -> Result<PathBuf, String> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = target.join(name);
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// The triple of this machine.
pub(crate) fn host() -> Result<String, String> {
    let about = read(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what host it has".to_owned())
}

/// The target of a static build for this machine: musl's.
pub(crate) fn static_target() -> Result<String, String> {
    Ok(host()?.replace("-gnu", "-musl"))
}

/// Builds what people install, static and stripped.
pub(crate) fn static_binary() -> Result<PathBuf, String> {
    let triple = static_target()?;
    run(&mut cargo(&["build", "--quiet", "--release", "--package", "sandlock", "--target", &triple]))?;
    Ok(target(&triple)?.join("release/sandlock"))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command))) }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
