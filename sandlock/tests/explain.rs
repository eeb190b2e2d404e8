//! Answers without a run: profiles, `why` and `explain`.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use common::{Dir, Ran, run};

/// Runs sandlock with a folder of profiles.
fn with(dir: &Dir, args: &[&str]) -> Ran {
    run(dir.sandlock(args).env("XDG_CONFIG_HOME", dir.join("config")))
}

fn profile(dir: &Dir, name: &str, text: &str) {
    let folder = dir.join("config/sandlock/profiles");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.toml")), text).unwrap();
    fs::set_permissions(folder.join(format!("{name}.toml")), fs::Permissions::from_mode(0o644)).unwrap();
}

/// Whether any user may listen on ports below 1024 here.
fn low_ports_are_open() -> bool {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    first.trim().parse().is_ok_and(|first: u16| first <= 81)
}

/// Each prediction is compared with a run, with and without the grant.
#[test]
fn why_says_what_happens() {
    let (dir, outside) = (Dir::new(), Dir::new());
    outside.file("file", 0o644, "text");
    let (file, new) = (outside.join("file"), outside.join("new"));
    let (file, new, folder) = (file.to_str().unwrap(), new.to_str().unwrap(), outside.text());
    for (question, script) in [
        (["read", file], format!("cat {file}")),
        (["write", file], format!(": >> {file}")),
        (["write", new], format!(": > {new} && rm {new}")),
        (["read", folder], format!("ls {folder}")),
        (["read", "/etc/passwd"], "cat /etc/passwd".to_owned()),
        (["exec", "/bin/sh"], "true".to_owned()),
        (["signal", "1"], "kill -0 1".to_owned()),
        (["syscall", "getpid"], "true".to_owned()),
    ] {
        for flags in [&[][..], &["-r", folder], &["-w", folder]] {
            let why = with(&dir, &[&["why"], flags, &question].concat());
            let ran = run(&mut dir.sandboxed(flags, &script));
            if question[0] == "signal" && !why.out.contains("Landlock") {
                continue;
            }
            let is_allowed = why.code == 0;
            assert_eq!(is_allowed, ran.code == 0, "{question:?} {flags:?}: {why:?}, {ran:?}");
            if !is_allowed && ["read", "write"].contains(&question[0]) {
                // Its advice is taken at its word.
                let advice = why.out.lines().last().unwrap().split_once("to allow it: ").unwrap().1;
                let advice: Vec<&str> = advice.split(' ').collect();
                let ran = run(&mut dir.sandboxed(&[flags, &advice].concat(), &script));
                assert_eq!(ran.code, 0, "{question:?} {advice:?}: {ran:?}");
            }
        }
    }
    dir.file("file", 0o644, "");
    dir.file("closed", 0o000, "");
    fs::create_dir(dir.join("sub")).unwrap();
    let json = with(&dir, &["why", "--json", "read", file]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["verdict"] == "refused" && json["errno"] == "EACCES", "{json}");
    // Some architectures have numbers of their own.
    let number = |request: libc::Ioctl| request.to_string();
    for (question, verdict) in [
        (&["connect", "192.0.2.1:443"][..], "refused"),
        (&["bind", "80"], "refused"),
        (&["--net-allow-bind", "*", "bind", "45007"], "allowed, by a grant"),
        (&["--net-allow", ":*", "connect", "127.0.0.1:9"], "allowed, by a grant"),
        (&["bind", "0"], "--net-allow-bind '*'"),
        // Without capabilities, root's are no exception.
        (&["--net-allow-bind", "81", "bind", "81"], if low_ports_are_open() { "allowed" } else { "refused" }),
        (&["-r", "/", "read", "/no/such/file"], "No such file"),
        (&["-w", ".", "write", "no/such/file"], "refused (ENOENT)"),
        (&["-w", ".", "write", "file/x"], "refused (ENOTDIR)"),
        (&["-C", "sub", "-w", ".", "write", "new"], "allowed, by Landlock"),
        (&["-C", "sub", "-w", ".", "write", "sub/new"], "refused"),
        (&["-r", ".", "read", "closed"], "refused (EACCES)"),
        (&["resolve", "name.invalid"], "refused"),
        (&["ioctl", &number(libc::TIOCSTI)], "refused (EPERM)"),
        (&["ioctl", &number(libc::TIOCGWINSZ)], "allowed"),
        (&["syscall", "unshare", "0x10000000"], "refused (EPERM)"),
        (&["syscall", "unshare", "0x400"], "allowed"),
        (&["syscall", "mount"], "refused (EPERM)"),
        (&["syscall", "connect"], "depends"),
    ] {
        let why = with(&dir, &[&["why"], question].concat());
        assert!(why.out.contains(verdict), "{question:?}: {why:?}");
    }
    let is_root = sandlock_sys::process::getuid().get() == 0;
    let kept = with(&dir, &["why", "--keep-caps", "--net-allow-bind", "81", "bind", "81"]);
    assert_eq!(kept.code == 0, is_root || low_ports_are_open(), "{kept:?}");
    for mistake in
        [&["read"][..], &["fly", "there"], &["bind", "http"], &["syscall", "no_such"], &["connect", "x"]]
    {
        let why = with(&dir, &[&["why"], mistake].concat());
        assert!(
            why.code == 125 && why.out.is_empty() && why.err.lines().count() == 1,
            "{mistake:?}: {why:?}"
        );
    }
}

#[test]
fn explain_names_who_gives_what() {
    let (dir, other) = (Dir::new(), Dir::new());
    profile(&dir, "mine", &format!("[filesystem]\nwrite = [\n  {:?},\n]\n", other.text()));
    let text = with(&dir, &["explain", "-p", "mine", "-r", "/usr"]);
    let text = text.ok();
    let (_, after) = text.split_once("  profile mine:3\n").unwrap();
    assert!(
        after.lines().next().unwrap().ends_with(&fs::canonicalize(&*other).unwrap().display().to_string())
    );
    assert!(text.contains("  base profile\n") && text.contains("  -r\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(with(&dir, &["explain", "--json"]).ok()).unwrap();
    assert!(json["grants"].as_array().unwrap().len() > 5 && json["enforced"].is_array());
    assert!(with(&dir, &["explain", "--verify"]).ok().contains("each proved"));
    assert!(with(&dir, &["explain", "--filter"]).ok().contains("ret  ALLOW"));
}

#[test]
fn a_receipt_is_there_before_the_command() {
    let (dir, other) = (Dir::new(), Dir::new());
    let file = other.join("receipt.json");
    let path = file.to_str().unwrap();
    with(&dir, &["run", "--receipt", path, "-w", ".", "--", "sh", "-c", &format!("! cat {path}")]).ok();
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let grants = json["grants"].as_array().unwrap();
    let own = fs::canonicalize(&*dir).unwrap();
    assert!(
        grants.iter().any(|grant| grant["path"] == own.to_str().unwrap() && grant["by"] == "-w"),
        "{json}"
    );
    let ran = with(&dir, &["run", "--receipt", "/no/such/file", "-w", ".", "--", "touch", "marker"]);
    assert!(ran.code == 125 && ran.err.contains("/no/such/file") && !dir.join("marker").exists(), "{ran:?}");
}

#[test]
fn profiles_give_flags_and_flags_add_to_them() {
    let (dir, one, two) = (Dir::new(), Dir::new(), Dir::new());
    let grant = |dir: &Dir| format!("[filesystem]\nwrite = {:?}\n", dir.text());
    profile(&dir, "one", &grant(&one));
    profile(
        &dir,
        "both",
        &format!("include = [\"one\"]\n{}[environment]\nset = [\"WHO=me\"]\n", grant(&two)),
    );
    let script = format!("touch {0}/made && touch {1}/made && echo $WHO", one.text(), two.text());
    let boxed = |flags: &[&str]| with(&dir, &[&["run"], flags, &["--", "sh", "-c", &script]].concat());
    boxed(&["-p", "one"]).refused();
    assert_eq!(boxed(&["-p", "both"]).ok(), "me\n");
    assert_eq!(boxed(&["-p", "one", "-w", two.text(), "-e", "WHO=you"]).ok(), "you\n");
    assert_eq!(boxed(&["-p", "both", "-e", "WHO=you"]).ok(), "you\n");
    let path = dir.join("config/sandlock/profiles/both.toml");
    assert_eq!(boxed(&["-p", path.to_str().unwrap()]).ok(), "me\n");
    // Of the folder that a project has, nothing is used unasked.
    fs::write(dir.join(".sandlock.toml"), grant(&two)).unwrap();
    boxed(&["-p", "one"]).refused();
}

#[test]
fn what_comes_with_sandlock_can_be_used() {
    let dir = Dir::new();
    let list = with(&dir, &["profile", "list"]);
    let list = list.ok();
    let names: Vec<&str> = list.lines().map(|line| line.split(' ').next().unwrap()).collect();
    for name in
        ["agent", "browser", "build", "git", "go", "java", "node", "offline", "python", "rust", "server"]
    {
        assert!(names.contains(&name), "{name}");
        // It has no flags for protections that this kernel lacks.
        assert!(with(&dir, &["profile", "check", name]).code == 0 || !common::agreed().is_empty());
        assert!(with(&dir, &["profile", "show", name]).ok().contains("description"));
        // The project can be changed, and a directory beside it cannot be read.
        let secret = Dir::new();
        secret.file("file", 0o644, "secret");
        let script = format!("touch made && ! cat {}/file", secret.text());
        with(&dir, &["run", "-p", name, "--", "sh", "-c", &script]).ok();
    }
    assert_eq!(with(&dir, &["profile", "diff", "node", "node"]).code, 0);
    assert_eq!(with(&dir, &["profile", "diff", "rust", "node"]).out, "+ --net-allow :80\n");
}

/// The message names the place, and nothing starts.
#[test]
fn a_mistake_in_a_profile_points_at_its_place() {
    let dir = Dir::new();
    let marker = dir.join("marker");
    profile(&dir, "good", "[filesystem]\nwrite = [\".\"]\n");
    profile(&dir, "circle", "include = [\"round\"]\n");
    profile(&dir, "round", "include = [\"circle\"]\n");
    let start = |name: &str| with(&dir, &["run", "-p", name, "-w", ".", "--", "touch", "marker"]);
    start("good").ok();
    fs::remove_file(&marker).unwrap();
    for (text, place, why) in [
        ("[filesystem]\nraed = [\"/x\"]\n", ":2:1", "is `read` meant?"),
        ("[filesytem]\nread = [\"/x\"]\n", ":1:2", "is `filesystem` meant?"),
        ("reed = 1\n", ":1:1", "outside of a section"),
        ("[filesystem]\nread = [\"/x\"]\nread = [\"/y\"]\n", ":3:1", "duplicate key"),
        ("[filesystem]\n\tread = [\"/a/../b\"]\n", ":2:10", "`..`"),
        ("[filesystem]\nread = [1.5, true]\n", ":2:14", "text"),
        ("[environment]\nclean = \"yes\"\n", ":2:9", "true or false"),
        ("[filesystem\n", ":1:12", ""),
        ("include = [\"nowhere\"]\n", ":1:12", "no such profile"),
        ("include = [\"../x\"]\n", ":1:12", "of its folder"),
        ("include = \"good\"\n", ":1:11", "include = ["),
        ("[filesystem]\nread = { a = 1 }\n", ":2:8", "list"),
    ] {
        profile(&dir, "bad", text);
        let ran = start("bad");
        let first = ran.err.lines().next().unwrap_or_default();
        let is_right = first.contains(&format!("bad.toml{place}")) && ran.err.contains(why);
        assert!(ran.code == 125 && is_right && ran.err.contains('^'), "{text:?}: {ran:?}");
        assert!(ran.err.lines().all(|line| line.starts_with("sandlock: ")), "{ran:?}");
    }
    // A link is the choice of every user who may write in its folder.
    let shared = dir.join("shared");
    fs::create_dir(&shared).unwrap();
    symlink(dir.join("config/sandlock/profiles/good.toml"), shared.join("link.toml")).unwrap();
    for (mode, is_used) in [(0o755, true), (0o777, false)] {
        fs::set_permissions(&shared, fs::Permissions::from_mode(mode)).unwrap();
        let ran = start(shared.join("link.toml").to_str().unwrap());
        assert_eq!((ran.code == 0, fs::remove_file(&marker).is_ok()), (is_used, is_used), "{ran:?}");
    }
    // Each profile counts once, however often it is included.
    for level in 1..=8 {
        profile(
            &dir,
            &format!("fan{level}"),
            &format!("include = {:?}\n", vec![format!("fan{}", level + 1); 200]),
        );
    }
    profile(&dir, "fan9", "[filesystem]\nwrite = [\".\"]\n");
    start("fan2").ok();
    fs::remove_file(&marker).unwrap();
    profile(&dir, "wide", &format!("[filesystem]\nread = {:?}\n", vec!["/"; 11_000]));
    assert!(start("wide").err.contains("10,000 lines"));
    // No name and no text drives the terminal.
    profile(&dir, "colour", "description = \"\\u001b[31m\\u202e\"\n");
    for args in
        [&["profile", "list"][..], &["why", "read", "/\u{1b}[31m"], &["run", "-p", "a\nb", "--", "true"]]
    {
        let ran = with(&dir, args);
        let all = format!("{}{}", ran.out, ran.err);
        assert!(!all.contains(['\u{1b}', '\u{202e}']) && (ran.err.lines().count() < 2), "{ran:?}");
    }
    let path = |name: &str| dir.join(format!("config/sandlock/profiles/{name}.toml"));
    profile(&dir, "long", &"#".repeat(10 << 20));
    profile(&dir, "shared", "");
    fs::set_permissions(path("shared"), fs::Permissions::from_mode(0o666)).unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink("/dev/zero", path("device")).unwrap();
    profile(&dir, "value", "[limits]\ntimeout = \"soon\"\n");
    for (name, why) in [
        ("circle", "circle"),
        ("long", "64 KiB"),
        ("shared", "chmod go-w"),
        ("folder", "not a file"),
        ("device", "not a file"),
        ("gone", "no such profile"),
        ("./gone", "No such file"),
        ("value", "profile value:2: -t soon"),
        ("..", "plain name"),
        ("", "plain name"),
    ] {
        let ran = start(name);
        assert!(ran.code == 125 && ran.err.contains(why), "{name}: {ran:?}");
    }
    assert!(!marker.exists());
}
