//! TCP and what else reaches a port: each protocol that connects, binds or sends where Landlock's TCP rights
//! do not look.

use libc::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM};

use crate::call::{Attack, Errno, Result, at, attack, check, done, number, with_garbage};

const MPTCP: i32 = 262;
const FASTOPEN: u32 = 0x2000_0000;

pub(crate) const ATTACKS: &[Attack] = &[
    attack("tcp_connect", "connects to PORT", |args| connect(AF_INET, 0, number(args, 0))),
    attack("tcp6_connect", "connects to PORT over IPv6", |args| connect(AF_INET6, 0, number(args, 0))),
    attack("tcp_connect_mapped", "connects to PORT by an IPv4 address written as an IPv6 one", |args| {
        let socket = socket(AF_INET6, SOCK_STREAM, 0)?;
        done(sys!("connect", socket, &mapped(number(args, 0)), 28))
    }),
    attack("tcp_connect_long", "connects to PORT with an address of 128 bytes", |args| {
        let mut address = [0xffu8; 128];
        address[..16].copy_from_slice(&inet(number(args, 0)));
        done(sys!("connect", socket(AF_INET, SOCK_STREAM, 0)?, &address, 128))
    }),
    attack("any_of_bound", "binds ADDRESS and connects to PORT of any address", |args| {
        let ip: core::net::Ipv4Addr = args[0].parse().expect("an address");
        let mut bound = inet(0);
        bound[4..8].copy_from_slice(&ip.octets());
        let mut any = inet(number(args, 1));
        any[4..8].fill(0);
        let v4 = socket(AF_INET, SOCK_STREAM, 0)?;
        sys!("bind", v4, &bound, 16)?;
        let _ = sys!("connect", v4, &any, 16);
        let mut bound = inet6(0);
        bound[8..24].copy_from_slice(&ip.to_ipv6_mapped().octets());
        let mut any = inet6(number(args, 1));
        any[8..24].fill(0);
        let v6 = socket(AF_INET6, SOCK_STREAM, 0)?;
        sys!("bind", v6, &bound, 28)?;
        let _ = sys!("connect", v6, &any, 28);
        let reached = |socket, from: usize| {
            let mut peer = [0u8; 28];
            sys!("getpeername", socket, &mut peer, at_len(28)).is_ok() && peer[from..][..4] == ip.octets()
        };
        check(reached(v4, 4) || reached(v6, 20), Errno::EACCES)
    }),
    attack("tcp_bind", "binds a free port", |_| bind(AF_INET, 0, 0)),
    attack("tcp_bind_port", "binds PORT", |args| bind(AF_INET, 0, number(args, 0))),
    attack("tcp_listen", "listens without having bound, which takes a free port", |_| listen(0)),
    attack("tcp_listen_used", "connects to PORT, dissolves that, and listens on what port is left", |args| {
        let socket = socket(AF_INET, SOCK_STREAM, 0)?;
        sys!("connect", socket, &inet(number(args, 0)), 16)?;
        sys!("connect", socket, &[0u8; 16], 16)?;
        done(sys!("listen", socket, 1))
    }),
    attack("mptcp_connect", "connects to PORT by MPTCP", |args| connect(AF_INET, MPTCP, number(args, 0))),
    attack("mptcp6_connect", "connects to PORT by MPTCP over IPv6", |args| {
        connect(AF_INET6, MPTCP, number(args, 0))
    }),
    attack("mptcp_bind", "binds a free port by MPTCP", |_| bind(AF_INET, MPTCP, 0)),
    attack("mptcp_listen", "listens by MPTCP without having bound", |_| listen(MPTCP)),
    attack("smc_protocol", "connects to PORT by SMC", |args| connect(AF_INET, 256, number(args, 0))),
    attack("sctp_stream", "connects to PORT by SCTP", |args| connect(AF_INET, 132, number(args, 0))),
    attack("fastopen_sendto", "connects to PORT inside a sendto", |args| {
        fast_sendto(number(args, 0), FASTOPEN.into())
    }),
    attack("fastopen_garbage", "the same with garbage in the high half of the flags", |args| {
        fast_sendto(number(args, 0), with_garbage(FASTOPEN))
    }),
    attack("fastopen_more", "the same with other flags beside it", |args| {
        fast_sendto(number(args, 0), u64::from(FASTOPEN) | libc::MSG_NOSIGNAL as u64)
    }),
    attack("fastopen_sendmsg", "connects to PORT inside a sendmsg", |args| {
        let address = inet(number(args, 0));
        let (_data, message) = message(&address);
        done(sys!("sendmsg", socket(AF_INET, SOCK_STREAM, 0)?, at(&message), FASTOPEN))
    }),
    attack("fastopen_sendmmsg", "connects to PORT inside a sendmmsg", |args| {
        let address = inet(number(args, 0));
        let (_data, message) = message(&address);
        let messages = [libc::mmsghdr { msg_hdr: message, msg_len: 0 }];
        done(sys!("sendmmsg", socket(AF_INET, SOCK_STREAM, 0)?, &messages, 1, FASTOPEN))
    }),
    attack(
        "fastopen_option",
        "lets TCP_FASTOPEN_CONNECT put off the connect to PORT until data is written",
        |args| {
            let socket = put_off(number(args, 0))?;
            done(sys!("write", socket, b"x", 1))
        },
    ),
    attack("fastopen_elsewhere", "the same with an ALLOWED port, then sends to PORT instead", |args| {
        let socket = put_off(number(args, 0))?;
        let port = number(args, 1);
        let _ = sys!("sendto", socket, b"x", 1, 0, &inet(port), 16);
        check(peer(socket)? == port, Errno::EACCES)
    }),
    attack("udp_send", "sends a datagram to PORT", |args| {
        done(sys!("sendto", socket(AF_INET, SOCK_DGRAM, 0)?, b"x", 1, 0, &inet(number(args, 0)), 16))
    }),
    attack("udp6_send", "sends a datagram to PORT over IPv6", |args| {
        done(sys!("sendto", socket(AF_INET6, SOCK_DGRAM, 0)?, b"x", 1, 0, &inet6(number(args, 0)), 28))
    }),
    attack("reach", "resolves NAME and connects to PORT of each address", |args| {
        let (name, port) = (args[0].as_str(), number(args, 1));
        let found = std::net::ToSocketAddrs::to_socket_addrs(&(name, port));
        let mut found: Vec<_> = found.map(Iterator::collect).unwrap_or_default();
        found.dedup();
        let ends = found.iter().map(|address| match std::net::TcpStream::connect(address) {
            Ok(_) => format!("{}=ok", address.ip()),
            Err(error) => format!("{}={}", address.ip(), error.raw_os_error().unwrap_or(0)),
        });
        Ok(if found.is_empty() { "no such name".into() } else { ends.collect::<Vec<_>>().join(" ") })
    }),
    attack("reach_often", "resolves NAME and connects to PORT, TIMES times", |args| {
        let (name, port) = (args[0].as_str(), number(args, 1));
        let reached =
            (0..number::<usize>(args, 2)).filter(|_| std::net::TcpStream::connect((name, port)).is_ok());
        Ok(reached.count().to_string())
    }),
    attack("flip", "connects to PORT of ADDRESS while a thread makes it OTHER, TIMES times", |args| {
        let [good, bad] = [0, 1].map(|index| args[index].parse::<core::net::Ipv4Addr>().expect("an address"));
        let times: usize = number(args, 3);
        let to = core::sync::atomic::AtomicU32::new(u32::from_ne_bytes(good.octets()));
        let stop = core::sync::atomic::AtomicBool::new(false);
        let order = core::sync::atomic::Ordering::Relaxed;
        let mut address = inet(number(args, 2));
        let at_ip = address[4..].as_mut_ptr().addr();
        let (mut reached, mut escaped) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(order) {
                    for ip in [good, bad] {
                        to.store(u32::from_ne_bytes(ip.octets()), order);
                        // SAFETY: the address lives as long as this scope, and only the kernel reads it.
                        unsafe { (at_ip as *mut u32).write_volatile(to.load(order)) };
                    }
                }
            });
            for _ in 0..times {
                let Ok(socket) = socket(AF_INET, SOCK_STREAM, 0) else { continue };
                if sys!("connect", socket, address.as_ptr().addr(), 16).is_ok() {
                    let mut peer = [0u8; 28];
                    let _ = sys!("getpeername", socket, &mut peer, at_len(28));
                    reached += 1;
                    escaped += usize::from(peer[4..8] == bad.octets());
                }
                // Without FIN_WAIT and the like, of which a million would use up the ports.
                let _ = sys!("setsockopt", socket, 1, 13, &[1i32, 0], 8);
                let _ = sys!("close", socket);
            }
            stop.store(true, order);
        });
        if escaped != 0 { Ok(format!("{escaped} of {times}")) } else { check(reached == 0, Errno::EACCES) }
    }),
    attack("udp_sweep", "sends a datagram to a socket of its own, by each way there is", |_| sweep(AF_INET)),
    attack("udp6_sweep", "the same over IPv6", |_| sweep(AF_INET6)),
    attack("source_route", "routes a connection by way of another machine", |_| {
        // IPOPT_LSRR with one address, and the end of the list.
        let route = [131u8, 7, 4, 127, 0, 0, 1, 0];
        done(sys!("setsockopt", socket(AF_INET, SOCK_STREAM, 0)?, 0, 4, &route, 8))
    }),
    attack("source6_route", "the same over IPv6, with the header of segment routing", |_| {
        let mut route = [0u8; 40];
        route[1..5].copy_from_slice(&[4, 4, 1, 1]);
        (route[23], route[39]) = (1, 1);
        done(sys!("setsockopt", socket(AF_INET6, SOCK_STREAM, 0)?, 41, 57, &route, 40))
    }),
    attack("multicast", "joins groups, each of which the kernel reports to the network", |_| {
        let mut group = [0u8; 136];
        group[0] = 1;
        group[8..16].copy_from_slice(&[2, 0, 0, 0, 239, 1, 2, 3]);
        let mut group6 = [0u8; 136];
        group6[0] = 1;
        group6[8] = 10;
        group6[16..18].copy_from_slice(&[0xff, 2]);
        let mut joined = String::new();
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            let (v4, v6) = (socket(AF_INET, kind, 0)?, socket(AF_INET6, kind, 0)?);
            let ways = [
                ("IP_ADD_MEMBERSHIP", sys!("setsockopt", v4, 0, 35, &[239u8, 1, 2, 4, 127, 0, 0, 1], 8)),
                ("MCAST_JOIN_GROUP", sys!("setsockopt", v4, 0, 42, &group, 136)),
                ("IPV6_JOIN_GROUP", sys!("setsockopt", v6, 41, 20, &group6[16..36], 20)),
                ("MCAST_JOIN_GROUP6", sys!("setsockopt", v6, 41, 42, &group6, 136)),
            ];
            for (way, _) in ways.into_iter().filter(|(_, result)| result.is_ok()) {
                joined = joined + " " + way;
            }
        }
        if joined.is_empty() { Err(Errno::ENODEV) } else { Ok(joined) }
    }),
    attack("udplite_send", "sends a UDP-Lite datagram", |_| {
        done(sys!("sendto", socket(AF_INET, SOCK_DGRAM, 136)?, b"x", 1, 0, &inet(9), 16))
    }),
    attack("bind_to_device", "binds a socket to DEVICE, by which its packets then leave", |args| {
        let name = args[0].as_bytes();
        done(sys!("setsockopt", socket(AF_INET, SOCK_STREAM, 0)?, 1, 25, name, name.len()))
    }),
    attack("bind_to_index", "the same by the NUMBER of the device", |args| {
        let index = number::<i32>(args, 0);
        done(sys!("setsockopt", socket(AF_INET, SOCK_STREAM, 0)?, 1, 62, &[index], 4))
    }),
    attack("upper_layer", "puts another protocol on top of a connection to an ALLOWED port", |args| {
        let socket = socket(AF_INET, SOCK_STREAM, 0)?;
        sys!("connect", socket, &inet(number(args, 0)), 16)?;
        match sys!("setsockopt", socket, libc::SOL_TCP, 31, b"tls", 3) {
            // The kernel went looking for it.
            Err(Errno::ENOENT) => Ok("no such protocol here".into()),
            other => done(other),
        }
    }),
];

pub(crate) fn socket(domain: i32, kind: i32, protocol: i32) -> Result<usize> {
    sys!("socket", domain, kind | libc::SOCK_CLOEXEC, protocol)
}

/// `struct sockaddr_in` of a port on 127.0.0.1.
pub(crate) fn inet(port: u16) -> [u8; 16] {
    let [f0, f1] = (AF_INET as u16).to_ne_bytes();
    let [p0, p1] = port.to_be_bytes();
    [f0, f1, p0, p1, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// `struct sockaddr_in6` of a port on ::1.
fn inet6(port: u16) -> [u8; 28] {
    let mut address = [0; 28];
    address[..2].copy_from_slice(&(AF_INET6 as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&port.to_be_bytes());
    address[23] = 1;
    address
}

/// The same on ::ffff:127.0.0.1.
fn mapped(port: u16) -> [u8; 28] {
    let mut address = inet6(port);
    address[18..24].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
    address
}

fn name(domain: i32, port: u16) -> Vec<u8> {
    if domain == AF_INET { inet(port).to_vec() } else { inet6(port).to_vec() }
}

fn connect(domain: i32, protocol: i32, port: u16) -> Result {
    let address = name(domain, port);
    done(sys!("connect", socket(domain, SOCK_STREAM, protocol)?, address.as_slice(), address.len()))
}

fn bind(domain: i32, protocol: i32, port: u16) -> Result {
    let address = name(domain, port);
    done(sys!("bind", socket(domain, SOCK_STREAM, protocol)?, address.as_slice(), address.len()))
}

fn listen(protocol: i32) -> Result {
    done(sys!("listen", socket(AF_INET, SOCK_STREAM, protocol)?, 1))
}

/// The ways by which something arrived.
fn sweep(domain: i32) -> Result {
    type Way = fn(usize, &[u8]) -> Result<usize>;
    const WAYS: &[(&str, Way)] = &[
        ("sendto", |socket, to| sys!("sendto", socket, b"x", 1, 0, to, to.len())),
        ("send", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            sys!("sendto", socket, b"x", 1, 0, 0, 0)
        }),
        ("write", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            sys!("write", socket, b"x", 1)
        }),
        ("sendmsg", |socket, to| {
            let (_data, message) = message(to);
            sys!("sendmsg", socket, at(&message), 0)
        }),
        ("sendmmsg", |socket, to| {
            let (_data, header) = message(to);
            // SAFETY: all zeros is a message without anything.
            let mut message: libc::mmsghdr = unsafe { core::mem::zeroed() };
            message.msg_hdr = header;
            sys!("sendmmsg", socket, at(&message), 1, 0)
        }),
        ("MSG_MORE", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            let _ = sys!("sendto", socket, b"x", 1, libc::MSG_MORE, 0, 0);
            sys!("sendto", socket, b"x", 1, 0, 0, 0)
        }),
        ("UDP_CORK", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            sys!("setsockopt", socket, 17, 1, at(&1i32), 4)?;
            let _ = sys!("write", socket, b"x", 1);
            sys!("setsockopt", socket, 17, 1, at(&0i32), 4)
        }),
        ("UDP_SEGMENT", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            sys!("setsockopt", socket, 17, 103, at(&1i32), 4)?;
            sys!("write", socket, b"xx", 2)
        }),
        ("MSG_ZEROCOPY", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            sys!("setsockopt", socket, 1, 60, at(&1i32), 4)?;
            sys!("sendto", socket, b"x", 1, 0x400_0000, 0, 0)
        }),
        ("dissolved", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            sys!("connect", socket, &[0u8; 16], 16)?;
            sys!("sendto", socket, b"x", 1, 0, to, to.len())
        }),
        ("shut", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            let _ = sys!("shutdown", socket, libc::SHUT_RD);
            sys!("write", socket, b"x", 1)
        }),
        ("bound", |socket, to| {
            let mut own = to.to_vec();
            own[2..4].fill(0);
            sys!("bind", socket, own.as_slice(), own.len())?;
            sys!("sendto", socket, b"x", 1, 0, to, to.len())
        }),
        ("splice", |socket, to| {
            sys!("connect", socket, to, to.len())?;
            let mut ends = [0i32; 2];
            sys!("pipe2", &mut ends, 0)?;
            sys!("write", ends[1], b"x", 1)?;
            sys!("splice", ends[0], 0, socket, 0, 1, 0)
        }),
        ("ADDRFORM", |socket, to| {
            let mapped = mapped(u16::from_be_bytes([to[2], to[3]]));
            sys!("connect", socket, &mapped, 28)?;
            let _ = sys!("setsockopt", socket, 41, 1, at(&AF_INET), 4);
            sys!("write", socket, b"x", 1)
        }),
    ];
    let mut ways = String::new();
    for (way, send) in WAYS {
        let receiver = socket(domain, SOCK_DGRAM, 0)?;
        let mut own = name(domain, 0);
        sys!("bind", receiver, own.as_slice(), own.len())?;
        let len = at_len(28);
        sys!("getsockname", receiver, own.as_mut_ptr().addr(), len)?;
        let sender = socket(domain, SOCK_DGRAM, 0)?;
        let _ = send(sender, &own);
        if sys!("recvfrom", receiver, &mut [0u8; 8], 8, libc::MSG_DONTWAIT, 0, 0).is_ok() {
            ways = ways + " " + way;
        }
        for fd in [receiver, sender] {
            sys!("close", fd)?;
        }
    }
    if ways.is_empty() { Err(Errno::EPIPE) } else { Ok(ways) }
}

fn fast_sendto(port: u16, flags: u64) -> Result {
    done(sys!("sendto", socket(AF_INET, SOCK_STREAM, 0)?, b"x", 1, flags, &inet(port), 16))
}

/// One byte to `address`, and what it lies in.
pub(crate) fn message(address: &[u8]) -> (Box<libc::iovec>, libc::msghdr) {
    let data = Box::new(libc::iovec { iov_base: c"x".as_ptr().cast_mut().cast(), iov_len: 1 });
    // SAFETY: all zeros is a message without anything.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_name = address.as_ptr().cast_mut().cast();
    message.msg_namelen = u32::try_from(address.len()).expect("short");
    message.msg_iov = (&raw const *data).cast_mut();
    message.msg_iovlen = 1;
    (data, message)
}

fn put_off(port: u16) -> Result<usize> {
    let socket = socket(AF_INET, SOCK_STREAM, 0)?;
    sys!("setsockopt", socket, libc::SOL_TCP, libc::TCP_FASTOPEN_CONNECT, at(&1i32), 4)?;
    sys!("connect", socket, &inet(port), 16)?;
    Ok(socket)
}

/// The port at the other end; 0 without one.
pub(crate) fn peer(socket: usize) -> Result<u16> {
    let mut address = [0u8; 28];
    match sys!("getpeername", socket, &mut address, at_len(28)) {
        Ok(_) => Ok(u16::from_be_bytes([address[2], address[3]])),
        Err(Errno::ENOTCONN) => Ok(0),
        Err(errno) => Err(errno),
    }
}

/// A length that the kernel may overwrite, and that is not read again.
pub(crate) fn at_len(len: u32) -> usize {
    crate::call::at_mut(Box::leak(Box::new(len)))
}
