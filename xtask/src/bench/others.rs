//! Other sandboxes, where they are installed and start: firejail refuses who is not on its list, bubblewrap
//! wants user namespaces.

use std::process::{Command, Stdio};

use super::sample::{Way, way};
use super::section::Row;
use crate::setup;

/// A name for people, and the words before the command.
pub(super) type Other = (&'static str, &'static str);

/// Each giving the command everything, so that the figure is the sandbox's and not that of its omissions.
pub(super) const PLAIN: [Other; 2] = [
    ("bwrap --dev-bind / /", "bwrap --dev-bind / /"),
    ("firejail --noprofile --seccomp", "firejail --quiet --noprofile --seccomp"),
];

/// Those of `others` that start here.
pub(super) fn working(others: &[Other]) -> Vec<Other> {
    let starts = |(_, before): &&Other| {
        let words = words(before, &["/bin/true"]);
        words.split_first().is_some_and(|(program, args)| {
            let mut command = Command::new(program);
            command.args(args).env("PATH", setup::PATH).stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        })
    };
    others.iter().filter(starts).copied().collect()
}

/// `command` in each of them.
pub(super) fn ways(others: &[Other], command: &[&str]) -> Vec<Way> {
    others.iter().map(|(name, before)| way(name, &words(before, command))).collect()
}

/// Gives every row a cell for each column.
pub(super) fn fill(rows: &mut [Row], columns: usize) {
    rows.iter_mut().for_each(|(_, samples)| samples.resize(columns, None));
}

fn words<'w>(before: &'w str, command: &[&'w str]) -> Vec<&'w str> {
    before.split(' ').chain(command.iter().copied()).collect()
}
