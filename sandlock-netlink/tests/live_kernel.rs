//! The running kernel, asked in a network namespace of its own: it answers as we do.
#![cfg(all(target_os = "linux", target_endian = "little", target_pointer_width = "64"))]
#![expect(unsafe_code, reason = "system calls, for which there is no crate below this one")]
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod kernel;

use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use kernel::releases::{self, KNOWN, OURS, Release};
use kernel::{Case, PORT};
use sandlock_netlink::rtnetlink::{
    AF_BRIDGE, AF_INET, AF_INET6, IfInfoMsg, LinkFlags, NDA_DST, NDA_IFINDEX, NDA_LLADDR, NDA_MASTER,
    RTA_DST, RTA_IIF, RTA_IP_PROTO, RTA_MARK, RTA_OIF, RTA_SRC, RTA_TABLE, RTA_UID, RTM_F_FIB_MATCH,
    RTM_F_LOOKUP_TABLE, RTM_SETLINK,
};
use sandlock_netlink::{MessageFlags, NativeEndian, SocketName, SocketOptions, View, Writer};
use zerocopy::IntoBytes;

fn check(result: i64) -> Result<i32> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(i32::try_from(result).unwrap()) }
}

/// A netlink socket of this thread's network namespace.
struct Kernel(OwnedFd);

impl Kernel {
    fn open(protocol: i32, port: u32) -> Result<Self> {
        // SAFETY: no pointer is involved.
        let fd = check(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol) }.into())?;
        // SAFETY: it was just opened, and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let name = SocketName::<NativeEndian>::new(port, 0);
        let bytes = name.as_bytes();
        // SAFETY: the kernel reads as many bytes as the name has.
        check(unsafe { libc::bind(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as u32) }.into())?;
        Ok(Self(fd))
    }

    fn set(&self, option: u32) -> Result<()> {
        let (on, name) = (1i32, option as i32);
        let value = (&raw const on).cast();
        // SAFETY: the kernel reads one `int`.
        let set = unsafe { libc::setsockopt(self.0.as_raw_fd(), libc::SOL_NETLINK, name, value, 4) };
        check(set.into()).map(|_| ())
    }

    fn send(&self, request: &[u8]) -> Result<()> {
        // SAFETY: the kernel reads as many bytes as the request has.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), request.as_ptr().cast(), request.len(), 0) };
        check(sent as i64).map(|_| ())
    }

    fn receive(&self, room: usize) -> Option<Vec<u8>> {
        let mut reply = vec![0; room];
        let flags = libc::MSG_DONTWAIT;
        // SAFETY: the kernel writes at most as many bytes as there is room for.
        let len = unsafe { libc::recv(self.0.as_raw_fd(), reply.as_mut_ptr().cast(), room, flags) };
        reply.truncate(usize::try_from(len).ok()?);
        Some(reply)
    }

    /// What it answers to a case: everything is sent before anything is received.
    fn answer(case: &Case) -> Vec<Vec<u8>> {
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

/// Runs `f` in a thread that has a network namespace of its own with `lo` up, and then no capability,
/// as a guest has none; returns why not if that cannot be had.
fn in_namespace(f: impl FnOnce() + Send) -> core::result::Result<(), String> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: it changes the namespace of this thread only.
            check(unsafe { libc::unshare(libc::CLONE_NEWNET) }.into())
                .map_err(|e| format!("unshare: {e}"))?;
            let socket = Kernel::open(0, 0).map_err(|e| format!("socket: {e}"))?;
            let mut buf = [0; 64];
            let mut writer = <Writer>::new(&mut buf);
            let up = LinkFlags::UP.bits();
            let info = IfInfoMsg::<NativeEndian> {
                family: 0,
                pad: 0,
                kind: 0.into(),
                index: 1.into(),
                flags: up.into(),
                change: up.into(),
            };
            let flags = MessageFlags::REQUEST | MessageFlags::ACK;
            writer.message(RTM_SETLINK, flags, 1, 0, |body| body.put(&info)).unwrap();
            socket.send(writer.as_bytes()).map_err(|e| format!("send: {e}"))?;
            let ack = socket.receive(64).unwrap();
            assert_eq!(ack[16..20], [0; 4], "lo is up");
            drop_capabilities();
            f();
            Ok(())
        });
        thread.join().unwrap()
    })
}

fn drop_capabilities() {
    // `struct __user_cap_header_struct` of version 3, for this thread, and two empty sets.
    let header = [0x2008_0522u32, 0];
    let sets = [0u32; 6];
    // SAFETY: the kernel reads the header and, for version 3, two sets of three words.
    let dropped = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    check(dropped).unwrap();
}

const GET: u16 = 0x1;
const DUMP: u16 = 0x301;
const STRICT: SocketOptions = SocketOptions::EXT_ACK.union(SocketOptions::STRICT_CHK);

/// One request, lenient and strict.
fn both(name: &str, protocol: i32, kind: u16, flags: u16, payload: &[u8]) -> [Case; 2] {
    let len = u32::try_from(16 + payload.len()).unwrap();
    let words: [&[u8]; 6] = [
        &len.to_le_bytes(),
        &kind.to_le_bytes(),
        &flags.to_le_bytes(),
        &[0x44, 0x33, 0x22, 0x11],
        &[0; 4],
        payload,
    ];
    [("", SocketOptions::EXT_ACK), (" strict", STRICT)].map(|(suffix, options)| Case {
        protocol,
        options,
        requests: vec![words.concat()],
        ..Case::new(&format!("{kind} {flags:x} {name}{suffix}"))
    })
}

fn attr(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + payload.len()).unwrap();
    let padding = vec![0; payload.len().wrapping_neg() % 4];
    [&len.to_le_bytes()[..], &kind.to_le_bytes(), payload, &padding].concat()
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attr(kind, &value.to_le_bytes())
}

/// Every type there is a GET of, for families that matter, with a header too short, as long as it
/// should be, and four bytes too long; for one thing and for all.
fn every_type() -> Vec<Case> {
    let sizes = [
        (18, 16),
        (22, 8),
        (26, 12),
        (30, 12),
        (34, 12),
        (38, 20),
        (42, 20),
        (46, 20),
        (50, 4),
        (58, 8),
        (62, 8),
        (66, 4),
        (74, 12),
        (78, 4),
        (82, 4),
        (86, 8),
        (90, 4),
        (94, 12),
        (102, 20),
        (106, 8),
        (118, 8),
        (122, 8),
    ];
    let mut cases = Vec::new();
    for kind in (16..=130).chain([999, 65535]) {
        let size = sizes.iter().find(|(of, _)| *of == kind).map_or(4, |(_, size)| *size);
        for family in [0u8, 1, 2, 7, 10, 17, 28, 127, 128, 129, 255] {
            for len in [0, 1, 4, size, size + 4] {
                let mut payload = vec![0; len];
                payload.iter_mut().take(1).for_each(|byte| *byte = family);
                for flags in [GET, GET | 4, DUMP, 0x101] {
                    cases.extend(both(&format!("{family} {len}"), 0, kind, flags, &payload));
                }
            }
        }
    }
    cases
}

/// Lookups of routes.
fn lookups() -> Vec<Case> {
    let mut cases = Vec::new();
    let v4: [[u8; 4]; 8] = [
        [127, 0, 0, 1],
        [127, 9, 9, 9],
        [127, 255, 255, 255],
        [8, 8, 8, 8],
        [0; 4],
        [0, 0, 0, 5],
        [224, 0, 0, 1],
        [255; 4],
    ];
    let v6 = ["::1", "2001:db8::1", "fe80::1", "ff02::1", "::", "::ffff:127.0.0.1"]
        .map(|ip| ip.parse::<core::net::Ipv6Addr>().unwrap().octets());
    let all = v4.iter().map(|ip| (AF_INET, 32, &ip[..])).chain(v6.iter().map(|ip| (AF_INET6, 128, &ip[..])));
    for (family, bits, ip) in all {
        let dst = attr(RTA_DST, ip);
        let own: &[u8] = if family == AF_INET { &[127, 0, 0, 1] } else { &v6[0] };
        let foreign: &[u8] = if family == AF_INET { &[8, 8, 4, 4] } else { &v6[1] };
        let extras = [
            (0, vec![]),
            (0, number(RTA_OIF, 1)),
            (0, number(RTA_OIF, 999)),
            (0, number(RTA_IIF, 999)),
            (0, number(RTA_UID, 1234)),
            (0, number(RTA_UID, u32::MAX)),
            (0, number(RTA_TABLE, 254)),
            (0, attr(RTA_IP_PROTO, &[6])),
            (0, attr(RTA_IP_PROTO, &[99])),
            (bits, attr(RTA_SRC, own)),
            (bits, attr(RTA_SRC, foreign)),
            (0, attr(RTA_SRC, own)),
            (bits, [attr(RTA_SRC, own), number(RTA_OIF, 1)].concat()),
        ];
        for (src_len, extra) in extras {
            for flags in [0, RTM_F_LOOKUP_TABLE, RTM_F_FIB_MATCH] {
                let mut header = [family, bits, src_len, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                header[8..].copy_from_slice(&flags.to_le_bytes());
                let payload = [&header[..], &dst, &extra].concat();
                cases.extend(both(&format!("lookup {ip:?} {extra:?} {flags:x}"), 0, 26, GET, &payload));
            }
        }
        if family == AF_INET {
            let payload =
                [&[family, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &dst, &number(RTA_MARK, 5)].concat();
            cases.extend(both("lookup mark", 0, 26, GET, &payload));
        }
    }
    cases
}

/// Types, the sizes of their headers, and the families that matter.
const HEADERS: [(u16, usize, &[u8]); 19] = [
    (18, 16, &[0, 7, 10, 128]),
    (22, 8, &[0, 2, 10]),
    (26, 12, &[0, 2, 10, 128, 129]),
    (30, 12, &[0, 2, 7]),
    (34, 12, &[0, 2]),
    (38, 20, &[0]),
    (46, 20, &[0]),
    (58, 8, &[2, 10]),
    (62, 8, &[10]),
    (66, 4, &[0, 2]),
    (74, 12, &[10]),
    (82, 4, &[2, 10]),
    (86, 8, &[7]),
    (90, 4, &[0]),
    (94, 12, &[0]),
    (102, 20, &[0]),
    (106, 8, &[0]),
    (118, 8, &[0]),
    (122, 8, &[7]),
];

/// Requests with values in the header, and attributes, one at a time.
fn details() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, kind: u16, flags: u16, header: &[u8], attrs: &[u8]| {
        cases.extend(both(name, 0, kind, flags, &[header, attrs].concat()));
    };
    let header = |family: u8, len: usize, at: usize, value: u8| {
        let mut header = vec![0; len];
        header[0] = family;
        header[at] |= value;
        header
    };
    // Every byte of every header.
    for (kind, len, families) in HEADERS {
        for family in families {
            for at in 1..len {
                for value in [1, 8] {
                    for flags in [GET, DUMP] {
                        add(
                            &format!("{family} [{at}] = {value}"),
                            kind,
                            flags,
                            &header(*family, len, at, value),
                            &[],
                        );
                    }
                }
            }
        }
    }
    // Attributes.
    let lo = header(0, 16, 4, 1);
    for flags in [GET, DUMP] {
        let link = if flags == GET { &lo[..] } else { &[0; 16] };
        for (kind, payload) in [
            (3, &b"lo\0"[..]),
            (3, b"lo"),
            (3, b""),
            (3, b"nope\0"),
            (3, &[b'a'; 17]),
            (53, b"lo\0"),
            (53, &[b'x'; 130]),
            (29, &[1, 0, 0, 0]),
            (29, &[8, 0, 0, 0]),
            (29, &[9]),
            (29, &[9, 0, 0, 0, 0, 0, 0, 0]),
            (10, &[1, 0, 0, 0]),
            (10, &[1]),
            (18, &[1]),
            (46, &[7, 0, 0, 0]),
            (46, &[1]),
            (0, &[1]),
            (70, &[1]),
            (999, &[1, 2, 3, 4]),
            (26, b""),
        ] {
            add(&format!("attr {kind} {payload:?}"), 18, flags, link, &attr(kind, payload));
            add(&format!("attr {kind} {payload:?} no index"), 18, flags, &[0; 16], &attr(kind, payload));
        }
        add("two names", 18, flags, &[0; 16], &[attr(3, b"lo\0"), attr(53, b"nope\0")].concat());
        add("two names", 18, flags, &[0; 16], &[attr(3, b"nope\0"), attr(3, b"lo\0")].concat());
        add("leftover", 18, flags, link, &[1, 2]);
        add("bad length", 18, flags, link, &[3, 0, 29, 0]);
        for family in [7, 10] {
            add("link attr", 18, flags, &header(family, 16, 0, 0), &number(29, 2));
            add("link attr", 18, flags, &header(family, 16, 0, 0), &number(4, 2));
        }
        for (kind, payload) in
            [(1, &[0; 4][..]), (2, &[0; 16]), (10, &[5, 0, 0, 0]), (12, b""), (3, b"lo\0"), (8, &[1])]
        {
            for family in [0, 2, 10] {
                add(
                    &format!("addr {family} attr {kind}"),
                    22,
                    flags,
                    &header(family, 8, 0, 0),
                    &attr(kind, payload),
                );
            }
        }
        for index in [1, 5] {
            add(
                "addr ::1",
                22,
                flags,
                &header(10, 8, 4, index),
                &attr(1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            );
        }
        add(
            "addr local",
            22,
            flags,
            &header(10, 8, 0, 0),
            &[attr(1, &[0; 16]), attr(2, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])].concat(),
        );
        for family in [0, 2, 10, 128, 129] {
            for (kind, value) in [
                (RTA_TABLE, 253),
                (RTA_TABLE, 254),
                (RTA_TABLE, 255),
                (RTA_TABLE, 777),
                (RTA_OIF, 1),
                (RTA_OIF, 999),
                (6, 1),
                (60, 1),
            ] {
                if flags == DUMP {
                    add(
                        &format!("routes {family} attr {kind} {value}"),
                        26,
                        flags,
                        &header(family, 12, 0, 0),
                        &number(kind, value),
                    );
                }
            }
        }
        for (kind, payload) in [
            (NDA_DST, &[127, 0, 0, 9][..]),
            (NDA_DST, &[0; 16]),
            (NDA_DST, &[0; 3]),
            (NDA_IFINDEX, &[1, 0, 0, 0]),
            (NDA_MASTER, &[1, 0, 0, 0]),
            (NDA_LLADDR, &[0; 6]),
            (NDA_LLADDR, &[0; 5]),
            (40, b""),
        ] {
            for family in [2, 10, AF_BRIDGE, 17] {
                for index in [0, 1, 9] {
                    add(
                        &format!("neigh {family} {index} attr {kind} {}", payload.len()),
                        30,
                        flags,
                        &header(family, 12, 4, index),
                        &attr(kind, payload),
                    );
                }
            }
        }
        add("proxy", 30, flags, &header(2, 12, 10, 8), &attr(NDA_DST, &[127, 0, 0, 1]));
        for mask in [1u32, 2, 4, 8, 16, 31, 32, 0xffff] {
            for index in [0u32, 1, 999] {
                let stats = [[0u8; 4], index.to_le_bytes(), mask.to_le_bytes()].concat();
                add(&format!("stats {index} {mask}"), 94, flags, &stats, &[]);
                add(&format!("stats {index} {mask} attr"), 94, flags, &stats, &attr(9, b""));
            }
        }
        for ip in ["::1", "::", "2001:db8::1", "::ffff:1.2.3.4", "2002::1", "fe80::1", "2001::1", "fc00::1"] {
            let ip = ip.parse::<core::net::Ipv6Addr>().unwrap().octets();
            for prefix_len in [64, 128] {
                add("label", 74, flags, &header(10, 12, 2, prefix_len), &attr(1, &ip));
            }
        }
        for family in [2, 10] {
            for index in [1, u32::MAX, u32::MAX - 1, 999, 0] {
                add(&format!("netconf {index}"), 82, flags, &header(family, 4, 0, 0), &number(1, index));
            }
            add("netconf attr", 82, flags, &header(family, 4, 0, 0), &[number(1, 1), number(2, 0)].concat());
            add(
                "netconf unknown",
                82,
                flags,
                &header(family, 4, 0, 0),
                &[number(1, 1), number(10, 0)].concat(),
            );
            add("netconf short", 82, flags, &header(family, 4, 0, 0), &attr(1, &[1, 0]));
        }
        for (kind, value) in [(1, 5), (5, 1), (9, 1)] {
            add(&format!("nsid {kind}"), 90, flags, &[0; 4], &number(kind, value));
        }
        if flags == GET {
            add("nsid of a process", 90, flags, &[0; 4], &number(2, std::process::id()));
        }
        for kind in 1..15 {
            add(&format!("nexthop {kind}"), 106, flags, &[0; 8], &number(kind, 1));
            add(&format!("bucket {kind}"), 118, flags, &[0; 8], &number(kind, 1));
        }
        add("nexthop 0", 106, flags, &[0; 8], &number(1, 0));
        for kind in [38, 42, 46, 102] {
            for index in [1u32, 999] {
                for (handle, parent, info) in [
                    (0u32, 0u32, 0u32),
                    (0, u32::MAX, 0),
                    (0, 0xffff_fff1, 0),
                    (0, 0x10000, 0x10000),
                    (0x10000, 0, 0x10000),
                    (0x10000, u32::MAX, 0),
                ] {
                    let tc = [
                        [0; 4],
                        index.to_le_bytes(),
                        handle.to_le_bytes(),
                        parent.to_le_bytes(),
                        info.to_le_bytes(),
                    ]
                    .concat();
                    add(&format!("tc {index} {handle:x} {parent:x} {info:x}"), kind, flags, &tc, &[]);
                    add(
                        &format!("tc {index} {handle:x} {parent:x} {info:x} kind"),
                        kind,
                        flags,
                        &tc,
                        &attr(1, b"noqueue\0"),
                    );
                }
            }
        }
        add(
            "qdisc kind",
            38,
            flags,
            &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0],
            &attr(1, b"pfifo\0"),
        );
        add("mdb entry", 86, flags, &header(7, 8, 4, 1), &attr(1, &[0; 28]));
        add("mdb entry", 86, flags, &header(7, 8, 4, 1), &attr(1, &[0; 20]));
        add("mdb no entry", 86, flags, &header(7, 8, 4, 9), &[]);
    }
    cases
}

/// Every attribute there is and some more, of every length that is one of its kind or not.
fn attributes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, len, families) in HEADERS {
        for family in families {
            // A link by index, which is where it is in all but some headers.
            let mut header = vec![0; len];
            header.splice(..1, [*family]);
            for of in 0..=70 {
                for payload in [&b""[..], &[1], &[1, 0], &[1, 0, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0], &[0; 16]] {
                    for flags in [GET, DUMP] {
                        let name = format!("{family} every {of} {}", payload.len());
                        cases.extend(both(
                            &name,
                            0,
                            kind,
                            flags,
                            &[&header[..], &attr(of, payload)].concat(),
                        ));
                    }
                }
            }
        }
    }
    cases
}

/// Sockets, families of generic netlink, devices that come and go.
fn other_protocols() -> Vec<Case> {
    let mut cases = Vec::new();
    for flags in [GET, GET | 4, DUMP] {
        for family in [0u8, 1, 2, 10, 40, 44, 46, 99] {
            for protocol in [0u8, 1, 6, 17, 33, 132, 136, 255] {
                for len in [0, 1, 2, 24, 56] {
                    let mut payload = vec![0; len];
                    payload.iter_mut().zip([family, protocol]).for_each(|(byte, value)| *byte = value);
                    cases.extend(both(&format!("diag {family} {protocol} {len}"), 4, 20, flags, &payload));
                }
            }
        }
        for kind in [15, 16, 17, 22, 99] {
            cases.extend(both("uevent", 15, kind, flags, &[0; 4]));
            cases.extend(both("diag", 4, kind, flags, &[2; 56]));
        }
        let genl: [(u8, Vec<u8>); 9] = [
            (3, vec![]),
            (3, attr(2, b"nlctrl\0")),
            (3, attr(2, b"nlctrl")),
            (3, attr(2, b"nosuch\0")),
            (3, attr(1, &[16, 0])),
            (3, attr(1, &[99, 0])),
            (3, attr(1, &[1])),
            (1, vec![]),
            (99, vec![]),
        ];
        for (cmd, attrs) in genl {
            // The kernel has more families than the controller, so all of them differ.
            if flags != DUMP || cmd != 3 {
                cases.extend(both("genl", 16, 16, flags, &[&[cmd, 2, 0, 0][..], &attrs].concat()));
            }
        }
        cases.extend(both("genl", 16, 999, flags, &[3, 2, 0, 0]));
        cases.extend(both("genl", 16, 16, flags, &[3]));
    }
    cases
}

/// Answers that are not the kernel's.
///
/// * Garbage after the header of a dump of disciplines is not an error, but the kernel, which reads the
///   request again for each datagram, warns of it in the last.
/// * What comes in by `lo` from nowhere and goes to nowhere has a way.
/// * That there is no process 0, and what a descriptor is of, is not known.
fn is_known(case: &Case) -> bool {
    let name = case.name.trim_end_matches(" strict");
    ["38 301", "38 101"].iter().any(|start| name.starts_with(start)) && name.ends_with(" 24")
        || name.starts_with("26 1 2 every 3 ")
        || ["90 1 0 every 2 ", "90 1 0 every 3 "].iter().any(|start| name.starts_with(start))
}

/// The running kernel's version, and its first two numbers.
fn release() -> (String, Release) {
    let version = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers =
        version.split(|other: char| !other.is_ascii_digit()).map_while(|number| number.parse().ok());
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (version.trim().into(), release)
}

/// Whether a dump is refused at once with this errno.
fn refuses(protocol: i32, kind: u16, family: u8, errno: i32) -> bool {
    let mut payload = vec![0; 56];
    payload[0] = family;
    if protocol == 0 {
        payload.truncate(8);
    } else {
        payload[1] = 6; // TCP
    }
    let [case, _] = both("", protocol, kind, DUMP, &payload);
    Kernel::answer(&case)
        .iter()
        .any(|reply| reply.get(16..20) == Some(&errno.wrapping_neg().to_ne_bytes()[..]))
}

#[test]
fn the_kernel_answers_as_we_do() {
    let (version, release) = release();
    if !(KNOWN[0]..=KNOWN[1]).contains(&release) {
        println!("SKIP the_kernel_answers_as_we_do: {version} is not of a release whose answers are known");
        return;
    }
    if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        println!(
            "SKIP the_kernel_answers_as_we_do: on other architectures kernels may align what has eight bytes"
        );
        return;
    }
    let mut cases = kernel::cases(include_str!("fixtures/kernel.txt"));
    // Other kernels run in emulated machines, which take a minute for a fifth of what is alike. The lists repeat themselves after
    // powers of 2 and 3.
    let step = if release == OURS { 1 } else { 5 };
    cases.extend(every_type().into_iter().step_by(step));
    cases.extend(lookups());
    cases.extend(details());
    cases.extend(attributes().into_iter().step_by(step));
    cases.extend(other_protocols());
    let (mut wrong, mut known, mut explained) = (Vec::new(), 0, 0);
    let ours = |case: &Case| kernel::ours(&View::LOOPBACK, case);
    let asked = in_namespace(|| {
        let changes = releases::between(release, refuses);
        for case in &cases {
            let kernels = Kernel::answer(case);
            let own = ours(case);
            if kernel::difference(case, &own, &kernels).is_none() && changes.is_empty() {
                continue;
            }
            let [changed, seen] = releases::explained(&changes, case, ours, &kernels);
            match kernel::difference(case, &changed, &seen) {
                None if changed == own && seen == kernels => {}
                None => explained += 1,
                Some(_) if is_known(case) => known += 1,
                difference => wrong.extend(difference),
            }
        }
        changes.iter().for_each(|change| println!("{version}: {}", change.why));
    });
    match asked {
        Err(why) => println!("SKIP the_kernel_answers_as_we_do: {why}"),
        Ok(()) => {
            let same = cases.len() - wrong.len() - known - explained;
            println!(
                "{version}: of {} answers {same} are equal, {explained} are after these changes, {known} are known not to be",
                cases.len()
            );
            assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        }
    }
}
