//! The arguments of each call that a handler judges, by the names and types of its manual page.

// Each type under the name of the function of `Call` that reads a register as it.
use core::primitive::{i32 as int, u64 as register};
use sandlock_sys::Pid as pid;

use crate::{Call, UserAddr as addr};

/// Declares the arguments of calls: a structure each, and a function that reads it from the registers.
macro_rules! arguments {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $read:ident($register:literal)),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name {
                $(
                    #[doc = concat!("Register ", $register, ".")]
                    pub $field: $read
                ),+
            }

            impl $name {
                /// Reads the registers.
                #[must_use]
                pub fn of(call: &Call<'_>) -> Self {
                    Self { $($field: call.$read($register)),+ }
                }
            }
        )+
    };
}

arguments! {
    /// socket(2)
    SocketArgs { domain: int(0), kind: int(1), protocol: int(2) }
    /// connect(2), bind(2)
    ConnectArgs { fd: int(0), addr: addr(1), len: int(2) }
    /// getsockname(2), getpeername(2)
    NameArgs { fd: int(0), addr: addr(1), len: addr(2) }
    /// listen(2)
    ListenArgs { fd: int(0), backlog: int(1) }
    /// setsockopt(2)
    SetOptionArgs { fd: int(0), level: int(1), name: int(2), value: addr(3), len: int(4) }
    /// getsockopt(2)
    GetOptionArgs { fd: int(0), level: int(1), name: int(2), value: addr(3), len: addr(4) }
    /// sendto(2); of send(2) the first four; of write(2) the first three, and of writev(2), where the buffer
    /// is an array of `len` vectors
    SendtoArgs {
        fd: int(0),
        buffer: addr(1),
        len: register(2),
        flags: int(3),
        addr: addr(4),
        addr_len: int(5),
    }
    /// recvfrom(2)
    RecvfromArgs {
        fd: int(0),
        buffer: addr(1),
        len: register(2),
        flags: int(3),
        addr: addr(4),
        addr_len: addr(5),
    }
    /// sendmsg(2), recvmsg(2)
    MessageArgs { fd: int(0), message: addr(1), flags: int(2) }
    /// sendmmsg(2), recvmmsg(2)
    MessagesArgs { fd: int(0), messages: addr(1), count: int(2), flags: int(3) }
    /// ioctl(2)
    IoctlArgs { fd: int(0), request: int(1), arg: addr(2) }
    /// memfd_create(2)
    MemfdArgs { name: addr(0), flags: int(1) }
    /// prlimit64(2), sched_setaffinity(2) and their like
    ProcessArgs { pid: pid(0) }
    /// setpriority(2), ioprio_set(2)
    WhoArgs { which: int(0), who: pid(1) }
    /// fcntl(2)
    FcntlArgs { fd: int(0), command: int(1), arg: int(2) }
    /// setpgid(2)
    SetpgidArgs { pid: pid(0), group: pid(1) }
}
