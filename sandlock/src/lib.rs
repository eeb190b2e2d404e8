#![doc = include_str!("../README.md")]

mod base;
mod channel;
mod command;
mod error;
mod guardian;
mod index;
mod kernel;
mod launch;
mod plan;
mod policy;
mod ports;
mod receipt;
mod routes;
mod rules;
mod supervise;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod tmp;

pub use error::{Error, Step};
pub use kernel::kernel_features;
pub use plan::Plan;
pub use policy::Policy;
pub use ports::PortList;
pub use receipt::Enforcement;
pub use supervise::Outcome;
pub use table::{Class, FAMILIES, Facts, Family};

pub use sandlock_landlock::{Abi, PROTECTIONS, Protection};
