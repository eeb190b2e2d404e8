#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod abi;
mod access;
mod display;
mod error;
mod protection;
mod ruleset;

pub use abi::Abi;
pub use access::{AccessFs, AccessNet, RestrictFlags, Rights, Scope};
pub use error::Error;
pub use protection::{PROTECTIONS, Protection};
pub use ruleset::{Enforced, Ruleset, RulesetFd};
