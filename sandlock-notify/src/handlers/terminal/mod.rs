//! Jobs and terminals: process groups, requests that change a terminal, and the other ends of pseudo
//! terminals.
//!
//! A process of the sandbox joins process groups of the sandbox only. The caller's terminal is changed only
//! while it is lent to the sandbox; otherwise its processes are in the background, whatever they do with
//! SIGTTOU. Requests are performed on behalf, on a duplicate: between a look and the run another thread could
//! put the caller's terminal under the number of one of the sandbox's own.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | ioctl(2), `TIOCGPTPEER` | no process: `O_NOCTTY` | the line discipline: a worker performs it |
//! | ioctl(2), changes of a terminal | no process: the foreground and the session stay the target's | output to be written: a worker performs it |

mod model;

use sandlock_sys::nr::Name;
use sandlock_sys::tty::{self, CHANGE_MAX};
use sandlock_sys::{AsFd, BorrowedFd, Errno, Pid, Result, Signal, ioctl, process, signal};

use crate::args::{IoctlArgs, SetpgidArgs};
use crate::proc::{self, Interrupt};
use crate::target::read_exact;
use crate::{Call, ContinueReason, Desk, Handler, Job, Response, Terminals, Verdict, Wait};
use model::Standing;

/// Process groups and terminals.
#[derive(Debug)]
pub struct Terminal<'t> {
    /// The process that all others of the sandbox descend from, itself outside.
    pub guardian: Pid,
    /// The terminals of the sandbox.
    pub terminals: &'t Terminals,
}

impl Handler for Terminal<'_> {
    fn handle(&mut self, call: &Call<'_>, desk: &mut Desk<'_, '_>) -> Result<Verdict> {
        if call.name() == Some(Name::setpgid) {
            return self.setpgid(call);
        }
        let args = IoctlArgs::of(call);
        let request = args.request.cast_unsigned();
        let known = tty::CHANGES.iter().find(|(known, _)| *known == request);
        let changes = known.is_some();
        if !changes && request != ioctl::TIOCGPTPEER {
            return Ok(Verdict::Pass);
        }
        let tid = call.target().tid();
        // A session that was made inside has a controlling terminal that was made inside, and groups of its
        // own.
        let is_inside = request == ioctl::TIOCSPGRP && process::session(tid)? != process::session(Pid::SELF)?;
        if changes && (is_inside || self.terminals.callers.is_none()) {
            return Ok(Verdict::Reply(Response::Continue(ContinueReason::KernelDecides)));
        }
        let Some(job) = desk.job() else { return Ok(Verdict::Defer(Wait::WORKER)) };
        let mut number = call.int(2).cast_unsigned();
        if let Some((_, Some(len))) = known {
            let mut bytes = [0; CHANGE_MAX];
            let bytes = bytes.get_mut(..*len).ok_or(Errno::EINVAL)?;
            read_exact(call.target(), args.arg, bytes)?;
            number = bytes.first_chunk().copied().map_or(0, u32::from_ne_bytes);
            job.set_path(bytes)?;
        }
        job.numbers = [request.into(), number.into(), self.guardian.get().into(), 0];
        job.file = Some(call.target().file(args.fd)?);
        Ok(job.then(if changes { change } else { open_peer }))
    }
}

impl Terminal<'_> {
    /// The registers decide, and the kernel looks up the group when it runs the call: within these
    /// microseconds a number would have to end and become that of a group outside, in the same session.
    fn setpgid(&self, call: &Call<'_>) -> Result<Verdict> {
        let SetpgidArgs { pid, group } = SetpgidArgs::of(call);
        let tid = call.target().tid();
        let pid = if pid == Pid::SELF { proc::thread_group(tid)? } else { pid };
        let is_ours = group.get() < 0
            || group == pid
            || process::process_group(tid) == Ok(group)
            || proc::descends(self.guardian, group);
        if is_ours {
            Ok(Verdict::Reply(Response::Continue(ContinueReason::RegistersOnly)))
        } else {
            Err(Errno::EPERM)
        }
    }
}

/// A worker's part: opens the other end of the pseudo terminal on the desk.
fn open_peer(job: &mut Job<'_>) -> Result<Verdict> {
    let flags: i32 = job.number(1)?;
    let master = job.file.as_ref().ok_or(Errno::EBADF)?.as_fd();
    job.context.terminals.add_pty(tty::pty_number(master)?)?;
    let fd = tty::pty_peer(master, flags & (libc::O_ACCMODE | libc::O_NONBLOCK))?;
    Ok(Verdict::Reply(Response::Fd { fd, cloexec: flags & libc::O_CLOEXEC != 0, at: None }))
}

/// A worker's part: changes the terminal on the desk for a process of the caller's session.
fn change(job: &mut Job<'_>) -> Result<Verdict> {
    let (request, number, guardian) = (job.number(0)?, job.number::<u32>(1)?, Pid::new(job.number(2)?));
    let terminal = job.file.as_ref().ok_or(Errno::EBADF)?.as_fd();
    if Some(tty::device(terminal)?) == job.context.terminals.callers {
        let group = Pid::new(number.cast_signed());
        match request {
            // Its size is the window's, which the caller sees.
            ioctl::TIOCSWINSZ => return Err(Errno::EPERM),
            ioctl::TIOCSPGRP if !proc::descends(guardian, group) => return Err(Errno::EPERM),
            _ => {}
        }
        if let Some(verdict) = wait_for_foreground(job, terminal)? {
            return Ok(verdict);
        }
    }
    let mut bytes = [0; CHANGE_MAX];
    job.copy_path(&mut bytes)?;
    tty::change(terminal, request, number, &bytes)?;
    Ok(Verdict::Reply(Response::Return(0)))
}

/// `__tty_check_change` (`drivers/tty/tty_jobctrl.c`): what a process in the background gets instead of its
/// request.
fn wait_for_foreground(job: &Job<'_>, terminal: BorrowedFd<'_>) -> Result<Option<Verdict>> {
    let tid = job.tid();
    if process::session(tid)? != process::session(Pid::SELF)? {
        // To the kernel such a process is a stranger to this terminal, which may do as it likes.
        return if job.context.terminals.is_lent(terminal) { Ok(None) } else { Err(Errno::EIO) };
    }
    let group = process::process_group(tid)?;
    let ignores = proc::does_not_hear(tid, Signal::TTOU)?;
    let is_in_front = tty::foreground(terminal) == Ok(group);
    match model::standing(job.context.terminals.is_lent(terminal), is_in_front, ignores) {
        Standing::May => Ok(None),
        Standing::MayNot => Err(Errno::EIO),
        Standing::Stops => {
            signal::kill_group(group, Signal::TTOU)?;
            Ok(Some(Verdict::Reply(match proc::interrupt(tid) {
                Some(Interrupt::Certain) => Response::Restart,
                _ => Response::Errno(Errno::EINTR),
            })))
        }
    }
}
