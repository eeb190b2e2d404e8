//! `bench`: what a sandbox costs, as ratios within one run, beside a bare process, the least a supervisor in C costs, and other sandboxes.

mod calls;
mod chart;
mod growth;
mod memory;
mod netlink;
mod others;
mod programs;
mod report;
mod sample;
mod start;

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::{Outcome, command};
use report::{Report, Section};

/// The C programs, and the name of what is made of each.
const C: [&str; 2] = ["workload", "floor"];

type Measure = fn(&Bench) -> Result<Section, String>;

/// What can be asked for by name; all of it, if nothing is.
const SECTIONS: [(&str, Measure); 8] = [
    ("start", start::across),
    ("pinned", start::on_one_processor),
    ("library", start::library),
    ("calls", calls::measure),
    ("programs", programs::measure),
    ("memory", memory::measure),
    ("growth", growth::measure),
    ("netlink", netlink::measure),
];

/// What is measured with.
pub(crate) struct Bench {
    /// A folder of our own, readable by everybody, with copies of what runs: a file as the linker wrote it is in the page cache in pieces.
    folder: PathBuf,
    /// Rounds of what is short; what takes longer has fewer.
    rounds: usize,
}

impl Bench {
    fn at(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn sandlock(&self) -> String {
        self.at("sandlock")
    }

    /// `words` in a sandbox that may read this folder.
    fn inside(&self, flags: &[&str], words: &[&str]) -> Vec<String> {
        let [sandlock, folder] = [self.sandlock(), self.at("")];
        let start = [&*sandlock, "run", "-q", "-r", &*folder];
        start.iter().chain(flags).chain(&["--"]).chain(words).map(|word| (*word).to_owned()).collect()
    }
}

pub(crate) fn run(args: &[String]) -> Outcome {
    let (mut rounds, mut bless, mut names) = (300, false, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match &**arg {
            "--bless" => bless = true,
            "--rounds" => {
                let number = args.next().and_then(|number| number.parse().ok());
                rounds = number.filter(|rounds| *rounds > 0).ok_or("--rounds wants a number")?;
            }
            name if SECTIONS.iter().any(|(known, _)| *known == name) => names.push(name.to_owned()),
            other => {
                let known = SECTIONS.map(|(name, _)| name).join(", ");
                return Err(format!("bench: {other}: it takes --rounds N, --bless, and any of {known}"));
            }
        }
    }
    if bless && !names.is_empty() {
        return Err("bench: --bless writes the whole table, so it takes no names".into());
    }
    let bench = Bench { folder: prepare()?, rounds };
    let mut report = Report::default();
    let mut faults = Vec::new();
    for (name, measure) in SECTIONS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        // What cannot be measured takes nothing else with it.
        match measure(&bench) {
            Ok(section) => {
                print!("{}", section.text());
                report.add(section);
            }
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    fs::remove_dir_all(&bench.folder).map_err(|e| format!("{}: {e}", bench.folder.display()))?;
    print!("{}", report.budgets());
    if bless {
        report.write(&faults)?;
    }
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

/// Builds what is measured and what measures it.
fn prepare() -> Result<PathBuf, String> {
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
