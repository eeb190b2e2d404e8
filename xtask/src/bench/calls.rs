//! What one system call costs inside: allowed, refused by the filter, answered by the supervisor.

use super::others;
use super::sample::{Sample, Take, Way, rounds, way};
use super::section::{Budget, Compare, Row, Section};
use super::tools::Bench;

/// What `workload` calls them, what it is, and how much longer it may take inside.
const KINDS: [(&str, &str, Option<f64>); 17] = [
    ("call", "getppid", None),
    ("denied", "keyctl, refused by the filter inside", None),
    ("open", "open and close", Some(1.1)),
    ("read", "read 1 byte of /dev/zero", None),
    ("send", "send and recv 1 byte", Some(1.1)),
    ("mmap", "mmap, touch, munmap 64 KiB", Some(1.1)),
    ("fork", "fork, exit, wait", Some(1.1)),
    ("exec", "posix_spawn and wait", None),
    ("getifaddrs", "getifaddrs", None),
    ("getsockname", "getsockname of netlink, answered inside", None),
    ("connect", "connect, performed on behalf inside", None),
    ("create", "open with O_CREAT and O_EXCL", None),
    ("link", "link", None),
    ("unlink", "unlink", None),
    ("create", "open with O_CREAT and O_EXCL, with --shm inside", None),
    ("link", "link, with --shm inside", None),
    ("unlink", "unlink, with --shm inside", None),
];
/// How much longer than the least an answer of the supervisor, and opening a file, may take.
const ANSWER: (f64, &str) = (1.3, "× a minimal supervisor in C");
const OPEN: (f64, &str) = (1.15, "× Landlock alone");
/// Where `workload` listens.
const PORT: &str = "24917";

pub(super) fn measure(bench: &Bench) -> Result<Section, String> {
    let [workload, floor] = ["workload", "floor"].map(|name| bench.at(name));
    let ports = format!(":{PORT}");
    let mut rows: Vec<Row> = Vec::new();
    let mut budgets = Vec::new();
    let others = others::working(&others::PLAIN);
    // Outside, inside and the others; what comes after them is the least.
    let columns = others.len().saturating_add(2);
    for (kind, what, most) in KINDS {
        let words: Vec<&str> =
            [&*workload, kind].into_iter().chain((kind == "connect").then_some(PORT)).collect();
        let mut flags = vec!["--net-allow", &ports, "--net-allow-bind", PORT];
        flags.extend(what.contains("--shm").then_some("--shm"));
        let inside = bench.inside(&flags, &words);
        let mut ways: Vec<Way> = vec![way("outside", &words), ("inside".to_owned(), inside)];
        ways.extend(others::ways(&others, &words));
        let least = if kind == "open" { "landlock" } else { kind };
        if matches!(least, "landlock" | "getsockname" | "connect") {
            let words: Vec<&str> = [&*floor, least].into_iter().chain(words.iter().copied()).collect();
            ways.push(way("the least", &words));
        }
        let samples = rounds(bench.rounds.div_euclid(20).clamp(3, 15), &ways, Take::Number)?;
        let median = |at: usize| samples.get(at).map_or(f64::NAN, Sample::median);
        if let Some(most) = most {
            budgets.push(Budget::at_most(what, most, median(1) / median(0), "× outside"));
        }
        if ways.len() > columns {
            let (over_least, unit) = if kind == "open" { OPEN } else { ANSWER };
            budgets.push(Budget::at_most(what, over_least, median(1) / median(columns), unit));
        }
        rows.push((what.to_owned(), samples.into_iter().map(Some).collect()));
    }
    let names = ["outside", "sandlock"].into_iter().chain(others.iter().map(|(name, _)| *name));
    let columns: Vec<String> = names.chain(["the least"]).map(str::to_owned).collect();
    others::fill(&mut rows, columns.len());
    Ok(Section {
        title: "System calls",
        note: "By `xtask/bench/workload.c`, each kind many times. The last column is `xtask/bench/floor.c`: of open, Landlock alone with a rule \
               for `/`; of the last two, a supervisor in C that does what a right answer needs, and judges nothing. Landlock goes up from the \
               file to a rule, and because nothing may be truncated on to the root, and remembers that: no sandbox made with it can have \
               files opened in 1.1 times as long. How many rules there are makes no difference.",
        unit: "ns",
        compare: Compare::Ratio,
        columns,
        rows,
        budgets,
        in_chart: true,
    })
}
