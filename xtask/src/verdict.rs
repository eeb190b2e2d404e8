//! What the run of one test executable came to, in counts and in lines for a person to read.

use crate::{
    libtest::{self, Report, Summaries},
    skips::{self, Place},
};

/// How the executable ended.
pub(crate) struct End<'a> {
    pub(crate) success: bool,
    /// Its exit status, in words.
    pub(crate) status: &'a str,
}

/// What it came to.
pub(crate) struct Verdict {
    pub(crate) report: Report,
    /// Skips that no row of the table expects.
    pub(crate) unexpected: usize,
    /// libtest's output about failures.
    pub(crate) failures: String,
    /// A line for each skip.
    pub(crate) skips: String,
}

/// Reads the output of the executable `name`, which ran at `place`.
pub(crate) fn of(name: &str, output: &str, which: &Summaries, end: &End<'_>, place: &Place) -> Verdict {
    let report = judge(libtest::parse(output, which), end.success);
    let mut verdict =
        Verdict { unexpected: report.counts.skipped, report, failures: String::new(), skips: String::new() };
    if verdict.report.counts.failed > 0 {
        failing(output).for_each(|line| verdict.failures += &format!("    {line}\n"));
        verdict.failures += &format!("    {name}: {}\n", end.status);
    }
    for (test, why) in &verdict.report.skips {
        verdict.skips += &format!("    skipped {test}: {why}");
        if let Some(reason) = skips::expected(&format!("{name}/{test}"), why, place) {
            // libtest names none that it ignores, so no row can expect them.
            verdict.unexpected = verdict.unexpected.saturating_sub(1);
            verdict.skips += &format!(" (expected: {reason})");
        }
        verdict.skips.push('\n');
    }
    verdict
}

/// A test that hangs or ends its process, in whatever way, is in no summary; it has failed.
fn judge(report: Option<Report>, success: bool) -> Report {
    let ended_early = report.is_none();
    let mut report = report.unwrap_or_default();
    if ended_early || (!success && report.counts.failed == 0) {
        report.counts.failed = 1;
    }
    report
}

/// The lines of an output that are not about tests that passed.
fn failing(output: &str) -> impl Iterator<Item = &str> {
    let mut successes = false;
    output.lines().filter(move |line| {
        successes = *line == "successes:"
            || (successes && *line != "failures:" && !line.starts_with("test result: "));
        let passed = line.starts_with("test ") && line.ends_with(" ... ok");
        // Skips are listed below.
        let skipped = line.starts_with("SKIP ");
        !successes && !passed && !skipped && !line.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libtest::Counts;

    #[test]
    fn what_passed_is_not_shown() {
        let output = "
running 2 tests
SKIP a: why
test a ... ok
test b ... FAILED

successes:

---- a stdout ----
fine

successes:
    a

failures:

---- b stdout ----
broken

failures:
    b

test result: FAILED.
";
        let shown: Vec<_> = failing(output).collect();
        let want = "running 2 tests|test b ... FAILED|failures:|---- b stdout ----|broken|failures:|    b|test result: FAILED.";
        assert_eq!(shown.join("|"), want);
    }

    #[test]
    fn what_ends_early_has_failed() {
        let report = |failed| Report { counts: Counts { failed, ..Counts::default() }, ..Report::default() };
        for (found, success, want) in [
            (Some(report(0)), true, 0),
            (Some(report(2)), false, 2),
            (Some(report(0)), false, 1),
            (None, true, 1),
            (None, false, 1),
        ] {
            assert_eq!(judge(found, success), report(want));
        }
    }
}
