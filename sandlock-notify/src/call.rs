//! One call of a target: its name, its registers by the types the kernel gives them, and the target.

use sandlock_sys::Pid;
use sandlock_sys::filter::AUDIT_ARCH_COMPAT;
use sandlock_sys::nr::{self, Name};
use sandlock_sys::seccomp::Data;

use crate::target::{Target, UserAddr};

/// A call, as handlers judge it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    data: &'a Data,
    target: &'a dyn Target,
}

impl<'a> Call<'a> {
    /// A call made just now. Tests make one from registers and a byte slice.
    #[must_use]
    pub const fn new(data: &'a Data, target: &'a dyn Target) -> Self {
        Self { data, target }
    }

    /// Whether it is a 32-bit call to a 64-bit kernel, which has numbers of its own.
    #[must_use]
    pub fn is_compat(&self) -> bool {
        AUDIT_ARCH_COMPAT == Some(self.data.arch)
    }

    /// Whether a `long` and a pointer have 32 bits in what its arguments point to.
    #[must_use]
    pub fn has_narrow_longs(&self) -> bool {
        cfg!(target_pointer_width = "32") || self.is_compat()
    }

    /// The kernel's name for it. A filter hands over no call without one.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        nr::name(if self.is_compat() { nr::COMPAT } else { nr::NATIVE }, self.data.nr.cast_unsigned())
    }

    /// The target.
    #[must_use]
    pub const fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// Register `index` whole: a `size_t`, an `unsigned long`. Of a compat call that is the low half: what a
    /// 64-bit program leaves in the other (`int 0x80`), the kernel does not see.
    #[must_use]
    pub fn register(&self, index: usize) -> u64 {
        let word = self.data.args.get(index).copied().unwrap_or(0);
        if self.is_compat() { word & 0xffff_ffff } else { word }
    }

    /// Register `index` as an `int`: the kernel ignores the high half.
    #[must_use]
    pub fn int(&self, index: usize) -> i32 {
        let [a, b, c, d, ..] = self.register(index).to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    /// Register `index` as a process ID.
    pub(crate) fn pid(&self, index: usize) -> Pid {
        Pid::new(self.int(index))
    }

    /// Register `index` as a pointer.
    #[must_use]
    pub fn addr(&self, index: usize) -> UserAddr {
        UserAddr(self.register(index))
    }
}

/// Bytes of a `long` and a pointer of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) usize);

impl Word {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        Self(if call.has_narrow_longs() { 4 } else { 8 })
    }

    /// The word at this place, counted in words.
    pub(crate) fn get(self, bytes: &[u8], index: usize) -> Option<u64> {
        let bytes = bytes.get(index.checked_mul(self.0)?..)?;
        match self.0 {
            4 => Some(u32::from_ne_bytes(*bytes.first_chunk()?).into()),
            _ => Some(u64::from_ne_bytes(*bytes.first_chunk()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Image;

    #[test]
    fn an_int_is_the_low_half_whatever_the_high_half_says() {
        let data =
            Data { nr: 1, args: [0xdead_beef_ffff_ff9c, 0x1_0000_0005, 0, 0, 0, 0], ..Data::default() };
        let image = Image::default();
        let call = Call::new(&data, &image);
        assert_eq!((call.int(0), call.int(1)), (-100, 5));
        assert_eq!(call.register(1), 0x1_0000_0005);
        assert!(!call.is_compat());
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn a_compat_call_has_its_own_number_and_half_registers() {
        let arch = AUDIT_ARCH_COMPAT.unwrap();
        let image = Image::default();
        for name in [Name::connect, Name::fcntl64, Name::setpriority] {
            let raw = nr::number(nr::COMPAT, name).unwrap();
            let data =
                Data { nr: raw.cast_signed(), arch, args: [0xdead_beef_ffff_ff9c; 6], ..Data::default() };
            let call = Call::new(&data, &image);
            assert_eq!(call.name(), Some(name));
            assert_eq!(
                (call.int(5), call.register(5), call.addr(5)),
                (-100, 0xffff_ff9c, UserAddr(0xffff_ff9c))
            );
            assert!(call.is_compat() && call.has_narrow_longs());
        }
    }
}
