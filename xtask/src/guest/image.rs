//! The guest's files: busybox, a handful of files of /etc, the tests with their folders, and the list of
//! what to run.

use std::{fs, path::Path};

use super::{
    cell::Class,
    cpio::{Cpio, Kind},
};
use crate::{
    executables::{Program, Test},
    stage::NOBODY,
};

/// How long one test executable may take in the guest, in seconds, and one that takes long.
const PATIENCE: (u32, u32) = (300, 900);

const FOLDERS: &[(&str, u32)] = &[
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("etc/ssl", 0o755),
    ("etc/ssl/private", 0o755),
    ("home", 0o755),
    ("home/nobody", 0o777),
    ("lib", 0o755),
    ("mnt", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o755),
    ("tests", 0o755),
    ("tests/bin", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
];

/// As on a distribution with one folder for programs; `init` is busybox's.
const LINKS: &[(&str, &str)] =
    &[("usr/bin", "/bin"), ("usr/sbin", "/bin"), ("sbin", "/bin"), ("init", "/bin/busybox")];

/// The programs of busybox's that the tests run. What it has in another dialect than the tests speak is left
/// out.
const APPLETS: &str = "sh ash basename bc cat chgrp chmod chown cmp cp cut date dd df diff dirname du echo egrep env expr \
    false fgrep find getopt grep groups head hostname id install kill killall ln login ls md5sum mkdir mkfifo mknod mktemp \
    mount mv nc nice nohup nproc od paste pgrep pkill poweroff printf ps pwd readlink realpath renice rm rmdir sed seq setsid \
    sha256sum sleep sort split stat stty su sync tail tar tee test timeout touch tr true tty umount uname uniq unlink wc which \
    who whoami xargs yes";

const FILES: &[(&str, &str)] = &[
    ("etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home/nobody:/bin/sh\n"),
    ("etc/fstab", "# nothing\n"),
    ("etc/resolv.conf", ""),
    ("etc/shadow", "root:*:::::::\n"),
];

/// The permissions of one of [`FILES`].
fn mode(path: &str) -> u32 {
    if path == "etc/shadow" { 0o600 } else { 0o644 }
}

/// What a machine is for.
pub(crate) enum Purpose<'a> {
    /// Tests, those with the substring in their name if there is one.
    Tests(Option<&'a str>),
    /// A person at the console.
    Shell,
}

/// The initramfs with `busybox`, `guest` (the program that runs the others), and all of the tests.
pub(crate) fn build(
    busybox: &Path,
    tests: &[Test],
    programs: &[Program],
    purpose: &Purpose<'_>,
) -> Result<Vec<u8>, String> {
    let mut cpio = Cpio::default();
    FOLDERS.iter().try_for_each(|(path, mode)| cpio.add(path, Kind::Folder, *mode, &[]))?;
    cpio.add("dev/console", Kind::Device(5, 1), 0o600, &[])?;
    cpio.add("dev/null", Kind::Device(1, 3), 0o666, &[])?;
    LINKS.iter().try_for_each(|(path, to)| cpio.add(path, Kind::Link, 0o777, to.as_bytes()))?;
    FILES.iter().try_for_each(|(path, text)| cpio.add(path, Kind::File, mode(path), text.as_bytes()))?;
    cpio.add("bin/busybox", Kind::File, 0o755, &read(busybox)?)?;
    for applet in APPLETS.split_whitespace() {
        cpio.add(&format!("bin/{applet}"), Kind::Link, 0o777, b"busybox")?;
    }
    for program in programs {
        cpio.add(&format!("tests/bin/{}", program.name), Kind::File, 0o755, &read(&program.path)?)?;
    }
    let mut packages: Vec<&str> = Vec::new();
    for test in tests {
        let folder = format!("tests/{}", test.package);
        if !packages.contains(&test.package.as_str()) {
            packages.push(&test.package);
            cpio.add(&folder, Kind::Folder, 0o755, &[])?;
            for part in ["src", "tests"] {
                tree(&mut cpio, &test.folder.join(part), &format!("{folder}/{part}"))?;
            }
        }
        cpio.add(&path(test), Kind::File, 0o755, &read(&test.path)?)?;
    }
    let (verb, list) = match purpose {
        Purpose::Tests(filter) => ("run", list(tests, *filter)),
        Purpose::Shell => ("shell", String::new()),
    };
    cpio.add("etc/inittab", Kind::File, 0o644, inittab(verb).as_bytes())?;
    cpio.add("tests/list", Kind::File, 0o644, list.as_bytes())?;
    cpio.finish()
}

/// Process 1 starts one program. A login would have raised the limit of open files.
fn inittab(verb: &str) -> String {
    format!("::sysinit:/bin/sh -c 'ulimit -n 65536; exec /tests/bin/guest {verb}'\n")
}

/// The Landlock ABI without which a test program is not started: `sandlock run` refuses a kernel without
/// Landlock whatever one agrees to (`sandlock/kernel` tests that it does), and what must not get out assumes
/// all that it insists on.
fn needs(test: &Test) -> u8 {
    match (test.package.as_str(), test.target.as_str()) {
        ("sandlock", "escapes" | "learn" | "library" | "why") => 6,
        (
            "sandlock",
            "attacks" | "cli" | "clients" | "compat" | "explain" | "ipc" | "lifecycle" | "names" | "paths"
            | "programs" | "terminal" | "workplace",
        ) => 1,
        _ => 0,
    }
}

/// In which cells a test runs.
fn class(test: &Test, user: u32) -> Class {
    match (test.package.as_str(), test.target.as_str()) {
        _ if !test.is_live() => Class::Pure,
        ("sandlock", "escapes") => {
            if user == 0 {
                Class::Long
            } else {
                Class::Again
            }
        }
        ("sandlock", target) if target != "kernel" && user == 0 => Class::Again,
        _ => Class::Live,
    }
}

/// Where a test is in the guest: beside the folders of its package, and not named as one of them.
fn path(test: &Test) -> String {
    format!("tests/{}/{}.test", test.package, test.target)
}

/// What the guest runs, one program a line: first what the kernel has, then every test as on the host.
fn list(tests: &[Test], filter: Option<&str>) -> String {
    let mut list = String::from("check l 0 0 60 /tests/bin /tests/bin/sandlock check --json\n");
    for user in [0, NOBODY] {
        for test in tests.iter().filter(|test| user == 0 || test.is_live()) {
            let words = [
                test.name(),
                class(test, user).letter().to_string(),
                user.to_string(),
                needs(test).to_string(),
                if class(test, user) == Class::Live { PATIENCE.0 } else { PATIENCE.1 }.to_string(),
                format!("/tests/{}", test.package),
                format!("/{}", path(test)),
                "--show-output".into(),
            ];
            list += &words.join(" ");
            list.extend(filter.map(|filter| format!(" {filter}")));
            list.push('\n');
        }
    }
    list
}

/// Adds a folder with all that is in it, if it is there.
fn tree(cpio: &mut Cpio, from: &Path, to: &str) -> Result<(), String> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    cpio.add(to, Kind::Folder, 0o755, &[])?;
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let name = format!("{to}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            tree(cpio, &path, &name)?
        } else {
            cpio.add(&name, Kind::File, 0o644, &read(&path)?)?
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_runs_what_asks_the_kernel() {
        let test = |package: &str, target: &str| Test {
            package: package.into(),
            folder: "/w".into(),
            target: target.into(),
            path: "/t".into(),
        };
        let tests = [test("sandlock-bpf", "check"), test("sandlock", "cli")];
        let want = "check l 0 0 60 /tests/bin /tests/bin/sandlock check --json
sandlock-bpf/check p 0 0 900 /tests/sandlock-bpf /tests/sandlock-bpf/check.test --show-output some
sandlock/cli a 0 1 900 /tests/sandlock /tests/sandlock/cli.test --show-output some
sandlock/cli l 65534 1 300 /tests/sandlock /tests/sandlock/cli.test --show-output some
";
        assert_eq!(list(&tests, Some("some")), want);
    }
}
