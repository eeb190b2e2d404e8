//! What libtest prints, read: how many tests passed, failed and were ignored, and which skipped.

use core::{fmt, iter::Sum};
use std::collections::BTreeMap;

/// The line by which a test reports that it could not run here: `SKIP <name>: <why>`.
const SKIP: &str = "SKIP ";

/// Tests counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Ignored by libtest, or passed although the test had printed that it skips.
    pub(crate) skipped: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, next| Self {
            passed: sum.passed.saturating_add(next.passed),
            failed: sum.failed.saturating_add(next.failed),
            skipped: sum.skipped.saturating_add(next.skipped),
        })
    }
}

/// libtest's output with `--show-output`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    /// Why each test that skipped did.
    pub(crate) skips: BTreeMap<String, String>,
}

/// Which summaries in an output are its own.
pub(crate) enum Summaries {
    /// A test executable ends with the one that counts. Those before it are of other libtest
    /// programs that a test ran, such as itself again in a sandbox.
    Last,
    /// `cargo test --doc` prints one or more for each crate.
    Every,
}

/// Reads an output; without a summary there is no report.
pub(crate) fn parse(output: &str, which: &Summaries) -> Option<Report> {
    let mut summaries = output.lines().filter_map(summary);
    let counts: Counts = match which {
        Summaries::Last => summaries.next_back()?,
        Summaries::Every => summaries.reduce(|a, b| [a, b].into_iter().sum())?,
    };
    let skips = skips(output);
    let counts = Counts {
        passed: counts.passed.saturating_sub(skips.len()),
        skipped: counts.skipped.saturating_add(skips.len()),
        ..counts
    };
    Some(Report { counts, skips })
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
fn summary(line: &str) -> Option<Counts> {
    let (_, result) = line.split_once("test result: ")?;
    let number =
        |what| result.split(['.', ';']).find_map(|part| part.trim().strip_suffix(what)?.parse().ok());
    Some(Counts { passed: number(" passed")?, failed: number(" failed")?, skipped: number(" ignored")? })
}

/// The tests that printed a skip line, by the name of the test whose output it is in, else by the
/// name on the line (a child process writes past libtest's capture). A test that failed anyway did
/// not skip.
fn skips(output: &str) -> BTreeMap<String, String> {
    let mut skips = BTreeMap::new();
    let mut failures = false;
    let mut test = None;
    for line in output.lines() {
        if line == "successes:" || line == "failures:" {
            failures = line == "failures:";
            test = None;
        } else if let Some(section) = line.strip_prefix("---- ") {
            test = section.strip_suffix(" stdout ----");
        } else if !failures && let Some((name, why)) = skip(line) {
            skips.insert(test.unwrap_or(name).to_owned(), why.to_owned());
        }
    }
    skips
}

fn skip(line: &str) -> Option<(&str, &str)> {
    // One thread: libtest has begun the line with the test's name.
    let line = match line.split_once(" ... ") {
        Some((start, rest)) if start.starts_with("test ") => rest,
        _ => line,
    };
    line.strip_prefix(SKIP)?.split_once(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    const OUTPUT: &str = "
running 4 tests
test tests::fine ... ok
test raw ... SKIP raw: no Landlock
ok
test captured ... ok
test broken ... FAILED

successes:

---- captured stdout ----
running 1 test
test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
SKIP another_name: needs root: uid 0


successes:
    captured
    raw
    tests::fine

failures:

---- broken stdout ----
SKIP broken: it says

thread 'broken' panicked at src/lib.rs:1:1:

failures:
    broken

test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn a_skip_is_not_a_pass_and_a_failure_is_not_a_skip() {
        let report = parse(OUTPUT, &Summaries::Last).unwrap();
        assert_eq!(report.counts, counts(1, 1, 4));
        let skips: Vec<_> = report.skips.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
        assert_eq!(skips, [("captured", "needs root: uid 0"), ("raw", "no Landlock")]);
    }

    #[test]
    fn every_summary_counts_for_doc_tests() {
        let one = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let two = "test result: FAILED. 1 passed; 3 failed; 1 ignored; 0 measured; 9 filtered out\n";
        let report = parse(&[one, two].concat(), &Summaries::Every).unwrap();
        assert_eq!(report.counts, counts(3, 3, 1));
    }

    #[test]
    fn without_a_summary_there_is_no_report() {
        for output in ["", "running 1 test\ntest crash ... ", "test result: ok. many passed"] {
            assert_eq!(parse(output, &Summaries::Last), None);
            assert_eq!(parse(output, &Summaries::Every), None);
        }
    }
}
