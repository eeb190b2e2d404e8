//! Writes the manual pages and the completions of shells, from the same tables as help: `manual PREFIX`.

use std::path::Path;
use std::{env, fs, io, process::ExitCode};

use clap::Command;
use clap_complete::{Shell, generate_to};

#[expect(dead_code, reason = "only the tree of commands is used")]
#[path = "../src/cli/mod.rs"]
mod cli;

fn main() -> ExitCode {
    let Some(prefix) = env::args_os().nth(1) else {
        eprintln!("manual: the folder to write to is missing, such as /usr/local");
        return ExitCode::FAILURE;
    };
    match write(Path::new(&prefix)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("manual: {}: {error}", Path::new(&prefix).display());
            ExitCode::FAILURE
        }
    }
}

fn write(prefix: &Path) -> io::Result<()> {
    let tree = cli::tree();
    let pages = prefix.join("share/man/man1");
    fs::create_dir_all(&pages)?;
    page(&pages, &tree, "sandlock")?;
    for command in tree.get_subcommands().filter(|command| !command.is_hide_set()) {
        page(&pages, command, &format!("sandlock-{}", command.get_name()))?;
    }
    for (shell, folder) in [
        (Shell::Bash, "share/bash-completion/completions"),
        (Shell::Zsh, "share/zsh/site-functions"),
        (Shell::Fish, "share/fish/vendor_completions.d"),
    ] {
        let folder = prefix.join(folder);
        fs::create_dir_all(&folder)?;
        let written = generate_to(shell, &mut tree.clone(), "sandlock", &folder)?;
        if shell == Shell::Bash {
            // The name by which it is found.
            fs::rename(written, folder.join("sandlock"))?;
        }
    }
    Ok(())
}

fn page(folder: &Path, command: &Command, name: &str) -> io::Result<()> {
    let command = command.clone().bin_name(name.replacen('-', " ", 1)).display_name(name.to_owned());
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    fs::write(folder.join(format!("{name}.1")), text)
}
