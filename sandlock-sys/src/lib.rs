#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(any(test, feature = "std"))]
extern crate std;

// Data: builds anywhere.
pub mod errno;
pub mod filter;
pub mod ioctl;
pub mod nr;

// System calls: Linux.
#[cfg(target_os = "linux")]
#[path = "."]
mod linux {
    pub mod arch;
    pub mod cap;
    pub(crate) mod conv;
    pub mod fd;
    pub mod fs;
    pub mod handoff;
    pub(crate) mod id;
    pub mod ipc;
    pub mod landlock;
    pub mod mm;
    pub mod net;
    pub mod poll;
    pub mod prctl;
    pub mod process;
    pub mod seccomp;
    pub mod signal;
    pub mod time;
    pub mod tty;
    pub(crate) mod wide;

    pub(crate) use arch::syscall;
    pub(crate) use fd::kind;
    pub use fd::{AsFd, BorrowedFd, OwnedFd};
    pub use id::{Gid, Pid, Signal, Uid};
}

pub use errno::{Errno, Result};
#[cfg(target_os = "linux")]
pub use linux::*;
