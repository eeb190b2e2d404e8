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

/// The attribute to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The mode.
    Mode,
    /// User and group.
    Owner,
    /// User and group; of 16 bits each where a `long` has 32.
    OwnerOld,
    /// Times: two `struct timespec`, of two `long` each.
    Times,
    /// Times: two `struct __kernel_timespec`, of two 64-bit words each.
    TimesWide,
    /// Times: two `struct timeval`, of two `long` each.
    TimesMicro,
    /// Times: a `struct utimbuf`, two `long` of whole seconds.
    TimesWhole,
    /// An extended attribute: name, value, size, flags.
    SetAttribute,
    /// The end of one: its name.
    RemoveAttribute,
}

/// The file and the change of each generation of each call.
pub(super) const fn find(name: Name) -> Option<(File, Change)> {
    Some(match name {
        Name::chmod => (File::Path(true), Change::Mode),
        Name::fchmod => (File::Descriptor, Change::Mode),
        Name::fchmodat => (File::At(None), Change::Mode),
        Name::fchmodat2 => (File::At(Some(3)), Change::Mode),
        Name::chown => (File::Path(true), Change::OwnerOld),
        Name::lchown => (File::Path(false), Change::OwnerOld),
        Name::fchown => (File::Descriptor, Change::OwnerOld),
        Name::chown32 => (File::Path(true), Change::Owner),
        Name::lchown32 => (File::Path(false), Change::Owner),
        Name::fchown32 => (File::Descriptor, Change::Owner),
        Name::fchownat => (File::At(Some(4)), Change::Owner),
        Name::utime => (File::Path(true), Change::TimesWhole),
        Name::utimes => (File::Path(true), Change::TimesMicro),
        Name::futimesat => (File::At(None), Change::TimesMicro),
        Name::utimensat => (File::At(Some(3)), Change::Times),
        Name::utimensat_time64 => (File::At(Some(3)), Change::TimesWide),
        Name::setxattr => (File::Path(true), Change::SetAttribute),
        Name::lsetxattr => (File::Path(false), Change::SetAttribute),
        Name::fsetxattr => (File::Descriptor, Change::SetAttribute),
        Name::removexattr => (File::Path(true), Change::RemoveAttribute),
        Name::lremovexattr => (File::Path(false), Change::RemoveAttribute),
        Name::fremovexattr => (File::Descriptor, Change::RemoveAttribute),
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
