//! `process`, and what `prctl` and `fs` do to a whole process: in processes made by `clone`, which report by
//! their exit status.

#![expect(unsafe_code, reason = "tests of unsafe functions")]

use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicI32, Ordering};
use core::time::Duration;
use std::fs;
use std::os::unix::process as std_process;

use sandlock_sys::arch::Entry;
use sandlock_sys::fs::{MemfdFlags, OFlags};
use sandlock_sys::mm::Mapping;
use sandlock_sys::poll::ppoll;
use sandlock_sys::process::{self, CStrPtr, Change, CloneFlags, PidFd, PidfdFlags, Strings, WaitFlags};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Signal, fs as sys, net, prctl, signal};

use crate::{in_thread, skip, status};

const VFORK: CloneFlags = CloneFlags::VM.union(CloneFlags::VFORK);

/// A new process that runs `entry(arg)`, and what keeps its stack. `entry` must be as `clone` wants it.
pub(crate) fn start<T>(flags: CloneFlags, entry: Entry, arg: &T) -> (Pid, PidFd, Mapping) {
    let mut stack = Mapping::new(1 << 18).unwrap();
    let arg = core::ptr::from_ref(arg).cast_mut().cast::<c_void>();
    // SAFETY: the stack is fresh and returned with the process; each entry below makes system calls and uses
    // atomics, and its argument outlives it, for every test waits for the end.
    let cloned = unsafe { process::clone(flags, Signal::NONE, stack.bytes(), entry, arg) };
    let (pid, pidfd) = cloned.unwrap();
    (pid, pidfd, stack)
}

/// How a new process that runs `entry(arg)` ends.
pub(crate) fn end_of<T>(flags: CloneFlags, entry: Entry, arg: &T) -> Change {
    let (pid, pidfd, _stack) = start(flags, entry, arg);
    let (ended, change) = process::wait_pidfd(&pidfd).unwrap().unwrap();
    assert_eq!(ended, pid);
    assert_eq!(process::wait_pidfd(&pidfd), Err(Errno::ECHILD));
    change
}

/// Waits for a signal that ends the process, but not for ever.
pub(crate) unsafe extern "C" fn sleep(_: *mut c_void) -> i32 {
    let _ = ppoll(&mut [], Some(Duration::from_secs(30)));
    1
}

/// Takes the number behind `arg`, leaves another there, and returns the one taken.
unsafe extern "C" fn swap(arg: *mut c_void) -> i32 {
    // SAFETY: the argument is a reference to an atomic.
    unsafe { &*arg.cast::<AtomicI32>() }.swap(1, Ordering::SeqCst)
}

#[test]
fn a_process_shares_the_memory_it_is_told_to_share() {
    let number = AtomicI32::new(42);
    assert_eq!(end_of(CloneFlags::empty(), swap, &number), Change::Exited(42));
    assert_eq!(number.load(Ordering::SeqCst), 42);
    assert_eq!(end_of(VFORK, swap, &number), Change::Exited(42));
    assert_eq!(number.load(Ordering::SeqCst), 1);
}

unsafe extern "C" fn open_one(arg: *mut c_void) -> i32 {
    // SAFETY: the argument is a reference to an atomic.
    let number = unsafe { &*arg.cast::<AtomicI32>() };
    sys::memfd_create(c"test", MemfdFlags::CLOEXEC).map_or(1, |fd| {
        number.store(fd.into_raw(), Ordering::SeqCst);
        0
    })
}

unsafe extern "C" fn close_all(arg: *mut c_void) -> i32 {
    // SAFETY: the argument is a reference to an atomic.
    let number = unsafe { &*arg.cast::<AtomicI32>() };
    // SAFETY: the test closes it later; here it is only asked about once it is closed.
    let fd = unsafe { BorrowedFd::from_raw(number.load(Ordering::SeqCst)) };
    let before = sys::status_flags(fd).is_ok();
    // SAFETY: this process uses no descriptor any more but to see that it is closed.
    let closed = unsafe { process::close_from_unshared(3) }.is_ok();
    let after = sys::status_flags(fd);
    i32::from(!(before && closed && after == Err(Errno::EBADF)))
}

#[test]
fn a_descriptor_table_is_shared_until_it_is_not() {
    let number = AtomicI32::new(-1);
    assert_eq!(end_of(VFORK | CloneFlags::FILES, open_one, &number), Change::Exited(0));
    // SAFETY: the other process opened it in this table and is gone.
    let fd = unsafe { OwnedFd::from_raw(number.load(Ordering::SeqCst)) };
    assert_eq!(sys::write(fd.as_fd(), b"x"), Ok(1));
    assert_eq!(end_of(VFORK | CloneFlags::FILES, close_all, &number), Change::Exited(0));
    assert_eq!(sys::write(fd.as_fd(), b"x"), Ok(1));
}

struct Program<'a> {
    path: &'a CStr,
    argv: Strings<'a>,
    envp: Strings<'a>,
    stdout: BorrowedFd<'a>,
}

unsafe extern "C" fn execute(arg: *mut c_void) -> i32 {
    // SAFETY: the argument is a reference to a program.
    let program = unsafe { &*arg.cast::<Program<'_>>() };
    // SAFETY: the table is this process's own, and no code in it owns 1.
    if unsafe { process::dup_onto(program.stdout, 1) }.is_err() {
        return 126;
    }
    process::execve(program.path, program.argv, program.envp).get()
}

#[test]
fn a_process_becomes_a_program() {
    let argv = [c"test", c"--exact", c"no such test"].map(CStrPtr::new).map(Some);
    let [name, exact, test] = argv;
    let argv = [name, exact, test, None];
    assert!(Strings::new(argv.split_last().unwrap().1).is_none(), "it must end with null");
    let null = sys::open(c"/dev/null", OFlags::WRONLY).unwrap();
    for (path, want) in [
        // These tests, of which there is none with that name: success.
        (c"/proc/self/exe", Change::Exited(0)),
        (c"/nowhere", Change::Exited(Errno::ENOENT.get())),
        (c"/", Change::Exited(Errno::EACCES.get())),
    ] {
        let argv = Strings::new(&argv).unwrap();
        let envp = Strings::new(&[None]).unwrap();
        let program = Program { path, argv, envp, stdout: null.as_fd() };
        assert_eq!(end_of(VFORK, execute, &program), want, "{path:?}");
    }
}

unsafe extern "C" fn alone(_: *mut c_void) -> i32 {
    let mut buffer = [0; 16];
    let change = |path| sys::open(path, sys::OFlags::PATH).and_then(|dir| sys::fchdir(dir.as_fd()));
    let moved = change(c"/").is_ok()
        && sys::readlinkat(BorrowedFd::CWD, c"/proc/self/cwd", &mut buffer) == Ok(b"/")
        && change(c"/proc/version") == Err(Errno::ENOTDIR);
    let group =
        process::new_process_group().is_ok() && process::process_group(Pid::SELF) == Ok(process::getpid());
    // Who leads a group has to stay in its session.
    let session = process::new_session() == Err(Errno::EPERM);
    i32::from(!moved) | i32::from(!group) << 1 | i32::from(!session) << 2
}

#[test]
fn the_directory_and_the_group_are_a_processs_own() {
    let before = (std::env::current_dir().unwrap(), process::process_group(Pid::SELF));
    assert_eq!(end_of(VFORK, alone, &()), Change::Exited(0));
    assert_eq!((std::env::current_dir().unwrap(), process::process_group(Pid::SELF)), before);
}

#[test]
fn everybody_knows_who_they_are() {
    assert_eq!(u32::try_from(process::getpid().get()), Ok(std::process::id()));
    assert_eq!(u32::try_from(process::getppid().get()), Ok(std_process::parent_id()));
    in_thread(|| {
        assert_eq!(status("Pid"), process::gettid().to_string());
        assert_eq!(status("Tgid"), process::getpid().to_string());
        assert_ne!(process::gettid(), process::getpid());
    });
    assert_eq!(status("Uid").split('\t').next(), Some(process::getuid().to_string().as_str()));
    let ids = process::getresuid().unwrap();
    assert!(status("Uid").starts_with(&ids.map(|id| id.to_string()).join("\t")), "{ids:?}");
    // The fields after the name in parentheses: state, parent, group.
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let group = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(2)).unwrap();
    assert_eq!(process::process_group(Pid::SELF).map(|group| group.to_string()), Ok(group.to_owned()));
}

#[test]
fn memory_is_copied_in_and_out() {
    let pid = process::getpid();
    let source = *b"content";
    let mut target = [0; 7];
    assert_eq!(process::vm_readv(pid, source.as_ptr().expose_provenance(), &mut target), Ok(7));
    assert_eq!(target, source);
    assert_eq!(process::vm_writev(pid, [(target.as_mut_ptr().expose_provenance(), b"written")]), Ok(7));
    assert_eq!(&target, b"written");
    // Several at once, in order; one that has no bytes has no address either.
    let at = target.as_mut_ptr().expose_provenance();
    assert_eq!(process::vm_writev(pid, [(at, &b"WRITTEN"[..]), (0, b""), (at + 1, b"or")]), Ok(9));
    assert_eq!(&target, b"WorTTEN");
    // By a thread's ID as well.
    let read = in_thread(|| {
        let mut target = [0; 7];
        process::vm_readv(process::gettid(), source.as_ptr().expose_provenance(), &mut target).map(|_| target)
    });
    assert_eq!(read, Ok(source));
    for address in [0, 8, usize::MAX] {
        assert_eq!(process::vm_readv(pid, address, &mut target), Err(Errno::EFAULT), "{address:#x}");
        assert_eq!(process::vm_writev(pid, [(address, b"x")]), Err(Errno::EFAULT), "{address:#x}");
    }
    assert_eq!(process::vm_readv(Pid::new(i32::MAX), 8, &mut target), Err(Errno::ESRCH));
}

#[test]
fn a_pidfd_lends_the_descriptors_of_its_process() {
    let pidfd = process::pidfd_open(process::getpid(), PidfdFlags::empty()).unwrap();
    let (one, _other) = net::socketpair(libc::SOCK_STREAM).unwrap();
    let copy = process::pidfd_getfd(&pidfd, one.as_fd().as_raw()).unwrap();
    assert_ne!(copy, one);
    assert_eq!(net::cookie(copy.as_fd()), net::cookie(one.as_fd()));
    assert_eq!(process::pidfd_getfd(&pidfd, -1).unwrap_err(), Errno::EBADF);
    assert_eq!(process::pidfd_open(Pid::new(i32::MAX), PidfdFlags::empty()).unwrap_err(), Errno::ESRCH);
}

#[test]
fn a_pidfd_names_a_thread_if_it_is_asked_to() {
    in_thread(|| {
        let tid = process::gettid();
        assert!(process::pidfd_open(tid, PidfdFlags::empty()).is_err());
        match process::pidfd_open(tid, PidfdFlags::THREAD) {
            Ok(pidfd) => assert!(process::pidfd_getfd(&pidfd, 2).is_ok()),
            Err(errno) => {
                assert_eq!(errno, Errno::EINVAL);
                skip(a_pidfd_names_a_thread_if_it_is_asked_to, "this kernel has no PIDFD_THREAD");
            }
        }
    });
}

/// The next change of a child, asked for every millisecond for some seconds.
fn next_change() -> Result<(Pid, Change), Errno> {
    for _ in 0..10_000 {
        if let Some(change) = process::wait_any(WaitFlags::PENDING)? {
            return Ok(change);
        }
        ppoll(&mut [], Some(Duration::from_millis(1)))?;
    }
    Err(Errno::ETIMEDOUT)
}

/// A process that makes one of its own, in its own memory. Here the stack may be that of `start`, for this
/// one is a copy.
unsafe extern "C" fn stop_and_go(_: *mut c_void) -> i32 {
    let (pid, _pidfd, _stack) = start(CloneFlags::empty(), sleep, &());
    for (send, want) in [
        (Signal::STOP, Change::Stopped(Signal::STOP)),
        (Signal::CONT, Change::Continued),
        (Signal::KILL, Change::Killed(Signal::KILL)),
    ] {
        if process::wait_any(WaitFlags::PENDING) != Ok(None)
            || signal::kill(pid, send).is_err()
            || next_change() != Ok((pid, want))
        {
            return send.get();
        }
    }
    i32::from(process::wait_any(WaitFlags::PENDING) != Err(Errno::ECHILD))
}

#[test]
fn every_change_of_a_child_is_reported() {
    assert_eq!(end_of(CloneFlags::empty(), stop_and_go, &()), Change::Exited(0));
}

/// Dies with its maker.
unsafe extern "C" fn leaf(arg: *mut c_void) -> i32 {
    if prctl::set_pdeathsig(Signal::KILL).is_err() {
        return 1;
    }
    // SAFETY: the argument is a reference to an atomic of the maker's maker, who shares its memory and waits.
    unsafe { &*arg.cast::<AtomicI32>() }.store(process::getpid().get(), Ordering::SeqCst);
    // SAFETY: there is no contract.
    unsafe { sleep(arg) }
}

/// Makes a leaf, and ends once the leaf is ready. The leaf's stack is left to it.
unsafe extern "C" fn branch(arg: *mut c_void) -> i32 {
    // SAFETY: as in `leaf`.
    let ready = unsafe { &*arg.cast::<AtomicI32>() };
    let (_, _pidfd, stack) = start(CloneFlags::VM, leaf, ready);
    core::mem::forget(stack);
    while ready.load(Ordering::SeqCst) == 0 {
        let _ = ppoll(&mut [], Some(Duration::from_millis(1)));
    }
    7
}

unsafe extern "C" fn root(_: *mut c_void) -> i32 {
    let ready = AtomicI32::new(0);
    if prctl::set_child_subreaper().is_err() {
        return 1;
    }
    let (pid, _pidfd, _stack) = start(CloneFlags::VM, branch, &ready);
    if next_change() != Ok((pid, Change::Exited(7))) {
        return 2;
    }
    let killed = (Pid::new(ready.load(Ordering::SeqCst)), Change::Killed(Signal::KILL));
    if process::wait_any(WaitFlags::empty()) != Ok(Some(killed)) {
        return 3;
    }
    i32::from(process::wait_any(WaitFlags::empty()) != Err(Errno::ECHILD))
}

#[test]
fn an_orphan_dies_with_its_maker_and_comes_to_the_subreaper() {
    assert_eq!(end_of(CloneFlags::empty(), root, &()), Change::Exited(0));
}
