//! The command line from outside: arguments, messages, what the command finds around it, and the exit status.

#![cfg(feature = "cli")]

mod common;
/// The table of flags and the parser, whose tests run here: the program has none of its own.
#[expect(dead_code, reason = "nothing is run here")]
#[path = "../src/cli"]
mod typed {
    pub(crate) mod flags;
    pub(crate) mod parse;
    mod profile;
}

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use common::{Dir, agreed, built, output, run, start, which};

/// Variables that name the private directory.
const PRIVATE: [&str; 9] = [
    "HOME",
    "TMPDIR",
    "TMPPREFIX",
    "TMUX_TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// The beginning of each line that `sandlock` prints.
const WHO: &str = "sandlock: ";

#[test]
fn a_mistake_is_told_in_one_line_that_names_it_and_what_to_do_and_nothing_starts() {
    let dir = Dir::new();
    let marker = dir.join("marker");
    let start = ["-w", ".", "--", "touch", "marker"];
    run(&mut dir.sandlock([&["run"], &start[..]].concat())).ok();
    fs::remove_file(&marker).expect("without a mistake the command starts");

    // The arguments before the rest of a good command line, the part of them that the message names, and its
    // advice.
    let rows: &[(&[&str], &str, &str)] = &[
        (&["--no-such-flag"], "--no-such-flag", "sandlock run --help"),
        (&["-Z"], "-Z", "sandlock run --help"),
        (&["-r", "/no/such"], "-r /no/such", "make it first"),
        (&["-r", "no/such"], "-r no/such", "make it first"),
        (&["-w", "/no/such"], "-w /no/such", "make it first"),
        (&["-w", "./no/such"], "-w ./no/such", "make it first"),
        (&["-r", "/etc/passwd/x"], "-r /etc/passwd/x", "cannot be opened"),
        (&["-r", ""], "-r", "make it first"),
        (&["-r", "/", "-w", "/no/such"], "-w /no/such", "make it first"),
        (&["--net-allow", "443"], "443", ":443"),
        (&["--net-allow", "example.org,10.0.0.0/33"], "10.0.0.0/33", "at most 32"),
        (&["--net-allow", "http://example.org"], "http://example.org", "HOST:PORTS"),
        (&["--net-deny", "a..b"], "--net-deny a..b", "between points"),
        (&["--net-allow", "host:80,*"], "--net-allow *", "stands alone"),
        (&["--net-allow", ":"], "--net-allow", "1 to 65535"),
        (&["--net-allow", ":0"], ":0", "1 to 65535"),
        (&["--net-allow", ":65536"], ":65536", "1 to 65535"),
        (&["--net-allow", ":-1"], ":-1", "1 to 65535"),
        (&["--net-allow", ":http"], ":http", "1 to 65535"),
        (&["--net-allow", ":80,"], "--net-allow", "HOST:PORTS"),
        (&["--net-allow", ":9-8"], ":9-8", "lower to the higher"),
        (&["--net-allow-bind", "0"], "--net-allow-bind 0", "1 to 65535"),
        (&["--net-allow-bind", "65536"], "65536", "1 to 65535"),
        (&["--net-allow-bind", "http"], "http", "1 to 65535"),
        (&["--net-allow-bind", "9000-80"], "9000-80", "lower to the higher"),
        (&["--net-allow-bind", "::80"], "::80", "80,443"),
        (&["-t", "0"], "-t 0", "seconds above 0"),
        (&["-t", "-1"], "-t -1", "seconds above 0"),
        (&["-t", "x"], "-t x", "seconds above 0"),
        (&["-t", "nan"], "-t nan", "seconds above 0"),
        (&["-t", "inf"], "-t inf", "seconds above 0"),
        (&["-t", "1e99"], "-t 1e99", "seconds above 0"),
        (&["-t", ""], "-t", "seconds above 0"),
        (&["-t", "5d"], "-t 5d", "seconds above 0"),
        (&["-t", "1", "-t", "5y"], "-t 5y", "seconds above 0"),
        (&["--env", "=value"], "--env =value", "NAME=VALUE"),
        (&["--allow-degraded", "gravity"], "gravity", "sandlock check"),
        (&["--base", "full"], "full", "sandlock run --help"),
        (&["--cwd", "/no/such"], "/no/such", "--cwd"),
        (&["--cwd", "/etc/passwd"], "/etc/passwd", "--cwd"),
        (&["--keep-fd", "x"], "--keep-fd x", "a number"),
        (&["--ro", "/etc"], "--ro", "-r PATH grants"),
        (&["--unshare-net"], "--unshare-net", "no network is the default"),
        // A name with a line break is still reported in one line.
        (&["-r", "/no\nsuch"], "such", "make it first"),
        (&["--env", "=A\nB"], "B", "NAME=VALUE"),
    ];
    let rest = |flags: &[&str]| {
        [&["run"], flags, &start[..]].concat().iter().map(OsStr::new).map(OsStr::to_owned).collect()
    };
    let mut lines: Vec<(Vec<_>, &str, &str)> =
        rows.iter().map(|(flags, names, advice)| (rest(flags), *names, *advice)).collect();
    // These are no good command line with something before it.
    let others: &[(&[&[u8]], &str, &str)] = &[
        (&[], "subcommand", "sandlock run -- CMD"),
        (&[b"frobnicate"], "frobnicate", "--help"),
        (&[b"run"], "CMD", "sandlock run --help"),
        (&[b"run", b"--"], "CMD", "sandlock run --help"),
        (&[b"run", b"-w", b"."], "CMD", "sandlock run --help"),
        (&[b"run", b"-w"], "-w", "sandlock run --help"),
        (&[b"run", b"-t"], "--timeout", "sandlock run --help"),
        (&[b"check", b"--yaml"], "--yaml", "--help"),
        (&[b"run", b"--net-allow", b"\xff", b"--", b"touch", b"marker"], "UTF-8", "sandlock run --help"),
    ];
    lines.extend(others.iter().map(|(args, names, advice)| {
        (args.iter().map(|arg| OsStr::from_bytes(arg).to_owned()).collect(), *names, *advice)
    }));

    let mut wrong = String::new();
    for (args, names, advice) in lines {
        let ran = run(&mut dir.sandlock(&args));
        let is_line = ran.err.ends_with('\n') && ran.err.lines().count() == 1 && ran.err.starts_with(WHO);
        if ran.code != 125
            || !is_line
            || !ran.err.contains(names)
            || !ran.err.contains(advice)
            || !ran.out.is_empty()
        {
            wrong +=
                &format!("{args:?}, of which one line names {names:?} and advises {advice:?}: {ran:?}\n");
        }
        if fs::remove_file(&marker).is_ok() {
            wrong += &format!("{args:?}: the command was started\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each line of the documents can be typed, and each key of a profile is in its table.
#[test]
fn documents_show_what_can_be_typed() {
    let (readme, recipes) = (include_str!("../../README.md"), include_str!("../docs/recipes.md"));
    let profiles = include_str!("../docs/profiles.md");
    let mut seen = 0;
    for line in readme.lines().chain(recipes.lines()).filter(|line| line.starts_with("sandlock ")) {
        // A comment follows the number sign.
        let line = line.split("  #").next().unwrap();
        let mut words = line.split_whitespace().skip(1).map(str::to_owned);
        match words.next().as_deref() {
            Some("run") => assert!(typed::parse::Typed::parse(words.map(Into::into)).is_some(), "{line}"),
            Some("why" | "explain" | "check" | "profile" | "learn") => {}
            _ => panic!("{line}"),
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
    for (section, key) in typed::flags::FLAGS.iter().filter_map(|flag| flag.key) {
        let (_, rest) = profiles.split_once(&format!("| `{section}` |")).expect(section);
        assert!(
            rest.contains(&format!("| `{key}` |"))
                || profiles.contains(&format!("| `{section}` | `{key}` |"))
        );
    }
}

/// The code of a message is one that `explain` knows.
#[test]
fn a_message_has_a_code_that_can_be_asked_about() {
    let dir = Dir::new();
    dir.file("p.toml", 0o644, "[nonsense]\n");
    for (args, code) in [
        (&["run", "--no-such", "true"][..], "E001"),
        (&["run", "-p", "./p.toml", "true"], "E002"),
        (&["run", "-r", "/no/such", "true"], "E003"),
        (&["run", "-r", "/proc/self", "true"], "E005"),
        (&["run", "no-such-command"], "E007"),
        (&["run", "/etc/passwd"], "E008"),
        (&["explain", "-r", "/no/such"], "E003"),
    ] {
        let ran = run(&mut dir.sandlock(args));
        assert!(
            ran.code >= 125 && ran.err.lines().next().unwrap().ends_with(&format!("[{code}]")),
            "{ran:?}"
        );
        let text = run(&mut dir.sandlock(["explain", code]));
        assert!(text.ok().starts_with(&format!("{code}: ")), "{text:?}");
    }
    let unknown = run(&mut dir.sandlock(["explain", "E999"]));
    assert!(unknown.code == 125 && unknown.err.contains("E999"), "{unknown:?}");
}

/// Whole lines, as users of other tools would type them: the message has our words, and nothing starts.
#[test]
fn lines_of_other_tools_are_answered_with_ours() {
    let dir = Dir::new();
    for (line, ours) in [
        ("--ro-bind / / --dev /dev --proc /proc", "-r PATH"),
        ("--unshare-all --share-net", "is the default"),
        ("--net=none --private", "is the default"),
        ("--caps.drop=all --seccomp", "given up"),
        ("--rox /usr --connect-tcp 443", "-r PATH"),
        ("-it --rm --network none", "caller's"),
        ("--memory=512m --cpus=1", "ulimit"),
        ("-p 8080:80", "--net-allow-bind"),
        ("-u nobody", "as the caller"),
        ("--sandbox workspace-write", "-p agent"),
        ("--max-memory 512M -P 20", "ulimit"),
        ("--fs-deny /etc", "not granted"),
        ("-c", "behind --"),
    ] {
        let words: Vec<&str> =
            ["run"].into_iter().chain(line.split(' ')).chain(["--", "touch", "marker"]).collect();
        let ran = run(&mut dir.sandlock(words));
        assert!(ran.code == 125 && ran.err.lines().count() == 1 && ran.err.contains(ours), "{line}: {ran:?}");
    }
    let other = Dir::new();
    let same = [
        "--allow-read",
        other.text(),
        "--chdir",
        other.text(),
        "--allow-env",
        "A=b",
        "sh",
        "-c",
        "pwd; echo $A",
    ];
    let ran = run(&mut dir.sandlock([&["run"], &same[..]].concat()));
    assert_eq!(ran.ok(), format!("{}\nb\n", other.text()));
    assert!(!dir.join("marker").exists());
}

#[test]
fn the_commands_status_is_ours() {
    let dir = Dir::new();
    for status in [0, 1, 2, 7, 123, 124, 125, 126, 127, 128, 255] {
        let ran = run(&mut dir.sandboxed(&[], &format!("exit {status}")));
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (status, "", ""));
    }
    for (signal, status, told) in [
        ("HUP", 129, "killed by SIGHUP"),
        ("INT", 130, ""),
        ("QUIT", 131, ""),
        ("ABRT", 134, "killed by SIGABRT"),
        ("KILL", 137, "killed by SIGKILL"),
        ("USR1", 138, "killed by SIGUSR1"),
        ("SEGV", 139, "killed by SIGSEGV"),
        ("PIPE", 141, ""),
        ("TERM", 143, "killed by SIGTERM"),
        ("RTMIN", 162, "killed by signal 34"),
    ] {
        // dash knows no RTMIN.
        let script = format!("ulimit -c 0; kill -{} $$", if signal == "RTMIN" { "34" } else { signal });
        // The shell of busybox ignores it.
        if signal == "QUIT" && run(&mut dir.bare(&script)).code == 0 {
            continue;
        }
        let ran = run(&mut dir.sandboxed(&[], &script));
        assert_eq!(ran.code, status, "{signal}: {ran:?}");
        assert_eq!(ran.err.lines().count(), usize::from(!told.is_empty()), "{signal}: {ran:?}");
        assert!(ran.err.contains(told), "{signal}: {ran:?}");
        let ran = run(&mut dir.sandboxed(&["-q"], &script));
        assert_eq!((ran.code, ran.err.as_str()), (status, ""), "{signal}");
    }
}

#[test]
fn what_cannot_be_executed_is_126_and_what_is_not_there_127() {
    let dir = Dir::new();
    dir.file("plain", 0o644, "#!/bin/sh\n");
    dir.file("lost", 0o755, "#!/no/such/interpreter\n");
    dir.file("elsewhere", 0o755, "#!/bin/sh\nexit 9\n");
    let far = Dir::new();
    for (args, status, names) in [
        (vec!["./plain"], 126, "./plain"),
        (vec!["/"], 126, "/"),
        (vec!["/etc/passwd"], 126, "/etc/passwd"),
        (vec!["--base", "none", "--", "true"], 126, "true"),
        (vec!["--base", "none", "--", "/bin/true"], 126, "/bin/true"),
        // The file, but not its interpreter.
        (vec!["--base", "none", "-r", ".", "--", "./elsewhere"], 126, "./elsewhere"),
        (vec!["no-such-command"], 127, "no-such-command"),
        (vec!["./no-such-command"], 127, "./no-such-command"),
        (vec!["/no/such"], 127, "/no/such"),
        (vec!["--", "./lost"], 127, "./lost"),
        (vec!["--", ""], 127, "no such command"),
        (vec!["--env", "PATH=/no/such", "--", "true"], 127, "true"),
        (vec!["--cwd", far.text(), "--", "./elsewhere"], 127, "./elsewhere"),
        (vec!["--", "no\nsuch"], 127, "such"),
    ] {
        let ran = run(&mut dir.sandlock([&["run"], &args[..]].concat()));
        assert_eq!((ran.code, ran.out.as_str()), (status, ""), "{args:?}: {ran:?}");
        assert!(ran.err.lines().count() == 1 && ran.err.contains(names), "{args:?}: {ran:?}");
    }
    assert_eq!(run(&mut dir.sandlock(["run", "--", "./elsewhere"])).code, 9);
}

#[test]
fn help_and_version_go_to_standard_output() {
    let dir = Dir::new();
    let version = concat!("sandlock ", env!("CARGO_PKG_VERSION"), "\n");
    let run_words = ["Usage: sandlock run", "--fs-read", "--net-allow-bind", "124", "126"];
    for (args, words) in [
        (vec!["--version"], vec![version]),
        (vec!["-V"], vec![version]),
        (vec!["--help"], vec!["Usage: sandlock", "run", "check"]),
        (vec!["help"], vec!["Usage: sandlock"]),
        (vec!["run", "--help"], run_words.to_vec()),
        (vec!["run", "-h"], vec!["Usage: sandlock run", "--fs-read"]),
        (vec!["check", "--help"], vec!["--json"]),
    ] {
        let ran = run(&mut dir.sandlock(&args));
        let text = ran.ok();
        assert!(words.iter().all(|word| text.contains(word)) && ran.err.is_empty(), "{args:?}: {ran:?}");
        assert!(text.lines().all(|line| line.chars().count() < 200), "{args:?}: {ran:?}");
    }
    // Behind the command, everything is the command's.
    assert_eq!(run(&mut dir.sandlock(["run", "--", "echo", "--help", "-q", "--"])).ok(), "--help -q --\n");
    assert_eq!(run(&mut dir.sandlock(["run", "printf", "%s\\n", "--version"])).ok(), "--version\n");
}

#[test]
fn check_says_what_the_kernel_can_do_and_its_status_whether_that_is_enough() {
    let dir = Dir::new();
    let text = run(&mut dir.sandlock(["check"]));
    let json = run(&mut dir.sandlock(["check", "--json"]));
    assert_eq!((&text.err, &json.err), (&String::new(), &String::new()));
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let ready = value["ready"].as_bool().unwrap();
    assert_eq!((text.code, json.code), (i32::from(!ready), i32::from(!ready)));
    assert_eq!(value["arch"], std::env::consts::ARCH);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(value["kernel"], release.trim());
    assert!(value["landlock_abi"].as_u64().unwrap() > 0);
    let list = value["protections"].as_array().unwrap();
    for name in
        ["landlock", "seccomp-filter", "seccomp-notify", "net-tcp", "net-udp", "unix-path", "signal-scope"]
    {
        let item = list.iter().find(|item| item["name"] == name).expect(name);
        assert!(
            item["has"].is_boolean() && item["needed"].is_boolean() && item["what"].is_string(),
            "{item}"
        );
        let line = text.out.lines().find(|line| line.split_whitespace().nth(1) == Some(name)).expect(name);
        assert_eq!(line.split_whitespace().next(), Some(if item["has"] == true { "yes" } else { "no" }));
    }
    assert!(text.out.lines().last().unwrap().starts_with("sandlock run "));
}

#[test]
fn verbose_says_what_is_enforced_and_quiet_nothing_but_why_it_failed() {
    let dir = Dir::new();
    let flags = ["-v", "-t", "50"];
    let ran = run(&mut dir.sandboxed(&flags, "echo out; echo err >&2"));
    assert_eq!(ran.ok(), "out\n");
    let (told, own): (Vec<&str>, Vec<&str>) = ran.err.lines().partition(|line| line.starts_with(WHO));
    assert_eq!(own, ["err"]);
    for word in
        ["files: Landlock", "system calls: seccomp", "TCP ports", "capabilities: given up", "time (50 s)"]
    {
        assert!(told.iter().any(|line| line.contains(word)), "{word}: {ran:?}");
    }
    assert_eq!(run(&mut dir.sandboxed(&[], "echo err >&2")).err, "err\n");
    let slow = run(&mut dir.sandboxed(&["-t", "0.2"], "sleep 50"));
    assert!(slow.code == 124 && slow.err.lines().count() == 1 && slow.err.contains("0.2 s"), "{slow:?}");
    let slow = run(&mut dir.sandboxed(&["-q", "-t", "0.2"], "sleep 50"));
    assert_eq!((slow.code, slow.err.as_str()), (124, ""));
    assert_eq!(run(&mut dir.sandlock(["run", "-q", "--", "no-such-command"])).err.lines().count(), 1);
    assert_eq!(run(&mut dir.sandlock(["run", "-q", "-r", "/no/such", "true"])).err.lines().count(), 1);
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_sh() {
    let dir = Dir::new();
    dir.file("script", 0o755, "echo \"$0 $# $2\"; exit 3\n");
    let ran = run(&mut dir.sandlock(["run", "--", "./script", "a", "b c"]));
    assert_eq!((ran.code, ran.out.as_str()), (3, "./script 2 b c\n"), "{ran:?}");
    let path = format!("PATH={}", dir.text());
    let ran = run(&mut dir.sandlock(["run", "--env", &path, "--", "script", "a", "b"]));
    assert_eq!((ran.code, ran.out), (3, format!("{}/script 2 b\n", dir.text())));
}

#[test]
fn arguments_are_bytes() {
    let dir = Dir::new();
    let odd = OsStr::from_bytes(b"\xff\x01\n\xe2\x82");
    let mut command = dir.sandlock(["run", "--", "printf", "%s|%s"]);
    command.args([odd, OsStr::new("")]);
    assert_eq!(output(start(&mut command)).stdout, b"\xff\x01\n\xe2\x82|");
    fs::create_dir(dir.join(odd)).unwrap();
    let mut command = dir.sandlock(["run", "--cwd", "/", "-w"]);
    command.arg(dir.join(odd)).args(["--", "sh", "-c", "echo hi > \"$0/f\""]).arg(dir.join(odd));
    run(&mut command).ok();
    assert_eq!(fs::read(dir.join(odd).join("f")).unwrap(), b"hi\n");
}

#[test]
fn the_environment_is_passed_on_and_can_be_set_and_cleaned() {
    let dir = Dir::new();
    let env = |flags: &[&str]| {
        let mut command = dir.sandlock([&["run"], flags, &["--", "env"]].concat());
        command.envs([
            ("SECRET", "x"),
            ("TZ", "UTC"),
            ("LC_TIME", "C"),
            ("SHELL", "/bin/sh"),
            ("LD_LIBRARY_PATH", "/x"),
        ]);
        let ran = run(&mut command);
        ran.ok().lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let names = |set: &BTreeSet<String>| {
        set.iter().map(|line| line.split_once('=').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    let all = env(&[]);
    assert_eq!(
        names(&all),
        [
            &PRIVATE[..1],
            &["LC_ALL", "LC_TIME", "LD_LIBRARY_PATH", "PATH", "SHELL", "TERM"],
            &PRIVATE[1..4],
            &["TZ"],
            &PRIVATE[4..]
        ]
        .concat()
    );
    assert_eq!(
        names(&env(&["--env", "SECRET", "--home", "keep"])).iter().filter(|name| *name == "SECRET").count(),
        1
    );
    let set = env(&[
        "--env",
        "A=1",
        "--env",
        "A=2=3",
        "--env",
        "EMPTY=",
        "--env",
        "SECRET=y",
        "--env",
        "TMPDIR=/x",
    ]);
    for line in ["A=2=3", "EMPTY=", "SECRET=y", "TMPDIR=/x", "TZ=UTC"] {
        assert!(set.contains(line), "{line}: {set:?}");
    }
    assert_eq!(set.len(), all.len() + 3);
    let clean = env(&["--clean-env", "--env", "A=1"]);
    assert_eq!(
        names(&clean),
        [
            &["A"],
            &PRIVATE[..1],
            &["LC_ALL", "LC_TIME", "PATH", "SHELL", "TERM"],
            &PRIVATE[1..4],
            &["TZ"],
            &PRIVATE[4..]
        ]
        .concat()
    );
}

#[test]
fn the_working_directory_can_be_chosen() {
    let dir = Dir::new();
    let other = Dir::new();
    other.file("tool", 0o755, "#!/bin/sh\npwd; cat data\n");
    other.file("data", 0o644, "data\n");
    dir.file("here", 0o644, "here\n");
    assert_eq!(run(&mut dir.sandboxed(&[], "pwd")).ok().trim_end(), dir.text());
    let tool = run(&mut dir.sandlock(["run", "--cwd", other.text(), "--", "./tool"]));
    assert_eq!(tool.ok(), format!("{}\ndata\n", other.text()));
    // It takes the place of the caller's, in what may be read too; relative rules still start at the
    // caller's.
    let script = format!("cat {}/here", dir.text());
    assert_eq!(run(&mut dir.sandboxed(&[], &script)).ok(), "here\n");
    run(&mut dir.sandboxed(&["--cwd", other.text()], &script)).refused();
    assert_eq!(run(&mut dir.sandboxed(&["--cwd", other.text(), "-r", "here"], &script)).ok(), "here\n");
    fs::create_dir(dir.join("sub")).unwrap();
    let sub = run(&mut dir.sandboxed(&["--cwd", "sub", "-w", "sub"], "echo hi > f && pwd"));
    assert_eq!(sub.ok().trim_end(), dir.join("sub").to_str().unwrap());
    // The private directory of a TMPDIR that is relative is still found from elsewhere.
    let mut relative = dir.sandboxed(&["--cwd", other.text()], "echo hi > $TMPDIR/f && cat $TMPDIR/f");
    assert_eq!(run(relative.env("TMPDIR", "sub")).ok(), "hi\n");
}

#[test]
fn the_temporary_directory_is_private_and_gone_afterwards() {
    let dir = Dir::new();
    let parent = Dir::new();
    let in_parent = |flags: &[&str], script: &str| {
        let ran = run(dir.sandboxed(flags, script).env("TMPDIR", parent.text()));
        assert_eq!(fs::read_dir(&*parent).unwrap().count(), 0, "left behind: {script}: {ran:?}");
        ran
    };
    let ran =
        in_parent(&[], "echo $TMPDIR; stat -c %a $TMPDIR; echo hi > $TMPDIR/f; cat $TMPDIR/f; ls -A $TMPDIR");
    let lines: Vec<&str> = ran.ok().lines().collect();
    assert_eq!(lines[1..], ["700", "hi", "f"]);
    let path = Path::new(lines[0]);
    assert!(path.parent() == Some(&*parent) && !path.exists(), "{path:?}");
    // Whatever is in it, and however the command ends.
    let odd = "cd $TMPDIR && mkdir -p a/b/c .d/e && echo x > a/b/c/f && ln -s / a/root && ln -s a loop && mkfifo a/fifo \
               && ln a/b/c/f hard && touch -- -rf '*' \"$(printf 'a\\nb')\" && mkdir \"$(printf '%0250d' 7)\" \
               && chmod 0 a/b/c/f a/b/c a/b && chmod 500 .d && chmod 111 a && chmod 0 .";
    assert_eq!(in_parent(&[], odd).ok(), "");
    assert_eq!(in_parent(&[], &format!("({odd}); kill -KILL $$")).code, 137);
    assert_eq!(in_parent(&["-t", "0.5"], &format!("({odd}); sleep 50")).code, 124);
    let busy = "(i=0; while :; do i=$((i+1)); mkdir -p $TMPDIR/d$i/x; done) & sleep 0.3";
    in_parent(&[], busy).ok();
    assert!(fs::read_dir("/usr").unwrap().count() > 0);
    // The parent itself is not granted, nor another user's directory in it.
    let other = parent.join("other");
    fs::create_dir(&other).unwrap();
    let script = format!("ls {0} || echo x > {0}/f", other.display());
    run(&mut dir.bare(&script)).ok();
    run(dir.sandboxed(&[], &script).env("TMPDIR", parent.text())).refused();
    fs::remove_dir(&other).unwrap();
}

#[test]
fn an_empty_tmpdir_is_none_as_for_mktemp() {
    let dir = Dir::new();
    for script in ["mktemp -u", "echo $TMPDIR"] {
        let bare = run(dir.bare("mktemp -u").env("TMPDIR", ""));
        let ran = run(dir.sandboxed(&[], script).env("TMPDIR", ""));
        assert!(bare.ok().starts_with("/tmp/") && ran.ok().starts_with("/tmp/"), "{script}: {ran:?}");
    }
}

#[test]
fn what_is_granted_can_be_written_and_nothing_else() {
    let granted = Dir::new();
    let dir = Dir::new();
    let script = |to: &Dir| format!("echo hi > {}/f", to.text());
    let system: Vec<&str> = ["-r", "/usr", "-r", "/lib"].to_vec();
    let mut bare_base = vec!["--base", "none"];
    for path in ["/usr", "/bin", "/lib", "/lib64"].iter().filter(|path| Path::new(path).exists()) {
        bare_base.extend(["-r", path]);
    }
    for base in [system, bare_base] {
        let flags = [&base[..], &["-w", granted.text()]].concat();
        run(&mut dir.sandboxed(&flags, &script(&granted))).ok();
        assert_eq!(fs::read(granted.join("f")).unwrap(), b"hi\n");
        run(&mut dir.sandboxed(&flags, &script(&dir))).refused();
        assert!(!dir.join("f").exists());
        fs::remove_file(granted.join("f")).unwrap();
        for change in [
            "mkdir d",
            "ln -s a b",
            "mkfifo p",
            "touch f",
            "mv old new",
            "rm old",
            "rmdir empty",
            "ln old new",
            "truncate -s 0 old",
        ] {
            for (place, works) in [(&granted, true), (&dir, false)] {
                place.file("old", 0o644, "old");
                fs::create_dir_all(place.join("empty")).unwrap();
                let ran = run(&mut place.sandboxed(&[&flags[..], &["-r", place.text()]].concat(), change));
                assert_eq!(ran.code == 0, works, "{change}: {ran:?}");
                fs::remove_dir_all(place.text()).and_then(|()| fs::create_dir(place.text())).unwrap();
            }
        }
    }
    run(&mut dir.bare(&script(&dir))).ok();
}

#[test]
fn a_rule_for_a_file_is_for_that_file() {
    let far = Dir::new();
    let dir = Dir::new();
    let (one, two) = (far.file("one", 0o644, "one\n"), far.file("two", 0o644, "two\n"));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let both = format!("cat {one} && cat {two}");
    assert_eq!(run(&mut dir.bare(&both)).ok(), "one\ntwo\n");
    let ran = run(&mut dir.sandboxed(&["-r", one], &both));
    assert_eq!(ran.refused().out, "one\n");
    run(&mut dir.sandboxed(&["-r", one], &format!("echo x >> {one}"))).refused();
    run(&mut dir.sandboxed(&["-w", one], &format!("echo x >> {one} && cat {one}"))).ok();
    run(&mut dir.sandboxed(&["-w", one], &format!("rm {one}"))).refused();
    // A rule for a symbolic link is for what it leads to.
    std::os::unix::fs::symlink(two, dir.join("link")).unwrap();
    assert_eq!(run(&mut dir.sandboxed(&["-r", "link"], "cat link")).ok(), "two\n");
    run(&mut dir.sandboxed(&[], "cat link")).refused();
}

#[test]
fn of_etc_there_is_what_every_user_may_read() {
    let dir = Dir::new();
    // The shell lists /proc itself: of what ls finds there, something ends before it is looked at.
    let script = "ls /usr/bin && echo /proc/sel[f] && cat /proc/self/status > /dev/null";
    assert!(run(&mut dir.sandboxed(&[], script)).ok().ends_with("\n/proc/self\n"));
    // What programs ask for, and end without if it is there but refused.
    let files = ["passwd", "hosts", "nsswitch.conf", "debian_version", "issue", "shells", "os-release"];
    let mut read = 0;
    for path in files.map(|name| format!("/etc/{name}")).into_iter().filter(|path| Path::new(path).exists()) {
        assert_eq!(
            run(&mut dir.sandboxed(&[], &format!("cat {path}"))).ok(),
            fs::read_to_string(&path).unwrap()
        );
        read += 1;
    }
    assert!(read >= 2, "no file in /etc to read");
    // Root could read secrets, any other user only what all others may read too.
    let secrets = ["shadow", "gshadow", "shadow-", "sudoers", "ssl/private", "security", "pam.d", "crontab"];
    let (is_root, mut tried) = (sandlock_sys::process::getuid().get() == 0, 0);
    for path in secrets.map(|name| format!("/etc/{name}")) {
        let script = format!("cp -r {path} $TMPDIR/copy");
        if run(dir.bare(&script).env("TMPDIR", dir.text())).code == 0 {
            let ran = run(&mut dir.sandboxed(&[], &script));
            assert_eq!(ran.code != 0, is_root, "{path}: {ran:?}");
            tried += 1;
        }
    }
    assert!(tried > 0, "no file in /etc to try");
    // Keys, in a home.
    let home = Dir::new();
    fs::create_dir(home.join(".ssh")).unwrap();
    home.file(".ssh/id_ed25519", 0o600, "key\n");
    let script = "cat $HOME/.ssh/id_ed25519";
    assert_eq!(run(dir.bare(script).env("HOME", home.text())).ok(), "key\n");
    for script in [script, &format!("cat {}/.ssh/id_ed25519", home.text()), &format!("ls {}", home.text())] {
        assert_eq!(run(dir.sandboxed(&[], script).env("HOME", home.text())).refused().out, "", "{script}");
        let kept =
            run(dir.sandboxed(&["--home", "keep"], script).env("HOME", home.text())).refused().out.clone();
        assert_eq!(kept, "", "{script}");
    }
}

#[test]
fn the_working_directory_is_readable_but_not_when_it_holds_the_home() {
    let dir = Dir::new();
    dir.file("project", 0o644, "project\n");
    fs::create_dir(dir.join("user")).unwrap();
    let with_home = |home: &Path, flags: &[&str]| run(dir.sandboxed(flags, "cat project").env("HOME", home));
    assert_eq!(with_home(Path::new("/nonexistent"), &[]).ok(), "project\n");
    assert_eq!(with_home(dir.parent().unwrap(), &[]).ok(), "project\n");
    with_home(&dir, &[]).refused();
    with_home(&dir.join("user"), &[]).refused();
    with_home(&dir.join("user/.."), &[]).refused();
    let told = with_home(&dir, &["-v"]).err;
    assert!(told.contains("-r ."), "{told}");
    assert_eq!(with_home(&dir, &["-r", "."]).ok(), "project\n");
    run(&mut dir.sandboxed(&[], "echo x > project")).refused();
}

#[test]
fn without_a_base_there_is_nothing() {
    let dir = Dir::new();
    dir.file("file", 0o644, "file\n");
    let mut flags = vec!["--base", "none"];
    for path in ["/usr", "/bin", "/lib", "/lib64"].iter().filter(|path| Path::new(path).exists()) {
        flags.extend(["-r", path]);
    }
    assert_eq!(run(&mut dir.sandboxed(&flags, "echo hi")).ok(), "hi\n");
    for script in [
        "cat file",
        "cat /etc/passwd",
        "cat /proc/self/status",
        "echo x > /dev/null",
        "head -c 1 /dev/urandom",
        "ls /",
        "ls /tmp",
        "test \"$TMPDIR\"",
    ] {
        run(&mut dir.sandboxed(&flags, script)).refused();
        if !script.contains("/tmp") && script != "ls /" {
            run(&mut dir.sandboxed(&[], script)).ok();
        }
    }
}

#[test]
fn descriptors_above_2_are_closed() {
    let dir = Dir::new();
    let file = Dir::new().join("..").canonicalize().unwrap();
    drop(file);
    let secret = dir.file("secret", 0o600, "secret\n");
    let sandlock = built("sandlock");
    let read = "cat <&7";
    let (secret, sandlock) = (secret.display(), format!("{} run -q {}", sandlock.display(), agreed()));
    assert_eq!(run(&mut dir.bare(&format!("sh -c '{read}' 7< {secret}"))).ok(), "secret\n");
    let script = format!("exec {sandlock} --cwd / -- sh -c '{read}' 7< {secret} 9< {secret}");
    let ran = run(&mut dir.bare(&script));
    assert_eq!(ran.refused().out, "");
    // ls has one more, of the directory.
    let open = "ls /proc/self/fd | tr '\\n' ' '";
    for closed in ["", "<&-", "<&- >&2"] {
        let ran = run(dir
            .bare(&format!("exec 2>&1; {sandlock} -- sh -c \"{open}\" {closed}"))
            .stderr(Stdio::null()));
        assert_eq!(ran.ok(), "0 1 2 3 ", "{closed}");
    }
    // Without standard descriptors, none of ours takes their place.
    let all = format!(
        "{sandlock} -w . -- sh -c 'ls /proc/self/fd > list; ls -l /proc/self/fd > long' <&- >&- 2>&-"
    );
    run(&mut dir.bare(&all)).ok();
    let list = fs::read_to_string(dir.join("long")).unwrap();
    assert!(!list.contains("socket:") && !list.contains("anon_inode") && !list.contains("secret"), "{list}");
}

#[test]
fn standard_input_output_and_error_pass_through() {
    let dir = Dir::new();
    let ran = run(&mut dir.sandboxed(&[], "echo out; echo err >&2"));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("out\n", "err\n"));
    let big: Vec<u8> = (0..10_000_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for script in ["cat", "cat >&2", "cat | cat | cat"] {
        let mut child = start(dir.sandboxed(&[], script).stdin(Stdio::piped()));
        let (mut to, data) = (child.stdin.take().unwrap(), big.clone());
        let writer = thread::spawn(move || to.write_all(&data).unwrap());
        let ran = output(child);
        writer.join().unwrap();
        let got = if script.contains('&') { ran.stderr } else { ran.stdout };
        assert!(got == big, "{script}: {} bytes of {}", got.len(), big.len());
    }
}

#[test]
fn a_closed_pipe_ends_the_command_silently() {
    let dir = Dir::new();
    let (sandlock, agreed) = (built("sandlock"), agreed());
    let script = format!("{{ {} run {agreed} -- yes; echo $? >&2; }} | head -1", sandlock.display());
    let ran = run(&mut dir.bare(&script));
    assert_eq!((ran.ok(), ran.err.as_str()), ("y\n", "141\n"));
}

#[test]
fn a_command_is_found_along_the_path_as_by_a_shell() {
    let dir = Dir::new();
    for sub in ["one", "two"] {
        fs::create_dir(dir.join(sub)).unwrap();
        dir.file(&format!("{sub}/tool"), 0o755, format!("#!/bin/sh\necho {sub}\n"));
    }
    let path = |path: &str, name: &str| {
        run(&mut dir.sandlock(["run", "--env", &format!("PATH={path}:/usr/bin:/bin"), "--", name]))
    };
    let (one, two) = (dir.join("one"), dir.join("two"));
    let both = format!("{}:{}", one.display(), two.display());
    assert_eq!(path(&both, "tool").ok(), "one\n");
    fs::set_permissions(one.join("tool"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(path(&both, "tool").ok(), "two\n");
    assert_eq!(path("one:two", "tool").ok(), "two\n");
    assert_eq!(path("", "two/tool").ok(), "two\n");
    fs::set_permissions(two.join("tool"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(path(&both, "tool").code, 126);
    assert!(which("tool").is_none());
    assert_eq!(path("/no/such", "tool").code, 127);
}
