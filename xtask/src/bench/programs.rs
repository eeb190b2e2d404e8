//! What whole programs take inside: the start of the sandbox is in their time.

use std::{fs, path::Path};

use super::others;
use super::sample::{Take, Way, rounds, way};
use super::section::{Compare, Row, Section};
use super::tools::Bench;

/// What it is, the script, and whether a number it prints counts instead of its time.
const SCRIPTS: [(&str, &str, Take); 5] = [
    ("find /usr/share, ms", "find /usr/share -name no-such-name 2>/dev/null || true", Take::Time),
    ("grep -r in /usr/include, ms", "grep -rqs no_such_word_here /usr/include || true", Take::Time),
    ("git status, ms", "git -C repository status --short", Take::Time),
    ("gcc -O2 -c of a file, ms", "gcc -O2 -c -o object.o workload.c", Take::Time),
    (
        "redis-benchmark SET, µs for each",
        "redis-server --port 24918 --bind 127.0.0.1 --save '' --dir . > log & \
         until redis-cli -p 24918 ping 2>/dev/null | grep -q PONG; do sleep 0.05; done; \
         redis-benchmark -p 24918 -n 30000 -c 20 -t set --csv | tail -1 | awk -F'\"' '{ print 1e6 / $4 }'; redis-cli -p 24918 shutdown nosave 2>/dev/null; wait",
        Take::Number,
    ),
];
/// How many files the repository has.
const FILES: usize = 2000;

pub(super) fn measure(bench: &Bench) -> Result<Section, String> {
    let folder = bench.at("");
    prepare(&bench.folder).map_err(|e| format!("{folder}: {e}"))?;
    let mut rows: Vec<Row> = Vec::new();
    let others = others::working(&others::PLAIN);
    for (what, script, take) in SCRIPTS {
        if what.starts_with("redis") && !Path::new("/usr/bin/redis-benchmark").exists() {
            continue;
        }
        let script = format!("cd {folder} && {script}");
        let words = ["sh", "-c", &script];
        let flags = ["-w", &*folder, "--net-allow", ":24918", "--net-allow-bind", "24918"];
        let mut ways: Vec<Way> =
            vec![way("outside", &words), ("inside".to_owned(), bench.inside(&flags, &words))];
        ways.extend(others::ways(&others, &words));
        let samples = rounds(bench.rounds.div_euclid(20).clamp(3, 15), &ways, take)?;
        rows.push((what.to_owned(), samples.into_iter().map(Some).collect()));
    }
    let names = ["outside", "sandlock"].into_iter().chain(others.iter().map(|(name, _)| *name));
    Ok(Section {
        title: "Programs",
        note: "Whole commands; the start of the sandbox is in their time.",
        unit: "as named",
        compare: Compare::Ratio,
        columns: names.map(str::to_owned).collect(),
        rows,
        budgets: Vec::new(),
        in_chart: true,
    })
}

/// A repository of many files, and a source to compile.
fn prepare(folder: &Path) -> std::io::Result<()> {
    fs::copy("xtask/bench/workload.c", folder.join("workload.c"))?;
    let repository = folder.join("repository");
    for number in 0..FILES {
        let dir = repository.join((number % 40).to_string());
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(number.to_string()), number.to_string())?;
    }
    let script = "git init -q . && git add . && git -c user.name=n -c user.email=e commit -qm all";
    let status = std::process::Command::new("sh").args(["-c", script]).current_dir(repository).status()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("git: {status}"))) }
}
