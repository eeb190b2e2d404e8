//! The meaning of tables and of actions, which a filter is compared with: tests, the interpreter and the
//! verifier read it.

use sandlock_sys::filter::Data;

use crate::action::Action;
use crate::arch::{Arch, NONE, X32_SYSCALL_BIT};
use crate::field::halves;
use crate::table::{Answer, Case, Table, Test};

/// `sizeof(struct seccomp_data)`, in bytes.
pub(crate) const SIZE: u32 = 64;

impl Table<'_> {
    /// The table's action for a call. This is the definition: a filter is right if its action is the same.
    #[must_use]
    pub fn answer(&self, data: &Data) -> Action {
        let nr = data.nr.cast_unsigned();
        if data.arch != self.arch.audit {
            return self.compat.map_or(self.foreign, |table| table.answer(data));
        }
        if self.arch.x32 && nr >= X32_SYSCALL_BIT && nr != NONE {
            return self.foreign;
        }
        let args = data.args.map(|arg| arg & self.arch.registers);
        match self.rows.iter().find(|row| row.nr == nr).map(|row| row.answer) {
            None => self.missing,
            Some(Answer::Always(action)) => action,
            Some(Answer::Cases(cases, otherwise)) => {
                cases.iter().find(|case| case.holds(&args)).map_or(otherwise, |case| case.then)
            }
        }
    }
}

impl Case<'_> {
    fn holds(&self, args: &[u64; 6]) -> bool {
        self.when.iter().all(|test| test.holds(args))
    }
}

impl Test {
    /// Whether it holds for this value of its argument, which in the proof is none of a register's.
    pub(crate) fn holds_for(&self, arg: u64) -> bool {
        Self { arg: 0, ..*self }.holds(&[arg; 6])
    }
}

impl Action {
    /// The action that a program means by this return value.
    #[must_use]
    pub const fn from_word(word: u32) -> Self {
        Self(word)
    }
}

/// The structure as the filter's loads see it, word by word.
///
/// The order of the two halves of a 64-bit field is that of the machine which `data.arch` names, so
/// that the filter of any architecture can be run on any host.
pub(crate) fn words(data: &Data) -> [u32; 16] {
    let big_endian = Arch::new(data.arch).big_endian;
    let ordered = |value: u64| {
        let (high, low) = halves(value);
        if big_endian { [high, low] } else { [low, high] }
    };
    let [a0, a1, a2, a3, a4, a5] = data.args.map(ordered);
    let mut words = [0; 16];
    let fields =
        [[data.nr.cast_unsigned(), data.arch], ordered(data.instruction_pointer), a0, a1, a2, a3, a4, a5];
    for (word, value) in words.iter_mut().zip(fields.as_flattened()) {
        *word = *value;
    }
    words
}
