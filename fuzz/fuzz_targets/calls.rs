//! Any calls of 64-bit and 32-bit programs with any memory behind them, to every handler of a sandbox that was granted nothing: each is
//! answered, and nothing that needs a grant is done.
#![no_main]

use std::cell::{Cell, RefCell};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sandlock_netlink::{Messages, REPLY_MAX};
use sandlock_notify::handlers::connect::model::{Destination, LONGEST, parse};
use sandlock_notify::handlers::{
    connect::{Connect, Judge},
    interfaces::Interfaces,
    listen::Listen,
    memfd::Memfd,
    metadata::Metadata,
    netlink::{Netlink, SOCKETS},
    own::Own,
};
use sandlock_notify::{Call, Handler, Ports, Response, Route, Target, UserAddr, Verdict, dispatch};
use sandlock_sys::filter::{AUDIT_ARCH, AUDIT_ARCH_COMPAT};
use sandlock_sys::fs::{MemfdFlags, OFlags};
use sandlock_sys::seccomp::Data;
use sandlock_sys::{AsFd, Errno, OwnedFd, Result, fs, net, nr, process};

#[derive(Debug, Arbitrary)]
struct Input {
    memory: Vec<u8>,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// A call: which of [`CALLS`], with the highest bit that of a 32-bit program, and its registers.
    Call(u8, [Register; 6]),
    /// A datagram of the memory's bytes, sent on the emulated socket that was made last.
    Send(u8, u8),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Register {
    Small(u8),
    /// A place in the memory, or near it.
    Pointer(u8),
    Any(u64),
}

impl Register {
    fn value(self) -> u64 {
        match self {
            Self::Small(value) => value.into(),
            Self::Pointer(at) => BASE + u64::from(at),
            Self::Any(value) => value,
        }
    }
}

/// Where the memory begins.
const BASE: u64 = 0x1000;

/// Room for paths and values of any length.
const MEMORY_MAX: usize = 9000;

/// The target: its memory, and files by number.
struct Guest {
    memory: RefCell<Vec<u8>>,
    /// The emulated netlink socket that was made last.
    netlink: RefCell<Option<OwnedFd>>,
    written: Cell<usize>,
}

impl Target for Guest {
    fn tid(&self) -> i32 {
        process::gettid()
    }

    fn read(&self, from: UserAddr, buffer: &mut [u8]) -> Result<usize> {
        let memory = self.memory.borrow();
        let rest = from.0.checked_sub(BASE).and_then(|at| memory.get(usize::try_from(at).ok()?..));
        let rest = rest.filter(|rest| !rest.is_empty()).ok_or(Errno::EFAULT)?;
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_both(&self, parts: [(UserAddr, &[u8]); 2]) -> Result<()> {
        let mut memory = self.memory.borrow_mut();
        for (to, bytes) in parts.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let at = to.0.checked_sub(BASE).and_then(|at| usize::try_from(at).ok()).ok_or(Errno::EFAULT)?;
            let room =
                at.checked_add(bytes.len()).and_then(|end| memory.get_mut(at..end)).ok_or(Errno::EFAULT)?;
            room.copy_from_slice(bytes);
            self.written.set(self.written.get() + bytes.len());
        }
        Ok(())
    }

    fn descriptor(&self, fd: i32) -> Result<OwnedFd> {
        match fd {
            // Its own file, which it may change.
            0 => fs::memfd_create(c"own", MemfdFlags::CLOEXEC),
            // A directory and a file that it may not.
            1 => fs::open(c"/", OFlags::PATH),
            2 => fs::open(c"/dev/null", OFlags::empty()),
            3 => net::socket(libc::AF_INET, libc::SOCK_STREAM, 0),
            4 => net::socket(libc::AF_INET6, libc::SOCK_STREAM, 0),
            5 => net::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0),
            6 => net::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0),
            // As the supervisor does it: the same socket, by its cookie.
            7 => {
                let netlink = self.netlink.borrow();
                let netlink = netlink.as_ref().ok_or(Errno::EBADF)?.as_fd().as_raw();
                process::pidfd_getfd(&process::pidfd_open(process::getpid(), false)?, netlink)
            }
            _ => Err(Errno::EBADF),
        }
    }
}

/// The handlers, each with no grant at all.
struct State {
    netlink: Netlink,
    interfaces: Interfaces,
    connect: Connect<'static>,
    listen: Listen<'static>,
    own: Own,
    memfd: Memfd,
    metadata: Metadata<'static>,
}

type Pick = fn(&mut State) -> &mut dyn Handler;

const NETLINK: Pick = |state| &mut state.netlink;
const INTERFACES: Pick = |state| &mut state.interfaces;
const CONNECT: Pick = |state| &mut state.connect;
const LISTEN: Pick = |state| &mut state.listen;
const OWN: Pick = |state| &mut state.own;
const MEMFD: Pick = |state| &mut state.memfd;
const METADATA: Pick = |state| &mut state.metadata;

/// Calls by name, for not every architecture has each, and who may answer.
const CALLS: &[(&str, Pick)] = &[
    ("socket", NETLINK),
    ("socket", INTERFACES),
    ("bind", NETLINK),
    ("getsockname", NETLINK),
    ("getpeername", NETLINK),
    ("setsockopt", NETLINK),
    ("getsockopt", NETLINK),
    ("sendto", NETLINK),
    ("connect", NETLINK),
    ("connect", CONNECT),
    ("fcntl", CONNECT),
    ("ioctl", INTERFACES),
    ("ioctl", CONNECT),
    ("listen", LISTEN),
    ("memfd_create", MEMFD),
    ("chmod", METADATA),
    ("fchmod", METADATA),
    ("fchmodat", METADATA),
    ("fchmodat2", METADATA),
    ("chown", METADATA),
    ("lchown", METADATA),
    ("fchown", METADATA),
    ("fchownat", METADATA),
    ("utime", METADATA),
    ("utimes", METADATA),
    ("futimesat", METADATA),
    ("utimensat", METADATA),
    ("setxattr", METADATA),
    ("lsetxattr", METADATA),
    ("fsetxattr", METADATA),
    ("removexattr", METADATA),
    ("lremovexattr", METADATA),
    ("fremovexattr", METADATA),
    ("prlimit64", OWN),
    ("sched_setaffinity", OWN),
    ("sched_setattr", OWN),
    ("sched_setparam", OWN),
    ("sched_setscheduler", OWN),
    ("setpriority", OWN),
    ("ioprio_set", OWN),
    // Of 32-bit programs only.
    ("fcntl64", CONNECT),
    ("chown32", METADATA),
    ("lchown32", METADATA),
    ("fchown32", METADATA),
    ("utimensat_time64", METADATA),
];

/// The numbers that a table has for [`CALLS`].
fn numbers(table: &[(&str, u32)]) -> Vec<u32> {
    CALLS.iter().filter_map(|(name, _)| nr::number(table, name)).collect()
}

fuzz_target!(|input: Input| {
    let mut memory = input.memory;
    memory.truncate(MEMORY_MAX);
    let guest = Guest { memory: RefCell::new(memory), netlink: RefCell::new(None), written: Cell::new(0) };
    let mut state = State {
        netlink: Netlink::new(),
        interfaces: Interfaces,
        connect: Connect::new(Judge::Rules { ports: Ports::Listed(&[]), sockets: &[], scoped: false }),
        listen: Listen { ports: Ports::Listed(&[]) },
        own: Own { guardian: i32::MAX },
        memfd: Memfd,
        metadata: Metadata { trees: &[] },
    };
    let routes: Vec<Route<State>> = CALLS
        .iter()
        .map(|(name, pick)| {
            let number = |table| nr::number(table, name).unwrap_or(u32::MAX);
            Route { numbers: Some((number(nr::NATIVE), number(nr::COMPAT))), pick: *pick }
        })
        .collect();
    let native = (AUDIT_ARCH, numbers(nr::NATIVE));
    let compat = AUDIT_ARCH_COMPAT.map(|arch| (arch, numbers(nr::COMPAT)));
    let before = outside();
    for (step, id) in input.steps.into_iter().take(32).zip(0..) {
        match step {
            Step::Call(which, registers) => {
                let (arch, numbers) = compat.as_ref().filter(|_| which >= 0x80).unwrap_or(&native);
                let data = Data {
                    nr: numbers[usize::from(which & 0x7f) % numbers.len()].cast_signed(),
                    arch: *arch,
                    args: registers.map(Register::value),
                    ..Data::default()
                };
                let call = Call::new(id, &data, &guest);
                guest.written.set(0);
                let verdict = dispatch(&routes, &mut state, &call);
                assert!(guest.written.get() <= 128, "more was written than any answer has");
                judge(&call, verdict, &guest);
            }
            Step::Send(at, len) => send(&mut state.netlink, &guest, at.into(), len.into()),
        }
    }
    assert_eq!(outside(), before);
});

/// What an answer may be for a guest that was granted nothing.
fn judge(call: &Call<'_>, verdict: Verdict, guest: &Guest) {
    let Verdict::Reply(response) = verdict else { panic!("{verdict:?}: nobody waits") };
    match response {
        Response::Errno(errno) => assert_ne!(errno, Errno::ENOSYS, "no handler knows {:?}", call.name()),
        Response::Continue(_) => {
            // Of what is not an emulated socket, the kernel decides.
            let left =
                [nr::BIND, nr::GETSOCKNAME, nr::GETPEERNAME, nr::SETSOCKOPT, nr::GETSOCKOPT, nr::SENDTO];
            assert!(left.contains(&call.nr()), "{} goes on", call.nr());
        }
        Response::Fd { fd, .. } => match call.nr() {
            nr::SOCKET if call.int(0) == libc::AF_NETLINK => *guest.netlink.borrow_mut() = Some(fd),
            nr::SOCKET => {
                assert_eq!(net::option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN), Ok(libc::AF_UNIX))
            }
            nr => assert_eq!(nr, nr::MEMFD_CREATE),
        },
        Response::Return(value) => match call.nr() {
            nr::SENDTO => assert_eq!(value, 20),
            // But for the emulated one, of a socket only what dissolves its connection is done.
            nr::CONNECT if call.int(0) != 7 => {
                let domain = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_UNIX]
                    [usize::try_from(call.int(0)).unwrap() - 3];
                let mut address = [0; LONGEST];
                let address = &mut address[..usize::try_from(call.int(2)).unwrap()];
                assert_eq!(guest.read(call.addr(1), address), Ok(address.len()));
                assert_eq!(parse(domain, address), Ok(Destination::Nowhere));
            }
            _ => assert_eq!(value, 0),
        },
    }
}

/// Sends on the emulated socket, has it answered, and reads what came.
fn send(netlink: &mut Netlink, guest: &Guest, at: usize, len: usize) {
    let socket = guest.netlink.borrow();
    let Some(socket) = socket.as_ref() else { return };
    let memory = guest.memory.borrow();
    let request = memory.get(at..).unwrap_or_default();
    // A length that no byte can say: all there is.
    let request = if len == 255 { request } else { &request[..len.min(request.len())] };
    let _ = net::send(socket.as_fd(), request, libc::MSG_DONTWAIT);
    for index in 0..SOCKETS {
        netlink.serve(index);
    }
    assert_eq!(netlink.rows().count(), SOCKETS);
    let mut reply = [0; 2 * REPLY_MAX];
    while let Ok(len @ 1..) = net::recv(socket.as_fd(), &mut reply, libc::MSG_DONTWAIT) {
        assert!(len <= REPLY_MAX && <Messages>::new(&reply[..len]).all(|message| message.is_ok()));
        for index in 0..SOCKETS {
            netlink.serve(index);
        }
    }
}

/// Mode and owner of what is not the guest's.
fn outside() -> [(u32, u32, u32); 2] {
    use std::os::unix::fs::MetadataExt;
    ["/", "/dev/null"].map(|path| {
        let file = std::fs::metadata(path).expect("it is there");
        (file.mode(), file.uid(), file.gid())
    })
}
