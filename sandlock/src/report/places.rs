//! Predictions about paths: the plan's decision about the file at the end of one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sandlock_landlock::AccessFs;
use sandlock_sys::fs::{self, FileInfo, FileType, Mode, OFlags, Resolve};
use sandlock_sys::nr::Name;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Pid};

use super::ask::{Question, Takes};
use super::decide::{Decision, Judge, Mechanism, Operation};
use super::refusals::{Act, Refusal, Weight};
use super::walk::{self, Found, User, walk};

/// The kernel does not have the names of a path in memory.
pub(super) struct NotKnown;

/// The plan, the user and the homes, of which predictions are made.
#[derive(Debug)]
pub(super) struct Predictor {
    pub(super) judge: Judge,
    pub(super) user: User,
    /// The user's home and the command's, if that is a private one.
    pub(super) homes: Option<(PathBuf, PathBuf)>,
    /// This process, which all of the sandbox descends from.
    pub(super) own: Pid,
}

/// The answer to a question about a path.
impl Predictor {
    pub(super) fn judge(&self, question: &Question) -> Result<Option<Refusal>, NotKnown> {
        let Question { path, takes, .. } = question;
        match takes {
            Takes::Open(flags) => self.open(question, *flags),
            Takes::Execute => {
                let Some((real, file)) = self.there(question, true)? else { return self.closed(question) };
                if file.kind != FileType::Regular || file.mode.bits() & 0o111 == 0 {
                    return Ok(None);
                }
                let want = AccessFs::EXECUTE | AccessFs::READ_FILE;
                Ok(self.file(question, &real, want).or_else(|| self.allowed(question, &real, &file, 1)))
            }
            Takes::Truncate => {
                let Some((real, file)) = self.there(question, true)? else { return self.closed(question) };
                let refusal = self.file(question, &real, AccessFs::TRUNCATE);
                Ok(refusal.filter(|_| self.is_allowed(&file, 2)))
            }
            Takes::Make(right) => match self.look(question, path, false) {
                Found::File(..) => Ok(None),
                Found::NotKnown => Err(NotKnown),
                _ => self.parent(question, path, *right),
            },
            Takes::Remove(right) => {
                let Some((_, file)) = self.there(question, false)? else { return self.closed(question) };
                let is_dir = file.kind == FileType::Directory;
                if is_dir != right.contains(AccessFs::REMOVE_DIR) {
                    return Ok(None);
                }
                self.parent(question, path, *right)
            }
            Takes::Move(to, goes) => {
                let Some((_, file)) = self.there(question, false)? else { return self.closed(question) };
                let is_dir = file.kind == FileType::Directory;
                let (remove, make) = match file.kind {
                    FileType::Directory => (AccessFs::REMOVE_DIR, AccessFs::MAKE_DIR),
                    FileType::Symlink => (AccessFs::REMOVE_FILE, AccessFs::MAKE_SYM),
                    FileType::Socket => (AccessFs::REMOVE_FILE, AccessFs::MAKE_SOCK),
                    FileType::Fifo => (AccessFs::REMOVE_FILE, AccessFs::MAKE_FIFO),
                    _ => (AccessFs::REMOVE_FILE, AccessFs::MAKE_REG),
                };
                if is_dir && !goes {
                    return Ok(None);
                }
                let refer = if path.parent() == to.parent() { AccessFs::empty() } else { AccessFs::REFER };
                let old = if *goes { remove } else { AccessFs::empty() };
                if let Some(refusal) = self.parent(question, to, make | refer)? {
                    return Ok(Some(refusal));
                }
                self.parent(question, path, old | refer)
            }
            Takes::Change => {
                let Some((real, file)) = self.there(question, true)? else { return self.closed(question) };
                let is_own = file.uid.get() == self.user.uid || self.user.has(walk::FOWNER);
                if self.judge.may_change(&real) || !is_own || file.links == 0 {
                    return Ok(None);
                }
                let because = "mode, owner, times and attributes are changed under a write grant only";
                let refusal = self.refusal(question, &real, Errno::EACCES, Mechanism::Supervisor, because);
                Ok(Some(Refusal { place: Some(real), weight: Weight::Perhaps, ..refusal }))
            }
            Takes::Connect => {
                let Some((real, file)) = self.there(question, true)? else { return self.closed(question) };
                let decision = self.judge.decide(&Operation::File(&real, AccessFs::RESOLVE_UNIX));
                let (by, is_granted) = match decision {
                    Decision::Refused(by, _) => (by, false),
                    Decision::Granted(Mechanism::Nothing, _) => {
                        (Mechanism::Supervisor, self.judge.may_change(&real))
                    }
                    _ => return Ok(None),
                };
                if is_granted || file.kind != FileType::Socket || !self.is_allowed(&file, 2) {
                    return Ok(None);
                }
                let because = "a unix socket is connected to under a write grant only";
                let refusal = self.refusal(question, &real, Errno::EACCES, by, because);
                Ok(Some(Refusal { place: Some(real), ..refusal }))
            }
        }
    }

    /// Whether the plan grants the rights at the path as it is written. Links may lead elsewhere.
    pub(super) fn looks_granted(&self, question: &Question) -> bool {
        let rights = match question.takes {
            Takes::Open(flags) if flags & libc::O_ACCMODE == libc::O_RDONLY => AccessFs::READ_FILE,
            Takes::Open(flags) if flags & libc::O_CREAT == 0 => AccessFs::READ_FILE | AccessFs::WRITE_FILE,
            Takes::Open(_) => AccessFs::READ_FILE | AccessFs::WRITE_FILE | AccessFs::MAKE_REG,
            Takes::Execute => AccessFs::READ_FILE | AccessFs::EXECUTE,
            _ => return false,
        };
        // A file that the command's own home lacks may be in the user's.
        let is_home = self.homes.as_ref().is_some_and(|(_, inside)| question.path.starts_with(inside));
        !is_home && self.judge.is_granted(&question.path, rights)
    }

    /// Walks a path of a question.
    fn look(&self, question: &Question, path: &Path, follow: bool) -> Found {
        match walk(path, follow) {
            // The error is that of a closed directory.
            Found::NotKnown if question.again => {
                let is_closed = |top: &Path| match walk(top, true) {
                    Found::File(_, file) => file.kind == FileType::Directory && !self.user.may(&file, 1),
                    _ => false,
                };
                if path.ancestors().skip(1).any(is_closed) { Found::Closed } else { Found::Nothing }
            }
            found => found,
        }
    }

    fn open(&self, question: &Question, flags: i32) -> Result<Option<Refusal>, NotKnown> {
        let has = |flag| flags & flag == flag;
        if has(libc::O_PATH) {
            return Ok(None);
        }
        let (reads, writes) = match flags & libc::O_ACCMODE {
            libc::O_RDONLY => (true, false),
            libc::O_WRONLY => (false, true),
            _ => (true, true),
        };
        let Some((real, file)) = self.there(question, !has(libc::O_NOFOLLOW))? else {
            if !has(libc::O_CREAT) {
                return Ok(self.closed(question)?.or_else(|| self.home(question)));
            }
            let wanted = AccessFs::MAKE_REG | if writes { AccessFs::WRITE_FILE } else { AccessFs::READ_FILE };
            let question = question.with(Act::Make);
            return self.parent(&question, &question.path, wanted);
        };
        let is_dir = file.kind == FileType::Directory;
        let is_other = matches!(file.kind, FileType::Symlink | FileType::Socket);
        let is_mistaken = (is_dir && writes && !has(libc::O_TMPFILE))
            || (!is_dir && has(libc::O_DIRECTORY))
            || has(libc::O_CREAT | libc::O_EXCL);
        if is_other || is_mistaken {
            return Ok(None);
        }
        let mut wanted = AccessFs::empty();
        wanted.set(
            if is_dir { AccessFs::READ_DIR } else { AccessFs::READ_FILE },
            reads && !has(libc::O_TMPFILE),
        );
        wanted.set(AccessFs::WRITE_FILE, writes);
        // Of anything else the kernel ignores the flag.
        wanted.set(AccessFs::TRUNCATE, writes && has(libc::O_TRUNC) && file.kind == FileType::Regular);
        let act = match (writes, is_dir) {
            (true, true) => Act::Make,
            (true, false) => Act::Write,
            (false, true) => Act::List,
            (false, false) => Act::Read,
        };
        let question = question.with(act);
        let bits = if reads { 4 } else { 0 } | if writes { 2 } else { 0 };
        let refusal = self.file(&question, &real, wanted).filter(|_| self.is_allowed(&file, bits));
        Ok(refusal.or_else(|| self.allowed(&question, &real, &file, bits)))
    }

    /// The file that a path leads to, if there is one.
    fn there(&self, question: &Question, follow: bool) -> Result<Option<(PathBuf, FileInfo)>, NotKnown> {
        match self.look(question, &question.path, follow) {
            Found::File(real, file) => Ok(Some((real, file))),
            Found::NotKnown => Err(NotKnown),
            Found::Nothing | Found::Closed => Ok(None),
        }
    }

    /// A way that a capability had opened, which was given up.
    fn closed(&self, question: &Question) -> Result<Option<Refusal>, NotKnown> {
        let is_closed = matches!(self.look(question, &question.path, true), Found::Closed);
        let has_lost = self.user.has_lost(walk::DAC_OVERRIDE | walk::DAC_READ_SEARCH);
        Ok((is_closed && has_lost).then(|| {
            let because = "a directory on the way is closed to this user without capabilities";
            self.refusal(question, &question.path, Errno::EACCES, Mechanism::Capabilities, because)
        }))
    }

    /// The refusal by the permissions of a file, where a capability that was given up had allowed it.
    fn allowed(&self, question: &Question, real: &Path, file: &FileInfo, want: u16) -> Option<Refusal> {
        let caps = if want == 4 { walk::DAC_OVERRIDE | walk::DAC_READ_SEARCH } else { walk::DAC_OVERRIDE };
        if self.user.may(file, want) || !self.user.has_lost(caps) {
            return None;
        }
        let because = "the file's permissions, without the capabilities that were given up";
        Some(self.refusal(question, real, Errno::EACCES, Mechanism::Capabilities, because))
    }

    /// Whether the user may do this with a file outside.
    fn is_allowed(&self, file: &FileInfo, want: u16) -> bool {
        let caps = if want == 4 { walk::DAC_OVERRIDE | walk::DAC_READ_SEARCH } else { walk::DAC_OVERRIDE };
        self.user.may(file, want) || self.user.has(caps)
    }

    /// Landlock's decision about a file.
    fn file(&self, question: &Question, real: &Path, wanted: AccessFs) -> Option<Refusal> {
        let Decision::Refused(by, errno) = self.judge.decide(&Operation::File(real, wanted)) else {
            return None;
        };
        let refusal = self.refusal(question, real, errno, by, "no grant covers it");
        Some(Refusal { place: Some(real.to_owned()), ..refusal })
    }

    /// Landlock's decision about the directory that a name is in.
    fn parent(&self, question: &Question, path: &Path, right: AccessFs) -> Result<Option<Refusal>, NotKnown> {
        let name = path.file_name();
        let (Some(parent), Some(name)) = (path.parent(), name) else { return Ok(None) };
        let (real, file) = match self.look(question, parent, true) {
            Found::File(real, file) if file.kind == FileType::Directory => (real, file),
            Found::NotKnown => return Err(NotKnown),
            _ => return self.closed(question),
        };
        let Decision::Refused(by, errno) = self.judge.decide(&Operation::File(&real, right)) else {
            return Ok(self.allowed(question, &real, &file, 3));
        };
        // A move that lacks only the right to move between directories fails as between file systems.
        let rest = right.difference(AccessFs::REFER);
        let is_moved = !matches!(self.judge.decide(&Operation::File(&real, rest)), Decision::Refused(..));
        let errno = if is_moved { Errno::EXDEV } else { errno };
        if !self.is_allowed(&file, 3) {
            return Ok(None);
        }
        let refusal = self.refusal(question, &real.join(name), errno, by, "no grant covers its directory");
        Ok(Some(Refusal { place: Some(real), ..refusal }))
    }

    /// A file that the user's home has, and the command's own has not.
    fn home(&self, question: &Question) -> Option<Refusal> {
        let (outside, inside) = self.homes.as_ref()?;
        let place = outside.join(question.path.strip_prefix(inside).ok()?);
        let Found::File(real, file) = walk(&place, true) else { return None };
        if real == *outside || file.kind == FileType::Directory || !self.is_allowed(&file, 4) {
            return None;
        }
        let question = question.with(Act::Home);
        let because = "the command's home is its own, and has no such file";
        let refusal = self.refusal(&question, &real, Errno::ENOENT, Mechanism::NotAsked, because);
        Some(Refusal { place: Some(real), weight: Weight::Perhaps, ..refusal })
    }

    fn refusal(
        &self,
        question: &Question,
        object: &Path,
        errno: Errno,
        by: Mechanism,
        because: &str,
    ) -> Refusal {
        let object = object.to_string_lossy().into_owned();
        let mut refusal = Refusal::new(question.act, question.call, object, errno, by);
        because.clone_into(&mut refusal.because);
        refusal.is_certain = false;
        refusal
    }

    /// The interpreter of a script, which the kernel executes in its place.
    pub(super) fn interpreter(&self, script: &Path) -> Option<Refusal> {
        let text = std::ffi::CString::new(script.as_os_str().as_bytes()).ok()?;
        let (flags, resolve) = (OFlags::NONBLOCK, Resolve::CACHED | Resolve::NO_MAGICLINKS);
        let file = fs::openat2(BorrowedFd::CWD, &text, flags, Mode::empty(), resolve).ok()?;
        if fs::info_with(file.as_fd(), libc::AT_STATX_DONT_SYNC).ok()?.kind != FileType::Regular {
            return None;
        }
        let mut buffer = [0; 256];
        let len = fs::read(file.as_fd(), &mut buffer).ok()?;
        let line = buffer.get(..len)?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        let path = PathBuf::from(OsStr::from_bytes(words.next()?));
        let question =
            Question { act: Act::Execute, call: Name::execve, path, takes: Takes::Execute, again: true };
        let refusal = self.judge(&question).ok()??;
        Some(Refusal { because: format!("it is the interpreter of {}", script.display()), ..refusal })
    }
}
