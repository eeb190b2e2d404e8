//! Signals that the kernel sends on behalf of a file: only processes of the sandbox get them.

use std::process::{Command, Stdio};

use crate::common::{Dir, Ran, abi, run};
use crate::compiled;

const SIGIO: &str = include_str!("programs/sigio.c");

/// The result of the program in a sandbox, against its supervisor and its guardian.
fn inside(dir: &Dir) -> Ran {
    run(&mut dir.sandboxed(&["-t", "50"], "./guest $PPID $(cut -d' ' -f4 /proc/$PPID/stat)"))
}

#[test]
fn a_file_signals_the_processes_of_its_sandbox_only() {
    let Some(dir) = compiled(a_file_signals_the_processes_of_its_sandbox_only, SIGIO) else { return };
    // Each way to name a process hits one outside: by every kind of file that can be waited for.
    let mut victim = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    let ran = run(dir.command("./guest").arg(victim.id().to_string()));
    let _ = victim.kill();
    victim.wait().unwrap();
    for line in ran.ok().lines().filter(|line| line.contains("SETOWN") && line.contains(", 19: ")) {
        // There is no group of its number, and two of the ways are of sockets only.
        let hits = !line.contains("group") && !line.ends_with("ENOTTY");
        assert_eq!(line.ends_with("the victim is hit"), hits, "{line}");
    }

    let ran = inside(&dir);
    assert!(ran.ok().ends_with("all of them\n"), "{ran:?}");
    let asked = if abi() < 6 { &["EPERM"][..] } else { &["nothing", "the caller is hit"] };
    for line in ran.out.lines().filter_map(|line| line.split_once(": ")) {
        let good = match line.0 {
            own if own.contains(", own, ") => line.1 == if abi() < 6 { "EPERM" } else { "its number" },
            none if none.contains(", none, ") => asked.contains(&line.1),
            _ => line.1 == "EPERM",
        };
        assert!(good, "{line:?}");
    }
}

#[test]
fn a_signal_of_a_terminal_stops_no_clock() {
    let Some(dir) = compiled(a_signal_of_a_terminal_stops_no_clock, SIGIO) else { return };
    for (signal, code) in [(libc::SIGSTOP, 124), (libc::SIGKILL, 137)] {
        // Where no signal can be asked for, the program goes on until its time is over.
        let code = if abi() < 6 { 124 } else { code };
        let ran = run(&mut dir.sandlock(["run", "-t", "2", "--", "./guest", "hold", &signal.to_string()]));
        assert_eq!(ran.code, code, "{signal}: {ran:?}");
    }
}
