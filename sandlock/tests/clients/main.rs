//! Programs that ask which network there is: inside a sandbox each prints what it prints, and returns what it
//! returns, where the network is the kernel's own and only `lo` is up.

#![cfg(feature = "cli")]

mod both;
#[path = "../common/mod.rs"]
mod common;
mod crates;
mod differences;
mod iproute2;
mod languages;
mod libc;
mod sockets;
mod tools;
mod transfer;
