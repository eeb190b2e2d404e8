//! System V objects: shmget(2), semget(2), msgget(2) without a key, and `IPC_RMID`.

#![expect(unsafe_code, reason = "system calls of System V IPC")]

use crate::{Result, conv, nr, syscall};

/// A kind of System V objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A segment of shared memory.
    Memory,
    /// A set of semaphores.
    Semaphores,
    /// A queue of messages.
    Messages,
}

/// Makes an object without a key (`IPC_PRIVATE`), and returns its number. `size`: of a segment, or how many
/// semaphores. `flags`: permissions, and `SHM_*`.
///
/// # Errors
///
/// * `EINVAL`: the size is 0, or larger than the machine's limit.
/// * `ENOSPC`, `ENOMEM`: the machine has no room for one more.
/// * `ENOSYS`: the kernel has no System V objects.
pub fn create(kind: Kind, size: usize, flags: i32) -> Result<i32> {
    let flags = conv::usize_from_i32(flags);
    let (number, second) = match kind {
        Kind::Memory => (nr::SHMGET, size),
        Kind::Semaphores => (nr::SEMGET, size),
        Kind::Messages => (nr::MSGGET, flags),
    };
    // SAFETY: no memory is touched.
    unsafe { syscall!(number, libc::IPC_PRIVATE, second, flags) }.map(conv::i32_from_usize)
}

/// Removes an object; a segment when the last process detaches it.
///
/// # Errors
///
/// * `EINVAL`, `EIDRM`: there is none of this number.
/// * `EPERM`: it is another user's.
pub fn remove(kind: Kind, id: i32) -> Result<()> {
    let number = match kind {
        Kind::Memory => nr::SHMCTL,
        Kind::Semaphores => nr::SEMCTL,
        Kind::Messages => nr::MSGCTL,
    };
    // The second or third register is the command; the one beside it is not looked at.
    const { assert!(libc::IPC_RMID == 0) };
    // SAFETY: no memory is touched; a segment stays for the processes that have it attached.
    unsafe { syscall!(number, id, libc::IPC_RMID, libc::IPC_RMID, 0u32) }.map(drop)
}
