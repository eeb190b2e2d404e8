//! `seccomp`: a filter on a thread, and a listener on another.

#![expect(unsafe_code, reason = "a descriptor that the target was given is owned by nobody yet")]

use core::time::Duration;
use std::sync::mpsc;
use std::thread;

use sandlock_sys::filter::SockFilter;
use sandlock_sys::fs::{MemfdFlags, OFlags};
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::process::PidfdFlags;
use sandlock_sys::seccomp::{self, FilterFlags, ListenerFd, Notif, NotifSizes};
use sandlock_sys::{AsFd, Errno, OwnedFd, Pid, Result, fs, net, nr, prctl, process};

use crate::{in_thread, skip};

const ALLOW: u32 = 0x7fff_0000;
const USER_NOTIF: u32 = 0x7fc0_0000;
const ERRNO: u32 = 0x0005_0000;

/// Answers `action` to getpgid(2), which no other code here calls, and allows the rest.
fn filter(action: u32) -> [SockFilter; 4] {
    let insn = |code, jt, jf, k| SockFilter { code, jt, jf, k };
    // BPF_LD | BPF_W | BPF_ABS of the number; BPF_JMP | BPF_JEQ | BPF_K; BPF_RET | BPF_K.
    [insn(0x20, 0, 0, 0), insn(0x15, 0, 1, nr::GETPGID), insn(0x06, 0, 0, action), insn(0x06, 0, 0, ALLOW)]
}

#[test]
fn a_filter_answers_for_its_thread() {
    let action = ERRNO | Errno::EXDEV.get().cast_unsigned();
    let results = in_thread(|| {
        let privs = prctl::set_no_new_privs().unwrap();
        let before = process::process_group(Pid::SELF).is_ok();
        seccomp::set_mode_filter(&filter(action), FilterFlags::empty(), &privs).unwrap();
        (before, process::process_group(Pid::SELF))
    });
    assert_eq!(results, (true, Err(Errno::EXDEV)));
    assert!(process::process_group(Pid::SELF).is_ok());
}

/// The kernel's answer is then the ID of the thread that has a filter of its own, which is not less than
/// nought.
#[test]
fn a_filter_for_all_threads_fails_if_one_cannot_follow() {
    let (installed, wait) = mpsc::channel();
    let (done, end) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        let privs = prctl::set_no_new_privs().unwrap();
        seccomp::set_mode_filter(&filter(ALLOW), FilterFlags::empty(), &privs).unwrap();
        installed.send(()).unwrap();
        // Until the other one has tried.
        let _ = end.recv();
    });
    wait.recv().unwrap();
    let results = in_thread(|| {
        let privs = prctl::set_no_new_privs().unwrap();
        let action = ERRNO | Errno::EXDEV.get().cast_unsigned();
        let alone = seccomp::set_mode_filter(&filter(action), FilterFlags::TSYNC, &privs);
        let named = FilterFlags::TSYNC | FilterFlags::TSYNC_ESRCH;
        (
            alone,
            seccomp::set_mode_filter(&filter(action), named, &privs),
            process::process_group(Pid::SELF).is_ok(),
        )
    });
    drop(done);
    other.join().unwrap();
    assert_eq!(results, (Err(Errno::ESRCH), Err(Errno::ESRCH), true));
}

#[test]
fn what_is_no_filter_is_refused() {
    in_thread(|| {
        let privs = prctl::set_no_new_privs().unwrap();
        let install = |program: &[SockFilter], flags| seccomp::set_mode_filter(program, flags, &privs);
        assert_eq!(install(&[], FilterFlags::empty()), Err(Errno::EINVAL));
        let [load, ..] = filter(ALLOW);
        assert_eq!(install(&[load], FilterFlags::empty()), Err(Errno::EINVAL), "it does not return");
        assert_eq!(install(&vec![load; 1 << 16], FilterFlags::empty()), Err(Errno::EINVAL), "too long");
        let unknown = FilterFlags::from_bits_retain(1 << 31);
        assert_eq!(install(&filter(ALLOW), unknown), Err(Errno::EINVAL));
        // A listener would be lost.
        assert_eq!(install(&filter(ALLOW), FilterFlags::NEW_LISTENER), Err(Errno::EINVAL));
    });
}

#[test]
fn the_kernel_says_what_it_has() {
    assert!(seccomp::action_available(USER_NOTIF) && seccomp::action_available(ALLOW));
    assert!(!seccomp::action_available(0x1234_0000));
    let NotifSizes { notif, resp, data } = seccomp::notif_sizes().unwrap();
    // They may grow, up to what notif_recv has room for.
    assert!(usize::from(notif) >= size_of::<Notif>() && usize::from(notif) <= 2 * size_of::<Notif>());
    assert!(resp >= 24 && data >= 64);
}

/// What getpgid returns to a target whose supervisor does `answer`, once.
fn answered<T>(answer: impl FnOnce(&ListenerFd, Notif) -> T) -> (Result<Pid>, T) {
    let (tell, told) = mpsc::channel();
    let (tell_listener, listener) = mpsc::channel();
    thread::scope(|scope| {
        let target = scope.spawn(move || {
            let privs = prctl::set_no_new_privs().unwrap();
            let listener =
                seccomp::set_mode_filter_listener(&filter(USER_NOTIF), FilterFlags::empty(), &privs).unwrap();
            tell_listener.send((listener, process::gettid())).unwrap();
            let result = process::process_group(Pid::SELF);
            tell.send(result).unwrap();
        });
        let (listener, tid) = listener.recv().unwrap();
        let ready = |wait| {
            let mut rows = [PollFd::new(listener.as_fd(), Events::IN)];
            ppoll(&mut rows, wait).unwrap();
            rows.map(|row| row.found())
        };
        assert_eq!(ready(None), [Events::IN]);
        let notif = seccomp::notif_recv(&listener).unwrap();
        assert_eq!(notif.pid, tid);
        assert_eq!(
            (notif.data.nr.cast_unsigned(), notif.data.arch),
            (nr::GETPGID, sandlock_sys::filter::AUDIT_ARCH)
        );
        assert_eq!(notif.data.args.first(), Some(&0));
        assert_eq!(seccomp::notif_id_valid(&listener, notif.id), Ok(()));
        assert_eq!(seccomp::notif_id_valid(&listener, notif.id.wrapping_add(1)), Err(Errno::ENOENT));
        let done = answer(&listener, notif);
        let result = told.recv().unwrap();
        target.join().unwrap();
        // No thread is left to wait for an answer, or to ask.
        assert_eq!(seccomp::notif_id_valid(&listener, notif.id), Err(Errno::ENOENT));
        assert_eq!(seccomp::notif_send_value(&listener, notif.id, 0), Err(Errno::ENOENT));
        assert_eq!(ready(Some(Duration::from_secs(10))), [Events::HUP]);
        (result, done)
    })
}

/// Whether a target got nought although it was answered otherwise, as was seen on powerpc with Linux 7.2,
/// where only errors arrive.
fn is_lost(got: Result<Pid>) -> bool {
    cfg!(target_arch = "powerpc64") && got == Ok(Pid::new(0))
}

const LOST: &str = "this kernel loses the value of an answer";

#[test]
fn the_supervisor_answers_with_a_value() {
    let answer = answered(|listener, notif| seccomp::notif_send_value(listener, notif.id, 4242));
    if is_lost(answer.0) {
        return skip(the_supervisor_answers_with_a_value, LOST);
    }
    assert_eq!(answer, (Ok(Pid::new(4242)), Ok(())));
}

#[test]
fn the_supervisor_answers_with_an_error() {
    let answer = answered(|listener, notif| seccomp::notif_send_errno(listener, notif.id, Errno::EXDEV));
    assert_eq!(answer, (Err(Errno::EXDEV), Ok(())));
}

#[test]
fn the_supervisor_lets_the_call_go_on() {
    let answer = answered(|listener, notif| seccomp::notif_send_continue(listener, notif.id));
    assert_eq!(answer, (process::process_group(Pid::SELF), Ok(())));
}

#[test]
fn the_supervisor_gives_no_descriptor_beyond_the_limit() {
    let (one, _other) = net::socketpair(libc::SOCK_STREAM).unwrap();
    let answer = answered(|listener, notif| {
        let sent =
            seccomp::notif_addfd(listener, notif.id, one.as_fd(), OFlags::CLOEXEC, Some(1 << 30), true);
        seccomp::notif_send_errno(listener, notif.id, Errno::EINVAL).unwrap();
        sent
    });
    assert!(matches!(answer.1, Err(Errno::EBADF | Errno::EINVAL)), "{answer:?}");
}

#[test]
fn the_supervisor_gives_a_descriptor() {
    // As high as the usual limit allows; and beyond every limit.
    let (cloexec, none) = (OFlags::CLOEXEC, OFlags::empty());
    for (flags, at) in [(cloexec, None), (none, None), (cloexec, Some(1001)), (none, Some(1001))] {
        let (one, _other) = net::socketpair(libc::SOCK_STREAM).unwrap();
        let (number, sent) = answered(|listener, notif| {
            let sent = seccomp::notif_addfd(listener, notif.id, one.as_fd(), flags, at, true);
            if sent.is_err() {
                // The target waits for some answer.
                seccomp::notif_send_errno(listener, notif.id, Errno::EINVAL).unwrap();
            }
            sent
        });
        if sent == Err(Errno::EINVAL) {
            return skip(the_supervisor_gives_a_descriptor, "this kernel has no SECCOMP_ADDFD_FLAG_SEND");
        }
        assert_eq!(sent, Ok(()));
        if is_lost(number) {
            return skip(the_supervisor_gives_a_descriptor, LOST);
        }
        // SAFETY: the target, a thread of this process, got it and let it be.
        let given = unsafe { OwnedFd::from_raw(number.unwrap().get()) };
        assert_ne!(given, one);
        assert_eq!(given.as_fd().as_raw(), at.unwrap_or(given.as_fd().as_raw()));
        assert_eq!(net::cookie(given.as_fd()), net::cookie(one.as_fd()));
        let info = format!("/proc/self/fdinfo/{}", given.as_fd().as_raw());
        let info = std::fs::read_to_string(info).unwrap();
        let found = info.lines().find_map(|line| line.strip_prefix("flags:\t")).unwrap();
        let found = OFlags::from_bits_retain(i32::from_str_radix(found, 8).unwrap());
        assert_eq!(found & cloexec, flags);
    }
}

#[test]
fn a_listener_is_told_from_other_files() {
    let (result, ()) = answered(|listener, notif| {
        let pidfd = process::pidfd_open(process::getpid(), PidfdFlags::empty()).unwrap();
        let copy = process::pidfd_getfd(&pidfd, listener.as_fd().as_raw()).unwrap();
        let copy = ListenerFd::check(copy).unwrap();
        assert!([Ok(()), Err(Errno::EINVAL)].contains(&seccomp::sync_wake_up(&copy)));
        seccomp::notif_send_errno(&copy, notif.id, Errno::EXDEV).unwrap();
    });
    assert_eq!(result, Err(Errno::EXDEV));
    for fd in [
        fs::memfd_create(c"test", MemfdFlags::CLOEXEC).unwrap(),
        net::socketpair(libc::SOCK_STREAM).unwrap().0,
    ] {
        assert_eq!(ListenerFd::check(fd).unwrap_err(), Errno::ENOTTY);
    }
}

#[test]
fn a_thread_has_one_listener() {
    in_thread(|| {
        let privs = prctl::set_no_new_privs().unwrap();
        let install = || seccomp::set_mode_filter_listener(&filter(USER_NOTIF), FilterFlags::empty(), &privs);
        let _listener = install().unwrap();
        assert_eq!(install().unwrap_err(), Errno::EBUSY);
    });
}
