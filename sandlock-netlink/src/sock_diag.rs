//! The messages of `NETLINK_SOCK_DIAG`, and the sockets that they are about.

use core::net::SocketAddr;

use zerocopy::{BigEndian, U16, U32};

use crate::wire::wire;

/// `TCPDIAG_GETSOCK`: asks for sockets of TCP, of any family; older than [`SOCK_DIAG_BY_FAMILY`].
pub const TCPDIAG_GETSOCK: u16 = 18;
/// `SOCK_DIAG_BY_FAMILY`: asks for sockets, and answers.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `SOCK_DESTROY`.
pub const SOCK_DESTROY: u16 = 21;

/// A socket of IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InetSocket {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// `TCP_*` (`net/tcp_states.h`): 1 established, 7 closed, 10 listening.
    pub state: u8,
    /// Its own address, which also gives the family.
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

wire! {
    /// `struct inet_diag_msg` (`linux/inet_diag.h`). Ports are big endian.
    pub struct InetDiagMsg<O>: 72 {
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
    pub struct UnixDiagMsg<O>: 16 {
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
}
