//! An assembler that writes the last instruction first, so that a wrong jump cannot be written.
//!
//! Classic BPF only jumps forward. Written backwards, every target is an instruction that exists
//! already, and a [`Label`] is nothing but its name.

use sandlock_sys::filter::SockFilter;

use crate::action::Action;
use crate::field::Field;
use crate::insn::{AND_K, JA, JEQ_K, JGE_K, JGT_K, JSET_K, LD_ABS, MAXINSNS, RET_K};

/// A program of at most `N` instructions, in the making.
///
/// An instruction that is there already, with the same continuation, is not written again: equal
/// returns, and equal code before them, are shared without the caller's doing.
pub struct Assembler<const N: usize> {
    /// Filled from the end.
    program: [SockFilter; N],
    /// For each label, the newest older one in its chain; [`NONE`] ends it.
    older: [u16; N],
    /// The newest label of each chain: of the instructions that [`chain`] maps to the same one.
    newest: [u16; CHAINS],
    len: usize,
    too_long: bool,
}

const CHAINS: usize = 128;
/// No label: there are fewer than [`MAXINSNS`].
const NONE: u16 = u16::MAX;

/// Where an instruction is looked for.
fn chain(code: u16, k: u32) -> usize {
    let mixed = (k ^ u32::from(code).rotate_left(8)).wrapping_mul(0x9e37_79b9);
    usize::try_from(mixed >> 25).unwrap_or(0)
}

/// An instruction of one assembler: how many instructions come after it. Labels of another one name some
/// other instruction, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(usize);

impl<const N: usize> Default for Assembler<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Assembler<N> {
    /// An empty program; the kernel takes up to 4096 instructions.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N <= MAXINSNS, "the kernel takes no more") };
        let program = [SockFilter { code: 0, jt: 0, jf: 0, k: 0 }; N];
        Self { program, older: [NONE; N], newest: [NONE; CHAINS], len: 0, too_long: false }
    }

    /// Forgets the instructions written, and all labels with them.
    pub const fn clear(&mut self) {
        self.newest = [NONE; CHAINS];
        self.len = 0;
        self.too_long = false;
    }

    /// Ends the program with this action.
    pub fn ret(&mut self, action: Action) -> Label {
        let ret = SockFilter { code: RET_K, jt: 0, jf: 0, k: action.word() };
        self.find(RET_K, ret.k, |_, _| true).unwrap_or_else(|| self.push(ret))
    }

    /// Loads a word, then goes on at `next`.
    pub fn load(&mut self, field: Field, next: Label) -> Label {
        self.step(LD_ABS, field.offset(), next)
    }

    /// Keeps these bits of the word, then goes on at `next`.
    pub fn and(&mut self, mask: u32, next: Label) -> Label {
        self.step(AND_K, mask, next)
    }

    /// Goes on at `yes` if the word is `k`, else at `no`.
    pub fn if_eq(&mut self, k: u32, yes: Label, no: Label) -> Label {
        self.branch(JEQ_K, k, yes, no)
    }

    /// Goes on at `yes` if the word is above `k`, else at `no`.
    pub fn if_gt(&mut self, k: u32, yes: Label, no: Label) -> Label {
        self.branch(JGT_K, k, yes, no)
    }

    /// Goes on at `yes` if the word is `k` or above, else at `no`.
    pub fn if_ge(&mut self, k: u32, yes: Label, no: Label) -> Label {
        self.branch(JGE_K, k, yes, no)
    }

    /// The same, where the caller knows that it is written once only: looking for it would cost more than all
    /// the rest.
    pub(crate) fn split_at(&mut self, k: u32, yes: Label, no: Label) -> Label {
        if self.same(yes, no) { yes } else { self.push_branch(JGE_K, k, yes, no) }
    }

    /// Goes on at `yes` if the word has a bit of `k`, else at `no`.
    pub fn if_set(&mut self, k: u32, yes: Label, no: Label) -> Label {
        self.branch(JSET_K, k, yes, no)
    }

    /// The program that starts at `entry`; none if some instruction found no room, no matter how long ago.
    #[must_use]
    pub fn finish(&self, entry: Label) -> Option<&[SockFilter]> {
        let (_, program) = self.program.split_at_checked(N.wrapping_sub(entry.0).wrapping_sub(1))?;
        (!self.too_long && entry.0 < self.len).then_some(program)
    }

    /// An instruction that only changes the word.
    fn step(&mut self, code: u16, k: u32, next: Label) -> Label {
        // What returns at once reads no word.
        if self.get(next).is_some_and(|insn| insn.code == RET_K) {
            return next;
        }
        let written =
            self.find(code, k, |label, _| label.skip(0).is_some_and(|follows| self.same(follows, next)));
        written.unwrap_or_else(|| {
            // It falls through to the instruction written last, so that has to be `next` or a way there.
            if next.0 != self.len.wrapping_sub(1) {
                self.push_jump(next);
            }
            self.push(SockFilter { code, jt: 0, jf: 0, k })
        })
    }

    /// A conditional jump.
    fn branch(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        if self.same(yes, no) {
            return yes;
        }
        let written = self.find(code, k, |label, insn| {
            label.skip(u32::from(insn.jt)).is_some_and(|target| self.same(target, yes))
                && label.skip(u32::from(insn.jf)).is_some_and(|target| self.same(target, no))
        });
        written.unwrap_or_else(|| self.push_branch(code, k, yes, no))
    }

    fn push_branch(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        // Bringing `no` within reach may write one more instruction, over which `yes` must still be reached.
        let yes = self.near(yes, 1);
        let no = self.near(no, 0);
        match (u8::try_from(self.distance(yes)), u8::try_from(self.distance(no))) {
            (Ok(jt), Ok(jf)) => self.push(SockFilter { code, jt, jf, k }),
            _ => self.overflow(),
        }
    }

    /// A label that does the same as `label` and is in reach of a conditional jump which is written after
    /// at most `room` further instructions.
    fn near(&mut self, label: Label, room: usize) -> Label {
        let reach = usize::from(u8::MAX).saturating_sub(room);
        if self.distance(label) <= reach {
            return label;
        }
        let mut newest = (0..self.len).rev().map(Label).take(reach.saturating_add(1));
        let near = newest.find(|other| self.same(*other, label));
        near.unwrap_or_else(|| self.push_jump(label))
    }

    /// What goes on at `target` from any distance: a `ja`, or the same return once more.
    fn push_jump(&mut self, target: Label) -> Label {
        let target = self.through(target);
        match (self.get(target), u32::try_from(self.distance(target))) {
            (Some(ret), _) if ret.code == RET_K => self.push(ret),
            (Some(_), Ok(k)) => self.push(SockFilter { code: JA, jt: 0, jf: 0, k }),
            _ => self.overflow(),
        }
    }

    /// Whether two labels do the same: one instruction, or equal returns.
    fn same(&self, one: Label, other: Label) -> bool {
        let (one, other) = (self.through(one), self.through(other));
        one == other || self.get(one).is_some_and(|insn| insn.code == RET_K && self.get(other) == Some(insn))
    }

    /// The target of a `ja`, any other instruction itself. No `ja` leads to another one.
    fn through(&self, label: Label) -> Label {
        match self.get(label) {
            Some(insn) if insn.code == JA => label.skip(insn.k).unwrap_or(label),
            _ => label,
        }
    }

    /// The newest instruction of this code and operand that is `wanted`.
    fn find(&self, code: u16, k: u32, wanted: impl Fn(Label, SockFilter) -> bool) -> Option<Label> {
        let mut next = *self.newest.get(chain(code, k))?;
        loop {
            let label = Label(usize::from(next));
            // NONE is no label.
            let insn = self.get(label)?;
            if (insn.code, insn.k) == (code, k) && wanted(label, insn) {
                return Some(label);
            }
            next = *self.older.get(label.0)?;
        }
    }

    fn get(&self, label: Label) -> Option<SockFilter> {
        if label.0 >= self.len {
            return None;
        }
        self.program.get(N.wrapping_sub(label.0).wrapping_sub(1)).copied()
    }

    /// How many instructions the next one has to skip to go on at `target`.
    fn distance(&self, target: Label) -> usize {
        self.len.wrapping_sub(target.0).wrapping_sub(1)
    }

    fn push(&mut self, insn: SockFilter) -> Label {
        let label = Label(self.len);
        let slot = self.program.get_mut(N.wrapping_sub(self.len).wrapping_sub(1));
        let (Some(slot), Some(older), Some(newest), Ok(name)) = (
            slot,
            self.older.get_mut(self.len),
            self.newest.get_mut(chain(insn.code, insn.k)),
            u16::try_from(self.len),
        ) else {
            return self.overflow();
        };
        *slot = insn;
        *older = core::mem::replace(newest, name);
        self.len = self.len.saturating_add(1);
        label
    }

    /// Remembers the failure until [`finish`](Self::finish); instructions written meanwhile are void.
    const fn overflow(&mut self) -> Label {
        self.too_long = true;
        Label(0)
    }
}

impl Label {
    /// Where an instruction goes on that is here and skips `count` others.
    fn skip(self, count: u32) -> Option<Self> {
        let count = usize::try_from(count).ok()?;
        self.0.checked_sub(count)?.checked_sub(1).map(Self)
    }
}
