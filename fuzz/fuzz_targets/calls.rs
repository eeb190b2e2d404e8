//! Any calls of 64-bit and 32-bit programs with any memory behind them, to every handler of a sandbox that
//! was granted nothing: each is answered, and nothing that needs a grant is done.
#![no_main]

use std::cell::{Cell, RefCell};
use std::sync::OnceLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sandlock_netlink::{Messages, REPLY_MAX};
use sandlock_notify::egress::Egress;
use sandlock_notify::handlers::connect::model::{Destination, LONGEST, parse};
use sandlock_notify::handlers::{
    connect::{Connect, Judge},
    interfaces::Interfaces,
    listen::Listen,
    memfd::Memfd,
    metadata::Metadata,
    netlink::{NUMBERS, Netlink, Resolver, SOCKETS},
    posix_shm::PosixShm,
    process_ids::ProcessIds,
    system_v::SystemV,
    terminal::Terminal,
};
use sandlock_notify::{
    Call, Context, Desk, Handler, Job, Objects, Ports, Response, Target, Terminals, UserAddr, Verdict,
    Workers, dispatch,
};
use sandlock_sys::filter::{AUDIT_ARCH, AUDIT_ARCH_COMPAT, SockFilter};
use sandlock_sys::fs::{MemfdFlags, OFlags};
use sandlock_sys::handoff::{Handoff, Turn};
use sandlock_sys::nr::{self, Name};
use sandlock_sys::process::PidfdFlags;
use sandlock_sys::seccomp::{self, Data, FilterFlags, ListenerFd};
use sandlock_sys::{AsFd, Errno, OwnedFd, Pid, Result, fs, net, prctl, process};

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
    fn tid(&self) -> Pid {
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

    fn file(&self, fd: i32) -> Result<OwnedFd> {
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
            // The emulated netlink socket: by another number, and by the one that it got.
            7 | FIRST_NUMBER => {
                let netlink = self.netlink.borrow();
                let netlink = netlink.as_ref().ok_or(Errno::EBADF)?.as_fd().as_raw();
                let pidfd = process::pidfd_open(process::getpid(), PidfdFlags::empty())?;
                process::pidfd_getfd(&pidfd, netlink)
            }
            _ => Err(Errno::EBADF),
        }
    }

    fn release(&self, _: OwnedFd, _: bool) {}

    fn sockets_linger(&self) {}
}

/// The number of an emulated socket that the target has no other at.
const FIRST_NUMBER: i32 = *NUMBERS.start();

/// One worker, whose job the target carries out itself.
struct OneWorker<'w>(Handoff<Job<'w>>);

impl<'w> Workers<'w> for OneWorker<'w> {
    fn idle(&self) -> Option<Turn<'_, Job<'w>>> {
        self.0.take()
    }
}

/// A listener that never hears of a call: its filter allows every one.
fn listener() -> &'static ListenerFd {
    static LISTENER: OnceLock<ListenerFd> = OnceLock::new();
    LISTENER.get_or_init(|| {
        let allow = SockFilter { code: 6, jt: 0, jf: 0, k: 0x7fff_0000 };
        let privs = prctl::set_no_new_privs().expect("every process may");
        seccomp::set_mode_filter_listener(&[allow], FilterFlags::empty(), &privs).expect("the first one")
    })
}

thread_local! {
    /// No rule.
    static EGRESS: &'static Egress<'static> = Box::leak(Box::new(Egress::new(&[])));
}

/// The handlers, each with no grant at all.
struct State {
    netlink: Netlink<'static>,
    interfaces: Interfaces,
    connect: Connect<'static>,
    listen: Listen<'static>,
    process_ids: ProcessIds,
    memfd: Memfd,
    metadata: Metadata,
    posix_shm: PosixShm,
    system_v: SystemV<'static>,
    terminal: Terminal<'static>,
}

type Pick = fn(&mut State) -> &mut dyn Handler;

const NETLINK: Pick = |state| &mut state.netlink;
const INTERFACES: Pick = |state| &mut state.interfaces;
const CONNECT: Pick = |state| &mut state.connect;
const LISTEN: Pick = |state| &mut state.listen;
const PROCESS_IDS: Pick = |state| &mut state.process_ids;
const MEMFD: Pick = |state| &mut state.memfd;
const METADATA: Pick = |state| &mut state.metadata;
const POSIX_SHM: Pick = |state| &mut state.posix_shm;
const SYSTEM_V: Pick = |state| &mut state.system_v;
const TERMINAL: Pick = |state| &mut state.terminal;

/// Calls, and the handlers of each. Not every architecture has all of them.
const CALLS: &[(Name, &[Pick])] = &[
    (Name::socket, &[NETLINK]),
    (Name::bind, &[NETLINK, INTERFACES]),
    (Name::getsockname, &[NETLINK]),
    (Name::getpeername, &[NETLINK]),
    (Name::setsockopt, &[NETLINK, CONNECT]),
    (Name::getsockopt, &[NETLINK]),
    (Name::sendto, &[NETLINK]),
    (Name::sendmsg, &[NETLINK]),
    (Name::sendmmsg, &[NETLINK]),
    (Name::write, &[NETLINK]),
    (Name::writev, &[NETLINK]),
    (Name::recvfrom, &[NETLINK]),
    (Name::recvmsg, &[NETLINK]),
    (Name::recvmmsg, &[NETLINK]),
    (Name::connect, &[NETLINK, CONNECT]),
    (Name::fcntl, &[PROCESS_IDS]),
    (Name::ioctl, &[INTERFACES, TERMINAL]),
    (Name::listen, &[LISTEN]),
    (Name::memfd_create, &[MEMFD]),
    (Name::chmod, &[METADATA]),
    (Name::fchmod, &[METADATA]),
    (Name::fchmodat, &[METADATA]),
    (Name::fchmodat2, &[METADATA]),
    (Name::chown, &[METADATA]),
    (Name::lchown, &[METADATA]),
    (Name::fchown, &[METADATA]),
    (Name::fchownat, &[METADATA]),
    (Name::utime, &[METADATA]),
    (Name::utimes, &[METADATA]),
    (Name::futimesat, &[METADATA]),
    (Name::utimensat, &[METADATA]),
    (Name::setxattr, &[METADATA]),
    (Name::lsetxattr, &[METADATA]),
    (Name::fsetxattr, &[METADATA]),
    (Name::removexattr, &[METADATA]),
    (Name::lremovexattr, &[METADATA]),
    (Name::fremovexattr, &[METADATA]),
    (Name::prlimit64, &[PROCESS_IDS]),
    (Name::sched_setaffinity, &[PROCESS_IDS]),
    (Name::sched_setattr, &[PROCESS_IDS]),
    (Name::sched_setparam, &[PROCESS_IDS]),
    (Name::sched_setscheduler, &[PROCESS_IDS]),
    (Name::setpriority, &[PROCESS_IDS]),
    (Name::ioprio_set, &[PROCESS_IDS]),
    (Name::setpgid, &[TERMINAL]),
    // Of 32-bit programs only.
    (Name::fcntl64, &[PROCESS_IDS]),
    (Name::chown32, &[METADATA]),
    (Name::lchown32, &[METADATA]),
    (Name::fchown32, &[METADATA]),
    (Name::utimensat_time64, &[METADATA]),
    (Name::recvmmsg_time64, &[NETLINK]),
    // Of every program again.
    (Name::open, &[POSIX_SHM]),
    (Name::openat, &[POSIX_SHM]),
    (Name::link, &[POSIX_SHM]),
    (Name::linkat, &[POSIX_SHM]),
    (Name::unlink, &[POSIX_SHM]),
    (Name::unlinkat, &[POSIX_SHM]),
    (Name::shmget, &[SYSTEM_V]),
    (Name::shmat, &[SYSTEM_V]),
    (Name::shmctl, &[SYSTEM_V]),
    (Name::semget, &[SYSTEM_V]),
    (Name::semop, &[SYSTEM_V]),
    (Name::semtimedop, &[SYSTEM_V]),
    (Name::semctl, &[SYSTEM_V]),
    (Name::msgget, &[SYSTEM_V]),
    (Name::msgsnd, &[SYSTEM_V]),
    (Name::msgrcv, &[SYSTEM_V]),
    (Name::msgctl, &[SYSTEM_V]),
    (Name::ipc, &[SYSTEM_V]),
];

/// The numbers that a table has for [`CALLS`].
fn numbers(table: &[(Name, u32)]) -> Vec<u32> {
    CALLS.iter().filter_map(|(name, _)| nr::number(table, *name)).collect()
}

fuzz_target!(|input: Input| {
    let mut memory = input.memory;
    memory.truncate(MEMORY_MAX);
    let guest = Guest { memory: RefCell::new(memory), netlink: RefCell::new(None), written: Cell::new(0) };
    // The caller's terminal is one that the guest has no descriptor of.
    static TERMINALS: Terminals = Terminals::new(Some(u32::MAX));
    static OBJECTS: Objects = Objects::none();
    let egress = EGRESS.with(|egress| *egress);
    let mut state = State {
        netlink: Netlink::new(Resolver::new(&[], egress)),
        interfaces: Interfaces { mutes: true },
        connect: Connect::new(Judge::Rules { egress, scoped: false }),
        listen: Listen { ports: Ports::Listed(&[]) },
        process_ids: ProcessIds { guardian: Pid::new(i32::MAX) },
        memfd: Memfd,
        metadata: Metadata,
        posix_shm: PosixShm,
        system_v: SystemV { objects: &OBJECTS },
        terminal: Terminal { guardian: Pid::new(i32::MAX), terminals: &TERMINALS },
    };
    let context = Context {
        listener: listener(),
        writable: &[],
        terminals: &TERMINALS,
        objects: &OBJECTS,
        private: None,
    };
    let worker = OneWorker(Handoff::new(Job::new(context)));
    let native = (AUDIT_ARCH, numbers(nr::NATIVE));
    let compat = AUDIT_ARCH_COMPAT.map(|arch| (arch, numbers(nr::COMPAT)));
    let before = outside();
    for step in input.steps.into_iter().take(32) {
        match step {
            Step::Call(which, registers) => {
                let (arch, numbers) = compat.as_ref().filter(|_| which >= 0x80).unwrap_or(&native);
                let data = Data {
                    nr: numbers[usize::from(which & 0x7f) % numbers.len()].cast_signed(),
                    arch: *arch,
                    args: registers.map(Register::value),
                    ..Data::default()
                };
                let call = Call::new(&data, &guest);
                let name = call.name().expect("it is in a table");
                let picks = CALLS.iter().find(|(known, _)| *known == name).expect("it is in the list").1;
                guest.written.set(0);
                let mut desk = Desk::new(&worker);
                let pick: fn(&mut State, Pick) -> &mut dyn Handler = |state, pick| pick(state);
                let mut verdict = dispatch(picks.iter().copied(), &mut state, pick, &call, &mut desk);
                if let (Verdict::Work, Some(mut turn)) = (&verdict, desk.into_turn()) {
                    verdict = turn.decide().expect("there is work on the desk");
                    // The worker's last act.
                    turn.carry_out();
                }
                let receives = matches!(name, Name::recvfrom | Name::recvmsg | Name::recvmmsg);
                assert!(guest.written.get() <= 128 || receives, "more was written than any answer has");
                judge(&call, &data, verdict, &guest);
            }
            Step::Send(at, len) => send(&mut state.netlink, &guest, at.into(), len.into()),
        }
    }
    OBJECTS.remove_all();
    assert_eq!(outside(), before);
});

/// What an answer may be for a guest that was granted nothing.
fn judge(call: &Call<'_>, data: &Data, verdict: Verdict, guest: &Guest) {
    let name = call.name().expect("it is in a table");
    let Verdict::Reply(response) = verdict else {
        // A socket that blocks waits for a datagram, as in the kernel.
        assert!(TRANSFERS.contains(&name), "{name:?}: {verdict:?}: no other call waits");
        return;
    };
    let int = |index: usize| i32::try_from(data.args[index] & 0xffff_ffff).unwrap_or(-1);
    match response {
        // Requests and options that no handler knows are the filter's, so here they fail.
        Response::Errno(Errno::ENOSYS) => {
            assert!(
                [Name::socket, Name::ioctl, Name::setsockopt, Name::ipc].contains(&name),
                "no handler knows {name:?}"
            )
        }
        Response::Errno(_) => {}
        Response::Restart => panic!("{name:?} is to be made again, and no signal came"),
        // Of a file that is no emulated socket the kernel decides; of a process group, the registers.
        Response::Continue(_) => {
            let is_left = LEFT_TO_THE_KERNEL.contains(&name) || TRANSFERS.contains(&name);
            assert!(is_left, "{name:?} goes on");
        }
        Response::Swap { .. } => panic!("{name:?}: there is no datagram socket to be swapped"),
        Response::Fd { fd, at, .. } => match name {
            Name::socket if int(0) == libc::AF_NETLINK => {
                assert!(at.is_some_and(|at| NUMBERS.contains(&at)));
                *guest.netlink.borrow_mut() = Some(fd);
            }
            // It cannot send, whatever it is connected to.
            Name::socket => {
                let port_9 = [2, 0, 0, 9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
                let _ = net::connect(fd.as_fd(), &port_9);
                let sent = net::send(fd.as_fd(), b"x", libc::MSG_DONTWAIT);
                assert!(
                    sent.is_err_and(|errno| [Errno::EPIPE, Errno::ENOTCONN].contains(&errno)),
                    "{sent:?}"
                );
            }
            name => assert_eq!(name, Name::memfd_create),
        },
        // But for the emulated one, of a socket only what dissolves its connection is done.
        Response::Return(value) if name == Name::connect && ![7, FIRST_NUMBER].contains(&int(0)) => {
            assert_eq!(value, 0);
            let domains = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_UNIX];
            let domain = domains[usize::try_from(int(0) - 3).unwrap()];
            let mut address = [0; LONGEST];
            let address = &mut address[..usize::try_from(int(2)).unwrap()];
            assert_eq!(guest.read(UserAddr(data.args[1]), address), Ok(address.len()));
            assert_eq!(parse(domain, address), Ok(Destination::Nowhere));
        }
        // The number of a System V object, which it may use.
        Response::Return(id) if [Name::shmget, Name::semget, Name::msgget, Name::ipc].contains(&name) => {
            assert!(id >= 0)
        }
        Response::Return(value) => assert!(value == 0 || TRANSFERS.contains(&name), "{name:?}: {value}"),
    }
}

/// Calls on other files than emulated sockets, and on process groups; [`TRANSFERS`] too.
const LEFT_TO_THE_KERNEL: &[Name] = &[
    Name::bind,
    Name::getsockname,
    Name::getpeername,
    Name::setsockopt,
    Name::getsockopt,
    Name::setpgid,
    Name::open,
    Name::openat,
    Name::link,
    Name::linkat,
    Name::unlink,
    Name::unlinkat,
    Name::shmat,
    Name::shmctl,
    Name::semop,
    Name::semtimedop,
    Name::semctl,
    Name::msgsnd,
    Name::msgrcv,
    Name::msgctl,
    Name::ipc,
];

/// Calls that return how much they have sent or received.
const TRANSFERS: &[Name] = &[
    Name::sendto,
    Name::sendmsg,
    Name::sendmmsg,
    Name::write,
    Name::writev,
    Name::recvfrom,
    Name::recvmsg,
    Name::recvmmsg,
    Name::recvmmsg_time64,
];

/// Sends on the emulated socket, has it answered, and reads what came.
fn send(netlink: &mut Netlink, guest: &Guest, at: usize, len: usize) {
    let socket = guest.netlink.borrow();
    let Some(socket) = socket.as_ref() else { return };
    let memory = guest.memory.borrow();
    let request = memory.get(at..).unwrap_or_default();
    // A length that no byte can say: all there is.
    let request = if len == 255 { request } else { &request[..len.min(request.len())] };
    let _ = net::send(socket.as_fd(), request, libc::MSG_DONTWAIT);
    serve(netlink);
    let mut reply = [0; 2 * REPLY_MAX];
    while let Ok(len @ 1..) = net::recv(socket.as_fd(), &mut reply, libc::MSG_DONTWAIT) {
        assert!(len <= REPLY_MAX && <Messages>::new(&reply[..len]).all(|message| message.is_ok()));
        serve(netlink);
    }
}

/// Lets every socket answer what it has been sent.
fn serve(netlink: &mut Netlink) {
    let mut rows = 0;
    netlink.descriptors(&mut |_| rows += 1);
    assert!(rows <= SOCKETS);
    for index in 0..rows {
        netlink.ready(index);
    }
}

/// Mode and owner of files that are not the guest's.
fn outside() -> [(u32, u32, u32); 2] {
    use std::os::unix::fs::MetadataExt;
    ["/", "/dev/null"].map(|path| {
        let file = std::fs::metadata(path).expect("it is there");
        (file.mode(), file.uid(), file.gid())
    })
}
