//! Rights on files, one test each.

#![expect(unsafe_code, reason = "mknod(2), which the standard library has not")]

use core::mem;
use std::env;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use sandlock_landlock::{AccessFs, Rights, Ruleset};
use sandlock_sys::fs::OFlags;
use sandlock_sys::{AsFd, Errno, tty};

use crate::{Dir, abi_with, outcome, place, restricted, skip};

/// `act` in a directory with `prepare`d content succeeds without a ruleset. Under one it fails with `denied`
/// as long as no rule on the directory grants `right`, whether the ruleset handles that right alone or every
/// other one too and grants those.
#[track_caller]
fn check<T>(
    test: T,
    right: AccessFs,
    denied: Errno,
    prepare: fn(&Path) -> io::Result<()>,
    act: fn(&Path) -> io::Result<()>,
) {
    let Some(abi) = abi_with(test, Rights::on_files(right)) else { return };
    let dir = Dir::new();
    prepare(&dir).unwrap();
    assert_eq!(outcome(act(&dir)), Ok(()), "without a ruleset");
    let all = abi.rights().fs;
    for (handled, granted, want) in [
        (right, AccessFs::empty(), Err(denied)),
        (right, right, Ok(())),
        (all, all.difference(right), Err(denied)),
        (all, all, Ok(())),
    ] {
        let dir = Dir::new();
        prepare(&dir).unwrap();
        let ruleset = Ruleset::handle(Rights::on_files(handled)).create(abi).unwrap();
        ruleset.allow_path(granted, place(&*dir).as_fd()).unwrap();
        let got = restricted(&ruleset, || outcome(act(&dir)));
        assert_eq!(got, want, "{granted:?} of {handled:?} granted");
    }
}

fn nothing(_: &Path) -> io::Result<()> {
    Ok(())
}

fn a_file(dir: &Path) -> io::Result<()> {
    fs::write(dir.join("file"), "content")
}

fn mknod(path: &Path, mode: libc::mode_t, device: libc::dev_t) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: mknod reads one C string.
    match unsafe { libc::mknod(path.as_ptr(), mode | 0o600, device) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[test]
fn write_file() {
    check(write_file, AccessFs::WRITE_FILE, Errno::EACCES, a_file, |dir| {
        OpenOptions::new().write(true).open(dir.join("file")).map(drop)
    });
}

#[test]
fn read_file() {
    check(read_file, AccessFs::READ_FILE, Errno::EACCES, a_file, |dir| {
        File::open(dir.join("file")).map(drop)
    });
}

#[test]
fn read_dir() {
    check(read_dir, AccessFs::READ_DIR, Errno::EACCES, nothing, |dir| fs::read_dir(dir).map(drop));
}

#[test]
fn remove_dir() {
    let prepare = |dir: &Path| fs::create_dir(dir.join("sub"));
    check(remove_dir, AccessFs::REMOVE_DIR, Errno::EACCES, prepare, |dir| fs::remove_dir(dir.join("sub")));
}

#[test]
fn remove_file() {
    check(remove_file, AccessFs::REMOVE_FILE, Errno::EACCES, a_file, |dir| fs::remove_file(dir.join("file")));
}

#[test]
fn make_char() {
    // The null device.
    make_device(make_char, AccessFs::MAKE_CHAR, |dir| {
        mknod(&dir.join("c"), libc::S_IFCHR, libc::makedev(1, 3))
    });
}

#[test]
fn make_block() {
    // The first loop device.
    make_device(make_block, AccessFs::MAKE_BLOCK, |dir| {
        mknod(&dir.join("b"), libc::S_IFBLK, libc::makedev(7, 0))
    });
}

fn make_device<T>(test: T, right: AccessFs, act: fn(&Path) -> io::Result<()>) {
    if outcome(act(&Dir::new())) == Err(Errno::EPERM) {
        return skip(test, "making a device needs CAP_MKNOD");
    }
    check(test, right, Errno::EACCES, nothing, act);
}

#[test]
fn make_dir() {
    check(make_dir, AccessFs::MAKE_DIR, Errno::EACCES, nothing, |dir| fs::create_dir(dir.join("sub")));
}

#[test]
fn make_reg() {
    check(make_reg, AccessFs::MAKE_REG, Errno::EACCES, nothing, a_file);
}

#[test]
fn make_sock() {
    check(make_sock, AccessFs::MAKE_SOCK, Errno::EACCES, nothing, |dir| {
        UnixListener::bind(dir.join("sock")).map(drop)
    });
}

#[test]
fn make_fifo() {
    check(make_fifo, AccessFs::MAKE_FIFO, Errno::EACCES, nothing, |dir| {
        mknod(&dir.join("fifo"), libc::S_IFIFO, 0)
    });
}

#[test]
fn make_sym() {
    check(make_sym, AccessFs::MAKE_SYM, Errno::EACCES, nothing, |dir| symlink("target", dir.join("link")));
}

/// `from/file`, and a directory to move it to.
fn two_dirs(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir.join("from"))?;
    fs::create_dir(dir.join("to"))?;
    a_file(&dir.join("from"))
}

fn move_between(dir: &Path) -> io::Result<()> {
    fs::rename(dir.join("from/file"), dir.join("to/file"))
}

#[test]
fn refer() {
    check(refer, AccessFs::REFER, Errno::EXDEV, two_dirs, move_between);
    check(refer, AccessFs::REFER, Errno::EXDEV, two_dirs, |dir| {
        fs::hard_link(dir.join("from/file"), dir.join("to/file"))
    });
}

#[test]
fn refer_is_denied_even_if_it_is_not_handled() {
    let Some(abi) = abi_with(refer_is_denied_even_if_it_is_not_handled, Rights::on_files(AccessFs::READ_DIR))
    else {
        return;
    };
    let dir = Dir::new();
    two_dirs(&dir).unwrap();
    let ruleset = Ruleset::handle(Rights::on_files(AccessFs::READ_DIR)).create(abi).unwrap();
    ruleset.allow_path(AccessFs::READ_DIR | AccessFs::REFER, place(&*dir).as_fd()).unwrap();
    assert_eq!(restricted(&ruleset, || outcome(move_between(&dir))), Err(Errno::EXDEV));
    // Within a directory it takes no such right.
    let rename = || outcome(fs::rename(dir.join("from/file"), dir.join("from/other")));
    assert_eq!(restricted(&ruleset, rename), Ok(()));
}

#[test]
fn truncate() {
    check(truncate, AccessFs::TRUNCATE, Errno::EACCES, a_file, |dir| {
        OpenOptions::new().write(true).truncate(true).open(dir.join("file")).map(drop)
    });
    check(truncate, AccessFs::TRUNCATE, Errno::EACCES, a_file, |dir| {
        OpenOptions::new().write(true).open(dir.join("file"))?.set_len(1)
    });
}

#[test]
fn ioctl_dev() {
    let right = AccessFs::IOCTL_DEV;
    let Some(abi) = abi_with(ioctl_dev, Rights::on_files(right)) else { return };
    let ioctl = || {
        let terminal = sandlock_sys::fs::open(c"/dev/ptmx", OFlags::RDWR | OFlags::NOCTTY)?;
        tty::settings(terminal.as_fd()).map(drop)
    };
    if let Err(errno @ (Errno::ENOENT | Errno::ENODEV | Errno::EACCES)) = ioctl() {
        return skip(ioctl_dev, format_args!("/dev/ptmx: {errno}"));
    }
    let ruleset = Ruleset::handle(Rights::on_files(right)).create(abi).unwrap();
    assert_eq!(ioctl(), Ok(()));
    assert_eq!(restricted(&ruleset, ioctl), Err(Errno::EACCES));
    ruleset.allow_path(right, place("/dev/ptmx").as_fd()).unwrap();
    assert_eq!(restricted(&ruleset, ioctl), Ok(()));
}

#[test]
fn execute() {
    let right = AccessFs::EXECUTE;
    let Some(abi) = abi_with(execute, Rights::on_files(right)) else { return };
    let exe = env::current_exe().unwrap();
    // This program with no test to run, which succeeds.
    let run = || {
        let mut command = Command::new(&exe);
        let status = command.args(["--exact", "no such test"]).stdout(Stdio::null()).status()?;
        assert!(status.success());
        Ok(())
    };
    let ruleset = Ruleset::handle(Rights::on_files(right)).create(abi).unwrap();
    // Where the ELF interpreter is, which is executed as well.
    for lib in ["/lib", "/lib64", "/usr/lib"].iter().filter(|lib| Path::new(lib).exists()) {
        ruleset.allow_path(right, place(lib).as_fd()).unwrap();
    }
    assert_eq!(outcome(run()), Ok(()));
    assert_eq!(restricted(&ruleset, || outcome(run())), Err(Errno::EACCES));
    ruleset.allow_path(right, place(&exe).as_fd()).unwrap();
    assert_eq!(restricted(&ruleset, || outcome(run())), Ok(()));
}

#[test]
fn resolve_unix() {
    // The listener is left open: it must live as long as the directory is used.
    let prepare = |dir: &Path| UnixListener::bind(dir.join("sock")).map(mem::forget);
    check(resolve_unix, AccessFs::RESOLVE_UNIX, Errno::EACCES, prepare, |dir| {
        UnixStream::connect(dir.join("sock")).map(drop)
    });
}

#[test]
fn a_rule_on_a_file_grants_what_a_file_can_have() {
    let all = AccessFs::READ | AccessFs::WRITE;
    let Some(abi) =
        abi_with(a_rule_on_a_file_grants_what_a_file_can_have, Rights::on_files(AccessFs::EXECUTE))
    else {
        return;
    };
    let dir = Dir::new();
    a_file(&dir).unwrap();
    mknod(&dir.join("fifo"), libc::S_IFIFO, 0).unwrap();
    symlink("file", dir.join("link")).unwrap();
    let (ruleset, _) = Ruleset::handle(Rights::on_files(all)).best_effort(abi);
    let ruleset = ruleset.create(abi).unwrap();
    for name in ["file", "fifo", "link"] {
        ruleset.allow_path(all, place(dir.join(name)).as_fd()).unwrap();
        // Nothing of this is for a file, so no rule is made, which the kernel would refuse.
        ruleset.allow_path(AccessFs::REFER | AccessFs::READ_DIR, place(dir.join(name)).as_fd()).unwrap();
    }
    ruleset.allow_path(all, place("/dev/null").as_fd()).unwrap();
    let read_write = |path: &Path| outcome(OpenOptions::new().read(true).write(true).open(path));
    restricted(&ruleset, || {
        for path in [dir.join("file"), dir.join("fifo"), dir.join("link"), "/dev/null".into()] {
            assert_eq!(read_write(&path), Ok(()), "{}", path.display());
        }
        assert_eq!(outcome(fs::write(dir.join("new"), "")), Err(Errno::EACCES));
        assert_eq!(outcome(fs::read_dir(&*dir)), Err(Errno::EACCES));
        assert_eq!(outcome(fs::remove_file(dir.join("file"))), Err(Errno::EACCES));
    });
}
