//! The running kernel: sockets in a network namespace of their own, of a thread without capabilities.
#![expect(unsafe_code, reason = "system calls, for which there is no crate below this one")]

use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use sandlock_netlink::rtnetlink::{IfInfoMsg, LinkFlags, RTM_SETLINK};
use sandlock_netlink::{Errno, IntoBytes, MessageFlags, NativeEndian, NetnsOf, SocketName, Writer};

use crate::kernel::sockets::{Call, Outcome, SEND_BUFFER};
use crate::kernel::{Case, PORT};

fn check(result: i64) -> Result<i32> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(i32::try_from(result).unwrap()) }
}

/// A netlink socket of this thread's network namespace.
pub(crate) struct Kernel(OwnedFd);

impl Kernel {
    pub(crate) fn open(protocol: i32, port: u32) -> Result<Self> {
        let socket = Self::unbound(protocol)?;
        socket.bind(SocketName::<NativeEndian>::new(port, 0).as_bytes())?;
        Ok(socket)
    }

    fn unbound(protocol: i32) -> Result<Self> {
        // SAFETY: no pointer is involved.
        let fd = check(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol) }.into())?;
        // SAFETY: it was just opened, and has no other owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn bind(&self, name: &[u8]) -> Result<()> {
        // SAFETY: the kernel reads as many bytes as the name has.
        check(unsafe { libc::bind(self.0.as_raw_fd(), name.as_ptr().cast(), name.len() as u32) }.into())
            .map(|_| ())
    }

    pub(crate) fn set(&self, option: u32) -> Result<()> {
        self.set_option(libc::SOL_NETLINK, option as i32, &1i32.to_ne_bytes())
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        let (at, len) = (value.as_ptr().cast(), value.len() as u32);
        // SAFETY: the kernel reads as many bytes as the value has.
        let set = unsafe { libc::setsockopt(self.0.as_raw_fd(), level, name, at, len) };
        check(set.into()).map(|_| ())
    }

    /// The value of an option, and the length that the kernel gives it.
    fn option(&self, name: i32, room: usize) -> Result<(Vec<u8>, usize)> {
        let (mut value, mut len) = (vec![0xee; room], room as u32);
        let to = value.as_mut_ptr().cast();
        // SAFETY: the kernel writes at most `len` bytes at `to`, and their number to `len`.
        let got = unsafe { libc::getsockopt(self.0.as_raw_fd(), libc::SOL_NETLINK, name, to, &raw mut len) };
        check(got.into())?;
        // The kernel leaves the rest as it was.
        value.retain(|byte| *byte != 0xee);
        Ok((value, len as usize))
    }

    /// Its port and groups.
    fn name(&self) -> [u32; 2] {
        let mut name = SocketName::<NativeEndian>::new(0, 0);
        let mut len = 12;
        // SAFETY: the kernel writes at most 12 bytes.
        let got = unsafe {
            libc::getsockname(self.0.as_raw_fd(), name.as_mut_bytes().as_mut_ptr().cast(), &raw mut len)
        };
        check(got.into()).unwrap();
        [name.port.get(), name.groups.get()]
    }

    fn send_to(&self, payload: &[u8], flags: i32, name: &[u8]) -> Result<()> {
        let (at, len) = (name.as_ptr().cast(), name.len() as u32);
        // SAFETY: the kernel reads as many bytes as the payload and the name have.
        let sent = unsafe {
            libc::sendto(self.0.as_raw_fd(), payload.as_ptr().cast(), payload.len(), flags, at, len)
        };
        check(sent as i64).map(|_| ())
    }

    /// What each of these calls on a new socket returns, and its name afterwards.
    pub(crate) fn calls(protocol: i32, calls: &[Call]) -> Vec<(Outcome, [u32; 2])> {
        let socket = Self::unbound(protocol).unwrap();
        // The kernel doubles it.
        socket
            .set_option(libc::SOL_SOCKET, libc::SO_SNDBUF, &(SEND_BUFFER as i32 / 2).to_ne_bytes())
            .unwrap();
        let each = calls.iter().map(|call| {
            let nothing = |()| (Vec::new(), 0);
            let done = match call {
                Call::Bind(name) => socket.bind(name).map(nothing),
                Call::Connect(name) => {
                    let (at, len) = (name.as_ptr().cast(), name.len() as u32);
                    // SAFETY: the kernel reads as many bytes as the name has.
                    check(unsafe { libc::connect(socket.0.as_raw_fd(), at, len) }.into()).map(|_| nothing(()))
                }
                Call::SetOption(name, value) => {
                    socket.set_option(libc::SOL_NETLINK, *name, value).map(nothing)
                }
                Call::Option(name, room) => socket.option(*name, *room),
                Call::Send { name, len, out_of_band } => {
                    let flags = if *out_of_band { libc::MSG_OOB } else { 0 };
                    // Of length 0, and so no message.
                    socket.send_to(&vec![0; *len], flags, name).map(nothing)
                }
            };
            (done.map_err(|error| error.raw_os_error().unwrap()), socket.name())
        });
        each.collect()
    }

    pub(crate) fn send(&self, request: &[u8]) -> Result<()> {
        // SAFETY: the kernel reads as many bytes as the request has.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), request.as_ptr().cast(), request.len(), 0) };
        check(sent as i64).map(|_| ())
    }

    pub(crate) fn receive(&self, room: usize) -> Option<Vec<u8>> {
        let mut reply = vec![0; room];
        let flags = libc::MSG_DONTWAIT;
        // SAFETY: the kernel writes at most as many bytes as there is room for.
        let len = unsafe { libc::recv(self.0.as_raw_fd(), reply.as_mut_ptr().cast(), room, flags) };
        reply.truncate(usize::try_from(len).ok()?);
        Some(reply)
    }

    /// Joins groups of `NETLINK_ROUTE`.
    pub(crate) fn join(&self, groups: &[u32]) {
        for group in groups {
            self.set_option(libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, &group.to_ne_bytes()).unwrap();
        }
    }

    /// What it answers to a case: everything is sent before anything is received.
    pub(crate) fn answer(case: &Case) -> Vec<Vec<u8>> {
        let socket = Self::open(case.protocol, PORT).unwrap();
        for option in case.options.iter() {
            socket.set(option.bits().trailing_zeros()).unwrap();
        }
        for request in &case.requests {
            // An empty datagram is ENODATA.
            let _sent = socket.send(request);
        }
        core::iter::from_fn(|| socket.receive(case.room)).collect()
    }
}

/// What this process's numbers of processes and descriptors name.
pub(crate) fn namespace(of: NetnsOf) -> core::result::Result<(), Errno> {
    match of {
        NetnsOf::Process(pid) => {
            // SAFETY: no pointer is involved, and no signal is sent.
            let found = check(unsafe { libc::kill(pid as i32, 0) }.into());
            let gone = found.is_err_and(|error| error.raw_os_error() == Some(libc::ESRCH));
            if gone { Err(Errno::ESRCH) } else { Ok(()) }
        }
        NetnsOf::Descriptor(fd) => match std::fs::read_link(format!("/proc/self/fd/{}", fd as i32)) {
            Err(_) => Err(Errno::EBADF),
            Ok(file) if file.to_string_lossy().starts_with("net:[") => Ok(()),
            Ok(_) => Err(Errno::EINVAL),
        },
    }
}

/// Runs `f` in a thread that has a network namespace of its own with `lo` up, and no capability, as a guest
/// has none. Returns the reason if that fails.
pub(crate) fn in_namespace(f: impl FnOnce() + Send) -> core::result::Result<(), String> {
    in_new_namespace(|| set_up(1, true), f)
}

/// The same where `lo` was never up.
pub(crate) fn in_namespace_that_is_down(f: impl FnOnce() + Send) -> core::result::Result<(), String> {
    in_new_namespace(|| (), f)
}

/// Runs `prepare` in a new network namespace, and then `f` there without capabilities.
pub(crate) fn in_new_namespace(
    prepare: impl FnOnce() + Send,
    f: impl FnOnce() + Send,
) -> core::result::Result<(), String> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: it changes the namespace of this thread only.
            check(unsafe { libc::unshare(libc::CLONE_NEWNET) }.into())
                .map_err(|e| format!("unshare: {e}"))?;
            prepare();
            drop_capabilities();
            f();
            Ok(())
        });
        thread.join().unwrap()
    })
}

/// Sets the link with this index up or down.
pub(crate) fn set_up(index: u32, is_up: bool) {
    let up = LinkFlags::UP.bits();
    let flags = if is_up { up } else { 0 }.into();
    let info =
        IfInfoMsg::<NativeEndian> { index: index.into(), flags, change: up.into(), ..IfInfoMsg::default() };
    let mut buf = [0; 64];
    let mut writer = <Writer>::new(&mut buf);
    let flags = MessageFlags::REQUEST | MessageFlags::ACK;
    writer.message(RTM_SETLINK, flags, 1, 0, |body| body.put(&info)).unwrap();
    let socket = Kernel::open(0, 0).unwrap();
    socket.send(writer.as_bytes()).unwrap();
    let ack = socket.receive(64).unwrap();
    assert_eq!(ack[16..20], [0; 4], "RTM_SETLINK");
}

fn drop_capabilities() {
    // `struct __user_cap_header_struct` of version 3, for this thread, and two empty sets.
    let header = [0x2008_0522u32, 0];
    let sets = [0u32; 6];
    // SAFETY: the kernel reads the header and, for version 3, two sets of three words.
    let dropped = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    check(dropped).unwrap();
}
