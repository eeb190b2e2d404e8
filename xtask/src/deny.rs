//! `deny`: licences, advisories, sources and duplicates of every dependency, by `cargo deny`.

use std::process::{Command, ExitCode, Stdio};

use crate::{
    Outcome,
    command::{cargo, run as execute},
};

/// Without cargo-deny, which takes minutes to build, the task is reported as not run, and fails without
/// `--ci`. The same holds for crates and for the list of advisories where there is no network.
pub(crate) fn run(args: &[String]) -> Outcome {
    let ci = match args {
        [] => false,
        [flag] if flag == "--ci" => true,
        _ => return Err("deny takes --ci or nothing".into()),
    };
    if !is_installed() {
        return missing("no cargo-deny: `cargo install --locked cargo-deny`", ci);
    }
    // It reads the manifests of the crates for every platform, of which a build downloads one platform's.
    if let Err(why) = execute(&mut cargo(&["fetch", "--quiet", "--locked"])) {
        return missing(&why, ci);
    }
    execute(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
    if let Err(why) = execute(&mut cargo(&["deny", "fetch", "db"])) {
        return missing(&format!("no list of advisories: {why}"), ci);
    }
    execute(&mut cargo(&["deny", "check", "--disable-fetch", "advisories"]))?;
    Ok(ExitCode::SUCCESS)
}

fn is_installed() -> bool {
    let mut deny: Command = cargo(&["deny", "--version"]);
    deny.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    deny.status().is_ok_and(|status| status.success())
}

fn missing(why: &str, ci: bool) -> Outcome {
    if !ci {
        return Err(why.into());
    }
    println!("NOT RUN: {why}");
    Ok(ExitCode::SUCCESS)
}
