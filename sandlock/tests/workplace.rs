//! A place to work in: the home, the toolchains, the project, the standard streams and the environment that
//! a command finds without flags.

#![cfg(feature = "cli")]

mod common;

use core::time::Duration;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use common::{Dir, built, has, run};

/// A home with a private file of the user's.
fn home() -> Dir {
    let home = Dir::new();
    fs::create_dir(home.join(".ssh")).expect("a new directory");
    home.file(".ssh/id", 0o600, "key\n");
    home
}

fn program(dir: &Dir, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().expect("below the directory")).expect("a directory for a program");
    fs::write(&path, text).expect("a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn a_home_is_the_commands_own_and_goes_with_it() {
    let (dir, home) = (Dir::new(), home());
    let script = "cd ~ && mkdir -p $XDG_CACHE_HOME/x $XDG_CONFIG_HOME $XDG_DATA_HOME $XDG_STATE_HOME && echo x > .profile &&
        test -w $XDG_RUNTIME_DIR && test -O $XDG_RUNTIME_DIR && echo y > $TMPPREFIX-1 && ls -A && pwd";
    let ran = run(dir.sandboxed(&[], script).env("HOME", &*home).env("XDG_CACHE_HOME", home.join(".cache")));
    let text = ran.ok();
    let own = Path::new(text.lines().last().unwrap());
    assert!(text.contains(".profile") && own != &*home && !own.exists(), "{text}");
    assert_eq!(fs::read_dir(&*home).unwrap().count(), 1);
    // One that stays.
    let stays = dir.join("stays");
    let script = "echo x >> $HOME/.cache && cat $HOME/.cache && test $TMPDIR != $HOME";
    let flags = ["--home", stays.to_str().unwrap()];
    assert_eq!(run(dir.sandboxed(&flags, script).env("HOME", &*home)).ok(), "x\n");
    assert_eq!(run(dir.sandboxed(&flags, script).env("HOME", &*home)).ok(), "x\nx\n");
    // The user's, of which nothing is granted.
    let keep = ["--home", "keep"];
    assert_eq!(run(dir.sandboxed(&keep, "echo $HOME").env("HOME", &*home)).ok().trim_end(), home.text());
    run(dir.sandboxed(&keep, "cat ~/.ssh/id").env("HOME", &*home)).refused();
    run(dir.sandboxed(&keep, "echo x > ~/new").env("HOME", &*home)).refused();
    // A variable that was set wins.
    let set = run(dir.sandboxed(&["--env", "HOME=/x"], "echo $HOME").env("HOME", &*home));
    assert_eq!(set.ok(), "/x\n");
}

#[test]
fn of_gits_configuration_the_name_comes_along() {
    if !has(of_gits_configuration_the_name_comes_along, &["git"]) {
        return;
    }
    let (dir, home) = (Dir::new(), home());
    let text =
        "[user]\n\tname = A B\n\temail = a@b\n[credential]\n\thelper = store\n[core]\n\thooksPath = /x\n";
    fs::write(home.join(".gitconfig"), text).unwrap();
    let script =
        "git init -q . && git config user.email local@b && echo x > f && git add f && git commit -qm x &&
        git log --format='%an %ae' && git config --get-regexp 'credential|hooks'; true";
    assert_eq!(run(dir.sandboxed(&["-w", "."], script).env("HOME", &*home)).ok(), "A B local@b\n");
}

#[test]
fn toolchains_of_path_come_along_without_credentials() {
    let (dir, home) = (Dir::new(), home());
    for (tool, secret) in [
        (".nvm/versions/node/v1/bin/tool", ".npmrc"),
        (".cargo/bin/tool", ".cargo/credentials.toml"),
        (".local/bin/tool", ".local/share/keyrings"),
        (".local/share/gem/ruby/3.1.0/bin/tool", ".local/share/gem/credentials"),
        (".yarn/bin/tool", ".yarn/cache"),
        ("opt/tool/bin/tool", "opt/secret"),
        ("bin/tool", "secret"),
    ] {
        let root = Path::new(tool).parent().unwrap();
        program(&home, tool, "#!/bin/sh\ncat \"${0%/*}/data\"\n");
        fs::create_dir_all(home.join("opt/tool/lib")).unwrap();
        fs::write(home.join(root).join("data"), "data\n").unwrap();
        fs::create_dir_all(home.join(secret).parent().unwrap()).unwrap();
        fs::write(home.join(secret), "secret\n").unwrap();
        let path = format!("{}:/usr/bin:/bin", home.join(root).display());
        let with = |script: &str| run(dir.sandboxed(&[], script).env("HOME", &*home).env("PATH", &path));
        assert_eq!(with("tool").ok(), "data\n", "{tool}");
        with(&format!("echo x > {}", home.join(tool).display())).refused();
        for secret in [secret, ".ssh/id"] {
            let path = home.join(secret);
            assert!(fs::read(&path).is_ok());
            with(&format!("cat {}", path.display())).refused();
        }
        // The command's own file brings its prefix along too.
        let mut command = dir.sandlock(["run", "--", home.join(tool).to_str().unwrap()]);
        assert_eq!(run(command.env("HOME", &*home)).ok(), "data\n", "{tool}");
    }
    // A link that leads to a toolchain, as fnm and environments of Python's have it.
    program(
        &home,
        ".pyenv/versions/3/bin/python3",
        "#!/bin/sh\ncat \"${0%/*}/../lib\" $PYENV_ROOT/versions/3/lib\n",
    );
    fs::write(home.join(".pyenv/versions/3/lib"), "lib\n").unwrap();
    fs::create_dir_all(dir.join("venv/bin")).unwrap();
    fs::write(dir.join("venv/lib"), "venv\n").unwrap();
    symlink(home.join(".pyenv/versions/3/bin/python3"), dir.join("venv/bin/python3")).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.join("venv/bin").display());
    assert_eq!(run(dir.sandboxed(&[], "python3").env("HOME", &*home).env("PATH", path)).ok(), "venv\nlib\n");
}

#[test]
fn settings_that_hold_no_secret_are_readable_by_every_user() {
    let dir = Dir::new();
    let settings = ["dpkg/dpkg.cfg", "groff/man.local", "subversion/servers", "papersize", "screenrc"];
    let settings = settings.iter().map(|name| format!("/etc/{name}")).filter(|path| Path::new(path).exists());
    for path in settings {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(run(&mut dir.sandboxed(&[], &format!("cat {path}"))).ok(), text, "{path}");
    }
    if Path::new("/etc/shadow").exists() {
        run(&mut dir.sandboxed(&[], "cat /etc/shadow")).refused();
    }
}

#[test]
fn programs_of_package_managers_find_what_they_have_installed() {
    let (dir, home) = (Dir::new(), home());
    let with = |bin: &str, flags: &[&str], script: &str| {
        let path = format!("{}:/usr/bin:/bin", home.join(bin).display());
        run(dir.sandboxed(flags, script).env("HOME", &*home).env("PATH", path))
    };
    // An application of pipx's or uv's is a link.
    for app in [".local/share/pipx/venvs/a/bin", ".local/share/uv/tools/a/bin", ".local/pipx/venvs/a/bin"] {
        program(&home, &format!("{app}/app"), "#!/bin/sh\necho app\n");
        fs::create_dir_all(home.join(".local/bin")).unwrap();
        let _ = fs::remove_file(home.join(".local/bin/app"));
        symlink(home.join(app).join("app"), home.join(".local/bin/app")).unwrap();
        assert_eq!(with(".local/bin", &[], "app").ok(), "app\n", "{app}");
    }
    // yarn reads files beside its bin.
    program(&home, ".yarn/bin/yarn", "#!/bin/sh\ncat \"${0%/*}/../lib/cli\"\n");
    fs::create_dir(home.join(".yarn/lib")).unwrap();
    fs::write(home.join(".yarn/lib/cli"), "cli\n").unwrap();
    assert_eq!(with(".yarn/bin", &[], "yarn").ok(), "cli\n");
    // A gem is looked for where the variable says, and then in the usual places.
    let gems = ".local/share/gem/ruby/3.1.0";
    program(&home, &format!("{gems}/bin/gems"), "#!/bin/sh\necho $GEM_PATH\n");
    fs::create_dir(home.join(gems).join("specifications")).unwrap();
    let path = format!("{}:\n", home.join(gems).display());
    assert_eq!(with(&format!("{gems}/bin"), &[], "gems").ok(), path);
    // Python looks for a user's packages below the home, which is not the user's.
    assert_eq!(with(".local/bin", &[], "echo ${PYTHONUSERBASE-unset}").ok(), "unset\n");
    fs::create_dir_all(home.join(".local/lib/python3.11/site-packages")).unwrap();
    let base = format!("{}\n", home.join(".local").display());
    assert_eq!(with(".local/bin", &[], "echo $PYTHONUSERBASE").ok(), base);
    let stays = dir.join("stays");
    let at = ["--home", stays.to_str().unwrap()];
    assert_eq!(with(".local/bin", &at, "echo ${PYTHONUSERBASE-unset}").ok(), "unset\n");
}

#[test]
fn the_project_is_readable_from_below_and_its_home_is_not() {
    let home = home();
    let project = home.join("code/project");
    fs::create_dir_all(project.join("sub/deep")).unwrap();
    fs::create_dir(project.join(".git")).unwrap();
    fs::write(project.join("top"), "top\n").unwrap();
    fs::write(home.join("code/other"), "other\n").unwrap();
    let below = |at: &str, script: &str| {
        run(home.sandboxed(&[], script).env("HOME", &*home).current_dir(project.join(at)))
    };
    assert_eq!(below("sub/deep", "cat ../../top").ok(), "top\n");
    below("sub/deep", "cat ../../../other").refused();
    below("sub/deep", "echo x > ../../top").refused();
    let note = run(home.sandboxed(&[], "cat .ssh/id").env("HOME", &*home));
    assert!(note.refused().err.contains("-r ."), "{note:?}");
    // Without a repository, where packages are.
    fs::remove_dir(project.join(".git")).unwrap();
    below("sub/deep", "cat ../../top").refused();
    fs::create_dir(project.join("node_modules")).unwrap();
    assert_eq!(below("sub/deep", "cat ../../top").ok(), "top\n");
    // A home that is a repository is still a home.
    fs::create_dir(home.join(".git")).unwrap();
    fs::remove_dir(project.join("node_modules")).unwrap();
    below("sub/deep", "cat ../../../other").refused();
}

#[test]
fn a_work_tree_brings_its_repository_and_no_other() {
    if !has(a_work_tree_brings_its_repository_and_no_other, &["git"]) {
        return;
    }
    let home = home();
    let make = "git init -q main && cd main && git config user.name a && git config user.email a@b && echo x > f && git add f &&
        git commit -qm one && git worktree add -q ../tree && git init -q ../private && git init -q --separate-git-dir ../apart ../split";
    run(home.bare(make).env("HOME", &*home)).ok();
    let log = |at: &str| {
        run(home.sandboxed(&[], "git log --format=%s").current_dir(home.join(at)).env("HOME", &*home))
    };
    assert_eq!(log("main").ok(), "one\n");
    assert_eq!(log("tree").ok(), "one\n");
    // Any user who may write to a project may write this; the other repository does not name it.
    fs::create_dir(home.join("forged")).unwrap();
    let private = home.join("private/.git");
    fs::write(home.join("forged/.git"), format!("gitdir: {}\n", private.display())).unwrap();
    let read = |at: &str| {
        let script = format!("cat {}/HEAD", private.display());
        run(home.sandboxed(&[], &script).current_dir(home.join(at)).env("HOME", &*home))
    };
    assert!(read("private").ok().starts_with("ref: "));
    read("forged").refused();
}

#[test]
fn standard_streams_can_be_opened_by_name() {
    let dir = Dir::new();
    dir.file("in", 0o644, "in\n");
    let other = Dir::new();
    other.file("in", 0o644, "in\n");
    let run_with = |script: &str| {
        // Quiet: the receipt of an old kernel would appear on standard error too.
        let mut command = dir.sandboxed(&["-q"], script);
        let file = |name: &str| fs::File::options().create(true).append(true).open(other.join(name)).unwrap();
        command.stdin(fs::File::open(other.join("in")).unwrap()).stdout(file("out")).stderr(file("err"));
        let status = command.status().unwrap();
        let read = |name: &str| fs::read_to_string(other.join(name)).unwrap();
        (status.success(), read("out"), read("err"))
    };
    let script =
        "cat /dev/stdin >> /dev/stdout && echo err >> /dev/stderr && echo in | tee -a /proc/self/fd/1 >&2";
    assert_eq!(run_with(script), (true, "in\n".into(), "err\nin\nin\n".into()));
    // Never more than the descriptor: a file open for reading is not written, and nothing else is there.
    assert!(!run_with("echo x >> /dev/stdin").0 && !run_with("cat /dev/stdout").0);
    assert!(!run_with(&format!("cat {}", other.join("../in").display())).0);
    assert_eq!(fs::read_to_string(other.join("in")).unwrap(), "in\n");
}

#[test]
fn secrets_stay_outside_unless_they_are_named() {
    let dir = Dir::new();
    let secrets = ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "SSH_AUTH_SOCK"];
    let with = |flags: &[&str]| {
        let mut command = dir.sandboxed(flags, "env; echo MAKEFLAGS=$MAKEFLAGS");
        command
            .envs(secrets.map(|name| (name, "x-secret")))
            .env("URL", "https://u:x-secret@h")
            .env("PLAIN", "p");
        run(command.env("NODE_CHANNEL_FD", "3").env("MAKEFLAGS", "-j4 --jobserver-auth=3,4"))
    };
    let ran = with(&[]);
    assert!(!ran.ok().contains("x-secret") && ran.ok().contains("PLAIN=p"), "{ran:?}");
    assert!(ran.ok().contains("MAKEFLAGS=-j4\n") && !ran.ok().contains("NODE_CHANNEL_FD"), "{ran:?}");
    assert!(with(&["-v"]).err.contains("GITHUB_TOKEN"));
    let named = with(&["--env", "GITHUB_TOKEN", "--clean-env"]);
    assert!(named.ok().contains("GITHUB_TOKEN=x-secret") && !named.ok().contains("PGPASSWORD"), "{named:?}");
    assert!(!named.ok().contains("PLAIN"), "{named:?}");
    let there = dir.join("sub");
    fs::create_dir(&there).unwrap();
    let pwd = run(&mut dir.sandboxed(&["--cwd", "sub"], "echo $PWD; env | grep ^PWD="));
    assert_eq!(pwd.ok(), format!("{0}\nPWD={0}\n", there.display()));
}

#[test]
fn a_descriptor_is_kept_if_it_is_named() {
    let dir = Dir::new();
    let script = "exec 7< /etc/passwd 9< /etc/passwd; exec \"$@\"";
    let keep = |flags: &[&str], inner: &str| {
        let mut command = dir.command("sh");
        command
            .args(["-c", script, "sh"])
            .arg(built("sandlock"))
            .arg("run")
            .args(common::agreed().split_whitespace());
        run(command.args(flags).args(["--", "sh", "-c", inner]))
    };
    keep(&[], "head -n 1 <&7").refused();
    assert_eq!(keep(&["--keep-fd", "7"], "head -n 1 <&7 | cut -c 1-5").ok(), "root:\n");
    keep(&["--keep-fd", "7"], "head -n 1 <&9").refused();
    let fds = "for fd in /proc/self/fd/*; do echo ${fd##*/}; done";
    assert!(keep(&["--keep-fd", "7", "--keep-fd", "9"], fds).ok().starts_with("0\n1\n2\n"));
    let ran = keep(&["--keep-fd", "8"], "true");
    assert!(ran.code == 125 && ran.err.contains("--keep-fd 8"), "{ran:?}");
}

#[test]
fn a_sandbox_dies_with_the_parent_if_that_is_asked_for() {
    let dir = Dir::new();
    for (flag, wants_end) in [("--die-with-parent", true), ("-q", false)] {
        let mut command = dir.command("sh");
        let script = "\"$@\" & sleep 0.5; echo; sleep 60";
        command
            .args(["-c", script, "sh"])
            .arg(built("sandlock"))
            .arg("run")
            .args(common::agreed().split_whitespace());
        command.args([flag, "-t", "20", "-w", ".", "--", "sh", "-c", "echo $$ > pid; exec sleep 15"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let is_there = || fs::read_to_string(dir.join("pid")).ok().filter(|text| text.ends_with('\n'));
        let started = Instant::now();
        let pid = loop {
            match is_there() {
                Some(pid) => break pid,
                None => assert!(started.elapsed() < Duration::from_secs(20), "it does not start"),
            }
            thread::sleep(Duration::from_millis(10));
        };
        child.kill().unwrap();
        child.wait().unwrap();
        let proc = Path::new("/proc").join(pid.trim_end());
        let until = Instant::now() + Duration::from_secs(if wants_end { 10 } else { 1 });
        while proc.exists() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(!proc.exists(), wants_end, "{flag}");
        if !wants_end {
            Command::new("kill").args(["-9", pid.trim_end()]).status().unwrap();
        }
        fs::remove_file(dir.join("pid")).unwrap();
    }
}

/// What a command of an earlier run may have left in the project must not grant anything outside of it to the
/// next. Each row prepares that, in the project; then the key in the home is asked for.
#[test]
fn nothing_that_an_earlier_run_has_left_grants_a_file_outside() {
    let rows: &[(&str, &str)] = &[
        // A work tree whose repository is anything, or that names itself.
        (
            "mkdir fake; echo 'gitdir: fake' > .git; echo ../.git > fake/gitdir; echo ../../.ssh > fake/commondir",
            "",
        ),
        ("echo 'gitdir: ../.ssh' > .git", ""),
        (
            "mkdir -p fake/worktrees/x; echo \"gitdir: $PWD/fake/worktrees/x\" > .git; echo $PWD/.git > fake/worktrees/x/gitdir; ln -s ../../.ssh fake/objects",
            "",
        ),
        ("ln -s ../wt/.git .git", "cat ../priv/secret"),
        // Another project's, which does not name this one.
        ("echo 'gitdir: ../priv/.git/worktrees/wt' > .git", "cat ../priv/.git/HEAD"),
        ("echo 'gitdir: ../priv/.git/modules/m' > .git", "cat ../priv/.git/modules/m/HEAD"),
        ("mkfifo .git", ""),
        ("ln -s /dev/zero .git", ""),
        // Interpreters, and the directory of programs itself, which PATH names.
        ("mkdir -p venv/bin; ln -s ../../../.ssh/id venv/bin/node", ""),
        ("mkdir -p venv; ln -s ../../.ssh venv/bin", ""),
        ("ln -s ../.ssh venv", ""),
        ("mkdir -p venv/bin; touch venv/pyvenv.cfg; ln -s ../../../.ssh/tool venv/bin/python3", ""),
        // The command itself.
        ("ln -s ../.ssh/tool tool", "./tool; cat ../.ssh/id"),
        ("mkdir bin lib; ln -s ../../.ssh/tool bin/tool; ln -s ../.ssh lib/x", "bin/tool; cat ../.ssh/id"),
    ];
    for (prepare, inner) in rows {
        let home = home();
        program(&home, ".ssh/tool", "#!/bin/sh\n");
        fs::create_dir_all(home.join("project")).unwrap();
        fs::create_dir_all(home.join("priv/.git/worktrees/wt")).unwrap();
        fs::create_dir(home.join("wt")).unwrap();
        fs::create_dir_all(home.join("priv/.git/modules/m")).unwrap();
        fs::create_dir(home.join("priv/.git/objects")).unwrap();
        for file in ["secret", ".git/HEAD", ".git/modules/m/HEAD"] {
            fs::write(home.join("priv").join(file), "key\n").unwrap();
        }
        fs::write(home.join("priv/.git/modules/m/config"), "[core]\n\tworktree = ../../../m\n").unwrap();
        let (tree, back) = (home.join("priv/.git/worktrees/wt"), home.join("wt/.git"));
        fs::write(&back, format!("gitdir: {}\n", tree.display())).unwrap();
        fs::write(tree.join("gitdir"), format!("{}\n", back.display())).unwrap();
        let project = home.join("project");
        run(home.bare(prepare).current_dir(&project)).ok();
        let inner = if inner.is_empty() { "cat ../.ssh/id" } else { inner };
        let control = run(home.bare(inner).current_dir(&project));
        assert!(control.out.ends_with("key\n"), "{prepare}: {control:?}");
        let path = format!("{0}/venv/bin:{0}/bin:/usr/bin:/bin", project.display());
        let mut command = home.sandboxed(&["-t", "20"], inner);
        command
            .current_dir(&project)
            .env("HOME", &*home)
            .env("PATH", &path)
            .env("VIRTUAL_ENV", project.join("venv"));
        let ran = run(&mut command);
        assert!(!ran.out.contains("key") && ran.code != 0 && ran.code != 124, "{prepare}: {ran:?}");
        // As the command that execve takes.
        let mut command = home.sandlock(["run", "--", "./tool"]);
        command.current_dir(&project).env("HOME", &*home);
        assert!(!run(&mut command).out.contains("key"), "{prepare}");
    }
}

#[test]
fn a_home_that_stays_is_no_link_and_none_is_followed_in_it() {
    let (dir, home) = (Dir::new(), home());
    fs::write(home.join(".gitconfig"), "[user]\n\tname = A\n").unwrap();
    let with = |path: &str, script: &str| run(dir.sandboxed(&["--home", path], script).env("HOME", &*home));
    with("state", "test -d $HOME").ok();
    // A link where git's file would be made.
    run(&mut dir.bare(&format!("rm state/.gitconfig; ln -s {}/.ssh/rc state/.gitconfig", home.text()))).ok();
    with("state", "true").ok();
    assert!(!home.join(".ssh/rc").exists());
    // The home itself, and a directory on the way.
    run(&mut dir.bare(&format!("rm -r state; ln -s {0}/.ssh state; ln -s {0} other", home.text()))).ok();
    if sandlock_sys::process::getuid().get() != 0 {
        for path in ["state", "other/new", "other/.ssh"] {
            let ran = with(path, "cat ~/id");
            assert!(ran.code == 125 && ran.err.contains("--home") && ran.out.is_empty(), "{ran:?}");
        }
    }
    assert!(!home.join("new").exists());
}

#[test]
fn what_is_above_a_project_counts_if_it_is_the_users_own() {
    let dir = Dir::new();
    fs::create_dir_all(dir.join("shared/project")).unwrap();
    fs::create_dir(dir.join("shared/.git")).unwrap();
    dir.file("shared/other", 0o600, "other\n");
    let read = || run(dir.sandboxed(&[], "cat ../other").current_dir(dir.join("shared/project")));
    assert_eq!(read().ok(), "other\n");
    // Any user who may write there may have put that repository there.
    fs::set_permissions(dir.join("shared"), fs::Permissions::from_mode(0o1777)).unwrap();
    read().refused();
}

#[test]
fn a_descriptor_of_sandlocks_own_cannot_be_kept() {
    let dir = Dir::new();
    let open = run(&mut dir.bare("for fd in /proc/self/fd/*; do echo ${fd##*/}; done"));
    let inherited: Vec<u32> = open.ok().lines().filter_map(|line| line.parse().ok()).collect();
    for number in (3..16).filter(|number| !inherited.contains(number)) {
        let ran = run(&mut dir.sandlock(["run", "--keep-fd", &number.to_string(), "--", "true"]));
        assert!(ran.code == 125 && ran.err.contains("no descriptor"), "{number}: {ran:?}");
    }
}

#[test]
fn the_limits_of_the_own_control_groups_can_be_read() {
    let name = the_limits_of_the_own_control_groups_can_be_read;
    let text = fs::read_to_string("/proc/self/cgroup").unwrap();
    let path = |controller: &str| {
        let of = |line: &str| {
            let mut fields = line.splitn(3, ':').skip(1);
            let found = fields.next().unwrap().split(',').any(|one| one == controller);
            found.then(|| fields.next().unwrap().to_owned())
        };
        text.lines().find_map(of).unwrap_or_default()
    };
    let files = [
        format!("/sys/fs/cgroup{}/memory.max", path("")),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".into(),
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us".into(),
        format!("/sys/fs/cgroup/memory{}/memory.limit_in_bytes", path("memory")),
    ];
    let files: Vec<String> = files.into_iter().filter(|file| Path::new(file).exists()).collect();
    if files.is_empty() {
        return common::skip(name, "no control groups are mounted here");
    }
    let dir = Dir::new();
    for file in files {
        let inside = run(&mut dir.sandboxed(&[], &format!("cat {file}")));
        assert_eq!(inside.ok(), fs::read_to_string(&file).unwrap(), "{file}");
        let group = Path::new(&file).parent().unwrap().display();
        run(&mut dir.sandboxed(&[], &format!("ls {group}"))).refused();
        run(&mut dir.sandboxed(&[], &format!("cat {group}/cgroup.procs"))).refused();
    }
}

#[test]
fn kept_capabilities_do_not_read_other_processes() {
    let name = kept_capabilities_do_not_read_other_processes;
    if sandlock_sys::process::getuid().get() != 0 {
        return common::skip(name, "only root has capabilities");
    }
    let dir = Dir::new();
    let mut outside = dir.command("sleep").arg("30").env("OUTSIDE", "secret").spawn().unwrap();
    let script = format!("tr '\\0' '\\n' < /proc/{}/environ | grep OUTSIDE", outside.id());
    assert_eq!(run(&mut dir.bare(&script)).ok(), "OUTSIDE=secret\n");
    for flags in [&["--keep-caps"][..], &[]] {
        assert_eq!(run(&mut dir.sandboxed(flags, &script)).refused().out, "");
    }
    outside.kill().unwrap();
    outside.wait().unwrap();
}

#[test]
fn what_acts_later_is_named() {
    let dir = Dir::new();
    run(&mut dir.bare("mkdir -p .git/hooks .vscode && echo a > .envrc && echo > .git/config")).ok();
    let boxed =
        |flags: &[&str], script: &str| run(&mut dir.sandboxed(&[&["-w", "."], flags].concat(), script));
    let named = |ran: &common::Ran| ran.err.lines().filter(|line| line.contains("acts later")).count();
    let quiet = boxed(&["--strict-later"], "cat .envrc; touch other; touch .git/hooks/some.sample");
    assert!(quiet.code == 0 && quiet.err.is_empty(), "{quiet:?}");
    for script in [
        "echo b >> .envrc",
        "mv .envrc x; cp x .envrc",
        "echo '[user]' >> .git/config",
        "echo x > .git/hooks/post-commit",
        "chmod 700 .git/hooks/post-commit",
        "echo {} > .vscode/tasks.json",
        "rm .git/config; echo > .git/config",
    ] {
        let ran = boxed(&[], script);
        assert!(ran.code == 0 && named(&ran) == 1, "{script}: {ran:?}");
        let ran = boxed(&["-q", "--strict-later"], script);
        assert!(ran.code == 123 && named(&ran) == 0, "{script}: {ran:?}");
    }
    // Ways around: another folder, a link, a folder that cannot be listed or is full, another repository.
    for script in [
        "rm -rf .git/hooks; mkdir hk; ln -s ../hk .git/hooks",
        "rm .git/hooks; mkdir .git/hooks; chmod 111 .git/hooks",
        "chmod 755 .git/hooks; cd .git/hooks; for i in $(seq 1100); do : > $i.sample; done",
        "true # The folder is full, so that nothing is known of it.",
        "cd .git/hooks; rm -f *.sample; cd ../..; mv .git g; echo 'gitdir: g' > .git",
        "rm .git; mv g .git; echo ../g > .git/commondir",
        "mkdir -p .config/sandlock/profiles; echo > .config/sandlock/profiles/git.toml",
    ] {
        let ran = boxed(&["--strict-later"], script);
        assert!(ran.code == 123 && named(&ran) >= 1, "{script}: {ran:?}");
    }
    for (grant, script) in [
        (".git", "echo >> .git/config"),
        (".git/hooks", "echo > .git/hooks/x"),
        (".vscode", "echo >> .vscode/a"),
        (".envrc", "echo >> .envrc"),
    ] {
        let ran = run(&mut dir.sandboxed(&["-w", grant, "--strict-later"], script));
        assert!(ran.code == 123 && named(&ran) >= 1, "{grant}: {ran:?}");
    }
    let many = boxed(&[], "for i in $(seq 50); do echo x > .git/hooks/h$i; done");
    assert!(named(&many) == 20 && many.err.contains("more files"), "{many:?}");
}

/// Landlock sees where a unix datagram socket sends from ABI 9 on.
#[test]
fn a_command_is_not_born_with_a_datagram_socket_that_sends_anywhere() {
    if !has(a_command_is_not_born_with_a_datagram_socket_that_sends_anywhere, &["python3"]) {
        return;
    }
    let (dir, outside) = (Dir::new(), Dir::new());
    let heard = UnixDatagram::bind(outside.join("socket")).unwrap();
    heard.set_nonblocking(true).unwrap();
    let script = format!("import socket; socket.socket(fileno=0).sendto(b'x', '{}/socket')", outside.text());
    let send = |command: &mut Command| {
        let (ours, _theirs) = UnixDatagram::pair().unwrap();
        let ran = run(command.args(["-c", &script]).stdin(OwnedFd::from(ours)));
        (ran, heard.recv(&mut [0]).is_ok())
    };
    assert!(send(&mut dir.command("python3")).1);
    let (ran, is_heard) = send(dir.sandlock(["run", "--"]).arg("python3"));
    assert!(!is_heard && ran.code != 0, "{ran:?}");
    assert!(common::abi() >= 9 || (ran.code == 125 && ran.err.contains("stdin")), "{ran:?}");
}

/// Before ABI 9 such a socket cannot send, and bind and connect fail, so that programs fall back.
#[test]
fn a_datagram_socket_works_or_fails_at_once() {
    if !has(a_datagram_socket_works_or_fails_at_once, &["python3"]) {
        return;
    }
    let script = "import socket as s
def new(): return s.socket(s.AF_UNIX, s.SOCK_DGRAM)
def tried(call, *args):
    try: call(*args); return 'ok'
    except OSError as error: return error.errno
print(new().getsockopt(s.SOL_SOCKET, s.SO_TYPE), tried(new().bind, 'own'), tried(new().connect, 'peer'))";
    let dir = Dir::new();
    let _peer = UnixDatagram::bind(dir.join("peer")).unwrap();
    assert_eq!(run(dir.command("python3").args(["-c", script])).ok(), "2 ok ok\n");
    fs::remove_file(dir.join("own")).unwrap();
    let ran = run(dir.sandlock(["run", "-w", ".", "--"]).args(["python3", "-c", script]));
    assert_eq!(ran.ok(), if common::abi() >= 9 { "2 ok ok\n" } else { "2 13 13\n" });
}

/// A program that is only a link below `/usr` is granted with its prefix.
#[test]
fn a_link_of_roots_to_a_program_brings_its_prefix() {
    if sandlock_sys::process::getuid().get() != 0 {
        let name = a_link_of_roots_to_a_program_brings_its_prefix;
        return common::skip(name, "only root makes links below /usr");
    }
    let (app, link) = (Dir::new(), format!("/usr/bin/sandlock-test-{}", std::process::id()));
    fs::create_dir_all(app.join("lib")).unwrap();
    fs::write(app.join("lib/data"), "data").unwrap();
    fs::write(app.join("beside"), "not its own").unwrap();
    program(&app, "bin/tool", "#!/bin/sh\ncat \"$(dirname \"$(readlink -f \"$0\")\")/../lib/data\"");
    symlink(app.join("bin/tool"), &link).unwrap();
    let dir = Dir::new();
    let ran = run(&mut dir.sandlock(["run", "--", &link]));
    let other = run(&mut dir.sandboxed(&[], &format!("cat {}/lib/data", app.text())));
    fs::remove_file(&link).unwrap();
    assert_eq!(ran.ok(), "data");
    other.refused();
}

#[test]
fn a_link_as_working_directory_grants_no_other_project() {
    if sandlock_sys::process::getuid().get() == 0 {
        return common::skip(a_link_as_working_directory_grants_no_other_project, "root's links are trusted");
    }
    let (dir, other) = (Dir::new(), Dir::new());
    other.file("data", 0o644, "data\n");
    symlink(&*other, dir.join("sub")).unwrap();
    assert_eq!(run(&mut dir.sandboxed(&["--cwd", other.text()], "cat data")).ok(), "data\n");
    let ran = run(&mut dir.sandboxed(&["--cwd", "sub"], "cat data"));
    assert!(ran.refused().err.contains("--cwd"), "{ran:?}");
}
