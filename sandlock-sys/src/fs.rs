//! Files and directories: openat2(2), statx(2), getdents64(2), the `*at` calls, memfd_create(2), read and write.

#![expect(unsafe_code, reason = "file system calls")]

use core::ffi::CStr;
use core::mem::offset_of;

use bitflags::bitflags;

use crate::arch::syscall;
use crate::conv;
use crate::errno::{Errno, Result};
use crate::fd::{BorrowedFd, OwnedFd};
use crate::nr::native as nr;
use crate::wide;

bitflags! {
    /// `O_*`: how to open.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct OFlags: i32 {
        /// `O_WRONLY`
        const WRONLY = libc::O_WRONLY;
        /// `O_RDWR`
        const RDWR = libc::O_RDWR;
        /// `O_CREAT`
        const CREAT = libc::O_CREAT;
        /// `O_EXCL`
        const EXCL = libc::O_EXCL;
        /// `O_NONBLOCK`
        const NONBLOCK = libc::O_NONBLOCK;
        /// `O_NOCTTY`
        const NOCTTY = libc::O_NOCTTY;
        /// `O_DIRECTORY`
        const DIRECTORY = libc::O_DIRECTORY;
        /// `O_NOFOLLOW`
        const NOFOLLOW = libc::O_NOFOLLOW;
        /// `O_PATH`: the place only, no access to what is there.
        const PATH = libc::O_PATH;
        /// Bits this list does not name.
        const _ = !0;
    }

    /// `RESOLVE_*` of `linux/openat2.h`: how a path may be walked.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Resolve: u64 {
        /// `RESOLVE_NO_XDEV`
        const NO_XDEV = 1;
        /// `RESOLVE_NO_MAGICLINKS`
        const NO_MAGICLINKS = 2;
        /// `RESOLVE_NO_SYMLINKS`
        const NO_SYMLINKS = 4;
        /// `RESOLVE_BENEATH`
        const BENEATH = 8;
        /// `RESOLVE_IN_ROOT`
        const IN_ROOT = 0x10;
    }
}

/// `struct open_how`
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}
const _: () = assert!(size_of::<OpenHow>() == 24);

/// openat2(2), close-on-exec. `mode` counts only with `O_CREAT`.
///
/// # Errors
///
/// * `ENOENT`, `EACCES`, `ELOOP`, …: of the walk.
/// * `ELOOP`, `EXDEV`: `resolve` forbids a step of it.
pub fn openat2(
    dir: BorrowedFd<'_>,
    path: &CStr,
    flags: OFlags,
    mode: u16,
    resolve: Resolve,
) -> Result<OwnedFd> {
    let flags = (flags.bits() | libc::O_CLOEXEC).cast_unsigned();
    let how = OpenHow { flags: u64::from(flags), mode: u64::from(mode), resolve: resolve.bits() };
    // SAFETY: the kernel reads the path and one open_how, whose size is passed.
    let fd = unsafe { syscall!(nr::OPENAT2, dir, path, &how, size_of::<OpenHow>())? };
    // SAFETY: the kernel returned a fresh descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

/// [`openat2`] from the current directory with every kind of link followed.
///
/// # Errors
///
/// As [`openat2`].
pub fn open(path: &CStr, flags: OFlags) -> Result<OwnedFd> {
    openat2(BorrowedFd::CWD, path, flags, 0, Resolve::empty())
}

bitflags! {
    /// `MFD_*` of `linux/memfd.h`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct MemfdFlags: u32 {
        /// `MFD_CLOEXEC`
        const CLOEXEC = 1;
        /// `MFD_NOEXEC_SEAL`: not executable, and never will be (Linux 6.3).
        const NOEXEC_SEAL = 8;
        /// `MFD_EXEC`: executable (6.3).
        const EXEC = 0x10;
        /// Bits this list does not name.
        const _ = !0;
    }
}

/// memfd_create(2)
///
/// # Errors
///
/// * `EINVAL`: a flag is unknown to the kernel, or the name is longer than 249 bytes.
/// * `EACCES`: `vm.memfd_noexec` forbids an executable one.
pub fn memfd_create(name: &CStr, flags: MemfdFlags) -> Result<OwnedFd> {
    // SAFETY: the kernel reads the name.
    let fd = unsafe { syscall!(nr::MEMFD_CREATE, name, flags.bits())? };
    // SAFETY: the kernel returned a fresh descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

/// read(2). Returns 0 at the end.
///
/// # Errors
///
/// `EAGAIN`, `EINTR`, `EISDIR`, …
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`.
    unsafe { syscall!(nr::READ, fd, buffer.as_mut_ptr(), buffer.len()) }
}

/// write(2). Returns how many bytes were taken.
///
/// # Errors
///
/// `EAGAIN`, `EPIPE`, `ENOSPC`, …
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads `bytes.len()` bytes of `bytes`.
    unsafe { syscall!(nr::WRITE, fd, bytes.as_ptr(), bytes.len()) }
}

/// `fcntl(F_GETFL)`: the status flags of the open file.
///
/// # Errors
///
/// `EBADF`.
pub fn status_flags(fd: BorrowedFd<'_>) -> Result<OFlags> {
    // SAFETY: no memory is touched.
    let flags = unsafe { syscall!(nr::FCNTL, fd, libc::F_GETFL, 0u32)? };
    Ok(OFlags::from_bits_retain(conv::i32_from_usize(flags)))
}

/// `fcntl(F_SETFL)`: for everybody who shares the open file.
///
/// # Errors
///
/// `EBADF`, `EPERM`.
pub fn set_status_flags(fd: BorrowedFd<'_>, flags: OFlags) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::FCNTL, fd, libc::F_SETFL, flags.bits()) }.map(drop)
}

/// The file type bits of a mode: `S_IFMT` and its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// `S_IFREG`
    Regular,
    /// `S_IFDIR`
    Directory,
    /// `S_IFLNK`
    Symlink,
    /// `S_IFSOCK`
    Socket,
    /// A device, a fifo, or what has no type.
    Other,
}

impl FileType {
    fn of(mode: u32) -> Self {
        match mode & libc::S_IFMT {
            libc::S_IFREG => Self::Regular,
            libc::S_IFDIR => Self::Directory,
            libc::S_IFLNK => Self::Symlink,
            libc::S_IFSOCK => Self::Socket,
            _ => Self::Other,
        }
    }
}

/// `struct statx`, of which we name what is used.
#[repr(C)]
struct Statx {
    mask: u32,
    blksize: u32,
    attributes: u64,
    nlink: u32,
    uid: u32,
    gid: u32,
    mode: u16,
    pad: u16,
    ino: u64,
    rest: [u64; 27],
}
const _: () = assert!(size_of::<Statx>() == 256 && offset_of!(Statx, ino) == 32);

/// statx(2) of the open file itself: its type, and how many names it has.
///
/// # Errors
///
/// `EBADF`.
pub fn file_type(fd: BorrowedFd<'_>) -> Result<(FileType, u32)> {
    let mut stat = Statx {
        mask: 0,
        blksize: 0,
        attributes: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        mode: 0,
        pad: 0,
        ino: 0,
        rest: [0; 27],
    };
    /// `STATX_TYPE`
    const TYPE: u32 = 1;
    /// `STATX_NLINK`
    const NLINK: u32 = 4;
    // SAFETY: the kernel reads an empty path and writes one statx of 256 bytes; any bytes are a valid one.
    unsafe { syscall!(nr::STATX, fd, c"", libc::AT_EMPTY_PATH, TYPE | NLINK, &mut stat)? };
    Ok((FileType::of(u32::from(stat.mode)), stat.nlink))
}

/// readlinkat(2): the bytes of a symbolic link, without a NUL.
///
/// # Errors
///
/// * `EINVAL`: not a symbolic link.
/// * `ENAMETOOLONG`: `buffer` is full, so the end may be missing.
pub fn readlinkat<'b>(dir: BorrowedFd<'_>, path: &CStr, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    // SAFETY: the kernel reads the path and writes at most `buffer.len()` bytes into `buffer`.
    let len = unsafe { syscall!(nr::READLINKAT, dir, path, buffer.as_mut_ptr(), buffer.len())? };
    if len == buffer.len() { Err(Errno::ENAMETOOLONG) } else { buffer.get(..len).ok_or(Errno::EIO) }
}

/// mkdirat(2)
///
/// # Errors
///
/// `EEXIST`, `ENOENT`, `EACCES`, …
pub fn mkdirat(dir: BorrowedFd<'_>, path: &CStr, mode: u16) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::MKDIRAT, dir, path, u32::from(mode)) }.map(drop)
}

/// unlinkat(2): of a directory with `AT_REMOVEDIR`.
///
/// # Errors
///
/// `EISDIR`, `ENOTDIR`, `ENOTEMPTY`, `ENOENT`, `EACCES`, …
pub fn unlinkat(dir: BorrowedFd<'_>, path: &CStr, directory: bool) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::UNLINKAT, dir, path, if directory { libc::AT_REMOVEDIR } else { 0 }) }.map(drop)
}

/// renameat2(2) without flags.
///
/// # Errors
///
/// `ENOENT`, `EXDEV`, `EACCES`, …
pub fn renameat(from: BorrowedFd<'_>, old: &CStr, to: BorrowedFd<'_>, new: &CStr) -> Result<()> {
    // SAFETY: the kernel reads both paths.
    unsafe { syscall!(nr::RENAMEAT2, from, old, to, new, 0u32) }.map(drop)
}

/// fchmodat(2), which follows a symbolic link.
///
/// # Errors
///
/// `EPERM`, `ENOENT`, …
pub fn fchmodat(dir: BorrowedFd<'_>, path: &CStr, mode: u16) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::FCHMODAT, dir, path, u32::from(mode)) }.map(drop)
}

/// `fchownat(2)` of the open file itself (`AT_EMPTY_PATH`); `u32::MAX` leaves an owner as it is.
///
/// # Errors
///
/// `EPERM`, `EROFS`.
pub fn chown(file: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<()> {
    // SAFETY: the kernel reads an empty path.
    unsafe { syscall!(nr::FCHOWNAT, file, c"", uid, gid, libc::AT_EMPTY_PATH) }.map(drop)
}

/// `struct __kernel_timespec` as utimensat takes it: seconds, and nanoseconds or `UTIME_NOW` or `UTIME_OMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct FileTime {
    /// Seconds since 1970.
    pub sec: i64,
    /// Nanoseconds, or one of the two.
    pub nsec: i64,
}
const _: () = assert!(size_of::<FileTime>() == 16);

/// `utimensat(2)` of the open file itself (`AT_EMPTY_PATH`): access and modification time, or `None` for now.
///
/// # Errors
///
/// `EPERM`, `EACCES`, `EROFS`, `EINVAL`.
pub fn set_times(file: BorrowedFd<'_>, times: Option<&[FileTime; 2]>) -> Result<()> {
    let times = times.map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: the kernel reads an empty path and two timespecs if there are any.
    unsafe { syscall!(wide::UTIMENSAT, file, c"", times, libc::AT_EMPTY_PATH) }.map(drop)
}

/// setxattr(2)
///
/// # Errors
///
/// `EPERM`, `ENOTSUP`, `EEXIST`, `ENODATA`, `ENOSPC`, `E2BIG`, …
pub fn setxattr(path: &CStr, name: &CStr, value: &[u8], flags: i32) -> Result<()> {
    // SAFETY: the kernel reads the path, the name, and `value.len()` bytes of `value`.
    unsafe { syscall!(nr::SETXATTR, path, name, value.as_ptr(), value.len(), flags) }.map(drop)
}

/// removexattr(2)
///
/// # Errors
///
/// `EPERM`, `ENODATA`, `ENOTSUP`.
pub fn removexattr(path: &CStr, name: &CStr) -> Result<()> {
    // SAFETY: the kernel reads the path and the name.
    unsafe { syscall!(nr::REMOVEXATTR, path, name) }.map(drop)
}

/// getdents64(2): fills `buffer` with directory entries; 0 at the end. Read them with [`Entries`].
///
/// # Errors
///
/// * `ENOTDIR`.
/// * `EINVAL`: the next entry does not fit.
pub fn getdents64(dir: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`.
    unsafe { syscall!(nr::GETDENTS64, dir, buffer.as_mut_ptr(), buffer.len()) }
}

/// The `struct linux_dirent64` records that [`getdents64`] wrote: the names, `.` and `..` among them.
#[derive(Debug, Clone)]
pub struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// Over the bytes that were filled.
    #[must_use]
    pub const fn new(filled: &'a [u8]) -> Self {
        Self(filled)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a CStr;

    fn next(&mut self) -> Option<Self::Item> {
        // d_ino (8), d_off (8), d_reclen (2), d_type (1), d_name.
        let whole = core::mem::take(&mut self.0);
        let [low, high] = whole.get(16..18)?.try_into().ok()?;
        let len = usize::from(u16::from_ne_bytes([low, high]));
        let name = CStr::from_bytes_until_nul(whole.get(19..len)?).ok()?;
        self.0 = whole.get(len..)?;
        Some(name)
    }
}

/// `chdir(2)`
///
/// # Errors
///
/// `ENOENT`, `EACCES`, `ENOTDIR`.
pub fn chdir(path: &CStr) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::CHDIR, path) }.map(drop)
}
