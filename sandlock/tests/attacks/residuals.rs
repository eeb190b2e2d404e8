//! The attacks that SECURITY.md does not defend against: they work, and no more than that.

use core::time::Duration;
use std::fs;
use std::thread;

use sandlock_sys::{Pid, Signal, signal};

use crate::common::{Dir, abi, children, finish, pid, processes, run, start, stat, unique, until};
use crate::compiled;

const PEER: &str = include_str!("programs/peer.c");

/// Where connect is performed on behalf, a server in the sandbox sees the supervisor as its peer, or its
/// worker: a process of the same user.
#[test]
fn a_server_sees_a_process_of_the_supervisors_as_its_peer_before_abi_9() {
    let test = a_server_sees_a_process_of_the_supervisors_as_its_peer_before_abi_9;
    let Some(dir) = compiled(test, PEER) else { return };
    assert_eq!(run(&mut dir.command("./guest")).ok(), "client\n");
    let child = start(&mut dir.sandlock(["run", "-w", ".", "--", "./guest"]));
    let supervisor = pid(&child).to_string();
    let ran = finish(child);
    if abi() >= 9 {
        assert_eq!(ran.ok(), "client\n");
    } else {
        let seen = ran.ok().strip_suffix(", user same\n").and_then(|seen| seen.split_once(' '));
        let (peer, parent) = seen.unwrap();
        assert!(peer == supervisor || parent == supervisor, "{supervisor}: {ran:?}");
    }
}

/// A process that was killed and reaped, or waits to be.
fn has_ended(pid: Pid) -> bool {
    stat(pid).is_none_or(|(_, state, _)| state == 'Z')
}

/// Either of supervisor and guardian cleans up after the other; after both, nothing does. The command dies
/// with the guardian, its parent. A daemon of it goes on, and is as confined as before.
#[test]
fn after_supervisor_and_guardian_are_killed_at_once_the_command_ends_and_its_daemons_are_confined() {
    let (dir, outside) = (Dir::new(), Dir::new());
    let number = unique();
    // For a minute at most, should this test fail.
    let daemon = format!(
        "i=0; while [ $i -lt 600 ]; do echo x > {}/escaped; echo x > alive; sleep 0.1; i=$((i+1)); done",
        outside.text()
    );
    let script = format!("setsid sh -c '{daemon}' {number} >/dev/null 2>&1 & exec sleep {number}");
    let mut command = dir.sandboxed(&["-w", "."], &script);
    let child = start(command.env("TMPDIR", dir.text()));
    let (supervisor, daemons) = (pid(&child), || processes(&["sh", "-c", &daemon, &number]));
    let commands = || processes(&["sleep", &number]);
    until("both run", || daemons().len() == 1 && commands().len() == 1 && dir.join("alive").exists());
    let is_guardian = |pid: &Pid| stat(*pid).is_some_and(|(name, ..)| name == "sandlock-guard");
    let guardian = children(supervisor).into_iter().find(is_guardian).unwrap();
    // Stopped, neither hears of the other's end.
    for signal in [Signal::STOP, Signal::KILL] {
        for pid in [guardian, supervisor] {
            signal::kill(pid, signal).unwrap();
        }
    }
    assert_eq!(finish(child).code, 137);
    until("the command has ended", || commands().into_iter().all(has_ended));

    let left = daemons();
    fs::remove_file(dir.join("alive")).unwrap();
    until("the daemon goes on", || dir.join("alive").exists());
    thread::sleep(Duration::from_millis(300));
    let status = left.first().map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).unwrap());
    for pid in &left {
        signal::kill(*pid, Signal::KILL).unwrap();
    }
    let status = status.unwrap();
    assert!(left.len() == 1 && !outside.join("escaped").exists());
    for line in ["NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapEff:\t0000000000000000\n"] {
        assert!(status.contains(line), "{status}");
    }
}
