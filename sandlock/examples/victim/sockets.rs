//! Sockets that need no port: every family, type and protocol that is not on the allowlist.

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};

use crate::call::{Attack, Errno, Result, attack, done, with_garbage};
use crate::inet::socket;

pub(crate) const ATTACKS: &[Attack] = &[
    attack("udp_socket", "a UDP socket", |_| done(socket(AF_INET, SOCK_DGRAM, 0))),
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
    attack("netlink_diag", "a netlink socket that lists sockets", |_| done(socket(AF_NETLINK, SOCK_RAW, 4))),
    attack("netlink_others", "a netlink socket of any protocol but route", |_| {
        open_any((1..32).map(|protocol| (AF_NETLINK, SOCK_RAW, protocol)))
    }),
    attack(
        "socket_sweep",
        "a socket of any family, type and protocol that is not unix, TCP or netlink route",
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
    attack("interfaces", "lists the host's interfaces by ioctl", |_| {
        // struct ifconf without a buffer asks how long the list is.
        done(sys!("ioctl", socket(AF_INET, SOCK_STREAM, 0)?, 0x8912, &mut [0u64; 2]))
    }),
    attack("interface_index", "asks for the index of lo by ioctl, with garbage in the high half", |_| {
        let mut request = [0u8; 40];
        request[..2].copy_from_slice(b"lo");
        done(sys!("ioctl", socket(AF_UNIX, SOCK_STREAM, 0)?, with_garbage(0x8933), &mut request))
    }),
];

/// What a sandboxed program can have; SEQPACKET and STREAM of AF_UNIX, whatever the protocol.
fn is_granted((family, kind, protocol): (i32, i32, i32)) -> bool {
    match family {
        AF_UNIX => [SOCK_STREAM, SOCK_SEQPACKET].contains(&kind),
        AF_INET | AF_INET6 => kind == SOCK_STREAM && [0, 6].contains(&protocol),
        AF_NETLINK => [SOCK_RAW, SOCK_DGRAM].contains(&kind) && protocol == 0,
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
