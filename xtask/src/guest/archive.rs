//! Debian's archive, asked through apt with folders of its own: the system's apt learns of no suite and no
//! architecture.

use core::time::Duration;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::command::{line, read, run};

const MIRROR: &str = "http://deb.debian.org/debian";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// How long a list of packages is as good as new.
const FRESH: Duration = Duration::from_hours(12);

/// One suite for one architecture.
pub(crate) struct Archive {
    folder: PathBuf,
    debian: String,
}

/// A package's entry.
pub(crate) struct Entry {
    pub(crate) version: String,
    depends: String,
}

impl Entry {
    /// The first dependency whose name begins so.
    pub(crate) fn dependency(&self, start: &str) -> Option<&str> {
        let names = self.depends.split(", ").filter_map(|one| one.split([' ', ':']).next());
        names.into_iter().find(|name| name.starts_with(start))
    }
}

impl Archive {
    /// Fetches the suite's list of packages, which apt checks against Debian's signature.
    pub(crate) fn open(cache: &Path, suite: &str, debian: &str) -> Result<Self, String> {
        if !Path::new(KEYS).exists() {
            return Err(format!("without {KEYS} (package debian-archive-keyring) nothing can be verified"));
        }
        let folder = cache.join("apt").join(format!("{suite}-{debian}"));
        let archive = Self { folder, debian: debian.into() };
        for part in ["lists/partial", "archives/partial", "parts"] {
            make(&archive.folder.join(part))?;
        }
        write(&archive.folder.join("status"), "")?;
        write(
            &archive.folder.join("sources.list"),
            &format!("deb [signed-by={KEYS}] {MIRROR} {suite} main\n"),
        )?;
        let updated = archive.folder.join("updated");
        if !is_younger(&updated, FRESH) {
            quietly(archive.apt("apt-get").arg("update"))
                .map_err(|e| format!("{suite} for {debian}: {e}"))?;
            write(&updated, "")?;
        }
        Ok(archive)
    }

    /// The entry of a package's newest version.
    pub(crate) fn show(&self, package: &str) -> Result<Entry, String> {
        let text = read(self.apt("apt-cache").args(["show", "--no-all-versions", package]))?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let version = field("Version").ok_or_else(|| format!("{package} has no version"))?.into();
        Ok(Entry { version, depends: field("Depends").unwrap_or_default().into() })
    }

    /// Downloads a package, writes the one file in it whose path `pattern` matches to `to`, and drops the
    /// package.
    pub(crate) fn extract(&self, package: &str, pattern: &str, to: &Path) -> Result<(), String> {
        let folder = self.folder.join("new");
        // What an earlier run may have left.
        let _ = fs::remove_dir_all(&folder);
        make(&folder)?;
        run(self.apt("apt-get").args(["download", package]).current_dir(&folder))?;
        let file = fs::read_dir(&folder).ok().and_then(|mut files| files.next()?.ok());
        let package = file.ok_or_else(|| format!("apt-get downloaded no {package}"))?.path();

        let mut unpack = Command::new("dpkg-deb");
        let mut unpack = unpack
            .arg("--fsys-tarfile")
            .arg(&package)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("dpkg-deb: {e}"))?;
        let tar = unpack.stdout.take().ok_or("no pipe from dpkg-deb")?;
        let part = self.folder.join("extracted");
        let file = fs::File::create(&part).map_err(|e| format!("{}: {e}", part.display()))?;
        let status = Command::new("tar")
            .args(["--extract", "--to-stdout", "--wildcards", pattern])
            .stdin(tar)
            .stdout(file)
            .status()
            .map_err(|e| format!("tar: {e}"))?;
        // It may complain that tar did not read to the end.
        let _ = unpack.wait();
        let _ = fs::remove_dir_all(&folder);
        if !status.success() {
            return Err(format!("{pattern} is not in {}", package.display()));
        }
        fs::rename(&part, to).map_err(|e| format!("{}: {e}", to.display()))
    }

    fn apt(&self, program: &str) -> Command {
        let folder = self.folder.display();
        let mut command = Command::new(program);
        command.args([
            "-qq",
            "-oAPT::Sandbox::User=",
            "-oAcquire::Languages=none",
            "-oAcquire::GzipIndexes=true",
        ]);
        // What the system's apt also fetches or does after an update is none of ours.
        command.args([
            "-oAcquire::IndexTargets=",
            "-oAPT::Update::Post-Invoke-Success=",
            "-oAPT::Update::Post-Invoke=",
        ]);
        for option in [
            format!("APT::Architecture={}", self.debian),
            format!("APT::Architectures={}", self.debian),
            format!("Dir::State={folder}"),
            format!("Dir::State::lists={folder}/lists"),
            format!("Dir::State::status={folder}/status"),
            format!("Dir::Cache={folder}"),
            format!("Dir::Etc::sourcelist={folder}/sources.list"),
            format!("Dir::Etc::sourceparts={folder}/parts"),
        ] {
            command.arg(format!("-o{option}"));
        }
        command
    }
}

/// Runs a command that prints on its standard error why it fails, and puts that into the error.
fn quietly(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{}: {e}", line(command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // apt succeeds although a list did not come.
    match said.lines().find(|line| line.starts_with("E: ") || line.starts_with("W: ")) {
        None if output.status.success() => Ok(()),
        None => Err(format!("apt-get update: {}", output.status)),
        Some(why) => Err(why.into()),
    }
}

pub(crate) fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Whether a file is there and was written less than `age` ago.
pub(crate) fn is_younger(path: &Path, age: Duration) -> bool {
    let written = fs::metadata(path).and_then(|file| file.modified());
    written.is_ok_and(|time| time.elapsed().is_ok_and(|since| since < age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_by_the_start_of_their_name() {
        let depends = "linux-base-x (= 7.2-1), linux-image-7.2-x:any (= 7.2-1) | other, linux-image-z";
        let entry = Entry { version: String::new(), depends: depends.into() };
        for (start, want) in [
            ("linux-image-", Some("linux-image-7.2-x")),
            ("linux-base", Some("linux-base-x")),
            ("other", None),
        ] {
            assert_eq!(entry.dependency(start), want, "{start}");
        }
    }
}
