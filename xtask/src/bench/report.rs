//! The report: all sections, their budgets and the chart, for the terminal and for `BENCHMARKS.md`.

use core::fmt::Write as _;
use std::fs;

use super::chart;
use super::section::{Budget, Section};
use crate::command;

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

    /// Writes `BENCHMARKS.md` and `BENCHMARKS.svg`; `faults` are the measurements that failed.
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
