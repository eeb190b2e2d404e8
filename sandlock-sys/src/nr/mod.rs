//! System call numbers: a module for each architecture, and the running one's at this level.
//!
//! The names are the kernel's, in capitals. A call that an architecture has not is not in its
//! module. The modules below are generated; `cargo xtask codegen` says from what.

pub mod aarch64;
pub mod arm;
pub mod i386;
pub mod loongarch64;
pub mod ppc64le;
pub mod riscv64;
pub mod s390x;
pub mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64 as native;
#[cfg(target_arch = "arm")]
pub use arm as native;
#[cfg(target_arch = "x86")]
pub use i386 as native;
#[cfg(target_arch = "loongarch64")]
pub use loongarch64 as native;
#[cfg(all(target_arch = "powerpc64", target_endian = "little"))]
pub use ppc64le as native;
#[cfg(target_arch = "riscv64")]
pub use riscv64 as native;
#[cfg(target_arch = "s390x")]
pub use s390x as native;
// Not x32, whose numbers have a bit of their own.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
pub use x86_64 as native;

pub use native::*;

/// Every call of the running architecture, sorted by name.
pub const NATIVE: &[(&str, u32)] = native::TABLE;

/// Every call of [`AUDIT_ARCH_COMPAT`](crate::filter::AUDIT_ARCH_COMPAT), sorted by name.
pub const COMPAT: &[(&str, u32)] = match crate::filter::AUDIT_ARCH_COMPAT {
    Some(0x4000_0003) => i386::TABLE,
    Some(0x4000_0028) => arm::TABLE,
    _ => &[],
};

/// The number of the call `name`, in a table sorted by name: [`NATIVE`] or a module's `TABLE`.
#[must_use]
pub fn number(table: &[(&str, u32)], name: &str) -> Option<u32> {
    let at = table.binary_search_by(|(candidate, _)| (*candidate).cmp(name)).ok()?;
    table.get(at).map(|(_, number)| *number)
}

/// The name of the call `number`.
#[must_use]
pub fn name(table: &[(&'static str, u32)], number: u32) -> Option<&'static str> {
    table.iter().find(|(_, candidate)| *candidate == number).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&[(&str, u32)]; 8] = [
        aarch64::TABLE,
        arm::TABLE,
        i386::TABLE,
        loongarch64::TABLE,
        ppc64le::TABLE,
        riscv64::TABLE,
        s390x::TABLE,
        x86_64::TABLE,
    ];

    #[test]
    fn every_name_is_found() {
        for table in ALL {
            assert!(table.len() > 300);
            for (call, nr) in table {
                assert_eq!(number(table, call), Some(*nr), "{call}");
                assert_eq!(name(table, *nr).and_then(|name| number(table, name)), Some(*nr), "{call}");
            }
            assert_eq!((number(table, ""), number(table, "reads")), (None, None));
            assert_eq!(name(table, u32::MAX), None);
        }
    }

    #[test]
    fn the_kernels_own_numbers() {
        assert_eq!((x86_64::OPENAT, i386::OPENAT, aarch64::OPENAT, riscv64::OPENAT), (257, 295, 56, 56));
        assert_eq!((arm::SET_TLS, number(aarch64::TABLE, "open")), (0x000f_0005, None));
        assert_eq!(number(NATIVE, "seccomp"), Some(SECCOMP));
    }
}
