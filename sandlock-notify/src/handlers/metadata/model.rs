//! The calls that change metadata of a file, and how each names the file and the change.

use sandlock_sys::nr::Name;

/// How a call names its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// By path, from the working directory; register 0. Whether a symbolic link at its end is followed.
    Path(bool),
    /// By descriptor; register 0.
    Descriptor,
    /// By directory descriptor and path; registers 0 and 1. The register that holds `AT_*` flags, if there is
    /// one.
    At(Option<usize>),
}

/// The attribute to change. The number is the first register of its new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The mode.
    Mode(usize),
    /// User and group.
    Owner(usize),
    /// User and group; of 16 bits each where a `long` has 32.
    OwnerOld(usize),
    /// Times: two `struct timespec`, of two `long` each.
    Times(usize),
    /// Times: two `struct __kernel_timespec`, of two 64-bit words each.
    TimesWide(usize),
    /// Times: two `struct timeval`, of two `long` each.
    TimesMicro(usize),
    /// Times: a `struct utimbuf`, two `long` of whole seconds.
    TimesWhole(usize),
    /// An extended attribute: name, value, size, flags.
    SetAttribute(usize),
    /// The end of one: its name.
    RemoveAttribute(usize),
}

/// The file and the change of each generation of each call.
pub(super) const fn find(name: Name) -> Option<(File, Change)> {
    Some(match name {
        Name::chmod => (File::Path(true), Change::Mode(1)),
        Name::fchmod => (File::Descriptor, Change::Mode(1)),
        Name::fchmodat => (File::At(None), Change::Mode(2)),
        Name::fchmodat2 => (File::At(Some(3)), Change::Mode(2)),
        Name::chown => (File::Path(true), Change::OwnerOld(1)),
        Name::lchown => (File::Path(false), Change::OwnerOld(1)),
        Name::fchown => (File::Descriptor, Change::OwnerOld(1)),
        Name::chown32 => (File::Path(true), Change::Owner(1)),
        Name::lchown32 => (File::Path(false), Change::Owner(1)),
        Name::fchown32 => (File::Descriptor, Change::Owner(1)),
        Name::fchownat => (File::At(Some(4)), Change::Owner(2)),
        Name::utime => (File::Path(true), Change::TimesWhole(1)),
        Name::utimes => (File::Path(true), Change::TimesMicro(1)),
        Name::futimesat => (File::At(None), Change::TimesMicro(2)),
        Name::utimensat => (File::At(Some(3)), Change::Times(2)),
        Name::utimensat_time64 => (File::At(Some(3)), Change::TimesWide(2)),
        Name::setxattr => (File::Path(true), Change::SetAttribute(1)),
        Name::lsetxattr => (File::Path(false), Change::SetAttribute(1)),
        Name::fsetxattr => (File::Descriptor, Change::SetAttribute(1)),
        Name::removexattr => (File::Path(true), Change::RemoveAttribute(1)),
        Name::lremovexattr => (File::Path(false), Change::RemoveAttribute(1)),
        Name::fremovexattr => (File::Descriptor, Change::RemoveAttribute(1)),
        _ => return None,
    })
}

/// The ID that 16 bits stand for: `low2highuid` of `linux/highuid.h`.
pub(super) const fn long_id(id: u32) -> u32 {
    match id & 0xffff {
        0xffff => u32::MAX,
        id => id,
    }
}

/// What the `AT_*` flags of a call ask for: whether a link is followed, whether an empty path means the
/// descriptor. `None`: a flag that none of these calls has.
pub(super) fn flags(flags: i32) -> Option<(bool, bool)> {
    let known = libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH;
    (flags & !known == 0)
        .then_some((flags & libc::AT_SYMLINK_NOFOLLOW == 0, flags & libc::AT_EMPTY_PATH != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_the_kernels() {
        assert_eq!(flags(0), Some((true, false)));
        assert_eq!(flags(libc::AT_SYMLINK_NOFOLLOW), Some((false, false)));
        assert_eq!(flags(libc::AT_EMPTY_PATH), Some((true, true)));
        assert_eq!(flags(1), None);
        assert_eq!(flags(-1), None);
    }

    #[test]
    fn sixteen_bits_of_ones_leave_an_owner_as_it_is() {
        for (given, want) in [(0, 0), (1000, 1000), (0xffff, u32::MAX), (0x1_0007, 7), (u32::MAX, u32::MAX)] {
            assert_eq!(long_id(given), want, "{given:#x}");
        }
    }
}
