//! The kernels that are tested, and where Debian has them: fetched once, kept in the cache with the version
//! that they are.

use core::time::Duration;
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    arch::Arch,
    archive::{Archive, is_younger, make, write},
};
use crate::command::target;

/// Each kernel by the start of its version, with the suites that have it: the first that answers counts.
pub(crate) const KERNELS: &[(&str, &[&str])] = &[
    ("5.10", &["bullseye"]),
    ("6.1", &["bookworm"]),
    ("6.12", &["bookworm-backports", "trixie"]),
    ("7.2", &["forky", "sid", "trixie-backports"]),
    ("7.3", &["trixie-backports", "experimental"]),
];

/// Where busybox is taken from: a static program runs on every kernel.
const BUSYBOX: &[&str] = &["bookworm", "forky"];

/// Where the sources of a kernel are, with its selftests.
const SOURCES: &[&str] = &["trixie", "bookworm-backports"];

/// How long a cached file is used without a look for a newer one.
const FRESH: Duration = Duration::from_hours(24 * 30);

/// A file of Debian's, in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    pub(crate) path: PathBuf,
    /// Debian's version of the package it is from.
    pub(crate) version: String,
}

/// The kernels that an architecture can run, oldest first.
pub(crate) fn of(arch: &Arch) -> impl Iterator<Item = &'static str> {
    let first = arch.kernels.first().map(|(since, ..)| *since);
    let oldest = KERNELS.iter().position(|(name, _)| Some(*name) == first).unwrap_or(KERNELS.len());
    KERNELS.iter().skip(oldest).map(|(name, _)| *name)
}

/// Debian's architecture and flavour of a kernel for an architecture.
fn flavour(arch: &Arch, kernel: &str) -> Option<(&'static str, &'static str)> {
    let age = |name: &str| KERNELS.iter().position(|(known, _)| *known == name);
    let row = arch.kernels.iter().rfind(|(since, ..)| age(since) <= age(kernel))?;
    Some((row.1, row.2))
}

/// The folder outside the tree for fetched files, locked for this process until dropped.
pub(crate) struct Cache {
    folder: PathBuf,
    _lock: File,
}

impl Cache {
    pub(crate) fn open() -> Result<Self, String> {
        let parent = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
        let folder = parent.or_else(home).map_or_else(|| target("cache"), Ok)?.join("sandlock");
        make(&folder)?;
        let path = folder.join("lock");
        let explain = |e| format!("{}: {e}", path.display());
        let lock = File::create(&path).map_err(explain)?;
        lock.lock().map_err(explain)?;
        Ok(Self { folder, _lock: lock })
    }

    /// The kernel whose version begins with `kernel.`.
    pub(crate) fn kernel(&self, arch: &Arch, kernel: &str) -> Result<Cached, String> {
        let (debian, flavour) =
            flavour(arch, kernel).ok_or_else(|| format!("Debian has no {kernel} for {}", arch.name))?;
        let (_, suites) =
            KERNELS.iter().find(|(name, _)| *name == kernel).ok_or_else(|| format!("no kernel {kernel}"))?;
        self.newest(&format!("linux-{kernel}-{debian}-{flavour}"), suites, |suite, to| {
            let archive = Archive::open(&self.folder, suite, debian)?;
            let meta = archive.show(&format!("linux-image-{flavour}"))?;
            if !is_version(&meta.version, kernel) {
                return Err(format!("{suite} has {} by now", meta.version));
            }
            let image = meta.dependency("linux-image-").ok_or("linux-image depends on no image")?.to_owned();
            // Since 7.0 it lies in a package of its own, since 7.3 among its modules.
            let binary = archive.show(&image)?.dependency("linux-binary-").map(str::to_owned);
            archive.extract(&binary.unwrap_or(image), "./*/vmlinu[xz]*", to)?;
            Ok(meta.version)
        })
    }

    pub(crate) fn busybox(&self, arch: &Arch) -> Result<Cached, String> {
        self.newest(&format!("busybox-{}", arch.debian), BUSYBOX, |suite, to| {
            let archive = Archive::open(&self.folder, suite, arch.debian)?;
            archive.extract("busybox-static", "./*bin/busybox", to)?;
            Ok(archive.show("busybox-static")?.version)
        })
    }

    /// The sources of a kernel, with its selftests: Debian's `linux-source` of this version.
    pub(crate) fn sources(&self, kernel: &str) -> Result<Cached, String> {
        let name = format!("linux-source-{kernel}");
        self.newest(&format!("{name}.tar.xz"), SOURCES, |suite, to| {
            let archive = Archive::open(&self.folder, suite, "amd64")?;
            archive.extract(&name, &format!("./usr/src/{name}.tar.xz"), to)?;
            Ok(archive.show(&name)?.version)
        })
    }

    /// The cached file if it is fresh, else what `fetch` gets from the first suite that has it, else the
    /// cached file anyway.
    fn newest(
        &self,
        name: &str,
        suites: &[&str],
        fetch: impl Fn(&str, &Path) -> Result<String, String>,
    ) -> Result<Cached, String> {
        let (path, note) = (self.folder.join(name), self.folder.join(format!("{name}.version")));
        let cached = || {
            let version = fs::read_to_string(&note).ok()?;
            path.exists().then(|| Cached { path: path.clone(), version })
        };
        if is_younger(&note, FRESH)
            && let Some(cached) = cached()
        {
            return Ok(cached);
        }
        let mut faults = Vec::new();
        for suite in suites {
            match fetch(suite, &path) {
                Ok(version) => {
                    println!("  fetched {name} {version} from {suite}");
                    write(&note, &version)?;
                    return Ok(Cached { path, version });
                }
                Err(why) => faults.push(why),
            }
        }
        cached().ok_or_else(|| format!("{name}: {}", faults.join("; ")))
    }
}

/// Whether `version` is of the series `series`: 6.1.176 and 6.1~rc3 are of 6.1, 6.12.3 is not.
fn is_version(version: &str, series: &str) -> bool {
    version.strip_prefix(series).is_some_and(|rest| rest.starts_with(['.', '~', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::arch::ARCHES;

    #[test]
    fn a_series_is_more_than_a_prefix() {
        for (version, series, want) in [
            ("6.1.176-1", "6.1", true),
            ("7.3~rc7-1~exp1", "7.3", true),
            ("6.12.95-1", "6.1", false),
            ("5.10", "6.1", false),
        ] {
            assert_eq!(is_version(version, series), want, "{version} {series}");
        }
    }

    #[test]
    fn every_architecture_has_kernels() {
        for arch in ARCHES {
            assert!(of(arch).count() >= 3, "{}", arch.name);
            assert!(of(arch).all(|kernel| flavour(arch, kernel).is_some()), "{}", arch.name);
        }
        let i686 = ARCHES.iter().find(|arch| arch.name == "i686").unwrap();
        assert_eq!(flavour(i686, "6.1"), Some(("i386", "686-pae")));
        assert_eq!(flavour(i686, "7.3"), Some(("amd64", "cloud-amd64")));
        let s390x = ARCHES.iter().find(|arch| arch.name == "s390x").unwrap();
        assert_eq!(flavour(s390x, "5.10"), None);
    }
}
