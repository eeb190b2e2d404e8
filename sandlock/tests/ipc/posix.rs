//! POSIX shared memory and semaphores, with `--shm`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use crate::common::{Dir, PYTHON, finish, has, run, start, unique, until};
use crate::compile;

const PROGRAM: &str = include_str!("programs/posix.c");

/// A name that no other test has, as the program takes it and as a path.
fn name() -> (String, PathBuf) {
    let name = format!("sandlock-test-{}", unique());
    (format!("/{name}"), PathBuf::from("/dev/shm").join(name))
}

#[test]
fn they_work_as_they_do_outside() {
    for compiler in ["cc", "musl-gcc"] {
        if !has(they_work_as_they_do_outside, &[compiler]) {
            continue;
        }
        let (dir, (name, path)) = (Dir::new(), name());
        compile(&dir, compiler, "guest", PROGRAM);
        let script = format!("./guest all {name}");
        assert_eq!(run(&mut dir.bare(&script)).ok(), "all\n");
        assert_eq!(run(&mut dir.sandboxed(&["--shm"], &script)).ok(), "all\n", "{compiler}");
        run(&mut dir.sandboxed(&[], &script)).refused();
        assert!(!path.exists());
    }
}

#[test]
fn multiprocessing_works() {
    if !has(multiprocessing_works, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let text = "import multiprocessing as m, os
from multiprocessing.shared_memory import SharedMemory
def double(x): return 2 * x
def left(): return [name[:5] for name in os.listdir(os.environ['TMPDIR'])].count('.shm-')
if __name__ == '__main__':
    lock = m.Lock()
    with lock, m.Pool(2) as pool: print(pool.map(double, [1, 2]))
    one = SharedMemory(create=True, size=64)
    two = SharedMemory(name=one.name)
    two.buf[0] = 7
    print(one.buf[0], left())
    two.close(); one.close(); one.unlink()
    print(left())
";
    dir.file("main.py", 0o644, text);
    let script = format!("{PYTHON} main.py");
    let want = "[2, 4]\n7 1\n0\n";
    assert_eq!(run(&mut dir.sandboxed(&["--shm"], &script)).ok(), want);
    run(&mut dir.sandboxed(&[], &script)).refused();
}

#[test]
fn no_other_sandbox_and_nothing_outside_meets_them() {
    if !has(no_other_sandbox_and_nothing_outside_meets_them, &["cc"]) {
        return;
    }
    let (dir, (name, path)) = (Dir::new(), name());
    compile(&dir, "cc", "guest", PROGRAM);
    let step = |step: &str| format!("./guest {step} {name}");
    let hold = format!("{} && echo made && read line && {}", step("make"), step("open"));
    let mut holder = start(dir.sandboxed(&["--shm"], &hold).stdin(Stdio::piped()));
    // The first sandbox has its segment once the second one has made its own and gone.
    let script = format!("{} && {}", step("make"), step("open"));
    run(&mut dir.sandboxed(&["--shm"], &script)).ok();
    assert_eq!(run(&mut dir.sandboxed(&["--shm"], &step("open"))).code, libc::ENOENT);
    assert!(!path.exists());
    // One of the host's.
    run(&mut dir.bare(&step("make"))).ok();
    run(&mut dir.bare(&step("open"))).ok();
    assert_eq!(run(&mut dir.sandboxed(&["--shm"], &step("open"))).code, libc::ENOENT);
    assert_eq!(run(&mut dir.sandboxed(&["--shm"], &step("unlink"))).code, libc::ENOENT);
    assert_eq!(run(&mut dir.sandboxed(&[], &step("open"))).code, libc::EACCES);
    // Where it is granted it is met.
    for grant in ["/dev/shm", "/dev", path.to_str().unwrap()] {
        run(&mut dir.sandboxed(&["--shm", "-w", grant], &step("open"))).ok();
    }
    run(&mut dir.bare(&step("unlink"))).ok();
    drop(holder.stdin.take());
    drop(holder.kill());
    let _ = finish(holder);
}

#[test]
fn links_lead_neither_out_nor_in() {
    if !has(links_lead_neither_out_nor_in, &["cc"]) {
        return;
    }
    let (dir, (name, path)) = (Dir::new(), name());
    compile(&dir, "cc", "guest", PROGRAM);
    dir.file("secret", 0o644, "secret");
    let steps = |private: &str, steps: &str| {
        let script = format!("P={private}; {steps}").replace("NAME", &name);
        run(&mut dir.sandboxed(&["--shm", "-w", "."], &script))
    };
    // Files that the command puts where a segment would be: by the name that it has in the private directory.
    let planted = "$TMPDIR/.shm-${P#/}";
    for (plant, want) in [
        (format!("ln -s {} {planted}", dir.join("secret").display()), libc::ELOOP),
        (format!("ln -s /etc/passwd {planted}"), libc::ELOOP),
        (format!("mkfifo {planted}"), libc::EACCES),
        // EISDIR, of which libc makes this.
        (format!("mkdir {planted}"), libc::EINVAL),
        (format!("ln -s . {planted}"), libc::ELOOP),
    ] {
        let ran = steps("NAME", &format!("{plant} && ./guest open NAME"));
        assert_eq!(ran.code, want, "{plant}: {ran:?}");
    }
    // From the private place into a granted one, and the other way: neither is below /dev/shm.
    for (from, to) in [("/dev/shmNAME", "out"), ("secret", "/dev/shmNAME")] {
        let ran = steps("NAME", &format!("./guest make NAME; ./guest link {from} {to}"));
        assert!([libc::ENOENT, libc::EACCES, libc::EXDEV].contains(&ran.code), "{ran:?}");
    }
    assert!(!dir.join("out").exists() && !path.exists());
    // The private directory itself cannot be replaced, and a directory in it that is gone is no loss.
    let ran = steps("NAME", "mv $TMPDIR $TMPDIR-2; rm -rf $TMPDIR; ./guest make NAME && ./guest open NAME");
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_path_that_is_exchanged_after_the_look_gains_nothing() {
    if !has(a_path_that_is_exchanged_after_the_look_gains_nothing, &["cc"]) {
        return;
    }
    let (dir, outside, (name, path)) = (Dir::new(), Dir::new(), name());
    compile(&dir, "cc", "guest", PROGRAM);
    for secret in [outside.file("secret", 0o600, "secret"), path] {
        fs::write(&secret, "secret").unwrap();
        let script = format!("./guest race {name} {}", secret.display());
        assert_eq!(run(&mut dir.bare(&format!("cat {}", secret.display()))).ok(), "secret");
        assert_eq!(run(&mut dir.sandboxed(&["--shm"], &script)).ok(), "safe\n");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
        fs::remove_file(&secret).unwrap();
    }
}

#[test]
fn whatever_is_left_goes_with_the_sandbox() {
    if !has(whatever_is_left_goes_with_the_sandbox, &["cc"]) {
        return;
    }
    let (dir, (name, _)) = (Dir::new(), name());
    compile(&dir, "cc", "guest", PROGRAM);
    let script = format!("./guest make {name} && ls -A $TMPDIR && echo $TMPDIR");
    let ran = run(&mut dir.sandboxed(&["--shm"], &script));
    let text = ran.ok();
    assert!(text.contains(&format!(".shm-{}", name.trim_start_matches('/'))), "{text}");
    let private = PathBuf::from(text.lines().last().unwrap());
    until("the private directory is gone", || !fs::exists(&private).unwrap());
}
