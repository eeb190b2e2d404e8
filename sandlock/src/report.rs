//! Reports: the restrictions of a plan, the refusals of a run, and the abilities of the running kernel.

mod ask;
mod decide;
mod error;
mod kernel;
mod known;
mod observe;
mod places;
mod receipt;
mod refusals;
mod walk;

pub use decide::{Decision, Judge, Mechanism, Operation};
pub use kernel::kernel_features;
pub use observe::Witness;
pub use receipt::Enforcement;
pub use refusals::{Act, MOST_REFUSALS, Refusal, Weight};
