//! Calls that can sleep. A handler prepares a job in the loop, with copies of all that the call's pointers
//! and descriptors lead to. A worker carries the job out and answers, however long that takes, while the loop
//! goes on.

use core::ffi::CStr;
use core::ops::Range;
use core::time::Duration;

use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::handoff::Turn;
use sandlock_sys::mm::Mapping;
use sandlock_sys::seccomp::{self, ListenerFd, Notif};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, Result};

use crate::paths::{self, PATH_MAX, Start};
use crate::target::read_exact;
use crate::{Notification, Objects, Response, Target, Terminals, UserAddr, Verdict, Wait, read_cstr};

/// `XATTR_NAME_MAX`, and the NUL.
const NAME_MAX: usize = 256;
/// `XATTR_SIZE_MAX`: no value is longer.
const VALUE_MAX: usize = 1 << 16;

/// What a worker knows of its sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Context<'w> {
    /// Where it answers.
    pub listener: &'w ListenerFd,
    /// The real paths below which files may be changed and unix sockets connected to.
    pub writable: &'w [&'w [u8]],
    /// The terminals of the sandbox.
    pub terminals: &'w Terminals,
    /// Its System V objects.
    pub objects: &'w Objects,
    /// The private directory, if the sandbox has POSIX shared memory in it.
    pub private: Option<BorrowedFd<'w>>,
}

/// Carries out a job. The verdict is a reply, or defers the call.
pub(crate) type Run = fn(&mut Job<'_>) -> Result<Verdict>;

/// Which file a job is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Place {
    /// The file on the desk, which must have been opened for more than its path (not `O_PATH`).
    #[default]
    Open,
    /// The file on the desk, however it was opened.
    Pinned,
    /// The path on the desk.
    Path {
        /// The path starts at the file on the desk; else at the working directory of the target.
        from_file: bool,
        /// Whether a symbolic link at its end is followed.
        follow: bool,
    },
}

/// A call on a worker's desk: what it needs, and nothing that the target can still change.
#[derive(Debug)]
pub struct Job<'w> {
    pub(crate) context: Context<'w>,
    pub(crate) notif: Notif,
    /// A duplicate of a file of the target's; the worker closes it.
    pub(crate) file: Option<OwnedFd>,
    pub(crate) place: Place,
    /// Numbers, whose meaning is the handler's.
    pub(crate) numbers: [i64; 4],
    /// When the call was made, if it was deferred before.
    since: Option<Duration>,
    run: Option<Run>,
    deferred: Option<Wait>,
    memory: Option<Mapping>,
    value_len: usize,
}

/// The places in a job's memory: a path and its NUL, a name and its NUL, a value.
const PATH: Range<usize> = 0..PATH_MAX;
const NAME: Range<usize> = PATH.end..PATH.end + NAME_MAX;
const VALUE: Range<usize> = NAME.end..NAME.end + VALUE_MAX;

impl<'w> Job<'w> {
    /// An empty desk.
    #[must_use]
    pub fn new(context: Context<'w>) -> Self {
        Self {
            context,
            // All zero, which no notification is: cookies start at 1.
            notif: Notif::default(),
            file: None,
            place: Place::Open,
            numbers: [0; 4],
            since: None,
            run: None,
            deferred: None,
            memory: None,
            value_len: 0,
        }
    }

    /// Sets what the worker does, last of all.
    pub(crate) const fn then(&mut self, run: Run) -> Verdict {
        self.run = Some(run);
        Verdict::Work
    }

    /// Whether there is something for a worker, be it only a file to be closed.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        self.run.is_some() || self.file.is_some()
    }

    /// Puts a file here that a worker is to close.
    pub fn close(&mut self, file: OwnedFd) {
        self.file = Some(file);
    }

    /// Gives the job the notification that it answers, and the time of the call if it was deferred before.
    pub fn assign(&mut self, notification: Notification<'_>, since: Option<Duration>) {
        self.notif = notification.into_notif();
        self.since = since;
    }

    /// What the worker does, up to the answer. `None`: there is only a file to be closed.
    pub fn decide(&mut self) -> Option<Verdict> {
        let run = self.run.take()?;
        Some(match run(self) {
            Ok(Verdict::Pass | Verdict::Work) => Verdict::Reply(Response::Errno(Errno::ENOSYS)),
            Ok(verdict) => verdict,
            Err(errno) => Verdict::Reply(Response::Errno(errno)),
        })
    }

    /// The worker's part. Returns true if the call is deferred, and the loop is to [take it
    /// back](Self::take_deferred).
    pub fn carry_out(&mut self) -> bool {
        match self.decide() {
            Some(Verdict::Defer(wait)) => self.deferred = Some(wait),
            Some(Verdict::Reply(response)) => {
                Notification::new(self.context.listener, self.notif).reply(response);
            }
            _ => {}
        }
        // Last, for the target need not wait for it.
        self.file = None;
        self.deferred.is_some()
    }

    /// The call that its worker deferred, and when it was made if it was deferred before.
    pub fn take_deferred(&mut self) -> Option<(Notification<'w>, Wait, Option<Duration>)> {
        let wait = self.deferred.take()?;
        Some((Notification::new(self.context.listener, self.notif), wait, self.since))
    }

    /// Gives up what the kernel may still write to for a worker that never came back.
    pub fn abandon(&mut self) {
        core::mem::forget(self.memory.take());
        core::mem::forget(self.file.take());
    }

    /// Forgets the call before: a name that was too long has no end, and must not be this call's.
    fn clear(&mut self) {
        (self.place, self.numbers, self.value_len) = (Place::Open, [0; 4], 0);
        if let Some(memory) = &mut self.memory {
            for text in [PATH.start, NAME.start] {
                memory.bytes().get_mut(text).into_iter().for_each(|first| *first = 0);
            }
        }
    }

    fn place(&mut self, place: Range<usize>) -> Result<&mut [u8]> {
        if self.memory.is_none() {
            self.memory = Some(Mapping::new(VALUE.end)?);
        }
        let memory = self.memory.as_mut().ok_or(Errno::ENOMEM)?;
        memory.bytes().get_mut(place).ok_or(Errno::ENOMEM)
    }

    /// The file that the job is about, pinned if it is named by a path.
    pub(crate) fn pin(&self) -> Result<Option<OwnedFd>> {
        let Place::Path { from_file, follow } = self.place else {
            let file = self.file.as_ref().ok_or(Errno::EBADF)?;
            let is_path = fs::status_flags(file.as_fd())?.contains(OFlags::PATH);
            return if is_path && matches!(self.place, Place::Open) { Err(Errno::EBADF) } else { Ok(None) };
        };
        let start = match &self.file {
            Some(dir) if from_file => Start::At(dir.as_fd()),
            _ => Start::Cwd(self.tid()),
        };
        let (path, ..) = self.texts()?;
        let pinned = paths::pin(start, path, follow)?;
        // The directory was the target's if the target still waits.
        seccomp::notif_id_valid(self.context.listener, self.notif.id)?;
        Ok(Some(pinned))
    }

    /// Copies the path that the target's pointer leads to.
    pub(crate) fn read_path(&mut self, target: &dyn Target, from: UserAddr) -> Result<&CStr> {
        read_cstr(target, from, self.place(PATH)?)
    }

    /// Number `index`, as the handler has set it.
    pub(crate) fn number<T: TryFrom<i64>>(&self, index: usize) -> Result<T> {
        let number = self.numbers.get(index).and_then(|number| T::try_from(*number).ok());
        number.ok_or(Errno::EINVAL)
    }

    /// The thread ID of the target.
    pub(crate) const fn tid(&self) -> Pid {
        self.notif.pid
    }

    /// Copies the start of the bytes set as the path, which need be none.
    pub(crate) fn copy_path(&self, bytes: &mut [u8]) -> Result<()> {
        let Some(memory) = &self.memory else { return Ok(()) };
        bytes.copy_from_slice(memory.as_bytes().get(..bytes.len()).ok_or(Errno::EINVAL)?);
        Ok(())
    }

    /// Sets the path.
    pub(crate) fn set_path(&mut self, path: &[u8]) -> Result<()> {
        self.set(PATH, path)
    }

    /// Sets the name, or a second path that is no longer than a name.
    pub(crate) fn set_name(&mut self, name: &[u8]) -> Result<()> {
        self.set(NAME, name)
    }

    fn set(&mut self, place: Range<usize>, bytes: &[u8]) -> Result<()> {
        let (text, end) = self.place(place)?.split_at_mut_checked(bytes.len()).ok_or(Errno::ENAMETOOLONG)?;
        text.copy_from_slice(bytes);
        *end.first_mut().ok_or(Errno::ENAMETOOLONG)? = 0;
        Ok(())
    }

    /// Copies the name of an attribute.
    pub(crate) fn read_name(&mut self, target: &dyn Target, from: UserAddr) -> Result<()> {
        match read_cstr(target, from, self.place(NAME)?) {
            // The kernel reports this for a name that is too long, and for an empty one too.
            Err(Errno::ENAMETOOLONG) => Err(Errno::ERANGE),
            Ok(name) if name.is_empty() => Err(Errno::ERANGE),
            other => other.map(drop),
        }
    }

    /// Copies a value of this many bytes.
    pub(crate) fn read_value(&mut self, target: &dyn Target, from: UserAddr, size: u64) -> Result<()> {
        let size = usize::try_from(size).map_err(|_| Errno::E2BIG)?;
        read_exact(target, from, self.place(VALUE)?.get_mut(..size).ok_or(Errno::E2BIG)?)?;
        self.value_len = size;
        Ok(())
    }

    /// The path, the name and the value that were copied.
    pub(crate) fn texts(&self) -> Result<(&CStr, &CStr, &[u8])> {
        let Some(memory) = &self.memory else { return Ok((c"", c"", &[])) };
        let place = |place| memory.as_bytes().get(place).ok_or(Errno::ENOMEM);
        let text = |bytes| CStr::from_bytes_until_nul(bytes).map_err(|_| Errno::ENAMETOOLONG);
        let value = place(VALUE)?.get(..self.value_len).ok_or(Errno::ENOMEM)?;
        Ok((text(place(PATH)?)?, text(place(NAME)?)?, value))
    }
}

/// The workers of a supervisor.
pub trait Workers<'w> {
    /// A desk whose worker is idle.
    fn idle(&self) -> Option<Turn<'_, Job<'w>>>;
}

/// Where a handler puts a job, if it needs one.
#[derive(Default)]
pub struct Desk<'d, 'w> {
    workers: Option<&'d dyn Workers<'w>>,
    turn: Option<Turn<'d, Job<'w>>>,
}

impl<'d, 'w> Desk<'d, 'w> {
    /// A desk of one of these workers.
    #[must_use]
    pub const fn new(workers: &'d dyn Workers<'w>) -> Self {
        Self { workers: Some(workers), turn: None }
    }

    /// The job, or `None` if every worker is busy; the handler then defers its call.
    pub(crate) fn job(&mut self) -> Option<&mut Job<'w>> {
        if self.turn.is_none() {
            self.turn = self.workers?.idle();
            self.turn.as_deref_mut()?.clear();
        }
        self.turn.as_deref_mut()
    }

    /// The turn of the worker that the handler put something before.
    #[must_use]
    pub fn into_turn(self) -> Option<Turn<'d, Job<'w>>> {
        self.turn.filter(|job| job.is_needed())
    }
}
