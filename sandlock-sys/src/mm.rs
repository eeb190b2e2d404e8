//! mmap(2): memory without an allocator, as bytes or as a vector of a fixed capacity.

#![expect(unsafe_code, reason = "mmap(2) and munmap(2)")]

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::{Errno, Result, nr, syscall, wide};

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
        // SAFETY: without MAP_FIXED the kernel picks addresses that nothing uses. The unit of the offset, 0,
        // differs.
        let start = unsafe { syscall!(wide::MMAP, 0usize, len, prot, flags, -1i32, 0usize)? };
        Ok(Self { start: core::ptr::with_exposed_provenance_mut(start), len })
    }

    /// The memory, to read.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `start` is `len` mapped, initialised (zeroed) bytes, which are not written while this value
        // is borrowed.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
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

// SAFETY: the memory belongs to this value alone, whichever thread holds it.
unsafe impl Send for Mapping {}

/// A vector of at most `capacity` values, in a mapping that is made with the first of them. A page is touched
/// when the vector grows into it, and a value never moves before it is removed.
#[derive(Debug)]
pub struct FixedVec<T> {
    mapping: Option<Mapping>,
    len: usize,
    capacity: usize,
    values: PhantomData<T>,
}

impl<T> FixedVec<T> {
    /// An empty vector.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 4096, "a mapping starts at a page") };
        Self { mapping: None, len: 0, capacity, values: PhantomData }
    }

    /// Appends a value.
    ///
    /// # Errors
    ///
    /// The value, if the vector is full or there is no memory.
    pub fn push(&mut self, value: T) -> core::result::Result<(), T> {
        if self.len >= self.capacity {
            return Err(value);
        }
        if self.mapping.is_none() {
            self.mapping = Mapping::new(self.capacity.saturating_mul(size_of::<T>())).ok();
        }
        let Some(mapping) = &self.mapping else { return Err(value) };
        // SAFETY: the mapping has room for `capacity` values, and `len` is below that.
        let end = unsafe { mapping.start.cast::<T>().add(self.len) };
        // SAFETY: `end` is aligned, for the mapping starts at a page, and no value is there yet.
        unsafe { end.write(value) };
        self.len = self.len.wrapping_add(1);
        Ok(())
    }

    /// Removes a value and puts the last one in its place.
    pub fn swap_remove(&mut self, index: usize) -> Option<T> {
        let last = self.len.checked_sub(1)?;
        if index > last {
            return None;
        }
        self.swap(index, last);
        self.len = last;
        let mapping = self.mapping.as_ref()?;
        // SAFETY: the last value was in the mapping, at this place.
        let end = unsafe { mapping.start.cast::<T>().add(last) };
        // SAFETY: the value was written by `push`, and `len` no longer counts it, so it is read once.
        Some(unsafe { end.read() })
    }

    /// Removes every value.
    pub fn clear(&mut self) {
        while self.swap_remove(self.len.saturating_sub(1)).is_some() {}
    }
}

impl<T> Deref for FixedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.mapping {
            // SAFETY: `push` wrote the first `len` values, and nothing else is in the mapping.
            Some(mapping) => unsafe { core::slice::from_raw_parts(mapping.start.cast(), self.len) },
            None => &[],
        }
    }
}

impl<T> DerefMut for FixedVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.mapping {
            // SAFETY: as above, and this value is borrowed for as long as the slice.
            Some(mapping) => unsafe { core::slice::from_raw_parts_mut(mapping.start.cast(), self.len) },
            None => &mut [],
        }
    }
}

impl<T> Drop for FixedVec<T> {
    fn drop(&mut self) {
        self.clear();
    }
}
