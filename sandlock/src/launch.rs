//! The launch: the guardian is cloned from the supervisor, the command from the guardian, and between clone and execve only raw system
//! calls are made, on data prepared before.
//!
//! Both clones share memory and descriptor table with their maker. So nothing is copied, whatever the size of the calling program; the
//! command reports by writing into shared memory; and the listener that its filter makes is simply a descriptor of the supervisor's.

#![expect(
    unsafe_code,
    reason = "clone(2) and the descriptors around it: the one place outside sandlock-sys where memory and descriptors are shared on purpose"
)]

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use sandlock_landlock::Enforced;
use sandlock_sys::mm::Mapping;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::prctl::{self, NoNewPrivs};
use sandlock_sys::process::{self, CStrPtr, CloneFlags, PidFd, Strings};
use sandlock_sys::seccomp::{self, FilterFlags, ListenerFd};
use sandlock_sys::signal::{self, SigSet};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, cap, fs, net, tty};

use crate::channel::Message;
use crate::error::{Error, Step};
use crate::guardian;
use crate::plan::Plan;
use crate::terminal::Mode;

/// Enough for each of the two; the kernel fills pages when they are touched.
const STACK: usize = 128 << 10;
const NOBODY: i32 = -1;

/// A sandbox with a command in it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) listener: ListenerFd,
    /// From the guardian.
    pub(crate) channel: OwnedFd,
    /// The guardian's process ID: the parent of everything in the sandbox.
    pub(crate) guardian: i32,
    /// The command's process ID.
    pub(crate) command: i32,
    /// Whether the supervisor's own domain scopes signals.
    pub(crate) confined: Option<Enforced>,
    pidfd: PidFd,
    /// The guardian runs on these until it is reaped.
    _stacks: Mapping,
}

impl Drop for Running {
    /// Whatever happened, nobody is left: any word to the guardian means the end, and it goes last.
    fn drop(&mut self) {
        let _ = net::send(self.channel.as_fd(), b"end", libc::MSG_DONTWAIT);
        // Nobody reads any more, so nothing may wait for a reader.
        let _ = net::shutdown(self.channel.as_fd());
        let _ = process::wait_pidfd(&self.pidfd);
    }
}

/// What the three processes share while the launch lasts.
struct Shared<'a> {
    plan: &'a Plan,
    argv: Strings<'a>,
    env: Strings<'a>,
    /// `sh FILE ARG…`: for a script without `#!`.
    script: Strings<'a>,
    mode: Mode,
    channel: BorrowedFd<'a>,
    supervisor: &'a PidFd,
    command_stack: *mut [u8],
    /// The guardian's process ID, told by itself.
    guardian: AtomicI32,
    /// The number of the listener, made by the command in the table that all three share.
    listener: AtomicI32,
    step: AtomicU32,
    errno: AtomicI32,
}

impl Shared<'_> {
    /// Notes why the launch failed; the first reason counts.
    fn fail(&self, step: Step, errno: Errno) {
        if self.step.compare_exchange(0, step.number(), SeqCst, SeqCst).is_ok() {
            self.errno.store(errno.get(), SeqCst);
        }
    }

    fn failure(&self) -> Option<(u32, Errno)> {
        match self.step.load(SeqCst) {
            0 => None,
            step => Some((step, Errno::new(self.errno.load(SeqCst)))),
        }
    }
}

/// Starts the command. The calling thread is confined for good, in the same domain as the sandbox but for files, and all its signals
/// stay blocked: it is the supervisor's from here on.
pub(crate) fn launch(plan: &Plan, mode: Mode) -> Result<Running, Error> {
    let prepare = |errno| Error::Step(Step::Prepare, errno);
    signal::set_mask(SigSet::ALL).map_err(prepare)?;
    let confined = confine(plan).map_err(|errno| Error::Step(Step::Confine, errno))?;

    let (ours, theirs) = net::socketpair(libc::SOCK_SEQPACKET).map_err(prepare)?;
    let supervisor = process::pidfd_open(process::getpid(), false).map_err(prepare)?;
    let mut stacks = Mapping::new(STACK.saturating_mul(2)).map_err(prepare)?;
    let (guardian_stack, command_stack) = stacks.bytes().split_at_mut(STACK);

    let argv = pointers(plan.argv.iter().map(|word| word.as_c_str()));
    let env = pointers(plan.env.iter().map(|word| word.as_c_str()));
    let words = plan.argv.iter().skip(1).map(|word| word.as_c_str());
    let script = pointers([c"sh", plan.path.as_c_str()].into_iter().chain(words));
    let strings = |pointers| Strings::new(pointers).ok_or(prepare(Errno::EINVAL));
    let shared = Shared {
        plan,
        argv: strings(&argv)?,
        env: strings(&env)?,
        script: strings(&script)?,
        mode,
        channel: theirs.as_fd(),
        supervisor: &supervisor,
        command_stack,
        guardian: AtomicI32::new(NOBODY),
        listener: AtomicI32::new(NOBODY),
        step: AtomicU32::new(0),
        errno: AtomicI32::new(0),
    };
    let flags = CloneFlags::VM | CloneFlags::FILES | CloneFlags::PIDFD;
    let arg = (&raw const shared).cast_mut().cast::<c_void>();
    // SAFETY: the stack is the guardian's alone (`stacks` is kept until the guardian was reaped, below and in Running::drop);
    // `guardian_entry` keeps its contract, and reads `shared` only until it has sent its first message, which `first_message` waits for.
    let made = unsafe { process::clone(flags, 0, guardian_stack, guardian_entry, arg) };
    let (guardian, pidfd) = match made {
        Ok((pid, Some(pidfd))) => (pid, pidfd),
        Ok((_, None)) => return Err(Error::Step(Step::Guard, Errno::EIO)),
        Err(errno) => return Err(Error::Step(Step::Guard, errno)),
    };
    let message = first_message(ours.as_fd(), &pidfd);
    // Not sooner: the guardian may be waiting for this processor.
    plan.close_places();
    let listener = match shared.listener.load(SeqCst) {
        NOBODY => Err(Errno::ENODEV),
        // SAFETY: the command made this descriptor in the table we shared, gave it away by storing its number, and has left the table.
        number => ListenerFd::check(unsafe { OwnedFd::from_raw(number) }),
    };
    let failure = match (message, listener) {
        (Some(Message::Launched(command)), Ok(listener)) => {
            let _ = seccomp::sync_wake_up(&listener);
            return Ok(Running {
                listener,
                channel: ours,
                guardian,
                command,
                confined,
                pidfd,
                _stacks: stacks,
            });
        }
        (Some(Message::Failed(step, errno)), _) => {
            Error::Step(Step::from_number(step).unwrap_or(Step::Clone), errno)
        }
        (Some(Message::Launched(_)), Err(errno)) => Error::Step(Step::Filter, errno),
        _ => Error::Guardian,
    };
    let _ = net::send(ours.as_fd(), b"end", libc::MSG_DONTWAIT);
    let _ = process::wait_pidfd(&pidfd);
    Err(match failure {
        Error::Step(Step::Exec, errno @ (Errno::ENOENT | Errno::ENOTDIR)) => {
            Error::NotFound(plan.name.clone(), errno)
        }
        Error::Step(Step::Exec, errno) => Error::NotExecutable(plan.name.clone(), errno),
        Error::Step(Step::Chdir, errno) => {
            let cwd = plan.cwd.as_deref().unwrap_or_default();
            Error::Path("--cwd", OsStr::from_bytes(cwd.to_bytes()).into(), errno)
        }
        other => other,
    })
}

/// What the supervisor gives up: capabilities, and in Landlock's eyes ports, abstract sockets and signals that the command has no right to.
fn confine(plan: &Plan) -> Result<Option<Enforced>, Errno> {
    let privs = prctl::set_no_new_privs()?;
    let enforced = plan.own.as_ref().map(|own| own.restrict_self(&privs)).transpose()?;
    if !plan.keep_caps {
        cap::drop_all()?;
    }
    // Without the signal scope it is no evidence for what the guardian wants it for.
    Ok(enforced.filter(|_| plan.cage.is_some()))
}

fn pointers<'a>(words: impl Iterator<Item = &'a core::ffi::CStr>) -> Vec<Option<&'a CStrPtr>> {
    words.map(|word| Some(CStrPtr::new(word))).chain([None]).collect()
}

/// The guardian's first word, or `None` if it died without one.
fn first_message(channel: BorrowedFd<'_>, guardian: &PidFd) -> Option<Message> {
    let mut rows = [PollFd::new(channel, Events::IN), PollFd::new(guardian.as_fd(), Events::IN)];
    loop {
        match Message::recv(channel) {
            Ok(message) => return Some(message),
            Err(Errno::EAGAIN) => {}
            Err(_) => return None,
        }
        let [_, ended] = rows;
        if !ended.found().is_empty() {
            return None;
        }
        match ppoll(&mut rows, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}

/// # Safety
///
/// `arg` is a `Shared` that lives until the first message was received.
unsafe extern "C" fn guardian_entry(arg: *mut c_void) -> i32 {
    // SAFETY: see above; all of it is shared references and atomics.
    let shared = unsafe { &*arg.cast_const().cast::<Shared<'_>>() };
    let channel = shared.channel;
    let (command, cage) = match guard(shared, arg) {
        Ok(made) => made,
        Err((step, errno)) => {
            let _ = Message::Failed(step, errno).send(channel, 0);
            return 1;
        }
    };
    if leave_table(channel, shared.supervisor.as_fd()).is_err() {
        // It cannot even tell; the command dies with its parent.
        return 1;
    }
    let _ = Message::Launched(command).send(guardian::CHANNEL, 0);
    // From here on `shared` is gone.
    guardian::watch(command, cage.as_ref());
    0
}

/// Makes the command, and returns after its execve: CLONE_VFORK holds the maker until then.
fn guard(shared: &Shared<'_>, arg: *mut c_void) -> Result<(i32, Option<Enforced>), (u32, Errno)> {
    let at = |step: Step| move |errno| (step.number(), errno);
    // The caller may ignore SIGCHLD, and then the kernel would reap our children without a word.
    signal::set_default(libc::SIGCHLD).map_err(at(Step::Guard))?;
    prctl::set_child_subreaper().map_err(at(Step::Guard))?;
    prctl::set_name(c"sandlock-guard").map_err(at(Step::Guard))?;
    let privs = prctl::set_no_new_privs().map_err(at(Step::Guard))?;
    let cage = match &shared.plan.cage {
        Some(cage) => Some(cage.restrict_self(&privs).map_err(at(Step::Guard))?),
        None => None,
    };
    shared.guardian.store(process::getpid(), SeqCst);
    let flags = CloneFlags::VM | CloneFlags::FILES | CloneFlags::VFORK;
    // SAFETY: the second half of the stacks is nobody else's.
    let stack = unsafe { &mut *shared.command_stack };
    // SAFETY: the stack as above; `command_entry` keeps its contract, and `arg` outlives it because this thread sleeps until it has
    // executed or ended.
    let made = unsafe { process::clone(flags, libc::SIGCHLD, stack, command_entry, arg) };
    let (command, _) = made.map_err(at(Step::Clone))?;
    // A group of its own, so that a signal to the supervisor's group is not its end as well; not sooner, for the command may belong to that
    // group. And then a session of its own: whether Ctrl-Z stops a group depends on whose parent is elsewhere in the session.
    let leave = if shared.mode == Mode::Shared { process::new_session } else { process::new_process_group };
    leave().map_err(at(Step::Guard))?;
    match shared.failure() {
        None => Ok((command, cage)),
        Some(failure) => {
            let _ = process::wait_any(true);
            Err(failure)
        }
    }
}

/// Takes the guardian out of the shared table, with nothing but the channel and the supervisor's pidfd.
fn leave_table(channel: BorrowedFd<'_>, supervisor: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: from the last possible number on there is nothing to close; this only unshares.
    unsafe { process::close_from_unshared(u32::MAX)? };
    // SAFETY: the table is the guardian's own now, and nothing in it uses the standard descriptors.
    unsafe { process::dup_onto(channel, guardian::CHANNEL.as_raw())? };
    // SAFETY: as above.
    unsafe { process::dup_onto(supervisor, guardian::SUPERVISOR.as_raw())? };
    // SAFETY: as above; the two that are used are below.
    unsafe { process::close_from_unshared(2) }
}

/// # Safety
///
/// `arg` is a `Shared` that lives until this has executed or ended.
unsafe extern "C" fn command_entry(arg: *mut c_void) -> i32 {
    // SAFETY: see above; all of it is shared references and atomics.
    let shared = unsafe { &*arg.cast_const().cast::<Shared<'_>>() };
    let (step, errno) = become_command(shared);
    shared.fail(step, errno);
    127
}

/// Every step, in order; it returns only to say which failed.
fn become_command(shared: &Shared<'_>) -> (Step, Errno) {
    let plan = shared.plan;
    if let Err(errno) = take_terminal(shared.mode) {
        return (Step::Group, errno);
    }
    if let Err(errno) = die_with(shared.guardian.load(SeqCst)) {
        return (Step::DeathSignal, errno);
    }
    if let Some(cwd) = &plan.cwd
        && let Err(errno) = fs::chdir(cwd)
    {
        return (Step::Chdir, errno);
    }
    let privs = match prctl::set_no_new_privs() {
        Ok(privs) => privs,
        Err(errno) => return (Step::Landlock, errno),
    };
    let enforced = match plan.ruleset.as_ref().map(|ruleset| ruleset.restrict_self(&privs)) {
        Some(Ok(enforced)) => enforced,
        Some(Err(errno)) => return (Step::Landlock, errno),
        None => return (Step::Landlock, Errno::EBADF),
    };
    let filtered = match filter(plan, privs) {
        Ok(listener) => listener,
        Err(errno) => return (Step::Filter, errno),
    };
    shared.listener.store(filtered.into_fd().into_raw(), SeqCst);
    // The maker's handlers must not run in this process, which shares its memory; then no signal is blocked any more.
    if let Err(errno) = signal::reset_handlers().and_then(|()| signal::set_mask(SigSet::EMPTY)) {
        return (Step::Close, errno);
    }
    // SAFETY: the command keeps the standard descriptors and nothing else; this process uses none above any more. The supervisor's
    // table, which has the listener, is not touched: the call unshares first.
    if let Err(errno) = unsafe { process::close_from_unshared(3) } {
        return (Step::Close, errno);
    }
    (Step::Exec, execute(shared, enforced))
}

fn take_terminal(mode: Mode) -> Result<(), Errno> {
    match mode {
        Mode::Shared => Ok(()),
        Mode::None => process::new_process_group(),
        Mode::Foreground => {
            process::new_process_group()?;
            tty::set_foreground(BorrowedFd::STDIN, process::getpid())
        }
    }
}

/// The parent may be gone before the signal is set: then it will never come.
fn die_with(parent: i32) -> Result<(), Errno> {
    prctl::set_pdeathsig(libc::SIGKILL)?;
    if process::getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

fn filter(plan: &Plan, privs: NoNewPrivs) -> Result<ListenerFd, Errno> {
    match seccomp::set_mode_filter_listener(&plan.program, FilterFlags::WAIT_KILLABLE_RECV, &privs) {
        // A kernel before 5.19.
        Err(Errno::EINVAL) => seccomp::set_mode_filter_listener(&plan.program, FilterFlags::empty(), &privs),
        other => other,
    }
}

/// Takes the evidence by value: without Landlock there is no execve.
fn execute(shared: &Shared<'_>, _: Enforced) -> Errno {
    match process::execve(&shared.plan.path, shared.argv, shared.env) {
        Errno::ENOEXEC => process::execve(c"/bin/sh", shared.script, shared.env),
        errno => errno,
    }
}
