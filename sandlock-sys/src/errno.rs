//! `errno(3)`: the kernel's error numbers, by name (`asm-generic/errno.h`, which every architecture here
//! uses).

use core::fmt;
use core::num::NonZeroU16;

/// An error number, 1 to 4095; `Result<()>` of it is two bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(NonZeroU16);

/// What a system call returns.
pub type Result<T> = core::result::Result<T, Errno>;

impl Errno {
    /// `ERESTARTSYS` of `linux/errno.h`: the kernel's word to itself that a signal interrupts a call.
    /// Programs never see it.
    pub const ERESTARTSYS: Self = Self::from_known(512);

    /// The error with this number; a number outside 1 to 4095 becomes `EIO`, for it is an error all the same.
    #[must_use]
    pub const fn new(number: i32) -> Self {
        match number {
            1..=4095 => Self::from_known(number),
            _ => Self::EIO,
        }
    }

    /// The number.
    #[expect(clippy::as_conversions, reason = "`i32::from`, which cannot be called in a constant")]
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0.get() as i32
    }

    /// The kernel's return value as a result: it reserves `-4095..=-1` for errors (`IS_ERR_VALUE`,
    /// `linux/err.h`).
    #[cfg(target_os = "linux")]
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
    ($($name:ident=$number:literal)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: Self = Self::from_known($number);
            )*
        }
        /// Number and symbol of each.
        const NAMES: &[(i32, &str)] = &[$(($number, stringify!($name))),*];

        #[cfg(test)]
        const LIBC: &[(i32, &str)] = &[$((libc::$name, stringify!($name))),*];
    };
}

names! {
    EPERM=1 ENOENT=2 ESRCH=3 EINTR=4 EIO=5 ENXIO=6 E2BIG=7 ENOEXEC=8 EBADF=9 ECHILD=10 EAGAIN=11 ENOMEM=12
    EACCES=13 EFAULT=14 ENOTBLK=15 EBUSY=16 EEXIST=17 EXDEV=18 ENODEV=19 ENOTDIR=20 EISDIR=21 EINVAL=22
    ENFILE=23 EMFILE=24 ENOTTY=25 ETXTBSY=26 EFBIG=27 ENOSPC=28 ESPIPE=29 EROFS=30 EMLINK=31 EPIPE=32
    EDOM=33 ERANGE=34 EDEADLK=35 ENAMETOOLONG=36 ENOLCK=37 ENOSYS=38 ENOTEMPTY=39 ELOOP=40 ENOMSG=42
    EIDRM=43 ENODATA=61 ETIME=62 EPROTO=71 EBADMSG=74 EOVERFLOW=75 EBADFD=77 EILSEQ=84 EUSERS=87 ENOTSOCK=88
    EDESTADDRREQ=89 EMSGSIZE=90 EPROTOTYPE=91 ENOPROTOOPT=92 EPROTONOSUPPORT=93 ESOCKTNOSUPPORT=94
    EOPNOTSUPP=95 EPFNOSUPPORT=96 EAFNOSUPPORT=97 EADDRINUSE=98 EADDRNOTAVAIL=99 ENETDOWN=100
    ENETUNREACH=101 ENETRESET=102 ECONNABORTED=103 ECONNRESET=104 ENOBUFS=105 EISCONN=106 ENOTCONN=107
    ESHUTDOWN=108 ETIMEDOUT=110 ECONNREFUSED=111 EHOSTDOWN=112 EHOSTUNREACH=113 EALREADY=114 EINPROGRESS=115
    ESTALE=116 EDQUOT=122 ECANCELED=125 EKEYREJECTED=129 EOWNERDEAD=130 ENOTRECOVERABLE=131
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
    fn the_numbers_are_libcs() {
        assert_eq!(NAMES, LIBC);
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
