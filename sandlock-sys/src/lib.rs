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
pub mod arch;
#[cfg(target_os = "linux")]
pub mod cap;
#[cfg(target_os = "linux")]
mod conv;
#[cfg(target_os = "linux")]
pub mod fd;
#[cfg(target_os = "linux")]
pub mod fs;
#[cfg(target_os = "linux")]
pub mod handoff;
#[cfg(target_os = "linux")]
mod id;
#[cfg(target_os = "linux")]
pub mod ipc;
#[cfg(target_os = "linux")]
pub mod landlock;
#[cfg(target_os = "linux")]
pub mod mm;
#[cfg(target_os = "linux")]
pub mod net;
#[cfg(target_os = "linux")]
pub mod poll;
#[cfg(target_os = "linux")]
pub mod prctl;
#[cfg(target_os = "linux")]
pub mod process;
#[cfg(target_os = "linux")]
pub mod seccomp;
#[cfg(target_os = "linux")]
pub mod signal;
#[cfg(target_os = "linux")]
pub mod time;
#[cfg(target_os = "linux")]
pub mod tty;
#[cfg(target_os = "linux")]
mod wide;

#[cfg(target_os = "linux")]
pub(crate) use arch::syscall;
pub use errno::{Errno, Result};
#[cfg(target_os = "linux")]
pub use fd::{AsFd, BorrowedFd, OwnedFd};
#[cfg(target_os = "linux")]
pub use id::{Gid, Pid, Signal, Uid};
