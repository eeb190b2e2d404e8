//! A target against the running kernel: memory and descriptors are used while the call waits, and not
//! afterwards.

#![expect(clippy::unwrap_used, reason = "tests")]

use core::time::Duration;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use sandlock_notify::{Closer, Notification, PidfdCache, Response, Target, UserAddr, Waiting, recv};
use sandlock_sys::nr::{self, Name};
use sandlock_sys::seccomp::{self, FilterFlags, ListenerFd, SockFilter};
use sandlock_sys::{Errno, Pid, Signal, prctl, signal};

/// The low half of the first register in `struct seccomp_data`.
const FIRST: u32 = if cfg!(target_endian = "little") { 16 } else { 20 };

/// A shell whose reads of standard input wait for the listener. A signal interrupts them, and then the shell
/// reads again.
struct Shell {
    child: Child,
    listener: ListenerFd,
}

impl Shell {
    fn new() -> Self {
        let read = nr::number(nr::NATIVE, Name::read).unwrap();
        let insn = |code, jt, jf, k| SockFilter { code, jt, jf, k };
        // USER_NOTIF for read(2) of descriptor 0, ALLOW for all else.
        let filter = [
            insn(0x20, 0, 0, 0),
            insn(0x15, 0, 3, read),
            insn(0x20, 0, 0, FIRST),
            insn(0x15, 0, 1, 0),
            insn(0x06, 0, 0, 0x7fc0_0000),
            insn(0x06, 0, 0, 0x7fff_0000),
        ];
        let (send, receive) = mpsc::channel();
        // The filter of a thread is its children's too.
        let start = move || {
            let privs = prctl::set_no_new_privs().unwrap();
            let listener = seccomp::set_mode_filter_listener(&filter, FilterFlags::empty(), &privs).unwrap();
            send.send(listener).unwrap();
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "trap : USR1; while :; do read line; done"]).stdin(Stdio::null()).spawn()
        };
        let child = thread::spawn(start).join().unwrap().unwrap();
        Self { child, listener: receive.recv().unwrap() }
    }

    fn pid(&self) -> Pid {
        Pid::new(self.child.id().try_into().unwrap())
    }

    fn next(&self) -> Notification<'_> {
        let notification = recv(&self.listener).unwrap().unwrap();
        assert_eq!(notification.tid(), self.pid());
        notification
    }

    /// Ends the call of `notification`, and nothing else: the shell lives on and makes the next one.
    fn interrupt(&self, notification: &Notification<'_>) {
        signal::kill(self.pid(), Signal::USR1).unwrap();
        gone(notification);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the target no longer waits.
#[track_caller]
fn gone(notification: &Notification<'_>) {
    let started = Instant::now();
    while notification.is_waiting() {
        assert!(started.elapsed() < Duration::from_secs(15), "the call goes on");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_memory_of_a_target_that_no_longer_waits_is_neither_read_nor_written() {
    let shell = Shell::new();
    let (cache, closer) = (PidfdCache::default(), Closer::new(false));
    let notification = shell.next();
    let target = Waiting { notification: &notification, cache: &cache, closer: &closer };
    // The buffer that the shell reads into is there all the time: only the call is over.
    let buffer = UserAddr(notification.data().args[1]);
    let mut bytes = [0];
    assert_eq!(target.read(buffer, &mut bytes), Ok(1));
    assert_eq!(target.write(buffer, &bytes), Ok(()));
    shell.interrupt(&notification);
    assert_eq!(target.read(buffer, &mut bytes), Err(Errno::ENOENT));
    assert_eq!(target.write(buffer, &bytes), Err(Errno::ENOENT));
}

#[test]
fn the_files_of_a_target_that_no_longer_waits_are_not_duplicated() {
    let shell = Shell::new();
    let closer = Closer::new(false);
    let notification = shell.next();
    // The number is looked up anew each time: no pidfd of the target is left from a call before.
    let duplicate = |fd| {
        let cache = PidfdCache::default();
        Waiting { notification: &notification, cache: &cache, closer: &closer }.file(fd).map(drop)
    };
    assert_eq!((duplicate(0), duplicate(99)), (Ok(()), Err(Errno::EBADF)));
    shell.interrupt(&notification);
    assert_eq!(duplicate(0), Err(Errno::ENOENT));
}

#[test]
fn nothing_comes_of_a_target_that_was_killed() {
    let mut shell = Shell::new();
    let (cache, closer) = (PidfdCache::default(), Closer::new(false));
    let notif = shell.next().into_notif();
    let notification = Notification::new(&shell.listener, notif);
    let buffer = UserAddr(notification.data().args[1]);
    let target = Waiting { notification: &notification, cache: &cache, closer: &closer };
    assert_eq!(target.file(0).map(drop), Ok(()));
    shell.child.kill().unwrap();
    shell.child.wait().unwrap();
    gone(&notification);
    assert!(target.read(buffer, &mut [0]).is_err());
    assert!(target.write(buffer, &[0]).is_err());
    // Neither by the pidfd of the call before, nor by a new one.
    for cache in [&cache, &PidfdCache::default()] {
        let file = Waiting { notification: &notification, cache, closer: &closer }.file(0);
        assert!(matches!(file, Err(Errno::ENOENT | Errno::ESRCH | Errno::EINVAL)), "{file:?}");
    }
    // The answer reaches no target, which is no failure.
    notification.reply(Response::Return(0));
}
