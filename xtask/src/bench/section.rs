//! A section of the report: its table, as text and as Markdown, and its budgets.

use core::fmt::Write as _;

use super::sample::Sample;

/// A row: its name, and a sample for each column that has one.
pub(super) type Row = (String, Vec<Option<Sample>>);

/// The limit of a measured value, the value, and whether it is within the limit.
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

/// A table of the report.
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

    pub(super) fn markdown(&self) -> String {
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
