//! mmap(2): memory without an allocator.

#![expect(unsafe_code, reason = "mmap(2) and munmap(2)")]

use crate::arch::syscall;
use crate::errno::Result;
use crate::nr::native as nr;

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
    /// `ENOMEM`; `EINVAL` for 0.
    pub fn new(len: usize) -> Result<Self> {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: without MAP_FIXED the kernel picks addresses that nothing uses.
        let start = unsafe { syscall!(nr::MMAP, 0usize, len, prot, flags, -1i32, 0usize)? };
        Ok(Self { start: core::ptr::with_exposed_provenance_mut(start), len })
    }

    /// The memory.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: `start` is `len` mapped, initialised (zeroed) bytes that only this value knows of.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and no borrow of it outlives it.
        let _ = unsafe { syscall!(nr::MUNMAP, self.start, self.len) };
    }
}
