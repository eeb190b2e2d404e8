//! THE table: every system call of every architecture, who decides about it, and why.
//!
//! A number in no row does not exist for the target: `ENOSYS`, as on an older kernel.

use sandlock_bpf::Test;
use sandlock_notify::handlers::netlink::NUMBERS;
use sandlock_sys::Errno;
use sandlock_sys::net::{SO_SNDTIMEO, SO_SNDTIMEO_NEW};
use sandlock_sys::nr::Name;
use sandlock_sys::process::EXECVE_MARK;

use super::Handler::{
    Connect, Interfaces, Listen, Memfd, Metadata, Netlink, PosixShm, ProcessIds, SystemV, Terminal,
};
use super::Rule::{Allow, Ask, ByArgs, Refuse};
use super::{Case, Features, Row, Rule, Then, case, ioctls, row, sockets};

const EACCES: Errno = Errno::EACCES;
const ENOSYS: Errno = Errno::ENOSYS;
pub(super) const EPERM: Errno = Errno::EPERM;

/// `CLONE_NEW*` of clone(2) and unshare(2). (`CLONE_NEWTIME` is a signal number to clone, and a namespace to
/// unshare.)
const NAMESPACES: u64 = 0x7e02_0000;
const CLONE_NEWTIME: u64 = 0x80;
/// `CLONE_PARENT`: the child would not be a descendant of the caller.
const CLONE_PARENT: u64 = 0x8000;
/// `UNSHARE_EMPTY_MNTNS`, Linux 7.1.
const EMPTY_MNTNS: u64 = 0x10_0000;
/// s390x has the stack first.
pub(super) const CLONE_FLAGS: u8 = if cfg!(target_arch = "s390x") { 1 } else { 0 };
/// `F_SETOWN` of fcntl(2).
const COMMAND_SETOWN: Test = Test::eq32(1, 8);
/// `MSG_FASTOPEN`: a connect inside a send, which Landlock missed until 7.2. The errno is that of a kernel
/// without it.
const FASTOPEN: u32 = 0x2000_0000;
const NO_FASTOPEN: Then = Then::Refuse(Errno::EOPNOTSUPP);

/// `S_ISUID`, `S_ISGID`
const SET_ID: u32 = 0o6000;
/// `O_CREAT`, and `O_TMPFILE` without `O_DIRECTORY`.
const CREATES: u32 = (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY).cast_unsigned();
/// `AT_FDCWD`
const CWD: u32 = libc::AT_FDCWD.cast_unsigned();
const AT_CWD: Test = Test::eq32(0, CWD);
/// The launch's own call, which comes before the supervisor answers.
const OWN_EXECVE: Case = case(&[Test::eq32(5, EXECVE_MARK)], Then::Allow).with(Features::OBSERVED);
/// The kernel decides, and Landlock may refuse.
const SEEN: Rule = ByArgs(&[], Then::Observe);
const PATH_OR_SHM: &str = "Landlock judges the path; POSIX shared memory";

/// A call that may be about POSIX shared memory, where the policy has that.
const fn shm(tests: &'static [Test]) -> Case {
    case(tests, Then::Ask(PosixShm)).with(Features::POSIX_SHM)
}

/// Flags that an open of POSIX shared memory has not. `O_TMPFILE` has the bit of `O_DIRECTORY`.
const NOT_SHM: i32 = libc::O_WRONLY | libc::O_PATH | libc::O_DIRECTORY | libc::O_NOCTTY | libc::O_APPEND;

/// The flags of shm_open(3), and of sem_open(3) of a semaphore that is there.
const fn shm_open(register: u8) -> Test {
    let (mask, flags) = (NOT_SHM | libc::O_NOFOLLOW, libc::O_NOFOLLOW);
    Test::masked32(register, mask.cast_unsigned(), flags.cast_unsigned())
}

/// The flags with which glibc makes a semaphore, and mkstemp(3) a file.
const fn sem_open(register: u8) -> Test {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    Test::masked32(register, (NOT_SHM | libc::O_TRUNC | flags).cast_unsigned(), flags.cast_unsigned())
}

/// The descriptors of emulated netlink sockets.
const EMULATED: Test = {
    let (first, last) = (*NUMBERS.start(), *NUMBERS.end());
    Test::range32(0, first.cast_unsigned(), last.cast_unsigned())
};
/// `SOL_NETLINK`, `SOL_SOCKET`, `SOL_TCP`
const AT_NETLINK: Test = Test::eq32(1, 270);
const AT_SOCKET: Test = Test::eq32(1, 1);
const AT_TCP: Test = Test::eq32(1, 6);
const AT_IP: Test = Test::eq32(1, 0);
const AT_IPV6: Test = Test::eq32(1, 41);
const SNDTIMEO: Test = Test::eq32(2, SO_SNDTIMEO.cast_unsigned());
const SNDTIMEO_NEW: Test = Test::eq32(2, SO_SNDTIMEO_NEW.cast_unsigned());

/// The calls of these names.
macro_rules! calls {
    ($($name:ident)+) => { &[$(Name::$name),+] };
}
pub(super) use calls;

/// The table.
pub const ROWS: &[Row] = &[
    // -- Needed by every program, and frequent: no register is looked at.
    row(
        calls![
            read readv pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close
            close_range dup dup2 dup3 flock pipe pipe2 poll ppoll ppoll_time64 select _newselect pselect6
            pselect6_time64 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd
            eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime
            timerfd_gettime64 sendfile sendfile64 splice tee vmsplice copy_file_range readahead fadvise64
            fadvise64_64 arm_fadvise64_64 sync_file_range sync_file_range2 arm_sync_file_range fsync
            fdatasync sync syncfs fallocate ftruncate ftruncate64 io_setup io_submit io_cancel io_destroy io_getevents
            io_pgetevents io_pgetevents_time64
        ],
        Allow,
        "acts on open files only",
    ),
    row(
        calls![fcntl fcntl64],
        ByArgs(
            &[
                // The process that gets SIGIO: 0 is none, a negative number a group.
                case(&[COMMAND_SETOWN, Test::eq32(2, 0)], Then::Allow),
                case(&[COMMAND_SETOWN, Test::any32(2, 0x8000_0000)], Then::Refuse(EPERM)),
                case(&[COMMAND_SETOWN], Then::Ask(ProcessIds)),
                // F_SETOWN_EX: the same in memory.
                case(&[Test::eq32(1, 15)], Then::Refuse(EPERM)),
                // F_SETLEASE, but for F_UNLCK, and F_SETDELEG: they make others wait who open the file.
                case(&[Test::eq32(1, 1024), Test::eq32(2, 2)], Then::Allow),
                case(&[Test::eq32(1, 1024)], Then::Refuse(EACCES)),
                case(&[Test::eq32(1, 1040)], Then::Refuse(Errno::EINVAL)),
                // F_SETFL with O_ASYNC: the kernel lets a terminal signal its foreground.
                case(&[Test::eq32(1, 4), Test::any32(2, 0o20000)], Then::Refuse(EPERM))
                    .without(Features::SCOPED),
            ],
            Then::Allow,
        ),
        "acts on open files; signals the sandbox's own processes only, and blocks no other process",
    ),
    row(
        calls![setpgid],
        ByArgs(&[case(&[Test::eq32(1, 0)], Then::Allow)], Then::Ask(Terminal)),
        "process groups of the sandbox only",
    ),
    row(
        calls![
            mmap mmap2 munmap mremap mprotect madvise msync mincore mlock mlock2 mlockall munlock munlockall
            brk mseal shmdt remap_file_pages pkey_alloc pkey_free pkey_mprotect map_shadow_stack mbind
            set_mempolicy get_mempolicy set_mempolicy_home_node membarrier cachestat subpage_prot
        ],
        Allow,
        "acts on the caller's own memory",
    ),
    row(
        calls![
            exit exit_group wait4 waitid waitpid fork vfork getpid getppid gettid getpgid getpgrp getsid
            setsid times getrusage set_tid_address set_robust_list get_robust_list rseq
            rseq_slice_yield restart_syscall pause nanosleep clock_nanosleep clock_nanosleep_time64
            clock_gettime clock_gettime64 clock_getres clock_getres_time64 gettimeofday time alarm getitimer
            setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
            timer_settime64 getcpu getrandom uname olduname oldolduname sysinfo umask nice sched_yield
            sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_get_priority_max
            sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority ioprio_get
            getrlimit ugetrlimit setrlimit futex futex_time64 futex_wait futex_wake futex_requeue
            futex_waitv arch_prctl set_thread_area get_thread_area kcmp pidfd_open
        ],
        Allow,
        "acts on the caller and its children, or only tells",
    ),
    row(
        calls![
            rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
            rt_sigreturn sigaction sigprocmask sigpending sigsuspend sigreturn signal sigaltstack sgetmask
            ssetmask
        ],
        Allow,
        "the caller's own signals",
    ),
    row(
        calls![kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal],
        SEEN,
        "Landlock scopes signals to the sandbox (ABI 6)",
    ),
    row(
        calls![
            getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32
            getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32
            setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid
            setfsgid32 setgroups setgroups32 capget capset
        ],
        Allow,
        "without capabilities they change nothing that matters",
    ),
    row(
        calls![
            breakpoint cacheflush usr26 usr32 set_tls get_tls riscv_flush_icache riscv_hwprobe swapcontext
            s390_guarded_storage s390_runtime_instr uretprobe uprobe
        ],
        Allow,
        "the architecture's own, on the caller (the kernel never shows a filter uprobe and uretprobe)",
    ),
    row(calls![execve execveat], ByArgs(&[OWN_EXECVE], Then::Observe), "Landlock judges the file"),
    // -- Files: Landlock judges the path.
    row(
        calls![
            mkdir mkdirat rmdir rename renameat renameat2 symlink symlinkat
            truncate truncate64
        ],
        SEEN,
        "Landlock judges the path",
    ),
    row(calls![unlink link], ByArgs(&[shm(&[])], Then::Observe), PATH_OR_SHM),
    row(calls![unlinkat], ByArgs(&[shm(&[AT_CWD, Test::eq32(2, 0)])], Then::Observe), PATH_OR_SHM),
    row(
        calls![linkat],
        ByArgs(&[shm(&[AT_CWD, Test::eq32(2, CWD), Test::eq32(4, 0)])], Then::Observe),
        PATH_OR_SHM,
    ),
    row(
        calls![open],
        ByArgs(
            &[
                case(&[Test::any32(1, CREATES), Test::any32(2, SET_ID)], Then::Refuse(EPERM)),
                shm(&[shm_open(1)]),
                shm(&[sem_open(1)]),
            ],
            Then::Observe,
        ),
        "Landlock judges the path; no file with set-user-ID or set-group-ID bits; POSIX shared memory",
    ),
    row(
        calls![openat],
        ByArgs(
            &[
                case(&[Test::any32(2, CREATES), Test::any32(3, SET_ID)], Then::Refuse(EPERM)),
                shm(&[AT_CWD, shm_open(2)]),
                shm(&[AT_CWD, sem_open(2)]),
            ],
            Then::Observe,
        ),
        "Landlock judges the path; no file with set-user-ID or set-group-ID bits; POSIX shared memory",
    ),
    row(calls![openat2], Refuse(ENOSYS), "its mode is in memory; libc and programs fall back to openat"),
    row(
        calls![creat mknod],
        ByArgs(&[case(&[Test::any32(1, SET_ID)], Then::Refuse(EPERM))], Then::Observe),
        "Landlock judges the path; no file with set-user-ID or set-group-ID bits",
    ),
    row(
        calls![mknodat],
        ByArgs(&[case(&[Test::any32(2, SET_ID)], Then::Refuse(EPERM))], Then::Observe),
        "Landlock judges the path; no file with set-user-ID or set-group-ID bits",
    ),
    row(
        calls![
            stat lstat fstat stat64 lstat64 fstat64 fstatat64 newfstatat statx oldstat oldlstat oldfstat
            statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2 readlink readlinkat getcwd chdir
            fchdir getdents getdents64 readdir getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr
            flistxattr listxattrat file_getattr inotify_init inotify_init1 inotify_add_watch
            inotify_rm_watch
        ],
        Allow,
        "reports existing files; Landlock does not hide names",
    ),
    row(
        calls![
            chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat chown32 lchown32 fchown32 utime
            utimes futimesat utimensat utimensat_time64 setxattr lsetxattr fsetxattr removexattr
            lremovexattr fremovexattr
        ],
        Ask(&[Metadata]),
        "mode, owner, times and attributes, which Landlock does not see: only under a write grant",
    ),
    row(calls![setxattrat removexattrat], Refuse(ENOSYS), "newer forms of the same; libc falls back"),
    row(calls![file_setattr], Refuse(ENOSYS), "flags of files that are only readable"),
    // -- Sockets.
    row(
        calls![socket],
        ByArgs(sockets::SOCKETS, sockets::NO_FAMILY),
        "an allowlist of family, type and protocol",
    ),
    row(calls![socketpair], ByArgs(sockets::PAIRS, sockets::NO_FAMILY), "unix only"),
    row(
        calls![connect],
        Ask(&[Netlink, Connect]),
        "emulated netlink sockets; unix sockets by path where Landlock does not see them (before ABI 9)",
    ),
    row(
        calls![bind],
        Ask(&[Netlink, Interfaces]),
        "emulated netlink sockets; datagram sockets that cannot send; otherwise Landlock judges the port and the path",
    ),
    row(
        calls![getsockname getpeername],
        Ask(&[Netlink]),
        "emulated netlink sockets; other names are the kernel's",
    ),
    row(calls![listen], Ask(&[Listen]), "a socket without a port would get one that no rule gave"),
    row(
        calls![setsockopt],
        ByArgs(
            &[
                case(&[AT_NETLINK], Then::Ask(Netlink)),
                // SO_LINGER makes the last close wait, and the supervisor may be the last to close.
                case(&[AT_SOCKET, Test::eq32(2, 13)], Then::Ask(Connect)),
                // SO_SNDTIMEO, old and new: the supervisor sets it while it connects.
                case(&[AT_SOCKET, SNDTIMEO], Then::Ask(Connect)).without(Features::UNIX_SEEN),
                case(&[AT_SOCKET, SNDTIMEO_NEW], Then::Ask(Connect)).without(Features::UNIX_SEEN),
                // TCP_FASTOPEN_CONNECT puts off a connect until something is sent; TCP_ULP turns a TCP socket
                // into something else.
                case(&[AT_TCP, Test::range32(2, 30, 31)], Then::Refuse(Errno::ENOPROTOOPT)),
                // SO_BINDTODEVICE, SO_BINDTOIFINDEX: packets for an address of this machine, or of a granted
                // network, would leave by another interface.
                case(&[AT_SOCKET, Test::eq32(2, 25)], Then::Ask(Connect)),
                case(&[AT_SOCKET, Test::eq32(2, 62)], Then::Ask(Connect)),
                // IP_OPTIONS; IPV6_2292PKTOPTIONS, IPV6_RTHDR: packets would go to another machine than the
                // one that connect(2) was judged by.
                case(&[AT_IP, Test::eq32(2, 4)], Then::Refuse(EPERM)),
                case(&[AT_IPV6, Test::eq32(2, 6)], Then::Refuse(EPERM)),
                case(&[AT_IPV6, Test::eq32(2, 57)], Then::Refuse(EPERM)),
                // IP_ADD_MEMBERSHIP to MCAST_MSFILTER; IPV6_JOIN_GROUP: the kernel reports each group to the
                // network, for a socket that cannot send too.
                case(&[AT_IP, Test::range32(2, 35, 48)], Then::Refuse(Errno::ENODEV)),
                case(&[AT_IPV6, Test::eq32(2, 20)], Then::Refuse(Errno::ENODEV)),
                case(&[AT_IPV6, Test::range32(2, 42, 48)], Then::Refuse(Errno::ENODEV)),
            ],
            Then::Allow,
        ),
        "the options of emulated netlink sockets; those that could make the supervisor wait; no source routes, groups and devices",
    ),
    row(
        calls![getsockopt],
        ByArgs(
            &[
                case(&[AT_NETLINK], Then::Ask(Netlink)),
                // SO_TYPE, SO_PROTOCOL, SO_DOMAIN
                case(&[AT_SOCKET, Test::eq32(2, 3)], Then::Ask(Netlink)),
                case(&[AT_SOCKET, Test::eq32(2, 38)], Then::Ask(Netlink)),
                case(&[AT_SOCKET, Test::eq32(2, 39)], Then::Ask(Netlink)),
            ],
            Then::Allow,
        ),
        "what an emulated netlink socket says it is",
    ),
    row(
        calls![send sendto sendmmsg],
        ByArgs(
            &[case(&[Test::any32(3, FASTOPEN)], NO_FASTOPEN), case(&[EMULATED], Then::Ask(Netlink))],
            Then::Allow,
        ),
        "no connect inside a send; emulated netlink sockets",
    ),
    row(
        calls![sendmsg],
        ByArgs(
            &[case(&[Test::any32(2, FASTOPEN)], NO_FASTOPEN), case(&[EMULATED], Then::Ask(Netlink))],
            Then::Allow,
        ),
        "no connect inside a send; emulated netlink sockets",
    ),
    row(
        calls![write writev recvmsg recvmmsg recvmmsg_time64],
        ByArgs(&[case(&[EMULATED], Then::Ask(Netlink))], Then::Allow),
        "acts on open files only; emulated netlink sockets",
    ),
    row(
        calls![recvfrom],
        ByArgs(&[case(&[EMULATED, Test::ne64(4, 0)], Then::Ask(Netlink))], Then::Allow),
        "acts on open sockets only; the address of an emulated netlink socket",
    ),
    row(calls![accept accept4 recv shutdown], Allow, "acts on open sockets only"),
    // Every socket call behind one number, with its arguments in memory, where they can be exchanged between
    // a look and the run. Each has a number of its own since Linux 4.3, which musl, Go and Rust's raw calls
    // use; glibc does so everywhere but on i386 and s390x, where its programs therefore have no sockets.
    row(calls![socketcall], Refuse(ENOSYS), "arguments in memory; the calls of their own numbers remain"),
    // -- By argument.
    row(
        calls![clone],
        ByArgs(
            &[case(&[Test::any64(CLONE_FLAGS, NAMESPACES | CLONE_PARENT)], Then::Refuse(EPERM))],
            Then::Allow,
        ),
        "no namespaces, no siblings",
    ),
    row(calls![clone3], Refuse(ENOSYS), "its flags are in memory; libc falls back to clone"),
    row(
        calls![unshare],
        ByArgs(
            &[case(&[Test::any64(0, NAMESPACES | CLONE_NEWTIME | EMPTY_MNTNS)], Then::Refuse(EPERM))],
            Then::Allow,
        ),
        "no namespaces",
    ),
    row(
        calls![ioctl],
        ByArgs(&ioctls::REQUESTS, ioctls::UNKNOWN),
        "an allow-list: no typing into terminals, no interfaces of the host, no change of read-only files",
    ),
    row(
        calls![prctl],
        ByArgs(
            &[
                // PR_SET_DUMPABLE to 0 would hide the target from its supervisor. Programs that want to be
                // let alone, or no core dump, end if they are refused it.
                case(&[Test::eq32(0, 4), Test::eq64(1, 0)], Then::Ignore),
                case(&[Test::eq32(0, 4), Test::ne64(1, 1)], Then::Refuse(Errno::EINVAL)),
                // PR_SET_SECUREBITS, PR_SET_MM, PR_SCHED_CORE, PR_SET_PTRACER
                case(&[Test::eq32(0, 28)], Then::Refuse(EPERM)),
                case(&[Test::eq32(0, 35)], Then::Refuse(EPERM)),
                case(&[Test::eq32(0, 62)], Then::Refuse(EPERM)),
                case(&[Test::eq32(0, 0x5961_6d61)], Then::Refuse(EPERM)).without(Features::TRACING),
            ],
            Then::Allow,
        ),
        "stays visible to the supervisor and closed to others",
    ),
    row(
        calls![personality],
        ByArgs(
            // PER_LINUX and PER_LINUX32, with any flags, which u32::MAX has too: that asks.
            &[
                case(&[Test::eq32(0, u32::MAX)], Then::Allow),
                case(&[Test::masked32(0, 0xf7, 0)], Then::Allow),
            ],
            Then::Refuse(Errno::EINVAL),
        ),
        "of the caller only; no other system's",
    ),
    row(
        calls![memfd_create],
        ByArgs(
            &[
                // What no kernel knows, and two that exclude each other.
                case(&[Test::any32(1, 0x03ff_ffe0)], Then::Refuse(Errno::EINVAL)),
                case(&[Test::masked32(1, 0x18, 0x18)], Then::Refuse(Errno::EINVAL)),
                // MFD_EXEC, and MFD_NOEXEC_SEAL that needs no help.
                case(&[Test::any32(1, 0x10)], Then::Refuse(EACCES)),
                case(&[Test::any32(1, 0x8)], Then::Allow),
            ],
            Then::Ask(Memfd),
        ),
        "made without the right to execute it, which Landlock cannot take away",
    ),
    // -- Another process by number: the caller itself here, others of the sandbox by the supervisor.
    row(
        calls![
            prlimit64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
        ],
        ByArgs(&[case(&[Test::eq32(0, 0)], Then::Allow)], Then::Ask(ProcessIds)),
        "the sandbox's own processes only",
    ),
    row(
        calls![setpriority],
        ByArgs(
            // PRIO_PROCESS; whole groups and users have others in them.
            &[
                case(&[Test::eq32(0, 0), Test::eq32(1, 0)], Then::Allow),
                case(&[Test::eq32(0, 0)], Then::Ask(ProcessIds)),
            ],
            Then::Refuse(EPERM),
        ),
        "the sandbox's own processes only",
    ),
    row(
        calls![ioprio_set],
        ByArgs(
            // IOPRIO_WHO_PROCESS
            &[
                case(&[Test::eq32(0, 1), Test::eq32(1, 0)], Then::Allow),
                case(&[Test::eq32(0, 1)], Then::Ask(ProcessIds)),
            ],
            Then::Refuse(EPERM),
        ),
        "the sandbox's own processes only",
    ),
    row(
        calls![move_pages migrate_pages],
        ByArgs(&[case(&[Test::eq32(0, 0)], Then::Allow)], Then::Refuse(EPERM)),
        "the caller only",
    ),
    row(
        calls![ptrace],
        ByArgs(
            &[
                case(&[], Then::Refuse(EPERM)).without(Features::TRACING),
                // PTRACE_TRACEME makes the parent the tracer, which may be the guardian.
                case(&[Test::eq32(0, 0)], Then::Ask(ProcessIds)),
            ],
            Then::Allow,
        ),
        "Landlock scopes tracing to the sandbox; the guardian is no tracer",
    ),
    row(
        calls![process_vm_readv process_vm_writev process_madvise pidfd_getfd],
        ByArgs(&[case(&[], Then::Refuse(EPERM)).without(Features::TRACING)], Then::Allow),
        "Landlock scopes looking into processes to the sandbox, as tracing",
    ),
    // -- Refused: changes of the machine, names outside the file system, large kernel surfaces.
    row(
        calls![
            mount umount umount2 pivot_root chroot fchroot move_mount open_tree open_tree_attr fsopen
            fsconfig fsmount fspick mount_setattr setns swapon swapoff
        ],
        Refuse(EPERM),
        "changes what the file system or a namespace is",
    ),
    row(
        calls![
            reboot kexec_load kexec_file_load init_module finit_module delete_module acct syslog
            sethostname setdomainname settimeofday clock_settime clock_settime64
            clock_adjtime clock_adjtime64 adjtimex stime vhangup ioperm iopl pciconfig_iobase
            pciconfig_read pciconfig_write rtas s390_pci_mmio_read s390_pci_mmio_write s390_sthyi
        ],
        Refuse(EPERM),
        "changes the machine",
    ),
    row(
        calls![bpf perf_event_open userfaultfd open_by_handle_at],
        Refuse(EPERM),
        "large kernel surfaces, or ways around Landlock; the errno is an ordinary user's",
    ),
    row(
        calls![
            keyctl add_key request_key mq_open mq_unlink fanotify_init fanotify_mark name_to_handle_at
            quotactl quotactl_fd modify_ldt process_mrelease lsm_set_self_attr
        ],
        Refuse(ENOSYS),
        "names outside the file system, or large kernel surfaces; programs do without on a kernel built without them",
    ),
    row(
        calls![io_uring_setup io_uring_enter io_uring_register],
        Refuse(ENOSYS),
        "performs calls that no filter sees; libraries fall back",
    ),
    row(
        calls![
            ipc shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop
            semtimedop_time64 semctl
        ],
        Ask(&[SystemV]),
        "System V objects of the sandbox's own",
    ),
    row(
        calls![
            mq_getsetattr mq_notify mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
        ],
        Allow,
        "acts on open queues, and none can be opened",
    ),
    row(
        calls![
            seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr
            lsm_list_modules
        ],
        Allow,
        "a program may restrict itself further",
    ),
    row(
        calls![statmount listmount listns memfd_secret],
        Refuse(ENOSYS),
        "new, and every caller has a way without",
    ),
    row(
        calls![
            _sysctl afs_syscall bdflush r#break create_module epoll_ctl_old epoll_wait_old ftime get_kernel_syms getpmsg
            gtty idle lock lookup_dcookie mpx multiplexer nfsservctl prof profil putpmsg query_module security spu_create spu_run stty
            switch_endian sys_debug_setcontext sysfs timerfd tuxcall ulimit uselib ustat vm86 vm86old vserver
        ],
        Refuse(ENOSYS),
        "removed from the kernel, or used by no program",
    ),
];
