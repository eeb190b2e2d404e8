//! The report: tables for the terminal and for `BENCHMARKS.md`, budgets, and a chart.

use core::fmt::Write as _;
use std::fs;

use super::chart;
use super::sample::Sample;
use crate::command;

/// A row: what was measured, and a sample for each column, if there is one.
pub(super) type Row = (String, Vec<Option<Sample>>);

/// What had to be reached, what was, and whether it is.
pub(super) struct Budget {
    pub(super) what: String,
    pub(super) allowed: String,
    pub(super) measured: String,
    pub(super) met: bool,
}

impl Budget {
    /// At most `most`, in this unit.
    pub(super) fn at_most(what: &str, most: f64, measured: f64, unit: &str) -> Self {
        let digits = if most < 10.0 { 2 } else { 0 };
        Self {
            what: what.to_owned(),
            allowed: format!("≤ {most} {unit}").trim_end().to_owned(),
            measured: format!("{measured:.digits$} {unit}").trim_end().to_owned(),
            met: measured <= most,
        }
    }
}

/// How the columns after the first are compared with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    /// Not at all.
    No,
    /// How many times as much.
    Ratio,
    /// How much more, and how many times as much.
    Difference,
}

pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    pub(super) unit: &'static str,
    pub(super) compare: Compare,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
    pub(super) budgets: Vec<Budget>,
    /// Whether the chart has it.
    pub(super) in_chart: bool,
}

/// Three digits of it, or as many as it has before the point.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

impl Section {
    fn cell(&self, first: Option<f64>, sample: &Sample) -> String {
        let mut text =
            format!("{} ({} to {})", number(sample.median()), number(sample.at(10)), number(sample.at(90)));
        if sample.at(0).to_bits() == sample.at(100).to_bits() {
            text = number(sample.median());
        }
        let Some(first) = first.filter(|first| *first > 0.0) else { return text };
        let ratio = sample.median() / first;
        let _ = match self.compare {
            Compare::No => Ok(()),
            Compare::Ratio => write!(text, ", {ratio:.2} ×"),
            Compare::Difference => write!(text, ", + {:.2}, {ratio:.1} ×", sample.median() - first),
        };
        text
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let head = [format!("{}, {}", self.title.to_lowercase(), self.unit)];
        let head: Vec<String> = head.into_iter().chain(self.columns.iter().cloned()).collect();
        let rows = self.rows.iter().map(|(what, samples)| {
            let first = samples.first().and_then(|sample| Some(sample.as_ref()?.median()));
            let cells = samples.iter().enumerate().map(|(at, sample)| {
                sample
                    .as_ref()
                    .map_or_else(|| "–".to_owned(), |sample| self.cell(first.filter(|_| at > 0), sample))
            });
            [what.clone()].into_iter().chain(cells).collect()
        });
        [head].into_iter().chain(rows).collect()
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let cells = self.cells();
        let width =
            |at: usize| cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
        let mut text = String::from("\n");
        for row in &cells {
            for (at, cell) in row.iter().enumerate() {
                let _ = write!(text, "{cell:width$}  ", width = width(at).unwrap_or(0));
            }
            text.push('\n');
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n{}\n\n", self.title, self.note);
        for (at, row) in self.cells().iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
            if at == 0 {
                let _ = writeln!(text, "|---|{}", "---:|".repeat(self.columns.len()));
            }
        }
        text
    }
}

#[derive(Default)]
pub(super) struct Report(Vec<Section>);

impl Report {
    pub(super) fn add(&mut self, section: Section) {
        self.0.push(section);
    }

    fn all_budgets(&self) -> impl Iterator<Item = &Budget> {
        self.0.iter().flat_map(|section| &section.budgets)
    }

    pub(super) fn budgets(&self) -> String {
        let mut text = String::from("\n");
        for Budget { what, allowed, measured, met } in self.all_budgets() {
            let met = if *met { "met" } else { "NOT MET" };
            let _ = writeln!(text, "{met:8} {what}: {measured}, allowed {allowed}");
        }
        text
    }

    /// Writes `BENCHMARKS.md` and `BENCHMARKS.svg`; `faults` are what could not be measured.
    pub(super) fn write(&self, faults: &[String]) -> Result<(), String> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
        let kernel = read("/proc/sys/kernel/osrelease");
        let date = command::read(std::process::Command::new("date").arg("+%Y-%m-%d"))?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut text = format!(
            "# Benchmarks\n\nWritten by `cargo xtask bench --bless` on {}: Linux {}, {processors} processors,{}. Times are medians, with the \
             10th and the 90th percentile; the columns of a row were measured in turns, and each is compared with the first.\n\n\
             ![What a sandbox costs](BENCHMARKS.svg)\n\n## Budgets\n\n| what | allowed | measured | |\n|---|---:|---:|---|\n",
            date.trim(),
            kernel.split('-').next().unwrap_or_default().trim(),
            cpu.trim_start_matches([' ', '\t', ':'])
                .split('@')
                .next()
                .map_or(String::new(), |cpu| format!(" {}", cpu.trim())),
        );
        for Budget { what, allowed, measured, met } in self.all_budgets() {
            let met = if *met { "met" } else { "**not met**" };
            let _ = writeln!(text, "| {what} | {allowed} | {measured} | {met} |");
        }
        self.0.iter().for_each(|section| text.push_str(&section.markdown()));
        for fault in faults {
            let _ = writeln!(text, "\nNot measured: {fault}");
        }
        fs::write("BENCHMARKS.md", text).map_err(|e| format!("BENCHMARKS.md: {e}"))?;
        fs::write("BENCHMARKS.svg", chart::svg(&self.0)).map_err(|e| format!("BENCHMARKS.svg: {e}"))
    }
}
