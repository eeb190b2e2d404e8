//! `_IOC` of `asm-generic/ioctl.h`: how an ioctl number says direction, size, type and number.

/// The kernel copies out of user memory: `_IOW`.
pub(crate) const WRITE: u32 = 1;
/// Both ways: `_IOWR`.
pub(crate) const READ_WRITE: u32 = 3;

/// `_IOC(dir, type, nr, size)`. (powerpc and mips lay the direction out otherwise; they are not supported yet.)
pub(crate) const fn ioc<T>(dir: u32, kind: u8, nr: u8) -> u32 {
    let size = size_of::<T>();
    assert!(size < 1 << 14, "the size field has 14 bits");
    #[expect(clippy::as_conversions, reason = "const, and checked the line before")]
    let size = size as u32;
    #[expect(clippy::as_conversions, reason = "const widening")]
    let (kind, nr) = (kind as u32, nr as u32);
    dir << 30 | size << 16 | kind << 8 | nr
}
