//! The calls that the supervisor and the guardian may make once the command runs: all others are refused to
//! them. A handler that makes a further call needs a row.

use sandlock_bpf::Test;
use sandlock_sys::nr::Name;

use super::Rule::{Allow, ByArgs};
use super::rows::{CLONE_FLAGS, EPERM, calls};
use super::{Case, Row, Then, case, ioctls, row};

const NOT: Then = Then::Refuse(EPERM);
/// `IPC_RMID`, in the register of either.
const REMOVED: &[Case] = &[case(&[Test::eq32(1, 0), Test::eq32(2, 0)], Then::Allow)];
const OBJECTS: Row =
    row(calls![shmctl msgctl semctl], ByArgs(REMOVED, NOT), "the removal of System V objects");
/// `PROT_EXEC`: no code that was not there at the start.
const NOT_EXECUTABLE: &[Case] = &[case(&[Test::any32(2, 4)], NOT)];
/// `CLONE_VM | CLONE_FILES | CLONE_PIDFD`, of workers.
const WORKER: u64 = 0x1500;

/// The supervisor, and its workers.
pub(crate) const SUPERVISOR: &[Row] = &[
    row(
        calls![
            ppoll ppoll_time64 futex futex_time64 clock_gettime clock_gettime64 read write close signalfd4 eventfd2
            waitid kill rt_sigprocmask getpid gettid getppid
        ],
        Allow,
        "the loop, its workers and its signals",
    ),
    row(
        calls![process_vm_readv process_vm_writev pidfd_open pidfd_getfd openat2 readlinkat statx],
        Allow,
        "the memory, the descriptors and the paths of a target: Landlock and the kernel's rules for ptrace(2) judge",
    ),
    row(calls![ioctl], ByArgs(&ioctls::OWN, NOT), "answers (type `!`), terminals on behalf, FIONBIO"),
    row(
        calls![fcntl fcntl64],
        // F_GETFL, F_SETFL
        ByArgs(&[case(&[Test::range32(1, 3, 4)], Then::Allow)], NOT),
        "the flags of an open file",
    ),
    row(
        calls![
            connect listen shutdown getsockname getsockopt setsockopt recvfrom recvmsg socketpair
        ],
        Allow,
        "sockets of targets on behalf, by duplicates: Landlock judges ports; the channel to the guardian",
    ),
    row(
        calls![sendto],
        ByArgs(&[case(&[Test::eq64(4, 0)], Then::Allow)], NOT),
        "to the peer of a socket only",
    ),
    row(
        calls![socket],
        // AF_UNIX, AF_INET, AF_INET6; SOCK_DGRAM
        ByArgs(
            &[
                case(&[Test::range32(0, 1, 2), Test::masked32(1, 0xf, 2)], Then::Allow),
                case(&[Test::eq32(0, 10), Test::masked32(1, 0xf, 2)], Then::Allow),
            ],
            NOT,
        ),
        "datagram sockets of targets, which cannot send, and its own to name servers",
    ),
    row(
        calls![memfd_create fchmodat fchownat utimensat utimensat_time64 setxattr removexattr linkat shmget
            semget msgget],
        Allow,
        "on behalf: memory files; metadata of files below a write grant; POSIX shared memory; System V objects",
    ),
    OBJECTS,
    row(calls![getpgid getsid getuid getuid32], Allow, "jobs and users of targets"),
    row(calls![clone], ByArgs(&[case(&[Test::eq64(CLONE_FLAGS, WORKER)], Then::Allow)], NOT), "workers"),
    row(
        calls![prctl],
        // PR_SET_PDEATHSIG, PR_SET_NAME
        ByArgs(&[case(&[Test::eq32(0, 1)], Then::Allow), case(&[Test::eq32(0, 15)], Then::Allow)], NOT),
        "workers",
    ),
    row(
        calls![unlinkat renameat2 getdents64],
        Allow,
        "the removal of the private temporary directory: Landlock judges",
    ),
    row(calls![mmap mmap2 mprotect], ByArgs(NOT_EXECUTABLE, Then::Allow), "memory without code"),
    row(
        calls![
            munmap mremap madvise brk writev sigaltstack rt_sigaction rt_sigreturn getrandom sched_yield
            restart_syscall exit exit_group
        ],
        Allow,
        "what the standard library needs to allocate, to print and to end",
    ),
];

/// The guardian.
pub(crate) const GUARDIAN: &[Row] = &[
    row(
        calls![
            ppoll ppoll_time64 read waitid kill sendto recvfrom close clock_gettime clock_gettime64
            lseek getppid rt_sigreturn restart_syscall exit exit_group
        ],
        Allow,
        "waiting for the end, and the end",
    ),
    OBJECTS,
];
