//! How the cost grows: with rules, with processes in one sandbox, with sandboxes at once.

use core::time::Duration;
use std::{fs, thread, time::Instant};

use super::memory::while_running;
use super::others;
use super::sample::{Sample, Take, Way, rounds, way};
use super::section::{Compare, Row, Section};
use super::tools::Bench;

/// Rounds of what takes a second.
const FEW: usize = 3;

pub(super) fn measure(bench: &Bench) -> Result<Section, String> {
    // Bubblewrap only: firejail takes thirty milliseconds to start, whatever its options.
    let others = others::working(others::PLAIN.get(..1).unwrap_or_default());
    let mut rows = Vec::new();
    for count in [1usize, 10, 100, 1000] {
        rows.extend(with_rules(bench, count, &others)?);
    }
    for count in ["1", "16", "256"] {
        rows.extend(with_processes(bench, count, &others)?);
    }
    for count in [1u32, 16, 256] {
        let idle = format!("i=1; while [ $i -lt {count} ]; do sleep 60 & i=$((i+1)); done;");
        let held = while_running(bench, &format!("{idle} exec sleep 60"), Duration::from_secs(1))?;
        let what = format!("private memory of the supervisor of {count} processes, KiB");
        rows.push((what, vec![None, Some(Sample::new(vec![held.private]))]));
    }
    for count in [1usize, 8, 64] {
        let words = ["/bin/true"];
        let inside = ("inside".to_owned(), bench.inside(&[], &words));
        let ways = [way("outside", &words), inside].into_iter().chain(others::ways(&others, &words));
        let samples: Result<Vec<_>, _> = ways.map(|way| at_once(count, &way).map(Some)).collect();
        rows.push((format!("start-up of {count} at once, ms for each"), samples?));
    }
    let names = ["outside", "sandlock"].into_iter().chain(others.iter().map(|(name, _)| *name));
    let columns: Vec<String> = names.chain(["the least"]).map(str::to_owned).collect();
    others::fill(&mut rows, columns.len());
    Ok(Section {
        title: "Growth",
        note: "Each rule more is a path opened and a rule added; bubblewrap gets a mount for it. Calls by processes at once are wall time \
               divided by all their calls, so what two processors do takes half.",
        unit: "as named",
        compare: Compare::Ratio,
        columns,
        rows,
        budgets: Vec::new(),
        in_chart: false,
    })
}

/// Starting with so many rules, and opening a file then.
fn with_rules(bench: &Bench, count: usize, others: &[others::Other]) -> Result<[Row; 2], String> {
    let paths = (0..count).map(|number| {
        let path = bench.at(&format!("rule-{number}"));
        fs::write(&path, "").map(|()| path)
    });
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    let flags: Vec<&str> = paths.iter().flat_map(|path| ["-r", &**path]).collect();
    let mounts: Vec<&str> = paths.iter().flat_map(|path| ["--ro-bind", &**path, &**path]).collect();
    let workload = bench.at("workload");
    let ways = |command: &[&str]| -> Vec<Way> {
        vec![way("outside", command), ("inside".to_owned(), bench.inside(&flags, command))]
    };
    let nothing = ["/bin/true"];
    let mounted: Vec<&str> = mounts.iter().chain(&nothing).copied().collect();
    let mut start = rounds(bench.rounds.div_euclid(10).max(FEW), &ways(&nothing), Take::Time)?;
    // In rounds of their own, as at any start-up, and few: a thousand mounts take seconds.
    start.extend(rounds(FEW, &others::ways(others, &mounted), Take::Time)?);
    let open = rounds(FEW, &ways(&[&workload, "open"]), Take::Number)?;
    let row = |what, samples: Vec<Sample>| (what, samples.into_iter().map(Some).collect());
    Ok([
        row(format!("start-up with {count} path rules more, ms"), start),
        row(format!("open and close with {count} path rules more, ns"), open),
    ])
}

/// Calls that the kernel decides, and calls that the supervisor answers, by so many processes at once.
fn with_processes(bench: &Bench, count: &str, others: &[others::Other]) -> Result<[Row; 2], String> {
    let [workload, floor] = ["workload", "floor"].map(|name| bench.at(name));
    let row = |what: &str, kind: &str, least: &str| {
        let command = [&*workload, kind, count];
        let inside = ("inside".to_owned(), bench.inside(&[], &command));
        let mut ways: Vec<Way> = vec![way("outside", &command), inside];
        ways.extend(others::ways(others, &command));
        ways.push(way("the least", &[&[&*floor, least][..], &command].concat()));
        let samples = rounds(FEW, &ways, Take::Number)?.into_iter().map(Some).collect();
        Ok::<Row, String>((format!("{what} by {count} processes at once, ns"), samples))
    };
    Ok([
        row("open and close", "open", "landlock")?,
        row("getsockname of netlink", "getsockname", "getsockname")?,
    ])
}

/// So many at the same time; how long it takes for each.
fn at_once(count: usize, way: &Way) -> Result<Sample, String> {
    let mut times = Vec::new();
    for _ in 0..FEW {
        let started = Instant::now();
        let ended: Vec<Result<_, String>> = thread::scope(|scope| {
            let one = || rounds(1, core::slice::from_ref(way), Take::Time);
            let all: Vec<_> = (0..count).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("it panicked".into()))).collect()
        });
        ended.into_iter().collect::<Result<Vec<_>, _>>()?;
        let count = u32::try_from(count).map_or(f64::MAX, f64::from);
        times.push(started.elapsed().as_secs_f64() * 1e3 / count);
    }
    Ok(Sample::new(times))
}
