//! Reports: what a plan enforces, and what the running kernel can do.

mod decide;
mod error;
mod kernel;
mod receipt;

pub use decide::{Decision, Mechanism, Operation};
pub use kernel::kernel_features;
pub use receipt::Enforcement;
