//! What a sandbox holds while its command sleeps, and how large the binary is.

use core::time::Duration;
use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
};

use super::sample::Sample;
use super::section::{Budget, Compare, Section};
use super::tools::Bench;
use crate::{audit, command};

/// What the supervisor and the guardian hold; they share their memory, so it counts once.
pub(super) struct Held {
    /// Private, dirty or anonymous, in KiB.
    pub(super) private: f64,
    pub(super) resident: f64,
    pub(super) threads: f64,
}

pub(super) fn measure(bench: &Bench) -> Result<Section, String> {
    let held = while_running(bench, "exec sleep 60", Duration::from_millis(500))?;
    let kib = |bytes: u64| u32::try_from(bytes).map_or(f64::MAX, f64::from) / 1024.0;
    let size = kib(fs::metadata(bench.sandlock()).map_err(|e| e.to_string())?.len());
    let one = |value: f64| vec![Some(Sample::new(vec![value]))];
    let budget = |what, most, value, unit| Budget::at_most(what, most, value, unit);
    Ok(Section {
        title: "Memory and size",
        note: "Of the supervisor while the command sleeps, with the guardian, which shares its memory.",
        unit: "as named",
        compare: Compare::No,
        columns: vec!["sandlock".to_owned()],
        rows: vec![
            ("private memory, KiB".to_owned(), one(held.private)),
            ("resident memory, the binary's shared pages included, KiB".to_owned(), one(held.resident)),
            ("threads".to_owned(), one(held.threads)),
            ("binary, static and stripped, KiB".to_owned(), one(size)),
        ],
        budgets: vec![
            budget("private memory of the supervisor", 1024.0, held.private, "KiB"),
            budget("threads of the supervisor", 1.0, held.threads, ""),
            budget("static binary", kib(audit::BINARY), size, "KiB"),
        ],
        in_chart: false,
    })
}

/// Looks at the supervisor a while after it has started `script`, and ends it in order.
pub(super) fn while_running(bench: &Bench, script: &str, wait: Duration) -> Result<Held, String> {
    let words = bench.inside(&[], &["sh", "-c", script]);
    let (program, args) = words.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    let mut child = command.args(args).stdin(Stdio::null()).spawn().map_err(|e| format!("{program}: {e}"))?;
    thread::sleep(wait);
    let held = look(&child);
    // SIGTERM, which is passed on.
    let ended = command::run(Command::new("kill").arg(child.id().to_string()));
    child.wait().map_err(|e| e.to_string())?;
    ended.and(held)
}

fn look(child: &Child) -> Result<Held, String> {
    let read = |file: &str| {
        let path = format!("/proc/{}/{file}", child.id());
        fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))
    };
    let (rollup, status) = (read("smaps_rollup")?, read("status")?);
    let of = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    // The resident pages, less the binary's own in the page cache: dirty and anonymous pages.
    Ok(Held {
        private: of(&rollup, "Anonymous:"),
        resident: of(&status, "VmRSS:"),
        threads: of(&status, "Threads:"),
    })
}
