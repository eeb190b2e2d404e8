//! `sandlock run --why`: its first line is the cause, its advice is right, and it changes no outcome.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use common::{Dir, Ran, built, has, run};
use serde_json::Value;

/// Runs a script with `--why`, and more flags.
fn with(dir: &Dir, flags: &[&str], script: &str) -> Ran {
    run(&mut dir.sandboxed(&[&["--why"], flags].concat(), script))
}

/// The first line of a report, without its number.
fn first(ran: &Ran) -> &str {
    ran.err.lines().find_map(|line| line.strip_prefix("sandlock: 1. ")).unwrap_or_default()
}

/// The flags that allow everything in a report.
fn advice(ran: &Ran) -> Vec<String> {
    let line = ran.err.lines().find_map(|line| line.strip_prefix("sandlock: to allow all of this: "));
    line.unwrap_or_default().split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
}

/// The lines of a report for programs.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// A directory with files of every kind, which no policy grants.
fn outside() -> (Dir, UnixListener) {
    let dir = Dir::new();
    dir.file("file", 0o644, "text\n");
    dir.file("program", 0o755, "#!/bin/sh\necho ran\n");
    fs::create_dir(dir.join("folder")).unwrap();
    for number in 0..4 {
        dir.file(&format!("folder/{number}"), 0o644, "text\n");
    }
    symlink(dir.join("file"), dir.join("link")).unwrap();
    let socket = UnixListener::bind(dir.join("socket")).unwrap();
    (dir, socket)
}

/// Each fault of a program is the first line, with the call and the object; its advice makes the program run.
#[test]
fn the_first_line_is_the_cause_and_its_advice_makes_the_program_run() {
    let victim = built("victim");
    let victim = victim.to_str().unwrap();
    for (script, object, flag) in [
        ("cat {}/file", "{}/file (read)", "-r {}/file"),
        ("cat {}/link", "{}/file (read)", "-r {}/file"),
        ("cd {} && cat folder/../file", "{}/file (read)", "-r {}/file"),
        ("exec 3< {}/file", "{}/file (read)", "-r {}/file"),
        ("ls {}", "{} (list)", "-r {}"),
        ("echo x > {}/file", "{}/file (write)", "-w {}/file"),
        ("echo x > {}/new", "{}/new (make)", "-w {}"),
        ("mkdir {}/new", "{}/new (make)", "-w {}"),
        ("mkdir -p {}/new/more", "{}/new (make)", "-w {}"),
        ("mkfifo {}/new", "{}/new (make)", "-w {}"),
        ("ln -s x {}/new", "{}/new (make)", "-w {}"),
        ("rm -f {}/file", "{}/file (remove)", "-w {}"),
        ("rmdir {}/folder || rm -r {}/folder", "{}/folder", "-w {}"),
        ("mv {}/file {}/new", "{}/new (move)", "-w {}"),
        ("ln {}/file {}/new", "{}/new (move)", "-w {}"),
        ("chmod 600 {}/file", "{}/file (change)", "-w {}/file"),
        ("touch {}/file", "{}/file (", "-w {}/file"),
        ("{}/program", "{}/program (execute)", "-r {}/program"),
        ("cat {}/folder/0 {}/folder/1 {}/folder/2", "{}/folder/2 (read)", "-r {}/folder"),
        ("echo x > new", "/new (make)", "-w ."),
        ("mkdir -p a/b && echo x > a/b/c", "/a (make)", "-w ."),
    ] {
        let (dir, (outside, _socket)) = (Dir::new(), outside());
        let fill = |text: &str| text.replace("{}", outside.text());
        let (script, object) = (fill(script), fill(object));
        let ran = with(&dir, &[], &script);
        assert_ne!(ran.code, 0, "{script}: {ran:?}");
        assert!(first(&ran).contains(&object), "{script}: {object}: {ran:?}");
        assert_eq!(advice(&ran).join(" "), fill(flag), "{script}: {ran:?}");
        let flags = advice(&ran);
        let again = with(&dir, &flags.iter().map(String::as_str).collect::<Vec<_>>(), &script);
        assert_eq!(again.code, 0, "{script}: {again:?}");
    }
    let (dir, (outside, _socket)) = (Dir::new(), outside());
    for (attack, object, flag) in [
        ("tcp_connect 9", "127.0.0.1:9: EACCES", "--net-allow :9"),
        ("tcp_bind_port 45017", ":45017: EACCES", "--net-allow-bind 45017"),
        ("tcp_bind", ":0: EACCES", "--net-allow-bind *"),
        ("reach name.invalid 80", "name.invalid (resolve): ENOENT", "--net-allow name.invalid"),
        ("icmp_socket", "socket AF_INET SOCK_DGRAM protocol 1: EACCES, by the seccomp filter", ""),
        ("raw_socket", "socket AF_INET SOCK_RAW", ""),
        ("namespace", "unshare: EPERM, by the seccomp filter: no namespaces; no flag allows it", ""),
        ("tiocsti", "ioctl request 0x5412: EPERM", ""),
        ("kill {pid}", "kill process {pid}: EPERM", ""),
        ("unix_connect {}/socket", "{}/socket: EACCES", "-w {}/socket"),
        ("unix_bind {}/new", "{}/new (make)", "-w {}"),
    ] {
        let fill =
            |text: &str| text.replace("{}", outside.text()).replace("{pid}", &std::process::id().to_string());
        let is_seen = !attack.starts_with("kill") || common::abi() >= 6;
        let is_refused = attack.starts_with("reach") && common::BY_SOCKETCALL;
        if attack.starts_with("tcp") && common::abi() < 4 || !is_seen || is_refused {
            continue;
        }
        let ran = with(&dir, &["-r", victim], &format!("{victim} {}", fill(attack)));
        assert!(!ran.out.starts_with("ok") || ran.out == "ok no such name\n", "{attack}: {ran:?}");
        assert!(first(&ran).contains(&fill(object)), "{attack}: {ran:?}");
        assert_eq!(advice(&ran).join(" "), fill(flag), "{attack}: {ran:?}");
    }
}

/// Semaphores are files below `/dev/shm`, and there is a flag for those; a file of the user's home is not in
/// the command's.
#[test]
fn advice_is_what_a_person_would_do() {
    let (dir, home) = (Dir::new(), Dir::new());
    let ran = with(&dir, &[], ": > /dev/shm/x");
    assert!(first(&ran).contains("/dev/shm/x (make)") && advice(&ran) == ["--shm"], "{ran:?}");
    home.file(".settings", 0o644, "mine\n");
    fs::create_dir(home.join(".ssh")).unwrap();
    home.file(".ssh/key", 0o600, "secret\n");
    let at_home = |flags: &[&str], script: &str| {
        run(dir.sandboxed(&[&["--why"], flags].concat(), script).env("HOME", home.text()))
    };
    let ran = at_home(&[], "cat ~/.settings");
    assert!(first(&ran).contains(".settings (home): ENOENT, by the private home"), "{ran:?}");
    assert!(first(&ran).starts_with("cat ["), "{ran:?}");
    let flags = advice(&ran);
    let again = at_home(&flags.iter().map(String::as_str).collect::<Vec<_>>(), "cat ~/.settings");
    assert_eq!(again.ok(), "mine\n");
    // The line to paste has neither a home nor a place of keys.
    let home_text = home.text();
    for script in
        [format!("ls {home_text}"), format!(": > {home_text}/new"), format!("cat {home_text}/.ssh/key")]
    {
        let ran = at_home(&[], &script);
        assert!(first(&ran).contains(home_text) && advice(&ran).is_empty(), "{script}: {ran:?}");
    }
    assert!(
        first(&at_home(&[], &format!("cat {home_text}/.ssh/key")))
            .ends_with("(keys, tokens or a history are there)")
    );
}

/// An error that is the same outside is no refusal.
#[test]
fn ordinary_errors_are_not_reported() {
    let (dir, (outside, _socket)) = (Dir::new(), outside());
    outside.file("closed", 0o000, "");
    let top = outside.text();
    let is_root = sandlock_sys::process::getuid().get() == 0;
    let closed = if is_root { String::new() } else { format!("cat {top}/closed; ") };
    let ran = with(
        &dir,
        &["-w", "."],
        &format!(
            "{closed}cat {top}/none; cat {top}/none/x; rmdir {top}/none; mkdir {top}/folder; cat . ; : > . ; \
             {top}/none; mkdir none/x; mv none x; kill -0 99999999; echo x > out; rm none; cat /proc/self/fd/9"
        ),
    );
    let report: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("sandlock: ")).collect();
    assert_eq!(report, ["sandlock: --why: nothing was refused that a report can see"], "{ran:?}");
    // Root's capabilities are given up, and a flag keeps them.
    if is_root {
        let script = format!("cat {top}/closed");
        let ran = with(&dir, &["-r", top], &script);
        assert!(
            first(&ran).contains("without the capabilities") && advice(&ran) == ["--keep-caps"],
            "{ran:?}"
        );
        assert_eq!(with(&dir, &["-r", top, "--keep-caps"], &script).code, 0);
    }
}

#[test]
fn lines_for_programs_are_written_while_the_command_runs() {
    let (dir, (outside, _socket)) = (Dir::new(), outside());
    let report = dir.join("report");
    let flag = format!("--why={}", report.display());
    let script = format!("cat {0}/file; cat report; cat {0}/file; exit 7", outside.text());
    let ran = run(&mut dir.sandboxed(&[&flag, "-r", "."], &script));
    assert!(ran.code == 7 && !ran.err.contains("sandlock:"), "{ran:?}");
    let (meanwhile, all) = (lines(&ran.out), lines(&fs::read_to_string(&report).unwrap()));
    assert_eq!(meanwhile, all[..1]);
    let want = [
        ("event", "refused"),
        ("process", "cat"),
        ("operation", "read"),
        ("errno", "EACCES"),
        ("by", "Landlock"),
    ];
    for (key, value) in want {
        assert_eq!(all[0][key], value, "{all:?}");
    }
    assert_eq!(all[0]["flag"], format!("-r {}/file", outside.text()));
    let end = all.last().unwrap();
    assert!(end["event"] == "end" && end["status"] == 7 && end["ranked"][0]["count"] == 2, "{end}");
    let missing = run(&mut dir.sandboxed(&["--why=/no/such/file"], "true"));
    assert!(missing.code == 125 && missing.err.starts_with("sandlock: --why=/no/such/file: "), "{missing:?}");
}

/// A pipe that is not read does not stop a command, and the variable has the effect of the flag.
#[test]
fn a_report_that_is_not_read_waits_for_nothing() {
    if !has(a_report_that_is_not_read_waits_for_nothing, &["mkfifo"]) {
        return;
    }
    let dir = Dir::new();
    run(dir.command("mkfifo").arg("pipe")).ok();
    let script = "i=0; while [ $i -lt 900 ]; do echo > /x$i; i=$((i+1)); done 2> /dev/null; echo done";
    // Its reader is this shell itself, which reads nothing.
    let line = format!("exec 3<> pipe; exec \"$0\" run --why=pipe -- sh -c '{script}'");
    let ran = run(dir.bare(&line).arg(built("sandlock")));
    assert_eq!(ran.ok(), "done\n");
    let ran = run(dir.sandboxed(&[], "echo > /x").env("SANDLOCK_WHY", "1"));
    assert!(ran.err.contains("sandlock: --why: "), "{ran:?}");
    let quiet = run(dir.sandboxed(&["-q"], ": > /x").env("SANDLOCK_WHY", "1"));
    assert!(!quiet.err.contains("sandlock: "), "{quiet:?}");
}

#[test]
fn observation_changes_no_outcome() {
    let (dir, (outside, _socket)) = (Dir::new(), outside());
    let top = outside.text();
    for script in [
        "true".to_owned(),
        "exit 3".to_owned(),
        "kill -TERM $$".to_owned(),
        "kill -ABRT $$".to_owned(),
        format!("cat {top}/file"),
        format!("{top}/program"),
        format!("ls {top}; echo $?; cat {top}/none; echo $?; rm {top}/file; echo $?; mkdir {top}/x; echo $?"),
        "for i in 1 2 3 4 5 6 7 8; do (echo $i; exit $i) & done; wait; echo end".to_owned(),
        "i=0; while [ $i -lt 300 ]; do (:) & i=$((i+1)); done; wait; echo end".to_owned(),
        "trap 'echo got' USR1; kill -USR1 $$; sleep 0.1; echo end".to_owned(),
        "mkdir a && echo x > a/b && mv a/b a/c && ln a/c a/d && ln -s d a/e && cat a/e && chmod 600 a/c && rm -r a".to_owned(),
        "echo x | cat | wc -c; cat /proc/self/status | grep -c Seccomp; test -t 0; echo $?".to_owned(),
        "umount /proc; echo $?; kill -0 1; echo $?".to_owned(),
    ] {
        for flags in [&[][..], &["-w", "."]] {
            let plain = run(&mut dir.sandboxed(flags, &script));
            let seen = run(&mut dir.sandboxed(&[&["--why=/dev/null"], flags].concat(), &script));
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(
                (plain.code, sorted(&plain.out), sorted(&plain.err)),
                (seen.code, sorted(&seen.out), sorted(&seen.err)),
                "{script}"
            );
        }
    }
}

/// Control characters of a name reach neither the terminal nor the lines for programs.
#[test]
fn names_cannot_forge_a_report() {
    let (dir, (outside, _socket)) = (Dir::new(), outside());
    let name = outside.join("a\n1. \u{1b}[31msandlock: \u{202e}b");
    fs::write(&name, "").unwrap();
    let script = format!("cat {}/a*", outside.text());
    let report = dir.join("report");
    let ran = run(&mut dir.sandboxed(&["--why", "-r", outside.text()], &format!("{script} > /x")));
    assert_ne!(ran.code, 0, "{ran:?}");
    let ran = run(dir.sandlock(["run", "--why", "--", "cat"]).arg(&name));
    let lines: Vec<&str> = ran.err.lines().filter(|line| line.contains("EACCES")).collect();
    assert!(
        lines.len() == 1 && lines[0].contains("a\\n1. \\u{1b}[31msandlock: \\u{202e}b (read)"),
        "{ran:?}"
    );
    let flag = format!("--why={}", report.display());
    run(dir.sandlock(["run", &flag, "--", "cat"]).arg(&name)).refused();
    let text = fs::read_to_string(&report).unwrap();
    assert!(text.lines().count() == 2 && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
}

/// A guest that is refused 100,000 different things gets a report of bounded length, and the last of them is
/// in it.
#[test]
fn a_guest_cannot_make_a_report_grow() {
    let (dir, outside) = (Dir::new(), Dir::new());
    let report = dir.join("report");
    let flag = format!("--why={}", report.display());
    // A report of all 10,000 would have 50 MiB.
    let deep = outside.join(["d".repeat(250).as_str(); 6].join("/"));
    fs::create_dir_all(&deep).unwrap();
    let names = deep.join("x").display().to_string();
    let script =
        format!("i=0; while [ $i -lt 10000 ]; do echo > {names}$i; i=$((i+1)); done 2> /dev/null; exit 5");
    let peak = |text: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: 0 kB");
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut child = dir.sandboxed(&[&flag], &script).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        most = most.max(peak(&text));
        std::thread::sleep(core::time::Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(5));
    assert!(most < 20 << 10, "{most} KiB");
    let all = lines(&fs::read_to_string(&report).unwrap());
    assert!(all.len() <= sandlock::MOST_REFUSALS + 1, "{}", all.len());
    let end = all.last().unwrap();
    assert!(
        end["ranked"][0]["object"].as_str().unwrap().ends_with("/x9999")
            && end["left_out"].as_u64() > Some(8_900),
        "{end:.300}"
    );
}

/// Another thread writes over a path while the observer looks, names are longer than any can be, and pointers
/// lead nowhere: the supervisor lives, and the kernel decides as ever.
#[test]
fn hostile_arguments_harm_neither_supervisor_nor_sandbox() {
    const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
static char path[4096], *inside, *outside;
static void *flip(void *arg) { for (;;) { strcpy(path, inside); strcpy(path, outside); } return arg; }
int main(int argc, char **argv) {
    inside = argv[1]; outside = argv[2];
    pthread_t thread;
    pthread_create(&thread, 0, flip, 0);
    int got = 0, refused = 0;
    for (int i = 0; i < 5000; i++) {
        int fd = open(path, O_RDONLY);
        if (fd >= 0) { char b[8] = ""; read(fd, b, 7); if (!strcmp(b, "secret")) got++; close(fd); }
        else if (errno == EACCES) refused++;
    }
    char *text = malloc(1 << 16);
    memset(text, 'a', 1 << 16); text[(1 << 16) - 1] = 0;
    open(text, O_RDONLY); mkdir(text, 0700); rename(text, text);
    for (long at = 0; at < 64; at++) {
        syscall(SYS_openat, AT_FDCWD, (void *)(at * 0x0404040404040404L), O_RDWR | O_CREAT, 0600);
        syscall(SYS_openat, (int)at * 7919, "x", O_RDWR | O_CREAT, 0600);
        syscall(SYS_execve, (void *)(at * 0x0404040404040404L), 0, 0);
        syscall(SYS_execveat, (int)at, "", 0, 0, AT_EMPTY_PATH);
        syscall(SYS_renameat2, -100, (void *)at, -100, (void *)-at, -1);
        syscall(SYS_kill, (int)(at * 40503), 0);
        syscall(SYS_pidfd_send_signal, (int)at, 0, 0, 0);
        struct sockaddr_un un = { AF_UNIX, "" };
        memset(un.sun_path, '/', sizeof un.sun_path);
        bind((int)at, (void *)&un, at * 3); connect((int)at, (void *)&un, -at);
    }
    unsigned seed = 1;
    long calls[] = { SYS_openat, SYS_execve, SYS_execveat, SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mknodat,
        SYS_truncate, SYS_bind, SYS_connect, SYS_socket, SYS_fchmodat, SYS_utimensat, SYS_pidfd_send_signal };
    for (int i = 0; i < 20000; i++) {
        long a[6];
        for (int j = 0; j < 6; j++) { seed = seed * 1103515245 + 12345; a[j] = seed & 1 ? (long)text + seed % 65536 : seed & 2 ? -100 : (long)seed << (seed % 33); }
        syscall(calls[i % (sizeof calls / sizeof *calls)], a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    dprintf(1, "%d %d\n", got, refused);
    return 0;
}
"#;
    if !has(hostile_arguments_harm_neither_supervisor_nor_sandbox, &["cc"]) {
        return;
    }
    let (dir, secrets) = (Dir::new(), Dir::new());
    dir.file("guest.c", 0o644, SOURCE);
    run(dir.command("cc").args(["-O1", "-pthread", "-w", "-o", "guest", "guest.c"])).ok();
    dir.file("open", 0o644, "public");
    secrets.file("open", 0o644, "secret");
    let (inside, outside) = (dir.join("open"), secrets.join("open"));
    let ran =
        run(dir.sandlock(["run", "--why", "-t", "50", "-w", ".", "--", "./guest"]).args([&inside, &outside]));
    let (got, refused) = ran.ok().trim().split_once(' ').unwrap();
    assert!(got == "0" && refused != "0", "{ran:?}");
    assert_eq!(advice(&ran).join(" "), format!("-r {}", outside.display()), "{ran:?}");
    assert!(ran.err.lines().count() < 30, "{ran:?}");
}

/// A script's interpreter is executed in its place, and is refused by itself.
#[test]
fn an_interpreter_is_named() {
    let (dir, tools) = (Dir::new(), Dir::new());
    let shell = fs::canonicalize("/bin/sh").unwrap();
    fs::copy(shell, tools.join("interpreter")).unwrap();
    fs::set_permissions(tools.join("interpreter"), fs::Permissions::from_mode(0o755)).unwrap();
    dir.file("script", 0o755, format!("#!{}/interpreter\necho ran\n", tools.text()));
    let ran = with(&dir, &["-r", "."], "./script");
    assert!(first(&ran).contains(&format!("{}/interpreter (execute)", tools.text())), "{ran:?}");
    let flags = advice(&ran);
    let flags: Vec<&str> = ["-r", "."].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let again = with(&dir, &flags, "./script");
    // A busybox goes by its name.
    assert!(again.code == 0 || again.err.contains("applet"), "{again:?}");
}

/// Long names neither crowd out the last line for programs nor make lines that no person reads.
#[test]
fn long_names_are_shortened() {
    let dir = Dir::new();
    let report = dir.join("report");
    let flag = format!("--why={}", report.display());
    let outside = Dir::new();
    let name = outside.join("x".repeat(200)).display().to_string();
    let script =
        format!("i=0; while [ $i -lt 600 ]; do echo > {name}$i; i=$((i+1)); done 2> /dev/null; exit 5");
    assert_eq!(run(&mut dir.sandboxed(&[&flag], &script)).code, 5);
    let all = lines(&fs::read_to_string(&report).unwrap());
    let end = all.last().unwrap();
    assert!(end["event"] == "end" && end.to_string().len() < 64 << 10, "{end:.300}");
    assert_eq!(end["ranked"].as_array().map(Vec::len), Some(100));
    let ran = with(&dir, &[], &script);
    assert!(ran.code == 5 && ran.err.lines().all(|line| line.len() < 8 << 10), "{:.2000}", ran.err);
}
