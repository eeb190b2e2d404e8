#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod args;
mod call;
mod closer;
mod deferred;
mod dispatch;
pub mod dns;
pub mod egress;
pub mod handlers;
mod notification;
mod objects;
mod paths;
mod ports;
mod proc;
mod target;
mod terminals;
#[cfg(test)]
mod tests;
mod verdict;
mod work;

pub use call::Call;
pub use closer::Closer;
pub use deferred::{Again, DeferredCalls, MAX_DEFERRED};
pub use dispatch::{Handler, dispatch};
pub use notification::{Notification, PidfdCache, Waiting, recv};
pub use objects::Objects;
pub use ports::Ports;
pub use proc::{open_status, pending_signals};
pub use target::{Socket, Target, UserAddr, read_array, read_cstr};
pub use terminals::Terminals;
pub use verdict::{ContinueReason, Response, Until, Verdict, Wait};
pub use work::{Context, Desk, Job, Workers};
