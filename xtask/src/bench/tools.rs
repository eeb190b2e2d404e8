//! The programs that a benchmark runs, in a folder of their own, and how often it runs them.

use std::{fs, path::PathBuf, process::Command};

use crate::command;

/// The C programs: the name of each source and of its executable.
const C: [&str; 2] = ["workload", "floor"];

/// The folder of the programs, and the number of rounds.
pub(super) struct Bench {
    /// It is readable by every user and has copies of the programs: a file as the linker wrote it is in the
    /// page cache in pieces.
    pub(super) folder: PathBuf,
    /// For a short measurement; a longer one has fewer rounds.
    pub(super) rounds: usize,
}

impl Bench {
    pub(super) fn at(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    pub(super) fn sandlock(&self) -> String {
        self.at("sandlock")
    }

    /// `words` in a sandbox that may read this folder.
    pub(super) fn inside(&self, flags: &[&str], words: &[&str]) -> Vec<String> {
        let [sandlock, folder] = [self.sandlock(), self.at("")];
        let start = [&*sandlock, "run", "-q", "-r", &*folder];
        start.iter().chain(flags).chain(&["--"]).chain(words).map(|word| (*word).to_owned()).collect()
    }
}

/// Builds the programs, and copies them to the folder.
pub(super) fn prepare() -> Result<PathBuf, String> {
    let sandlock = command::static_binary()?;
    let launcher = "build --quiet --release --package sandlock --example launcher --no-default-features";
    command::run(&mut command::cargo(&launcher.split(' ').collect::<Vec<_>>()))?;
    let folder = std::env::temp_dir().join(format!("sandlock-bench-{}", std::process::id()));
    fs::create_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for from in [sandlock, command::target("release/examples")?.join("launcher")] {
        let to = folder.join(from.file_name().unwrap_or_default());
        fs::copy(&from, &to).map_err(|e| format!("{}: {e}", from.display()))?;
    }
    for name in C {
        let source = format!("xtask/bench/{name}.c");
        command::run(Command::new("cc").args(["-O2", "-o"]).arg(folder.join(name)).arg(source))?;
    }
    Ok(folder)
}
