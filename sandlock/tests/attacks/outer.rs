//! A filter above everything, as a container has one: sandlock starts, or reports which call it misses; it
//! never runs a command half confined.

use core::time::Duration;
use std::process::{Child, Command};
use std::thread;
use std::time::Instant;

use sandlock_sys::filter::SockFilter;
use sandlock_sys::nr::{self, Name};
use sandlock_sys::seccomp::{self, FilterFlags};
use sandlock_sys::{Errno, prctl, process};

use crate::common::{Dir, abi, finish, start};

/// The low half of the flags of clone(2) in `struct seccomp_data`: of its first register, and on s390x the
/// second.
const FLAGS: u32 = if cfg!(target_arch = "s390x") { 28 } else { 16 };
/// What takes longer waits for something that does not come.
const LONGEST: Duration = Duration::from_secs(15);
/// `CLONE_VFORK`: the standard library starts a program by it.
const VFORK: u32 = 0x4000;

/// Starts a command where the call of this number fails with `errno`, for it and for everything that it
/// starts. `None`: the standard library cannot start a program without it.
fn start_without(number: u32, errno: Errno, command: &mut Command) -> Option<Child> {
    let insn = |code, jt, jf, k| SockFilter { code, jt, jf, k };
    let is_clone = nr::number(nr::NATIVE, Name::clone) == Some(number);
    let filter = [
        insn(0x20, 0, 0, 0),
        insn(0x15, 0, 4, number),
        // Only of clone(2) the register is looked at.
        insn(0x05, 0, 0, if is_clone { 0 } else { 2 }),
        insn(0x20, 0, 0, FLAGS),
        insn(0x45, 1, 0, VFORK),
        insn(0x06, 0, 0, 0x0005_0000 | errno.get().unsigned_abs()),
        insn(0x06, 0, 0, 0x7fff_0000),
    ];
    thread::scope(|scope| {
        let starter = scope.spawn(|| {
            let privs = prctl::set_no_new_privs().unwrap();
            seccomp::set_mode_filter(&filter, FilterFlags::empty(), &privs).unwrap();
            start(command)
        });
        starter.join().ok()
    })
}

/// Calls that sandlock makes before a command runs or meanwhile, and that other programs can live without.
const CALLS: &str = "
    landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp prctl clone pidfd_open pidfd_getfd process_vm_readv
    process_vm_writev openat2 statx readlinkat waitid kill close_range dup3 signalfd4 eventfd2 timerfd_create timerfd_settime setpgid setsid
    socketpair sendto recvfrom getsockopt setsockopt shutdown capset capget ppoll rt_sigprocmask getpgid getsid getuid mkdirat unlinkat
    renameat2 fchdir fstatfs getdents64 fchmodat fchownat utimensat setxattr removexattr memfd_create listen connect socket getsockname ioctl
    fcntl sigaltstack prlimit64 getrandom madvise gettid sched_getaffinity
";

#[test]
fn a_call_that_is_refused_from_above_is_named_or_not_needed() {
    let (mut wrong, mut tried) = (String::new(), 0);
    for call in CALLS.split_whitespace().map(|name| Name::parse(name).unwrap()) {
        let Some(number) = nr::number(nr::NATIVE, call) else { continue };
        // Where the kernel has no poll, the standard library starts no program without ppoll.
        if call == Name::ppoll && nr::number(nr::NATIVE, Name::poll).is_none() {
            continue;
        }
        for errno in [Errno::EPERM, Errno::ENOSYS] {
            let (dir, outside) = (Dir::new(), Dir::new());
            let mut script = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status".to_owned();
            script += &format!("; echo x > {}/escaped", outside.text());
            if abi() >= 6 {
                script += &format!("; kill -0 {} && echo signalled", process::getpid());
            }
            let mut command = dir.sandboxed(&["-q", "-t", "20"], &script);
            command.env("TMPDIR", dir.text());
            let started = Instant::now();
            let Some(child) = start_without(number, errno, &mut command) else { continue };
            tried += 1;
            let ran = finish(child);
            let took = started.elapsed();
            // Messages have mkdir for mkdirat.
            let call = call.as_str().trim_end_matches("at");
            let is_named = ran.code == 125 && ran.out.is_empty() && ran.err.contains(call);
            let is_confined = ran.out == "NoNewPrivs:\t1\nSeccomp:\t2\n";
            if !(is_named || is_confined) || outside.join("escaped").exists() || took > LONGEST {
                wrong += &format!("{call} {errno}, {took:?}: {ran:?}\n");
            }
        }
    }
    assert!(wrong.is_empty() && tried >= 80, "{tried} {wrong}");
}
