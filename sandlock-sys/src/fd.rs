//! File descriptors that are owned, borrowed, and closed once: the standard library's three names, without
//! it.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use crate::arch::Arg;
use crate::{nr, syscall};

/// An open descriptor, closed when dropped.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnedFd(i32);

/// A descriptor that its owner keeps open for `'a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BorrowedFd<'a>(i32, PhantomData<&'a OwnedFd>);

/// A type that has a descriptor to lend.
pub trait AsFd {
    /// Lends it.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl OwnedFd {
    /// Takes a raw descriptor over.
    ///
    /// # Safety
    ///
    /// It is open, and no other code closes it.
    #[expect(unsafe_code, reason = "ownership of a number is a promise of the caller")]
    #[must_use]
    pub const unsafe fn from_raw(fd: i32) -> Self {
        Self(fd)
    }

    /// Gives the raw descriptor away, still open.
    #[must_use]
    pub fn into_raw(self) -> i32 {
        ManuallyDrop::new(self).0
    }
}

impl Drop for OwnedFd {
    #[expect(unsafe_code, reason = "close(2)")]
    fn drop(&mut self) {
        // SAFETY: close reads no memory, and this value was the only owner of the descriptor.
        let _ = unsafe { syscall!(nr::CLOSE, self.0) };
    }
}

impl BorrowedFd<'static> {
    /// Standard input, 0.
    pub const STDIN: Self = Self(0, PhantomData);
    /// Standard output, 1.
    pub const STDOUT: Self = Self(1, PhantomData);
    /// Standard error, 2.
    pub const STDERR: Self = Self(2, PhantomData);
    /// −1: no descriptor, which every call refuses with `EBADF`.
    pub const NONE: Self = Self(-1, PhantomData);
    /// `AT_FDCWD`: where a relative path starts when no directory is given.
    pub const CWD: Self = Self(libc::AT_FDCWD, PhantomData);
}

impl BorrowedFd<'_> {
    /// Lends a raw descriptor.
    ///
    /// # Safety
    ///
    /// It stays open for the lifetime that is inferred.
    #[expect(unsafe_code, reason = "that a number stays open is a promise of the caller")]
    #[must_use]
    pub const unsafe fn from_raw(fd: i32) -> Self {
        Self(fd, PhantomData)
    }

    /// The number.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}

impl AsFd for OwnedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        BorrowedFd(self.0, PhantomData)
    }
}

impl AsFd for BorrowedFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        *self
    }
}

impl<'a> From<BorrowedFd<'a>> for Arg<'a> {
    fn from(fd: BorrowedFd<'a>) -> Self {
        Self::from(fd.as_raw())
    }
}

/// From and to the standard library's descriptors.
#[cfg(feature = "std")]
mod std_fd {
    #![expect(unsafe_code, reason = "that a number is owned, or stays open, is a promise")]

    use std::os::fd::{self, AsRawFd, FromRawFd, IntoRawFd};

    use super::{BorrowedFd, OwnedFd, PhantomData};
    use crate::{Errno, Result};

    impl From<fd::OwnedFd> for OwnedFd {
        fn from(fd: fd::OwnedFd) -> Self {
            Self(fd.into_raw_fd())
        }
    }

    impl From<OwnedFd> for fd::OwnedFd {
        fn from(fd: OwnedFd) -> Self {
            // SAFETY: no system call is made. `fd` owned an open descriptor, and gives it up here.
            unsafe { Self::from_raw_fd(fd.into_raw()) }
        }
    }

    impl<'a> From<fd::BorrowedFd<'a>> for BorrowedFd<'a> {
        fn from(fd: fd::BorrowedFd<'a>) -> Self {
            Self(fd.as_raw_fd(), PhantomData)
        }
    }

    impl<'a> TryFrom<BorrowedFd<'a>> for fd::BorrowedFd<'a> {
        type Error = Errno;

        /// `EBADF` for [`BorrowedFd::NONE`], which the standard library cannot represent.
        fn try_from(fd: BorrowedFd<'a>) -> Result<Self> {
            let number = Some(fd.0).filter(|number| *number != -1).ok_or(Errno::EBADF)?;
            // SAFETY: no system call is made. The number is not -1, and its lender keeps it open for `'a`.
            Ok(unsafe { Self::borrow_raw(number) })
        }
    }
}

/// A descriptor of one kind: an ioctl or a call has its documented meaning on that kind of file only.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub(crate) $crate::fd::OwnedFd);

        impl $crate::fd::AsFd for $name {
            fn as_fd(&self) -> $crate::fd::BorrowedFd<'_> {
                $crate::fd::AsFd::as_fd(&self.0)
            }
        }

        impl $name {
            /// The descriptor without its kind.
            #[must_use]
            pub fn into_fd(self) -> $crate::fd::OwnedFd {
                self.0
            }
        }
    };
}
pub(crate) use kind;
