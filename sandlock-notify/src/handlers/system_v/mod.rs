//! System V shared memory, semaphores and message queues: each sandbox has its own.
//!
//! An object is made without a key; its key is in a row of the sandbox's table. A call that uses an object
//! names it by its number, a register, and continues if the number is in the table. The number of a segment
//! is gone with `IPC_RMID`, also while the segment is attached. Permissions are the owner's only, so
//! `IPC_SET` is refused.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | shmget(2), semget(2), msgget(2) | the supervisor: its user, which is the target's, and its process ID (`shm_cpid`); with `kernel.shm_rmid_forced` a segment ends with it | nothing |
//! | shmctl(2), semctl(2), msgctl(2), `IPC_RMID` | no process | memory to be freed: a worker performs them |

use sandlock_sys::ipc::Kind::{self, Memory, Messages, Semaphores};
use sandlock_sys::nr::Name;
use sandlock_sys::{Errno, Result};

use crate::{Call, ContinueReason, Desk, Handler, Job, Objects, Response, Verdict, Wait};
use Act::{Control, Get, Use};

/// The effect of a call on its object.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Finds or makes it by its key, which is register 0.
    Get,
    /// Uses it; its number is register 0.
    Use,
    /// The same by a command, which is in this register.
    Control(usize),
}

/// The calls, and their numbers in ipc(2) (`linux/ipc.h`).
const CALLS: [(i32, Name, Kind, Act); 12] = [
    (1, Name::semop, Semaphores, Use),
    (2, Name::semget, Semaphores, Get),
    (3, Name::semctl, Semaphores, Control(2)),
    (4, Name::semtimedop, Semaphores, Use),
    (4, Name::semtimedop_time64, Semaphores, Use),
    (11, Name::msgsnd, Messages, Use),
    (12, Name::msgrcv, Messages, Use),
    (13, Name::msgget, Messages, Get),
    (14, Name::msgctl, Messages, Control(1)),
    (21, Name::shmat, Memory, Use),
    (23, Name::shmget, Memory, Get),
    (24, Name::shmctl, Memory, Control(1)),
];
/// shmdt(2) in ipc(2).
const DETACH: i32 = 22;

/// Calls about System V objects.
#[derive(Debug)]
pub struct SystemV<'o> {
    /// The sandbox's.
    pub objects: &'o Objects,
}

impl Handler for SystemV<'_> {
    fn handle(&mut self, call: &Call<'_>, desk: &mut Desk<'_, '_>) -> Result<Verdict> {
        let go_on = Ok(Verdict::Reply(Response::Continue(ContinueReason::RegistersOnly)));
        let name = call.name().ok_or(Errno::ENOSYS)?;
        // ipc(2): the number of a call in the low half, a version in the high one, and then its registers.
        let first = usize::from(name == Name::ipc);
        let number = call.int(0) & 0xffff;
        if name == Name::ipc && number == DETACH {
            return go_on;
        }
        let is_it =
            |row: &&(i32, Name, Kind, Act)| if name == Name::ipc { row.0 == number } else { row.1 == name };
        let (_, _, kind, act) = *CALLS.iter().find(is_it).ok_or(Errno::ENOSYS)?;
        let int = |index: usize| call.int(index.saturating_add(first));
        let id = int(0);
        let command = match act {
            Get => {
                let (size, flags) = match kind {
                    Memory => (call.register(first.saturating_add(1)), int(2)),
                    Semaphores => (int(1).cast_unsigned().into(), int(2)),
                    Messages => (0, int(1)),
                };
                let size = usize::try_from(size).map_err(|_| Errno::EINVAL)?;
                let id = self.objects.get(kind, id, size, flags)?;
                return Ok(Verdict::Reply(Response::Return(id.into())));
            }
            _ if !self.objects.has(kind, id) => return Err(Errno::EINVAL),
            Use => return go_on,
            Control(register) => int(register),
        };
        match command & !IPC_64 {
            libc::IPC_RMID => {
                let Some(job) = desk.job() else { return Ok(Verdict::Defer(Wait::WORKER)) };
                job.numbers = [id.into(), 0, 0, 0];
                Ok(job.then(match kind {
                    Memory => |job| remove(job, Memory),
                    Semaphores => |job| remove(job, Semaphores),
                    Messages => |job| remove(job, Messages),
                }))
            }
            libc::IPC_SET => Err(Errno::EPERM),
            command if is_about_an_object(kind, command) => go_on,
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The structure of a command is of the newer form.
const IPC_64: i32 = 0x100;

/// Whether a command is about one object. Others take a row of the machine's in place of a number, or are
/// about the machine.
const fn is_about_an_object(kind: Kind, command: i32) -> bool {
    // SHM_LOCK, SHM_UNLOCK; GETPID to SETALL.
    matches!((kind, command), (_, libc::IPC_STAT) | (Memory, 11..=12) | (Semaphores, 11..=17))
}

fn remove(job: &mut Job<'_>, kind: Kind) -> Result<Verdict> {
    job.context.objects.remove(kind, job.number(0)?).map(|()| Verdict::Reply(Response::Return(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_by_row_or_about_the_machine_are_none() {
        // IPC_INFO; SHM_STAT, SHM_INFO, SHM_STAT_ANY; SEM_STAT, SEM_INFO, SEM_STAT_ANY; MSG_STAT, MSG_INFO,
        // MSG_STAT_ANY.
        let memory = [3, 13, 14, 15].map(|command| (Memory, command));
        let semaphores = [3, 18, 19, 20].map(|command| (Semaphores, command));
        let messages = [3, 11, 12, 13].map(|command| (Messages, command));
        for (kind, command) in memory.into_iter().chain(semaphores).chain(messages) {
            assert!(!is_about_an_object(kind, command), "{kind:?} {command}");
        }
        assert!(!is_about_an_object(Memory, -1));
        for (kind, command) in [(Messages, 2), (Memory, 2), (Memory, 11), (Semaphores, 17), (Semaphores, 12)]
        {
            assert!(is_about_an_object(kind, command), "{kind:?} {command}");
        }
    }
}
