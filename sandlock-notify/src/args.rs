//! The arguments of each call that a handler judges, by the names and types of its manual page.

use sandlock_sys::Pid;

use crate::{Call, UserAddr};

/// Declares the arguments of calls: a structure each, and a function that reads it from the registers.
macro_rules! arguments {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $read:ident($register:literal) -> $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name {
                $(
                    #[doc = concat!("Register ", $register, ".")]
                    pub $field: $type
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
    SocketArgs { domain: int(0) -> i32, kind: int(1) -> i32, protocol: int(2) -> i32 }
    /// connect(2), bind(2)
    ConnectArgs { fd: int(0) -> i32, addr: addr(1) -> UserAddr, len: int(2) -> i32 }
    /// getsockname(2), getpeername(2)
    NameArgs { fd: int(0) -> i32, addr: addr(1) -> UserAddr, len: addr(2) -> UserAddr }
    /// listen(2)
    ListenArgs { fd: int(0) -> i32, backlog: int(1) -> i32 }
    /// setsockopt(2)
    SetOptionArgs {
        fd: int(0) -> i32,
        level: int(1) -> i32,
        name: int(2) -> i32,
        value: addr(3) -> UserAddr,
        len: int(4) -> i32,
    }
    /// getsockopt(2)
    GetOptionArgs {
        fd: int(0) -> i32,
        level: int(1) -> i32,
        name: int(2) -> i32,
        value: addr(3) -> UserAddr,
        len: addr(4) -> UserAddr,
    }
    /// sendto(2); of send(2) the first four; of write(2) the first three, and of writev(2), where the buffer
    /// is an array of `len` vectors
    SendtoArgs {
        fd: int(0) -> i32,
        buffer: addr(1) -> UserAddr,
        len: register(2) -> u64,
        flags: int(3) -> i32,
        addr: addr(4) -> UserAddr,
        addr_len: int(5) -> i32,
    }
    /// recvfrom(2)
    RecvfromArgs {
        fd: int(0) -> i32,
        buffer: addr(1) -> UserAddr,
        len: register(2) -> u64,
        flags: int(3) -> i32,
        addr: addr(4) -> UserAddr,
        addr_len: addr(5) -> UserAddr,
    }
    /// sendmsg(2), recvmsg(2)
    MessageArgs { fd: int(0) -> i32, message: addr(1) -> UserAddr, flags: int(2) -> i32 }
    /// sendmmsg(2), recvmmsg(2)
    MessagesArgs {
        fd: int(0) -> i32,
        messages: addr(1) -> UserAddr,
        count: int(2) -> i32,
        flags: int(3) -> i32,
    }
    /// ioctl(2)
    IoctlArgs { fd: int(0) -> i32, request: int(1) -> i32, arg: addr(2) -> UserAddr }
    /// memfd_create(2)
    MemfdArgs { name: addr(0) -> UserAddr, flags: int(1) -> i32 }
    /// prlimit64(2), sched_setaffinity(2) and their like
    ProcessArgs { pid: pid(0) -> Pid }
    /// setpriority(2), ioprio_set(2)
    WhoArgs { which: int(0) -> i32, who: pid(1) -> Pid }
    /// fcntl(2)
    FcntlArgs { fd: int(0) -> i32, command: int(1) -> i32, arg: int(2) -> i32 }
    /// setpgid(2)
    SetpgidArgs { pid: pid(0) -> Pid, group: pid(1) -> Pid }
}
