//! The policy as a table: for every system call, the action that its registers decide.

use crate::action::Action;
use crate::arch::{Arch, X32_SYSCALL_BIT};

/// What to do about every call. A filter made from it does the same, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The architecture that the numbers are of.
    pub arch: Arch,
    /// The known calls, by ascending number.
    pub rows: &'a [Row<'a>],
    /// For a number that no row has.
    pub missing: Action,
    /// For a call of another architecture, x32 included.
    pub foreign: Action,
    /// What decides about calls of another architecture instead, if they are of its.
    pub compat: Option<&'a Table<'a>>,
}

/// One system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its number.
    pub nr: u32,
    /// What to do about it.
    pub answer: Answer<'a>,
}

/// What to do about one system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// This, whatever its arguments are. The kernel can remember such an `ALLOW` and not run the filter.
    Always(Action),
    /// The action of the first case that holds, else this action.
    Cases(&'a [Case<'a>], Action),
}

/// One way to call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case<'a> {
    /// The case holds if all of these do.
    pub when: &'a [Test],
    /// What to do then.
    pub then: Action,
}

/// A condition on one argument.
///
/// Its width is that of the parameter in the kernel's declaration of the call. For an `int` or `unsigned int`
/// the kernel ignores the high half of the register, in which the caller may leave anything: a 64-bit test of
/// it can be evaded. For a pointer, a `size_t` or a `long` of a 64-bit architecture both halves count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// 0 to 5.
    pub(crate) arg: u8,
    /// The bits that are looked at. Those of a 32-bit test are in the low half.
    pub(crate) mask: u64,
    /// They are compared with the numbers from this one
    pub(crate) first: u64,
    /// to this one.
    pub(crate) last: u64,
    /// Whether they must be among them, or must not.
    pub(crate) inside: bool,
}

/// Why a table makes no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The filter has no room in its assembler.
    TooLong,
    /// The row of this number is not above the one before it, or has a number of x32.
    Row(u32),
}

impl Table<'_> {
    /// Whether the rows are in order, each number once; those of the other tables too.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut before = None;
        for row in self.rows {
            if before.is_some_and(|nr| row.nr <= nr) || (self.arch.x32 && row.nr >= X32_SYSCALL_BIT) {
                return Err(Error::Row(row.nr));
            }
            before = Some(row.nr);
        }
        self.compat.map_or(Ok(()), Table::check)
    }
}

/// Each constructor panics if `arg` is not 0 to 5; in a constant, that does not compile.
impl Test {
    /// The 32-bit argument is `value`.
    #[must_use]
    pub const fn eq32(arg: u8, value: u32) -> Self {
        Self::masked32(arg, u32::MAX, value)
    }

    /// The 32-bit argument is not `value`.
    #[must_use]
    pub const fn ne32(arg: u8, value: u32) -> Self {
        Self::eq32(arg, value).not()
    }

    /// The 32-bit argument has a bit of `mask`: `(arg & mask) != 0`.
    #[must_use]
    pub const fn any32(arg: u8, mask: u32) -> Self {
        Self::masked32(arg, mask, 0).not()
    }

    /// The 32-bit argument has these values in the bits of `mask`: `(arg & mask) == value`.
    #[must_use]
    pub const fn masked32(arg: u8, mask: u32, value: u32) -> Self {
        Self::masked64(arg, wide(mask), wide(value))
    }

    /// The 32-bit argument is from `first` to `last`, both included; never, if `last` is below `first`.
    #[must_use]
    pub const fn range32(arg: u8, first: u32, last: u32) -> Self {
        Self::new(arg, wide(u32::MAX), wide(first), wide(last))
    }

    /// The 64-bit argument is `value`.
    #[must_use]
    pub const fn eq64(arg: u8, value: u64) -> Self {
        Self::masked64(arg, u64::MAX, value)
    }

    /// The 64-bit argument is not `value`.
    #[must_use]
    pub const fn ne64(arg: u8, value: u64) -> Self {
        Self::eq64(arg, value).not()
    }

    /// The 64-bit argument has a bit of `mask`: `(arg & mask) != 0`.
    #[must_use]
    pub const fn any64(arg: u8, mask: u64) -> Self {
        Self::masked64(arg, mask, 0).not()
    }

    /// The 64-bit argument has these values in the bits of `mask`: `(arg & mask) == value`.
    #[must_use]
    pub const fn masked64(arg: u8, mask: u64, value: u64) -> Self {
        Self::new(arg, mask, value, value)
    }

    /// The 64-bit argument is from `first` to `last`, both included; never, if `last` is below `first`.
    #[must_use]
    pub const fn range64(arg: u8, first: u64, last: u64) -> Self {
        Self::new(arg, u64::MAX, first, last)
    }

    /// Whether it holds for these registers, of which only the bits are set that the kernel looks at.
    #[must_use]
    pub fn holds(&self, args: &[u64; 6]) -> bool {
        let arg = args.get(usize::from(self.arg)).copied().unwrap_or_default();
        (self.first..=self.last).contains(&(arg & self.mask)) == self.inside
    }

    /// Whether it holds for no value: a range that ends before it starts.
    #[must_use]
    pub const fn never_holds(&self) -> bool {
        self.inside && self.first > self.last
    }

    const fn new(arg: u8, mask: u64, first: u64, last: u64) -> Self {
        assert!(arg < 6, "a system call has six arguments");
        Self { arg, mask, first, last, inside: true }
    }

    pub(crate) const fn not(self) -> Self {
        Self { inside: !self.inside, ..self }
    }
}

#[expect(clippy::as_conversions, reason = "`u64::from`, which cannot be called in a constant")]
const fn wide(word: u32) -> u64 {
    word as u64
}
