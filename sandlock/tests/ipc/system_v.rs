//! System V shared memory, semaphores and message queues.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use sandlock_sys::ipc::{self, Kind};
use sandlock_sys::{Signal, signal};

use crate::common::{Dir, has, pid, run, skip, start, unique, until};
use crate::compile;

const PROGRAM: &str = include_str!("programs/system_v.c");
const KINDS: [(&str, Kind); 3] = [("shm", Kind::Memory), ("sem", Kind::Semaphores), ("msg", Kind::Messages)];

/// A key that no other test has.
fn key() -> i32 {
    let number: u64 = unique().parse().expect("digits");
    0x5a00_0000 | i32::try_from(number % 0xff_ffff).expect("24 bits")
}

/// Whether the machine has this object.
fn is_there(kind: &str, id: &str) -> bool {
    let list = fs::read_to_string(format!("/proc/sysvipc/{kind}")).expect("a list of the kernel's");
    list.lines().skip(1).any(|line| line.split_ascii_whitespace().nth(1) == Some(id))
}

/// A command that has made one of each kind, and goes on; their numbers.
fn holder(command: &mut Command) -> (Child, String) {
    let mut child = start(command.stdin(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    (child, line.trim_end().to_owned())
}

fn are_there(numbers: &str) -> usize {
    let numbers = numbers.split(' ').zip(KINDS);
    numbers.filter(|(number, (kind, _))| is_there(kind, number)).count()
}

#[test]
fn they_work_as_they_do_outside() {
    for compiler in ["cc", "musl-gcc"] {
        if !has(they_work_as_they_do_outside, &[compiler]) {
            continue;
        }
        let dir = Dir::new();
        compile(&dir, compiler, "guest", PROGRAM);
        let script = format!("./guest all {}", key());
        assert_eq!(run(&mut dir.bare(&script)).ok(), "all\n");
        assert_eq!(run(&mut dir.sandboxed(&[], &format!("{script} inside"))).ok(), "all\n", "{compiler}");
        assert_eq!(run(&mut dir.sandboxed(&["--base", "none", "-r", "/"], &script)).ok(), "all\n");
    }
}

#[test]
fn no_other_sandbox_and_nothing_outside_meets_them() {
    if !has(no_other_sandbox_and_nothing_outside_meets_them, &["cc"]) {
        return;
    }
    let (dir, key) = (Dir::new(), key());
    compile(&dir, "cc", "guest", PROGRAM);
    let make = format!("./guest make {key}");
    let (mut child, first) = holder(&mut dir.sandboxed(&[], &format!("{make}; read line")));
    assert_eq!(are_there(&first), 3, "{first}");
    // One of the host's, by the same key.
    let outside = run(&mut dir.bare(&make)).ok().trim_end().to_owned();
    assert!(!outside.contains('-') && outside != first, "{outside}");
    let second = run(&mut dir.sandboxed(&[], &make)).ok().trim_end().to_owned();
    assert!(!second.contains('-') && second != first && second != outside, "{second}");
    for numbers in [&first, &outside] {
        let script = format!("./guest use {numbers}");
        assert_eq!(run(&mut dir.bare(&script)).code, 0);
        assert_eq!(run(&mut dir.sandboxed(&[], &script)).code, 1);
        assert_eq!(are_there(numbers), 3);
    }
    for (number, (_, kind)) in outside.split(' ').zip(KINDS) {
        ipc::remove(kind, number.parse().expect("a number")).expect("our own");
    }
    drop(child.stdin.take());
    let _ = child.wait();
    assert_eq!(are_there(&first), 0);
}

#[test]
fn none_is_left_however_it_ends() {
    if !has(none_is_left_however_it_ends, &["cc"]) {
        return;
    }
    let dir = Dir::new();
    compile(&dir, "cc", "guest", PROGRAM);
    let script = format!("./guest make {}; read line", key());
    for how in ["end", "time", "kill", "guardian"] {
        let flags: &[&str] = if how == "time" { &["-t", "0.5"] } else { &[] };
        // What a killed supervisor leaves goes with this directory.
        let (mut child, numbers) = holder(dir.sandboxed(flags, &script).env("TMPDIR", &*dir));
        assert!(how == "time" || are_there(&numbers) == 3, "{numbers}");
        match how {
            "kill" => signal::kill(pid(&child), Signal::KILL).expect("a child"),
            "guardian" => {
                let guardian = crate::common::children(pid(&child));
                let guardian = guardian.first().expect("the guardian");
                signal::kill(*guardian, Signal::KILL).expect("the guardian");
            }
            "end" => drop(child.stdin.take()),
            _ => {}
        }
        let _ = child.wait();
        until(&format!("nothing is left after {how}"), || are_there(&numbers) == 0);
    }
}

#[test]
fn a_call_that_waits_in_the_kernel_ends_with_the_sandbox_and_hears_signals() {
    if !has(a_call_that_waits_in_the_kernel_ends_with_the_sandbox_and_hears_signals, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let text = "import ctypes, errno, signal, sys
c = ctypes.CDLL(None, use_errno=True)
queue = c.msgget(0, 0o600)
signal.signal(signal.SIGALRM, lambda *_: None); signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.1)
buffer = ctypes.create_string_buffer(64)
print(c.msgrcv(queue, buffer, 8, 0, 0), errno.errorcode[ctypes.get_errno()], flush=True)
c.msgrcv(queue, buffer, 8, 0, 0)
";
    dir.file("main.py", 0o644, text);
    let ran = run(&mut dir.sandboxed(&["-t", "1"], "python3 main.py"));
    assert_eq!((ran.code, &*ran.out), (124, "-1 EINTR\n"), "{ran:?}");
}

#[test]
fn a_database_is_made_and_answers() {
    // Debian has them in a folder of their own.
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folder = folders.map(|folder| folder.path().join("bin")).find(|bin| bin.join("initdb").is_file());
    let Some(folder) = folder else {
        return skip(a_database_is_made_and_answers, "not installed: [\"initdb\"]");
    };
    if sandlock_sys::process::getuid() == sandlock_sys::Uid::new(0) {
        return skip(a_database_is_made_and_answers, "PostgreSQL refuses to run as root");
    }
    let dir = Dir::new();
    let made = "initdb --no-sync -A trust -D data >log 2>&1 || { cat log; exit 1; }";
    let query = "echo 'select 6 * 7 as answer' | postgres --single -D data postgres 2>&1 | grep -o '\"42\"'";
    for kind in ["mmap", "sysv"] {
        let script = format!(
            "PATH={}:$PATH; rm -rf data; {made}; echo shared_memory_type={kind} >>data/postgresql.conf; {query}; rm -rf data",
            folder.display()
        );
        assert_eq!(run(&mut dir.sandboxed(&["-w", "."], &script)).ok(), "\"42\"\n", "{kind}");
    }
}
