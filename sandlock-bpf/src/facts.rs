//! The constraints on a call along one path, and whether any call meets them.

use sandlock_sys::filter::Data;

use crate::field;
use crate::table::Test;

/// The most facts that a path may need.
const ROOM: usize = 256;

/// How often a value may be tried in one proof. A table of some hundred calls takes up to two million.
const TRIES: u32 = 1 << 23;

/// The proof needs more memory or time than it may take.
pub(crate) struct TooHard;

/// Tests that hold for a call, in which `arg` counts the eight 64-bit fields of `struct seccomp_data`: field
/// 0 is `nr` and `arch`, field 1 the instruction pointer, field 2 the first argument.
pub(crate) struct Facts {
    list: [Test; ROOM],
    len: usize,
    tries: u32,
    /// A value of each field that the facts held for when it was found. It holds for fewer of them too, so a
    /// search is needed only where a new fact excludes it.
    values: [u64; 8],
}

impl Facts {
    pub(crate) const fn new() -> Self {
        Self { list: [Test::any64(0, 0); ROOM], len: 0, tries: TRIES, values: [0; 8] }
    }

    /// How many there are; [`forget`](Self::forget) goes back to them.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn forget(&mut self, len: usize) {
        self.len = len;
    }

    /// Adds a fact; false if there is no call that it and the others hold for.
    pub(crate) fn assume(&mut self, fact: Test) -> Result<bool, TooHard> {
        *self.list.get_mut(self.len).ok_or(TooHard)? = fact;
        self.len = self.len.saturating_add(1);
        let field = usize::from(fact.arg);
        if self.values.get(field).is_some_and(|value| fact.holds_for(*value)) {
            return Ok(true);
        }
        let found = self.value(fact.arg)?;
        if let (Some(value), Some(known)) = (found, self.values.get_mut(field)) {
            *known = value;
        }
        Ok(found.is_some())
    }

    /// Whether there is a call that this and all facts hold for.
    pub(crate) fn allow(&mut self, fact: Test) -> Result<bool, TooHard> {
        let len = self.len;
        let allowed = self.assume(fact);
        self.forget(len);
        allowed
    }

    /// A call that all facts hold for.
    pub(crate) fn example(&mut self, big_endian: bool) -> Result<Data, TooHard> {
        let mut fields = [0; 8];
        for (value, number) in fields.iter_mut().zip(0..) {
            *value = self.value(number)?.unwrap_or_default();
        }
        let [first, instruction_pointer, args @ ..] = fields;
        let (high, low) = field::halves(first);
        let (nr, arch) = if big_endian { (high, low) } else { (low, high) };
        Ok(Data { nr: nr.cast_signed(), arch, instruction_pointer, args })
    }

    /// A value of this field that all facts hold for. Facts about other fields do not matter to it.
    fn value(&mut self, field: u8) -> Result<Option<u64>, TooHard> {
        self.complete(field, 0, u64::MAX)
    }

    /// Such a value with the bits of `value` where `open` has none.
    ///
    /// It sets one bit after the other, the highest first, as long as some fact depends on the rest: so the
    /// values still possible are close together, and mostly a fact is settled by the least and the greatest
    /// of them.
    fn complete(&mut self, field: u8, value: u64, open: u64) -> Result<Option<u64>, TooHard> {
        self.tries = self.tries.checked_sub(1).ok_or(TooHard)?;
        let mut unsettled = 0;
        for fact in self.list.iter().take(self.len).filter(|fact| fact.arg == field) {
            let (least, greatest) = (value & fact.mask, (value | open) & fact.mask);
            let all_inside = fact.first <= least && greatest <= fact.last;
            let all_outside = greatest < fact.first || fact.last < least;
            if !all_inside && !all_outside {
                unsettled |= fact.mask & open;
            } else if all_inside != fact.inside {
                return Ok(None);
            }
        }
        if unsettled == 0 {
            return Ok(Some(value));
        }
        let bit = (1u64 << 63).unbounded_shr(unsettled.leading_zeros());
        match self.complete(field, value, open & !bit)? {
            None => self.complete(field, value | bit, open & !bit),
            found => Ok(found),
        }
    }
}
