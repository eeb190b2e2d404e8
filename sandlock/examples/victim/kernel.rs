//! The kernel itself: other numbers, large surfaces, the machine, terminals, and objects with names outside
//! the file system.

use crate::call::{Attack, Errno, Result, attack, done, raw, with_garbage};

pub(crate) const ATTACKS: &[Attack] = &[
    attack("x32", "getpid by its x32 number", |_| done(raw(0x4000_0027, &[]))),
    attack("minus_one", "the call of number -1", |_| done(raw(-1, &[]))),
    attack("beyond", "a call of a number that no kernel has", |_| match raw(4000, &[]) {
        // That of a kernel that does not know it: what a program expects.
        Err(Errno::ENOSYS) => Err(Errno::ENOSYS),
        other => done(other),
    }),
    attack("clone3", "a child by clone3", |_| {
        let mut args = [0u64; 11];
        args[4] = libc::SIGCHLD as u64;
        let made = sys!("clone3", &args, 88)?;
        if made == 0 {
            let _ = sys!("exit_group", 0);
        }
        done(sys!("wait4", made, 0, 0, 0))
    }),
    attack("tiocsti", "types into the terminal that is its input", |_| done(sys!("ioctl", 0, 0x5412, b"x"))),
    attack("tiocsti_garbage", "the same with garbage in the high half", |_| {
        done(sys!("ioctl", 0, with_garbage(0x5412), b"x"))
    }),
    attack("tioclinux", "pastes into a console", |_| {
        reached(sys!("ioctl", 0, 0x541c, &[3u8]), Errno::ENOTTY)
    }),
    attack("tiocsetd", "changes the driver of a terminal", |_| {
        reached(sys!("ioctl", 0, 0x5423, &[0i32]), Errno::ENOTTY)
    }),
    attack("bpf", "loads a program into the kernel", |_| reached(sys!("bpf", 0, 0, 0), Errno::EINVAL)),
    attack("perf", "opens a counter", |_| reached(sys!("perf_event_open", 0, 0, -1, -1, 0), Errno::EFAULT)),
    attack("userfaultfd", "handles page faults", |_| done(sys!("userfaultfd", 1))),
    attack("memfd_secret", "has memory that no other process can read", |_| done(sys!("memfd_secret", 0))),
    attack("io_uring", "makes a ring, whose calls no filter sees", |_| {
        done(sys!("io_uring_setup", 2, &mut [0u64; 16]))
    }),
    attack("keyctl", "asks for its session's keyring", |_| {
        reached(sys!("keyctl", 0, -3i32, 0), Errno::new(libc::ENOKEY))
    }),
    attack("add_key", "adds a key", |_| done(sys!("add_key", c"user", c"sandlock", b"x", 1, -2i32))),
    attack("request_key", "asks for a key", |_| {
        reached(sys!("request_key", c"user", c"sandlock-none", 0, 0), Errno::new(libc::ENOKEY))
    }),
    attack("personality", "turns address randomisation off", |_| done(sys!("personality", 0x4_0000))),
    attack("clock", "sets the clock", |_| reached(sys!("clock_settime", 0, 0), Errno::EFAULT)),
    attack("timeofday", "sets the clock the old way", |_| reached(sys!("settimeofday", 8, 0), Errno::EFAULT)),
    attack("adjtimex", "reads the clock's discipline", |_| done(sys!("adjtimex", &mut [0u64; 32]))),
    attack("hostname", "renames the machine", |_| reached(sys!("sethostname", 8, usize::MAX), Errno::EINVAL)),
    attack("reboot", "reboots, with the wrong words", |_| reached(sys!("reboot", 0, 0, 0, 0), Errno::EINVAL)),
    attack("kexec", "loads another kernel", |_| {
        reached(sys!("kexec_file_load", -1, -1, 0, 0, usize::MAX), Errno::EINVAL)
    }),
    attack("module", "loads a module", |_| reached(sys!("finit_module", -1, c"", 0), Errno::EBADF)),
    attack("swapon", "adds swap", |_| reached(sys!("swapon", 8, 0), Errno::EFAULT)),
    attack("syslog", "asks for the size of the kernel's log", |_| done(sys!("syslog", 10, 0, 0))),
    attack("quotactl", "syncs quotas", |_| done(sys!("quotactl", 0x8000_0100u32, 0, 0, 0))),
    attack("mount", "mounts a file system", |_| reached(sys!("mount", 8, 8, 8, 0, 0), Errno::EFAULT)),
    attack("umount", "unmounts", |_| reached(sys!("umount2", c"/nowhere", 0), Errno::ENOENT)),
    attack("fsopen", "opens a file system", |_| done(sys!("fsopen", c"tmpfs", 0))),
    attack("open_tree", "clones a mount", |_| done(sys!("open_tree", libc::AT_FDCWD, c"/", 1))),
    attack("mount_setattr", "changes nothing of a mount", |_| {
        done(sys!("mount_setattr", libc::AT_FDCWD, c"/proc", 0, &[0u64; 4], 32))
    }),
    attack("pivot_root", "changes the root", |_| reached(sys!("pivot_root", 8, 8), Errno::EFAULT)),
    attack("chroot", "changes its root to where it is", |_| done(sys!("chroot", c"/"))),
    attack("handle", "names a file by handle", |_| {
        let mut handle = [0u32; 34];
        handle[0] = 128;
        done(sys!("name_to_handle_at", libc::AT_FDCWD, c"/", &mut handle, &mut [0i32], 0))
    }),
    attack("open_handle", "opens a file by handle", |_| {
        reached(sys!("open_by_handle_at", libc::AT_FDCWD, 8, 0), Errno::EFAULT)
    }),
    attack("fanotify", "watches every file", |_| done(sys!("fanotify_init", 0x200, 0))),
    // SHM_INFO, MSG_INFO, SEM_INFO; by one call, SHMCTL.
    attack("shm", "learns of all shared memory", |_| done(sys!("shmctl", 0, 14, &mut [0u64; 32]))),
    attack("msg", "learns of all queues", |_| done(sys!("msgctl", 0, 12, &mut [0u64; 32]))),
    attack("sem", "learns of all semaphores", |_| done(sys!("semctl", 0, 0, 19, &mut [0u64; 32]))),
    attack("ipc", "learns of all shared memory by the one call for all of these", |_| {
        done(sys!("ipc", 24, 0, 14, 0, &mut [0u64; 32]))
    }),
    attack("socketcall", "makes a socket by the one call for all that have to do with sockets", |_| {
        done(sys!("socketcall", 1, &[libc::AF_INET as usize, libc::SOCK_DGRAM as usize, 0]))
    }),
    attack("mq_open", "makes a queue with a name", |_| {
        let name = std::ffi::CString::new(format!("sandlock-{}", std::process::id())).unwrap();
        sys!("mq_open", &name, libc::O_CREAT | libc::O_RDWR, 0o600, 0)?;
        done(sys!("mq_unlink", &name))
    }),
    attack("mq_unlink", "removes somebody's queue", |_| {
        reached(sys!("mq_unlink", c"sandlock-none"), Errno::ENOENT)
    }),
    attack("ioport", "asks for an I/O port", |_| done(sys!("ioperm", 0x80, 1, 0))),
    attack(
        "filter_allows",
        "installs a filter of its own that allows everything, and asks for the network",
        |_| {
            install(&[ret(0x7fff_0000)], 0)?;
            done(sys!("socket", libc::AF_INET, libc::SOCK_STREAM, 262))
        },
    ),
    attack("filter_listener", "becomes its own supervisor", |_| done(install(&[ret(0x7fff_0000)], 8))),
    attack("landlock_allows", "restricts itself to everything, and reads PATH", |args| {
        let ruleset = sys!("landlock_create_ruleset", &[4u64, 0], 16, 0)?;
        let root = crate::call::open(c"/", libc::O_PATH)?;
        let mut rule = [0u8; 12];
        rule[..8].copy_from_slice(&4u64.to_ne_bytes());
        rule[8..].copy_from_slice(&(root as i32).to_ne_bytes());
        sys!("landlock_add_rule", ruleset, 1, &rule, 0)?;
        sys!("prctl", 38, 1, 0, 0, 0)?;
        sys!("landlock_restrict_self", ruleset, 0)?;
        done(crate::call::open(&crate::call::path(args, 0), libc::O_RDONLY))
    }),
];

/// A call that fails like this has passed every filter and right: the kernel was at its arguments.
fn reached<T>(result: Result<T>, with: Errno) -> Result {
    match result {
        Err(errno) if errno == with => Ok(format!("the kernel looked: {errno}")),
        other => done(other),
    }
}

fn ret(action: u32) -> [u8; 8] {
    let mut instruction = [0; 8];
    instruction[..2].copy_from_slice(&6u16.to_ne_bytes());
    instruction[4..].copy_from_slice(&action.to_ne_bytes());
    instruction
}

fn install(program: &[[u8; 8]], flags: u32) -> Result<usize> {
    sys!("prctl", 38, 1, 0, 0, 0)?;
    // `struct sock_fprog`: 16 bits, then a pointer.
    let mut length = [0; size_of::<usize>()];
    length[..2].copy_from_slice(&(program.len() as u16).to_ne_bytes());
    let program = [usize::from_ne_bytes(length), program.as_ptr().expose_provenance()];
    sys!("seccomp", 1, flags, &program)
}
