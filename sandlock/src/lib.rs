#![doc = include_str!("../README.md")]

mod child;
mod error;
mod grammar;
mod launch;
mod outcome;
mod plan;
mod policy;
mod profile;
mod report;
mod run;
mod supervise;
pub mod table;
#[cfg(test)]
mod tests;

pub use child::{Child, Stdio};
pub use error::{Error, Step};
pub use outcome::{Ended, Outcome};
pub use plan::{Grant, Plan};
pub use policy::{Home, Host, Policy, PortList, Reach, Source};
pub use report::{
    Act, Decision, Enforcement, Judge, MOST_REFUSALS, Mechanism, Operation, Refusal, Weight, Witness,
    kernel_features,
};
pub use supervise::Observer;

pub use sandlock_landlock::{Abi, AccessFs, PROTECTIONS, Protection};
pub use sandlock_sys::nr::Name;
pub use sandlock_sys::{Errno, seccomp::SockFilter};
