//! Reading and writing rtnetlink, beside the crates that people use for it.

use super::sample::Sample;
use super::section::{Budget, Compare, Row, Section};
use super::tools::Bench;
use crate::command;

const MANIFEST: &str = "sandlock-netlink/benches/compare/Cargo.toml";

/// The pairs to compare: ours, and the fastest other that gives the same (attributes one by one, or a
/// message as a value).
const SAME: [(&str, &str); 5] = [
    ("read NEWLINK, all attributes", "netlink-bindings: read NEWLINK"),
    ("read NEWLINK as a Link", "nlink: read NEWLINK"),
    ("read 2 NEWADDR, all attributes", "netlink-bindings: read 2 NEWADDR"),
    ("read 2 NEWADDR as Addrs", "nlink: read 2 NEWADDR"),
    ("write NEWLINK, 38 attributes", ": write NEWLINK, built before"),
];

pub(super) fn measure(_: &Bench) -> Result<Section, String> {
    let text =
        command::read(&mut command::cargo(&["run", "--quiet", "--release", "--manifest-path", MANIFEST]))?;
    let rows: Vec<(&str, f64, f64)> = text.lines().filter_map(parse).collect();
    let mut budgets = Vec::new();
    for (ours, other) in SAME {
        let (_, time, allocations) =
            rows.iter().find(|(name, ..)| *name == ours).ok_or(format!("{ours}: not measured"))?;
        let others = rows.iter().filter(|(name, ..)| name.contains(other)).map(|(_, time, _)| *time);
        let best = others.fold(f64::INFINITY, f64::min);
        budgets.push(Budget::at_most(
            &format!("{ours}, over the fastest other crate"),
            1.0,
            time / best,
            "×",
        ));
        budgets.push(Budget::at_most(&format!("{ours}, allocations"), 0.0, *allocations, ""));
    }
    let one = |value: f64| Some(Sample::new(vec![value]));
    let rows: Vec<Row> =
        rows.iter().map(|(name, time, count)| ((*name).to_owned(), vec![one(*time), one(*count)])).collect();
    Ok(Section {
        title: "Netlink",
        note: "By `sandlock-netlink/benches/compare`; what has no crate before its name is ours, and `by hand` is the loop one would write without a library.",
        unit: "best of 30",
        compare: Compare::No,
        columns: ["ns", "allocations"].map(str::to_owned).to_vec(),
        rows,
        budgets,
        in_chart: false,
    })
}

/// `NAME TIME ns COUNT allocations`
fn parse(line: &str) -> Option<(&str, f64, f64)> {
    let (rest, count) = line.strip_suffix(" allocations")?.trim_end().rsplit_once(' ')?;
    let (name, time) = rest.trim_end().strip_suffix(" ns")?.trim_end().rsplit_once(' ')?;
    Some((name.trim_end(), time.parse().ok()?, count.parse().ok()?))
}
