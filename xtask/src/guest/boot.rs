//! qemu: one virtual machine from its first instruction to its power-off.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use super::{arch::Arch, cell::Cell};
use crate::command::line;

/// Without KVM, which virtual build machines lack or have broken: so the same everywhere, and for every
/// architecture. The files of the initramfs may take half of the memory, and they have come to a quarter.
const COMMON: &[&str] =
    &["-accel", "tcg", "-smp", "2", "-m", "1024", "-nographic", "-nodefaults", "-no-reboot", "-net", "none"];

/// What takes longer hangs: the longest run of the continuous integration takes four minutes.
const DEADLINE: &str = "30m";

/// Boots, waits for the end, and returns what the console showed, which also is in the file `log`.
pub(crate) fn run(cell: &Cell, kernel: &Path, initrd: &Path, log: &Path) -> Result<String, String> {
    let arch = cell.arch;
    let file = File::create(log).map_err(|e| format!("{}: {e}", log.display()))?;
    let errors = file.try_clone().map_err(|e| e.to_string())?;
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10s", DEADLINE]).arg(arch.qemu.0);
    machine(&mut command, arch, kernel, initrd, "stdio");
    // The kernel gives process 1 what it does not know itself as a variable of its environment.
    let classes: String = cell.classes.iter().map(|class| class.letter()).collect();
    command.args(["-append", &format!("{} CLASSES={classes}", append(arch))]);
    let status = command.stdin(Stdio::null()).stdout(file).stderr(errors).status();
    let status = status.map_err(|e| format!("{}: {e}", line(&command)))?;
    let text = fs::read(log).map_err(|e| format!("{}: {e}", log.display()))?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if !status.success() {
        text.push_str(&format!("\n{}: {status}\n", arch.qemu.0));
    }
    Ok(text)
}

/// Boots with the console on this terminal, until the machine is turned off.
pub(crate) fn shell(arch: &Arch, kernel: &Path, initrd: &Path) -> Result<(), String> {
    let mut command = Command::new(arch.qemu.0);
    machine(&mut command, arch, kernel, initrd, "mon:stdio");
    command.args(["-append", &append(arch)]);
    let status = command.status().map_err(|e| format!("{}: {e}", line(&command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(&command))) }
}

fn machine(command: &mut Command, arch: &Arch, kernel: &Path, initrd: &Path, serial: &str) {
    command.args(arch.machine).args(COMMON).args(["-serial", serial]);
    command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd);
}

/// A crash is to end the machine, not to restart it; and what a program dies of is not for the console.
fn append(arch: &Arch) -> String {
    format!("console={} quiet loglevel=3 panic=-1 sysctl.debug.exception-trace=0", arch.console)
}
