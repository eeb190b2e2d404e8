//! The compiler: a table becomes a filter.
//!
//! The filter looks at `arch`, then finds the number by binary search over stretches of equal answers, and
//! loads an argument only where the answer for that number depends on one. So the kernel can compute in
//! advance which calls are always allowed, and will not run the filter for them.

use sandlock_sys::filter::SockFilter;

use crate::action::Action;
use crate::arch::{Arch, NONE, X32_SYSCALL_BIT};
use crate::assembler::{Assembler, Label};
use crate::field::{Field, halves};
use crate::table::{Answer, Case, Error, Row, Table, Test};

impl Table<'_> {
    /// Writes the filter, from the start of `asm`.
    ///
    /// # Errors
    ///
    /// * [`Error::Row`]: the rows are not in order.
    /// * [`Error::TooLong`]: the filter has more than `N` instructions.
    pub fn compile<'p, const N: usize>(&self, asm: &'p mut Assembler<N>) -> Result<&'p [SockFilter], Error> {
        self.check()?;
        asm.clear();
        let by_arch = self.arm(asm);
        let entry = asm.load(Field::ARCH, by_arch);
        asm.finish(entry).ok_or(Error::TooLong)
    }

    /// Entered with `arch` loaded: this table, then the others.
    fn arm<const N: usize>(&self, asm: &mut Assembler<N>) -> Label {
        let compat = self.compat.map(|table| table.arm(asm));
        let by_nr = search(asm, self.arch, Runs { table: self, rows: self.rows, next: Some(0) });
        let native = asm.load(Field::NR, by_nr);
        let foreign = compat.unwrap_or_else(|| asm.ret(self.foreign));
        asm.if_eq(self.arch.audit, native, foreign)
    }
}

/// Every number from 0 up, in runs of one answer: where each run starts, and the answer.
#[derive(Clone)]
struct Runs<'a> {
    table: &'a Table<'a>,
    /// The rows that are still to come.
    rows: &'a [Row<'a>],
    /// The first number that is still to come.
    next: Option<u32>,
}

/// A run: its first number, its answer, and the first number after it.
type Run<'a> = (u32, Answer<'a>, Option<u32>);

impl<'a> Runs<'a> {
    /// Takes one row, or the gap before the next row.
    fn step(&mut self) -> Option<(u32, Answer<'a>)> {
        let first = self.next?;
        let (next, answer) = match self.rows.split_first() {
            Some((row, rest)) if row.nr == first => {
                self.rows = rest;
                (first.checked_add(1), row.answer)
            }
            Some((row, _)) => (Some(row.nr), Answer::Always(self.table.missing)),
            // An x32 number has the same `arch`, so that it takes a comparison of its own to refuse it.
            None if self.table.arch.x32 && first < X32_SYSCALL_BIT => {
                (Some(X32_SYSCALL_BIT), Answer::Always(self.table.missing))
            }
            None if self.table.arch.x32 && first < NONE => (Some(NONE), Answer::Always(self.table.foreign)),
            None => (None, Answer::Always(self.table.missing)),
        };
        self.next = next;
        Some((first, answer))
    }

    /// Takes a whole run.
    fn run(&mut self) -> Option<Run<'a>> {
        let (first, answer) = self.step()?;
        loop {
            let mut ahead = self.clone();
            match ahead.step() {
                Some((_, next)) if next == answer => *self = ahead,
                _ => return Some((first, answer, self.next)),
            }
        }
    }
}

/// How many exceptions a stretch may have: each is one more comparison on the way to the others.
const EXCEPTIONS: usize = 4;

/// Numbers with one answer, but for a few among them, which have one each. That takes one comparison for an
/// exception, and cutting the run in three would take two.
#[derive(Clone, Copy)]
struct Stretch<'a> {
    first: u32,
    answer: Answer<'a>,
    exceptions: [Option<(u32, Answer<'a>)>; EXCEPTIONS],
}

impl<'a> Iterator for Runs<'a> {
    type Item = Stretch<'a>;

    /// Takes a stretch. An exception is recognized by the run after it.
    fn next(&mut self) -> Option<Self::Item> {
        let (first, answer, _) = self.run()?;
        let mut stretch = Stretch { first, answer, exceptions: [None; EXCEPTIONS] };
        for slot in &mut stretch.exceptions {
            let mut ahead = self.clone();
            let (Some((nr, exception, after)), Some((_, again, _))) = (ahead.run(), ahead.run()) else {
                break;
            };
            if again != answer || after != nr.checked_add(1) {
                break;
            }
            *slot = Some((nr, exception));
            *self = ahead;
        }
        Some(stretch)
    }
}

/// The binary search over the stretches.
///
/// They are taken once, in order, and kept as trees of two to the power of their place: two of one size
/// become one of the next. So it is as deep as the logarithm of their number.
fn search<const N: usize>(asm: &mut Assembler<N>, arch: Arch, stretches: Runs<'_>) -> Label {
    // A tree: where its first stretch starts, and the code.
    let mut trees: [Option<(u32, Label)>; 32] = [None; 32];
    for stretch in stretches {
        let mut tree = (stretch.first, Writer { asm, arch }.stretch(&stretch));
        for slot in &mut trees {
            let Some((first, low)) = slot.take() else {
                *slot = Some(tree);
                break;
            };
            tree = (first, asm.split_at(tree.0, tree.1, low));
        }
    }
    let whole = trees
        .into_iter()
        .flatten()
        .reduce(|(pivot, high), (first, low)| (first, asm.split_at(pivot, high, low)));
    whole.map_or_else(|| asm.ret(Action::KILL_PROCESS), |(_, code)| code)
}

/// Which bits of which word.
type Bits = (Field, u32);

/// Code, and the word that must have been loaded when it is entered, if it needs one.
#[derive(Clone, Copy)]
struct Code {
    entry: Label,
    needs: Option<Bits>,
}

const NR: Option<Bits> = Some((Field::NR, u32::MAX));

/// Writes the code of one answer.
struct Writer<'p, const N: usize> {
    asm: &'p mut Assembler<N>,
    arch: Arch,
}

impl<const N: usize> Writer<'_, N> {
    /// Entered with the number loaded.
    fn stretch(&mut self, stretch: &Stretch<'_>) -> Label {
        let answer = self.answer(stretch.answer);
        let rest = self.enter(answer, NR);
        stretch.exceptions.iter().flatten().rev().fold(rest, |rest, (nr, answer)| {
            let answer = self.answer(*answer);
            let answer = self.enter(answer, NR);
            self.asm.if_eq(*nr, answer, rest)
        })
    }

    fn answer(&mut self, answer: Answer<'_>) -> Code {
        match answer {
            Answer::Always(action) => self.ret(action),
            Answer::Cases(cases, otherwise) => {
                let otherwise = self.ret(otherwise);
                self.cases(cases, 0, otherwise)
            }
        }
    }

    /// The cases but for their first `known` tests, which hold. Neighbours whose next test is the same share
    /// it.
    fn cases(&mut self, cases: &[Case<'_>], known: usize, otherwise: Code) -> Code {
        let alike = |one: &Case<'_>, other: &Case<'_>| one.when.get(known) == other.when.get(known);
        cases.chunk_by(alike).rev().fold(otherwise, |rest, cases| match cases {
            [Case { when, then }, ..] => match when.get(known) {
                Some(test) => {
                    let holds = self.cases(cases, known.saturating_add(1), rest);
                    self.test(test, holds, rest)
                }
                None => self.ret(*then),
            },
            [] => rest,
        })
    }

    fn ret(&mut self, action: Action) -> Code {
        Code { entry: self.asm.ret(action), needs: None }
    }

    /// One test, made of tests of the two halves.
    fn test(&mut self, test: &Test, yes: Code, no: Code) -> Code {
        let (yes, no) = if test.inside { (yes, no) } else { (no, yes) };
        if test.first > test.last {
            return no;
        }
        let (low, high) = (Field::low(self.arch, test.arg), Field::high(self.arch, test.arg));
        let (mask_high, mask_low) = halves(test.mask & self.arch.registers);
        let (first_high, first_low) = halves(test.first);
        let (last_high, last_low) = halves(test.last);
        if first_high == last_high {
            let yes = self.within(low, mask_low, (first_low, last_low), yes, no);
            return self.within(high, mask_high, (first_high, first_high), yes, no);
        }
        // At either end of the range the low half decides, between them the high half alone.
        let at_first = self.within(low, mask_low, (first_low, u32::MAX), yes, no);
        let at_last = self.within(low, mask_low, (0, last_low), yes, no);
        let between = (first_high.saturating_add(1), last_high.saturating_sub(1));
        let no = self.within(high, mask_high, between, yes, no);
        let no = self.within(high, mask_high, (last_high, last_high), at_last, no);
        self.within(high, mask_high, (first_high, first_high), at_first, no)
    }

    /// Tests whether the bits of `mask` in a word are from `first` to `last`.
    fn within(&mut self, word: Field, mask: u32, (first, last): (u32, u32), yes: Code, no: Code) -> Code {
        if first > last || first > mask {
            return no;
        }
        if first == 0 && last >= mask {
            return yes;
        }
        let has_no_bit = last == 0 && mask != u32::MAX;
        let needs = Some((word, if has_no_bit { u32::MAX } else { mask }));
        let (yes, no) = (self.enter(yes, needs), self.enter(no, needs));
        let entry = if has_no_bit {
            self.asm.if_set(mask, no, yes)
        } else if first == last {
            self.asm.if_eq(first, yes, no)
        } else {
            let yes = if last >= mask { yes } else { self.asm.if_gt(last, no, yes) };
            if first == 0 { yes } else { self.asm.if_ge(first, yes, no) }
        };
        Code { entry, needs }
    }

    /// Where to enter `code` when the last that was loaded is `loaded`.
    fn enter(&mut self, code: Code, loaded: Option<Bits>) -> Label {
        match code.needs {
            Some((word, mask)) if loaded != code.needs => {
                let entry = if mask == u32::MAX { code.entry } else { self.asm.and(mask, code.entry) };
                self.asm.load(word, entry)
            }
            _ => code.entry,
        }
    }
}
