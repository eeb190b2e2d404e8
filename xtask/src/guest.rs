//! Virtual machines: each cell is an architecture and a kernel, in which every test runs as root and a test
//! of the kernel as an unprivileged user too.

use core::fmt::Write as _;
use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::Instant,
};

use crate::{
    command,
    executables::{self, Program},
    libtest::Counts,
    setup,
};
use arch::Arch;
pub(crate) use cell::{Cell, arches, cells, of_ci, quick};
use image::Purpose;
pub(crate) use kernels::Cache;
use kernels::Cached;
use outcome::Ran;

pub(crate) mod arch;
mod archive;
mod boot;
mod cell;
mod cpio;
mod image;
mod kernels;
mod outcome;
mod serial;

/// How often a cell that fails runs again. An emulated machine on a busy host is late in what no test can
/// know of, and the emulator itself brings a kernel down now and then. Every run is shown.
const RETRIES: usize = 2;

/// What all cells came to.
pub(crate) struct Sum {
    pub(crate) counts: Counts,
    pub(crate) unexpected: usize,
    pub(crate) not_run: usize,
}

/// Builds, boots and prints the table.
pub(crate) fn run(cells: Vec<Cell>, filter: Option<&str>) -> Result<Sum, String> {
    println!("tests in virtual machines");
    let folder = folder()?;
    let ready = prepare(&cells, &folder, &Purpose::Tests(filter))?;
    let total = ready.len();
    let queue = Mutex::new(ready.into_iter().enumerate().collect::<VecDeque<_>>());
    let rows = Mutex::new(BTreeMap::new());
    // A machine has two processors, of which its tests keep one busy most of the time.
    let jobs = thread::available_parallelism().map_or(1, usize::from).min(total);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let next = || queue.lock().ok()?.pop_front();
                while let Some((index, (cell, machine))) = next() {
                    let log = folder.join(format!("{}-{}.console", cell.arch.name, cell.kernel));
                    let mut row = Row::of(cell, &machine, &log);
                    for _ in 0..RETRIES {
                        if !row.ran.as_ref().is_ok_and(|ran| ran.counts.failed > 0) {
                            break;
                        }
                        println!("{}  once more:", row.text());
                        row = Row::of(cell, &machine, &log);
                    }
                    if let Ok(mut rows) = rows.lock() {
                        print!("{}", row.text());
                        rows.insert(index, row);
                    }
                }
            });
        }
    });
    let rows = rows.into_inner().map_err(|_| "a cell's thread panicked")?;
    println!("the consoles are in {}\n{}", folder.display(), table(rows.values()));
    Ok(Sum {
        counts: rows.values().filter_map(|row| Some(row.ran.as_ref().ok()?.counts)).sum(),
        unexpected: rows.values().filter_map(|row| Some(row.ran.as_ref().ok()?.unexpected)).sum(),
        not_run: rows.values().filter(|row| row.ran.is_err()).count(),
    })
}

/// A console of one cell on this terminal.
pub(crate) fn shell(cell: &Cell) -> Result<(), String> {
    let folder = folder()?;
    let (_, machine) = prepare(&[*cell], &folder, &Purpose::Shell)?.pop().ok_or("no machine")?;
    let machine = machine?;
    boot::shell(cell.arch, &machine.kernel.path, &machine.initrd)
}

/// The report of `sandlock check` among `programs` on the newest kernel that Debian has for an architecture:
/// that kernel's version and its Landlock ABI.
pub(crate) fn check(arch: &'static Arch, programs: &[Program]) -> Result<(String, String), String> {
    let cache = Cache::open()?;
    let busybox = cache.busybox(arch)?.path;
    let mut newest = Err(format!("no kernel for {}", arch.name));
    for cell in cells(arch.name, "all")?.into_iter().rev() {
        newest = cache.kernel(arch, cell.kernel).map(|kernel| (cell, kernel));
        if newest.is_ok() {
            break;
        }
    }
    drop(cache);
    let (cell, kernel) = newest?;
    let folder = folder()?;
    let initrd = folder.join(format!("initrd-{}-check", arch.name));
    let bytes = image::build(&busybox, &[], programs, &Purpose::Tests(None))?;
    fs::write(&initrd, bytes).map_err(|e| format!("{}: {e}", initrd.display()))?;
    let log = folder.join(format!("{}-check.console", arch.name));
    let ran = outcome::of(&serial::parse(&boot::run(&cell, &kernel.path, &initrd, &log)?));
    if ran.counts.failed > 0 { Err(ran.text) } else { Ok((kernel.version, ran.abi)) }
}

/// What qemu needs for a cell.
struct Machine {
    kernel: Cached,
    initrd: PathBuf,
}

/// A cell, and what it runs on or why it cannot.
type Ready = (Cell, Result<Machine, String>);

/// Installs, builds and fetches. A missing package is a cell's fault; a test that does not compile is ours.
fn prepare(cells: &[Cell], folder: &Path, purpose: &Purpose<'_>) -> Result<Vec<Ready>, String> {
    let mut images: BTreeMap<&str, Result<PathBuf, String>> = BTreeMap::new();
    let mut ready = Vec::new();
    for cell in cells {
        let arch = cell.arch;
        if !images.contains_key(arch.name) {
            let image = match setup::guest(arch).and_then(|()| Cache::open()?.busybox(arch)) {
                Ok(busybox) => {
                    println!("  building for {}", arch.name);
                    let (tests, programs) = executables::build(Some(arch))?;
                    let bytes = image::build(&busybox.path, &tests, &programs, purpose)?;
                    let path = folder.join(format!("initrd-{}", arch.name));
                    fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
                    Ok(path)
                }
                Err(why) => Err(why),
            };
            images.insert(arch.name, image);
        }
        let initrd = images.get(arch.name).cloned().ok_or("no image")?;
        let kernel = initrd
            .and_then(|initrd| Ok(Machine { kernel: Cache::open()?.kernel(arch, cell.kernel)?, initrd }));
        ready.push((*cell, kernel));
    }
    Ok(ready)
}

/// A cell that has been done with.
struct Row {
    cell: Cell,
    version: String,
    seconds: f32,
    /// Or why it could not run.
    ran: Result<Ran, String>,
}

impl Row {
    fn of(cell: Cell, machine: &Result<Machine, String>, log: &Path) -> Self {
        let started = Instant::now();
        let version = machine.as_ref().map_or_else(|_| "?".into(), |machine| machine.kernel.version.clone());
        let ran = machine.as_ref().map_err(String::clone).and_then(|machine| {
            let console = boot::run(&cell, &machine.kernel.path, &machine.initrd, log)?;
            Ok(outcome::of(&serial::parse(&console)))
        });
        Self { cell, version, seconds: started.elapsed().as_secs_f32(), ran }
    }

    /// The report beyond the table.
    fn text(&self) -> String {
        let name = format!("{} {}", self.cell.arch.name, self.cell.kernel);
        match &self.ran {
            Ok(ran) => format!("  {name}: {} in {:.0} s\n{}", ran.counts, self.seconds, ran.text),
            Err(why) => format!("  {name}: NOT RUN: {why}\n"),
        }
    }
}

fn table<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let mut text =
        String::from("\n| architecture | kernel | Landlock ABI | passed | failed | skipped | seconds |\n");
    text += "|---|---|---|---|---|---|---|\n";
    for row in rows {
        let (arch, version) = (row.cell.arch.name, &row.version);
        // Writing to a string cannot fail.
        let _ = match &row.ran {
            Ok(Ran { counts, abi, .. }) => writeln!(
                text,
                "| {arch} | {version} | {abi} | {} | {} | {} | {:.0} |",
                counts.passed, counts.failed, counts.skipped, row.seconds
            ),
            Err(_) => writeln!(text, "| {arch} | {} | not run | | | | |", row.cell.kernel),
        };
    }
    text
}

/// Where images and consoles are.
fn folder() -> Result<PathBuf, String> {
    command::target("guests")
}
