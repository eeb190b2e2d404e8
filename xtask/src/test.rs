//! `test`: every test of the workspace, on this machine or in virtual machines of other architectures and
//! kernels.

use std::process::ExitCode;

use crate::{Outcome, guest, libtest::Counts, native};

/// What the command line asks.
#[derive(Default)]
struct Options {
    /// What the continuous integration runs; a skip that is not in the table of expected ones is a failure.
    ci: bool,
    /// Every skip is a failure, and every cell that could not run.
    no_skips: bool,
    /// For libtest: only the tests whose name has this in it.
    filter: Option<String>,
    /// Names of architectures with commas between them.
    arch: Option<String>,
    /// Names of kernels with commas between them.
    kernel: Option<String>,
    /// Only what never reaches the kernel, in qemu's user mode.
    user: bool,
    /// No tests, but a console.
    shell: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().cloned().ok_or_else(|| format!("{arg} needs a value")).map(Some);
            match arg.as_str() {
                "--ci" => options.ci = true,
                "--no-skips" => options.no_skips = true,
                "--user" => options.user = true,
                "--shell" => options.shell = true,
                "--filter" => options.filter = value()?,
                "--arch" => options.arch = value()?,
                "--kernel" => options.kernel = value()?,
                "--matrix" => {
                    options.arch = Some("all".into());
                    options.kernel = Some("all".into());
                }
                _ => return Err(format!("test has no {arg}; see `cargo xtask test --help`")),
            }
        }
        Ok(options)
    }

    /// The machines that are asked for: none means this one.
    fn cells(&self) -> Result<Vec<guest::Cell>, String> {
        match (&self.arch, &self.kernel) {
            (None, None) if self.shell => guest::cells("x86_64", "newest"),
            (None, None) if self.ci => guest::of_ci(),
            (None, None) => Ok(Vec::new()),
            (arch, kernel) => {
                let arch = arch.as_deref().unwrap_or("x86_64");
                let cells = guest::cells(arch, kernel.as_deref().unwrap_or("newest"))?;
                Ok(if self.ci { guest::quick(cells) } else { cells })
            }
        }
    }
}

/// Ends with the line `N passed, M failed, K skipped`.
pub(crate) fn run(args: &[String]) -> Outcome {
    let options = Options::parse(args)?;
    let cells = if options.user { Vec::new() } else { options.cells()? };
    if options.shell {
        let cell = cells.first().ok_or("which machine?")?;
        return guest::shell(cell).map(|()| ExitCode::SUCCESS);
    }
    let mut counts = Counts::default();
    let (mut unexpected, mut not_run) = (0_usize, 0_usize);
    if options.user {
        let arches = guest::arches(options.arch.as_deref().unwrap_or("all"))?;
        (counts, unexpected) = native::emulated(&arches, options.filter.clone())?;
    } else if cells.is_empty() || (options.ci && options.arch.is_none() && options.kernel.is_none()) {
        (counts, unexpected) = native::run(options.filter.clone())?;
    }
    if !cells.is_empty() {
        let sum = guest::run(cells, options.filter.as_deref())?;
        counts = [counts, sum.counts].into_iter().sum();
        unexpected = unexpected.saturating_add(sum.unexpected);
        not_run = sum.not_run;
    }
    if options.ci && unexpected > 0 {
        println!("unexpected: {unexpected} skips, in no row of xtask/src/skips.rs");
    }
    if not_run > 0 {
        println!("NOT RUN: {not_run} cells of the table above, each with its reason");
    }
    println!("{counts}");
    let bad = counts.failed > 0
        || (options.no_skips && (counts.skipped > 0 || not_run > 0))
        || (options.ci && unexpected > 0);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn unknown_arguments_are_refused() {
        let good = parse(&["--ci", "--no-skips", "--filter", "x"]).unwrap();
        assert!(good.ci && good.no_skips && good.filter.as_deref() == Some("x"));
        assert!(parse(&["--filter"]).is_err() && parse(&["x"]).is_err());
    }

    #[test]
    fn this_machine_is_meant_unless_another_is_named() {
        let cells = |args: &[&str]| parse(args).unwrap().cells().map(|cells| cells.len());
        assert_eq!(cells(&[]), Ok(0));
        assert_eq!(cells(&["--arch", "s390x,aarch64"]), Ok(2));
        assert_eq!(cells(&["--kernel", "5.10,6.1"]), Ok(2));
        assert!(cells(&["--matrix"]).unwrap() >= 24);
        assert!(cells(&["--ci"]).unwrap() >= 6);
        assert!(cells(&["--arch", "vax"]).is_err());
    }
}
