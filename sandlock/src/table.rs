//! THE table: every system call of every architecture, by family, and who decides about it.
//!
//! The filter, the tests and the documents are read from it. A number in no row does not exist for the target: `ENOSYS`, as on an older kernel.

use sandlock_bpf::{Action, Answer, Case, Test};
use sandlock_sys::ioctl::{READ, WRITE};
use sandlock_sys::{Errno, ioctl};

/// Calls that belong together: whoever answers one answers all (every generation, every width, every legacy form).
pub struct Family {
    /// The kernel's names, separated by spaces.
    pub names: &'static str,
    /// Who decides.
    pub class: Class,
    /// Why, for the reader of `sandlock explain`.
    pub why: &'static str,
}

/// Who decides about a family.
pub enum Class {
    /// The kernel: Landlock where files, ports or signals are concerned, its own rules otherwise.
    Allow,
    /// Nobody: it fails with this.
    Deny(Errno),
    /// The filter, from registers: the first case that holds, else the last action.
    Args(&'static [Case<'static>], Action),
    /// The same, but which cases depends on what the running kernel can do.
    Kernel(fn(Facts) -> (&'static [Case<'static>], Action)),
    /// The supervisor.
    Trap,
}

/// What of the running kernel the table depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Landlock judges unix sockets by path (ABI 9).
    pub sees_unix: bool,
    /// The calls are those of 32-bit programs on a 64-bit kernel.
    pub compat: bool,
}

impl Class {
    /// The class as the filter compiler takes it.
    #[must_use]
    pub fn answer(&self, facts: Facts) -> Answer<'static> {
        match self {
            Self::Allow => Answer::Always(ALLOW),
            Self::Deny(errno) => Answer::Always(Action::errno(*errno)),
            Self::Args(cases, last) => Answer::Cases(cases, *last),
            Self::Kernel(pick) => match pick(facts) {
                ([], last) => Answer::Always(last),
                (cases, last) => Answer::Cases(cases, last),
            },
            Self::Trap => Answer::Always(TRAP),
        }
    }
}

const ALLOW: Action = Action::ALLOW;
const TRAP: Action = Action::USER_NOTIF;
const EPERM: Action = Action::errno(Errno::EPERM);
const EACCES: Action = Action::errno(Errno::EACCES);

const fn case(when: &'static [Test], then: Action) -> Case<'static> {
    Case { when, then }
}

const fn row(names: &'static str, class: Class, why: &'static str) -> Family {
    Family { names, class, why }
}

/// `CLONE_NEW*` of clone(2) and unshare(2). (`CLONE_NEWTIME` is a signal number to clone, and a namespace to unshare.)
const NAMESPACES: u64 = 0x7e02_0000;
const CLONE_NEWTIME: u64 = 0x80;
/// `CLONE_PARENT`: the child would be nobody's of the sandbox.
const CLONE_PARENT: u64 = 0x8000;
/// `UNSHARE_EMPTY_MNTNS`, Linux 7.1.
const EMPTY_MNTNS: u64 = 0x10_0000;
/// s390x has the stack first.
const CLONE_FLAGS: u8 = if cfg!(target_arch = "s390x") { 1 } else { 0 };

const SOCK_TYPE_MASK: u32 = 0xf;
const STREAM: Test = Test::masked32(1, SOCK_TYPE_MASK, 1);
const DGRAM: Test = Test::masked32(1, SOCK_TYPE_MASK, 2);
const SEQPACKET: Test = Test::masked32(1, SOCK_TYPE_MASK, 5);
const UNIX: Test = Test::eq32(0, 1);
const INET: Test = Test::eq32(0, 2);
const INET6: Test = Test::eq32(0, 10);
const NETLINK: Test = Test::eq32(0, 16);
const TCP: Test = Test::eq32(2, 6);
/// Also `NETLINK_ROUTE`.
const DEFAULT: Test = Test::eq32(2, 0);
const SOCK_DIAG: Test = Test::eq32(2, 4);
const KOBJECT_UEVENT: Test = Test::eq32(2, 15);
const GENERIC: Test = Test::eq32(2, 16);
const NO_FAMILY: Action = Action::errno(Errno::EAFNOSUPPORT);
const NO_PROTOCOL: Action = Action::errno(Errno::EPROTONOSUPPORT);

/// Families, types and protocols that are left of socket(2). UDP, ICMP, MPTCP, SCTP and SMC are closed here because Landlock does not see
/// where they go; the errno is the one that makes programs fall back. The first row is for where Landlock sees whom a unix socket talks to (ABI 9).
/// What starts alike stands together, and shares its tests in the filter.
const SOCKETS_UNIX_SEEN: &[Case] = &[
    case(&[UNIX], ALLOW),
    case(&[UNIX, STREAM], ALLOW),
    case(&[UNIX, SEQPACKET], ALLOW),
    // A datagram socket names its peer in a send, in memory: without Landlock's help nobody can judge that without a trap for each. The
    // supervisor makes one that cannot, for those who ask it about interfaces.
    case(&[UNIX, DGRAM], TRAP),
    case(&[UNIX], EACCES),
    case(&[INET, STREAM, DEFAULT], ALLOW),
    case(&[INET, STREAM, TCP], ALLOW),
    case(&[INET, STREAM], NO_PROTOCOL),
    case(&[INET, DGRAM], EACCES),
    case(&[INET], EPERM),
    case(&[INET6, STREAM, DEFAULT], ALLOW),
    case(&[INET6, STREAM, TCP], ALLOW),
    case(&[INET6, STREAM], NO_PROTOCOL),
    case(&[INET6, DGRAM], EACCES),
    case(&[INET6], EPERM),
    // These four are emulated; of the other protocols the target learns that they are not built in.
    case(&[NETLINK, DEFAULT], TRAP),
    case(&[NETLINK, SOCK_DIAG], TRAP),
    case(&[NETLINK, KOBJECT_UEVENT], TRAP),
    case(&[NETLINK, GENERIC], TRAP),
    case(&[NETLINK], NO_PROTOCOL),
];
const SOCKETS: &[Case] = SOCKETS_UNIX_SEEN.split_at(1).1;

const PAIRS: &[Case] = &[
    case(&[UNIX, STREAM], ALLOW),
    case(&[UNIX, SEQPACKET], ALLOW),
    // Its ends can send to any other name.
    case(&[UNIX], EACCES),
];
const PAIRS_UNIX_SEEN: &[Case] = &[case(&[UNIX], ALLOW)];

/// `MSG_FASTOPEN`: a connect inside a send, which Landlock missed until 7.2. The errno is that of a kernel without it.
const FASTOPEN: u32 = 0x2000_0000;
const NO_FASTOPEN: Action = Action::errno(Errno::EOPNOTSUPP);

/// `SOL_NETLINK`, `SOL_SOCKET`, `SOL_TCP`
const AT_NETLINK: Test = Test::eq32(1, 270);
const AT_SOCKET: Test = Test::eq32(1, 1);
const AT_TCP: Test = Test::eq32(1, 6);

/// Requests that ioctl(2) refuses, on whatever file. The first three rows are not for everybody.
const IOCTLS_COMPAT: &[Case] = &[
    // FS_IOC32_SETVERSION, EXT4_IOC32_SETVERSION
    case(&[request(WRITE, b'v', 2, 4)], EPERM),
    case(&[request(WRITE, b'f', 4, 4)], EPERM),
    // It makes an open file block or not.
    case(&[Test::eq32(1, ioctl::FIONBIO)], TRAP),
    // TIOCSTI types into the terminal, TIOCLINUX pastes into it, TIOCSETD changes its driver, TIOCCONS takes the console's output.
    case(&[Test::eq32(1, 0x5412)], EPERM),
    case(&[Test::eq32(1, 0x541c)], EPERM),
    case(&[Test::eq32(1, 0x5423)], EPERM),
    case(&[Test::eq32(1, 0x541d)], EPERM),
    // Interfaces, by any socket: SIOCGIFNAME to SIOCGIFMAP are asked of the emulated network, the others and the wireless ones of nobody.
    case(&[Test::range32(1, 0x8910, 0x8970)], TRAP),
    case(&[Test::range32(1, 0x8971, 0x89ff)], EPERM),
    case(&[Test::range32(1, 0x8b00, 0x8bff)], EPERM),
    // FS_IOC_SETFLAGS (two widths), FS_IOC_FSSETXATTR, FS_IOC_ENABLE_VERITY, FS_IOC_SETVERSION, EXT4_IOC_SETVERSION,
    // FS_IOC_SET_ENCRYPTION_POLICY, FAT_IOCTL_SET_ATTRIBUTES: they change a file that is open for reading.
    case(&[request(WRITE, b'f', 2, 8)], EPERM),
    case(&[request(WRITE, b'f', 2, 4)], EPERM),
    case(&[request(WRITE, b'X', 32, 28)], EPERM),
    case(&[request(WRITE, b'f', 133, 128)], EPERM),
    case(&[request(WRITE, b'v', 2, LONG)], EPERM),
    case(&[request(WRITE, b'f', 4, LONG)], EPERM),
    case(&[request(READ, b'f', 19, 12)], EPERM),
    case(&[request(WRITE, b'r', 0x11, 4)], EPERM),
    // BTRFS_IOC_SNAP_CREATE, SUBVOL_CREATE and SNAP_DESTROY, old and new, and SUBVOL_SETFLAGS: the same for whole trees.
    case(&[request(WRITE, 0x94, 1, 4096)], EPERM),
    case(&[request(WRITE, 0x94, 23, 4096)], EPERM),
    case(&[request(WRITE, 0x94, 14, 4096)], EPERM),
    case(&[request(WRITE, 0x94, 24, 4096)], EPERM),
    case(&[request(WRITE, 0x94, 15, 4096)], EPERM),
    case(&[request(WRITE, 0x94, 63, 4096)], EPERM),
    case(&[request(WRITE, 0x94, 26, 8)], EPERM),
];

/// A request of ioctl(2) by its parts, which not every architecture puts together alike.
const fn request(dir: u32, kind: u8, nr: u8, size: usize) -> Test {
    Test::eq32(1, ioctl::ioc(dir, kind, nr, size))
}

const LONG: usize = size_of::<usize>();

const IOCTLS_FIONBIO: &[Case] = IOCTLS_COMPAT.split_at(2).1;
const IOCTLS: &[Case] = IOCTLS_COMPAT.split_at(3).1;

/// `F_SETFL` of fcntl(2), the other way to make an open file block.
const F_SETFL: &[Case] = &[case(&[Test::eq32(1, 4)], TRAP)];

/// The table.
pub const FAMILIES: &[Family] = &[
    // -- What a program lives on. Hot, so no register is looked at.
    row(
        "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close close_range dup dup2 dup3 \
         flock pipe pipe2 poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create \
         epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create \
         timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64 sendfile sendfile64 splice tee vmsplice \
         copy_file_range readahead fadvise64 fadvise64_64 arm_fadvise64_64 sync_file_range sync_file_range2 \
         arm_sync_file_range fsync fdatasync sync syncfs fallocate io_setup io_submit io_cancel io_destroy io_getevents \
         io_pgetevents io_pgetevents_time64",
        Class::Allow,
        "acts on open files only",
    ),
    row(
        "fcntl fcntl64",
        Class::Kernel(flags),
        "a connect on behalf must not be made to block while it is under way",
    ),
    row(
        "mmap mmap2 munmap mremap mprotect madvise msync mincore mlock mlock2 mlockall munlock munlockall brk mseal \
         remap_file_pages pkey_alloc pkey_free pkey_mprotect map_shadow_stack mbind set_mempolicy get_mempolicy \
         set_mempolicy_home_node membarrier cachestat subpage_prot",
        Class::Allow,
        "acts on the caller's own memory",
    ),
    row(
        "exit exit_group wait4 waitid waitpid fork vfork getpid getppid gettid getpgid getpgrp getsid setpgid setsid times \
         getrusage set_tid_address set_robust_list get_robust_list rseq rseq_slice_yield restart_syscall pause nanosleep \
         clock_nanosleep clock_nanosleep_time64 clock_gettime clock_gettime64 clock_getres clock_getres_time64 gettimeofday \
         time alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 \
         timer_settime timer_settime64 getcpu getrandom uname olduname oldolduname sysinfo umask nice \
         sched_yield sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_get_priority_max \
         sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority ioprio_get getrlimit ugetrlimit \
         setrlimit futex futex_time64 futex_wait futex_wake futex_requeue futex_waitv arch_prctl set_thread_area \
         get_thread_area kcmp pidfd_open",
        Class::Allow,
        "acts on the caller and its children, or only tells",
    ),
    row(
        "rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_sigreturn sigaction \
         sigprocmask sigpending sigsuspend sigreturn signal sigaltstack sgetmask ssetmask",
        Class::Allow,
        "the caller's own signals",
    ),
    row(
        "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal",
        Class::Allow,
        "Landlock scopes signals to the sandbox (ABI 6)",
    ),
    row(
        "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 \
         getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 \
         setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset",
        Class::Allow,
        "without capabilities they change nothing that matters",
    ),
    row(
        "breakpoint cacheflush usr26 usr32 set_tls get_tls riscv_flush_icache riscv_hwprobe swapcontext s390_guarded_storage \
         s390_runtime_instr uretprobe uprobe",
        Class::Allow,
        "the architecture's own, on the caller (the kernel never shows a filter uprobe and uretprobe)",
    ),
    row("execve execveat", Class::Allow, "Landlock judges the file"),
    // -- Files: Landlock judges the path.
    row(
        "open openat openat2 creat mkdir mkdirat mknod mknodat rmdir unlink unlinkat rename renameat renameat2 link linkat \
         symlink symlinkat truncate truncate64 ftruncate ftruncate64",
        Class::Allow,
        "Landlock judges the path",
    ),
    row(
        "stat lstat fstat stat64 lstat64 fstat64 fstatat64 newfstatat statx oldstat oldlstat oldfstat statfs statfs64 fstatfs \
         fstatfs64 access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir getdents getdents64 readdir getxattr \
         lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat file_getattr inotify_init inotify_init1 \
         inotify_add_watch inotify_rm_watch",
        Class::Allow,
        "tells what is there; Landlock does not hide names",
    ),
    row(
        "chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat chown32 lchown32 fchown32 utime utimes futimesat utimensat \
         utimensat_time64 setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr",
        Class::Trap,
        "mode, owner, times and attributes, which Landlock does not see: only under a write grant",
    ),
    row("setxattrat removexattrat", Class::Deny(Errno::ENOSYS), "newer forms of the same; libc falls back"),
    row("file_setattr", Class::Deny(Errno::EPERM), "flags of files that are only readable"),
    // -- Sockets.
    row("socket", Class::Kernel(sockets), "an allowlist of family, type and protocol"),
    row("socketpair", Class::Kernel(pairs), "unix only"),
    row(
        "connect",
        Class::Trap,
        "emulated netlink sockets; unix sockets by path where Landlock does not see them (before ABI 9)",
    ),
    row(
        "bind getsockname getpeername",
        Class::Trap,
        "emulated netlink sockets; otherwise Landlock judges the port and the path",
    ),
    row("listen", Class::Trap, "a socket without a port would get one that no rule gave"),
    row(
        "setsockopt",
        Class::Args(
            &[
                case(&[AT_NETLINK], TRAP),
                // SO_LINGER makes the last close wait, and the last to close may be the supervisor.
                case(&[AT_SOCKET, Test::eq32(2, 13)], EPERM),
                // TCP_ULP turns a TCP socket into something else.
                case(&[AT_TCP, Test::eq32(2, 31)], Action::errno(Errno::ENOPROTOOPT)),
            ],
            ALLOW,
        ),
        "the options of emulated netlink sockets",
    ),
    row(
        "getsockopt",
        Class::Args(
            &[
                case(&[AT_NETLINK], TRAP),
                // SO_TYPE, SO_PROTOCOL, SO_DOMAIN
                case(&[AT_SOCKET, Test::eq32(2, 3)], TRAP),
                case(&[AT_SOCKET, Test::eq32(2, 38)], TRAP),
                case(&[AT_SOCKET, Test::eq32(2, 39)], TRAP),
            ],
            ALLOW,
        ),
        "what an emulated netlink socket says it is",
    ),
    row(
        "sendto",
        Class::Args(
            &[
                case(&[Test::any32(3, FASTOPEN)], NO_FASTOPEN),
                // musl's interface lists: 20 bytes, no flags, no address, then a read that does not wait.
                case(&[Test::eq64(2, 20), Test::eq32(3, 0), Test::eq64(4, 0)], TRAP),
            ],
            ALLOW,
        ),
        "no connect inside a send; musl wants the netlink answer before send returns",
    ),
    row(
        "send",
        Class::Args(&[case(&[Test::any32(3, FASTOPEN)], NO_FASTOPEN)], ALLOW),
        "no connect inside a send",
    ),
    row(
        "sendmsg",
        Class::Args(&[case(&[Test::any32(2, FASTOPEN)], NO_FASTOPEN)], ALLOW),
        "no connect inside a send",
    ),
    row(
        "sendmmsg",
        Class::Args(&[case(&[Test::any32(3, FASTOPEN)], NO_FASTOPEN)], ALLOW),
        "no connect inside a send",
    ),
    row(
        "accept accept4 recv recvfrom recvmsg recvmmsg recvmmsg_time64 shutdown",
        Class::Allow,
        "acts on open sockets only",
    ),
    // Every socket call behind one number, with its arguments in memory, where they can be exchanged between a look and the run. Each
    // has a number of its own since Linux 4.3, which musl, Go and Rust's raw calls use; glibc does so everywhere but on i386 and s390x,
    // where its programs therefore have no sockets.
    row(
        "socketcall",
        Class::Deny(Errno::ENOSYS),
        "arguments in memory; the calls of their own numbers remain",
    ),
    // -- By argument.
    row(
        "clone",
        Class::Args(&[case(&[Test::any64(CLONE_FLAGS, NAMESPACES | CLONE_PARENT)], EPERM)], ALLOW),
        "no namespaces, no siblings",
    ),
    row("clone3", Class::Deny(Errno::ENOSYS), "its flags are in memory; libc falls back to clone"),
    row(
        "unshare",
        Class::Args(&[case(&[Test::any64(0, NAMESPACES | CLONE_NEWTIME | EMPTY_MNTNS)], EPERM)], ALLOW),
        "no namespaces",
    ),
    row("ioctl", Class::Kernel(ioctls), "no typing into terminals, no host interfaces, no file flags"),
    row(
        "prctl",
        Class::Args(
            &[
                // PR_SET_DUMPABLE to anything but 1 hides the target from its supervisor.
                case(&[Test::eq32(0, 4), Test::ne64(1, 1)], EPERM),
                // PR_SET_SECUREBITS, PR_SET_MM, PR_SCHED_CORE, PR_SET_PTRACER
                case(&[Test::eq32(0, 28)], EPERM),
                case(&[Test::eq32(0, 35)], EPERM),
                case(&[Test::eq32(0, 62)], EPERM),
                case(&[Test::eq32(0, 0x5961_6d61)], EPERM),
            ],
            ALLOW,
        ),
        "stays visible to the supervisor and closed to others",
    ),
    row("personality", Class::Args(&[case(&[Test::eq32(0, u32::MAX)], ALLOW)], EPERM), "asking only"),
    row(
        "memfd_create",
        Class::Args(
            &[
                // MFD_EXEC, and MFD_NOEXEC_SEAL that needs no help.
                case(&[Test::any32(1, 0x10)], EACCES),
                case(&[Test::any32(1, 0x8)], ALLOW),
            ],
            TRAP,
        ),
        "made without the right to execute it, which Landlock cannot take away",
    ),
    // -- Another process by number: the caller itself here, others of the sandbox by the supervisor.
    row(
        "prlimit64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler",
        Class::Args(&[case(&[Test::eq32(0, 0)], ALLOW)], TRAP),
        "the sandbox's own processes only",
    ),
    row(
        "setpriority",
        Class::Args(
            // PRIO_PROCESS; whole groups and users have others in them.
            &[case(&[Test::eq32(0, 0), Test::eq32(1, 0)], ALLOW), case(&[Test::eq32(0, 0)], TRAP)],
            EPERM,
        ),
        "the sandbox's own processes only",
    ),
    row(
        "ioprio_set",
        Class::Args(
            // IOPRIO_WHO_PROCESS
            &[case(&[Test::eq32(0, 1), Test::eq32(1, 0)], ALLOW), case(&[Test::eq32(0, 1)], TRAP)],
            EPERM,
        ),
        "the sandbox's own processes only",
    ),
    row(
        "move_pages migrate_pages",
        Class::Args(&[case(&[Test::eq32(0, 0)], ALLOW)], EPERM),
        "the caller only",
    ),
    row(
        "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd",
        Class::Deny(Errno::EPERM),
        "into other processes",
    ),
    // -- What a sandboxed program has no business with.
    row(
        "mount umount umount2 pivot_root chroot fchroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick \
         mount_setattr setns swapon swapoff quotactl quotactl_fd nfsservctl vserver",
        Class::Deny(Errno::EPERM),
        "changes what the file system or a namespace is",
    ),
    row(
        "reboot kexec_load kexec_file_load init_module finit_module delete_module create_module acct syslog lookup_dcookie \
         sethostname setdomainname settimeofday clock_settime clock_settime64 clock_adjtime clock_adjtime64 adjtimex stime \
         vhangup ioperm iopl modify_ldt pciconfig_iobase pciconfig_read pciconfig_write rtas s390_pci_mmio_read \
         s390_pci_mmio_write s390_sthyi lsm_set_self_attr",
        Class::Deny(Errno::EPERM),
        "changes the machine",
    ),
    row(
        "bpf perf_event_open userfaultfd keyctl add_key request_key fanotify_init fanotify_mark name_to_handle_at \
         open_by_handle_at",
        Class::Deny(Errno::EPERM),
        "large kernel surfaces, or ways around Landlock",
    ),
    row(
        "io_uring_setup io_uring_enter io_uring_register",
        Class::Deny(Errno::ENOSYS),
        "performs calls that no filter sees; libraries fall back",
    ),
    row(
        "ipc shmget shmat shmdt shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop semtimedop_time64 semctl",
        Class::Deny(Errno::EPERM),
        "System V objects have names outside the file system, shared with everybody of the same user",
    ),
    row("mq_open mq_unlink", Class::Deny(Errno::EACCES), "queues have names outside the file system"),
    row(
        "mq_getsetattr mq_notify mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64",
        Class::Allow,
        "acts on open queues, and none can be opened",
    ),
    row(
        "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_list_modules",
        Class::Allow,
        "a program may restrict itself further",
    ),
    row(
        "statmount listmount listns memfd_secret",
        Class::Deny(Errno::ENOSYS),
        "new, and every caller has a way without",
    ),
    row(
        "_sysctl afs_syscall bdflush break epoll_ctl_old epoll_wait_old ftime get_kernel_syms getpmsg gtty idle lock mpx \
         multiplexer prof profil putpmsg query_module security spu_create spu_run stty switch_endian sys_debug_setcontext sysfs \
         timerfd tuxcall ulimit uselib ustat vm86 vm86old",
        Class::Deny(Errno::ENOSYS),
        "gone from the kernel, or nobody's any more",
    ),
];

fn sockets(facts: Facts) -> (&'static [Case<'static>], Action) {
    (if facts.sees_unix { SOCKETS_UNIX_SEEN } else { SOCKETS }, NO_FAMILY)
}

fn pairs(facts: Facts) -> (&'static [Case<'static>], Action) {
    (if facts.sees_unix { PAIRS_UNIX_SEEN } else { PAIRS }, NO_FAMILY)
}

fn flags(facts: Facts) -> (&'static [Case<'static>], Action) {
    (if facts.sees_unix { &[] } else { F_SETFL }, ALLOW)
}

fn ioctls(facts: Facts) -> (&'static [Case<'static>], Action) {
    let cases = match facts {
        Facts { compat: true, .. } => IOCTLS_COMPAT,
        Facts { sees_unix: true, .. } => IOCTLS,
        Facts { sees_unix: false, .. } => IOCTLS_FIONBIO,
    };
    (cases, ALLOW)
}
