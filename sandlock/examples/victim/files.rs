//! Files outside the grants, the many ways to change one, what can be executed without a path, and what was
//! left open.

use core::ffi::{CStr, c_long};
use std::ffi::CString;
use std::os::unix::fs::MetadataExt;

use sandlock_sys::ioctl::{READ, WRITE, ioc};

use crate::call::{Attack, Errno, Result, attack, check, done, open, path};

const CREATE: i32 = libc::O_WRONLY | libc::O_CREAT;

pub(crate) const ATTACKS: &[Attack] = &[
    attack("read", "reads PATH", |args| {
        let mut text = [0u8; 64];
        let len = sys!("read", open(&path(args, 0), libc::O_RDONLY)?, &mut text, 64)?;
        Ok(String::from_utf8_lossy(&text[..len]).trim_end().to_owned())
    }),
    attack("list_dir", "lists PATH", |args| {
        let dir = open(&path(args, 0), libc::O_RDONLY | libc::O_DIRECTORY)?;
        done(sys!("getdents64", dir, &mut [0u64; 256], 2048))
    }),
    attack("write", "opens PATH for writing", |args| done(open(&path(args, 0), libc::O_WRONLY))),
    attack("append", "opens PATH for appending", |args| {
        done(open(&path(args, 0), libc::O_WRONLY | libc::O_APPEND))
    }),
    attack("truncate_open", "opens PATH for reading and truncates it by that", |args| {
        done(open(&path(args, 0), libc::O_RDONLY | libc::O_TRUNC))
    }),
    attack("truncate", "truncates PATH", |args| done(sys!("truncate", &path(args, 0), 0))),
    attack("creat", "makes a file in DIR by creat", |args| done(sys!("creat", &within(args), 0o600))),
    attack("create", "makes a file in DIR by openat", |args| done(open(&within(args), CREATE))),
    attack("openat2", "makes a file in DIR by openat2", |args| {
        done(sys!("openat2", libc::AT_FDCWD, &within(args), &[CREATE as u64, 0o600, 0], 24))
    }),
    attack("set_id", "makes a file with the set-user-ID or set-group-ID bit in DIR by way of HOW", |args| {
        let new = within(args);
        let (at, id) = (libc::AT_FDCWD, if args[1].ends_with("_group") { 0o2755 } else { 0o4755 });
        let file = match args[1].trim_end_matches("_group") {
            "open" => sys!("openat", at, &new, CREATE, id)?,
            "creat" => sys!("creat", &new, id)?,
            "openat2" => sys!("openat2", at, &new, &[CREATE as u64, id as u64, 0], 24)?,
            "mknod" => {
                sys!("mknodat", at, &new, libc::S_IFREG as i32 | id, 0)?;
                open(&new, libc::O_RDONLY)?
            }
            "tmpfile" => sys!("openat", at, &path(args, 0), libc::O_TMPFILE | libc::O_WRONLY, id)?,
            "chmod" => {
                let file = open(&new, CREATE)?;
                sys!("chmod", &new, id)?;
                file
            }
            "fchmod" => {
                let file = open(&new, CREATE)?;
                sys!("fchmod", file, id)?;
                file
            }
            how => panic!("{how}?"),
        };
        let mode = std::fs::metadata(format!("/proc/self/fd/{file}")).unwrap().mode();
        check(mode & 0o6000 != 0, Errno::EPERM)
    }),
    attack("tmpfile", "makes a file without a name in DIR and gives it one", |args| {
        let file = open(&path(args, 0), libc::O_TMPFILE | libc::O_WRONLY)?;
        let from = CString::new(format!("/proc/self/fd/{file}")).unwrap();
        done(sys!("linkat", libc::AT_FDCWD, &from, libc::AT_FDCWD, &within(args), libc::AT_SYMLINK_FOLLOW))
    }),
    attack("mkdir", "makes a directory in DIR", |args| {
        done(sys!("mkdirat", libc::AT_FDCWD, &within(args), 0o700))
    }),
    attack("symlink", "makes a symbolic link in DIR", |args| {
        done(sys!("symlinkat", c"/etc", libc::AT_FDCWD, &within(args)))
    }),
    attack("mkfifo", "makes a fifo in DIR", |args| {
        done(sys!("mknodat", libc::AT_FDCWD, &within(args), libc::S_IFIFO | 0o600, 0))
    }),
    attack("unlink", "removes PATH", |args| done(sys!("unlinkat", libc::AT_FDCWD, &path(args, 0), 0))),
    attack("rename", "moves PATH to TO", |args| {
        done(sys!("renameat2", libc::AT_FDCWD, &path(args, 0), libc::AT_FDCWD, &path(args, 1), 0))
    }),
    attack("exchange", "exchanges PATH and TO", |args| {
        done(sys!("renameat2", libc::AT_FDCWD, &path(args, 0), libc::AT_FDCWD, &path(args, 1), 2))
    }),
    attack("link", "links PATH to TO", |args| {
        done(sys!("linkat", libc::AT_FDCWD, &path(args, 0), libc::AT_FDCWD, &path(args, 1), 0))
    }),
    attack("through_symlink", "reads PATH by a symbolic link at TO", |args| {
        sys!("symlinkat", &path(args, 0), libc::AT_FDCWD, &path(args, 1))?;
        done(open(&path(args, 1), libc::O_RDONLY))
    }),
    attack("through_root", "reads PATH by way of /proc/self/root", |args| {
        done(open(&CString::new(format!("/proc/self/root{}", args[0])).unwrap(), libc::O_RDONLY))
    }),
    attack("pinned", "pins PATH and opens the pin for reading", |args| {
        let pin = open(&path(args, 0), libc::O_PATH)?;
        done(open(&CString::new(format!("/proc/self/fd/{pin}")).unwrap(), libc::O_RDONLY))
    }),
    attack("upgraded", "opens PATH for reading, and that again for writing", |args| {
        let file = open(&path(args, 0), libc::O_RDONLY)?;
        done(open(&CString::new(format!("/proc/self/fd/{file}")).unwrap(), libc::O_WRONLY))
    }),
    attack("flags", "sets a flag of PATH, open for reading", |args| {
        let file = open(&path(args, 0), libc::O_RDONLY)?;
        let mut flags = [0i32; 2];
        // FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
        sys!("ioctl", file, ioc(READ, b'f', 1, size_of::<c_long>()), &mut flags)?;
        done(sys!("ioctl", file, ioc(WRITE, b'f', 2, size_of::<c_long>()), &flags))
    }),
    attack("chmod", "changes the mode of PATH", |args| done(sys!("chmod", &path(args, 0), 0o777))),
    attack("fchmod", "the same by a descriptor that is open for reading", |args| {
        done(sys!("fchmod", open(&path(args, 0), libc::O_RDONLY)?, 0o777))
    }),
    attack("fchmodat", "the same by fchmodat", |args| {
        done(sys!("fchmodat", libc::AT_FDCWD, &path(args, 0), 0o777))
    }),
    attack("fchmodat2", "the same by fchmodat2", |args| {
        done(sys!("fchmodat2", libc::AT_FDCWD, &path(args, 0), 0o777, 0))
    }),
    attack("chmod_pinned", "the same by the path of a pin's descriptor", |args| {
        let pin = open(&path(args, 0), libc::O_PATH)?;
        done(sys!("chmod", &CString::new(format!("/proc/self/fd/{pin}")).unwrap(), 0o777))
    }),
    attack("chmod_symlink", "the same by a symbolic link at TO", |args| {
        sys!("symlinkat", &path(args, 0), libc::AT_FDCWD, &path(args, 1))?;
        done(sys!("chmod", &path(args, 1), 0o777))
    }),
    attack("chmod_dotdot", "the same by way of `..` from a directory descriptor of DIR", |args| {
        let dir = open(&path(args, 0), libc::O_PATH)?;
        let up = CString::new(format!("../../../../../../..{}", args[1])).unwrap();
        done(sys!("fchmodat", dir, &up, 0o777))
    }),
    attack("chown", "gives PATH to who has it", |args| done(sys!("chown", &path(args, 0), -1, -1))),
    attack("lchown", "the same without following a link", |args| {
        done(sys!("lchown", &path(args, 0), -1, -1))
    }),
    attack("fchown", "the same by descriptor", |args| {
        done(sys!("fchown", open(&path(args, 0), libc::O_RDONLY)?, -1, -1))
    }),
    attack("fchownat", "the same by fchownat", |args| {
        let pin = open(&path(args, 0), libc::O_PATH)?;
        done(sys!("fchownat", pin, c"", -1, -1, libc::AT_EMPTY_PATH))
    }),
    attack("utime", "changes the times of PATH", |args| {
        done(sys!("utime", &path(args, 0), &[1 as c_long, 1]))
    }),
    attack("utimes", "the same by utimes", |args| {
        done(sys!("utimes", &path(args, 0), &[1 as c_long, 0, 1, 0]))
    }),
    attack("futimesat", "the same by futimesat", |args| {
        done(sys!("futimesat", libc::AT_FDCWD, &path(args, 0), &[1 as c_long, 0, 1, 0]))
    }),
    attack("utimensat", "the same by utimensat", |args| {
        done(sys!("utimensat", libc::AT_FDCWD, &path(args, 0), 0, 0))
    }),
    attack("futimens", "the same by a descriptor that is open for reading", |args| {
        done(sys!("utimensat", open(&path(args, 0), libc::O_RDONLY)?, 0, 0, 0))
    }),
    attack("setxattr", "sets an attribute of PATH", |args| {
        done(sys!("setxattr", &path(args, 0), c"user.sandlock", b"x", 1, 0))
    }),
    attack("fsetxattr", "the same by a descriptor that is open for reading", |args| {
        done(sys!("fsetxattr", open(&path(args, 0), libc::O_RDONLY)?, c"user.sandlock", b"x", 1, 0))
    }),
    attack("removexattr", "removes an attribute of PATH", |args| {
        match sys!("removexattr", &path(args, 0), c"user.none") {
            Err(Errno::ENODATA) => Ok("there was none".into()),
            other => done(other),
        }
    }),
    attack("setxattrat", "sets an attribute by the newest call", |args| {
        let value = [b"x".as_ptr().expose_provenance(), 1];
        done(sys!("setxattrat", libc::AT_FDCWD, &path(args, 0), 0, c"user.sandlock", &value, 16))
    }),
    attack("inherited", "reads descriptor 9", |_| {
        let mut text = [0u8; 64];
        let len = sys!("read", 9, &mut text, 64)?;
        Ok(String::from_utf8_lossy(&text[..len]).trim_end().to_owned())
    }),
    attack("device", "makes the device of the first disk in DIR", |args| {
        done(sys!("mknodat", libc::AT_FDCWD, &within(args), libc::S_IFBLK | 0o600, 0xfe00))
    }),
    attack("capabilities", "counts the capabilities it has or could get", |_| {
        let status = std::fs::read_to_string("/proc/self/status").map_err(|_| Errno::EIO)?;
        let sets: Vec<&str> = status.lines().filter(|line| line.starts_with("Cap")).collect();
        let held = |name: &str| {
            sets.iter().any(|line| line.starts_with(name) && !line.ends_with("0000000000000000"))
        };
        check(held("CapPrm") || held("CapEff") || held("CapAmb") || held("CapInh"), Errno::EPERM)
            .map(|_| sets.join(" "))
    }),
    attack("memfd", "executes a file without a name", |_| execute_memfd(0)),
    attack("memfd_exec", "asks for one that may be executed", |_| execute_memfd(0x10)),
    attack("memfd_again", "executes one by its descriptor's path", |_| {
        let file = copy_to_memfd(1)?;
        replace(
            &CString::new(format!("/proc/self/fd/{file}")).unwrap(),
            &[c"memfd".to_owned(), c"hello".to_owned()],
        )
    }),
    attack("memfd_chmod", "makes one executable first", |_| {
        let file = copy_to_memfd(1)?;
        sys!("fchmod", file, 0o700)?;
        replace(
            &CString::new(format!("/proc/self/fd/{file}")).unwrap(),
            &[c"memfd".to_owned(), c"hello".to_owned()],
        )
    }),
    attack("execute", "executes PATH", |args| replace(&path(args, 0), &[path(args, 0), c"hello".to_owned()])),
    attack("hello", "says that it runs", |_| Ok("executed".into())),
];

/// A name in DIR that is its own.
fn within(args: &[String]) -> CString {
    CString::new(format!("{}/made-{}", args[0], std::process::id())).unwrap()
}

/// This program again, as whatever file; it returns only to say why not.
pub(crate) fn replace(file: &CStr, argv: &[CString]) -> Result {
    let mut pointers: Vec<usize> = argv.iter().map(|word| word.as_ptr().expose_provenance()).collect();
    pointers.push(0);
    done(sys!("execve", file, pointers.as_slice(), &[0usize]))
}

fn copy_to_memfd(flags: u32) -> Result<usize> {
    let file = sys!("memfd_create", c"x", flags)?;
    let program = std::fs::read("/proc/self/exe").unwrap();
    let mut rest = program.as_slice();
    while !rest.is_empty() {
        let len = sys!("write", file, rest, rest.len())?;
        rest = &rest[len..];
    }
    Ok(file)
}

fn execute_memfd(flags: u32) -> Result {
    let file = copy_to_memfd(flags)?;
    let argv = [c"memfd".as_ptr().expose_provenance(), c"hello".as_ptr().expose_provenance(), 0];
    done(sys!("execveat", file, c"", &argv, &[0usize], libc::AT_EMPTY_PATH))
}
