//! The launch: the guardian is cloned from the supervisor, the command from the guardian, and between clone
//! and execve only raw system calls are made, on data prepared before.
//!
//! Both clones share memory and descriptor table with their maker. So nothing is copied, whatever the size of
//! the calling program; the command reports by writing into shared memory; and the listener that its filter
//! makes is simply a descriptor of the supervisor's.

#![expect(
    unsafe_code,
    reason = "clone(2) and the descriptors around it: the one place outside sandlock-sys where memory and descriptors are shared on purpose"
)]

use core::convert::Infallible;
use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::Arc;

use sandlock_landlock::Enforced;
use sandlock_notify::Objects;
use sandlock_sys::mm::Mapping;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::prctl::{self, NoNewPrivs};
use sandlock_sys::process::{self, CStrPtr, CloneFlags, PidFd, PidfdFlags, Strings, WaitFlags};
use sandlock_sys::seccomp::{self, FilterFlags, ListenerFd};
use sandlock_sys::signal::{self, SigSet, SignalFd};
use sandlock_sys::time::{self, TimerFd};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Signal, fs, net, tty};

use crate::error::{Error, Failed, Step};
use crate::plan::{Start, Watch};
use crate::policy::Source;
use oom::Raised;

pub(crate) use channel::{End, Message};
use confine::{confine, reach};
pub(crate) use desk::{Bell, Worker, WorkerDesk};
use guardian::Means;
pub(crate) use guardian::kill_everybody;
pub(crate) use oom::raise_of;
pub(crate) use terminal::{Mode, Terminal};

mod channel;
mod confine;
mod desk;
mod guardian;
mod oom;
mod terminal;
#[cfg(test)]
pub(crate) mod tests;

/// Enough for each process that shares the supervisor's memory; the kernel fills pages when they are touched.
pub(crate) const STACK: usize = 128 << 10;
const NOBODY: i32 = -1;

/// A sandbox with a command in it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) listener: ListenerFd,
    /// From the guardian.
    pub(crate) channel: OwnedFd,
    /// The guardian's process ID: the parent of everything in the sandbox.
    pub(crate) guardian: Pid,
    /// The command's process ID.
    pub(crate) command: Pid,
    /// Whether the supervisor's own domain scopes signals.
    pub(crate) confined: Option<Enforced>,
    /// Whether the command was born with a socket, which may linger.
    pub(crate) has_socket: bool,
    /// The System V objects of the sandbox, which the guardian removes at the end.
    pub(crate) objects: Arc<Objects>,
    pidfd: PidFd,
    /// The guardian runs on these, and uses the objects, until it is reaped.
    stacks: Option<Stacks>,
}

type Stacks = (Mapping, Arc<Objects>);

impl Drop for Running {
    /// Tears the sandbox down on every path: any datagram makes the guardian kill all its processes; the
    /// guardian ends after them.
    fn drop(&mut self) {
        reap_guardian(self.channel.as_fd(), &self.pidfd, &mut self.stacks);
        // The guardian was killed, or the last object was made when it had looked already.
        self.objects.remove_all();
    }
}

/// Ends the guardian and waits for it. Where waiting is not possible, it may still run, and its stack stays.
fn reap_guardian(channel: BorrowedFd<'_>, pidfd: &PidFd, stacks: &mut Option<Stacks>) {
    let _ = net::send(channel, b"end", libc::MSG_DONTWAIT);
    // Nothing reads any more, so the guardian must not wait for a reader.
    let _ = net::shutdown(channel, libc::SHUT_RDWR);
    if process::wait_pidfd(pidfd).is_err() {
        core::mem::forget(stacks.take());
    }
}

/// What the three processes share while the launch lasts.
struct Shared<'a> {
    start: &'a Start,
    argv: Strings<'a>,
    env: Strings<'a>,
    /// `sh FILE ARG…`: for a script without `#!`.
    script: Strings<'a>,
    mode: Mode,
    /// What the command gets instead of the caller's standard descriptors.
    stdio: [Option<BorrowedFd<'a>>; 3],
    channel: BorrowedFd<'a>,
    supervisor: &'a PidFd,
    objects: &'a Objects,
    command_stack: *mut [u8],
    /// The guardian's process ID, stored by the guardian.
    guardian: AtomicI32,
    /// The number of the listener, made by the command in the table that all three share.
    listener: AtomicI32,
    /// The number of the command's pidfd, likewise made by the guardian.
    command: AtomicI32,
    /// The number of the step that the command failed at, or 0, and its errno.
    step: AtomicI32,
    errno: AtomicI32,
}

/// Starts the command, and returns its pidfd too. The calling thread is confined for good, in a domain that
/// has what the policy grants, and all its signals stay blocked: it is the supervisor's from here on.
/// `alone`: the process does nothing else. `stdio`: what the command gets instead of the caller's standard
/// descriptors, with numbers above those.
pub(crate) fn launch(
    start: &Start,
    mode: Mode,
    alone: bool,
    stdio: [Option<BorrowedFd<'_>>; 3],
) -> Result<(Running, PidFd), Error> {
    let at = |step: Step| move |errno| Error::Step(step, errno);
    signal::set_mask(SigSet::ALL).map_err(at(Step::Mask))?;
    let raised = alone.then(Raised::prepare);
    let confined = confine(start)?;
    if let Some(raised) = &raised {
        raised.raise();
    }

    let (ours, theirs) = net::socketpair(libc::SOCK_SEQPACKET).map_err(at(Step::Channel))?;
    // If these fail, it is better reported now than looked for later.
    net::send(theirs.as_fd(), b"here", 0).map_err(at(Step::Send))?;
    net::recv(ours.as_fd(), &mut [0; 4], libc::MSG_DONTWAIT).map_err(at(Step::Receive))?;
    let supervisor = process::pidfd_open(process::getpid(), PidfdFlags::empty()).map_err(at(Step::Pidfd))?;
    reach(process::getpid(), &supervisor)?;
    let mut stacks = Mapping::new(STACK.saturating_mul(2)).map_err(at(Step::Stacks))?;
    let objects = Arc::new(Objects::none());
    let (guardian_stack, command_stack) = stacks.bytes().split_at_mut(STACK);

    let argv = pointers(start.argv.iter().map(|word| word.as_c_str()));
    let env = pointers(start.env.iter().map(|word| word.as_c_str()));
    let words = start.argv.iter().skip(1).map(|word| word.as_c_str());
    let script = pointers([c"sh", start.path.as_c_str()].into_iter().chain(words));
    let strings = |pointers| Strings::new(pointers).ok_or(Error::Step(Step::Exec, Errno::EINVAL));
    let shared = Shared {
        start,
        argv: strings(&argv)?,
        env: strings(&env)?,
        script: strings(&script)?,
        mode,
        stdio,
        channel: theirs.as_fd(),
        supervisor: &supervisor,
        objects: &objects,
        command_stack,
        guardian: AtomicI32::new(NOBODY),
        listener: AtomicI32::new(NOBODY),
        command: AtomicI32::new(NOBODY),
        step: AtomicI32::new(0),
        errno: AtomicI32::new(0),
    };
    let flags = CloneFlags::VM | CloneFlags::FILES;
    let arg = (&raw const shared).cast_mut().cast::<c_void>();
    // SAFETY: the stack is the guardian's alone (`stacks` and `objects` are kept until the guardian was
    // reaped, below and in Running::drop); `guardian_entry` keeps its contract, and reads `shared` only until
    // it has sent its first message, which `first_message` waits for.
    let made = unsafe { process::clone(flags, Signal::NONE, guardian_stack, guardian_entry, arg) };
    let (guardian, pidfd) = made.map_err(at(Step::Guardian))?;
    let mut stacks = Some((stacks, Arc::clone(&objects)));
    let message = first_message(ours.as_fd(), &pidfd);
    drop(raised);
    // Not sooner: the guardian may be waiting for this processor.
    start.close_files();
    let given = |number: &AtomicI32| match number.load(SeqCst) {
        NOBODY => Err(Error::Guardian),
        // SAFETY: the command or the guardian made this descriptor in the table we shared, gave it away by
        // storing its number, and has left the table.
        number => Ok(unsafe { OwnedFd::from_raw(number) }),
    };
    let listener = given(&shared.listener).and_then(|fd| ListenerFd::check(fd).map_err(at(Step::Listener)));
    let command_fd = given(&shared.command).and_then(|fd| PidFd::check(fd).map_err(at(Step::Pidfd)));
    let made = listener.and_then(|listener| Ok((listener, command_fd?)));
    let launched = match (message, &made) {
        (Ok(Message::Launched(command)), Ok((_, fd))) => reach(command, fd).map(|()| command),
        (Ok(Message::Launched(_)), Err(error)) => Err(error.clone()),
        (Ok(Message::Failed(step, errno)), _) => Err(failure(start, step, errno)),
        (Ok(_), _) => Err(Error::Guardian),
        (Err(error), _) => Err(error),
    };
    let channel = ours;
    if launched.is_err() {
        reap_guardian(channel.as_fd(), &pidfd, &mut stacks);
    }
    let (command, (listener, command_fd)) = (launched?, made?);
    let has_socket = !start.kept_fds.is_empty() || has_socket(standard(stdio));
    let running =
        Running { listener, channel, guardian, command, confined, has_socket, objects, pidfd, stacks };
    Ok((running, command_fd))
}

/// The error for a step that failed in the guardian or the command, with the name that it is about.
fn failure(start: &Start, step: Step, errno: Errno) -> Error {
    match (step, errno) {
        (Step::Exec, Errno::ENOENT | Errno::ENOTDIR) => Error::NotFound(start.name.clone(), errno),
        (Step::Exec, _) => Error::NotExecutable(start.name.clone(), errno),
        (Step::Chdir, _) => {
            let cwd = start.cwd.as_ref().map(|(_, path)| path.clone()).unwrap_or_default();
            Error::Path(Source::Cwd, cwd, errno)
        }
        _ => Error::Step(step, errno),
    }
}

/// The standard library's descriptors as ours.
pub(crate) fn lent(files: &[Option<std::os::fd::OwnedFd>; 3]) -> [Option<BorrowedFd<'_>>; 3] {
    files.each_ref().map(|file| file.as_ref().map(|file| std::os::fd::AsFd::as_fd(file).into()))
}

/// The command's standard descriptors: the caller's, but for those that it is given.
pub(crate) fn standard<'f>([input, output, error]: [Option<BorrowedFd<'f>>; 3]) -> [BorrowedFd<'f>; 3] {
    [
        input.unwrap_or(BorrowedFd::STDIN),
        output.unwrap_or(BorrowedFd::STDOUT),
        error.unwrap_or(BorrowedFd::STDERR),
    ]
}

/// Whether one of these is a socket.
fn has_socket(files: [BorrowedFd<'_>; 3]) -> bool {
    files.into_iter().any(|file| net::option(file, libc::SOL_SOCKET, libc::SO_TYPE) != Err(Errno::ENOTSOCK))
}

/// Closes what a process has open that does nothing but supervise, but for the standard descriptors, those
/// that supervising takes, and others. What it inherited would else be an attacker's.
pub(crate) fn keep_only(running: &Running, watch: &Watch, others: Vec<BorrowedFd<'_>>) -> Result<(), Errno> {
    let mut kept = others;
    kept.extend([running.listener.as_fd(), running.channel.as_fd(), running.pidfd.as_fd()]);
    kept.extend(watch.parent.as_ref().map(AsFd::as_fd));
    kept.extend(watch.private.as_ref().map(AsFd::as_fd));
    let mut kept: Vec<u32> = kept.into_iter().map(|fd| fd.as_raw().cast_unsigned()).collect();
    kept.sort_unstable();
    // SAFETY: the caller of `run_here` has given its process away, and of its descriptors only those above
    // are used from here on.
    unsafe { close_all_but(kept.into_iter()) }
}

/// Closes all descriptors but the standard ones and these, which are in ascending order.
///
/// # Safety
///
/// Nothing in this process uses another descriptor afterwards.
unsafe fn close_all_but(kept: impl Iterator<Item = u32>) -> Result<(), Errno> {
    let mut first = 3;
    for last in kept.chain([u32::MAX]) {
        if first < last {
            // SAFETY: the caller's contract is the same.
            unsafe { process::close_range(first, last.wrapping_sub(1))? };
        }
        first = last.wrapping_add(1);
    }
    Ok(())
}

fn pointers<'a>(words: impl Iterator<Item = &'a CStr>) -> Vec<Option<&'a CStrPtr>> {
    words.map(|word| Some(CStrPtr::new(word))).chain([None]).collect()
}

/// The guardian's first word.
fn first_message(channel: BorrowedFd<'_>, guardian: &PidFd) -> Result<Message, Error> {
    let mut rows = [PollFd::new(channel, Events::IN), PollFd::new(guardian.as_fd(), Events::IN)];
    loop {
        match Message::recv(channel) {
            Ok(message) => return Ok(message),
            Err(Errno::EAGAIN) => {}
            Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(Error::Guardian),
            Err(errno) => return Err(Error::Step(Step::Receive, errno)),
        }
        let [_, ended] = rows;
        if !ended.found().is_empty() {
            return Err(Error::Guardian);
        }
        match ppoll(&mut rows, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::Step(Step::Poll, errno)),
        }
    }
}

/// # Safety
///
/// `arg` is a `Shared` that lives until the first message was received; its objects live as long as the
/// process.
unsafe extern "C" fn guardian_entry(arg: *mut c_void) -> i32 {
    // SAFETY: see above; all of it is shared references and atomics.
    let shared = unsafe { &*arg.cast_const().cast::<Shared<'_>>() };
    let (command, scope, timer) = match guard(shared, arg) {
        Ok(made) => made,
        Err((step, errno)) => {
            let _ = Message::Failed(step, errno).send(shared.channel, 0);
            return 1;
        }
    };
    let (is_timed, objects) = (timer.is_some(), shared.objects);
    let (means, children) = match settle(shared, timer, scope.as_ref()) {
        Ok(settled) => settled,
        Err((channel, step, errno)) => {
            // The command runs already, so what fails here ends it.
            let _ = Message::Failed(step, errno).send(channel, 0);
            Means::open(scope.as_ref()).end();
            return 1;
        }
    };
    if Message::Launched(command).send(guardian::CHANNEL, 0).is_err() {
        // The supervisor is gone, or would wait for this word for ever; then it sees this process end.
        means.end();
        return 1;
    }
    // From here on `shared` is gone.
    #[cfg(test)]
    tests::in_guardian();
    guardian::watch(command, is_timed, &means, &children, objects);
    0
}

/// The command's process ID, the evidence of the guardian's domain, and the timer if time is limited.
type Guarded = (Pid, Option<Enforced>, Option<TimerFd>);

/// Makes the command, and returns after its execve: CLONE_VFORK holds the maker until then.
fn guard(shared: &Shared<'_>, arg: *mut c_void) -> Result<Guarded, Failed> {
    let at = |step: Step| move |errno| (step, errno);
    // The caller may ignore SIGCHLD, and then the kernel would reap our children without a word.
    signal::set_default(Signal::CHLD).map_err(at(Step::Children))?;
    prctl::set_child_subreaper().map_err(at(Step::Orphans))?;
    let _ = prctl::set_name(c"sandlock-guard");
    let privs = prctl::set_no_new_privs().map_err(at(Step::Privileges))?;
    let scope = shared.start.rulesets.as_ref().and_then(|rulesets| rulesets.guardian.as_ref());
    let scope =
        scope.map(|scope| scope.restrict_self(&privs)).transpose().map_err(at(Step::GuardianScope))?;
    signal::kill(process::getpid(), Signal::NONE).map_err(at(Step::Kill))?;
    // Whether the kernel keeps what it has promised; the maker is outside.
    if scope.is_some() && signal::kill(process::getppid(), Signal::NONE) != Err(Errno::EPERM) {
        return Err((Step::Scope, Errno::EOPNOTSUPP));
    }
    let timer = shared.start.timeout.map(time::timer).transpose().map_err(at(Step::Timer))?;
    // A group of its own, so that a signal to the supervisor's is not its end as well; and no controlling
    // terminal for a command that has none.
    let leave =
        if shared.mode == Mode::Elsewhere { process::new_session } else { process::new_process_group };
    leave().map_err(at(Step::Session))?;
    match process::wait_any(WaitFlags::PENDING) {
        Ok(_) | Err(Errno::ECHILD) => {}
        Err(errno) => return Err((Step::Wait, errno)),
    }
    shared.guardian.store(process::getpid().get(), SeqCst);
    let flags = CloneFlags::VM | CloneFlags::FILES | CloneFlags::VFORK;
    // SAFETY: no other code uses the second half of the stacks.
    let stack = unsafe { &mut *shared.command_stack };
    // SAFETY: the stack as above; `command_entry` keeps its contract, and `arg` outlives it because this
    // thread sleeps until it has executed or ended.
    let made = unsafe { process::clone(flags, Signal::CHLD, stack, command_entry, arg) };
    let (command, pidfd) = made.map_err(at(Step::Clone))?;
    if let Some(step) = Step::from_number(shared.step.load(SeqCst)) {
        let _ = process::wait_any(WaitFlags::empty());
        return Err((step, Errno::new(shared.errno.load(SeqCst))));
    }
    shared.command.store(pidfd.into_fd().into_raw(), SeqCst);
    Ok((command, scope, timer))
}

/// Leaves the guardian with what it needs for the rest of its life, and behind a filter of its own: it opens
/// no file any more, and makes no process and no socket.
///
/// # Errors
///
/// The step that failed, and where that can be reported.
fn settle<'s, 'g>(
    shared: &Shared<'s>,
    timer: Option<TimerFd>,
    scope: Option<&'g Enforced>,
) -> Result<(Means<'g>, SignalFd), (BorrowedFd<'s>, Step, Errno)> {
    leave_table(shared, timer).map_err(|errno| (shared.channel, Step::Table, errno))?;
    let at = |step| move |errno| (guardian::CHANNEL, step, errno);
    let children = signal::signalfd(SigSet::EMPTY.with(Signal::CHLD)).map_err(at(Step::SignalFd))?;
    let means = Means::open(scope);
    let filter =
        |privs| seccomp::set_mode_filter(&shared.start.guardian_program, FilterFlags::empty(), &privs);
    prctl::set_no_new_privs().and_then(filter).map_err(at(Step::OwnFilter))?;
    Ok((means, children))
}

/// Takes the guardian out of the shared table, with nothing but the channel, the supervisor's pidfd and the
/// timer.
fn leave_table(shared: &Shared<'_>, timer: Option<TimerFd>) -> Result<(), Errno> {
    // `guardian::CHANNEL`, `SUPERVISOR` and `TIMER`.
    let timer_fd = timer.as_ref().map(AsFd::as_fd);
    set_stdio([Some(shared.channel), Some(shared.supervisor.as_fd()), timer_fd])?;
    let first = if timer.is_some() { 3 } else { 2 };
    // The supervisor's own copy of the timer stays open with the supervisor.
    core::mem::forget(timer);
    // SAFETY: the table is the guardian's own now, and the two or three that are used are below.
    unsafe { process::close_from_unshared(first) }
}

/// # Safety
///
/// `arg` is a `Shared` that lives until this has executed or ended.
unsafe extern "C" fn command_entry(arg: *mut c_void) -> i32 {
    // SAFETY: see above; all of it is shared references and atomics.
    let shared = unsafe { &*arg.cast_const().cast::<Shared<'_>>() };
    let Err((step, errno)) = become_command(shared);
    shared.errno.store(errno.get(), SeqCst);
    shared.step.store(step.number(), SeqCst);
    127
}

/// Every step, in order; it returns only if one failed, with that one.
fn become_command(shared: &Shared<'_>) -> Result<Infallible, Failed> {
    let start = shared.start;
    let at = |step: Step| move |errno| (step, errno);
    process::new_process_group().map_err(at(Step::Group))?;
    if shared.mode == Mode::Foreground {
        let terminal = shared.stdio[0].unwrap_or(BorrowedFd::STDIN);
        tty::set_foreground(terminal, process::getpid()).map_err(at(Step::Terminal))?;
    }
    die_with(Pid::new(shared.guardian.load(SeqCst))).map_err(at(Step::DeathSignal))?;
    if let Some((cwd, _)) = &start.cwd {
        fs::fchdir(cwd.as_fd()).map_err(at(Step::Chdir))?;
    }
    let privs = prctl::set_no_new_privs().map_err(at(Step::Privileges))?;
    let rulesets = start.rulesets.as_ref().ok_or((Step::Landlock, Errno::EBADF))?;
    let enforced = rulesets.command.restrict_self(&privs).map_err(at(Step::Landlock))?;
    let filtered = filter(start, privs).map_err(at(Step::Filter))?;
    shared.listener.store(filtered.into_fd().into_raw(), SeqCst);
    // The maker's handlers must not run in this process, which shares its memory; then no signal is blocked
    // any more.
    signal::reset_handlers().and_then(|()| signal::set_mask(SigSet::EMPTY)).map_err(at(Step::Signals))?;
    set_stdio(shared.stdio).map_err(at(Step::Stdio))?;
    leave_to_command(&start.kept_fds).map_err(at(Step::Close))?;
    Err((Step::Exec, execute(shared, enforced)))
}

/// Closes what the command does not get, in a table of its own.
fn leave_to_command(kept: &[(i32, OwnedFd)]) -> Result<(), Errno> {
    if kept.is_empty() {
        // SAFETY: this process uses no descriptor above the standard ones any more. The supervisor's table,
        // which has the listener, is not touched: the call unshares first.
        return unsafe { process::close_from_unshared(3) };
    }
    // SAFETY: nothing has the last number; this only unshares.
    unsafe { process::close_from_unshared(u32::MAX)? };
    for (number, file) in kept {
        // SAFETY: the number is the command's, and this process does not use it any more. It is that of no
        // duplicate: all of them were made while all the numbers were open.
        unsafe { process::dup_onto(file.as_fd(), *number)? };
    }
    // SAFETY: this process uses none of the others any more.
    unsafe { close_all_but(kept.iter().map(|(number, _)| number.cast_unsigned())) }
}

/// Puts files in the place of the standard descriptors, in a table of the calling process's own: the
/// command's, or the guardian's.
fn set_stdio(stdio: [Option<BorrowedFd<'_>>; 3]) -> Result<(), Errno> {
    if stdio.iter().all(Option::is_none) {
        return Ok(());
    }
    // SAFETY: nothing has the last number; the call only unshares.
    unsafe { process::close_from_unshared(u32::MAX)? };
    for (number, file) in (0..).zip(stdio) {
        if let Some(file) = file {
            // SAFETY: nothing in this process uses the number any more: it is the command's own, or the
            // guardian's, which prints nothing.
            unsafe { process::dup_onto(file, number)? };
        }
    }
    Ok(())
}

/// The parent may be gone before the signal is set: then it will never come.
fn die_with(parent: Pid) -> Result<(), Errno> {
    prctl::set_pdeathsig(Signal::KILL)?;
    if process::getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

fn filter(start: &Start, privs: NoNewPrivs) -> Result<ListenerFd, Errno> {
    match seccomp::set_mode_filter_listener(&start.program, FilterFlags::WAIT_KILLABLE_RECV, &privs) {
        // A kernel before 5.19.
        Err(Errno::EINVAL) => seccomp::set_mode_filter_listener(&start.program, FilterFlags::empty(), &privs),
        other => other,
    }
}

/// Takes the evidence by value: without Landlock there is no execve.
fn execute(shared: &Shared<'_>, _: Enforced) -> Errno {
    match process::execve(&shared.start.path, shared.argv, shared.env) {
        Errno::ENOEXEC => process::execve(c"/bin/sh", shared.script, shared.env),
        errno => errno,
    }
}

/// Starts a worker at this desk: its process ID, and its pidfd. The calling thread is a supervisor's, whose
/// confinement it inherits.
pub(crate) fn start_worker(desk: &WorkerDesk<'_>, stack: &mut [u8]) -> Result<(Pid, PidFd), Errno> {
    let flags = CloneFlags::VM | CloneFlags::FILES;
    let arg = core::ptr::from_ref(desk).cast_mut().cast::<c_void>();
    // SAFETY: the stack is the worker's alone, and its owner keeps it until the worker was reaped, or for
    // ever. `worker_entry` touches the desk only, which is made to be shared, and which outlives the worker
    // likewise.
    unsafe { process::clone(flags, Signal::NONE, stack, worker_entry, arg) }
}

/// # Safety
///
/// `arg` is a `WorkerDesk` that outlives this process.
unsafe extern "C" fn worker_entry(arg: *mut c_void) -> i32 {
    // SAFETY: see above; the desk is shared by turns.
    let desk = unsafe { &*arg.cast_const().cast::<WorkerDesk<'_>>() };
    let _ = prctl::set_name(c"sandlock-worker");
    if die_with(desk.supervisor).is_ok() {
        desk.serve();
    }
    0
}
