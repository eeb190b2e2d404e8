//! Unix sockets: by path, by way of every other spelling of a path, and by abstract name.

use core::ffi::CStr;
use std::ffi::CString;

use libc::{AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM};

use crate::call::{Attack, Result, at, attack, done, open, path};
use crate::inet::{message, socket};

pub(crate) const ATTACKS: &[Attack] = &[
    attack("unix_connect", "connects to the socket at PATH", |args| connect(SOCK_STREAM, &path(args, 0))),
    attack("unix_seqpacket", "the same with a socket for records", |args| {
        connect(SOCK_SEQPACKET, &path(args, 0))
    }),
    attack("unix_relative", "goes to DIR and connects to the socket at NAME there", |args| {
        sys!("chdir", &path(args, 0))?;
        connect(SOCK_STREAM, &path(args, 1))
    }),
    attack("unix_proc_root", "connects to PATH by way of /proc/self/root", |args| {
        connect(SOCK_STREAM, &CString::new(format!("/proc/self/root{}", args[0])).unwrap())
    }),
    attack("unix_proc_cwd", "goes to DIR and connects to NAME by way of /proc/self/cwd", |args| {
        sys!("chdir", &path(args, 0))?;
        connect(SOCK_STREAM, &CString::new(format!("/proc/self/cwd/{}", args[1])).unwrap())
    }),
    attack("unix_proc_fd", "pins PATH and connects to it by way of /proc/self/fd", |args| {
        let pin = open(&path(args, 0), libc::O_PATH)?;
        connect(SOCK_STREAM, &CString::new(format!("/proc/self/fd/{pin}")).unwrap())
    }),
    attack("unix_link", "links PATH to HERE and connects to that", |args| {
        sys!("linkat", libc::AT_FDCWD, &path(args, 0), libc::AT_FDCWD, &path(args, 1), 0)?;
        connect(SOCK_STREAM, &path(args, 1))
    }),
    attack("unix_rename", "moves PATH to HERE and connects to that", |args| {
        sys!("renameat", libc::AT_FDCWD, &path(args, 0), libc::AT_FDCWD, &path(args, 1))?;
        connect(SOCK_STREAM, &path(args, 1))
    }),
    attack("unix_symlink", "makes a symbolic link to PATH at HERE and connects to that", |args| {
        sys!("symlinkat", &path(args, 0), libc::AT_FDCWD, &path(args, 1))?;
        connect(SOCK_STREAM, &path(args, 1))
    }),
    attack("unix_dgram", "sends a datagram to the socket at PATH", |args| {
        let address = name(&path(args, 0));
        done(sys!("sendto", socket(AF_UNIX, SOCK_DGRAM, 0)?, b"x", 1, 0, address.as_slice(), address.len()))
    }),
    attack("unix_dgram_message", "sends a datagram to the socket at PATH by sendmsg", |args| {
        let address = name(&path(args, 0));
        let (_data, message) = message(&address);
        done(sys!("sendmsg", socket(AF_UNIX, SOCK_DGRAM, 0)?, at(&message), 0))
    }),
    attack("unix_dgram_connect", "connects a datagram socket to the one at PATH", |args| {
        let address = name(&path(args, 0));
        done(sys!("connect", socket(AF_UNIX, SOCK_DGRAM, 0)?, address.as_slice(), address.len()))
    }),
    attack("unix_dgram_abstract", "sends a datagram to the abstract socket NAME", |args| {
        let address = abstract_name(&args[0]);
        done(sys!("sendto", socket(AF_UNIX, SOCK_DGRAM, 0)?, b"x", 1, 0, address.as_slice(), address.len()))
    }),
    attack("unix_abstract", "connects to the abstract socket NAME", |args| {
        let address = abstract_name(&args[0]);
        done(sys!("connect", socket(AF_UNIX, SOCK_STREAM, 0)?, address.as_slice(), address.len()))
    }),
    attack("unix_own_abstract", "connects to an abstract socket of its own", |args| {
        let address = abstract_name(&args[0]);
        let server = socket(AF_UNIX, SOCK_STREAM, 0)?;
        sys!("bind", server, address.as_slice(), address.len())?;
        sys!("listen", server, 1)?;
        done(sys!("connect", socket(AF_UNIX, SOCK_STREAM, 0)?, address.as_slice(), address.len()))
    }),
    attack("unix_bind", "makes a socket at PATH", |args| {
        let address = name(&path(args, 0));
        done(sys!("bind", socket(AF_UNIX, SOCK_STREAM, 0)?, address.as_slice(), address.len()))
    }),
    attack(
        "unix_unreadable",
        "connects to PATH in a program that nobody may read, itself copied to HERE",
        |args| {
            std::fs::copy("/proc/self/exe", &args[1]).unwrap();
            sys!("fchmodat", libc::AT_FDCWD, &path(args, 1), 0o111)?;
            let copy = path(args, 1);
            let argv = [copy.clone(), c"unix_connect".to_owned(), path(args, 0)];
            crate::files::replace(&copy, &argv)
        },
    ),
];

/// `struct sockaddr_un` of a path, as long as it needs to be.
pub(crate) fn name(path: &CStr) -> Vec<u8> {
    let mut address = (AF_UNIX as u16).to_ne_bytes().to_vec();
    address.extend(path.to_bytes_with_nul());
    address
}

/// The same of an abstract name.
pub(crate) fn abstract_name(name: &str) -> Vec<u8> {
    let mut address = (AF_UNIX as u16).to_ne_bytes().to_vec();
    address.push(0);
    address.extend(name.as_bytes());
    address
}

fn connect(kind: i32, path: &CStr) -> Result {
    let address = name(path);
    done(sys!("connect", socket(AF_UNIX, kind, 0)?, address.as_slice(), address.len()))
}
