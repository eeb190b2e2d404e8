//! The cells of the test table: an architecture and a kernel each, and the classes of tests that run on it.

use super::{
    arch::{ARCHES, Arch},
    kernels,
};

/// One virtual machine of the table.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) arch: &'static Arch,
    pub(crate) kernel: &'static str,
    /// The classes of the tests that run in it.
    pub(crate) classes: &'static [Class],
}

/// Why a test executable runs in some cells and not in others.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Class {
    /// It asks the kernel.
    Live,
    /// The attacks on the sandbox, as root: they take more than a minute in an emulated machine.
    Long,
    /// The sandbox once more: attacked by an unprivileged user, and its other tests as root. Once for an
    /// architecture is enough.
    Again,
    /// It never reaches the kernel: once for an architecture is enough.
    Pure,
}

impl Class {
    /// The letter of the class in the guest's list of tests.
    pub(super) const fn letter(self) -> char {
        match self {
            Self::Live => 'l',
            Self::Long => 'L',
            Self::Again => 'a',
            Self::Pure => 'p',
        }
    }
}

use Class::{Again, Live, Long, Pure};

/// The cells of the continuous integration, in about the time it has: every architecture, of the first one
/// the oldest and the newest kernel, and what needs no kernel where the bytes have another order or the
/// pointers another width.
const CI: &[(&str, &str, &[Class])] = &[
    ("x86_64", "5.10,newest", &[Live]),
    ("i686", "6.12", &[Live, Pure]),
    ("aarch64", "6.1", &[Live]),
    ("armv7", "6.1", &[Live]),
    ("riscv64", "7.2", &[Live]),
    ("s390x", "6.12", &[Live, Pure]),
    ("ppc64le", "6.12", &[Live]),
];

/// The cells of the continuous integration.
pub(crate) fn of_ci() -> Result<Vec<Cell>, String> {
    let mut all = Vec::new();
    for (arch, kernel, classes) in CI {
        all.extend(cells(arch, kernel)?.into_iter().map(|cell| Cell { classes, ..cell }));
    }
    Ok(all)
}

/// The same cells with no more than the continuous integration runs in most of its own.
pub(crate) fn quick(cells: Vec<Cell>) -> Vec<Cell> {
    cells.into_iter().map(|cell| Cell { classes: &[Live], ..cell }).collect()
}

/// The architectures of these names, which commas separate.
pub(crate) fn arches(names: &str) -> Result<Vec<&'static Arch>, String> {
    let known = |name: &&str| ARCHES.iter().any(|arch| arch.name == *name);
    if let Some(name) = names.split(',').find(|name| *name != "all" && !known(name)) {
        let all: Vec<_> = ARCHES.iter().map(|arch| arch.name).collect();
        return Err(format!("the architectures are {}, not {name}", all.join(" ")));
    }
    Ok(ARCHES.iter().filter(|arch| is_asked(names, arch.name)).collect())
}

fn is_asked(asked: &str, name: &str) -> bool {
    asked.split(',').any(|word| word == "all" || word == name)
}

/// The cells of these architectures and kernels, whose names commas separate. An architecture has no cell for
/// a kernel that it never had.
pub(crate) fn cells(arches: &str, names: &str) -> Result<Vec<Cell>, String> {
    let asked_arches = self::arches(arches)?;
    let known = |name: &&str| kernels::KERNELS.iter().any(|(kernel, _)| kernel == name);
    if let Some(name) = names.split(',').find(|name| !["all", "newest"].contains(name) && !known(name)) {
        let all: Vec<_> = kernels::KERNELS.iter().map(|(kernel, _)| *kernel).collect();
        return Err(format!("the kernels are {}, not {name}", all.join(" ")));
    }
    let mut cells = Vec::new();
    for arch in asked_arches {
        let newest = kernels::of(arch).last();
        let is_newest = |kernel| names.split(',').any(|word| word == "newest") && newest == Some(kernel);
        let asked = kernels::of(arch).filter(|kernel| is_asked(names, kernel) || is_newest(*kernel));
        let asked: Vec<_> = asked.collect();
        cells.extend(asked.iter().map(|kernel| {
            let is_last = asked.last() == Some(kernel);
            Cell { arch, kernel, classes: if is_last { &[Live, Long, Again, Pure] } else { &[Live, Long] } }
        }));
    }
    if cells.is_empty() { Err(format!("{arches} never had {names}")) } else { Ok(cells) }
}
