//! Files and directories: openat2(2), statx(2), getdents64(2), the `*at` calls, memfd_create(2), read and
//! write.

#![expect(unsafe_code, reason = "file system calls")]

use core::ffi::CStr;
use core::mem::offset_of;

use bitflags::bitflags;

use crate::ioctl::FIONBIO;
use crate::time::Timespec;
use crate::{BorrowedFd, Errno, Gid, OwnedFd, Result, Uid, conv, nr, syscall, wide};

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
        /// `O_CLOEXEC`: closed by execve(2).
        const CLOEXEC = libc::O_CLOEXEC;
        /// `O_PATH`: the place only, no access to the file's contents.
        const PATH = libc::O_PATH;
        /// Bits this list does not name.
        const _ = !0;
    }

    /// `S_I*` of `linux/stat.h`: the permissions of a file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Mode: u16 {
        /// `S_ISUID`: a program acts as the file's owner.
        const ISUID = 0o4000;
        /// `S_ISGID`: a program acts as the file's group.
        const ISGID = 0o2000;
        /// `S_IRWXU`: the owner may read, write and execute or search.
        const RWXU = 0o700;
        /// `S_IXUGO`: owner, group and others may execute or search.
        const XUGO = 0o111;
        /// Bits this list does not name.
        const _ = !0;
    }

    /// `AT_*` of unlinkat(2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct UnlinkFlags: i32 {
        /// `AT_REMOVEDIR`: a directory, and nothing else.
        const REMOVEDIR = libc::AT_REMOVEDIR;
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
        /// `RESOLVE_CACHED`: only by names that the kernel has in memory, which never sleeps; `EAGAIN`
        /// otherwise.
        const CACHED = 0x20;
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
    mode: Mode,
    resolve: Resolve,
) -> Result<OwnedFd> {
    let flags = flags.union(OFlags::CLOEXEC).bits().cast_unsigned();
    let how = OpenHow { flags: u64::from(flags), mode: u64::from(mode.bits()), resolve: resolve.bits() };
    // SAFETY: the kernel reads the path and one open_how, whose size is passed.
    let fd = unsafe { syscall!(nr::OPENAT2, dir, path, &how, size_of::<OpenHow>())? };
    // SAFETY: the kernel returned a new descriptor that no other code owns.
    Ok(unsafe { OwnedFd::from_raw(conv::i32_from_usize(fd)) })
}

/// [`openat2`] from the current directory with every kind of link followed.
///
/// # Errors
///
/// As [`openat2`].
pub fn open(path: &CStr, flags: OFlags) -> Result<OwnedFd> {
    openat2(BorrowedFd::CWD, path, flags, Mode::empty(), Resolve::empty())
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
    // SAFETY: the kernel returned a new descriptor that no other code owns.
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

/// lseek(2) to the start: a file of procfs is then made anew.
///
/// # Errors
///
/// `ESPIPE`: a pipe, a socket.
pub fn rewind(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::LSEEK, fd, 0u32, libc::SEEK_SET) }.map(drop)
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

/// `FIONBIO`: sets or clears `O_NONBLOCK` of the open file and no other flag, for every descriptor of it.
///
/// # Errors
///
/// `EBADF`: the descriptor is an `O_PATH` one.
pub fn set_nonblocking(fd: BorrowedFd<'_>, nonblocking: bool) -> Result<()> {
    let value = i32::from(nonblocking);
    // SAFETY: the kernel reads one int.
    unsafe { syscall!(nr::IOCTL, fd, FIONBIO, &value) }.map(drop)
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
    /// `S_IFCHR`
    CharDevice,
    /// `S_IFBLK`
    BlockDevice,
    /// `S_IFIFO`
    Fifo,
    /// A file without a type.
    Other,
}

impl FileType {
    fn of(mode: u32) -> Self {
        match mode & libc::S_IFMT {
            libc::S_IFREG => Self::Regular,
            libc::S_IFDIR => Self::Directory,
            libc::S_IFLNK => Self::Symlink,
            libc::S_IFSOCK => Self::Socket,
            libc::S_IFCHR => Self::CharDevice,
            libc::S_IFBLK => Self::BlockDevice,
            libc::S_IFIFO => Self::Fifo,
            _ => Self::Other,
        }
    }
}

/// `struct statx`, of which the fields in use have names.
#[derive(Default)]
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
    middle: [u64; 11],
    rdev_major: u32,
    rdev_minor: u32,
    dev_major: u32,
    dev_minor: u32,
    rest: [u64; 14],
}
const _: () = assert!(size_of::<Statx>() == 256 && offset_of!(Statx, ino) == 32);
const _: () = assert!(offset_of!(Statx, rdev_major) == 128 && offset_of!(Statx, dev_minor) == 140);

/// Facts about an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Its type.
    pub kind: FileType,
    /// How many names it has.
    pub links: u32,
    /// Its owner.
    pub uid: Uid,
    /// Its group.
    pub gid: Gid,
    /// Its permissions.
    pub mode: Mode,
    /// The file itself: the device it is on, major and minor, and its inode.
    pub identity: ([u32; 2], u64),
    /// The device it is, major and minor; zeros if it is none.
    pub device: [u32; 2],
    /// When anything of it changed last (`stx_ctime`), for comparison only.
    pub changed: [u64; 2],
}

/// statx(2) of the open file itself. The file system may be asked (FUSE, NFS).
///
/// # Errors
///
/// `EBADF`.
pub fn info(fd: BorrowedFd<'_>) -> Result<FileInfo> {
    info_with(fd, 0)
}

/// The same with flags. With `AT_STATX_DONT_SYNC` the file system is not asked.
///
/// # Errors
///
/// `EBADF`.
pub fn info_with(fd: BorrowedFd<'_>, flags: i32) -> Result<FileInfo> {
    let mut stat = Statx::default();
    /// `STATX_BASIC_STATS`
    const BASIC: u32 = 0x7ff;
    // SAFETY: the kernel reads an empty path and writes one statx of 256 bytes; any bytes are a valid one.
    unsafe { syscall!(nr::STATX, fd, c"", flags | libc::AT_EMPTY_PATH, BASIC, &mut stat)? };
    Ok(FileInfo {
        kind: FileType::of(u32::from(stat.mode)),
        links: stat.nlink,
        uid: Uid::new(stat.uid),
        gid: Gid::new(stat.gid),
        mode: Mode::from_bits_retain(stat.mode & 0o7777),
        identity: ([stat.dev_major, stat.dev_minor], stat.ino),
        device: [stat.rdev_major, stat.rdev_minor],
        changed: [stat.middle[7], stat.middle[8]],
    })
}

/// fstatfs(2): the file system that an open file is on, by its magic number (`linux/magic.h`).
///
/// # Errors
///
/// `EOVERFLOW`: the file system is too large for the call (32-bit architectures).
pub fn file_system(fd: BorrowedFd<'_>) -> Result<u32> {
    /// `struct statfs` is shorter everywhere; its first field is the magic number.
    #[repr(C, align(8))]
    struct Statfs([u32; 40]);
    let mut statfs = Statfs([0; 40]);
    // SAFETY: the kernel writes one struct statfs of at most 120 bytes.
    unsafe { syscall!(nr::FSTATFS, fd, &mut statfs)? };
    // A long, of which the low half is first; an int on s390x, which is the one that is not little-endian.
    let Statfs([magic, ..]) = statfs;
    Ok(magic)
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
pub fn mkdirat(dir: BorrowedFd<'_>, path: &CStr, mode: Mode) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::MKDIRAT, dir, path, u32::from(mode.bits())) }.map(drop)
}

/// unlinkat(2)
///
/// # Errors
///
/// `EISDIR`, `ENOTDIR`, `ENOTEMPTY`, `ENOENT`, `EACCES`, …
pub fn unlinkat(dir: BorrowedFd<'_>, path: &CStr, flags: UnlinkFlags) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::UNLINKAT, dir, path, flags.bits()) }.map(drop)
}

/// linkat(2) without flags: a symbolic link at the end of `old` is linked itself.
///
/// # Errors
///
/// `EEXIST`, `ENOENT`, `EXDEV`, `EPERM`, `EACCES`, …
pub fn linkat(from: BorrowedFd<'_>, old: &CStr, to: BorrowedFd<'_>, new: &CStr) -> Result<()> {
    // SAFETY: the kernel reads both paths.
    unsafe { syscall!(nr::LINKAT, from, old, to, new, 0u32) }.map(drop)
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
pub fn fchmodat(dir: BorrowedFd<'_>, path: &CStr, mode: Mode) -> Result<()> {
    // SAFETY: the kernel reads the path.
    unsafe { syscall!(nr::FCHMODAT, dir, path, u32::from(mode.bits())) }.map(drop)
}

/// `fchownat(2)` of the open file itself (`AT_EMPTY_PATH`). The ID `u32::MAX` changes nothing.
///
/// # Errors
///
/// `EPERM`, `EROFS`.
pub fn chown(file: BorrowedFd<'_>, uid: Uid, gid: Gid) -> Result<()> {
    // SAFETY: the kernel reads an empty path.
    unsafe { syscall!(nr::FCHOWNAT, file, c"", uid, gid, libc::AT_EMPTY_PATH) }.map(drop)
}

/// `utimensat(2)` of the open file itself (`AT_EMPTY_PATH`): access and modification time, or `None` for now.
///
/// # Errors
///
/// `EPERM`, `EACCES`, `EROFS`, `EINVAL`.
pub fn set_times(file: BorrowedFd<'_>, times: Option<&[Timespec; 2]>) -> Result<()> {
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

/// fchdir(2)
///
/// # Errors
///
/// `EACCES`, `ENOTDIR`.
pub fn fchdir(dir: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no memory is touched.
    unsafe { syscall!(nr::FCHDIR, dir) }.map(drop)
}
