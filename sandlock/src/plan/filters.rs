//! The command's filter: one of those that `build.rs` has made, or a new one.

use std::borrow::Cow;

use sandlock_bpf::{Arch, Error};
use sandlock_sys::seccomp::SockFilter;

use crate::table::{self, Features};

/// The filters of the usual policies, by [`Features::bits`].
static MADE: &[(u8, &[SockFilter])] = include!(concat!(env!("OUT_DIR"), "/filters.rs"));

pub(super) fn program(features: Features, compat: Option<Arch>) -> Result<Cow<'static, [SockFilter]>, Error> {
    match MADE.iter().find(|(bits, _)| *bits == features.bits()) {
        Some((_, program)) if compat.is_none() => Ok(Cow::Borrowed(program)),
        _ => table::compile(features, compat).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_what_would_be_made() {
        for (bits, program) in MADE {
            let features = Features::from_bits(*bits).unwrap();
            assert_eq!(table::compile(features, None).unwrap(), *program, "{features:?}");
        }
    }
}
