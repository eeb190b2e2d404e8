//! The chart: how many times as long things take in each sandbox, on a logarithmic scale.

use core::fmt::Write as _;

use super::sample::Sample;
use super::section::{Section, number};

/// How a column's name starts, its name in the legend, the mark of the first and of further such columns.
const SERIES: [(&str, &str, Mark); 4] = [
    ("sandlock", "sandlock", Mark::Circle),
    ("bwrap", "bubblewrap", Mark::Square),
    ("firejail", "firejail", Mark::Diamond),
    ("the least", "the least, in C", Mark::Tick),
];

/// Where the scale begins and how long it is, in the units of the picture.
const LEFT: f64 = 290.0;
const WIDTH: f64 = 400.0;
const LINE: f64 = 21.0;
/// The ends of the scale, in times as long as outside, and its lines.
const ENDS: (f64, f64) = (0.4, 100.0);
const LINES: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

#[derive(Clone, Copy)]
enum Mark {
    Circle,
    Square,
    Diamond,
    Tick,
}

impl Mark {
    /// At this place, of this class, with the text for a pointer at it.
    fn draw(self, x: f64, y: f64, class: &str, told: &str) -> String {
        let shape = match self {
            Self::Circle => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="5""#),
            Self::Square => {
                format!(r#"<rect x="{:.1}" y="{:.1}" width="9" height="9""#, x - 4.5, y - 4.5)
            }
            Self::Diamond => format!(r#"<path d="M{x:.1} {:.1}l5.5 5.5-5.5 5.5-5.5-5.5z""#, y - 5.5),
            Self::Tick => format!(r#"<path d="M{x:.1} {:.1}v16""#, y - 8.0),
        };
        let element = shape.split(['<', ' ']).nth(1).unwrap_or_default();
        format!("{shape} class=\"{class}\"><title>{told}</title></{element}>\n")
    }
}

/// The sections that want to be in the chart.
pub(super) fn svg(sections: &[Section]) -> String {
    let mut rows = String::new();
    let mut y = 52.0;
    for section in sections.iter().filter(|section| section.in_chart) {
        y += 10.0;
        let _ = writeln!(rows, r#"<text class="title" x="8" y="{:.0}">{}</text>"#, y + 4.0, section.title);
        y += LINE;
        for (what, samples) in &section.rows {
            let Some(first) = samples.first().and_then(Option::as_ref) else { continue };
            let what =
                [", ms", ", µs"].iter().find_map(|unit| Some(what.split_once(unit)?.0)).unwrap_or(what);
            let _ = writeln!(
                rows,
                r#"<text class="name" x="{:.0}" y="{:.0}">{what}</text>"#,
                LEFT - 12.0,
                y + 4.0
            );
            rows.push_str(&row(&section.columns, samples, first.median(), y));
            y += LINE;
        }
    }
    let mut lines = String::from(
        "<text class=\"note\" x=\"8\" y=\"42\">Times as long as outside, logarithmic: less is better</text>\n",
    );
    for times in LINES {
        let (x, end) = (place(times), y - 8.0);
        let class = if times > 1.0 { "line" } else { "one" };
        let _ = writeln!(
            lines,
            r#"<path class="{class}" d="M{x:.1} 48V{end:.0}"/><text class="scale" x="{x:.1}" y="42">{times} ×</text>"#
        );
    }
    let mut legend = String::new();
    let mut x = 16.0;
    for (class, (_, name, mark)) in SERIES.iter().enumerate() {
        legend.push_str(&mark.draw(x, 16.0, &format!("s{class}"), name));
        let _ = writeln!(legend, r#"<text x="{:.0}" y="20">{name}</text>"#, x + 12.0);
        x += 112.0;
    }
    let _ = writeln!(
        legend,
        r#"<text x="{x:.0}" y="20" class="note">hollow: --base none, planned once; all unshared</text>"#
    );
    format!(
        "{HEAD} viewBox=\"0 0 760 {y:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n{STYLE}{legend}{lines}{rows}</svg>\n"
    )
}

/// The marks of a row, ours last, for they lie on top; and how many times as long it takes in the first of
/// ours.
fn row(columns: &[String], samples: &[Option<Sample>], outside: f64, y: f64) -> String {
    let mut marks = String::new();
    for (class, (start, _, mark)) in SERIES.iter().enumerate().rev() {
        let cells = columns.iter().zip(samples).filter(|(column, _)| column.starts_with(start));
        let cells: Vec<_> = cells.filter_map(|(column, sample)| Some((column, sample.as_ref()?))).collect();
        // The first is drawn last.
        for (at, (column, sample)) in cells.iter().enumerate().rev() {
            let times = sample.median() / outside;
            let class = format!("s{class}{}", if at > 0 { " hollow" } else { "" });
            let told = format!("{column}: {} ×", number(times));
            marks.push_str(&mark.draw(place(times), y, &class, &told));
        }
        if let Some((_, sample)) = cells.first().filter(|_| class == 0) {
            let (x, times) = (LEFT + WIDTH + 12.0, number(sample.median() / outside));
            let _ = writeln!(marks, r#"<text class="ours" x="{x:.0}" y="{:.0}">{times} ×</text>"#, y + 4.0);
        }
    }
    marks
}

/// Where on the scale so many times as long is.
fn place(times: f64) -> f64 {
    let (least, most) = ENDS;
    LEFT + WIDTH * (times.clamp(least, most) / least).ln() / (most / least).ln()
}

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg""#;
const STYLE: &str = "<style>
text { fill: #24292f } .title, .ours { font-weight: bold } .name { text-anchor: end } .scale { text-anchor: middle; fill: #57606a }
.note { fill: #57606a } .line { stroke: #d0d7de } .one { stroke: #57606a } .hollow { stroke-width: 1.5 }
.s0 { fill: #1a7f37; stroke: #1a7f37 } .s1 { fill: #0969da; stroke: #0969da } .s2 { fill: #bc4c00; stroke: #bc4c00 }
.s3 { fill: none; stroke: #6e7781; stroke-width: 2.5 } .hollow { fill: none } circle, rect { fill-opacity: 0.85 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .scale, .note { fill: #9198a1 } .line { stroke: #3d444d } .one { stroke: #9198a1 }
.s0 { fill: #3fb950; stroke: #3fb950 } .s1 { fill: #58a6ff; stroke: #58a6ff } .s2 { fill: #f0883e; stroke: #f0883e }
.s3 { fill: none; stroke: #9198a1 } .hollow { fill: none }
}
</style>
";

#[cfg(test)]
mod tests {
    use super::super::section::{Compare, Section};
    use super::*;

    #[test]
    fn every_sandbox_has_its_mark_where_its_ratio_is() {
        let sample = |value: f64| Some(Sample::new(vec![value]));
        let row = ("find, ms".to_owned(), vec![sample(2.0), sample(4.0), sample(20.0), None, sample(2000.0)]);
        let section = Section {
            title: "Programs",
            note: "",
            unit: "ms",
            compare: Compare::Ratio,
            columns: ["outside", "sandlock", "bwrap", "firejail", "the least"].map(str::to_owned).to_vec(),
            rows: vec![row],
            budgets: Vec::new(),
            in_chart: true,
        };
        let chart = svg(&[section]);
        // A value beyond the end of the scale is at its end.
        assert!(chart.contains(">find</text>") && chart.contains(">2.00 ×</text>"));
        for (x, told) in [(406.6, "sandlock: 2.00 ×"), (523.2, "bwrap: 10.0 ×"), (690.0, "the least: 1000 ×")]
        {
            assert!((place(told_times(told)) - x).abs() < 0.1, "{told}: {}", place(told_times(told)));
            assert!(chart.contains(&format!("<title>{told}</title>")), "{told}");
        }
        assert!(!chart.contains("<title>firejail:"));
    }

    fn told_times(told: &str) -> f64 {
        told.split(' ').filter_map(|word| word.parse().ok()).next_back().expect("a number")
    }
}
