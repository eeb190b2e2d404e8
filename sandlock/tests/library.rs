//! The library from a program with threads of its own, and plans for older kernels.

mod common;

use core::time::Duration;
use std::net::TcpListener;
use std::thread;

use common::{Dir, processes, unique};
use sandlock::{Abi, Error, Outcome, Policy};
use sandlock_sys::signal;

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
    assert_eq!(signal::kill(sandlock_sys::process::getppid(), 0), Ok(()));
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

/// Rules and filter are made once; each run is a sandbox of its own, also next to another one, and only the private directory is shared.
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

/// Eight runs of one plan: the first to come stays, and tells the others, which try to kill it and then end, each with all of its own.
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
