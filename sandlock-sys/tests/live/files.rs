//! `fs`, `mm` and `tty`.

use core::ffi::CStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use sandlock_sys::fs::{Entries, FileType, MemfdFlags, Mode, OFlags, Resolve, UnlinkFlags};
use sandlock_sys::mm::Mapping;
use sandlock_sys::time::Timespec;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Pid, fs as sys, net, tty};

use crate::{Dir, c_path, skip};

const NONE: OFlags = OFlags::empty();

#[test]
fn openat2_walks_as_resolve_says() {
    let dir = Dir::new();
    fs::create_dir(dir.join("sub")).unwrap();
    fs::write(dir.join("sub/file"), "").unwrap();
    symlink("sub", dir.join("link")).unwrap();
    symlink("/sub", dir.join("absolute")).unwrap();
    let fd = dir.fd();
    let open = |path: &CStr, resolve| sys::openat2(fd.as_fd(), path, NONE, Mode::empty(), resolve).map(drop);
    for (path, resolve, want) in [
        (c"sub/file", Resolve::BENEATH, Ok(())),
        (c"sub/../sub/file", Resolve::BENEATH, Ok(())),
        (c"link/file", Resolve::BENEATH, Ok(())),
        (c"../", Resolve::empty(), Ok(())),
        (c"../", Resolve::BENEATH, Err(Errno::EXDEV)),
        (c"/", Resolve::BENEATH, Err(Errno::EXDEV)),
        (c"absolute/file", Resolve::BENEATH, Err(Errno::EXDEV)),
        (c"absolute/file", Resolve::IN_ROOT, Ok(())),
        (c"/../../sub/file", Resolve::IN_ROOT, Ok(())),
        (c"/etc", Resolve::IN_ROOT, Err(Errno::ENOENT)),
        (c"link/file", Resolve::NO_SYMLINKS, Err(Errno::ELOOP)),
        (c"sub/file", Resolve::NO_SYMLINKS, Ok(())),
        (c"/proc/thread-self/cwd", Resolve::empty(), Ok(())),
        (c"/proc/thread-self/cwd", Resolve::NO_MAGICLINKS, Err(Errno::ELOOP)),
        (c"/proc", Resolve::empty(), Ok(())),
        (c"/proc", Resolve::NO_XDEV, Err(Errno::EXDEV)),
        (c"sub/none", Resolve::empty(), Err(Errno::ENOENT)),
    ] {
        assert_eq!(open(path, resolve), want, "{path:?} {resolve:?}");
    }
}

#[test]
fn a_file_is_made_once_and_with_its_mode() {
    let dir = Dir::new();
    let fd = dir.fd();
    let make = || {
        let flags = OFlags::CREAT | OFlags::EXCL | OFlags::WRONLY;
        sys::openat2(fd.as_fd(), c"file", flags, Mode::from_bits_retain(0o400), Resolve::empty())
    };
    let file = make().unwrap();
    assert_eq!(make().unwrap_err(), Errno::EEXIST);
    assert_eq!(sys::write(file.as_fd(), b"content"), Ok(7));
    assert_eq!(sys::read(file.as_fd(), &mut [0; 8]), Err(Errno::EBADF));
    assert_eq!(fs::metadata(dir.join("file")).unwrap().permissions().mode() & 0o777, 0o400);
    assert_eq!(fs::read(dir.join("file")).unwrap(), b"content");
    sys::fchmodat(fd.as_fd(), c"file", Mode::from_bits_retain(0o600)).unwrap();
    assert_eq!(fs::metadata(dir.join("file")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn status_flags_are_read_and_set() {
    let (one, other) = net::socketpair(libc::SOCK_STREAM).unwrap();
    let flags = sys::status_flags(one.as_fd()).unwrap();
    assert!(flags.contains(OFlags::RDWR) && !flags.contains(OFlags::NONBLOCK));
    sys::set_nonblocking(one.as_fd(), true).unwrap();
    assert_eq!(sys::status_flags(one.as_fd()), Ok(flags | OFlags::NONBLOCK));
    assert_eq!(sys::status_flags(other.as_fd()), Ok(flags));
    assert_eq!(sys::read(one.as_fd(), &mut [0]), Err(Errno::EAGAIN));
}

#[test]
fn a_memfd_holds_bytes_and_is_a_program_if_it_is_told_to() {
    let make = |flags| {
        let fd = sys::memfd_create(c"test", MemfdFlags::CLOEXEC | flags)?;
        assert_eq!(sys::write(fd.as_fd(), b"content"), Ok(7));
        let path = format!("/proc/thread-self/fd/{}", fd.as_fd().as_raw());
        assert_eq!(fs::read(&path).unwrap(), b"content");
        Ok(fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0)
    };
    assert!(make(MemfdFlags::empty()).is_ok());
    assert_eq!(make(MemfdFlags::from_bits_retain(1 << 31)), Err(Errno::EINVAL));
    if make(MemfdFlags::NOEXEC_SEAL) == Err(Errno::EINVAL) {
        return skip(a_memfd_holds_bytes_and_is_a_program_if_it_is_told_to, "no MFD_NOEXEC_SEAL here");
    }
    assert_eq!(make(MemfdFlags::NOEXEC_SEAL), Ok(false));
    // vm.memfd_noexec may forbid it.
    assert!([Ok(true), Err(Errno::EACCES)].contains(&make(MemfdFlags::EXEC)));
}

#[test]
fn a_link_is_read_whole_or_not_at_all() {
    let dir = Dir::new();
    symlink("target", dir.join("link")).unwrap();
    fs::write(dir.join("file"), "").unwrap();
    let fd = dir.fd();
    let read =
        |path: &CStr, room: usize| sys::readlinkat(fd.as_fd(), path, &mut vec![0; room]).map(<[u8]>::to_vec);
    assert_eq!(read(c"link", 7), Ok(b"target".to_vec()));
    assert_eq!(read(c"link", 6), Err(Errno::ENAMETOOLONG));
    assert_eq!(read(c"link", 1), Err(Errno::ENAMETOOLONG));
    assert_eq!(read(c"file", 7), Err(Errno::EINVAL));
    assert_eq!(read(c"none", 7), Err(Errno::ENOENT));
}

#[test]
fn every_entry_is_listed_once_however_small_the_buffer() {
    let dir = Dir::new();
    let mut want = vec![c".".to_owned(), c"..".to_owned()];
    for length in 1..40 {
        let name = "n".repeat(length);
        fs::write(dir.join(&name), "").unwrap();
        want.push(c_path(name));
    }
    want.sort();
    for room in [64, 100, 4096, 65536] {
        let (fd, mut buffer, mut names) = (dir.fd(), vec![0; room], Vec::new());
        loop {
            let filled = sys::getdents64(fd.as_fd(), &mut buffer).unwrap();
            if filled == 0 {
                break;
            }
            names.extend(Entries::new(buffer.split_at(filled).0).map(CStr::to_owned));
        }
        names.sort();
        assert_eq!(names, want, "{room}");
    }
    assert_eq!(sys::getdents64(dir.fd().as_fd(), &mut [0; 8]), Err(Errno::EINVAL));
}

#[test]
fn damaged_entries_end() {
    let dir = Dir::new();
    fs::write(dir.join("file"), "").unwrap();
    let mut buffer = [0; 256];
    let filled = sys::getdents64(dir.fd().as_fd(), &mut buffer).unwrap();
    let filled = buffer.split_at(filled).0;
    for end in 0..filled.len() {
        assert!(Entries::new(filled.split_at(end).0).count() < 3, "{end}");
    }
    // A record whose length is 0, less than its head, or more than the buffer.
    for length in [0u16, 1, 18, 19, 65535] {
        let mut damaged = filled.to_vec();
        damaged.splice(16..18, length.to_ne_bytes());
        assert_eq!(Entries::new(&damaged).count(), 0, "{length}");
    }
}

#[test]
fn every_type_of_file_is_told_apart() {
    let dir = Dir::new();
    fs::write(dir.join("file"), "").unwrap();
    symlink("file", dir.join("link")).unwrap();
    let fd = dir.fd();
    let (socket, _) = net::socketpair(libc::SOCK_STREAM).unwrap();
    let open =
        |path: &CStr, flags| sys::openat2(fd.as_fd(), path, flags, Mode::empty(), Resolve::empty()).unwrap();
    for (fd, want) in [
        (open(c"file", NONE), FileType::Regular),
        (open(c"file", OFlags::PATH), FileType::Regular),
        (open(c".", NONE), FileType::Directory),
        (open(c"link", OFlags::PATH), FileType::Regular),
        (open(c"link", OFlags::PATH | OFlags::NOFOLLOW), FileType::Symlink),
        (open(c"/dev/null", OFlags::PATH), FileType::CharDevice),
        (socket, FileType::Socket),
    ] {
        assert_eq!(sys::info(fd.as_fd()).unwrap().kind, want);
    }
}

#[test]
fn times_are_set_to_the_nanosecond() {
    let dir = Dir::new();
    fs::write(dir.join("file"), "").unwrap();
    let file = sys::open(&c_path(dir.join("file")), NONE).unwrap();
    // The second is beyond what 32 bits count.
    let times = [(7, 11), (0x1_0000_0005, 999_999_999)].map(|(sec, nsec)| Timespec { sec, nsec });
    sys::set_times(file.as_fd(), Some(&times)).unwrap();
    let stat = fs::metadata(dir.join("file")).unwrap();
    assert_eq!((stat.atime(), stat.atime_nsec()), (7, 11));
    assert_eq!((stat.mtime(), stat.mtime_nsec()), (0x1_0000_0005, 999_999_999));
    sys::set_times(file.as_fd(), None).unwrap();
    assert!(fs::metadata(dir.join("file")).unwrap().atime() > 1_000_000_000);
}

#[test]
fn names_are_made_moved_and_removed() {
    let dir = Dir::new();
    let fd = dir.fd();
    let here = fd.as_fd();
    sys::mkdirat(here, c"one", Mode::RWXU).unwrap();
    assert_eq!(sys::mkdirat(here, c"one", Mode::RWXU), Err(Errno::EEXIST));
    sys::renameat(here, c"one", here, c"two").unwrap();
    assert_eq!(sys::renameat(here, c"one", here, c"two"), Err(Errno::ENOENT));
    assert!(dir.join("two").is_dir() && !dir.join("one").exists());
    fs::write(dir.join("two/file"), "").unwrap();
    assert_eq!(sys::unlinkat(here, c"two", UnlinkFlags::REMOVEDIR), Err(Errno::ENOTEMPTY));
    assert_eq!(sys::unlinkat(here, c"two", UnlinkFlags::empty()), Err(Errno::EISDIR));
    assert_eq!(sys::unlinkat(here, c"two/file", UnlinkFlags::REMOVEDIR), Err(Errno::ENOTDIR));
    sys::unlinkat(here, c"two/file", UnlinkFlags::empty()).unwrap();
    sys::unlinkat(here, c"two", UnlinkFlags::REMOVEDIR).unwrap();
    assert_eq!(fs::read_dir(&*dir).unwrap().count(), 0);
}

#[test]
fn a_mapping_is_zeroed_and_ours() {
    let mut mapping = Mapping::new(10_000).unwrap();
    assert_eq!(mapping.bytes(), [0; 10_000]);
    mapping.bytes().fill(7);
    assert_eq!(mapping.bytes(), [7; 10_000]);
    assert_eq!(Mapping::new(0).unwrap_err(), Errno::EINVAL);
    // More than a slice may have: where registers are narrow, or page tables deep, the kernel has room for
    // it.
    assert_eq!(Mapping::new(1 << (usize::BITS - 1)).unwrap_err(), Errno::ENOMEM);
}

#[test]
fn terminal_settings_survive_a_round_trip() {
    let terminal = match sys::open(c"/dev/ptmx", OFlags::RDWR | OFlags::NOCTTY) {
        Ok(terminal) => terminal,
        Err(errno) => {
            return skip(terminal_settings_survive_a_round_trip, format_args!("/dev/ptmx: {errno}"));
        }
    };
    let before = tty::settings(terminal.as_fd()).unwrap();
    tty::set_settings(terminal.as_fd(), &before).unwrap();
    let after = tty::settings(terminal.as_fd()).unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    // It controls no process here.
    assert_eq!(tty::foreground(BorrowedFd::CWD).unwrap_err(), Errno::EBADF);
    assert_eq!(tty::set_foreground(terminal.as_fd(), Pid::new(1)), Err(Errno::ENOTTY));
}

#[test]
fn a_file_system_is_known_by_its_number() {
    // PROC_SUPER_MAGIC, SOCKFS_MAGIC.
    let proc = sys::open(c"/proc", sys::OFlags::PATH).unwrap();
    assert_eq!(sys::file_system(proc.as_fd()), Ok(0x9fa0));
    let (socket, _) = net::socketpair(libc::SOCK_STREAM).unwrap();
    assert_eq!(sys::file_system(socket.as_fd()), Ok(0x534f_434b));
    assert_eq!(sys::file_system(BorrowedFd::NONE), Err(Errno::EBADF));
}

#[cfg(feature = "std")]
#[test]
fn a_descriptor_becomes_the_standard_librarys_and_comes_back() {
    use std::io::Write;
    use std::os::fd;
    let fd = sys::memfd_create(c"test", MemfdFlags::CLOEXEC).unwrap();
    let number = fd.as_fd().as_raw();
    let theirs = fd::BorrowedFd::try_from(fd.as_fd()).unwrap();
    assert_eq!(BorrowedFd::from(theirs).as_raw(), number);
    assert_eq!(fd::BorrowedFd::try_from(BorrowedFd::NONE).unwrap_err(), Errno::EBADF);
    let mut file = fs::File::from(fd::OwnedFd::from(fd));
    file.write_all(b"content").unwrap();
    let fd = sandlock_sys::OwnedFd::from(fd::OwnedFd::from(file));
    assert_eq!(fd.as_fd().as_raw(), number);
    sys::rewind(fd.as_fd()).unwrap();
    assert_eq!(sys::read(fd.as_fd(), &mut [0; 8]), Ok(7));
}
