//! `ci`: every check, in the order in which a fault shows soonest.

use std::process::{Command, ExitCode};

use crate::{Outcome, command::run as execute};

/// The runs that a step is part of.
#[derive(Clone, Copy, PartialEq)]
enum In {
    /// All of them.
    Both,
    /// The one that `.ci/run` starts.
    Full,
    /// `--quick`: what to run before every commit.
    Quick,
}

/// Each step as a shell takes it. CI reads the sum of the tests from the last line, so `test` is last.
const STEPS: &[(In, &str)] = &[
    (In::Full, "cargo xtask setup || echo 'some tools are missing'"),
    (In::Both, "cargo fmt --all --check"),
    (In::Both, "cargo fmt --manifest-path fuzz/Cargo.toml --check"),
    (In::Both, "cargo clippy --quiet --workspace --all-targets -- -D warnings"),
    (In::Full, "cargo clippy --quiet --package sandlock --lib --no-default-features -- -D warnings"),
    (In::Full, "RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps"),
    (In::Both, "cargo xtask codegen --check"),
    (In::Both, "cargo xtask tidy"),
    (In::Quick, "cargo xtask audit --quick"),
    (In::Full, "cargo xtask audit"),
    (In::Full, "cargo xtask msrv"),
    (In::Full, "cargo xtask deny --ci"),
    (In::Full, "cargo xtask package"),
    (In::Full, "cargo xtask fuzz --ci --seconds 3"),
    (In::Full, "cargo xtask miri --ci"),
    (In::Full, "cargo xtask stress --ci --seconds 3"),
    (In::Full, "cargo xtask inject --ci"),
    (In::Full, "cargo xtask jobs --ci"),
    // The first command of the README, as it stands there.
    (In::Full, "cargo run --quiet --release -- run -- true"),
    (In::Quick, "cargo test --quiet --workspace --exclude sandlock --lib --bins --tests"),
    // Its other tests wait for time limits and for programs of other languages.
    (In::Quick, "cargo test --quiet --package sandlock --lib --test cli --test escapes --test library"),
    (In::Full, "cargo xtask test --ci"),
];

/// Runs the steps up to the first that fails.
pub(crate) fn run(args: &[String]) -> Outcome {
    let not_in = match args {
        [] => In::Quick,
        [flag] if flag == "--quick" => In::Full,
        _ => return Err("ci takes --quick or nothing".into()),
    };
    for (_, line) in STEPS.iter().filter(|(runs, _)| *runs != not_in) {
        println!("== {line}");
        execute(Command::new("sh").args(["-c", line])).map_err(|_| format!("ci stopped at: {line}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_of_ci_prints_the_sum_of_the_tests() {
        let mut full = STEPS.iter().filter(|(runs, _)| *runs != In::Quick);
        assert_eq!(full.next_back().map(|(_, line)| *line), Some("cargo xtask test --ci"));
    }
}
