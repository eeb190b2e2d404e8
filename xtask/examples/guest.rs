//! What runs in the virtual machine: it mounts what tests need, runs each program of a list, and turns the
//! machine off.
//!
//! Everything it prints goes to the serial console, which the task on the host reads. Static, with the
//! standard library alone; for what that cannot do it asks busybox. Process 1 is busybox too, for orphans
//! want to be waited for.

use core::time::Duration;
use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

/// Of each program: a name, a letter for its class, the user's number, the Landlock ABI it needs, the seconds
/// it may take, its folder, its path and its arguments.
const LIST: &str = "/tests/list";
/// Where a program's output is until it has ended: two that print at once would spoil the lines of each
/// other.
const LOG: &str = "/run/log";

const MOUNTS: &[(&str, &str, &str)] = &[
    ("proc", "/proc", "rw"),
    ("sysfs", "/sys", "rw"),
    ("devtmpfs", "/dev", "rw"),
    ("tmpfs", "/tmp", "mode=1777"),
    ("tmpfs", "/run", "mode=755"),
    ("securityfs", "/sys/kernel/security", "rw"),
    ("cgroup2", "/sys/fs/cgroup", "rw"),
    ("devpts", "/dev/pts", "ptmxmode=666,mode=620,gid=5"),
    ("tmpfs", "/dev/shm", "mode=1777"),
];

fn main() {
    for (kind, path, options) in MOUNTS {
        say(fs::create_dir_all(path), path);
        busybox(&["mount", "-t", kind, "-o", options, kind, path]);
    }
    busybox(&["ln", "-s", "/proc/self/fd", "/dev/fd"]);
    for (name, number) in [("stdin", "0"), ("stdout", "1"), ("stderr", "2")] {
        busybox(&["ln", "-s", &format!("/proc/self/fd/{number}"), &format!("/dev/{name}")]);
    }
    busybox(&["ip", "link", "set", "lo", "up"]);
    busybox(&["hostname", "guest"]);
    // There are no modules. The kernel is not to look for a program that loads one at each of the thousands
    // of sockets which tests ask for.
    say(fs::write("/proc/sys/kernel/modprobe", "\n"), "modprobe");
    if env::args().nth(1).is_some_and(|word| word == "shell") {
        println!("The tests are in /tests. `poweroff -f` ends the machine.");
        busybox(&["setsid", "cttyhack", "sh"]);
    } else {
        say(run_all(), LIST);
        // To set anything waits until the last line has left the serial port, which a power-off does not.
        busybox(&["stty", "-F", "/dev/console", "opost"]);
    }
    busybox(&["poweroff", "-f"]);
}

fn run_all() -> io::Result<()> {
    let mut abi = 0;
    // From the kernel's command line.
    let classes = env::var("CLASSES").unwrap_or_default();
    for line in fs::read_to_string(LIST)?.lines() {
        let mut words = line.split(' ');
        let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
        if let (Some(name), Some(class), Some(user), Some(needs), Some(seconds), Some(folder), Some(path)) = (
            words.next(),
            words.next(),
            number(words.next()),
            number(words.next()),
            number(words.next()),
            words.next(),
            words.next(),
        ) {
            if !classes.contains(class) {
                continue;
            }
            // The firmware may have left a line unfinished.
            println!("\n@@@ begin {name} {user}");
            let started = Instant::now();
            let end = if needs > abi {
                format!("needs_Landlock_ABI_{needs}")
            } else {
                // A shell of the same user starts it, as on a user's machine.
                let mut command = Command::new("/bin/sh");
                command.args(["-c", "\"$@\"; exit $?", "sh", path]).args(words);
                command.env_clear().env("CARGO_MANIFEST_DIR", folder).current_dir(folder);
                run(command, user, Duration::from_secs(seconds.into())).unwrap_or_else(|e| e.to_string())
            };
            if needs <= abi {
                let log = fs::read(LOG)?;
                io::stdout().write_all(&log)?;
                abi = if name == "check" { landlock_abi(&log).unwrap_or(0) } else { abi };
            }
            println!("\n@@@ end {} {}", end.replace(' ', "_"), started.elapsed().as_millis());
        }
    }
    println!("@@@ done");
    Ok(())
}

/// The ABI in what `sandlock check --json` prints.
fn landlock_abi(log: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(log);
    let (_, rest) = text.split_once("\"landlock_abi\":")?;
    rest.split([',', '}']).next()?.parse().ok()
}

/// Runs a program to its end, or to the end of its time.
fn run(mut command: Command, user: u32, time: Duration) -> io::Result<String> {
    let log = File::create(LOG)?;
    let mut child = command
        .envs([
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", if user == 0 { "/root" } else { "/home/nobody" }),
            ("USER", if user == 0 { "root" } else { "nobody" }),
            ("SANDLOCK_TEST_BIN_DIR", "/tests/bin"),
        ])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .gid(user)
        .uid(user)
        .process_group(0)
        .spawn()?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { "ok".into() } else { status.to_string() });
        }
        if started.elapsed() > time {
            busybox(&["kill", "-9", &format!("-{}", child.id())]);
            child.kill()?;
            child.wait()?;
            return Ok("timeout".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn busybox(words: &[&str]) {
    let status = Command::new("/bin/busybox").args(words).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => println!("busybox {}: {status}", words.join(" ")),
        Err(error) => println!("busybox: {error}"),
    }
}

fn say<T>(result: io::Result<T>, what: &str) {
    if let Err(error) = result {
        println!("{what}: {error}");
    }
}
