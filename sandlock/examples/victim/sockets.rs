//! Sockets that need no port: every family, type and protocol that is not on the allowlist.

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};

use crate::call::{Attack, Errno, Result, attack, done, with_garbage};
use crate::inet::socket;

pub(crate) const ATTACKS: &[Attack] = &[
    attack("icmp_socket", "a ping socket", |_| done(socket(AF_INET, SOCK_DGRAM, libc::IPPROTO_ICMP))),
    attack("raw_socket", "a raw socket", |_| done(socket(AF_INET, SOCK_RAW, libc::IPPROTO_ICMP))),
    attack("raw6_socket", "a raw IPv6 socket", |_| done(socket(AF_INET6, SOCK_RAW, libc::IPPROTO_ICMPV6))),
    attack("packet_socket", "a socket for whole frames", |_| done(socket(libc::AF_PACKET, SOCK_RAW, 0))),
    attack("sock_packet", "the same, the way of Linux 2.0", |_| done(socket(AF_INET, 10, 0x300))),
    attack("xdp_socket", "a socket in the driver's rings", |_| done(socket(libc::AF_XDP, SOCK_RAW, 0))),
    attack("alg_socket", "a socket into the kernel's cryptography", |_| {
        done(socket(libc::AF_ALG, SOCK_SEQPACKET, 0))
    }),
    attack("vsock_socket", "a socket to the hypervisor", |_| done(socket(libc::AF_VSOCK, SOCK_STREAM, 0))),
    attack("smc_socket", "an SMC socket by family", |_| done(socket(43, SOCK_STREAM, 0))),
    attack("sctp_seqpacket", "an SCTP socket for many peers", |_| done(socket(AF_INET, SOCK_SEQPACKET, 132))),
    attack("l2tp_socket", "an L2TP socket", |_| done(socket(AF_INET, SOCK_DGRAM, 115))),
    attack("family_garbage", "a packet socket with garbage in the high halves", |_| {
        done(sys!("socket", with_garbage(17), with_garbage(3), with_garbage(0)))
    }),
    attack("netlink_diag", "lists unix sockets, of which there is one at least", |_| {
        socket(AF_UNIX, SOCK_STREAM, 0)?;
        let diag = socket(AF_NETLINK, SOCK_RAW, 4)?;
        // A dump by family, in every state: `struct nlmsghdr`, `struct unix_diag_req`.
        let [[a, b], [c, d]] = [20u16, 0x301].map(u16::to_ne_bytes);
        let (what, unix) = (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([1, 0, 0, 0]));
        let request = [40u32, what, 1, 0, unix, u32::MAX, 0, 0, 0, 0];
        sys!("sendto", diag, &request, 40, 0, 0, 0)?;
        let mut reply = [0u16; 4096];
        sys!("recvfrom", diag, &mut reply, 8192, 0, 0, 0)?;
        // NLMSG_DONE before any socket.
        if reply[2] == 3 { Err(Errno::ENOENT) } else { Ok(format!("a message of type {}", reply[2])) }
    }),
    attack("netlink_others", "a netlink socket of any protocol that is not emulated", |_| {
        let others = (1..32).filter(|protocol| !EMULATED.contains(protocol));
        open_any(others.map(|protocol| (AF_NETLINK, SOCK_RAW, protocol)))
    }),
    attack(
        "socket_sweep",
        "a socket of any family, type and protocol that is not unix, TCP or emulated netlink",
        |_| {
            const PROTOCOLS: [i32; 11] = [0, 1, 6, 17, 33, 58, 115, 132, 136, 256, 262];
            let all = (0..64).flat_map(|family| (0..16).map(move |kind| (family, kind)));
            let all = all.flat_map(|(family, kind)| PROTOCOLS.map(|protocol| (family, kind, protocol)));
            open_any(all.filter(|socket| !is_granted(*socket)))
        },
    ),
    attack("socketpair_dgram", "a pair of datagram sockets, which can send to other names", |_| {
        done(sys!("socketpair", AF_UNIX, SOCK_DGRAM, 0, &mut [0i32; 2]))
    }),
    attack("socketpair_tipc", "a pair of another family", |_| {
        done(sys!("socketpair", 30, SOCK_STREAM, 0, &mut [0i32; 2]))
    }),
    attack("interfaces", "names an interface that is not lo by ioctl", |_| {
        let socket = socket(AF_INET, SOCK_STREAM, 0)?;
        let named = |index: u32| {
            let mut request = [0u8; 40];
            request[16..20].copy_from_slice(&index.to_ne_bytes());
            sys!("ioctl", socket, 0x8910, &mut request)
        };
        done((2..200).map(named).reduce(Result::or).expect("some"))
    }),
    attack("interface_index", "asks for the index of eth0 by ioctl, with garbage in the high half", |_| {
        let mut request = [0u8; 40];
        request[..4].copy_from_slice(b"eth0");
        done(sys!("ioctl", socket(AF_UNIX, SOCK_STREAM, 0)?, with_garbage(0x8933), &mut request))
    }),
    attack("interface_count", "finds by ioctl that more than one interface has an address", |_| {
        // struct ifconf without a buffer asks how long the list is.
        let mut list = [0u32; 4];
        sys!("ioctl", socket(AF_INET, SOCK_STREAM, 0)?, 0x8912, &mut list)?;
        if list[0] > 40 { Ok(String::new()) } else { Err(Errno::ENODEV) }
    }),
    attack("interface_change", "sets the flags of lo to what they are by ioctl", |_| {
        let mut request = [0u8; 40];
        request[..2].copy_from_slice(b"lo");
        let socket = socket(AF_INET, SOCK_STREAM, 0)?;
        sys!("ioctl", socket, 0x8913, &mut request)?;
        done(sys!("ioctl", socket, 0x8914, &mut request))
    }),
];

/// The netlinks that the supervisor emulates: route, sock_diag, xfrm, netfilter, kobject_uevent, generic.
const EMULATED: [i32; 6] = [0, 4, 6, 12, 15, 16];

/// What a sandboxed program can have; SEQPACKET and STREAM of AF_UNIX, whatever the protocol, and a DGRAM
/// that cannot send.
fn is_granted((family, kind, protocol): (i32, i32, i32)) -> bool {
    match family {
        AF_UNIX => {
            [SOCK_STREAM, SOCK_SEQPACKET].contains(&kind)
                || (kind == SOCK_DGRAM && [0, 1].contains(&protocol))
        }
        AF_INET | AF_INET6 => {
            (kind == SOCK_STREAM && [0, 6].contains(&protocol))
                || (kind == SOCK_DGRAM && [0, 17].contains(&protocol))
        }
        AF_NETLINK => [SOCK_RAW, SOCK_DGRAM].contains(&kind) && EMULATED.contains(&protocol),
        _ => false,
    }
}

/// Names those that could be opened; else the refusal of the last.
fn open_any(sockets: impl Iterator<Item = (i32, i32, i32)>) -> Result {
    let (mut opened, mut refusal) = (Vec::new(), Errno::EINVAL);
    for (family, kind, protocol) in sockets {
        match socket(family, kind, protocol) {
            Ok(fd) => {
                let _ = sys!("close", fd);
                opened.push(format!("{family}/{kind}/{protocol}"));
            }
            Err(errno) => refusal = errno,
        }
    }
    if opened.is_empty() { Err(refusal) } else { Ok(opened.join(" ")) }
}
