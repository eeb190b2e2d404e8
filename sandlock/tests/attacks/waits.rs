//! A call that waits behaves as the kernel's: signals, time limits, and as many at once as there are threads;
//! and waiting costs nothing.

use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::thread;

use sandlock_sys::{Pid, Signal, signal};

use crate::common::{Dir, finish, free_port, pid, run, start};
use crate::compiled;

const WAITS: &str = include_str!("programs/waits.c");
const QUEUED: &str = include_str!("programs/queued.c");

/// That the program comes to the same on both sides.
#[track_caller]
fn same<T: Copy>(test: T, words: &[&str], says: &str) {
    let Some(dir) = compiled(test, WAITS) else { return };
    let port = free_port().to_string();
    let words: Vec<&str> =
        words.iter().map(|word| if *word == "PORT" { port.as_str() } else { word }).collect();
    let outside = run(dir.command("./guest").args(&words));
    assert!(outside.ok().contains(says), "{outside:?}");
    let net = format!(":{port}");
    let flags = ["run", "-w", ".", "--net-allow", &net, "--net-allow-bind", &port, "--", "./guest"];
    let inside = run(dir.sandlock(flags).args(&words));
    assert_eq!(inside, outside);
}

#[test]
fn a_connect_to_a_unix_socket_hears_signals_and_time_limits() {
    same(a_connect_to_a_unix_socket_hears_signals_and_time_limits, &["unix"], "time limit: EAGAIN\n");
}

#[test]
fn a_connect_to_a_port_hears_signals_and_time_limits() {
    let test = a_connect_to_a_port_hears_signals_and_time_limits;
    same(test, &["tcp", "PORT"], "time limit: EINPROGRESS\n");
}

#[test]
fn a_hundred_threads_wait_and_none_fails() {
    same(a_hundred_threads_wait_and_none_fails, &["many"], "100 wait\n100 connected\n");
}

/// The processor time of a process so far, in hundredths of a second.
fn ticks(pid: Pid) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit_once(") ").unwrap().1.split(' ').collect();
    // utime and stime are fields 14 and 15, and these are the third and what follows.
    fields.get(11..13).unwrap().iter().map(|field| field.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_socket_that_is_ready_all_the_time_costs_nothing_while_it_waits() {
    let test = a_socket_that_is_ready_all_the_time_costs_nothing_while_it_waits;
    let Some(dir): Option<Dir> = compiled(test, QUEUED) else { return };
    let port = free_port().to_string();
    let net = format!(":{port}");
    let flags = ["run", "-q", "--net-allow", &net, "--net-allow-bind", &port, "--", "./guest", &port];
    let mut child = start(&mut dir.sandlock(flags));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for want in ["error", "waits"] {
        assert_eq!(lines.next().unwrap().unwrap(), want);
    }
    let before = ticks(pid(&child));
    thread::sleep(Duration::from_secs(2));
    let spent = ticks(pid(&child)).saturating_sub(before);
    signal::kill(pid(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child).code, 143);
    assert!(spent < 20, "{spent} hundredths of a second in two");
}
