//! The System V objects of a sandbox: the keys by which its processes know them, and their numbers, which are
//! the machine's. None is left at its end.

use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst};

use sandlock_sys::ipc::{self, Kind};
use sandlock_sys::{Errno, Result};

/// How many objects of one kind a sandbox can have.
const MOST: usize = 64;
/// How many it can make in all. The kernel gives a number again after 1.4 million at the least (22 free
/// places and 65,536 turns, `ipc_idr_alloc`). So the number of a segment that ended without `IPC_RMID`
/// (`shm_rmid_forced`) cannot be made another program's.
const MOST_IN_ALL: usize = 1 << 20;
/// The flags that are passed on: permissions of the owner, and `SHM_NORESERVE`.
const PASSED_ON: i32 = 0o10700;
/// `SHM_HUGETLB`: pages that the machine has few of.
const HUGE: i32 = 0o4000;

/// An object. The supervisor's loop writes key and size before the number.
#[derive(Debug)]
struct Row {
    /// Its number with all bits inverted; 0: there is none.
    id: AtomicI32,
    key: AtomicI32,
    size: AtomicUsize,
}

impl Row {
    const fn none() -> Self {
        Self { id: AtomicI32::new(0), key: AtomicI32::new(0), size: AtomicUsize::new(0) }
    }

    fn id(&self) -> Option<i32> {
        Some(self.id.load(SeqCst)).filter(|id| *id != 0).map(|id| !id)
    }
}

/// The objects of a sandbox, which loop, workers and guardian share.
#[derive(Debug)]
pub struct Objects {
    rows: [[Row; MOST]; 3],
    made: AtomicUsize,
}

impl Objects {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self { rows: [const { [const { Row::none() }; MOST] }; 3], made: AtomicUsize::new(0) }
    }

    fn rows(&self, kind: Kind) -> &[Row; MOST] {
        let [memory, semaphores, messages] = &self.rows;
        match kind {
            Kind::Memory => memory,
            Kind::Semaphores => semaphores,
            Kind::Messages => messages,
        }
    }

    /// Whether the sandbox has this object.
    pub(crate) fn has(&self, kind: Kind, id: i32) -> bool {
        id >= 0 && self.rows(kind).iter().any(|row| row.id() == Some(id))
    }

    /// The object with this key, as shmget(2) and its like find or make it. To be called by one thread.
    pub(crate) fn get(&self, kind: Kind, key: i32, size: usize, flags: i32) -> Result<i32> {
        let has_key = |row: &&Row| key != libc::IPC_PRIVATE && row.key.load(SeqCst) == key;
        let taken = self.rows(kind).iter().filter(has_key).find_map(|row| Some((row, row.id()?)));
        match taken {
            Some(_) if flags & libc::IPC_CREAT != 0 && flags & libc::IPC_EXCL != 0 => Err(Errno::EEXIST),
            Some((row, _)) if size > row.size.load(SeqCst) => Err(Errno::EINVAL),
            Some((_, id)) => Ok(id),
            None if key != libc::IPC_PRIVATE && flags & libc::IPC_CREAT == 0 => Err(Errno::ENOENT),
            None if kind == Kind::Memory && flags & HUGE != 0 => Err(Errno::EPERM),
            None if self.made.load(SeqCst) >= MOST_IN_ALL => Err(Errno::ENOSPC),
            None => {
                let row = self.rows(kind).iter().find(|row| row.id().is_none()).ok_or(Errno::ENOSPC)?;
                let id = ipc::create(kind, size, flags & PASSED_ON)?;
                row.key.store(key, SeqCst);
                row.size.store(size, SeqCst);
                row.id.store(!id, SeqCst);
                self.made.fetch_add(1, SeqCst);
                Ok(id)
            }
        }
    }

    /// Removes an object of the sandbox. Its number is known until it is gone, so that it is not left.
    pub(crate) fn remove(&self, kind: Kind, id: i32) -> Result<()> {
        let removed = ipc::remove(kind, id);
        if matches!(removed, Ok(()) | Err(Errno::EINVAL | Errno::EIDRM)) {
            self.rows(kind).iter().for_each(|row| _ = row.id.compare_exchange(!id, 0, SeqCst, SeqCst));
        }
        removed
    }

    /// Removes every object, after all processes of the sandbox have ended.
    pub fn remove_all(&self) {
        for kind in [Kind::Memory, Kind::Semaphores, Kind::Messages] {
            self.rows(kind).iter().filter_map(Row::id).for_each(|id| _ = self.remove(kind, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_as_the_kernel_finds_them() {
        let objects = Objects::none();
        let [row, ..] = objects.rows(Kind::Memory);
        for (cell, value) in [(&row.id, !0), (&row.key, 7)] {
            cell.store(value, SeqCst);
        }
        row.size.store(4096, SeqCst);
        objects.made.store(MOST_IN_ALL, SeqCst);
        let (create, exclusive) = (libc::IPC_CREAT, libc::IPC_CREAT | libc::IPC_EXCL);
        for (kind, key, size, flags, want) in [
            (Kind::Memory, 7, 0, 0, Ok(0)),
            (Kind::Memory, 7, 4096, create, Ok(0)),
            (Kind::Memory, 7, 4096, libc::IPC_EXCL, Ok(0)),
            (Kind::Memory, 7, 4097, create, Err(Errno::EINVAL)),
            (Kind::Memory, 7, 0, exclusive, Err(Errno::EEXIST)),
            (Kind::Memory, 8, 0, 0, Err(Errno::ENOENT)),
            (Kind::Messages, 7, 0, 0, Err(Errno::ENOENT)),
            (Kind::Memory, 0, 4096, HUGE, Err(Errno::EPERM)),
            // No more are made.
            (Kind::Memory, 8, 4096, create, Err(Errno::ENOSPC)),
            (Kind::Memory, 0, 4096, 0, Err(Errno::ENOSPC)),
        ] {
            assert_eq!(objects.get(kind, key, size, flags), want, "{kind:?} {key} {size} {flags:o}");
        }
        assert!(objects.has(Kind::Memory, 0) && !objects.has(Kind::Semaphores, 0));
        assert!(!objects.has(Kind::Memory, 1) && !objects.has(Kind::Memory, -1));
    }
}
