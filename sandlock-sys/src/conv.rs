//! The few integer conversions that `From` does not offer and that cannot fail on Linux.

#![expect(
    clippy::as_conversions,
    reason = "each is lossless or a documented reinterpretation; nowhere else says `as`"
)]

/// `usize` has 32 bits at least on every Linux.
pub(crate) const fn usize_from_u32(value: u32) -> usize {
    value as usize
}

/// Sign-extended, as a C compiler passes an `int` in a register.
pub(crate) const fn usize_from_i32(value: i32) -> usize {
    value as isize as usize
}

/// The low half of a register: what the kernel keeps of an `int` result.
pub(crate) const fn i32_from_usize(value: usize) -> i32 {
    value as i32
}
