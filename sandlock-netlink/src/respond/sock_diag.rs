//! `NETLINK_SOCK_DIAG`: the sockets of a view (`net/core/sock_diag.c`, `inet_diag.c`, `unix/diag.c`).

mod bytecode;

use core::net::IpAddr;

use zerocopy::{ByteOrder, U16, U32};

use super::request::{Action, Out, Request, StepResult, when};
use crate::query::{Query, SocketFilter};
use crate::rtnetlink::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, AF_UNSPEC};
use crate::sock_diag::{
    InetDiagMsg, InetSocket, SOCK_DESTROY, SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK, UnixDiagMsg, UnixSocket,
};
use crate::{Attr, Attrs, Errno, Full, MessageFlags};

/// `INET_DIAG_SHUTDOWN`, `UNIX_DIAG_NAME`, `UNIX_DIAG_SHUTDOWN`: attributes of answers.
const INET_DIAG_SHUTDOWN: u16 = 8;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_SHUTDOWN: u16 = 6;
/// `INET_DIAG_REQ_BYTECODE`, `INET_DIAG_REQ_SK_BPF_STORAGES`, `INET_DIAG_REQ_PROTOCOL`.
const REQ_BYTECODE: u16 = 1;
const REQ_BPF_STORAGES: u16 = 2;
const REQ_PROTOCOL: u16 = 3;
/// `AF_PACKET`: sockets of raw frames.
const AF_PACKET: u8 = 17;
/// `AF_MAX`.
const AF_MAX: u8 = 46;
/// `IPPROTO_TCP`, `IPPROTO_MPTCP`.
const TCP: u32 = 6;
const MPTCP: u32 = 262;
/// The size of `struct inet_diag_req_v2`, and of `struct inet_diag_req`, in which the states are late.
const INET_SIZE: usize = 56;
const COMPAT_SIZE: usize = 60;
const COMPAT_STATES: usize = 52;

/// `sock_diag_rcv_msg`, `__sock_diag_cmd`.
pub(crate) fn plan<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Action<O>, Errno> {
    let payload = request.message.payload();
    let (destroy, dump) =
        (request.message.kind() == SOCK_DESTROY, request.message.flags().intersects(MessageFlags::DUMP));
    // The size of `struct unix_diag_req`, `netlink_diag_req`, `packet_diag_req`.
    let size = match (request.message.kind(), request.family()) {
        (TCPDIAG_GETSOCK, _) => return plan_inet(request, COMPAT_SIZE, dump),
        (SOCK_DIAG_BY_FAMILY | SOCK_DESTROY, family) if payload.len() < 2 || family >= AF_MAX => {
            return Err(Errno::EINVAL);
        }
        (SOCK_DIAG_BY_FAMILY | SOCK_DESTROY, AF_INET | AF_INET6) => {
            return plan_inet(request, INET_SIZE, dump && !destroy);
        }
        (SOCK_DESTROY, AF_UNIX | AF_NETLINK | AF_PACKET) => return Err(Errno::EOPNOTSUPP),
        (SOCK_DIAG_BY_FAMILY, AF_UNIX) => 24,
        (SOCK_DIAG_BY_FAMILY, AF_NETLINK | AF_PACKET) => 20,
        (SOCK_DIAG_BY_FAMILY | SOCK_DESTROY, _) => return Err(Errno::ENOENT),
        _ => return Err(Errno::EINVAL),
    };
    match request.family() {
        _ if payload.len() < size => Err(Errno::EINVAL),
        AF_PACKET if payload.get(1) != Some(&0) => Err(Errno::EINVAL),
        _ if dump => Ok(Action::Dump(check, start)),
        // Of these one is found by its inode, which comes after the states.
        AF_UNIX if payload.get(8..12) == Some(&[0; 4]) => Err(Errno::EINVAL),
        AF_UNIX => Err(Errno::ENOENT),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// `inet_diag_handler_cmd`, `inet_diag_rcv_msg_compat`: for all sockets, or for one, and then there is none.
fn plan_inet<O: ByteOrder>(
    request: &mut Request<'_, O>,
    size: usize,
    dump: bool,
) -> Result<Action<O>, Errno> {
    request.message.after(size)?;
    if dump {
        return Ok(Action::Dump(check, start));
    }
    attrs(request, size)?;
    let protocol = protocol(request, size);
    match (request.family(), request.message.kind()) {
        (AF_INET | AF_INET6, SOCK_DESTROY) if protocol == MPTCP => Err(Errno::EOPNOTSUPP),
        (AF_INET | AF_INET6, _) => Err(Errno::ENOENT),
        // Of the others only TCP looks at the family.
        _ if protocol == TCP => Err(Errno::EINVAL),
        _ => Err(Errno::ENOENT),
    }
}

/// `inet_diag_parse_attrs`, behind a header of so many bytes.
fn attrs<'a, O: ByteOrder>(request: &Request<'a, O>, size: usize) -> Result<Attrs<'a, O>, Errno> {
    let message = request.message;
    let attrs = Attrs::<O>::new(message.after(size)?);
    let is_odd = |attr: &Attr<O>| attr.kind() == REQ_PROTOCOL && attr.payload().len() != 4;
    if attrs.clone().flatten().any(is_odd) { Err(Errno::EINVAL) } else { Ok(attrs) }
}

/// `__inet_diag_dump_start`.
fn check<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let size = match (request.message.kind(), request.family()) {
        (TCPDIAG_GETSOCK, _) => COMPAT_SIZE,
        (_, AF_INET | AF_INET6) => INET_SIZE,
        _ => return Ok(()),
    };
    let attrs = attrs(request, size)?;
    attrs.last_of(REQ_BYTECODE).map_or(Ok(()), |code| bytecode::audit::<O>(code.payload()))?;
    // `bpf_sk_storage_diag_alloc`
    if attrs.last_of(REQ_BPF_STORAGES).is_some() { Err(Errno::EPERM) } else { Ok(()) }
}

/// `inet_diag_get_protocol`, of a request whose header has so many bytes.
fn protocol<O: ByteOrder>(request: &Request<'_, O>, size: usize) -> u32 {
    let attrs = Attrs::<O>::new(request.message.after(size).unwrap_or_default());
    let header = if size == COMPAT_SIZE {
        TCP
    } else {
        request.message.payload().get(1).map_or(0, |byte| (*byte).into())
    };
    attrs.last_of(REQ_PROTOCOL).and_then(|attr| attr.u32().ok()).unwrap_or(header)
}

/// Four protocols have a table: TCP, UDP, UDP-Lite, MPTCP. `TCPDIAG_GETSOCK` asks for TCP of any family.
fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let compat = request.message.kind() == TCPDIAG_GETSOCK;
    let (words, _) = request.message.body::<[U32<O>; 5]>()?;
    let [_, states, _, show, _] = words.map(U32::get);
    let (message_kind, family) = (request.message.kind(), request.family());
    if !compat && !matches!(family, AF_INET | AF_INET6) {
        // `netlink_diag_dump`: `MAX_LINKS`, `NDIAG_PROTO_ALL`
        let no_such =
            family == AF_NETLINK && request.message.payload().get(1).is_some_and(|of| (32..255).contains(of));
        let filter = SocketFilter { message_kind, family, protocol: 0, states, show };
        return if no_such { Err(Errno::ENOENT) } else { Ok(Query::Sockets(filter)) };
    }
    let protocol = protocol(request, if compat { COMPAT_SIZE } else { INET_SIZE });
    if ![TCP, 17, 136, MPTCP].contains(&protocol) {
        return Err(Errno::ENOENT);
    }
    let states = match request.message.after(COMPAT_STATES) {
        Ok([s0, s1, s2, s3, ..]) if compat => U32::<O>::from_bytes([*s0, *s1, *s2, *s3]).get(),
        _ => states,
    };
    let protocol = u8::try_from(protocol).unwrap_or(0);
    let family = if compat { AF_UNSPEC } else { family };
    Ok(Query::Sockets(SocketFilter { message_kind, family, protocol, states, show }))
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, filter: SocketFilter) -> StepResult {
    let view = out.view;
    let state = |state: u8| 1u32.checked_shl(state.into()).is_some_and(|bit| filter.states & bit != 0);
    if filter.family == AF_UNIX {
        let socket = view.sockets.unix.get(out.at)?;
        return when(state(socket.state), || send_unix(socket, filter.show, out));
    }
    let sockets = if matches!(filter.family, AF_NETLINK | AF_PACKET) { &[] } else { view.sockets.inet };
    let socket = sockets.get(out.at)?;
    let family = crate::ip::family(socket.local.ip());
    let asked = [family, AF_UNSPEC].contains(&filter.family)
        && socket.protocol == filter.protocol
        && state(socket.state);
    when(asked, || send_inet(socket, filter.message_kind, out))
}

/// `inet_sk_diag_fill`.
fn send_inet<O: ByteOrder>(socket: &InetSocket, kind: u16, out: &mut Out<'_, O>) -> Result<(), Full> {
    let ends = [socket.local, socket.remote];
    out.message(kind, |body| {
        body.put(&InetDiagMsg::<O> {
            family: crate::ip::family(socket.local.ip()),
            state: socket.state,
            ports: ends.map(|end| U16::new(end.port())),
            addrs: ends.map(|end| octets(end.ip())),
            cookie: [U32::new(socket.inode), U32::new(0)],
            queues: socket.queues.map(U32::new),
            uid: U32::new(socket.uid),
            inode: U32::new(socket.inode),
            ..InetDiagMsg::default()
        })?;
        body.u8(INET_DIAG_SHUTDOWN, 0)
    })
}

/// `sk_diag_fill` of `net/unix/diag.c`.
fn send_unix<O: ByteOrder>(socket: &UnixSocket<'_>, show: u32, out: &mut Out<'_, O>) -> Result<(), Full> {
    out.message(SOCK_DIAG_BY_FAMILY, |body| {
        body.put(&UnixDiagMsg::<O> {
            family: AF_UNIX,
            kind: socket.kind,
            state: socket.state,
            inode: U32::new(socket.inode),
            cookie: [U32::new(socket.inode), U32::new(0)],
            ..UnixDiagMsg::default()
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
