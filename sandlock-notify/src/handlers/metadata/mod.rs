//! Mode, owner, times and extended attributes: Landlock sees none of them in any version, so read-only would not mean read-only.
//!
//! Performed on behalf, on the pinned file, if its real path lies under a write grant; refused otherwise. A file without a name any more
//! (a temporary one, a memfd), a pipe and a socket are the sandbox's own business.

mod model;

use sandlock_sys::fs::{self, FileTime, FileType};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd, Result};

use crate::call::Call;
use crate::dispatch::{Handler, Verdict};
use crate::notification::Response;
use crate::place::{self, PATH_MAX};
use crate::proc;
use crate::target::{Target, UserAddr, read_cstr, read_exact};
use model::{Change, File};

/// `XATTR_NAME_MAX`, and the NUL.
const NAME_MAX: usize = 256;
/// The longest value that is set; the kernel would take 64 KiB, and file systems mostly less than a block.
const VALUE_MAX: usize = 4096;

/// The names of its calls.
pub fn calls() -> impl Iterator<Item = &'static str> {
    model::CALLS.iter().map(|(name, ..)| *name)
}

/// Knows which trees may be changed.
#[derive(Debug)]
pub struct Metadata<'p> {
    /// Real paths.
    pub trees: &'p [&'p [u8]],
}

impl Handler for Metadata<'_> {
    fn handle(&mut self, call: &Call<'_>) -> Result<Verdict> {
        let (how, change) = call.name().and_then(model::find).ok_or(Errno::ENOSYS)?;
        let file = pin(call, how, change)?;
        if !self.is_ours(file.as_fd())? {
            return Err(Errno::EACCES);
        }
        apply(call, change, file.as_fd())?;
        Ok(Verdict::Reply(Response::Return(0)))
    }
}

impl Metadata<'_> {
    fn is_ours(&self, file: BorrowedFd<'_>) -> Result<bool> {
        let (kind, names) = fs::file_type(file)?;
        let nameless = names == 0 && matches!(kind, FileType::Regular);
        Ok(nameless || is_anonymous(file)? || place::is_granted(file, self.trees)?)
    }
}

/// A pipe or a socket that never had a path: `/proc` calls it `pipe:[…]`.
fn is_anonymous(file: BorrowedFd<'_>) -> Result<bool> {
    let mut link = [0; 40];
    let mut path = [0; PATH_MAX];
    let path = fs::readlinkat(BorrowedFd::CWD, proc::own_fd_path(file, &mut link)?, &mut path)?;
    Ok(path.starts_with(b"pipe:[") || path.starts_with(b"socket:["))
}

/// The file that a call is about, pinned once; everything after this is done to that file, whatever the target renames or rewrites.
fn pin(call: &Call<'_>, how: File, change: Change) -> Result<OwnedFd> {
    let target = call.target();
    let (dir, at, follow, may_be_empty) = match how {
        File::Descriptor => return target.descriptor(call.int(0)),
        File::Path(follow) => (libc::AT_FDCWD, 0, follow, false),
        File::At(flags) => {
            let flags = flags.map_or(0, |register| call.int(register));
            let (follow, may_be_empty) = model::flags(flags).ok_or(Errno::EINVAL)?;
            (call.int(0), 1, follow, may_be_empty)
        }
    };
    // utimensat and futimesat take a null path for "the descriptor itself".
    let may_be_null = matches!(change, Change::Times(_) | Change::TimesWide(_) | Change::TimesMicro(_));
    if call.addr(at).is_null() && may_be_null && at == 1 {
        return target.descriptor(dir);
    }
    let mut path = [0; PATH_MAX];
    let path = read_cstr(target, call.addr(at), &mut path)?;
    match place::own_descriptor(path) {
        _ if path.is_empty() && may_be_empty && dir != libc::AT_FDCWD => target.descriptor(dir),
        _ if path.is_empty() && may_be_empty => place::pin(target, dir, c".", true),
        Some(fd) if follow => target.descriptor(fd),
        _ => place::pin(target, dir, path, follow),
    }
}

fn apply(call: &Call<'_>, change: Change, file: BorrowedFd<'_>) -> Result<()> {
    let target = call.target();
    let mut link = [0; 40];
    let by_link = proc::own_fd_path(file, &mut link)?;
    let mut name = [0; NAME_MAX];
    let unsigned = |register| call.int(register).cast_unsigned();
    // A name that is too long is ERANGE in the kernel.
    let range = |errno| if errno == Errno::ENAMETOOLONG { Errno::ERANGE } else { errno };
    match change {
        Change::Mode(register) => {
            let mode = u16::try_from(unsigned(register) & 0o7777).map_err(|_| Errno::EINVAL)?;
            fs::fchmodat(BorrowedFd::CWD, by_link, mode)
        }
        Change::Owner(first) | Change::OwnerOld(first) => {
            let short = call.is_narrow() && matches!(change, Change::OwnerOld(_));
            let id = |register| if short { model::long_id(unsigned(register)) } else { unsigned(register) };
            fs::chown(file, id(first), id(first.saturating_add(1)))
        }
        Change::TimesWhole(register)
        | Change::TimesMicro(register)
        | Change::Times(register)
        | Change::TimesWide(register) => match call.addr(register) {
            from if from.is_null() => fs::set_times(file, None),
            from => fs::set_times(file, Some(&times(target, from, change, call.is_narrow())?)),
        },
        Change::SetAttribute(first) => {
            let name = read_cstr(target, call.addr(first), &mut name).map_err(range)?;
            let mut value = [0; VALUE_MAX];
            let size = usize::try_from(call.word(first.saturating_add(2))).map_err(|_| Errno::E2BIG)?;
            let value = value.get_mut(..size).ok_or(Errno::E2BIG)?;
            read_exact(target, call.addr(first.saturating_add(1)), value)?;
            fs::setxattr(by_link, name, value, call.int(first.saturating_add(3)))
        }
        Change::RemoveAttribute(first) => {
            fs::removexattr(by_link, read_cstr(target, call.addr(first), &mut name).map_err(range)?)
        }
    }
}

/// The times that a call sets, from one copy of its structures: words of 32 bits, if a `long` is narrow, or of 64.
fn times(target: &dyn Target, from: UserAddr, change: Change, narrow: bool) -> Result<[FileTime; 2]> {
    let narrow = narrow && !matches!(change, Change::TimesWide(_));
    let count = if matches!(change, Change::TimesWhole(_)) { 2usize } else { 4 };
    let (mut bytes, mut words) = ([0; 32], [0; 4]);
    let size = count.saturating_mul(if narrow { 4 } else { 8 });
    read_exact(target, from, bytes.get_mut(..size).unwrap_or_default())?;
    if narrow {
        words
            .iter_mut()
            .zip(bytes.as_chunks().0)
            .for_each(|(word, bytes)| *word = i32::from_ne_bytes(*bytes).into());
    } else {
        words
            .iter_mut()
            .zip(bytes.as_chunks().0)
            .for_each(|(word, bytes)| *word = i64::from_ne_bytes(*bytes));
    }
    let [s0, f0, s1, f1] = match (change, words) {
        (Change::TimesWhole(_), [first, second, ..]) => [first, 0, second, 0],
        _ => words,
    };
    let nsec = |fraction: i64| match change {
        Change::TimesMicro(_) if !(0..1_000_000).contains(&fraction) => Err(Errno::EINVAL),
        Change::TimesMicro(_) => Ok(fraction.saturating_mul(1000)),
        _ => Ok(fraction),
    };
    Ok([FileTime { sec: s0, nsec: nsec(f0)? }, FileTime { sec: s1, nsec: nsec(f1)? }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::Image;

    #[test]
    fn times_are_read_as_each_call_has_them() {
        let narrow = [5, 6, -7, 8].map(i32::to_ne_bytes);
        let wide = [5, 6, -7, 8].map(i64::to_ne_bytes);
        let set =
            |[s0, f0, s1, f1]: [i64; 4]| Ok([FileTime { sec: s0, nsec: f0 }, FileTime { sec: s1, nsec: f1 }]);
        for (is_narrow, longs) in [(true, narrow.as_flattened()), (false, wide.as_flattened())] {
            for (bytes, change, want) in [
                (longs, Change::Times(2), set([5, 6, -7, 8])),
                (longs, Change::TimesMicro(2), set([5, 6000, -7, 8000])),
                (longs, Change::TimesWhole(1), set([5, 0, 6, 0])),
                (&longs[..longs.len() / 2], Change::TimesWhole(1), set([5, 0, 6, 0])),
                (wide.as_flattened(), Change::TimesWide(2), set([5, 6, -7, 8])),
                // One byte too few.
                (&longs[1..], Change::Times(2), Err(Errno::EFAULT)),
                (&wide.as_flattened()[1..], Change::TimesWide(2), Err(Errno::EFAULT)),
            ] {
                let image = Image::new(bytes);
                assert_eq!(times(&image, UserAddr(Image::BASE), change, is_narrow), want, "{change:?}");
            }
        }
        for micro in [-1, 1_000_000] {
            let bytes = [5, 6, 7, micro].map(i64::to_ne_bytes);
            let image = Image::new(bytes.as_flattened());
            let result = times(&image, UserAddr(Image::BASE), Change::TimesMicro(2), false);
            assert_eq!(result, Err(Errno::EINVAL));
        }
    }
}
