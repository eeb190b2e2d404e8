#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

mod action;
mod arch;
mod assembler;
mod check;
mod decode;
mod definition;
mod display;
mod facts;
mod field;
mod filter;
mod insn;
mod run;
mod table;
mod verify;

pub use action::Action;
pub use arch::Arch;
pub use assembler::{Assembler, Label};
pub use check::{Fault, FaultKind, check};
pub use display::Listing;
pub use field::Field;
pub use insn::MAXINSNS;
pub use run::{Run, constant, run, trace};
pub use table::{Answer, Case, Error, Row, Table, Test};
pub use verify::{Counterexample, Proof, verify};
