//! What `/proc` says about a thread: which process it belongs to, and who its parent is.

use core::ffi::CStr;
use core::fmt::{self, Write};

use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, fs};

/// `/proc/ID/FILE` in `buffer`.
///
/// # Errors
///
/// `ENAMETOOLONG`: it does not fit.
pub(crate) fn path<'b>(id: i32, file: &str, buffer: &'b mut [u8]) -> Result<&'b CStr> {
    let mut text = Text { buffer, len: 0 };
    write!(text, "/proc/{id}/{file}\0").map_err(|_| Errno::ENAMETOOLONG)?;
    CStr::from_bytes_until_nul(text.buffer).map_err(|_| Errno::ENAMETOOLONG)
}

/// `/proc/self/fd/N` of the supervisor's own descriptor: the magic link to exactly that open file.
pub(crate) fn own_fd_path<'b>(fd: BorrowedFd<'_>, buffer: &'b mut [u8]) -> Result<&'b CStr> {
    let mut text = Text { buffer, len: 0 };
    write!(text, "/proc/self/fd/{}\0", fd.as_raw()).map_err(|_| Errno::ENAMETOOLONG)?;
    CStr::from_bytes_until_nul(text.buffer).map_err(|_| Errno::ENAMETOOLONG)
}

/// Text written into a byte slice.
struct Text<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, string: &str) -> fmt::Result {
        let end = self.len.checked_add(string.len()).ok_or(fmt::Error)?;
        self.buffer.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(string.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The process of a thread: the `Tgid:` line of `/proc/TID/status`.
pub(crate) fn thread_group(tid: i32) -> Result<i32> {
    let mut text = [0; 256];
    let text = read(tid, "status", &mut text)?;
    text.split(|byte| *byte == b'\n')
        .find_map(|line| number(line.strip_prefix(b"Tgid:\t")?))
        .ok_or(Errno::ESRCH)
}

/// The parent of a process or thread: the second field of `/proc/ID/stat` after the name.
pub(crate) fn parent(id: i32) -> Result<i32> {
    let mut text = [0; 256];
    parent_in(read(id, "stat", &mut text)?).ok_or(Errno::ESRCH)
}

/// The name is the process's own choice and may hold anything, `) R 1 ` included: what follows the last parenthesis is the kernel's.
fn parent_in(stat: &[u8]) -> Option<i32> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat.get(end..)?.split(|byte| *byte == b' ');
    number(fields.nth(2)?)
}

fn read<'b>(id: i32, file: &str, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    let mut name = [0; 40];
    let file = fs::open(path(id, file, &mut name)?, fs::OFlags::empty())?;
    let len = fs::read(file.as_fd(), buffer)?;
    buffer.get(..len).ok_or(Errno::EIO)
}

fn number(digits: &[u8]) -> Option<i32> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock_sys::process;

    #[test]
    fn a_name_cannot_forge_a_parent() {
        for (stat, want) in [
            (&b"12 (sh) S 7 12 12 0"[..], Some(7)),
            (b"12 (a) R 1 (b) S 7 12 12", Some(7)),
            (b"12 ()) R 1 ) S 7 12", Some(7)),
            (b"12 (sh", None),
            (b"12 (sh) S", None),
            (b"12 (sh) S x", None),
        ] {
            assert_eq!(parent_in(stat), want, "{}", stat.escape_ascii());
        }
    }

    #[test]
    fn the_running_thread_is_found() {
        assert_eq!(thread_group(process::gettid()), Ok(process::getpid()));
        assert_eq!(parent(process::gettid()), Ok(process::getppid()));
        assert_eq!(parent(i32::MAX), Err(Errno::ENOENT));
    }
}
