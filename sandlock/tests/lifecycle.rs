//! From start to end: signals, time limits, and that no process of a sandbox is left, however it ends.

#![cfg(feature = "cli")]

mod common;

use core::time::Duration;
use std::thread;
use std::time::Instant;

use common::{Dir, children, finish, has, pid, processes, run, start, stat, unique, until};
use sandlock_sys::{Pid, Signal, signal};

/// A command that sleeps for ever under arguments that no other process has, and the number that makes it so.
fn sleeper() -> (String, String) {
    // Seconds, of which a 32-bit sleep takes up to 2^32.
    let number = unique();
    (format!("sleep {number}"), number)
}

fn sleeping(number: &str) -> usize {
    processes(&["sleep", number]).len()
}

/// A shell script that leaves a daemon behind (its own session, its parent gone), a background job, and waits
/// itself.
fn household(number: &str) -> String {
    format!("setsid sh -c 'sleep {number} & setsid sleep {number} &' & sleep {number} & sleep {number}")
}

/// Starts a household and waits until all four of it sleep.
fn settled(dir: &Dir, number: &str) -> std::process::Child {
    // A supervisor that is killed leaves its private directory behind: in `dir`, which goes.
    let child = start(dir.sandboxed(&[], &household(number)).env("TMPDIR", dir.text()));
    until("four sleep", || sleeping(number) == 4);
    child
}

#[test]
fn without_a_sandbox_daemons_do_survive() {
    let dir = Dir::new();
    let (sleep, number) = sleeper();
    run(&mut dir.bare(&format!("setsid {sleep} >/dev/null 2>&1 & exit 0"))).ok();
    until("the daemon sleeps", || sleeping(&number) == 1);
    for pid in processes(&["sleep", &number]) {
        signal::kill(pid, Signal::KILL).unwrap();
    }
}

#[test]
fn a_normal_end_leaves_nobody() {
    let dir = Dir::new();
    let (sleep, number) = sleeper();
    let script =
        format!("for i in 1 2 3 4 5 6 7 8 9 10; do setsid {sleep} & setsid setsid {sleep} & done; exit 4");
    let ran = run(&mut dir.sandboxed(&[], &script));
    assert_eq!((ran.code, sleeping(&number)), (4, 0), "{ran:?}");
}

#[test]
fn two_hundred_daemons_are_gone() {
    let dir = Dir::new();
    let (sleep, number) = sleeper();
    let script = format!("i=0; while [ $i -lt 200 ]; do setsid {sleep} & i=$((i+1)); done; sleep 0.2");
    run(&mut dir.sandboxed(&[], &script)).ok();
    assert_eq!(sleeping(&number), 0);
}

#[test]
fn a_time_limit_ends_everybody_and_says_so() {
    let dir = Dir::new();
    let number = sleeper().1;
    let started = Instant::now();
    let ran = run(&mut dir.sandboxed(&["-t", "1"], &household(&number)));
    assert_eq!((ran.code, sleeping(&number)), (124, 0), "{ran:?}");
    assert!(ran.err.contains("time limit"), "{ran:?}");
    assert!((1..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[test]
fn a_command_that_stops_itself_or_its_supervisors_group_does_not_stop_the_clock() {
    let dir = Dir::new();
    for script in ["kill -STOP $$", "kill -TSTP $$", "kill -STOP 0"] {
        assert_eq!(run(&mut dir.sandboxed(&["-t", "0.5"], script)).code, 124, "{script}");
    }
}

#[test]
fn sigkill_of_the_supervisor_leaves_nobody() {
    let dir = Dir::new();
    let number = sleeper().1;
    let child = settled(&dir, &number);
    signal::kill(pid(&child), Signal::KILL).unwrap();
    assert_eq!(finish(child).code, 137);
    until("nobody sleeps", || sleeping(&number) == 0);
}

#[test]
fn sigkill_of_the_guardian_leaves_nobody_and_is_told() {
    if common::agreed().contains("signal-scope") {
        // The supervisor dares no kill(-1) there, and no other process is left to find them.
        let test = sigkill_of_the_guardian_leaves_nobody_and_is_told;
        return common::skip(test, "this kernel scopes no signals");
    }
    let dir = Dir::new();
    let number = sleeper().1;
    let child = settled(&dir, &number);
    let guardians: Vec<Pid> = children(pid(&child))
        .into_iter()
        .filter(|pid| stat(*pid).is_some_and(|(name, ..)| name == "sandlock-guard"))
        .collect();
    assert_eq!(guardians.len(), 1);
    signal::kill(guardians[0], Signal::KILL).unwrap();
    let ran = finish(child);
    assert!(ran.code == 125 && ran.err.contains("guardian"), "{ran:?}");
    until("nobody sleeps", || sleeping(&number) == 0);
}

/// Found by `cargo xtask inject`: the next call that was a worker's waited for ever.
#[test]
fn sigkill_of_a_worker_ends_everybody_and_is_told() {
    let dir = Dir::new();
    let (sleep, number) = sleeper();
    dir.file("file", 0o644, "");
    let script = format!("chmod 600 file; {sleep} & read line; chmod 640 file; wait");
    let mut command = dir.sandboxed(&["-w", "."], &script);
    let mut child = start(command.stdin(std::process::Stdio::piped()));
    until("it sleeps", || sleeping(&number) == 1);
    let workers: Vec<Pid> = children(pid(&child))
        .into_iter()
        .filter(|pid| stat(*pid).is_some_and(|(name, ..)| name == "sandlock-worker"))
        .collect();
    assert_eq!(workers.len(), 1);
    signal::kill(workers[0], Signal::KILL).unwrap();
    // The end may come first.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"go on\n");
    let ran = finish(child);
    assert!(ran.code == 125 && ran.err.contains("worker"), "{ran:?}");
    until("nobody sleeps", || sleeping(&number) == 0);
}

#[test]
fn a_signal_reaches_the_command_and_its_end_everybody() {
    let dir = Dir::new();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let number = sleeper().1;
        let child = settled(&dir, &number);
        signal::kill(pid(&child), signal).unwrap();
        let ran = finish(child);
        assert_eq!((ran.code, sleeping(&number)), (code, 0), "{ran:?}");
    }
}

#[test]
fn a_command_may_handle_or_ignore_what_is_passed_on() {
    let dir = Dir::new();
    let handled = "trap 'echo caught; exit 5' TERM; echo ready > ready; while :; do sleep 0.05; done";
    let child = start(&mut dir.sandboxed(&["-w", "."], handled));
    until("it is ready", || dir.join("ready").exists());
    signal::kill(pid(&child), Signal::TERM).unwrap();
    let ran = finish(child);
    assert_eq!((ran.code, ran.out.as_str()), (5, "caught\n"), "{ran:?}");

    let ignored = "trap '' TERM; echo ready > ready2; sleep 1; exit 6";
    let child = start(&mut dir.sandboxed(&["-w", "."], ignored));
    until("it is ready", || dir.join("ready2").exists());
    signal::kill(pid(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child).code, 6);
}

#[test]
fn no_zombie_is_left_and_orphans_are_reaped() {
    let dir = Dir::new();
    // Fifty orphans end while the command still runs: the guardian, its parent, has reaped them all by the
    // time it counts.
    let script = "i=0; while [ $i -lt 50 ]; do (true &) ; i=$((i+1)); done; sleep 0.5; \
                  cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent=$PPID '$3 == \"Z\" && $4 == parent' | wc -l";
    let child = start(&mut dir.sandboxed(&[], script));
    let supervisor = pid(&child);
    assert_eq!(finish(child).ok().trim(), "0");
    assert!(children(supervisor).is_empty());
}

#[test]
fn a_death_by_signal_is_not_silent() {
    let dir = Dir::new();
    for (name, code) in [("SEGV", 139), ("KILL", 137), ("ABRT", 134)] {
        let ran = run(&mut dir.sandboxed(&[], &format!("kill -{name} $$")));
        assert!(ran.code == code && ran.err.contains(name), "{ran:?}");
    }
}

#[test]
fn a_pipeline_loop_of_a_thousand_turns_never_hangs() {
    if !has(a_pipeline_loop_of_a_thousand_turns_never_hangs, &["dash"]) {
        return;
    }
    let dir = Dir::new();
    let script =
        "i=0; while [ $i -lt 1000 ]; do echo $i | cat | cat >/dev/null || exit 9; i=$((i+1)); done; echo $i";
    let ran = run(&mut dir.sandlock(["run", "--", "dash", "-c", script]));
    assert_eq!(ran.ok(), "1000\n");
}

/// A python program that connects to a socket whose backlog is full, while another process of the sandbox
/// makes calls that are trapped.
const FULL: &str = r#"
import os, socket, sys, time
path = os.environ['TMPDIR'] + '/s'
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen(0)
first = socket.socket(socket.AF_UNIX); first.connect(path)
if os.fork() == 0:
    blocked = socket.socket(socket.AF_UNIX)
    try:
        blocked.connect(path)
    finally:
        os._exit(0)
time.sleep(0.3)
started = time.monotonic()
for _ in range(200):
    socket.if_nameindex()
print('others go on' if time.monotonic() - started < 5 else 'others wait')
if sys.argv[1] == 'accept':
    server.accept(); server.accept()
    os.wait()
    print('and it got through')
else:
    time.sleep(60)
"#;

#[test]
fn a_connect_that_waits_blocks_its_caller_and_nobody_else() {
    if !has(a_connect_that_waits_blocks_its_caller_and_nobody_else, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let ran = run(&mut dir.sandlock(["run", "--", common::PYTHON, "-c", FULL, "accept"]));
    assert_eq!(ran.ok(), "others go on\nand it got through\n");
    // And the clock does not wait either.
    let started = Instant::now();
    let ran = run(&mut dir.sandlock(["run", "-t", "2", "--", common::PYTHON, "-c", FULL, "never"]));
    assert_eq!(ran.code, 124, "{ran:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn sandboxes_side_by_side_do_not_meet() {
    let dir = Dir::new();
    let mine = sleeper().1;
    let child = settled(&dir, &mine);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let dir = Dir::new();
                let (sleep, number) = sleeper();
                run(&mut dir.sandboxed(&[], &format!("setsid {sleep} & sleep 0.1"))).ok();
                assert_eq!(sleeping(&number), 0);
            });
        }
    });
    // Eight ends, each of which killed every process it could reach, and none of ours.
    assert_eq!(sleeping(&mine), 4);
    signal::kill(pid(&child), Signal::TERM).unwrap();
    finish(child);
}

/// The same connect, while a thread keeps taking the flag away that keeps the supervisor from waiting in it.
const FLIPPED: &str = r#"
import fcntl, os, socket, sys, threading, time
path = os.environ['TMPDIR'] + '/s'
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen(0)
first = socket.socket(socket.AF_UNIX); first.connect(path)
blocked = socket.socket(socket.AF_UNIX)
def flip():
    while True: fcntl.fcntl(blocked.fileno(), fcntl.F_SETFL, os.O_RDWR)
threading.Thread(target=flip, daemon=True).start()
print('waits', flush=True)
blocked.connect(path)
"#;

#[test]
fn nothing_makes_a_connect_block_the_supervisor() {
    if !has(nothing_makes_a_connect_block_the_supervisor, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let started = Instant::now();
    let ran = run(&mut dir.sandlock(["run", "-t", "2", "--", common::PYTHON, "-c", FLIPPED]));
    assert_eq!((ran.code, ran.out.as_str()), (124, "waits\n"), "{ran:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_caller_that_ignores_its_children_is_served_all_the_same() {
    if !has(a_caller_that_ignores_its_children_is_served_all_the_same, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])";
    let sandlock = common::built("sandlock");
    let mut command = dir.command(common::PYTHON);
    let ran =
        run(command.args(["-c", ignoring]).arg(sandlock).args(["run", "--", "sh", "-c", "true; exit 5"]));
    assert_eq!(ran.code, 5, "{ran:?}");
}

#[test]
fn fewer_capabilities_than_roots_are_enough() {
    if !has(fewer_capabilities_than_roots_are_enough, &["setpriv"])
        || sandlock_sys::process::getuid().get() != 0
    {
        return;
    }
    let dir = Dir::new();
    for bounding in ["-setpcap", "-all,+net_bind_service"] {
        let mut command = dir.command("setpriv");
        command.args(["--bounding-set", bounding, "--"]).arg(common::built("sandlock"));
        let ran = run(command.args([
            "run",
            "--",
            "sh",
            "-c",
            "grep -E '^Cap(Prm|Eff|Inh|Amb)' /proc/self/status | grep -cv 0000000000000000",
        ]));
        assert_eq!((ran.code, ran.out.as_str()), (1, "0\n"), "{bounding}: {ran:?}");
    }
}

#[test]
fn a_half_closed_socket_costs_nothing() {
    if !has(a_half_closed_socket_costs_nothing, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    // The supervisor is the guardian's parent; its time is in /proc/PID/stat, in hundredths of a second.
    let script = "import os, socket, time\ns = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.shutdown(socket.SHUT_WR)\n\
                  s = [s, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)]; s[1].shutdown(socket.SHUT_RD)\n\
                  import struct; s[1].send(struct.pack('=IHHIIi', 20, 18, 0x301, 1, 0, 0))\n\
                  parent = lambda pid: int(open(f'/proc/{pid}/stat').read().rsplit(')')[1].split()[1])\n\
                  spent = lambda pid: sum(map(int, open(f'/proc/{pid}/stat').read().rsplit(')')[1].split()[11:13]))\n\
                  boss = parent(os.getppid()); before = spent(boss); time.sleep(1); print(spent(boss) - before < 30)";
    assert_eq!(run(&mut dir.sandlock(["run", "--", common::PYTHON, "-c", script])).ok(), "True\n");
}

/// Sockets of every emulated netlink that ask for more than they ever read, among garbage; then each is read
/// to its end.
const NEVER_READ: &str = r"
import os, socket, struct
parent = lambda pid: int(open(f'/proc/{pid}/stat').read().rsplit(')')[1].split()[1])
boss = parent(os.getppid())
rss = lambda: int(open(f'/proc/{boss}/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
dump = lambda kind: struct.pack('=IHHIIB3x', 20, kind, 0x301, 7, 0, 0)
acks = struct.pack('=IHHII', 16, 1, 5, 7, 0) * 4000
sockets = [socket.socket(16, 3 | socket.SOCK_NONBLOCK, protocol) for protocol in (0, 4, 15, 16) * 2]
def flood():
    for one in sockets:
        for bytes in (dump(18), dump(22) + os.urandom(65000), acks, b'\xff' * 65536, os.urandom(65536)):
            try: one.send(bytes)
            except BlockingIOError: pass
for _ in range(20): flood()
before = rss()
for _ in range(60): flood()
assert socket.if_nameindex() == [(1, 'lo')]
assert rss() - before < 1 << 20, (before, rss())
def read(one):
    data = one.recv(65536)
    length, kind, flags, seq, pid = struct.unpack('=IHHII', data[:16])
    assert 16 <= length <= len(data) <= 4096 and kind in (2, 3, 16, 20), (length, len(data), kind)
    return seq
for one in sockets:
    one.settimeout(0.2)
    try:
        while True: read(one)
    except TimeoutError: pass
    one.send(struct.pack('=IHHII', 16, 1, 5, 99, 0))
    assert read(one) == 99
print('all of it')
";

#[test]
fn what_is_never_read_costs_the_supervisor_nothing() {
    if has(what_is_never_read_costs_the_supervisor_nothing, &["python3"]) {
        let dir = Dir::new();
        let ran = run(&mut dir.sandlock(["run", "-t", "60", "--", common::PYTHON, "-c", NEVER_READ]));
        assert_eq!(ran.ok(), "all of it\n");
    }
}

#[test]
fn a_signal_ends_a_command_that_is_stopped() {
    let dir = Dir::new();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let child = start(&mut dir.sandboxed(&["-t", "5"], "kill -STOP $$; sleep 60"));
        let is_stopped = |pid: Pid| stat(pid).is_some_and(|(_, state, _)| state == 'T');
        until("the command is stopped", || {
            children(pid(&child)).into_iter().flat_map(children).any(is_stopped)
        });
        signal::kill(pid(&child), signal).unwrap();
        assert_eq!(finish(child).code, code);
    }
}

#[test]
fn each_signal_that_is_passed_on_arrives_as_itself_and_what_the_caller_ignores_stays_ignored() {
    let dir = Dir::new();
    for (name, signal) in [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("TERM", Signal::TERM),
    ] {
        let script =
            format!("trap 'echo {name}; exit 5' {name}; echo > ready{name}; while :; do sleep 0.05; done");
        let child = start(&mut dir.sandboxed(&["-w", "."], &script));
        until("it is ready", || dir.join(format!("ready{name}")).exists());
        signal::kill(pid(&child), signal).unwrap();
        let ran = finish(child);
        assert_eq!((ran.code, ran.out.trim_end()), (5, name), "{ran:?}");
    }
    // As nohup(1) does.
    let sandlock = common::built("sandlock");
    let ignoring = format!(
        "trap '' HUP INT; exec {} run {} -- sh -c 'kill -HUP $$; kill -INT $$; echo alive'",
        sandlock.display(),
        common::agreed()
    );
    assert_eq!(run(&mut dir.bare(&ignoring)).ok(), "alive\n");
}

#[test]
fn a_time_limit_ends_what_ignores_every_signal() {
    let dir = Dir::new();
    let ran =
        run(&mut dir.sandboxed(&["-t", "0.5"], "trap '' TERM HUP INT QUIT; while :; do sleep 0.05; done"));
    assert_eq!(ran.code, 124, "{ran:?}");
}

#[test]
fn a_status_comes_through_a_chain_of_shells() {
    let dir = Dir::new();
    let ran = run(&mut dir.sandboxed(&[], r#"sh -c 'sh -c "sh -c \"exit 42\"; exit \$?"; exit $?'"#));
    assert_eq!(ran.code, 42, "{ran:?}");
    // Of a shell that was killed its parent makes 128 + n, and of that we make nothing else.
    assert_eq!(run(&mut dir.sandboxed(&[], "sh -c 'kill -KILL $$'; exit $?")).code, 137);
}

/// A daemon that never is for long the process it was: each of its lives makes the next and ends.
const HOPPER: &str = "
import os, sys
if os.fork() == 0:
    os.setsid()
    while True:
        if os.fork(): os._exit(0)
";

#[test]
fn a_daemon_that_keeps_changing_its_process_is_caught() {
    if !has(a_daemon_that_keeps_changing_its_process_is_caught, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let mark = unique();
    let script = format!("{} -c \"$0\" {mark}; sleep 0.3", common::PYTHON);
    for _ in 0..10 {
        run(&mut dir.sandlock(["run", "--", "sh", "-c", &script, HOPPER])).ok();
        assert_eq!(processes(&[common::PYTHON, "-c", HOPPER, &mark]).len(), 0);
    }
}

#[test]
fn killed_at_any_moment_it_leaves_nobody() {
    let (dir, tmp) = (Dir::new(), Dir::new());
    let (sleep, number) = sleeper();
    for turn in 0..40 {
        let script = format!("setsid {sleep} & {sleep}");
        let child = start(dir.sandboxed(&[], &script).env("TMPDIR", tmp.text()));
        thread::sleep(Duration::from_micros(turn * 400));
        signal::kill(pid(&child), Signal::KILL).unwrap();
        assert_eq!(finish(child).code, 137);
    }
    until("nobody sleeps", || sleeping(&number) == 0);
}

#[test]
fn ended_at_any_moment_it_leaves_no_directory() {
    let (dir, tmp) = (Dir::new(), Dir::new());
    for turn in 0..60 {
        let child = start(dir.sandboxed(&[], "sleep 60").env("TMPDIR", tmp.text()));
        thread::sleep(Duration::from_micros(turn * 200));
        signal::kill(pid(&child), Signal::TERM).unwrap();
        assert_eq!(finish(child).code, 143);
    }
    assert_eq!(std::fs::read_dir(&*tmp).unwrap().count(), 0, "directories are left behind");
}
