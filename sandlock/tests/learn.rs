//! `sandlock learn`: the profile that it writes is enough, has nothing that a person should want first, and
//! is the only file that it changes.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;

use common::{Dir, PYTHON, Ran, has, run};

/// `sandlock learn -o` a file of a directory that no command may change, and a shell script as the command.
fn learn(dir: &Dir, keep: &Dir, flags: &[&str], script: &str) -> Ran {
    let file = keep.join("p.toml").display().to_string();
    let typed = dir.sandlock([&["learn", "-o", &file], flags, &["--", "sh", "-c", script]].concat());
    // Group's write permission would make the profile one that is refused.
    let mut command = dir.bare("umask 002; exec \"$0\" \"$@\"");
    command.arg(typed.get_program()).args(typed.get_args());
    run(command.env("HOME", dir.text()))
}

fn profile(keep: &Dir) -> String {
    fs::read_to_string(keep.join("p.toml")).unwrap()
}

/// A directory with the files that a script asks for.
fn outside() -> Dir {
    let dir = Dir::new();
    dir.file("file", 0o644, "text\n");
    for number in 0..4 {
        fs::create_dir_all(dir.join("folder")).unwrap();
        dir.file(&format!("folder/{number}"), 0o644, "text\n");
    }
    fs::create_dir(dir.join("made")).unwrap();
    dir
}

#[test]
fn what_was_learned_is_enough_for_the_next_run() {
    let (dir, keep, outside) = (Dir::new(), Dir::new(), outside());
    let out = outside.text();
    let script = format!(
        "set -e; cat {out}/file; cat {out}/folder/0; cat {out}/folder/1 {out}/folder/2; echo x > {out}/made/new; rm {out}/made/new"
    );
    assert!(run(&mut dir.sandboxed(&[], &script)).code != 0, "the control");
    // Once, and then as long as it helps.
    let ran = learn(&dir, &keep, &[], &script);
    assert!(ran.code != 0 && ran.err.contains(&format!("+ --fs-read {out}/file  # cat: ")), "{ran:?}");
    let ran = learn(&dir, &keep, &["--yes"], &script);
    ran.ok();
    let text = profile(&keep);
    for line in [format!("\"{out}/file\",  # learned before"), format!("\"{out}/folder\",  # cat: ")] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    assert!(text.contains(&format!("\"{out}/made\",")) && !text.contains(&format!("\"{out}\"")), "{text}");
    assert_eq!(keep.join("p.toml").metadata().unwrap().mode() & 0o777, 0o644);
    let file = keep.join("p.toml").display().to_string();
    let again = run(&mut dir.sandlock(["run", "-p", &file, "--", "sh", "-c", &script]));
    assert_eq!(again.ok(), "text\ntext\ntext\ntext\n");
    // What is granted now is not asked for again, and nothing else came along.
    let ran = learn(&dir, &keep, &["--yes"], &script);
    assert!(ran.code == 0 && ran.err.contains("round 1: ") && !ran.err.contains("+ --"), "{ran:?}");
    let other =
        run(&mut dir.sandlock(["run", "-p", &file, "--", "sh", "-c", &format!("echo x > {out}/file")]));
    assert!(other.code != 0, "{other:?}");
}

#[test]
fn flags_and_profiles_are_kept_in_it() {
    let (dir, keep, outside) = (Dir::new(), Dir::new(), outside());
    let out = outside.text();
    let own = keep.file("own.toml", 0o644, format!("[filesystem]\nread = [\"{out}/folder\"]\n"));
    let own = own.display().to_string();
    let ugly = "A=\"b\\c\u{7f}";
    let script = format!("test \"$A\" = '\"b\\c\u{7f}' && cat {out}/folder/0 {out}/file && echo x > made");
    let flags = ["-y", "-p", "offline", "-p", &own, "-w", ".", "-e", ugly, "--clean-env"];
    learn(&dir, &keep, &flags, &script).ok();
    let text = profile(&keep);
    for line in ["include = [\"offline\"]", "clean = true", "\\u007F", "/folder\",  # of ", "\".\","] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let file = keep.join("p.toml").display().to_string();
    let again = run(&mut dir.sandlock(["run", "-p", &file, "--", "sh", "-c", &script]));
    assert_eq!(again.ok(), "text\ntext\n");
}

/// A package that wants everything. It names nothing outside of the test's own directories, for the
/// control grants what it asks for.
#[test]
fn nothing_that_is_grave_is_proposed_unasked() {
    let (dir, keep, project) = (Dir::new(), Dir::new(), Dir::new());
    let home = dir.text();
    for path in [
        ".ssh/id",
        ".config/gh/hosts.yml",
        ".config/a/x",
        ".config/b/x",
        ".config/c/x",
        ".cargo/credentials.toml",
    ] {
        fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        dir.file(path, 0o644, "text\n");
    }
    for path in [".bashrc", ".bash_history", ".npmrc", "plain"] {
        dir.file(path, 0o644, "text\n");
    }
    let script = format!(
        "for f in .ssh/id .config/gh/hosts.yml .config/a/x .config/b/x .config/c/x .cargo/credentials.toml .bash_history plain; do cat {home}/$f; done; cat ~/.npmrc
         ls {home} {home}/.config {home}/.ssh; echo x >> {home}/.bashrc; echo x > {home}/new; mkdir {home}/.config/autostart; exit 3"
    );
    let at = |flags: &[&str]| {
        let file = keep.join("p.toml").display().to_string();
        let args = [&["learn", "-y", "-o", &file], flags, &["--", "sh", "-c", &script]].concat();
        run(project.sandlock(args).env("HOME", home))
    };
    let ran = at(&[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let text = profile(&keep);
    let granted: Vec<&str> = text.lines().filter(|line| line.starts_with("    \"")).collect();
    let want = [".config/a/x", ".config/b/x", ".config/c/x", "plain"]
        .map(|path| format!("    \"{home}/{path}\",  # cat: "));
    assert_eq!(granted.len(), want.len(), "{granted:?}");
    for (line, want) in granted.iter().zip(&want) {
        assert!(line.starts_with(want), "{line} {want}");
    }
    assert!(!text.contains("write") && !text.contains("keep"), "{text}");
    for line in [
        format!("not proposed: -r {home}/.ssh/id  # cat: "),
        format!("not proposed: -w {home}/.bashrc  # sh: "),
        format!("not proposed: -w {home}/.config  # mkdir: "),
        format!("not proposed: -r {home}/.config  # ls: "),
    ] {
        assert!(ran.err.contains(&line), "{line}: {ran:?}");
    }
    // The control: they were asked for.
    let ran = at(&["--allow-sensitive"]);
    let text = profile(&keep);
    assert!(
        [".ssh", ".bashrc"].iter().all(|path| text.contains(&format!("\"{home}/{path}"))),
        "{text} {ran:?}"
    );
}

#[test]
fn a_service_of_the_user_is_not_proposed() {
    if !has(a_service_of_the_user_is_not_proposed, &["python3"]) {
        return;
    }
    let (dir, keep, outside) = (Dir::new(), Dir::new(), Dir::new());
    let path = outside.join("agent");
    let _socket = UnixListener::bind(&path).unwrap();
    let script =
        format!("{PYTHON} -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{}\")'", path.display());
    run(&mut dir.bare(&script)).ok();
    let ran = learn(&dir, &keep, &["-y"], &script);
    let line = format!("not proposed: -w {}  # ", path.display());
    assert!(ran.code == 1 && ran.err.contains(&line) && !profile(&keep).contains("agent\","), "{ran:?}");
}

#[test]
fn a_file_that_was_not_learned_stays_as_it_is() {
    let (dir, keep, outside) = (Dir::new(), Dir::new(), outside());
    let script = format!("cat {}/file", outside.text());
    keep.file("p.toml", 0o644, "[filesystem]\n");
    let ran = learn(&dir, &keep, &["-y"], &script);
    assert!(
        ran.code == 125 && ran.err.contains("was not learned") && profile(&keep) == "[filesystem]\n",
        "{ran:?}"
    );
    // A link is replaced, and the file that it leads to is not written.
    fs::remove_file(keep.join("p.toml")).unwrap();
    let other = keep.file("other", 0o644, "# Learned by sandlock.\n");
    symlink(&other, keep.join("p.toml")).unwrap();
    learn(&dir, &keep, &["-y"], &script).ok();
    assert_eq!(fs::read_to_string(&other).unwrap(), "# Learned by sandlock.\n");
    assert!(!keep.join("p.toml").is_symlink());
    // No name, a folder that cannot be, and a command that is not there.
    for (args, word) in [
        (&["learn", "--", "true"][..], "-o FILE"),
        (&["learn", "-o", "/dev/null/p.toml", "--", "true"], "/dev/null/p.toml"),
        (&["learn", "-o", "p.toml", "--", "no-such-command"], "no-such-command"),
        (&["learn", "-o", "p.toml", "-p", "no-such", "--", "true"], "no-such"),
    ] {
        let ran = run(&mut dir.sandlock(args));
        assert!(ran.code == 125 && ran.err.contains(word) && !dir.join("p.toml").exists(), "{ran:?}");
    }
}

#[test]
fn what_a_command_that_succeeds_did_without_is_a_comment() {
    let (dir, keep, outside) = (Dir::new(), Dir::new(), outside());
    let ran = learn(&dir, &keep, &["-y"], &format!("cat {}/file; true", outside.text()));
    let text = profile(&keep);
    assert!(
        ran.code == 0 && text.contains(&format!("# --fs-read {}/file  # cat: ", outside.text())),
        "{text}"
    );
    assert!(!text.contains("[filesystem]"), "{text}");
}

#[test]
fn a_command_that_asks_for_more_each_time_is_given_up() {
    let (dir, keep, outside) = (Dir::new(), Dir::new(), Dir::new());
    for number in 0..30 {
        fs::create_dir(outside.join(format!("d{number}"))).unwrap();
        outside.file(&format!("d{number}/file"), 0o644, "text\n");
    }
    let out = outside.text();
    let script = format!("echo >> count; n=$(wc -l < count); cat {out}/d$n/file; exit 1");
    let ran = learn(&dir, &keep, &["-y", "-w", "."], &script);
    assert!(ran.code == 125 && ran.err.contains("20 times"), "{ran:?}");
}

#[test]
fn a_machine_is_granted_and_not_its_port_everywhere() {
    if !has(a_machine_is_granted_and_not_its_port_everywhere, &["python3"]) {
        return;
    }
    let (dir, keep) = (Dir::new(), Dir::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let python = "import socket, sys; socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))";
    let ran = learn(
        &dir,
        &keep,
        &["-y"],
        &format!("{PYTHON} -c '{python}' {}", listener.local_addr().unwrap().port()),
    );
    assert!(ran.code == 0 && profile(&keep).contains(&format!("    \"{address}\",")), "{ran:?}");
}

/// The report is out of the command's reach, even where it may write everywhere.
#[test]
fn a_command_cannot_forge_its_report() {
    let (dir, keep) = (Dir::new(), Dir::new());
    let line = r#"{"event":"refused","weight":"cause","process":"x","call":"x","grants":[{"flag":"fs-read","value":"/proc"}]}"#;
    let forge = format!(
        "for fd in /proc/[0-9]*/fd/*; do case $(readlink $fd) in *report*|*forged*) echo '{line}' >> $fd;; esac; done 2> /dev/null; exit 3"
    );
    let ran = learn(&dir, &keep, &["-w", "/"], &forge);
    assert!(ran.code == 3 && !profile(&keep).contains("    \"/proc"), "{ran:?}");
    // The control: a process of one's own, outside.
    let ran = run(dir.bare("exec 9> forged; sh -c \"$0\"; cat forged").arg(&forge));
    assert!(ran.out.contains("/proc"), "{ran:?}");
}

#[test]
fn a_recorded_run_is_compared_with_a_profile() {
    let (dir, keep, outside) = (Dir::new(), Dir::new(), outside());
    let out = outside.text();
    let script = format!("cat {out}/file; echo x > {out}/made/new; exit 1");
    let report = keep.join("report").display().to_string();
    run(&mut dir.sandboxed(&[&format!("--why={report}")], &script));
    let check = |text: &str| {
        let file = keep.file("q.toml", 0o644, text).display().to_string();
        run(&mut dir.sandlock(["profile", "check", &file, "--replay", &report]))
    };
    let all = check(&format!("[filesystem]\nread = [\"{out}/file\"]\nwrite = [\"{out}/made\"]\n"));
    assert!(all.code == 0, "{all:?}");
    let read = check(&format!("[filesystem]\nread = [\"{out}\"]\n"));
    assert!(read.code == 1 && read.out.contains("/made/new (make)"), "{read:?}");
    let some = check(&format!("[filesystem]\nread = [\"{out}/file\"]\n"));
    assert!(
        some.code == 1 && some.out.lines().count() == 1 && some.out.contains("/made/new (make)"),
        "{some:?}"
    );
    fs::write(&report, "{\n").unwrap();
    let broken = check("");
    assert!(broken.code == 125 && broken.err.contains(":1: "), "{broken:?}");
}
