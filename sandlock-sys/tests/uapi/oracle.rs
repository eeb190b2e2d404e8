//! The two oracles: the kernel's headers, asked through the C compiler, and the constants and types of
//! `linux-raw-sys`.

use core::mem::offset_of;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use linux_raw_sys as raw;

/// The headers' answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Equal,
    Differs,
    /// They are older than the name.
    Unknown,
}

const INCLUDES: &str = "\
#include <stddef.h>
#include <asm/ioctl.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/termbits.h>
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/pidfd.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/signalfd.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/socket.h>
#include <asm/socket.h>
#include <linux/futex.h>
#include <linux/time.h>
struct linger { int l_onoff; int l_linger; };
";

/// Runs the C compiler, `$CC` or `cc`, on `program`. `None`: there is none.
fn cc(arguments: &[&str], program: &str) -> Option<Output> {
    let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    // The messages are read, so in no translation.
    cc.args(arguments).args(["-x", "c", "-"]).env("LC_ALL", "C");
    let mut cc = cc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    cc.stdin.take()?.write_all(program.as_bytes()).ok()?;
    cc.wait_with_output().ok()
}

/// One assertion a line; the compiler reports which lines are wrong, and why. `None`: no compiler, or no
/// headers.
pub(crate) fn headers(claims: &BTreeMap<String, u64>) -> Option<BTreeMap<String, Answer>> {
    let check = |claims: &str| cc(&["-fsyntax-only"], &format!("{INCLUDES}{claims}"));
    if !check("")?.status.success() {
        return None;
    }
    let assertions = claims
        .iter()
        .map(|(expression, value)| format!("_Static_assert(({expression}) == {value}u, \"\");\n"));
    let output = check(&assertions.collect::<String>())?;
    let mut answers: Vec<_> = claims.keys().map(|expression| (expression.clone(), Answer::Equal)).collect();
    // <stdin>:LINE:COLUMN: error: static assertion failed
    for error in String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.contains(" error: ")) {
        let line: usize = error.split(':').nth(1)?.parse().ok()?;
        let (_, answer) = answers.get_mut(line.checked_sub(INCLUDES.lines().count().checked_add(1)?)?)?;
        *answer = if error.contains("assertion failed") { Answer::Differs } else { Answer::Unknown };
    }
    Some(answers.into_iter().collect())
}

/// The names of the calls of `<asm/unistd.h>`. `None`: no compiler, or no such header.
pub(crate) fn header_calls() -> Option<BTreeSet<String>> {
    /// Macros that are no call but say where numbers start and end, and Arm's second name of
    /// arm_sync_file_range.
    const NO_CALLS: [&str; 6] = [
        "SYSCALL_BASE",
        "OABI_SYSCALL_BASE",
        "SYSCALL_MASK",
        "syscalls",
        "arch_specific_syscall",
        "sync_file_range2",
    ];
    let output = cc(&["-E", "-dM"], "#include <asm/unistd.h>\n")?;
    if !output.status.success() {
        return None;
    }
    let macros = String::from_utf8(output.stdout).ok()?;
    let names = macros.lines().filter_map(|line| line.strip_prefix("#define __NR_")?.split(' ').next());
    Some(names.filter(|name| !NO_CALLS.contains(name)).map(str::to_owned).collect())
}

macro_rules! values {
    ($($module:ident: $($name:ident)*;)*) => {
        vec![$($((stringify!($name), u64::from(raw::$module::$name))),*),*]
    };
}

macro_rules! layouts {
    ($($module:ident::$name:ident { $($field:ident)* })*) => {
        vec![$(
            (concat!("sizeof(struct ", stringify!($name), ")"), size_of::<raw::$module::$name>() as u64),
            $((
                concat!("offsetof(struct ", stringify!($name), ", ", stringify!($field), ")"),
                offset_of!(raw::$module::$name, $field) as u64,
            ),)*
        )*]
    };
}

/// Values by their expression in C.
pub(crate) fn linux_raw_sys() -> Vec<(&'static str, u64)> {
    let mut all = values! {
        general: CLONE_VM CLONE_FILES CLONE_PIDFD CLONE_VFORK MFD_CLOEXEC MFD_NOEXEC_SEAL MFD_EXEC
            POLLIN POLLOUT POLLERR POLLHUP POLLNVAL RESOLVE_NO_XDEV RESOLVE_NO_MAGICLINKS RESOLVE_NO_SYMLINKS
            RESOLVE_BENEATH RESOLVE_IN_ROOT STATX_TYPE STATX_NLINK _LINUX_CAPABILITY_VERSION_3;
        ptrace: AUDIT_ARCH_AARCH64 AUDIT_ARCH_RISCV64 AUDIT_ARCH_X86_64
            SECCOMP_SET_MODE_FILTER SECCOMP_GET_ACTION_AVAIL SECCOMP_GET_NOTIF_SIZES SECCOMP_FILTER_FLAG_TSYNC
            SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW SECCOMP_FILTER_FLAG_NEW_LISTENER
            SECCOMP_FILTER_FLAG_TSYNC_ESRCH SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
            SECCOMP_USER_NOTIF_FLAG_CONTINUE SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP SECCOMP_ADDFD_FLAG_SEND;
        landlock: LANDLOCK_CREATE_RULESET_VERSION LANDLOCK_CREATE_RULESET_ERRATA
            LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
            LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF
            LANDLOCK_ACCESS_FS_EXECUTE LANDLOCK_ACCESS_FS_WRITE_FILE LANDLOCK_ACCESS_FS_READ_FILE
            LANDLOCK_ACCESS_FS_READ_DIR LANDLOCK_ACCESS_FS_REMOVE_DIR LANDLOCK_ACCESS_FS_REMOVE_FILE
            LANDLOCK_ACCESS_FS_MAKE_CHAR LANDLOCK_ACCESS_FS_MAKE_DIR LANDLOCK_ACCESS_FS_MAKE_REG
            LANDLOCK_ACCESS_FS_MAKE_SOCK LANDLOCK_ACCESS_FS_MAKE_FIFO LANDLOCK_ACCESS_FS_MAKE_BLOCK
            LANDLOCK_ACCESS_FS_MAKE_SYM LANDLOCK_ACCESS_FS_REFER LANDLOCK_ACCESS_FS_TRUNCATE
            LANDLOCK_ACCESS_FS_IOCTL_DEV LANDLOCK_ACCESS_NET_BIND_TCP LANDLOCK_ACCESS_NET_CONNECT_TCP
            LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET LANDLOCK_SCOPE_SIGNAL;
    };
    all.extend([
        ("LANDLOCK_RULE_PATH_BENEATH", raw::landlock::landlock_rule_type::LANDLOCK_RULE_PATH_BENEATH as u64),
        ("LANDLOCK_RULE_NET_PORT", raw::landlock::landlock_rule_type::LANDLOCK_RULE_NET_PORT as u64),
    ]);
    all.extend(layouts! {
        general::__user_cap_data_struct {}
        general::__user_cap_header_struct {}
        general::open_how {}
        general::pollfd { revents }
        general::statx { stx_ino }
        general::termios {}
        general::__kernel_timespec {}
        landlock::landlock_ruleset_attr { scoped }
        landlock::landlock_path_beneath_attr { parent_fd }
        landlock::landlock_net_port_attr { port }
        ptrace::seccomp_data { args }
        ptrace::seccomp_notif { data }
        ptrace::seccomp_notif_addfd { newfd_flags }
        ptrace::seccomp_notif_resp { flags }
        ptrace::seccomp_notif_sizes {}
        ptrace::sock_filter { k }
    });
    all
}

macro_rules! calls {
    ($($name:ident)*) => {
        vec![$((stringify!($name).strip_prefix("__NR_").unwrap_or(""), raw::general::$name)),*]
    };
}

/// Every call that the sources make, by name.
pub(crate) fn linux_raw_sys_calls() -> Vec<(&'static str, u32)> {
    #[cfg(target_pointer_width = "64")]
    let mut all = calls! { __NR_clock_gettime __NR_getresuid __NR_getuid __NR_mmap __NR_ppoll __NR_timerfd_settime __NR_utimensat };
    #[cfg(target_pointer_width = "32")]
    let mut all = calls! { __NR_clock_gettime64 __NR_getresuid32 __NR_getuid32 __NR_mmap2 __NR_ppoll_time64 __NR_timerfd_settime64 __NR_utimensat_time64 };
    all.extend(calls! {
        __NR_capget __NR_capset __NR_clone __NR_close __NR_close_range
        __NR_connect __NR_dup3 __NR_eventfd2 __NR_execve __NR_exit_group __NR_fchdir __NR_fchmodat __NR_fchownat __NR_fcntl __NR_fstatfs __NR_futex __NR_getdents64 __NR_getpgid
        __NR_getpid __NR_getppid __NR_getrandom __NR_getsid __NR_getsockname __NR_getsockopt __NR_gettid __NR_ioctl __NR_kill
        __NR_landlock_add_rule __NR_landlock_create_ruleset __NR_landlock_restrict_self __NR_linkat __NR_listen __NR_lseek
        __NR_memfd_create __NR_mkdirat __NR_msgctl __NR_msgget __NR_munmap __NR_openat2 __NR_pidfd_getfd __NR_pidfd_open
        __NR_pidfd_send_signal __NR_prctl __NR_process_vm_readv __NR_process_vm_writev __NR_read
        __NR_readlinkat __NR_recvfrom __NR_recvmsg __NR_removexattr __NR_renameat2 __NR_rt_sigaction __NR_rt_sigprocmask __NR_seccomp
        __NR_semctl __NR_semget __NR_sendto __NR_setpgid __NR_setsid __NR_setsockopt __NR_setxattr __NR_shmctl __NR_shmget __NR_shutdown __NR_signalfd4 __NR_socket __NR_socketpair __NR_statx
        __NR_timerfd_create __NR_unlinkat __NR_waitid __NR_write
    });
    all
}
