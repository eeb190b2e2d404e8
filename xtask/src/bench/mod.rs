//! `bench`: what a sandbox costs, as ratios within one run, beside a bare process, the least a supervisor in
//! C costs, and other sandboxes.

mod calls;
mod chart;
mod growth;
mod memory;
mod netlink;
mod others;
mod programs;
mod report;
mod sample;
mod section;
mod start;
mod tools;

use std::{fs, process::ExitCode};

use crate::Outcome;
use report::Report;
use section::Section;
use tools::Bench;

type Measure = fn(&Bench) -> Result<Section, String>;

/// The names of the measurements; all run if none is given.
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
    let bench = Bench { folder: tools::prepare()?, rounds };
    let mut report = Report::default();
    let mut faults = Vec::new();
    for (name, measure) in SECTIONS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        // A measurement that fails takes nothing else with it.
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
