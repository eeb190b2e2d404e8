//! Mode, owner, times and extended attributes: Landlock sees none of them in any version, so read-only would
//! not mean read-only.
//!
//! Performed on behalf, on the pinned file, if its real path lies under a write grant; refused otherwise. A
//! file without a name any more (a temporary one, a memfd), a pipe and a socket are the sandbox's own
//! business.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | chmod(2), chown(2), utimensat(2), setxattr(2), removexattr(2) and their like | no process | the lock of the inode, the file system (FUSE, NFS), in the walk too: a worker performs them |

mod model;

use sandlock_sys::fs::{self, FileType, Mode};
use sandlock_sys::time::Timespec;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Gid, OwnedFd, Result, Uid};

use crate::paths::{self, PATH_MAX};
use crate::target::read_exact;
use crate::work::{Place, Run};
use crate::{Call, Desk, Handler, Job, Response, Target, UserAddr, Verdict, Wait, proc};
use model::{Change, File};

/// `UTIME_OMIT` of `linux/stat.h`, in place of nanoseconds.
const UTIME_OMIT: i64 = (1 << 30) - 2;

/// Changes of files. It has no state.
#[derive(Debug)]
pub struct Metadata;

impl Handler for Metadata {
    fn handle(&mut self, call: &Call<'_>, desk: &mut Desk<'_, '_>) -> Result<Verdict> {
        let (file, change) = call.name().and_then(model::find).ok_or(Errno::ENOSYS)?;
        let Some(job) = desk.job() else { return Ok(Verdict::Defer(Wait::WORKER)) };
        // In the kernel's order: the value, the name, then the file.
        let first = if matches!(file, File::At(_)) { 2 } else { 1 };
        let Some(run) = read_change(call, change, first, job)? else { return done(Ok(())) };
        read_place(call, file, change, job)?;
        Ok(job.then(run))
    }
}

/// Copies what a file is to be changed to, from the register `first` on. `None`: nothing is changed, whatever
/// the file is.
fn read_change(call: &Call<'_>, change: Change, first: usize, job: &mut Job<'_>) -> Result<Option<Run>> {
    let (target, from, second) = (call.target(), call.addr(first), first.saturating_add(1));
    let unsigned = |register| call.int(register).cast_unsigned();
    let run: Run = match change {
        Change::Mode => {
            job.numbers = [i64::from(unsigned(first) & 0o7777), 0, 0, 0];
            set_mode
        }
        Change::Owner | Change::OwnerOld => {
            let short = call.has_narrow_longs() && matches!(change, Change::OwnerOld);
            let id = |register| if short { model::long_id(unsigned(register)) } else { unsigned(register) };
            job.numbers = [i64::from(id(first)), i64::from(id(second)), 0, 0];
            set_owner
        }
        Change::TimesWhole | Change::TimesMicro | Change::Times | Change::TimesWide if from.is_null() => {
            set_times_to_now
        }
        Change::TimesWhole | Change::TimesMicro | Change::Times | Change::TimesWide => {
            job.numbers = times(target, from, change, call.has_narrow_longs())?;
            if let [_, UTIME_OMIT, _, UTIME_OMIT] = job.numbers {
                return Ok(None);
            }
            set_times
        }
        Change::SetAttribute => {
            let flags = call.int(first.saturating_add(3));
            if flags & !(libc::XATTR_CREATE | libc::XATTR_REPLACE) != 0 {
                return Err(Errno::EINVAL);
            }
            job.read_name(target, from)?;
            job.read_value(target, call.addr(second), call.register(first.saturating_add(2)))?;
            job.numbers = [flags.into(), 0, 0, 0];
            set_attribute
        }
        Change::RemoveAttribute => {
            job.read_name(target, from)?;
            remove_attribute
        }
    };
    Ok(Some(run))
}

/// Copies the file's path, or duplicates its descriptor, which comes last: a file that is on a desk is closed
/// by its worker.
fn read_place(call: &Call<'_>, file: File, change: Change, job: &mut Job<'_>) -> Result<()> {
    let target = call.target();
    let (dir, at, follow, may_be_empty) = match file {
        File::Descriptor => return read_file(target, call.int(0), job, Place::Open),
        File::Path(follow) => (libc::AT_FDCWD, 0, follow, false),
        File::At(flags) => {
            let flags = flags.map_or(0, |register| call.int(register));
            let (follow, may_be_empty) = model::flags(flags).ok_or(Errno::EINVAL)?;
            (call.int(0), 1, follow, may_be_empty)
        }
    };
    // utimensat and futimesat take a null path for "the descriptor itself".
    let may_be_null = matches!(change, Change::Times | Change::TimesWide | Change::TimesMicro);
    if call.addr(at).is_null() && may_be_null && at == 1 && dir != libc::AT_FDCWD {
        return read_file(target, dir, job, Place::Open);
    }
    let path = job.read_path(target, call.addr(at))?;
    let (is_empty, is_absolute) = (path.is_empty(), path.to_bytes().starts_with(b"/"));
    if is_empty && !may_be_empty {
        return Err(Errno::ENOENT);
    }
    if let Some(fd) = paths::own_descriptor(path).filter(|_| follow) {
        return read_file(target, fd, job, Place::Pinned);
    }
    match dir {
        libc::AT_FDCWD if is_empty => job.set_path(b".")?,
        _ if is_empty => return read_file(target, dir, job, Place::Pinned),
        _ if dir == libc::AT_FDCWD || is_absolute => {}
        _ => job.file = Some(target.file(dir)?),
    }
    job.place = Place::Path { from_file: dir != libc::AT_FDCWD && !is_absolute, follow };
    Ok(())
}

fn read_file(target: &dyn Target, fd: i32, job: &mut Job<'_>, place: Place) -> Result<()> {
    job.file = Some(target.file(fd)?);
    job.place = place;
    Ok(())
}

fn set_mode(job: &mut Job<'_>) -> Result<Verdict> {
    let mode = Mode::from_bits_retain(job.number(0)?);
    let file = OurFile::of(job)?;
    // A program with these bits would act for its owner long after the sandbox is gone.
    if mode.intersects(Mode::ISUID | Mode::ISGID) && file.kind != FileType::Directory {
        return Err(Errno::EPERM);
    }
    done(file.by_link(|link| fs::fchmodat(BorrowedFd::CWD, link, mode)))
}

fn set_owner(job: &mut Job<'_>) -> Result<Verdict> {
    let (user, group) = (Uid::new(job.number(0)?), Gid::new(job.number(1)?));
    done(fs::chown(OurFile::of(job)?.as_fd(), user, group))
}

fn set_times_to_now(job: &mut Job<'_>) -> Result<Verdict> {
    done(fs::set_times(OurFile::of(job)?.as_fd(), None))
}

fn set_times(job: &mut Job<'_>) -> Result<Verdict> {
    let [s0, n0, s1, n1] = job.numbers;
    let times = [Timespec { sec: s0, nsec: n0 }, Timespec { sec: s1, nsec: n1 }];
    done(fs::set_times(OurFile::of(job)?.as_fd(), Some(&times)))
}

fn set_attribute(job: &mut Job<'_>) -> Result<Verdict> {
    let flags = job.number(0)?;
    let (_, name, value) = job.texts()?;
    done(OurFile::of(job)?.by_link(|link| fs::setxattr(link, name, value, flags)))
}

fn remove_attribute(job: &mut Job<'_>) -> Result<Verdict> {
    let (_, name, _) = job.texts()?;
    done(OurFile::of(job)?.by_link(|link| fs::removexattr(link, name)))
}

fn done(result: Result<()>) -> Result<Verdict> {
    result.map(|()| Verdict::Reply(Response::Return(0)))
}

/// The file of a job, which the sandbox may change. Everything is done to this file, whatever the target
/// renames or rewrites.
struct OurFile<'j> {
    on_the_desk: Option<&'j OwnedFd>,
    pinned: Option<OwnedFd>,
    kind: FileType,
}

impl<'j> OurFile<'j> {
    /// Pins the file of a job.
    ///
    /// # Errors
    ///
    /// * `EACCES`: it is not below a write grant.
    /// * `EOPNOTSUPP`: it is an anonymous inode, which has nothing that could be changed.
    /// * of the walk.
    fn of(job: &'j Job<'_>) -> Result<Self> {
        let mut file = Self { on_the_desk: job.file.as_ref(), pinned: job.pin()?, kind: FileType::Other };
        let info = fs::info(file.as_fd())?;
        file.kind = info.kind;
        if info.links == 0 && info.kind == FileType::Regular {
            return Ok(file);
        }
        let mut path = [0; PATH_MAX];
        let path = paths::real_path(file.as_fd(), &mut path)?;
        match path {
            _ if path.starts_with(b"pipe:[") || path.starts_with(b"socket:[") => Ok(file),
            _ if path.starts_with(b"anon_inode:") => Err(Errno::EOPNOTSUPP),
            _ if paths::is_below_any(path, job.context.writable) => Ok(file),
            _ => Err(Errno::EACCES),
        }
    }

    /// Does something to the file by its magic link.
    fn by_link(&self, act: impl FnOnce(&core::ffi::CStr) -> Result<()>) -> Result<()> {
        let mut link = [0; 40];
        act(proc::own_fd_path(self.as_fd(), &mut link)?)
    }
}

impl AsFd for OurFile<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pinned.as_ref().or(self.on_the_desk).map_or(BorrowedFd::NONE, AsFd::as_fd)
    }
}

/// The times that a call sets, from one copy of its structures: seconds and nanoseconds of either. Words have
/// 32 bits, if a `long` is narrow, or 64.
fn times(target: &dyn Target, from: UserAddr, change: Change, narrow: bool) -> Result<[i64; 4]> {
    let narrow = narrow && !matches!(change, Change::TimesWide);
    let count = if matches!(change, Change::TimesWhole) { 2usize } else { 4 };
    let (mut bytes, mut words) = ([0; 32], [0; 4]);
    let size = count.saturating_mul(if narrow { 4 } else { 8 });
    read_exact(target, from, bytes.get_mut(..size).unwrap_or_default())?;
    if narrow {
        let narrow_words = bytes.as_chunks().0.iter().map(|bytes| i32::from_ne_bytes(*bytes).into());
        words.iter_mut().zip(narrow_words).for_each(|(word, value)| *word = value);
    } else {
        let wide_words = bytes.as_chunks().0.iter().map(|bytes| i64::from_ne_bytes(*bytes));
        words.iter_mut().zip(wide_words).for_each(|(word, value)| *word = value);
    }
    let [s0, f0, s1, f1] = match (change, words) {
        (Change::TimesWhole, [first, second, ..]) => [first, 0, second, 0],
        _ => words,
    };
    let nanoseconds = |fraction: i64| match change {
        Change::TimesMicro if !(0..1_000_000).contains(&fraction) => Err(Errno::EINVAL),
        Change::TimesMicro => Ok(fraction.saturating_mul(1000)),
        _ => Ok(fraction),
    };
    Ok([s0, nanoseconds(f0)?, s1, nanoseconds(f1)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Image;

    #[test]
    fn times_are_read_as_each_call_has_them() {
        let narrow = [5, 6, -7, 8].map(i32::to_ne_bytes);
        let wide = [5, 6, -7, 8].map(i64::to_ne_bytes);
        for (is_narrow, longs) in [(true, narrow.as_flattened()), (false, wide.as_flattened())] {
            for (bytes, change, want) in [
                (longs, Change::Times, Ok([5, 6, -7, 8])),
                (longs, Change::TimesMicro, Ok([5, 6000, -7, 8000])),
                (longs, Change::TimesWhole, Ok([5, 0, 6, 0])),
                (&longs[..longs.len() / 2], Change::TimesWhole, Ok([5, 0, 6, 0])),
                (wide.as_flattened(), Change::TimesWide, Ok([5, 6, -7, 8])),
                // One byte too few.
                (&longs[1..], Change::Times, Err(Errno::EFAULT)),
                (&wide.as_flattened()[1..], Change::TimesWide, Err(Errno::EFAULT)),
            ] {
                let image = Image::new(bytes);
                assert_eq!(times(&image, UserAddr(Image::BASE), change, is_narrow), want, "{change:?}");
            }
        }
        for micro in [-1, 1_000_000] {
            let bytes = [5, 6, 7, micro].map(i64::to_ne_bytes);
            let image = Image::new(bytes.as_flattened());
            let result = times(&image, UserAddr(Image::BASE), Change::TimesMicro, false);
            assert_eq!(result, Err(Errno::EINVAL));
        }
    }
}
