//! `signal`: masks on a thread, the rest in a process of its own.

#![expect(unsafe_code, reason = "the entry of a process is an unsafe function")]
#![expect(clippy::as_conversions, reason = "signal(2) takes a function as a number")]

use core::ffi::c_void;

use sandlock_sys::process::{self, Change, CloneFlags};
use sandlock_sys::signal::{self, SigSet};
use sandlock_sys::{Errno, Pid, Signal, prctl};

use crate::processes::{end_of, sleep, start};
use crate::{in_thread, status};

#[test]
fn a_mask_is_set_and_the_former_returned() {
    in_thread(|| {
        let one = SigSet::EMPTY.with(Signal::USR1).with(Signal::new(libc::SIGRTMAX()));
        let before = signal::set_mask(one).unwrap();
        let bits = 1u64 << 63 | 1 << (libc::SIGUSR1 - 1);
        assert_eq!(u64::from_str_radix(&status("SigBlk"), 16), Ok(bits));
        assert_eq!(signal::set_mask(SigSet::ALL), Ok(one));
        // Two signals cannot be blocked.
        let blockable =
            (1..=64).map(Signal::new).filter(|signal| ![Signal::KILL, Signal::STOP].contains(signal));
        assert_eq!(signal::set_mask(before), Ok(blockable.fold(SigSet::EMPTY, SigSet::with)));
    });
    for number in [0, -1, 65, i32::MIN] {
        assert_eq!(SigSet::EMPTY.with(Signal::new(number)), SigSet::EMPTY, "{number}");
    }
}

/// Blocks a signal, sends it to itself and takes it from a descriptor. Returns the step that went wrong.
unsafe extern "C" fn signal_itself(_: *mut c_void) -> i32 {
    let set = SigSet::EMPTY.with(Signal::USR1);
    let Ok(_) = signal::set_mask(set) else { return 1 };
    let Ok(fd) = signal::signalfd(set) else { return 2 };
    if signal::read_signal(&fd).map(drop) != Err(Errno::EAGAIN) {
        return 3;
    }
    let pid = process::getpid();
    let Ok(()) = signal::kill(pid, Signal::USR1) else { return 4 };
    let Ok(info) = signal::read_signal(&fd) else { return 5 };
    let want = (Signal::USR1, libc::SI_USER, pid);
    if (info.signo, info.code, info.pid) != want {
        return 6;
    }
    if signal::read_signal(&fd).map(drop) == Err(Errno::EAGAIN) { 0 } else { 7 }
}

#[test]
fn a_blocked_signal_is_read_from_a_descriptor() {
    assert_eq!(end_of(CloneFlags::empty(), signal_itself, &()), Change::Exited(0));
}

/// The standard library ignores this signal in every program.
unsafe extern "C" fn pipe_itself(_: *mut c_void) -> i32 {
    i32::from(signal::kill(process::getpid(), Signal::PIPE).is_err())
}

unsafe extern "C" fn pipe_itself_after_reset(arg: *mut c_void) -> i32 {
    let Ok(()) = signal::reset_handlers() else { return 2 };
    // SAFETY: there is no contract.
    unsafe { pipe_itself(arg) }
}

extern "C" fn handle(_: i32) {}

unsafe extern "C" fn signal_itself_after_reset(_: *mut c_void) -> i32 {
    let handler: extern "C" fn(i32) = handle;
    for (number, disposition) in [(libc::SIGUSR1, libc::SIG_IGN), (libc::SIGUSR2, handler as usize)] {
        // SAFETY: a disposition that ignores, and a handler that does nothing.
        if unsafe { libc::signal(number, disposition) } == libc::SIG_ERR {
            return 1;
        }
    }
    let both = || {
        let send = |number| signal::kill(process::getpid(), number);
        send(Signal::USR1).and(send(Signal::USR2))
    };
    let Ok(()) = both() else { return 2 };
    let Ok(()) = signal::reset_handlers() else { return 3 };
    let _ = both();
    4
}

#[test]
fn handlers_are_reset_and_what_was_ignored_stays_so_but_for_sigpipe() {
    assert_eq!(end_of(CloneFlags::empty(), pipe_itself, &()), Change::Exited(0));
    assert_eq!(end_of(CloneFlags::empty(), pipe_itself_after_reset, &()), Change::Killed(Signal::PIPE));
    assert_eq!(end_of(CloneFlags::empty(), signal_itself_after_reset, &()), Change::Killed(Signal::USR2));
}

#[test]
fn a_signal_goes_to_whom_it_names() {
    let (pid, pidfd, _stack) = start(CloneFlags::empty(), sleep, &());
    assert_eq!(signal::kill(pid, Signal::NONE), Ok(()));
    assert_eq!(signal::pidfd_send_signal(&pidfd, Signal::NONE), Ok(()));
    assert_eq!(signal::pidfd_send_signal(&pidfd, Signal::new(65)), Err(Errno::EINVAL));
    signal::pidfd_send_signal(&pidfd, Signal::KILL).unwrap();
    assert_eq!(process::wait_pidfd(&pidfd), Ok(Some((pid, Change::Killed(Signal::KILL)))));
    assert_eq!(signal::pidfd_send_signal(&pidfd, Signal::NONE), Err(Errno::ESRCH));
    assert_eq!(signal::kill(Pid::new(i32::MAX), Signal::NONE), Err(Errno::ESRCH));
    assert_eq!(prctl::set_pdeathsig(Signal::new(65)), Err(Errno::EINVAL));
}
