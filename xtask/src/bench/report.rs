//! The report: tables for the terminal and for `BENCHMARKS.md`, budgets, and a chart.

use core::fmt::Write as _;
use std::fs;

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
    /// Whether the chart has it: of each row the second column over the first.
    pub(super) in_chart: bool,
}

fn number(value: f64) -> String {
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
        fs::write("BENCHMARKS.svg", self.chart()).map_err(|e| format!("BENCHMARKS.svg: {e}"))
    }

    /// A group of bars for each section that is in the chart: a bar for each column of a row after the first.
    fn chart(&self) -> String {
        const LEFT: f64 = 250.0;
        const WIDTH: f64 = 420.0;
        const LINE: f64 = 20.0;
        let mut body = String::new();
        let mut y = 12.0;
        for section in self.0.iter().filter(|section| section.in_chart) {
            y += LINE;
            let difference = section.compare == Compare::Difference;
            let what = if difference {
                format!("{} more than without", section.unit)
            } else {
                "times as long as without".to_owned()
            };
            let _ =
                writeln!(body, r#"<text class="title" x="8" y="{y:.0}">{}: {what}</text>"#, section.title);
            y += 8.0;
            let mut bars = Vec::new();
            for (row, samples) in &section.rows {
                let Some(Some(first)) = samples.first() else { continue };
                for (column, sample) in section.columns.iter().zip(samples).skip(1) {
                    let Some(sample) = sample else { continue };
                    let value = if difference {
                        sample.median() - first.median()
                    } else {
                        sample.median() / first.median()
                    };
                    let name =
                        if section.rows.len() == 1 { column.clone() } else { format!("{row}, {column}") };
                    bars.push((name, column.starts_with("sandlock"), value));
                }
            }
            let most = bars.iter().map(|(_, _, value)| *value).fold(1e-9, f64::max);
            for (name, ours, value) in bars {
                let (long, class) = (value.max(0.0) / most * WIDTH, if ours { "ours" } else { "other" });
                let _ = writeln!(
                    body,
                    r#"<text class="name" x="{:.0}" y="{:.0}">{name}</text><rect class="{class}" x="{LEFT}" y="{y:.0}" width="{long:.1}" height="14" rx="2"/><text x="{:.0}" y="{:.0}">{}</text>"#,
                    LEFT - 8.0,
                    y + 11.0,
                    LEFT + long + 6.0,
                    y + 11.0,
                    number(value)
                );
                y += LINE;
            }
        }
        y += 8.0;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 {y:.0}" font-family="sans-serif" font-size="12">
<style>
text {{ fill: #24292f }} .title {{ font-weight: bold }} .name {{ text-anchor: end }} .ours {{ fill: #2da44e }} .other {{ fill: #8c959f }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .ours {{ fill: #3fb950 }} .other {{ fill: #6e7681 }} }}
</style>
{body}</svg>
"#
        )
    }
}
