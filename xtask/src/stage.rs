//! A folder in which the unprivileged user can run tests, wherever the checkout and the build are.

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{self, Command},
};

use crate::{
    command::run,
    executables::{Program, Test},
    setup,
};

/// `nobody` and `nogroup`, by number: a user and a group that own nothing.
pub(crate) const NOBODY: u32 = 65_534;

/// Who runs a test.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum User {
    Ourselves,
    Nobody,
}

/// The folder, removed when dropped.
pub(crate) struct Stage(PathBuf);

impl Stage {
    pub(crate) fn new() -> Result<Self, String> {
        // A new name: another user who may write to the folder above cannot have prepared it.
        let folder = env::temp_dir().join(format!("sandlock-test-{}", process::id()));
        make(&folder).map(|()| Self(folder))
    }

    /// An empty file of `user`'s for what a test prints.
    pub(crate) fn log(&self, user: User) -> Result<(File, PathBuf), String> {
        let path = self.0.join("log");
        // A new one each time, for a process that outlives its test to write past it. Appending, so
        // that standard output and standard error do not overwrite one another.
        let _ = fs::remove_file(&path);
        let file = explain(&path, File::options().append(true).create_new(true).open(&path))?;
        if user == User::Nobody {
            give(&path)?;
        }
        Ok((file, path))
    }

    /// Copies the programs that tests start, and makes a home.
    pub(crate) fn furnish(&self, programs: &[Program]) -> Result<(), String> {
        make(&self.home()).and_then(|()| give(&self.home()))?;
        make(&self.bin())?;
        programs.iter().try_for_each(|program| copy(&program.path, &self.bin().join(&program.name)))
    }

    /// A command by which `nobody` runs a copy of `test`, beside a copy of the package's `tests`
    /// folder and with only such variables as a login sets.
    pub(crate) fn command(&self, test: &Test, programs: &[Program]) -> Result<Command, String> {
        let folder = self.0.join(&test.package);
        if !folder.exists() {
            make(&folder)?;
            let tests = test.folder.join("tests");
            if tests.exists() {
                run(Command::new("cp").arg("-R").args([&tests, &folder]))?;
                run(Command::new("chmod").args(["-R", "a+rX"]).arg(&folder))?;
            }
        }
        let path = folder.join("test");
        copy(&test.path, &path)?;
        let mut command = timed(&path);
        command
            .current_dir(&folder)
            .env_clear()
            .env("PATH", setup::PATH)
            .env("HOME", self.home())
            .env("USER", "nobody")
            .env("CARGO_MANIFEST_DIR", &folder)
            .env("SANDLOCK_TEST_BIN_DIR", self.bin())
            .envs(programs.iter().map(|program| (program.variable(), self.bin().join(&program.name))))
            // No supplementary groups either: std empties the list when root becomes another user.
            .gid(NOBODY)
            .uid(NOBODY);
        Ok(command)
    }

    fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    fn home(&self) -> PathBuf {
        self.0.join("home")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // If it fails, the folder only takes space.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A command that runs `program` for a quarter of an hour at most: a test that hangs has failed.
pub(crate) fn timed(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10s", "15m"]).arg(program);
    command
}

fn make(folder: &Path) -> Result<(), String> {
    explain(folder, fs::create_dir(folder).and_then(|()| open_to_all(folder)))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    // A new file: one that still runs cannot be written.
    let _ = fs::remove_file(to);
    explain(to, fs::copy(from, to).and_then(|_| open_to_all(to)))
}

/// Lets every user read and run it, whatever the umask.
fn open_to_all(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn give(path: &Path) -> Result<(), String> {
    explain(path, chown(path, Some(NOBODY), Some(NOBODY)))
}

fn explain<T>(path: &Path, result: io::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("{}: {e}", path.display()))
}
