//! An agent's tool runner: a shell command gets one directory, some seconds and no network; what it prints is
//! captured, up to a limit.
//!
//! `cargo run --example tool_runner -- 'echo hello > note && ls -l && sleep 60'`

use core::error::Error;
use core::time::Duration;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use sandlock::{Outcome, Policy, Stdio};

/// The most that is kept of what a tool prints, in bytes.
const OUTPUT_MAX: u64 = 64 * 1024;

/// The result of a tool, as it goes back to the model.
struct Report {
    outcome: Outcome,
    output: String,
}

fn run_tool(command: &str, workspace: &Path, limit: Duration) -> Result<Report, Box<dyn Error>> {
    let mut policy = Policy::base();
    policy.write(workspace).cwd(workspace).timeout(limit).clean_env();
    // Both outputs in one pipe, so that they stay in order.
    let script = format!("exec 2>&1; {command}");
    let plan = Arc::new(policy.plan(["sh", "-c", &script])?);
    let mut child = plan.spawn([Stdio::Null, Stdio::Piped, Stdio::Null])?;
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // What comes after the limit is dropped with the pipe, and a tool that goes on printing gets SIGPIPE.
        stdout.take(OUTPUT_MAX).read_to_end(&mut output)?;
    }
    let ended = child.wait()?;
    Ok(Report { outcome: ended.outcome, output: String::from_utf8_lossy(&output).into_owned() })
}

fn main() -> Result<(), Box<dyn Error>> {
    let command = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "echo hello > note && cat note; id; cat /etc/shadow".into());
    let workspace = std::env::temp_dir().join(format!("tool-{}", std::process::id()));
    std::fs::create_dir(&workspace)?;
    let report = run_tool(&command, &workspace, Duration::from_secs(5));
    std::fs::remove_dir_all(&workspace)?;
    let report = report?;
    print!("{}", report.output);
    match report.outcome {
        Outcome::TimedOut => println!("[it took too long]"),
        other => println!("[exit status {}]", other.status()),
    }
    Ok(())
}
