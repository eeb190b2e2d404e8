//! [capabilities(7)]: reading and giving up the calling thread's.
//!
//! [capabilities(7)]: https://man7.org/linux/man-pages/man7/capabilities.7.html

#![expect(unsafe_code, reason = "capget(2) and capset(2)")]

use crate::{Errno, Result, nr, prctl, syscall};

/// `struct __user_cap_header_struct`
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// The calling thread, and `_LINUX_CAPABILITY_VERSION_3`: 64-bit sets.
const HEADER: Header = Header { version: 0x2008_0522, pid: 0 };

/// `struct __user_cap_data_struct`: one half of the three sets.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}
const _: () = assert!(size_of::<Header>() == 8 && size_of::<[Half; 2]>() == 24);

/// The permitted set of the calling thread, bit n for capability n.
///
/// # Errors
///
/// None that a kernel since 2.6.26 returns.
pub fn permitted() -> Result<u64> {
    let [low, high] = get()?;
    Ok(u64::from(high.permitted) << 32 | u64::from(low.permitted))
}

fn get() -> Result<[Half; 2]> {
    let mut sets = [Half::default(); 2];
    // SAFETY: the kernel reads one header and writes two halves (version 3).
    unsafe { syscall!(nr::CAPGET, &HEADER, &mut sets)? };
    Ok(sets)
}

/// `CAP_SYS_ADMIN` and `CAP_PERFMON`, either of which lets its holder read the environment and the mappings
/// of every process of its user, past Landlock (`may_access_mm()` in `fs/proc/base.c`).
pub const READING_PROCESSES: u64 = 1 << 21 | 1 << 38;

/// Gives up every capability of the calling thread but these, bit n for capability n, now and for whatever it
/// executes: in the ambient set there is none afterwards, in the effective, permitted and inheritable sets no
/// other, and in the bounding set neither if the thread may change it. Set `no_new_privs` first, with which
/// the bounding set means nothing.
///
/// # Errors
///
/// None that a kernel since 4.3 returns.
pub fn keep_only(kept: u64) -> Result<()> {
    // Numbers end where the kernel's list ends, which is EINVAL; 64 is what the sets can hold.
    for cap in (0..64).filter(|cap| kept >> cap & 1 == 0) {
        match prctl::drop_bounding_cap(cap) {
            Ok(()) => {}
            // Dropping needs CAP_SETPCAP, else EPERM. Without it the bounding set has no effect: under
            // no_new_privs execve adds no capability, for user 0 either.
            Err(Errno::EINVAL | Errno::EPERM) => break,
            Err(errno) => return Err(errno),
        }
    }
    prctl::clear_ambient_caps()?;
    let mut sets = if kept == 0 { [Half::default(); 2] } else { get()? };
    for (half, kept) in sets.iter_mut().zip([kept, kept >> 32]) {
        let kept = u32::try_from(kept & u64::from(u32::MAX)).unwrap_or(0);
        half.effective &= kept;
        half.permitted &= kept;
        half.inheritable &= kept;
    }
    // SAFETY: the kernel reads one header and two halves.
    unsafe { syscall!(nr::CAPSET, &HEADER, &sets) }.map(drop)
}
