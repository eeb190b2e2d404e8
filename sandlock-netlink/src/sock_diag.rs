//! `NETLINK_SOCK_DIAG`: the sockets there are (`net/core/sock_diag.c`, `inet_diag.c`, `unix/diag.c`).

use core::net::{IpAddr, SocketAddr};

use zerocopy::{
    BigEndian, ByteOrder, FromBytes, Immutable, IntoBytes, KnownLayout, NativeEndian, U16, U32, Unaligned,
};

use crate::respond::{Ask, At, Dumper, Next, Out, Plan, Query, Start, when};
use crate::rtnetlink::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX};
use crate::{Errno, Full, MessageFlags};

/// `SOCK_DIAG_BY_FAMILY`: asks for sockets, and answers.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `SOCK_DESTROY`.
pub const SOCK_DESTROY: u16 = 21;

/// `INET_DIAG_SHUTDOWN`, `UNIX_DIAG_NAME`, `UNIX_DIAG_SHUTDOWN`: attributes of answers.
const INET_DIAG_SHUTDOWN: u16 = 8;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_SHUTDOWN: u16 = 6;
/// `AF_MAX`.
const AF_MAX: u8 = 46;

/// A socket of IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InetSocket {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// `TCP_*` (`net/tcp_states.h`): 1 established, 7 closed, 10 listening.
    pub state: u8,
    /// Its own address, which also says the family.
    pub local: SocketAddr,
    /// The other end's address.
    pub remote: SocketAddr,
    /// Who made it.
    pub uid: u32,
    /// The number that `/proc/PID/fd` shows.
    pub inode: u32,
    /// Bytes that wait to be received, and to be sent.
    pub queues: [u32; 2],
}

/// A socket of `AF_UNIX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnixSocket<'a> {
    /// `SOCK_*`.
    pub kind: u8,
    /// As that of TCP.
    pub state: u8,
    /// The number that `/proc/PID/fd` shows.
    pub inode: u32,
    /// What it is bound to: a path, or a NUL and a name; empty: nothing.
    pub name: &'a [u8],
}

/// The sockets that a guest is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sockets<'a> {
    /// Those of IPv4 and IPv6.
    pub inet: &'a [InetSocket],
    /// Those of `AF_UNIX`.
    pub unix: &'a [UnixSocket<'a>],
}

impl Sockets<'static> {
    /// None.
    pub const NONE: Self = Self { inet: &[], unix: &[] };
}

/// `struct inet_diag_msg` (`linux/inet_diag.h`). Ports are big endian.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct InetDiagMsg<O: ByteOrder = NativeEndian> {
    /// `idiag_family`.
    pub family: u8,
    /// `idiag_state`.
    pub state: u8,
    /// `idiag_timer`, `idiag_retrans`.
    pub timer: [u8; 2],
    /// `idiag_sport`, `idiag_dport`.
    pub ports: [U16<BigEndian>; 2],
    /// `idiag_src`, `idiag_dst`: 4 or 16 bytes each.
    pub addrs: [[u8; 16]; 2],
    /// `idiag_if`.
    pub interface: U32<O>,
    /// `idiag_cookie`.
    pub cookie: [U32<O>; 2],
    /// `idiag_expires`.
    pub expires: U32<O>,
    /// `idiag_rqueue`, `idiag_wqueue`: bytes.
    pub queues: [U32<O>; 2],
    /// `idiag_uid`.
    pub uid: U32<O>,
    /// `idiag_inode`.
    pub inode: U32<O>,
}

/// `struct unix_diag_msg` (`linux/unix_diag.h`).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct UnixDiagMsg<O: ByteOrder = NativeEndian> {
    /// `udiag_family`.
    pub family: u8,
    /// `udiag_type`: `SOCK_*`.
    pub kind: u8,
    /// `udiag_state`.
    pub state: u8,
    /// Unused, 0.
    pub pad: u8,
    /// `udiag_ino`.
    pub inode: U32<O>,
    /// `udiag_cookie`.
    pub cookie: [U32<O>; 2],
}

const _: () = assert!(size_of::<InetDiagMsg>() == 72 && size_of::<UnixDiagMsg>() == 16);

/// `sock_diag_rcv_msg`.
pub(crate) fn plan<O: ByteOrder>(ask: &Ask<'_, O>) -> Result<Plan<O>, Errno> {
    let payload = ask.message.payload();
    let dump = ask.message.flags().intersects(MessageFlags::DUMP);
    // The size of `struct inet_diag_req_v2`, `unix_diag_req`, `netlink_diag_req`.
    let size = match (ask.message.kind(), ask.family()) {
        (SOCK_DESTROY, _) => return Err(Errno::EPERM),
        (SOCK_DIAG_BY_FAMILY, family) if payload.len() < 2 || family >= AF_MAX => return Err(Errno::EINVAL),
        (SOCK_DIAG_BY_FAMILY, AF_INET | AF_INET6) => 56,
        (SOCK_DIAG_BY_FAMILY, AF_UNIX) => 24,
        (SOCK_DIAG_BY_FAMILY, AF_NETLINK) => 20,
        (SOCK_DIAG_BY_FAMILY, _) => return Err(Errno::ENOENT),
        _ => return Err(Errno::EINVAL),
    };
    match ask.family() {
        _ if payload.len() < size => Err(Errno::EINVAL),
        _ if dump => Ok(Plan::Dump(dumper())),
        AF_NETLINK => Err(Errno::EOPNOTSUPP),
        // Of these one is found by its inode, which comes after the states.
        AF_UNIX if payload.get(8..12) == Some(&[0; 4]) => Err(Errno::EINVAL),
        _ => Err(Errno::ENOENT),
    }
}

/// Of all families.
pub(crate) fn dumper<O: ByteOrder>() -> Dumper<O> {
    Dumper { start: Start::By(start), step, apart: false }
}

/// Only these protocols have a table: TCP, UDP, UDP-Lite.
fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let family = ask.family();
    let (words, _) = ask.message.body::<[U32<O>; 6]>()?;
    let [_, states, _, show, ..] = words.map(U32::get);
    let protocol = ask.message.payload().get(1).copied().unwrap_or(0);
    if matches!(family, AF_INET | AF_INET6) && ![6, 17, 136].contains(&protocol) {
        return Err(Errno::ENOENT);
    }
    Ok(Query { family, protocol, kind: states, mask: show, ..Query::default() })
}

fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let state = |state: u8| 1u32.checked_shl(state.into()).is_some_and(|bit| query.kind & bit != 0);
    if query.family == AF_UNIX {
        let socket = view.sockets.unix.get(at)?;
        return when(state(socket.state), || send_unix(socket, query.mask, out));
    }
    let sockets = if query.family == AF_NETLINK { &[] } else { view.sockets.inet };
    let socket = sockets.get(at)?;
    let family = crate::ip::family(socket.local.ip());
    let asked = family == query.family && socket.protocol == query.protocol && state(socket.state);
    when(asked, || send_inet(socket, family, out))
}

/// `inet_sk_diag_fill`.
fn send_inet<O: ByteOrder>(socket: &InetSocket, family: u8, out: &mut Out<'_, '_, O>) -> Result<(), Full> {
    let ends = [socket.local, socket.remote];
    out.message(SOCK_DIAG_BY_FAMILY, |body| {
        body.put(&InetDiagMsg::<O> {
            family,
            state: socket.state,
            timer: [0; 2],
            ports: ends.map(|end| U16::new(end.port())),
            addrs: ends.map(|end| octets(end.ip())),
            interface: U32::new(0),
            cookie: [U32::new(socket.inode), U32::new(0)],
            expires: U32::new(0),
            queues: socket.queues.map(U32::new),
            uid: U32::new(socket.uid),
            inode: U32::new(socket.inode),
        })?;
        body.u8(INET_DIAG_SHUTDOWN, 0)
    })
}

/// `sk_diag_fill` of `net/unix/diag.c`.
fn send_unix<O: ByteOrder>(socket: &UnixSocket<'_>, show: u32, out: &mut Out<'_, '_, O>) -> Result<(), Full> {
    out.message(SOCK_DIAG_BY_FAMILY, |body| {
        body.put(&UnixDiagMsg::<O> {
            family: AF_UNIX,
            kind: socket.kind,
            state: socket.state,
            pad: 0,
            inode: U32::new(socket.inode),
            cookie: [U32::new(socket.inode), U32::new(0)],
        })?;
        // UDIAG_SHOW_NAME
        if show & 1 != 0 && !socket.name.is_empty() {
            body.attr(UNIX_DIAG_NAME, socket.name)?;
        }
        body.u8(UNIX_DIAG_SHUTDOWN, 0)
    })
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(ip) => ip.octets(),
    }
}
