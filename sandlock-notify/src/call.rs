//! One call of a target: its number, its registers by the type the kernel gives them, and who made it.

use sandlock_sys::filter::AUDIT_ARCH_COMPAT;
use sandlock_sys::nr;
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

    /// The number as it was called; one that is negative is none that a filter hands over, and no table has it.
    pub(crate) fn raw(&self) -> u32 {
        self.data.nr.cast_unsigned()
    }

    /// Whether it is a 32-bit call to a 64-bit kernel, which has numbers of its own.
    #[must_use]
    pub fn is_compat(&self) -> bool {
        AUDIT_ARCH_COMPAT == Some(self.data.arch)
    }

    /// Whether a `long` and a pointer have 32 bits in what its arguments point to.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        cfg!(target_pointer_width = "32") || self.is_compat()
    }

    /// The kernel's name for it.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        nr::name(if self.is_compat() { nr::COMPAT } else { nr::NATIVE }, self.raw())
    }

    /// The number that the running architecture has for a call of this name; of one that it has not, a number that no call has.
    #[must_use]
    pub fn nr(&self) -> u32 {
        if !self.is_compat() {
            return self.raw();
        }
        self.name().and_then(|name| nr::number(nr::NATIVE, name)).unwrap_or(u32::MAX)
    }

    /// Who made it.
    #[must_use]
    pub const fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// Register `index` whole: a `size_t`, an `unsigned long`. Of a compat call that is the low half: what a 64-bit program leaves in the other
    /// (`int 0x80`), the kernel does not see.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        let word = self.data.args.get(index).copied().unwrap_or(0);
        if self.is_compat() { word & 0xffff_ffff } else { word }
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
        assert!(!call.is_compat());
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn a_compat_call_goes_by_its_own_number_and_half_registers() {
        let arch = AUDIT_ARCH_COMPAT.unwrap();
        let image = Image::default();
        for (name, nr) in [("connect", nr::CONNECT), ("fcntl64", u32::MAX), ("setpriority", nr::SETPRIORITY)]
        {
            let raw = nr::number(nr::COMPAT, name).unwrap();
            let data =
                Data { nr: raw.cast_signed(), arch, args: [0xdead_beef_ffff_ff9c; 6], ..Data::default() };
            let call = Call::new(1, &data, &image);
            assert_eq!((call.name(), call.nr(), call.raw()), (Some(name), nr, raw));
            assert_eq!((call.int(5), call.word(5), call.addr(5)), (-100, 0xffff_ff9c, UserAddr(0xffff_ff9c)));
            assert!(call.is_compat() && call.is_narrow());
        }
    }
}
