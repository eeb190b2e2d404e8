//! A filter implements its table: by hand, at random, and proved.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "tests"
)]

mod equivalence;
mod proof;
mod spec;
mod tables;
