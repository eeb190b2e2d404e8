//! memfd_create(2): a file without a path, which Landlock can therefore not keep from being executed, is made
//! unable to be.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | memfd_create(2) | the supervisor's user, which is the target's | nothing |

use sandlock_sys::fs::{MemfdFlags, memfd_create};
use sandlock_sys::{Errno, Result};

use crate::args::MemfdArgs;
use crate::{Call, Desk, Handler, Response, Verdict, read_cstr};

/// `MFD_NAME_MAX_LEN` of `mm/memfd.c`, and the NUL.
const NAME_MAX: usize = 250;

/// Makes the file on behalf, with the seal that keeps it from ever being executable. It has no state.
#[derive(Debug)]
pub struct Memfd;

impl Handler for Memfd {
    fn handle(&mut self, call: &Call<'_>, _: &mut Desk<'_, '_>) -> Result<Verdict> {
        let args = MemfdArgs::of(call);
        let mut name = [0; NAME_MAX];
        let name = match read_cstr(call.target(), args.name, &mut name) {
            Err(Errno::ENAMETOOLONG) => return Err(Errno::EINVAL),
            other => other?,
        };
        let asked = MemfdFlags::from_bits_retain(args.flags.cast_unsigned());
        let flags = asked.difference(MemfdFlags::EXEC).union(MemfdFlags::CLOEXEC);
        let fd = match memfd_create(name, flags.union(MemfdFlags::NOEXEC_SEAL)) {
            // A kernel before 6.3 has no such seal, or the flags are wrong anyway.
            Err(Errno::EINVAL) => memfd_create(name, flags)?,
            other => other?,
        };
        Ok(Verdict::Reply(Response::Fd { fd, cloexec: asked.contains(MemfdFlags::CLOEXEC), at: None }))
    }
}
