//! Calls that a 32-bit architecture has twice: the numbers of the forms with 32-bit user IDs, 64-bit times,
//! and an offset in pages.

#[cfg(target_pointer_width = "64")]
pub(crate) use crate::nr::native::{
    CLOCK_GETTIME, GETRESUID, GETUID, MMAP, PPOLL, TIMERFD_SETTIME, UTIMENSAT,
};
#[cfg(target_pointer_width = "32")]
pub(crate) use crate::nr::native::{
    CLOCK_GETTIME64 as CLOCK_GETTIME, GETRESUID32 as GETRESUID, GETUID32 as GETUID, MMAP2 as MMAP,
    PPOLL_TIME64 as PPOLL, TIMERFD_SETTIME64 as TIMERFD_SETTIME, UTIMENSAT_TIME64 as UTIMENSAT,
};
