//! mmap(2): memory without an allocator.

#![expect(unsafe_code, reason = "mmap(2) and munmap(2)")]

#[cfg(not(target_arch = "s390x"))]
use crate::arch::Arg;
#[cfg(target_arch = "s390x")]
use crate::arch::pad;
use crate::arch::{invoke, syscall};
use crate::conv;
use crate::errno::{Errno, Result};
use crate::nr::native as nr;
use crate::wide;

/// Private anonymous zeroed memory, unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    start: *mut u8,
    len: usize,
}

impl Mapping {
    /// Maps `len` bytes, rounded up to pages by the kernel.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and always for more than a slice may have; `EINVAL` for 0.
    pub fn new(len: usize) -> Result<Self> {
        isize::try_from(len).map_err(|_| Errno::ENOMEM)?;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let args = [0, len, conv::usize_from_i32(prot), conv::usize_from_i32(flags), usize::MAX, 0];
        // SAFETY: without MAP_FIXED the kernel picks addresses that nothing uses.
        let start = unsafe { mmap(&args)? };
        Ok(Self { start: core::ptr::with_exposed_provenance_mut(start), len })
    }

    /// The memory.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: `start` is `len` mapped, initialised (zeroed) bytes that only this value knows of.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

/// mmap(2): address, length, protection, flags, descriptor, and offset 0, whose unit differs.
///
/// # Safety
///
/// Whatever was mapped at that address before, nobody uses.
unsafe fn mmap(args: &[usize; 6]) -> Result<usize> {
    // s390x has the oldest form only, which reads its arguments from memory.
    #[cfg(target_arch = "s390x")]
    let args = pad([args.into()]);
    #[cfg(not(target_arch = "s390x"))]
    let args = args.map(Arg::from);
    // SAFETY: the kernel reads the six words, if it is told where they are; the rest is the caller's contract.
    unsafe { invoke(wide::MMAP, args) }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and no borrow of it outlives it.
        let _ = unsafe { syscall!(nr::MUNMAP, self.start, self.len) };
    }
}
