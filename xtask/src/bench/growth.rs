//! How the cost grows: with rules, with processes in one sandbox, with sandboxes at once.

use core::time::Duration;
use std::{fs, thread, time::Instant};

use super::Bench;
use super::memory::while_running;
use super::report::{Compare, Row, Section};
use super::sample::{Sample, Take, rounds, way};

pub(super) fn measure(bench: &Bench) -> Result<Section, String> {
    let mut rows: Vec<Row> = Vec::new();
    let one = |value: f64| Some(Sample::new(vec![value]));
    for count in [1usize, 10, 100, 1000] {
        let paths = (0..count).map(|number| {
            let path = bench.at(&format!("rule-{number}"));
            fs::write(&path, "").map(|()| path)
        });
        let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let flags: Vec<&str> = paths.iter().flat_map(|path| ["-r", &**path]).collect();
        let inside = bench.inside(&flags, &["/bin/true"]);
        let samples = rounds(
            bench.rounds.div_euclid(10).max(3),
            &[way("bare", &["/bin/true"]), ("inside".to_owned(), inside)],
            Take::Time,
        )?;
        rows.push((
            format!("start-up with {count} path rules more, ms"),
            samples.into_iter().map(Some).collect(),
        ));
    }
    let workload = bench.at("workload");
    for count in [1u32, 16, 256] {
        let idle = format!(
            "i=1; while [ $i -lt {count} ]; do sleep 60 >/dev/null & all=\"$all $!\"; i=$((i+1)); done;"
        );
        let script = format!("{idle} {workload} getsockname; kill $all 2>/dev/null; true");
        let ways = [
            way("outside", &["sh", "-c", &script]),
            ("inside".to_owned(), bench.inside(&[], &["sh", "-c", &script])),
        ];
        let samples = rounds(3, &ways, Take::Number)?;
        rows.push((
            format!("getsockname with {count} processes in the sandbox, ns"),
            samples.into_iter().map(Some).collect(),
        ));
        let held = while_running(bench, &format!("{idle} exec sleep 60"), Duration::from_secs(1))?;
        rows.push((
            format!("private memory with {count} processes in the sandbox, KiB"),
            vec![None, one(held.private)],
        ));
    }
    for count in [1usize, 8, 64] {
        let mut row = Vec::new();
        for words in [vec!["/bin/true".to_owned()], bench.inside(&[], &["/bin/true"])] {
            row.push(one(at_once(count, &words)?));
        }
        rows.push((format!("{count} at once, ms for each, best of 5"), row));
    }
    Ok(Section {
        title: "Growth",
        note: "Each rule more is a path opened and a rule added.",
        unit: "as named",
        compare: Compare::Ratio,
        columns: ["outside", "sandlock"].map(str::to_owned).to_vec(),
        rows,
        budgets: Vec::new(),
        in_chart: false,
    })
}

/// So many at the same time; how long it takes for each, the best of five.
fn at_once(count: usize, words: &[String]) -> Result<f64, String> {
    let ways = [("one".to_owned(), words.to_vec())];
    let mut best = f64::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let ended: Vec<Result<_, String>> = thread::scope(|scope| {
            let all: Vec<_> = (0..count).map(|_| scope.spawn(|| rounds(1, &ways, Take::Time))).collect();
            all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("it panicked".into()))).collect()
        });
        ended.into_iter().collect::<Result<Vec<_>, _>>()?;
        let each =
            started.elapsed().as_secs_f64() * 1e3 / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        best = best.min(each);
    }
    Ok(best)
}
