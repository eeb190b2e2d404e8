//! The verifier: proves that a program returns its table's action for every possible call.
//!
//! It splits all calls by the tests of the table, so that the table has one action for each part, and follows
//! the program with all facts about the calls of a part. Where a jump may go either way for them, it
//! splits the part once more. Programs only jump forward, so every path ends, and must end with the action of
//! its part. Nothing here is shared with the compiler but the definition of the table.

use core::fmt;

use sandlock_sys::filter::{Data, SockFilter};

use crate::action::Action;
use crate::arch::{LE, NONE, X32_SYSCALL_BIT};
use crate::check::{Fault, check};
use crate::decode::{Alu, Cmp, Insn, Operand};
use crate::facts::{Facts, TooHard};
use crate::table::{Answer, Case, Error, Table, Test};

/// Evidence that a program implements a table; only [`verify`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The number of paths through table and program.
    pub paths: usize,
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counterexample {
    /// The table is none.
    Table(Error),
    /// The kernel would not take the program.
    Program(Fault),
    /// The two disagree about this call.
    Differs {
        /// The call.
        data: Data,
        /// The table's action.
        table: Action,
        /// The program's action.
        program: Action,
    },
    /// Some call gets to an instruction that no compiled filter has: arithmetic other than AND, scratch
    /// memory, register X.
    Unknown {
        /// The instruction, counted from 0.
        at: usize,
    },
    /// The proof would take more than 256 facts on a path, or too long.
    TooHard,
}

/// Proves that `program` answers every call as `table` does: any number, of any architecture, with any
/// arguments.
///
/// # Errors
///
/// A call for which it does not, or the reason why neither can be shown. There is no proof of a wrong
/// program.
pub fn verify(table: &Table<'_>, program: &[SockFilter]) -> Result<Proof, Counterexample> {
    table.check().map_err(Counterexample::Table)?;
    check(program).map_err(Counterexample::Program)?;
    let big_endian = table.arch.big_endian;
    let mut verifier = Verifier { table, program, big_endian, facts: Facts::new(), paths: 0 };
    verifier.every_call()?;
    Ok(Proof { paths: verifier.paths })
}

struct Verifier<'a> {
    table: &'a Table<'a>,
    program: &'a [SockFilter],
    /// The byte order of the calls that are looked at.
    big_endian: bool,
    facts: Facts,
    paths: usize,
}

type Verified = Result<(), Counterexample>;

impl Verifier<'_> {
    fn every_call(&mut self) -> Verified {
        let first = self.table;
        let tables = || core::iter::successors(Some(first), |table| table.compat);
        let foreign = tables().last().map_or(first.foreign, |table| table.foreign);
        for big_endian in [false, true] {
            self.big_endian = big_endian;
            let order = self.word(4).test(Cmp::Jset, LE);
            self.facts.assume(if big_endian { order.not() } else { order })?;
            for table in tables() {
                self.facts.assume(self.word(4).test(Cmp::Jeq, table.arch.audit).not())?;
            }
            self.program(foreign)?;
            self.facts.forget(0);
        }
        for table in tables() {
            self.table = table;
            self.every_number()?;
            self.facts.forget(0);
        }
        Ok(())
    }

    /// All calls of the table's architecture.
    fn every_number(&mut self) -> Verified {
        self.big_endian = self.table.arch.big_endian;
        self.facts.assume(self.word(4).test(Cmp::Jeq, self.table.arch.audit))?;
        let mut next = Some(0);
        for row in self.table.rows {
            self.gap(next, row.nr.checked_sub(1))?;
            self.numbers(row.nr, row.nr, row.answer)?;
            next = row.nr.checked_add(1);
        }
        if self.table.arch.x32 {
            self.gap(next, Some(X32_SYSCALL_BIT.saturating_sub(1)))?;
            self.numbers(X32_SYSCALL_BIT, NONE.saturating_sub(1), Answer::Always(self.table.foreign))?;
            self.gap(Some(NONE), Some(NONE))
        } else {
            self.gap(next, Some(u32::MAX))
        }
    }

    /// The numbers between two rows, if there are any.
    fn gap(&mut self, first: Option<u32>, last: Option<u32>) -> Verified {
        match (first, last) {
            (Some(first), Some(last)) if first <= last => {
                self.numbers(first, last, Answer::Always(self.table.missing))
            }
            _ => Ok(()),
        }
    }

    /// All calls with these numbers.
    fn numbers(&mut self, first: u32, last: u32, answer: Answer<'_>) -> Verified {
        let known = self.facts.len();
        let nr = self.word(0);
        self.facts.assume(nr.test(Cmp::Jge, first))?;
        self.facts.assume(nr.test(Cmp::Jgt, last).not())?;
        match answer {
            Answer::Always(action) => self.program(action)?,
            Answer::Cases(cases, otherwise) => self.cases(cases, otherwise)?,
        }
        self.facts.forget(known);
        Ok(())
    }

    /// The calls for which the cases before these do not hold.
    fn cases(&mut self, cases: &[Case<'_>], otherwise: Action) -> Verified {
        let Some((case, rest)) = cases.split_first() else { return self.program(otherwise) };
        let known = self.facts.len();
        for test in case.when {
            let mask = test.mask & self.table.arch.registers;
            let test = Test { arg: test.arg.saturating_add(2), mask, ..*test };
            // Those for which this is the first test of the case that fails.
            let holding = self.facts.len();
            if self.facts.assume(test.not())? {
                self.cases(rest, otherwise)?;
            }
            self.facts.forget(holding);
            // And those for which it holds as well.
            if !self.facts.assume(test)? {
                self.facts.forget(known);
                return Ok(());
            }
        }
        self.program(case.then)?;
        self.facts.forget(known);
        Ok(())
    }

    /// The program returns `want` for all calls that the facts hold for.
    fn program(&mut self, want: Action) -> Verified {
        let known = self.facts.len();
        // The kernel starts a filter with 0 in A: no bits of some word.
        let start = Word { mask: 0, ..self.word(0) };
        self.follow(0, start, want)?;
        self.facts.forget(known);
        Ok(())
    }

    /// The same for the program from one instruction on, with what it finds in A.
    fn follow(&mut self, mut at: usize, mut a: Word, want: Action) -> Verified {
        loop {
            let insn = self.program.get(at).and_then(|insn| Insn::decode(*insn));
            let after = |skip: usize| at.saturating_add(1).saturating_add(skip);
            match insn {
                Some(Insn::LdAbs(offset)) => {
                    a = self.word(offset);
                    at = after(0);
                }
                Some(Insn::Alu(Alu::And, Operand::K(k))) => {
                    a.mask &= a.shifted(k);
                    at = after(0);
                }
                Some(Insn::Ja(k)) => at = after(usize::try_from(k).unwrap_or(usize::MAX)),
                Some(Insn::Jmp { cmp, operand: Operand::K(k), jt, jf }) => {
                    let test = a.test(cmp, k);
                    let (yes, no) = (after(usize::from(jt)), after(usize::from(jf)));
                    at = match (self.facts.allow(test)?, self.facts.allow(test.not())?) {
                        (true, false) => yes,
                        (false, _) => no,
                        (true, true) => {
                            let known = self.facts.len();
                            self.facts.assume(test)?;
                            self.follow(yes, a, want)?;
                            self.facts.forget(known);
                            self.facts.assume(test.not())?;
                            no
                        }
                    };
                }
                Some(Insn::RetK(word)) => return self.agree(want, Action::from_word(word)),
                _ => return Err(Counterexample::Unknown { at }),
            }
        }
    }

    /// The word at this offset.
    fn word(&self, offset: u32) -> Word {
        let field = u8::try_from(offset.div_euclid(8)).unwrap_or(u8::MAX);
        // Not a mask shifted by 0 or 32: of that LLVM 22 makes 64 ones on 32-bit Arm.
        if (offset & 4 != 0) == self.big_endian {
            Word { field, shift: 0, mask: 0xffff_ffff }
        } else {
            Word { field, shift: 32, mask: 0xffff_ffff_0000_0000 }
        }
    }

    fn agree(&mut self, table: Action, program: Action) -> Verified {
        self.paths = self.paths.saturating_add(1);
        if table == program {
            return Ok(());
        }
        let data = self.facts.example(self.big_endian)?;
        Err(Counterexample::Differs { data, table, program })
    }
}

/// Some bits of a word of `struct seccomp_data`, as bits of the 64-bit field that the word is half of.
#[derive(Clone, Copy)]
struct Word {
    field: u8,
    /// Where the word starts in the field: 0 or 32.
    shift: u32,
    mask: u64,
}

impl Word {
    fn shifted(self, k: u32) -> u64 {
        u64::from(k).unbounded_shl(self.shift)
    }

    /// The condition of a jump, if this is in A.
    fn test(self, cmp: Cmp, k: u32) -> Test {
        let (arg, mask, k) = (self.field, self.mask, self.shifted(k));
        match cmp {
            Cmp::Jeq => Test { arg, mask, first: k, last: k, inside: true },
            Cmp::Jge => Test { arg, mask, first: k, last: u64::MAX, inside: true },
            Cmp::Jgt => Test { arg, mask, first: 0, last: k, inside: false },
            Cmp::Jset => Test { arg, mask: mask & k, first: 0, last: 0, inside: false },
        }
    }
}

impl From<TooHard> for Counterexample {
    fn from(_: TooHard) -> Self {
        Self::TooHard
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(error) => error.fmt(f),
            Self::Program(fault) => fault.fmt(f),
            Self::Differs { data, table, program } => {
                let Data { nr, arch, args, .. } = data;
                write!(f, "system call {nr} of {arch:#x} with {args:x?}: {program} instead of {table}")
            }
            Self::Unknown { at } => write!(f, "instruction {at}: not one of a compiled filter"),
            Self::TooHard => f.write_str("the proof takes too long"),
        }
    }
}

impl core::error::Error for Counterexample {}
