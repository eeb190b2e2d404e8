//! POSIX shared memory and semaphores: files directly below `/dev/shm`, of which each sandbox has its own.
//!
//! A call with such a path is performed on behalf in the private directory, from the one copy of the path.
//! Any other path is left to the kernel. Landlock, which judges it then, grants nothing below `/dev/shm`: to
//! exchange the path after the look gains nothing.
//!
//! The target can put any file into the private directory itself. So no link is followed, nothing waits for a
//! FIFO, and only regular files are handed over.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | open(2), link(2), unlink(2) | the supervisor's user, which is the target's | the file system: a worker performs them |

use core::ffi::CStr;

use sandlock_sys::fs::{self, FileType, Mode, OFlags, Resolve, UnlinkFlags};
use sandlock_sys::nr::Name;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Result};

use crate::work::Run;
use crate::{Call, ContinueReason, Desk, Handler, Job, Response, Verdict, Wait};

/// Where libc has shared memory and semaphores.
const SHM: &[u8] = b"/dev/shm/";
/// How the name of such a file begins in the private directory.
const PREFIX: &[u8] = b".shm-";
/// Room for the longest path, and its NUL.
const ROOM: usize = SHM.len() + 256;

/// The flags of an open that are passed on.
const PASSED_ON: i32 = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC;

/// Files below `/dev/shm`. It has no state.
#[derive(Debug)]
pub struct PosixShm;

impl Handler for PosixShm {
    fn handle(&mut self, call: &Call<'_>, desk: &mut Desk<'_, '_>) -> Result<Verdict> {
        // The registers of the path, of the second path, and of the flags; the mode follows those.
        let (first, second, flags, run): (_, _, usize, Run) = match call.name() {
            Some(Name::open) => (0, None, 1, open),
            Some(Name::openat) => (1, None, 2, open),
            Some(Name::unlink) => (0, None, 1, unlink),
            Some(Name::unlinkat) => (1, None, 2, unlink),
            Some(Name::link) => (0, Some(1), 2, link),
            Some(Name::linkat) => (1, Some(3), 4, link),
            _ => return Err(Errno::ENOSYS),
        };
        let mut buffers = [[0; ROOM]; 2];
        let [old, new] = &mut buffers;
        let (Some(old), Some(new)) =
            (name(call, first, old), second.map_or(Some(c""), |second| name(call, second, new)))
        else {
            return Ok(Verdict::Reply(Response::Continue(ContinueReason::KernelDecides)));
        };
        let Some(job) = desk.job() else { return Ok(Verdict::Defer(Wait::WORKER)) };
        job.set_path(old.to_bytes())?;
        job.set_name(new.to_bytes())?;
        let mode = call.int(flags.saturating_add(1)) & 0o777;
        job.numbers = [call.int(flags).into(), mode.into(), 0, 0];
        Ok(job.then(run))
    }
}

/// The private name of the path that a register points to. Memory that cannot be read has none: the kernel
/// refuses it.
fn name<'b>(call: &Call<'_>, register: usize, buffer: &'b mut [u8; ROOM]) -> Option<&'b CStr> {
    call.target().read(call.addr(register), buffer).ok()?;
    private_name(buffer)
}

fn open(job: &mut Job<'_>) -> Result<Verdict> {
    let (dir, path, _) = place(job)?;
    let asked = OFlags::from_bits_retain(job.number(0)?);
    // Group and others do not reach into the private directory, so the supervisor's umask is as good.
    let mode = if asked.contains(OFlags::CREAT) { job.number(1)? } else { 0 };
    let flags = OFlags::from_bits_retain(asked.bits() & PASSED_ON) | OFlags::NONBLOCK;
    let fd = fs::openat2(dir, path, flags, Mode::from_bits_retain(mode), Resolve::NO_SYMLINKS)?;
    if fs::info(fd.as_fd())?.kind != FileType::Regular {
        return Err(Errno::EACCES);
    }
    fs::set_nonblocking(fd.as_fd(), asked.contains(OFlags::NONBLOCK))?;
    Ok(Verdict::Reply(Response::Fd { fd, cloexec: asked.contains(OFlags::CLOEXEC), at: None }))
}

fn link(job: &mut Job<'_>) -> Result<Verdict> {
    let (dir, old, new) = place(job)?;
    fs::linkat(dir, old, dir, new).map(|()| Verdict::Reply(Response::Return(0)))
}

fn unlink(job: &mut Job<'_>) -> Result<Verdict> {
    let (dir, path, _) = place(job)?;
    fs::unlinkat(dir, path, UnlinkFlags::empty()).map(|()| Verdict::Reply(Response::Return(0)))
}

/// The private directory, and the names in it.
fn place<'j>(job: &'j Job<'_>) -> Result<(BorrowedFd<'j>, &'j CStr, &'j CStr)> {
    let (old, new, _) = job.texts()?;
    Ok((job.context.private.ok_or(Errno::EACCES)?, old, new))
}

/// The name, written over the path. `None`: the path does not lead to an entry of `/dev/shm`, or it is longer
/// than a name can be.
fn private_name(path: &mut [u8; ROOM]) -> Option<&CStr> {
    let name = CStr::from_bytes_until_nul(path.strip_prefix(SHM)?).ok()?.to_bytes();
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return None;
    }
    let (_, text) = path.split_at_mut_checked(SHM.len().checked_sub(PREFIX.len())?)?;
    text.get_mut(..PREFIX.len())?.copy_from_slice(PREFIX);
    CStr::from_bytes_until_nul(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn only_entries_of_dev_shm_have_a_private_name() {
        let longest = "x".repeat(255);
        for (path, want) in [
            ("/dev/shm/x", Some(".shm-x")),
            ("/dev/shm/sem.x", Some(".shm-sem.x")),
            ("/dev/shm/...", Some(".shm-...")),
            ("/dev/shm/ ", Some(".shm- ")),
            (&format!("/dev/shm/{longest}"), Some(&*format!(".shm-{longest}"))),
            ("/dev/shm/", None),
            ("/dev/shm", None),
            ("/dev/shm/.", None),
            ("/dev/shm/..", None),
            ("/dev/shm//x", None),
            ("/dev/shm/a/b", None),
            ("/dev/shm/../x", None),
            ("//dev/shm/x", None),
            ("dev/shm/x", None),
            ("/dev/shmx", None),
            (&format!("/dev/shm/{longest}x"), None),
            ("", None),
        ] {
            let mut buffer = [0; ROOM];
            let len = path.len().min(ROOM);
            buffer[..len].copy_from_slice(&path.as_bytes()[..len]);
            let got = private_name(&mut buffer).map(|name| name.to_str().unwrap());
            assert_eq!(got, want, "{path}");
        }
        assert_eq!(private_name(&mut [b'/'; ROOM]), None);
    }
}
