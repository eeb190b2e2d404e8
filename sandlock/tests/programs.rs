//! Real programs inside a reasonable policy do what they do outside.

#![cfg(feature = "cli")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::{env, fs, thread};

use common::{Dir, PYTHON, free_port, has, run, skip, which};

/// Runs a script outside and inside, each in a directory of its own that it may write, and compares what it
/// prints and how it ends.
#[track_caller]
fn same(flags: &[&str], script: &str) {
    let (outside, inside) = (Dir::new(), Dir::new());
    let bare = run(&mut outside.bare(script));
    let boxed = run(&mut inside.sandboxed(&[&["-w", "."], flags].concat(), script));
    assert_eq!(bare.code, 0, "outside: {bare:?}");
    assert_eq!((boxed.code, &boxed.out), (bare.code, &bare.out), "outside: {bare:?}\ninside: {boxed:?}");
}

#[test]
fn git_clones_and_commits() {
    if !has(git_clones_and_commits, &["git"]) {
        return;
    }
    let identity = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_AUTHOR_DATE='2026-01-01 00:00:00 +0000'; \
                    export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_COMMITTER_DATE='2026-01-01 00:00:00 +0000'; ";
    same(
        &[],
        &format!(
            "{identity} git init -q one && cd one && echo 1 > f && git add f && git commit -qm first && cd .. && \
             git clone -q one two 2>/dev/null && cd two && mkdir d && git mv f d/f && git commit -qam moved && git log --format=%H%s && git status -s && \
             git gc -q && git fsck 2>&1"
        ),
    );
}

#[test]
fn git_works_for_a_user_whose_configuration_is_closed() {
    if !has(git_works_for_a_user_whose_configuration_is_closed, &["git"]) {
        return;
    }
    let (home, work) = (Dir::new(), Dir::new());
    home.file(".gitconfig", 0o644, "[alias]\n\tst = status\n");
    let script = "git init -q r && cd r && git status -s && git config alias.st || echo no alias";
    let ran = run(work.sandboxed(&["-w", "."], script).env("HOME", home.text()));
    assert_eq!(ran.ok(), "no alias\n", "{ran:?}");
    // Granted, it counts.
    let ran = run(work.sandboxed(&["-w", ".", "-r", home.text()], script).env("HOME", home.text()));
    assert_eq!(ran.ok(), "status\n", "{ran:?}");
}

#[test]
fn gcc_compiles_and_the_program_runs() {
    if !has(gcc_compiles_and_the_program_runs, &["gcc"]) {
        return;
    }
    let c = r#"printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' > hello.c"#;
    same(
        &[],
        &format!("{c} && gcc -O2 hello.c -o hello && ./hello && gcc -c hello.c && ar rc lib.a hello.o && ls"),
    );
}

#[test]
fn cargo_builds_offline() {
    let name = cargo_builds_offline;
    // The real tools, not rustup's proxies, which want to write.
    let (Some(cargo), Some(home)) =
        (env::var_os("CARGO").and_then(|path| path.into_string().ok()), env::var("HOME").ok())
    else {
        return skip(name, "no cargo runs this test, so none is known");
    };
    let Some(toolchain) = cargo.strip_suffix("/bin/cargo").map(str::to_owned) else {
        return skip(name, "cargo is not in a toolchain's folder");
    };
    if fs::read_dir(&toolchain).is_err() || !has(name, &["gcc"]) {
        return skip(name, format_args!("{toolchain} cannot be read by this user"));
    }
    let dir = Dir::new();
    fs::create_dir(dir.join("src")).expect("a new directory");
    dir.file(
        "Cargo.toml",
        0o644,
        "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    dir.file("src/main.rs", 0o644, "fn main() { println!(\"built\"); }\n");
    let script = format!(
        "PATH={toolchain}/bin:$PATH CARGO_HOME=$TMPDIR cargo build -q --offline && ./target/debug/tiny"
    );
    let ran = run(dir.sandboxed(&["-w", ".", "-r", &toolchain], &script).env("HOME", home));
    assert_eq!(ran.ok(), "built\n");
}

#[test]
fn python_makes_a_virtual_environment() {
    if !has(python_makes_a_virtual_environment, &["python3"]) {
        return;
    }
    same(
        &[],
        &format!(
            "{PYTHON} -m venv --without-pip v && v/bin/python -c 'import sys, json, ssl, sqlite3, tempfile, subprocess; \
             print(sys.prefix != sys.base_prefix, subprocess.check_output([\"echo\", \"x\"]), open(tempfile.mkstemp()[1]).read())'"
        ),
    );
}

#[test]
fn sqlite_keeps_a_database() {
    if !has(sqlite_keeps_a_database, &["sqlite3"]) {
        return;
    }
    same(
        &[],
        "sqlite3 db 'pragma journal_mode=wal; create table t(a); insert into t values (1), (2); select sum(a) from t' && \
         sqlite3 db 'vacuum; select count(*) from t'",
    );
}

#[test]
fn redis_serves_on_a_granted_port_and_on_no_other() {
    if !has(redis_serves_on_a_granted_port_and_on_no_other, &["redis-server", "redis-benchmark", "redis-cli"])
    {
        return;
    }
    let dir = Dir::new();
    let port = free_port().to_string();
    let script = format!(
        "redis-server --port {port} --bind 127.0.0.1 --save '' --dir . > log & \
         until redis-cli -p {port} ping 2>/dev/null | grep -q PONG; do sleep 0.05; done; \
         redis-benchmark -p {port} -n 2000 -q -t set,get >/dev/null && redis-cli -p {port} set a b && redis-cli -p {port} get a"
    );
    let ports = format!(":{port}");
    let ran = run(&mut dir
        .sandboxed(&["-w", ".", "-t", "30", "--net-allow-bind", &port, "--net-allow", &ports], &script));
    assert_eq!(ran.ok(), "OK\nb\n", "{ran:?}");
    let script = format!("redis-server --port {port} --bind 127.0.0.1 --save '' --dir .");
    let ran = run(&mut dir.sandboxed(&["-w", ".", "-t", "30"], &script));
    assert!(ran.code == 1 && ran.out.contains("Permission denied"), "{ran:?}");
}

#[test]
fn curl_reaches_a_granted_port_and_no_other() {
    if !has(curl_reaches_a_granted_port_and_no_other, &["curl"]) {
        return;
    }
    let dir = Dir::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("it has one").port();
    thread::spawn(move || {
        for client in server.incoming().flatten() {
            // curl may be gone.
            let _ = (&client).write_all(b"HTTP/1.0 200 OK\r\n\r\nhello\n");
            let _ = client.shutdown(Shutdown::Write);
            let _ = (&client).read_to_end(&mut Vec::new());
        }
    });
    let script = format!("curl -sS http://localhost:{port}/");
    let allowed = format!(":{port}");
    assert_eq!(run(&mut dir.bare(&script)).ok(), "hello\n");
    assert_eq!(run(&mut dir.sandboxed(&["--net-allow", &allowed], &script)).ok(), "hello\n");
    for flags in [&[][..], &["--net-allow", ":1"], &["--net-allow-bind", "*"]] {
        let ran = run(&mut dir.sandboxed(flags, &script));
        assert!(ran.code == 7 && ran.err.contains("connect"), "{flags:?}: {ran:?}");
    }
}

/// One number, two processes and sixty threads, most of which are gone when the next one asks: each gets its
/// own socket's name.
#[test]
fn processes_by_turns_are_told_their_own_sockets_names() {
    const ASK: &str = "
import os, socket, threading
one, two = os.pipe(), os.pipe()
child = os.fork()
take, give = (one[0], two[1]) if child == 0 else (two[0], one[1])
own = socket.socket(fileno=os.dup2(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).detach(), 1001))
own.bind((0, 0))
good = []
def ask(): good.append(own.getsockname()[0] == os.getpid())
for turn in range(30):
    if child == 0: os.read(take, 1)
    ask()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    os.write(give, b'.')
    if child: os.read(take, 1)
if child == 0: os._exit(sum(good))
print(own.fileno(), sum(good), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";
    if has(processes_by_turns_are_told_their_own_sockets_names, &["python3"]) {
        same(&[], &format!("{PYTHON} -c \"{ASK}\" | tee names && grep -q ' 60 60$' names"));
    }
}

#[test]
fn make_runs_forty_targets_four_at_a_time() {
    if !has(make_runs_forty_targets_four_at_a_time, &["make"]) {
        return;
    }
    let rule =
        r"printf 'all: $(addprefix t,$(shell seq 40))\nt%%:\n\t@sleep 0.01; echo $@ > $@\n' > Makefile";
    same(&[], &format!("{rule} && make -s -j4 && ls t* | wc -l && cat t7"));
}

#[test]
fn files_are_moved_copied_packed_sorted_and_found() {
    same(
        &[],
        "mkdir -p a/b/c && seq 200000 > a/b/c/n && ln -s n a/b/c/link && ln a/b/c/n a/hard && chmod 640 a/hard && \
         cp -a a copy && mv a/b/c moved && tar cf t.tar copy moved && mkdir x && tar xf t.tar -C x && rm -rf copy && \
         find . | sort && grep -rl 199999 x | sort && sort -S 64K -rn moved/n | head -1 && du -a x | wc -l && readlink x/moved/link",
    );
}

/// One program of a test of its own, so that a missing one skips no other.
#[track_caller]
fn starts<T>(test: T, program: &str, script: &str) {
    if has(test, &[program]) {
        same(&[], script);
    }
}

#[test]
fn perl_starts() {
    starts(perl_starts, "perl", "perl -MPOSIX -e 'print POSIX::floor(2.5), qq(\\n)'");
}

#[test]
fn node_reads_and_writes() {
    let script = r#"node -e 'require("fs").writeFileSync("f", "x"); console.log(require("fs").readFileSync("f", "utf8"))'"#;
    starts(node_reads_and_writes, "node", script);
}

#[test]
fn java_starts() {
    starts(java_starts, "java", "java -version 2>&1 | head -1");
}

#[test]
fn busybox_is_a_shell() {
    starts(
        busybox_is_a_shell,
        "busybox",
        "busybox sh -c 'echo $((6*7)) | busybox cat; busybox ls -la /usr | wc -l'",
    );
}

#[test]
fn openssl_has_randomness_and_digests() {
    starts(
        openssl_has_randomness_and_digests,
        "openssl",
        "openssl rand -hex 8 | wc -c; seq 99 | openssl sha256",
    );
}

#[test]
fn bash_has_here_documents_substitutions_and_jobs() {
    let script = "cat <<< here; seq 100000 > n; cat <<< \"$(cat n)\" | md5sum; cat <(echo process); exec 3<<END\n\
                  text\nEND\ncat <&3; set -m; sleep 0.1 & wait %1; echo $?; (exit 7) & wait $!; echo $?; kill -STOP $BASHPID & \
                  sleep 0.2; jobs | grep -c Stopped; kill -CONT %%; trap 'echo bye' EXIT";
    let script = format!("bash -c '{}'", script.replace('\'', "'\\''"));
    starts(bash_has_here_documents_substitutions_and_jobs, "bash", &script);
}

#[test]
fn sh_has_here_documents_and_jobs() {
    same(
        &[],
        "cat <<END\na $((1+1)) $(echo b)\nEND\nseq 30000 > n; cat <<END | wc -c\n$(cat n)\nEND\n\
         sleep 0.1 & wait $!; echo $?; (exit 7) & wait $! || echo $?; trap 'echo bye' EXIT; umask 077; : > f; stat -c %a f",
    );
}

#[test]
fn a_program_is_traced_by_another_of_its_sandbox_only() {
    if !has(a_program_is_traced_by_another_of_its_sandbox_only, &["strace"]) {
        return;
    }
    let dir = Dir::new();
    let script = "strace -f -o log sh -c 'true; true' && grep -q exited log";
    run(&mut dir.sandboxed(&["-w", "."], script)).ok();
    run(&mut dir.sandboxed(&["-w", ".", "--no-ptrace"], script)).refused();
    let mut outside = dir.command("sleep").arg("30").spawn().expect("a process outside");
    let script = format!("timeout 1 strace -p {}; test $? -ne 124", outside.id());
    let ran = run(&mut dir.sandboxed(&[], &script));
    assert!(ran.err.contains("Operation not permitted"), "{ran:?}");
    let _ = (outside.kill(), outside.wait());
}

#[test]
fn what_needs_the_machine_fails_for_the_right_reason() {
    let dir = Dir::new();
    let rows = [
        ("mount", "mount -t tmpfs none /mnt", "mount: "),
        ("cat", "cat /etc/shadow", "Permission denied"),
        ("date", "date -s '2001-01-01'", "Operation not permitted"),
        ("unshare", "unshare -U true", "Operation not permitted"),
    ];
    for (program, script, reason) in rows {
        if which(program).is_some() {
            let ran = run(&mut dir.sandboxed(&[], script));
            // The date of busybox complains and ends with 0 all the same.
            let failed = ran.code != 0 || program == "date";
            assert!(failed && ran.err.contains(reason), "{script}: {ran:?}");
        }
    }
    if which("ping").is_some() {
        let ran = run(&mut dir.sandlock(["run", "--", "ping", "-c", "1", "127.0.0.1"]));
        assert!(ran.code != 0 && (ran.err.contains("capabilities") || ran.err.contains("ermi")), "{ran:?}");
    }
}

#[test]
fn a_program_of_ones_own_is_found_and_keeps_its_mode() {
    let dir = Dir::new();
    let tool = dir.file("tool", 0o755, "#!/bin/sh\necho \"$0\"\n");
    let ran = run(&mut dir.sandlock(["run", "--", "./tool"]));
    assert_eq!(ran.ok(), "./tool\n");
    assert_eq!(fs::metadata(tool).expect("it is there").permissions().mode() & 0o777, 0o755);
}
