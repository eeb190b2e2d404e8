//! `errno(3)`: the kernel's error numbers, by name.

use core::fmt;
use core::num::NonZeroU16;

/// An error number, 1 to 4095; `Result<()>` of it is two bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(NonZeroU16);

/// What a system call returns.
pub type Result<T> = core::result::Result<T, Errno>;

impl Errno {
    /// The error with this number; a number outside 1 to 4095 becomes `EIO`, for it is an error all the same.
    #[must_use]
    pub const fn new(number: i32) -> Self {
        match number {
            1..=4095 => Self::from_known(number),
            _ => Self::EIO,
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        i32::from(self.0.get())
    }

    /// What the kernel returned, told apart: it reserves `-4095..=-1` for errors (`IS_ERR_VALUE`, `linux/err.h`).
    pub(crate) fn split(ret: usize) -> Result<usize> {
        match u16::try_from(ret.wrapping_neg()).ok().and_then(NonZeroU16::new) {
            Some(number) if number.get() < 4096 => Err(Self(number)),
            _ => Ok(ret),
        }
    }

    #[expect(clippy::as_conversions, reason = "const, and called with 1..=4095 only")]
    const fn from_known(number: i32) -> Self {
        match NonZeroU16::new(number as u16) {
            Some(number) => Self(number),
            None => panic!("errno 0"),
        }
    }

    /// The symbol, such as `EACCES`, of a number that has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.get()).map(|(_, name)| *name)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "errno {}", self.get()),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Errno {}

macro_rules! names {
    ($($name:ident)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: Self = Self::from_known(libc::$name);
            )*
        }
        /// Number and symbol of each.
        const NAMES: &[(i32, &str)] = &[$((libc::$name, stringify!($name))),*];
    };
}

names! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY
    EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK
    EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ENODATA ETIME EPROTO
    EBADMSG EOVERFLOW EBADFD EILSEQ EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT
    EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
    ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETIMEDOUT ECONNREFUSED
    EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EDQUOT ECANCELED EKEYREJECTED EOWNERDEAD
    ENOTRECOVERABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_value_is_split_where_the_kernel_splits_it() {
        for (ret, want) in [
            (0, Ok(0)),
            (7, Ok(7)),
            (usize::MAX, Err(Errno::EPERM)),
            (usize::MAX - 12, Err(Errno::EACCES)),
            (4095usize.wrapping_neg(), Err(Errno::new(4095))),
            (4096usize.wrapping_neg(), Ok(4096usize.wrapping_neg())),
        ] {
            assert_eq!(Errno::split(ret), want, "{ret:#x}");
        }
    }

    #[test]
    fn it_prints_its_symbol_or_its_number() {
        extern crate std;
        use std::string::ToString;
        assert_eq!(Errno::EACCES.to_string(), "EACCES");
        assert_eq!(Errno::new(4000).to_string(), "errno 4000");
        assert_eq!(size_of::<Result<()>>(), 2);
    }
}
