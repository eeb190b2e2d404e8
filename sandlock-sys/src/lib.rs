#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(test)]
extern crate std;

pub mod arch;
pub mod cap;
mod conv;
pub mod errno;
pub mod fd;
pub mod fs;
mod ioctl;
pub mod landlock;
pub mod mm;
pub mod net;
pub mod nr;
pub mod poll;
pub mod prctl;
pub mod process;
pub mod seccomp;
pub mod signal;
pub mod tty;

pub use errno::{Errno, Result};
pub use fd::{AsFd, BorrowedFd, OwnedFd};
