//! One call of a target: its number, its registers by the type the kernel gives them, and who made it.

use sandlock_sys::seccomp::Data;

use crate::target::{Target, UserAddr};

/// What a handler judges.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    id: u64,
    data: &'a Data,
    target: &'a dyn Target,
}

impl<'a> Call<'a> {
    /// A call under its cookie. Tests make one from registers and a byte slice.
    #[must_use]
    pub const fn new(id: u64, data: &'a Data, target: &'a dyn Target) -> Self {
        Self { id, data, target }
    }

    /// The cookie: the same call has the same one when it is asked about again.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The number; one that is negative is none that a filter hands over, and no table has it.
    #[must_use]
    pub fn nr(&self) -> u32 {
        self.data.nr.cast_unsigned()
    }

    /// Who made it.
    #[must_use]
    pub const fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// Register `index` whole: a `size_t`, an `unsigned long`.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.data.args.get(index).copied().unwrap_or(0)
    }

    /// Register `index` as an `int`: the kernel ignores the high half, so nobody here sees it.
    #[must_use]
    pub fn int(&self, index: usize) -> i32 {
        let [a, b, c, d, ..] = self.word(index).to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    /// Register `index` as a pointer.
    #[must_use]
    pub fn addr(&self, index: usize) -> UserAddr {
        UserAddr(self.word(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::Image;

    #[test]
    fn an_int_is_the_low_half_whatever_the_high_half_says() {
        let data =
            Data { nr: 1, args: [0xdead_beef_ffff_ff9c, 0x1_0000_0005, 0, 0, 0, 0], ..Data::default() };
        let image = Image::default();
        let call = Call::new(1, &data, &image);
        assert_eq!((call.int(0), call.int(1)), (-100, 5));
        assert_eq!(call.word(1), 0x1_0000_0005);
    }
}
