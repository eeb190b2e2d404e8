//! The observer of a run: which of the calls that a target makes are refused.
//!
//! Refusals of the filter and the supervisor are known. Decisions of the kernel are predicted: the arguments
//! are copied once, paths are walked as far as the kernel has their names in memory ([`walk`]), and the
//! plan's own decision about the place is taken. Nothing waits here, and nothing of it changes an answer.

use core::hash::{Hash as _, Hasher as _};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::hash::DefaultHasher;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sandlock_notify::{Call, Response, Verdict};
use sandlock_sys::nr::Name;
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Pid, cap, process};

use super::ask::{Question, Takes, asked_name, question, worked};
use super::decide::Mechanism;
use super::places::{NotKnown, Predictor};
use super::refusals::{Act, Moment, Refusal, Refusals, Weight};
use super::walk::{self, User};
use crate::plan::{self, Plan};
use crate::supervise::Observer;

/// How many paths wait for being walked again.
const MOST_WAITING: usize = 256;
/// How many paths are known to be granted.
const MOST_KNOWN: usize = 8192;
/// How many entries of a home are looked at beforehand.
const MOST_ENTRIES: usize = 256;
/// How many executed files are looked at for the interpreter that they name.
const MOST_PROGRAMS: usize = 256;
/// Takes the first refusal of each kind, and the file that was kept open.
type Tell<'t> = dyn FnMut(&Refusal, Option<BorrowedFd<'_>>) + 't;

/// Sees the calls of a run, and keeps what is refused.
pub struct Witness<'t> {
    predictor: Predictor,
    refusals: Refusals,
    /// Paths that were found to be granted.
    known: HashSet<u64>,
    waiting: Vec<(Question, Moment, String, Pid)>,
    programs: Vec<(PathBuf, Moment, String, Pid)>,
    file: Option<OwnedFd>,
    tell: Box<Tell<'t>>,
}

impl core::fmt::Debug for Witness<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Witness").field("refusals", &self.refusals).finish_non_exhaustive()
    }
}

impl<'t> Witness<'t> {
    /// A witness of a run of this plan, made before the run. `tell` is called with the first refusal of each
    /// kind and with `file`, which stays open, as soon as the refusal is known: it must not sleep, and is
    /// behind the supervisor's filter.
    #[must_use]
    pub fn new(
        plan: &Plan,
        file: Option<OwnedFd>,
        tell: impl FnMut(&Refusal, Option<BorrowedFd<'_>>) + 't,
    ) -> Self {
        let caps = cap::permitted().unwrap_or(0);
        let inside = plan.start.env.iter().find_map(|word| word.to_bytes().strip_prefix(b"HOME="));
        let inside = inside.map(|home| PathBuf::from(OsStr::from_bytes(home)));
        let inside = inside.filter(|home| plan.tmp.as_ref().is_some_and(|tmp| home.starts_with(tmp.path())));
        let outside = std::env::var_os("HOME").map(PathBuf::from).and_then(|home| plan::real(&home));
        if inside.is_some()
            && let Some(home) = &outside
        {
            remember(home);
            remember(&home.join(".config"));
        }
        Self {
            predictor: Predictor {
                judge: plan.judge(),
                user: User::own(caps, plan.start.keep_caps),
                homes: outside.zip(inside.and_then(|home| plan::real(&home))),
                own: process::getpid(),
            },
            refusals: Refusals::default(),
            known: HashSet::new(),
            waiting: Vec::new(),
            programs: Vec::new(),
            file,
            tell: Box::new(tell),
        }
    }

    /// The end of the run: waiting paths are decided as far as possible, and the refusals are put in order,
    /// the most likely cause of a failure first. The number is that of refusals for which there was no room;
    /// the file is the one that was kept open.
    pub fn ranked(&mut self) -> (Vec<&Refusal>, u64, Option<BorrowedFd<'_>>) {
        for waiting in core::mem::take(&mut self.waiting) {
            self.decide_late(waiting);
        }
        for (path, moment, name, pid) in core::mem::take(&mut self.programs) {
            if let Some(refusal) = self.predictor.interpreter(&path) {
                self.add(refusal, moment, name, pid);
            }
        }
        (self.refusals.ranked(), self.refusals.left_out(), self.file.as_ref().map(AsFd::as_fd))
    }

    /// A name that is answered with "no such name" because no rule has it. The search list makes more of
    /// them, which are no cause.
    fn unknown(&self, call: &Call<'_>, name: Name) -> Option<Refusal> {
        let asked = asked_name(call, name).filter(|asked| !self.predictor.judge.resolves(asked))?;
        let known = |refusal: &Refusal| {
            let rest = asked.strip_prefix(&refusal.object).unwrap_or_default();
            refusal.act == Act::Resolve && rest.starts_with('.')
        };
        let is_searched = self.refusals.iter().any(known);
        let mut refusal = Refusal::new(Act::Resolve, name, asked, Errno::ENOENT, Mechanism::Supervisor);
        refusal.because = "no rule of the network has this name".into();
        refusal.weight = if is_searched { Weight::Probe } else { Weight::Cause };
        Some(refusal)
    }

    fn add(&mut self, refusal: Refusal, moment: Moment, process: String, pid: Pid) {
        if self.refusals.add(Refusal { process, pid, ..refusal }, moment)
            && let Some(first) = self.refusals.last()
        {
            (self.tell)(first, self.file.as_ref().map(AsFd::as_fd));
        }
    }

    /// Decides about a path that could not be walked without waiting. Its call has returned by now.
    fn decide_late(&mut self, (question, moment, name, pid): (Question, Moment, String, Pid)) {
        let question = Question { again: true, ..question };
        match self.predictor.judge(&question) {
            Ok(Some(refusal)) if name.is_empty() => {
                let (name, pid) = walk::process(pid).unwrap_or_else(|| ("?".into(), pid));
                self.add(refusal, moment, name, pid);
            }
            Ok(Some(refusal)) => self.add(refusal, moment, name, pid),
            Ok(None) if self.predictor.looks_granted(&question) => self.know(key(&question)),
            _ => {}
        }
    }

    /// Notes a path that is granted, and not to be looked at again.
    fn know(&mut self, key: u64) {
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        self.known.insert(key);
    }
}

/// A number for a path and the rights that are taken.
fn key(question: &Question) -> u64 {
    let mut hasher = DefaultHasher::new();
    let flags = if let Takes::Open(flags) = question.takes { flags } else { -1 };
    (question.path.as_os_str(), flags, question.act).hash(&mut hasher);
    hasher.finish()
}

/// Looks at the entries of a directory, so that the kernel has their names in memory.
fn remember(dir: &Path) {
    let entries = dir.read_dir().into_iter().flatten().take(MOST_ENTRIES);
    entries.filter_map(Result::ok).for_each(|entry| _ = entry.path().metadata());
}

impl Observer for Witness<'_> {
    fn call(&mut self, call: &Call<'_>, verdict: &Verdict) {
        let tid = call.target().tid();
        let moment = self.refusals.moment(tid);
        // A thread that makes another call has come back from the one before.
        let is_back = |waiting: &(_, Moment, _, _)| waiting.1.thread.0 == tid;
        if let Some(waiting) = self.waiting.iter().position(is_back) {
            let waiting = self.waiting.swap_remove(waiting);
            self.decide_late(waiting);
        }
        let Some(name) = call.name() else { return };
        let (refusal, question) = match verdict {
            Verdict::Reply(Response::Errno(errno)) => (self.predictor.known(call, name, *errno), None),
            Verdict::Reply(Response::Continue(_)) => match question(call, name) {
                Some(question) => (None, Some(question)),
                None => (self.predictor.predicted(call, name), None),
            },
            Verdict::Reply(Response::Return(_) | Response::Swap { .. }) => (self.unknown(call, name), None),
            Verdict::Work => (None, worked(call, name)),
            _ => (None, None),
        };
        // A known path is granted.
        if question.as_ref().is_some_and(|question| self.known.contains(&key(question))) {
            return;
        }
        let granted = question.as_ref().filter(|question| self.predictor.looks_granted(question)).map(key);
        let judged = question.as_ref().map(|question| self.predictor.judge(question));
        if let (Some(key), Some(Ok(None))) = (granted, &judged) {
            self.know(key);
        }
        let refusal = match &judged {
            Some(Ok(refusal)) => refusal.clone(),
            _ => refusal,
        };
        let process = || walk::process(tid).unwrap_or_else(|| ("?".into(), tid));
        match (refusal, judged, question) {
            (Some(refusal), ..) => {
                let (name, pid) = process();
                self.add(refusal, moment, name, pid);
            }
            (None, Some(Err(NotKnown)), Some(question)) if self.waiting.len() < MOST_WAITING => {
                // By the time of the answer the thread may be gone, which matters if it was probably refused.
                let (name, pid) = if granted.is_some() { (String::new(), tid) } else { process() };
                self.waiting.push((question, moment, name, pid));
            }
            (None, Some(Ok(None)), Some(Question { takes: Takes::Execute, path, .. }))
                if self.programs.len() < MOST_PROGRAMS
                    && !self.programs.iter().any(|(known, ..)| *known == path) =>
            {
                let (name, pid) = process();
                self.programs.push((path, moment, name, pid));
            }
            _ => {}
        }
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }
}
