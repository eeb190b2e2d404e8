//! How long it takes to start a command that does nothing.

use super::others;
use super::sample::{Sample, Take, Way, rounds, way};
use super::section::{Budget, Compare, Section};
use super::tools::Bench;

/// It does nothing, so all that is measured is starting it.
const COMMAND: &str = "/bin/true";

/// What takes longer is repeated less often.
const LONG: usize = 3;

pub(super) fn across(bench: &Bench) -> Result<Section, String> {
    let mut section = measure(bench, &[])?;
    let [bare, ours] = [0, 1].map(|at| {
        section.rows.first().and_then(|(_, row)| row.get(at)?.as_ref()).map_or(0.0, Sample::median)
    });
    for (what, most) in [("start-up over a bare spawn", 1.0), ("the same, where it is to go", 0.3)] {
        section.budgets.push(Budget::at_most(what, most, ours - bare, "ms"));
    }
    section.in_chart = true;
    Ok(section)
}

/// The same again without the cost of waking another processor: the rest is the work.
pub(super) fn on_one_processor(bench: &Bench) -> Result<Section, String> {
    let last =
        std::thread::available_parallelism().map_or(0, |count| count.get().saturating_sub(1)).to_string();
    let pinned = measure(bench, &["taskset", "-c", &last])?;
    Ok(Section {
        title: "Start-up on one processor",
        note: "The same through `taskset`, whose own start is in every column: without what it costs to wake another processor.",
        ..pinned
    })
}

fn measure(bench: &Bench, before: &[&str]) -> Result<Section, String> {
    let sandlock = bench.sandlock();
    let ways = |ways: &[(&str, &str)]| -> Vec<Way> {
        let words = |line: &str| -> Vec<String> {
            let words = line.split(' ').chain([COMMAND]).filter(|word| !word.is_empty());
            before
                .iter()
                .copied()
                .chain(words)
                .map(|word| if word == "sandlock" { &sandlock } else { word }.to_owned())
                .collect()
        };
        ways.iter().map(|(name, line)| way(name, &words(line))).collect()
    };
    let ours = ways(&[
        ("bare", ""),
        ("sandlock run", "sandlock run --"),
        ("sandlock run --base none -r /", "sandlock run --base none -r / --"),
    ]);
    // Others have rounds of their own: the kernel takes their namespaces down after their end, in the time of
    // the next one.
    let mut others = vec![("bare", "")];
    others.extend(others::working(&[
        ("bwrap --ro-bind / /", "bwrap --ro-bind / /"),
        ("bwrap, all unshared", "bwrap --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --unshare-all"),
        ("firejail --noprofile", "firejail --quiet --noprofile"),
    ]));
    let mut columns: Vec<String> = ours.iter().map(|(name, _)| name.clone()).collect();
    columns.extend(others.iter().skip(1).map(|(name, _)| (*name).to_owned()));
    let all = columns.len();
    let mut row: Vec<Option<Sample>> =
        rounds(bench.rounds, &ours, Take::Time)?.into_iter().map(Some).collect();
    row.resize(all, None);
    // A row of their own too, so that they are compared with the bare one of their own rounds.
    let samples = rounds(bench.rounds.div_euclid(LONG).max(1), &ways(&others), Take::Time)?;
    let mut theirs: Vec<Option<Sample>> = samples.into_iter().map(Some).collect();
    let ours = ours.len().saturating_sub(1);
    theirs.splice(1..1, core::iter::repeat_n(None, ours));
    Ok(Section {
        title: "Start-up",
        note: "`/bin/true`, from the call that starts it to the end of waiting for it. What sandlock takes for it as root includes giving up 41 \
               capabilities one by one (0.05 ms). The other sandboxes were measured in rounds of their own, for the kernel takes their \
               namespaces down in the time of whoever comes next.",
        unit: "ms",
        compare: Compare::Difference,
        columns,
        rows: vec![(COMMAND.to_owned(), row), ("the same, in rounds of its own".to_owned(), theirs)],
        budgets: Vec::new(),
        in_chart: false,
    })
}

/// From a program of 10 MB and of 1 GB, which starts many: planned anew each time, or once.
pub(super) fn library(bench: &Bench) -> Result<Section, String> {
    let launcher = bench.at("launcher");
    let times = bench.rounds.to_string();
    let mut rows = Vec::new();
    for megabytes in ["10", "1000"] {
        let ways = ["bare", "policy", "plan"].map(|how| way(how, &[&*launcher, megabytes, how, &*times]));
        let samples = rounds(3, &ways, Take::Number)?;
        rows.push((format!("from a parent of {megabytes} MB"), samples.into_iter().map(Some).collect()));
    }
    Ok(Section {
        title: "Start-up by the library",
        note: "`Policy::run` opens, checks and compiles each time; `Plan::run` uses what was made once. Medians of three runs, each of which is \
               a median.",
        unit: "ms",
        compare: Compare::Difference,
        columns: ["bare", "sandlock, Policy::run", "sandlock, Plan::run"].map(str::to_owned).to_vec(),
        rows,
        budgets: Vec::new(),
        in_chart: true,
    })
}
