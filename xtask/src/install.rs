//! `install`: builds the static `sandlock` of this machine and copies it to where programs are, with its
//! manual pages and the completions of shells.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{Outcome, command, setup};

/// The folder without `--to`: that of all users for root, else of the user.
pub(crate) fn run(args: &[String]) -> Outcome {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let folder = match words.as_slice() {
        [] if setup::is_root() => PathBuf::from("/usr/local/bin"),
        [] => Path::new(&env::var_os("HOME").ok_or("HOME is not set; name a folder with --to")?)
            .join(".local/bin"),
        ["--to", folder] => PathBuf::from(folder),
        _ => return Err("install takes --to DIR or nothing".into()),
    };
    let target = command::static_target()?;
    if !setup::has_target(&target) {
        command::run(Command::new("rustup").args(["target", "add", &target]))?;
    }
    let from = command::static_binary()?;
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let to = folder.join("sandlock");
    replace(&from, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    println!("{}", to.display());
    // Where manual pages and completions are looked for depends on where programs are.
    if let Some(prefix) = folder.parent().filter(|_| folder.ends_with("bin")) {
        let manual = ["run", "--quiet", "--package", "sandlock", "--example", "manual", "--"];
        command::run(Command::new("cargo").args(manual).arg(prefix))?;
        println!("{}: manual pages and completions", prefix.join("share").display());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|entry| entry == folder) {
        println!("{} is not in PATH", folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy of `from` in the place of `to`, which may be running.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new).and_then(|_| fs::rename(&new, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_program_is_replaced() {
        let folder = env::temp_dir().join(format!("sandlock-install-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.join(name));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        replace(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
