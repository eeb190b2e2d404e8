//! `dist`: a stripped static `sandlock` for each architecture, with its size and SHA-256, each tried on a
//! kernel of that architecture.

use std::{
    fs,
    process::{Command, ExitCode},
};

use crate::{
    Outcome,
    command::{read, target},
    executables,
    guest::{self, arch::Arch},
    setup,
};

pub(crate) fn run(args: &[String]) -> Outcome {
    let asked = args.first().map_or("all", String::as_str);
    if args.len() > 1 {
        return Err(format!(
            "dist takes names of architectures with commas between them, not {}",
            args.join(" ")
        ));
    }
    let mut status = ExitCode::SUCCESS;
    let mut table = String::from("| architecture | bytes | SHA-256 | checked on |\n|---|---|---|---|\n");
    for arch in guest::arches(asked)? {
        match release(arch) {
            Ok(row) => table += &row,
            Err(why) => {
                println!("{}: {why}", arch.name);
                table += &format!("| {} | not made | | |\n", arch.name);
                status = ExitCode::FAILURE;
            }
        }
    }
    println!("{table}");
    Ok(status)
}

/// Makes and checks one; its row of the table.
fn release(arch: &'static Arch) -> Result<String, String> {
    setup::guest(arch)?;
    let programs = executables::release(arch)?;
    let sandlock =
        programs.iter().find(|program| program.name == "sandlock").ok_or("cargo made no sandlock")?;
    let path = target("dist")?.join(format!("sandlock-{}", arch.name));
    let bytes = fs::copy(&sandlock.path, &path).map_err(|e| format!("{}: {e}", path.display()))?;
    let sum = read(Command::new("sha256sum").arg(&path))?;
    let sum = sum.split(' ').next().unwrap_or_default();
    let (kernel, abi) = guest::check(arch, &programs)?;
    Ok(format!("| {} | {bytes} | `{sum}` | Linux {kernel}, Landlock ABI {abi} |\n", arch.name))
}
