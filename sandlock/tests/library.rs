//! The library from a program with threads of its own, and plans for older kernels.

mod common;

use core::time::Duration;
use std::net::TcpListener;
use std::thread;

use common::{Dir, processes, unique};
use sandlock::{
    Abi, AccessFs, Decision, Errno, Error, Mechanism, Name, Operation, Outcome, Policy, Source, Stdio,
};
use sandlock_sys::{Signal, signal};

#[test]
fn many_sandboxes_run_side_by_side_and_the_caller_stays_free() {
    thread::scope(|scope| {
        for status in 0..16 {
            scope.spawn(move || {
                let command = ["sh".to_owned(), "-c".to_owned(), format!("exit {status}")];
                assert_eq!(Policy::base().run(command), Ok(Outcome::Exited(status)));
            });
        }
    });
    // Neither this thread nor the process is confined by what its sandboxes were.
    TcpListener::bind("127.0.0.1:0").expect("a port");
    assert_eq!(signal::kill(sandlock_sys::process::getppid(), Signal::NONE), Ok(()));
    let status = std::process::Command::new("true").status().expect("a child");
    assert!(status.success());
}

#[test]
fn an_outcome_says_how_it_ended() {
    let mut policy = Policy::base();
    assert_eq!(policy.run(["sh", "-c", "kill -KILL $$"]), Ok(Outcome::Killed(9)));
    policy.timeout(Duration::from_millis(200));
    assert_eq!(policy.run(["sleep", "60"]), Ok(Outcome::TimedOut));
    assert_eq!(Policy::base().run(["no-such-command"]).map_err(|error| error.status()), Err(127));
    assert_eq!(Policy::none().run(["/bin/true"]).map_err(|error| error.status()), Err(126));
    assert_eq!(Policy::base().run::<&str>([]), Err(Error::NoCommand));
}

/// Rules and filter are made once; each run is a sandbox of its own, also next to another one, and only the
/// private directory is shared.
#[test]
fn a_plan_runs_as_often_as_one_likes() {
    let script = "echo . >> $TMPDIR/runs && test $(wc -l < $TMPDIR/runs) -le 6 && ! cat /etc/shadow";
    let plan = Policy::base().plan(["sh", "-c", script]).expect("it can be planned");
    assert_eq!(plan.run(), Ok(Outcome::Exited(0)));
    assert_eq!(plan.run(), Ok(Outcome::Exited(0)));
    std::thread::scope(|scope| {
        let runs = [(); 4].map(|()| scope.spawn(|| plan.run()));
        assert!(
            runs.map(|run| run.join().expect("it ends")).iter().all(|run| *run == Ok(Outcome::Exited(0)))
        );
    });
    // The seventh finds what the six have left.
    assert_eq!(plan.run(), Ok(Outcome::Exited(1)));
}

/// Eight runs of one plan: the first to come stays and sends the others its ID; they try to kill it and then
/// end, each with all of its own.
#[test]
fn runs_of_one_plan_reach_each_other_by_files_only() {
    let script = "if mkdir $TMPDIR/first 2>/dev/null; then
        echo $$ > $TMPDIR/pid; i=0; while [ $i -lt 7 ] && sleep 0.1; do i=$(ls -d $TMPDIR/gone.* 2>/dev/null | wc -l); done; exit 7
    fi
    until [ -s $TMPDIR/pid ]; do sleep 0.01; done
    setsid sleep 6 >&- 2>&- & kill -9 $(cat $TMPDIR/pid) 2>/dev/null && exit 9
    echo > $TMPDIR/gone.$$; exit 3";
    let plan = Policy::base().plan(["sh", "-c", script]).expect("it can be planned");
    let mut outcomes: Vec<_> = thread::scope(|scope| {
        let runs = [(); 8].map(|()| scope.spawn(|| plan.run()));
        runs.into_iter().map(|run| run.join().expect("it ends").expect("it runs").status()).collect()
    });
    outcomes.sort_unstable();
    assert_eq!(outcomes, [3, 3, 3, 3, 3, 3, 3, 7]);
    // Without a sandbox the first one is killed.
    let dir = Dir::new();
    let start = |_| common::start(dir.bare(script).env("TMPDIR", dir.text()));
    let children: Vec<_> = (0..8).map(start).collect();
    let codes: Vec<_> = children.into_iter().map(|child| common::finish(child).code).collect();
    assert!(codes.contains(&9), "{codes:?}");
}

#[test]
fn an_older_kernel_is_refused_unless_every_loss_is_named() {
    let mut policy = Policy::base();
    policy.assume_abi(Abi::assume(5));
    let Err(Error::Missing(missing)) = policy.run(["true"]) else { panic!("it ran") };
    let names: Vec<&str> = missing.iter().map(|protection| protection.name).collect();
    assert_eq!(names, ["signal-scope", "abstract-unix-socket-scope"]);
    for name in names {
        policy.allow_degraded(name).expect("it is a protection");
    }
    assert_eq!(policy.run(["true"]), Ok(Outcome::Exited(0)));
    let plan = policy.plan(["true"]).expect("it can be planned");
    let lost = plan.receipt().into_iter().filter(|line| line.by.is_none()).count();
    assert!(plan.is_degraded() && lost == 2);
}

#[test]
fn nobody_is_left_where_landlock_scopes_no_signals_either() {
    let number = format!("8{}", unique());
    let sleep = format!("sleep {number}");
    for (abi, names) in [
        (5, &["signal-scope", "abstract-unix-socket-scope"][..]),
        (2, &["signal-scope", "abstract-unix-socket-scope", "fs-truncate", "net-tcp", "fs-ioctl-dev"]),
    ] {
        let mut policy = Policy::base();
        policy.assume_abi(Abi::assume(abi));
        for name in names {
            policy.allow_degraded(name).expect("it is a protection");
        }
        let script = format!(
            "i=0; while [ $i -lt 20 ]; do setsid sh -c '{sleep} & {sleep}' & i=$((i+1)); done; sleep 0.3; exit 3"
        );
        assert_eq!(policy.run(["sh", "-c", &script]), Ok(Outcome::Exited(3)), "ABI {abi}");
        assert_eq!(processes(&["sleep", &number]).len(), 0, "ABI {abi}");
    }
}

#[test]
fn rules_are_what_they_say() {
    let dir = Dir::new();
    dir.file("file", 0o644, "text");
    let script = "cat file && echo more > new";
    let run = |policy: &Policy| policy.run(["sh", "-c", script]);
    let mut policy = Policy::base();
    policy.cwd(dir.text());
    assert!(matches!(run(&policy), Ok(Outcome::Exited(1 | 2))));
    assert!(!dir.join("new").exists());
    policy.write(dir.text());
    assert_eq!(run(&policy), Ok(Outcome::Exited(0)));
    assert!(dir.join("new").exists());
}

/// The same commands outside are the control: where the user may not, nothing is compared.
#[test]
fn what_is_decided_about_a_file_is_what_happens() {
    let (dir, outside) = (Dir::new(), Dir::new());
    for (at, name) in [(&dir, "read"), (&dir, "write"), (&outside, "other")] {
        std::fs::create_dir(at.join(name)).unwrap();
        std::fs::write(at.join(name).join("file"), "text").unwrap();
    }
    let (read, write, other) = (dir.join("read"), dir.join("write"), outside.join("other"));
    let mut policy = Policy::base();
    policy.read(&read).write(&write);
    let (mut granted, mut refused) = (0, 0);
    let tops = [read, write, other, "/usr".into(), "/etc/passwd".into(), "/etc".into(), "/dev/null".into()];
    for top in tops {
        let file = if top.is_dir() { top.join("file") } else { top.clone() };
        let (at, name) = (top.display(), file.display());
        let on_file = [
            (&file, AccessFs::READ_FILE, format!("cat {name}")),
            (&file, AccessFs::WRITE_FILE, format!("printf '' >> {name}")),
        ];
        let on_directory = [
            (&top, AccessFs::READ_DIR, format!("ls {at}")),
            (&top, AccessFs::MAKE_DIR | AccessFs::REMOVE_DIR, format!("mkdir {at}/new && rmdir {at}/new")),
        ];
        for (path, rights, act) in
            on_file.into_iter().chain(on_directory.into_iter().filter(|_| top.is_dir()))
        {
            let command = ["sh", "-c", &act];
            let control = std::process::Command::new("sh").args(&command[1..]).output().unwrap();
            if !control.status.success() || !path.exists() {
                continue;
            }
            let plan = policy.plan(command).unwrap();
            let is_granted = match plan.decide(&Operation::File(path, rights)) {
                Decision::Granted(Mechanism::Landlock, grants) => {
                    assert!(grants.iter().all(|grant| grant.rights.intersects(rights)));
                    granted += 1;
                    true
                }
                Decision::Refused(Mechanism::Landlock, Errno::EACCES) => {
                    refused += 1;
                    false
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(plan.run() == Ok(Outcome::Exited(0)), is_granted, "{command:?}");
        }
    }
    assert!(granted >= 7 && refused >= 5, "{granted} {refused}");
}

#[test]
fn what_is_decided_says_by_what() {
    let mut policy = Policy::base();
    policy.connect("443".parse().unwrap()).bind("*".parse().unwrap()).write("/tmp");
    let plan = policy.plan(["true"]).unwrap();
    assert!(plan.grants().iter().any(|grant| grant.source == Source::Write));
    assert!(plan.grants().iter().any(|grant| grant.source == Source::Base));
    assert!(matches!(plan.decide(&Operation::Connect([192, 0, 2, 1].into(), 443)), Decision::Granted(..)));
    assert!(matches!(
        plan.decide(&Operation::Connect([192, 0, 2, 1].into(), 80)),
        Decision::Refused(_, Errno::EACCES)
    ));
    assert!(matches!(plan.decide(&Operation::BindTcp(80)), Decision::Granted(Mechanism::NotAsked, _)));
    let call = |name| plan.decide(&Operation::Call(name));
    assert!(matches!(call(Name::read), Decision::Granted(Mechanism::Filter, _)));
    assert!(matches!(call(Name::ptrace), Decision::ByArgs(_)));
    let closed = policy.clone().no_ptrace().plan(["true"]).unwrap();
    let ptrace = closed.decide(&Operation::Call(Name::process_vm_readv));
    assert!(matches!(ptrace, Decision::Refused(Mechanism::Filter, Errno::EPERM)), "{ptrace:?}");
    assert!(matches!(call(Name::clone3), Decision::Refused(Mechanism::Filter, Errno::ENOSYS)));
    assert!(matches!(call(Name::connect), Decision::ByArgs(_)));
    assert!(matches!(call(Name::ioctl), Decision::ByArgs(_)));
}

#[test]
fn a_child_has_the_standard_descriptors_that_it_is_given() {
    use std::io::{Read as _, Write as _};
    let script = "read line; echo out $line; echo err >&2; ls /proc/self/fd | wc -l";
    let plan = std::sync::Arc::new(Policy::base().plan(["sh", "-c", script]).unwrap());
    let mut children: Vec<_> =
        (0..4).map(|_| plan.spawn([Stdio::Piped, Stdio::Piped, Stdio::Piped]).unwrap()).collect();
    for (number, child) in children.iter_mut().enumerate() {
        assert_eq!(child.try_wait(), Ok(None));
        writeln!(child.stdin.take().unwrap(), "{number}").unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        // Of ls: the three, and the directory.
        assert_eq!((out, err), (format!("out {number}\n4\n"), "err\n".to_owned()));
        assert_eq!(child.wait().map(|ended| ended.outcome), Ok(Outcome::Exited(0)));
        assert_eq!(child.wait().map(|ended| ended.outcome), Ok(Outcome::Exited(0)));
    }
    let dir = Dir::new();
    let file = std::fs::File::create(dir.join("out")).unwrap();
    let plan = std::sync::Arc::new(Policy::base().plan(["sh", "-c", "cat; echo done"]).unwrap());
    let mut child = plan.spawn([Stdio::Null, file.into(), Stdio::Inherit]).unwrap();
    assert_eq!(child.wait().map(|ended| ended.outcome), Ok(Outcome::Exited(0)));
    assert_eq!(std::fs::read_to_string(dir.join("out")).unwrap(), "done\n");
}

#[test]
fn a_child_that_is_killed_or_dropped_leaves_nobody() {
    let number = unique();
    let script = format!("setsid sleep {number} & sleep {number}");
    let plan = std::sync::Arc::new(Policy::base().plan(["sh", "-c", &script]).unwrap());
    let sleeps = || processes(&["sleep", &number]).len();
    for drops in [false, true] {
        let mut child = plan.spawn([Stdio::Null, Stdio::Inherit, Stdio::Inherit]).unwrap();
        common::until("both sleep", || sleeps() == 2);
        assert_eq!(child.try_wait(), Ok(None));
        if !drops {
            child.kill();
            common::until("it has ended", || child.try_wait().unwrap().is_some());
            assert_eq!(child.wait().map(|ended| ended.outcome), Ok(Outcome::Killed(9)));
        }
        drop(child);
        assert_eq!(sleeps(), 0);
    }
    let missing = std::sync::Arc::new(Policy::none().plan(["/bin/true"]).unwrap());
    let error = missing.spawn([Stdio::Null, Stdio::Null, Stdio::Null]).unwrap_err();
    assert_eq!(error.status(), 126);
}

#[test]
fn a_terminal_that_a_child_is_given_is_as_before_at_its_end() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};
    let test = a_terminal_that_a_child_is_given_is_as_before_at_its_end;
    if !common::has(test, &["stty"]) {
        return;
    }
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).and_then(|()| unlockpt(&master)).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let open = || std::fs::File::options().read(true).write(true).open(&name).unwrap();
    let slave = open();
    let echoes = || tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ECHO);
    assert!(echoes());
    let plan = std::sync::Arc::new(Policy::base().plan(["stty", "-echo"]).unwrap());
    let mut child = plan.spawn([open().into(), Stdio::Null, Stdio::Inherit]).unwrap();
    assert_eq!(child.wait().map(|ended| ended.outcome), Ok(Outcome::Exited(0)));
    assert!(echoes());
    // Without a sandbox it stays changed.
    let status = std::process::Command::new("stty").arg("-echo").stdin(open()).status().unwrap();
    assert!(status.success() && !echoes());
}

/// It is closed at execve outside, and another file may have its number before the launch.
#[test]
fn a_kept_descriptor_is_the_one_that_the_plan_saw() {
    use std::os::fd::AsRawFd;
    let dir = Dir::new();
    dir.file("kept", 0o644, "kept\n");
    let file = std::fs::File::open(dir.join("kept")).unwrap();
    let script =
        format!("test \"$(readlink /proc/self/fd/{})\" = {}", file.as_raw_fd(), dir.join("kept").display());
    for (keeps, status) in [(true, 0), (false, 1)] {
        let mut policy = Policy::base();
        if keeps {
            policy.keep_fd(file.as_raw_fd());
        }
        assert_eq!(policy.run(["sh", "-c", &script]), Ok(Outcome::Exited(status)));
    }
}
