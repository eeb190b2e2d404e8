//! What a machine's console comes to: counts, the Landlock ABI, and the words of what failed.

use serde_json::Value;

use super::serial::Console;
use crate::{
    libtest::{Counts, Summaries},
    skips::Place,
    verdict::{self, End},
};

/// A machine that was started.
pub(crate) struct Ran {
    pub(crate) counts: Counts,
    /// Skips that no row of the table expects.
    pub(crate) unexpected: usize,
    /// The report of `sandlock check` in the guest, as the table shows it.
    pub(crate) abi: String,
    /// Unexpected failures and skips, for a person.
    pub(crate) text: String,
}

/// The program that is asked what the kernel has; every other one is a test.
const CHECK: &str = "check";

/// How a program ends that was not started for want of Landlock, which is as it should be.
const NEEDS: &str = "needs_Landlock_ABI_";

/// How many of the last lines of a console show why a machine stopped.
const TAIL: usize = 25;

/// Judges a console.
pub(crate) fn of(console: &Console) -> Ran {
    let abi = console.runs.iter().find(|run| run.name == CHECK).and_then(|run| abi(&run.output));
    let place = Place::Guest { abi: abi.unwrap_or_default() };
    let mut ran = Ran {
        counts: Counts::default(),
        unexpected: 0,
        abi: abi.map_or_else(|| "?".into(), |abi| if abi == 0 { "none".into() } else { abi.to_string() }),
        text: String::new(),
    };
    for run in console.runs.iter().filter(|run| run.name != CHECK) {
        let status = run.status.as_deref().unwrap_or("the machine stopped");
        if status.starts_with(NEEDS) {
            ran.counts.skipped = ran.counts.skipped.saturating_add(1);
            continue;
        }
        let end = End { success: status == "ok", status };
        let verdict = verdict::of(&run.name, &run.output, &Summaries::Last, &end, &place);
        ran.counts = [ran.counts, verdict.report.counts].into_iter().sum();
        ran.unexpected = ran.unexpected.saturating_add(verdict.unexpected);
        if verdict.report.counts.failed > 0 || verdict.unexpected > 0 {
            ran.text += &format!("   {} as user {}: {}\n", run.name, run.user, verdict.report.counts);
            ran.text += &verdict.failures;
            let skips = verdict.skips.lines().filter(|line| !line.contains(" (expected: "));
            skips.for_each(|line| ran.text += &format!("{line}\n"));
        }
    }
    if !console.done || abi.is_none() {
        ran.counts.failed = ran.counts.failed.saturating_add(1);
        ran.text +=
            "    the machine did not come to its end, or `sandlock check` said nothing; its last words:\n";
        let last = console.runs.last().filter(|run| run.status.is_none());
        let words = [console.other.as_str(), last.map_or("", |run| run.output.as_str())].concat();
        let lines: Vec<&str> = words.lines().collect();
        let from = lines.len().saturating_sub(TAIL);
        lines.iter().skip(from).for_each(|line| ran.text += &format!("    {line}\n"));
    }
    ran
}

/// The ABI in what `sandlock check --json` prints; nought without Landlock.
fn abi(output: &str) -> Option<u64> {
    let json = output.lines().find(|line| line.starts_with('{'))?;
    serde_json::from_str::<Value>(json).ok()?.get("landlock_abi")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::serial;

    const GOOD: &str = "@@@ begin check 0\n{\"landlock_abi\":2}\n@@@ end exit_status:_1 9\n\
        @@@ begin sandlock-bpf/check 0\nrunning 1 test\ntest a ... ok\n\
        test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n@@@ end ok 5\n";

    fn outcome(text: &str) -> (Counts, String) {
        let ran = of(&serial::parse(text));
        (ran.counts, ran.abi)
    }

    #[test]
    fn a_machine_that_ends_early_has_failed() {
        let counts = |passed, failed| Counts { passed, failed, skipped: 0 };
        let good = format!("{GOOD}@@@ done\n");
        assert_eq!(outcome(&good), (counts(1, 0), "2".into()));
        assert_eq!(outcome(GOOD), (counts(1, 1), "2".into()));
        assert_eq!(outcome("Kernel panic"), (counts(0, 1), "?".into()));
        // A test in which it stops is lost too.
        assert_eq!(outcome(&format!("{GOOD}@@@ begin sandlock-sys/live 0\n")), (counts(1, 2), "2".into()));
        assert_eq!(outcome(&good.replace("end ok", "end signal:_11")), (counts(1, 1), "2".into()));
        assert_eq!(outcome(&good.replace(":2", ":0")), (counts(1, 0), "none".into()));
    }
}
