//! A target made of a byte slice, for tests of handlers without a process.

use core::cell::RefCell;
use std::vec::Vec;

use sandlock_sys::{Errno, OwnedFd, Pid, Result};

use crate::target::{Target, UserAddr};

/// Memory from address [`BASE`](Self::BASE) on, and no descriptors.
#[derive(Default)]
pub(crate) struct Image(pub RefCell<Vec<u8>>);

impl Image {
    pub(crate) const BASE: u64 = 0x1000;

    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(RefCell::new(bytes.to_vec()))
    }
}

impl Target for Image {
    fn tid(&self) -> Pid {
        Pid::new(77)
    }

    fn read(&self, from: UserAddr, buffer: &mut [u8]) -> Result<usize> {
        let bytes = self.0.borrow();
        let at =
            from.0.checked_sub(Self::BASE).and_then(|at| usize::try_from(at).ok()).ok_or(Errno::EFAULT)?;
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty()).ok_or(Errno::EFAULT)?;
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_both(&self, parts: [(UserAddr, &[u8]); 2]) -> Result<()> {
        let mut bytes = self.0.borrow_mut();
        for (to, new) in parts.into_iter().filter(|(_, new)| !new.is_empty()) {
            let at = to.0.checked_sub(Self::BASE).and_then(|at| usize::try_from(at).ok());
            let at = at.ok_or(Errno::EFAULT)?;
            bytes.get_mut(at..at.saturating_add(new.len())).ok_or(Errno::EFAULT)?.copy_from_slice(new);
        }
        Ok(())
    }

    fn file(&self, _: i32) -> Result<OwnedFd> {
        Err(Errno::EBADF)
    }

    fn release(&self, _: OwnedFd, _: bool) {}

    fn sockets_linger(&self) {}
}
