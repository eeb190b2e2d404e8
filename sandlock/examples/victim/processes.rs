//! Processes outside, by number: signals, limits, priorities, and looks into their memory.

use crate::call::{Attack, Errno, Result, attack, check, clone, done, in_child, process};

pub(crate) const ATTACKS: &[Attack] = &[
    attack("kill", "asks whether PID could be signalled", |args| done(sys!("kill", process(args, 0), 0))),
    attack("kill_term", "ends PID", |args| done(sys!("kill", process(args, 0), libc::SIGTERM))),
    attack("kill_group", "asks whether the group of PID could be signalled", |args| {
        done(sys!("kill", -process(args, 0), 0))
    }),
    attack("tgkill", "signals a thread of PID", |args| {
        done(sys!("tgkill", process(args, 0), process(args, 0), libc::SIGCONT))
    }),
    attack("tkill", "the same, without naming its process", |args| {
        done(sys!("tkill", process(args, 0), libc::SIGCONT))
    }),
    attack("sigqueue", "queues a signal to PID", |args| {
        let mut info = [0i32; 32];
        (info[0], info[2]) = (libc::SIGCONT, -1);
        done(sys!("rt_sigqueueinfo", process(args, 0), libc::SIGCONT, &info))
    }),
    attack("pidfd_signal", "signals PID by a pidfd", |args| {
        let pidfd = sys!("pidfd_open", process(args, 0), 0)?;
        done(sys!("pidfd_send_signal", pidfd, libc::SIGCONT, 0, 0))
    }),
    attack("prlimit_set", "limits the processor time of PID", |args| {
        let limit = [100_000u64, u64::MAX];
        done(sys!("prlimit64", process(args, 0), libc::RLIMIT_CPU, &limit, 0))
    }),
    attack("prlimit_get", "reads a limit of PID", |args| {
        done(sys!("prlimit64", process(args, 0), libc::RLIMIT_CPU, 0, &mut [0u64; 2]))
    }),
    attack("setpriority", "makes PID nicer", |args| done(sys!("setpriority", 0, process(args, 0), 19))),
    attack("setpriority_user", "sets the nice value of all processes of the user to this one's", |_| {
        // Nicer would stay so, and less nice is for root. The call returns 20 less the value.
        let own = sys!("getpriority", 0, 0)?;
        done(sys!("setpriority", 2, 0, 20 - own as isize))
    }),
    attack("setpriority_group", "makes the group of PID nicer", |args| {
        done(sys!("setpriority", 1, process(args, 0), 19))
    }),
    attack("setaffinity", "moves PID to the first processor", |args| {
        done(sys!("sched_setaffinity", process(args, 0), 8, &[1u64]))
    }),
    attack("setscheduler", "gives PID the batch scheduler", |args| {
        done(sys!("sched_setscheduler", process(args, 0), libc::SCHED_BATCH, &[0i32]))
    }),
    attack("setparam", "sets the scheduling parameter of PID", |args| {
        done(sys!("sched_setparam", process(args, 0), &[0i32]))
    }),
    attack("setattr", "sets the scheduling attributes of PID", |args| {
        // struct sched_attr: its size, SCHED_BATCH, nothing else.
        let mut attributes = [0u32; 14];
        (attributes[0], attributes[1]) = (56, libc::SCHED_BATCH as u32);
        done(sys!("sched_setattr", process(args, 0), &attributes, 0))
    }),
    attack("ioprio", "gives PID the idle class of I/O", |args| {
        done(sys!("ioprio_set", 1, process(args, 0), 3 << 13))
    }),
    attack("own_child", "limits, moves and signals a child of its own, which must work", |_| {
        let child = clone(libc::SIGCHLD)?;
        if child == 0 {
            loop {
                let _ = sys!("pause");
            }
        }
        let all = [
            sys!("prlimit64", child, libc::RLIMIT_CPU, &[100u64, 200], 0),
            sys!("setpriority", 0, child, 19),
            sys!("sched_setaffinity", child, 8, &[u64::MAX]),
            sys!("sched_setscheduler", child, libc::SCHED_BATCH, &[0i32]),
            sys!("ioprio_set", 1, child, 3 << 13),
            sys!("kill", child, libc::SIGKILL),
            sys!("wait4", child, 0, 0, 0),
        ];
        all.into_iter().collect::<Result<Vec<_>>>().map(|_| String::new())
    }),
    attack("vm_read", "reads the memory of PID", |args| {
        let mut byte = [0u8; 1];
        let local = [byte.as_mut_ptr().expose_provenance(), 1];
        // Whatever is at this address: EFAULT means that the right to look is there.
        let remote = [0x1000usize, 1];
        match sys!("process_vm_readv", process(args, 0), &local, 1, &remote, 1, 0) {
            Err(Errno::EFAULT) => Ok("may look".into()),
            other => done(other),
        }
    }),
    attack("vm_write", "writes the memory of PID", |args| {
        let local = [b"x".as_ptr().expose_provenance(), 1];
        let remote = [0x1000usize, 1];
        match sys!("process_vm_writev", process(args, 0), &local, 1, &remote, 1, 0) {
            Err(Errno::EFAULT) => Ok("may write".into()),
            other => done(other),
        }
    }),
    attack("ptrace", "attaches to PID", |args| {
        let pid = process(args, 0);
        // PTRACE_SEIZE, which does not stop it; it is let go when this ends.
        done(sys!("ptrace", 0x4206, pid, 0, 0))
    }),
    attack("getfd", "takes descriptor 0 of PID", |args| {
        let pidfd = sys!("pidfd_open", process(args, 0), 0)?;
        done(sys!("pidfd_getfd", pidfd, 0, 0))
    }),
    attack("madvise", "advises on the memory of PID", |args| {
        let pidfd = sys!("pidfd_open", process(args, 0), 0)?;
        match sys!("process_madvise", pidfd, &[0x1000usize, 0x1000], 1, libc::MADV_COLD, 0) {
            Err(Errno::ENOMEM | Errno::EINVAL) => Ok("may advise".into()),
            other => done(other),
        }
    }),
    attack("proc_mem", "opens the memory file of PID", |args| look(process(args, 0), "mem")),
    attack("proc_environ", "reads the environment of PID", |args| {
        let text = std::fs::read(format!("/proc/{}/environ", process(args, 0)))
            .map_err(|error| Errno::new(error.raw_os_error().unwrap()))?;
        Ok(String::from_utf8_lossy(&text).replace('\0', " "))
    }),
    attack("proc_fd", "opens descriptor 0 of PID again", |args| look(process(args, 0), "fd/0")),
    attack("proc_root", "enters the root of PID", |args| look(process(args, 0), "root/etc")),
    attack("sigio", "lets data arriving in a socket signal PID", |args| {
        let mut pair = [0i32; 2];
        sys!("socketpair", libc::AF_UNIX, libc::SOCK_STREAM, 0, &mut pair)?;
        sys!("fcntl", pair[0], libc::F_SETOWN, process(args, 0))?;
        sys!("fcntl", pair[0], 10, libc::SIGTERM)?; // F_SETSIG
        sys!("fcntl", pair[0], libc::F_SETFL, libc::O_ASYNC)?;
        done(sys!("write", pair[1], b"x", 1))
    }),
    attack("clone_parent", "makes a sibling, which is nobody's child of its own", |_| {
        let made = clone(0x8000 | libc::SIGCHLD)?;
        if made == 0 {
            let _ = sys!("exit_group", 0);
        }
        done(Ok(()))
    }),
    attack("hide", "becomes invisible to its supervisor and asks for the network all the same", |_| {
        sys!("prctl", 4, 0, 0, 0, 0)?;
        done(sys!("socket", libc::AF_INET, libc::SOCK_STREAM, 262))
    }),
    attack("ptracer", "lets anybody trace it", |_| match sys!("prctl", 0x5961_6d61, u64::MAX, 0, 0, 0) {
        // The kernel has no Yama, which is no refusal.
        Err(Errno::EINVAL) => Ok("no Yama".into()),
        other => done(other),
    }),
    attack("namespace", "makes a user namespace by unshare", |_| {
        in_child(|| sys!("unshare", libc::CLONE_NEWUSER).map(drop)).map(|()| String::new())
    }),
    attack("namespace_clone", "makes a user namespace by clone", |_| {
        let made = clone(libc::CLONE_NEWUSER | libc::SIGCHLD)?;
        if made == 0 {
            let _ = sys!("exit_group", 0);
        }
        done(sys!("wait4", made, 0, 0, 0))
    }),
    attack("namespace_clone3", "makes a user namespace by clone3, whose flags are in memory", |_| {
        let mut args = [0u64; 11];
        (args[0], args[4]) = (libc::CLONE_NEWUSER as u64, libc::SIGCHLD as u64);
        let made = sys!("clone3", &args, 88)?;
        if made == 0 {
            let _ = sys!("exit_group", 0);
        }
        done(sys!("wait4", made, 0, 0, 0))
    }),
    attack("namespace_time", "makes a time namespace by unshare in a user namespace", |_| {
        in_child(|| sys!("unshare", libc::CLONE_NEWUSER | 0x80).map(drop)).map(|()| String::new())
    }),
    attack("setns", "enters its own user namespace again", |_| {
        let own = crate::call::open(c"/proc/self/ns/net", libc::O_RDONLY)?;
        match sys!("setns", own, 0) {
            // Unprivileged: the kernel's own refusal comes from the same number, so tell them apart by
            // its errno for a bad one.
            Err(Errno::EPERM) => check(sys!("setns", usize::MAX, 0) == Err(Errno::EBADF), Errno::EPERM),
            other => done(other),
        }
    }),
];

fn look(pid: i32, file: &str) -> Result {
    let path = std::ffi::CString::new(format!("/proc/{pid}/{file}")).unwrap();
    done(sys!("openat", libc::AT_FDCWD, &path, libc::O_RDONLY | libc::O_CLOEXEC, 0))
}
