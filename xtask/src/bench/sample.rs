//! Samples: commands run in turns, and what their times come to.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use crate::setup;

/// A name for people, and the words of the command.
pub(super) type Way = (String, Vec<String>);

/// Names a way.
pub(super) fn way<S: AsRef<str>>(name: &str, words: &[S]) -> Way {
    (name.to_owned(), words.iter().map(|word| word.as_ref().to_owned()).collect())
}

/// Numbers in ascending order.
#[derive(Clone, Default)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn new(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// That which about this share of them, in hundredths, is below.
    pub(super) fn at(&self, share: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last.saturating_mul(share).saturating_add(50).div_euclid(100)).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn median(&self) -> f64 {
        self.at(50)
    }
}

/// What a command is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// How long it takes, in milliseconds.
    Time,
    /// The last number that it prints.
    Number,
}

/// Every way once a round, so that all of them meet the same machine.
pub(super) fn rounds(count: usize, ways: &[Way], take: Take) -> Result<Vec<Sample>, String> {
    let mut numbers: Vec<Vec<f64>> = vec![Vec::with_capacity(count); ways.len()];
    for _ in 0..count {
        for ((name, words), numbers) in ways.iter().zip(&mut numbers) {
            numbers.push(once(words, take).map_err(|error| format!("{name}: {error}"))?);
        }
    }
    Ok(numbers.into_iter().map(Sample::new).collect())
}

fn once(words: &[String], take: Take) -> Result<f64, String> {
    let (program, args) = words.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    command.args(args).env("PATH", setup::PATH).stdin(Stdio::null());
    // cargo adds some twenty variables, one of which sends the dynamic linker through its own folders first.
    for (name, _) in std::env::vars() {
        if ["CARGO", "RUST", "LD_LIBRARY_PATH"].iter().any(|start| name.starts_with(start)) {
            command.env_remove(name);
        }
    }
    if take == Take::Time {
        let mut child = command.stdout(Stdio::null());
        let started = Instant::now();
        child = child.stderr(Stdio::inherit());
        let status = child.status();
        let time = started.elapsed().as_secs_f64() * 1e3;
        return match status {
            Ok(status) if status.success() => Ok(time),
            other => Err(format!("{other:?}")),
        };
    }
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.split_ascii_whitespace().rev().find_map(|word| word.trim_matches(',').parse().ok());
    number
        .filter(|_| output.status.success())
        .ok_or_else(|| format!("{}: it printed {text:?}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_there_is() {
        let sample = Sample::new(vec![3.0, 1.0, 2.0]);
        assert_eq!(
            [0, 10, 50, 90, 100].map(|share| sample.at(share).to_bits()),
            [1.0, 1.0, 2.0, 3.0, 3.0].map(f64::to_bits)
        );
        assert!(Sample::default().median().is_nan());
    }

    #[test]
    fn the_last_number_counts_and_a_failure_is_none() {
        let shell = |script: &str| once(&["sh", "-c", script].map(str::to_owned), Take::Number);
        assert_eq!(shell("echo 3 is 7.5 ns"), Ok(7.5));
        assert!(shell("echo 3; exit 1").is_err());
        assert!(shell("echo none").is_err());
    }
}
