//! Starts a command often from a program of some size: `launcher MEGABYTES bare|policy|plan TIMES` prints the
//! median in milliseconds.

use std::process::{Command, ExitCode};
use std::time::Instant;

use sandlock::Policy;

const COMMAND: &str = "/bin/true";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [megabytes, how, times] = &args[..] else { return usage() };
    let (Ok(megabytes), Ok(times)) = (megabytes.parse::<usize>(), times.parse::<usize>()) else {
        return usage();
    };
    // Written to, so that the kernel has to give it.
    let ballast = vec![1u8; megabytes.saturating_mul(1 << 20)];
    let policy = Policy::base();
    let Ok(plan) = policy.plan([COMMAND]) else { return ExitCode::FAILURE };
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let started = Instant::now();
        let status = match &**how {
            "bare" => Command::new(COMMAND).status().ok().and_then(|status| status.code()),
            "policy" => policy.run([COMMAND]).ok().map(|outcome| outcome.status().into()),
            "plan" => plan.run().ok().map(|outcome| outcome.status().into()),
            _ => return usage(),
        };
        taken.push(started.elapsed().as_secs_f64() * 1e3);
        if status != Some(0) {
            return ExitCode::FAILURE;
        }
    }
    taken.sort_by(f64::total_cmp);
    let Some(median) = taken.get(times / 2) else { return usage() };
    println!("{median:.4}");
    core::hint::black_box(ballast);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: launcher MEGABYTES bare|policy|plan TIMES");
    ExitCode::from(2)
}
