//! Names of the policy: each is opened once and means one file, whatever is done to it meanwhile; and none
//! means a process's own files.

#![cfg(feature = "cli")]

mod common;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::Instant;
use std::{fs, thread};

use common::{Dir, PYTHON, has, run};

/// Runs `attack` over and over until `body` has ended, well or not.
fn meanwhile(attack: impl Fn() + Sync, body: impl FnOnce()) {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _over = Over(&is_over);
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                attack();
            }
        });
        body();
    });
}

/// The control is that both meanings were met.
/// As many tries as that, or as there is time for: an emulated machine has time for a few.
fn tries(most: usize) -> impl Iterator<Item = usize> {
    let started = Instant::now();
    (0..most).take_while(move |_| started.elapsed() < Duration::from_secs(25))
}

#[test]
fn a_command_that_becomes_a_directory_grants_no_directory() {
    let (dir, secret) = (Dir::new(), Dir::new());
    secret.file("file", 0o644, "secret");
    dir.file("real", 0o755, format!("#!/bin/sh\ncat {}/file\n", secret.text()));
    symlink("real", dir.join("tool")).unwrap();
    let next = |target: &Path| {
        symlink(target, dir.join("new")).unwrap();
        fs::rename(dir.join("new"), dir.join("tool")).unwrap();
    };
    let flip = || {
        next(Path::new("real"));
        next(&secret);
    };
    let tool = format!("{}/tool", dir.text());
    let (mut started, mut refused) = (0, 0);
    meanwhile(flip, || {
        for _ in tries(150) {
            let ran = run(&mut dir.sandlock(["run", "--", &tool]));
            assert!(!ran.out.contains("secret"), "{ran:?}");
            if ran.code == 126 { refused += 1 } else { started += 1 }
        }
    });
    assert!(started > 0 && refused > 0, "{started} {refused}");
}

/// Names of an attacker in a directory it may change: each temporary directory that appears becomes a link.
#[test]
fn a_private_directory_that_is_replaced_grants_nothing_else() {
    let (shared, outside, aside) = (Dir::new(), Dir::new(), Dir::new());
    let replaced = AtomicU32::new(0);
    let replace = || {
        for entry in fs::read_dir(&*shared).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                if fs::rename(&path, aside.join(common::unique())).is_ok() {
                    let _ = symlink(&*outside, &path);
                    replaced.fetch_add(1, Ordering::Relaxed);
                }
            } else {
                // The shorter the list, the sooner a new one is seen.
                let _ = fs::remove_file(&path);
            }
        }
    };
    meanwhile(replace, || {
        for _ in tries(300) {
            let script = format!("echo x > {}/escaped", outside.text());
            let ran = run(shared.sandboxed(&[], &script).env("TMPDIR", shared.text()));
            assert!(!outside.join("escaped").exists(), "{ran:?}");
        }
    });
    assert!(replaced.into_inner() > 0, "the attack never was in time");
}

#[test]
fn what_is_a_processs_own_or_nameless_cannot_be_granted() {
    let dir = Dir::new();
    for path in [
        "/proc/self",
        "/proc/thread-self",
        "/dev/fd",
        "/proc/self/root",
        "/proc/self/cwd",
        "/proc/1",
        "/proc/self/task",
        "/proc/self/oom_score_adj",
    ] {
        for flag in ["-r", "-w"] {
            let ran = run(&mut dir.sandlock(["run", flag, path, "--", "true"]));
            assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (125, "", 1), "{path} {ran:?}");
            assert!(ran.err.contains(path) && ran.err.contains("process"), "{ran:?}");
        }
    }
    for (path, stdin, word) in [
        ("/dev/stdin", "true |", "pipe"),
        ("/proc/self/fd/0", "true |", "pipe"),
        ("/proc/self/ns/net", "", "process"),
    ] {
        let sandlock = format!("{}{}", common::built("sandlock").display(), " run");
        let script = format!("{stdin} {sandlock} {} -r {path} -- true", common::agreed());
        let ran = run(&mut dir.bare(&script));
        assert!(ran.code == 125 && ran.err.contains(word) && !ran.err.contains("EBADFD"), "{path} {ran:?}");
    }
    // A file that standard input is, and one with a name of its own, can.
    dir.file("file", 0o644, "text");
    let file = fs::File::open(dir.join("file")).unwrap();
    let ran = run(dir.sandlock(["run", "-r", "/dev/stdin", "--", "cat", "/dev/stdin"]).stdin(file));
    assert_eq!(ran.ok(), "text");
    run(&mut dir.bare(&format!("mkfifo {}/fifo", dir.text()))).ok();
    run(&mut dir.sandlock(["run", "-w", "fifo", "--", "true"])).ok();
}

/// Tries to write to files of the supervisor, the guardian and the command's own process. The sandbox's
/// processes are in one user's hands, so outside the same works on a process that is one's own.
const WRITES: &str = r#"
import os, sys
def parent(pid): return int(open('/proc/%s/stat' % pid).read().rsplit(') ', 1)[1].split()[1])
guardian = parent('self'); supervisor = parent(guardian)
for pid in (guardian, supervisor):
    for file in ('oom_score_adj', 'comm', 'clear_refs', 'coredump_filter', 'timerslack_ns', 'autogroup', 'oom_adj',
                 'task/%d/comm' % pid, 'task/%d/oom_score_adj' % pid, 'mem', 'sched', 'attr/current'):
        for base in sys.argv[1:]:
            try: os.open('%s/%d/%s' % (base, pid, file), os.O_WRONLY); print('opened', base, file)
            except OSError: pass
            try: os.truncate('%s/%d/%s' % (base, pid, file), 0); print('truncated', base, file)
            except OSError: pass
print('score', open('/proc/self/oom_score_adj').read().strip(), open('/proc/%d/oom_score_adj' % supervisor).read().strip())
"#;

#[test]
fn with_all_of_proc_nothing_of_the_supervisor_can_be_written() {
    if !has(with_all_of_proc_nothing_of_the_supervisor_can_be_written, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let ours: i32 = fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim().parse().unwrap();
    let want = format!("score {} {ours}\n", (ours + 500).min(1000));
    for flags in [&["-w", "/proc"][..], &["-w", "/"], &["-w", "/proc", "-w", "/proc/sys", "-r", "/proc"], &[]]
    {
        let python =
            ["--", PYTHON, "-c", WRITES, "/proc", "/proc/self/root/proc", "/proc/thread-self/../../"];
        let ran = run(&mut dir.sandlock([&["run"], flags, &python].concat()));
        assert_eq!(ran.ok(), want, "{flags:?}");
    }
    // The parent of a process that is not in a sandbox: a shell, and these tests.
    let script = format!("{PYTHON} -c \"$0\" /proc; true");
    let ran = run(dir.bare(&script).arg(WRITES));
    assert!(ran.ok().contains("opened /proc oom_score_adj"), "{ran:?}");
    // Files that are not a process's can be changed, as the user can change them.
    let inside = dir.text();
    let script =
        format!("echo x > {inside}/new && mkdir {inside}/d && echo y > {inside}/d/f && rm -r {inside}/d");
    run(&mut dir.sandboxed(&["-w", "/"], &script)).ok();
    let is_root = dir.metadata().unwrap().uid() == 0;
    if is_root {
        let script = "f=/proc/sys/kernel/core_uses_pid; echo $(cat $f) > $f";
        for (flags, works) in [(&["-w", "/proc"][..], true), (&["-w", "/"], true), (&[], false)] {
            assert_eq!(run(&mut dir.sandboxed(flags, script)).code == 0, works, "{flags:?}");
        }
    }
}

#[test]
fn a_link_that_leads_a_grant_elsewhere_is_said() {
    let (dir, other) = (Dir::new(), Dir::new());
    symlink(&*other, dir.join("link")).unwrap();
    fs::create_dir(dir.join("plain")).unwrap();
    let link = format!("{}/link", dir.text());
    let script = format!("echo x > {link}/file");
    let ran = run(&mut dir.sandboxed(&["-v", "-w", "link"], &script));
    ran.ok();
    assert!(ran.err.contains(&format!("link is {}, by the symbolic link {link}", other.text())), "{ran:?}");
    let ran = run(&mut dir.sandboxed(&["-v", "-w", "plain"], "true"));
    assert!(!ran.err.contains("symbolic link"), "{ran:?}");
}

#[test]
fn a_home_is_not_readable_wherever_it_is() {
    let (users, elsewhere) = (Dir::new(), Dir::new());
    let home = users.join("bob");
    fs::create_dir_all(home.join("project")).unwrap();
    fs::write(home.join("project/file"), "text").unwrap();
    fs::write(home.join("diary"), "secret").unwrap();
    symlink(&home, elsewhere.join("link")).unwrap();
    let read = |cwd: &Path, file: &str, home: Option<&str>| {
        let mut command = users.sandlock(["run", "--", "cat", file]);
        command.current_dir(cwd);
        match home {
            Some(home) => command.env("HOME", home),
            None => command.env_remove("HOME"),
        };
        run(&mut command).code == 0
    };
    let home_is = Some(home.to_str().unwrap());
    assert!(read(&home.join("project"), "file", home_is));
    assert!(read(&home, "diary", Some("/nonexistent")), "the control: nothing says that it is a home");
    assert!(!read(&home, "diary", home_is));
    assert!(!read(&users, "bob/diary", home_is));
    assert!(!read(&elsewhere.join("link"), "diary", home_is));
    assert!(!read(&home, "diary", Some(elsewhere.join("link").to_str().unwrap())));
    // Another user's, or one's own without the variable that names it.
    fs::create_dir(home.join(".ssh")).unwrap();
    assert!(!read(&home, "diary", None) && !read(&home, "diary", Some("/nonexistent")));
    assert!(read(&home.join("project"), "file", None));
}
