#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod call;
mod dispatch;
pub mod handlers;
mod kept;
mod notification;
mod place;
mod ports;
mod proc;
mod target;

pub use call::Call;
pub use dispatch::{Handler, Route, Verdict, dispatch};
pub use kept::Kept;
pub use notification::{Known, Notification, Response, Why, recv};
pub use ports::Ports;
pub use target::{Target, UserAddr, read_array, read_cstr};
