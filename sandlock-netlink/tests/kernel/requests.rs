//! Requests to compare answers to, list by list.

use sandlock_netlink::SocketOptions;
use sandlock_netlink::rtnetlink::{
    AF_BRIDGE, AF_INET, AF_INET6, NDA_DST, NDA_IFINDEX, NDA_LLADDR, NDA_MASTER, RTA_DST, RTA_IIF,
    RTA_IP_PROTO, RTA_MARK, RTA_OIF, RTA_SRC, RTA_TABLE, RTA_UID, RTM_F_FIB_MATCH, RTM_F_LOOKUP_TABLE,
};

use super::Case;

pub(crate) const GET: u16 = 0x1;
pub(crate) const DUMP: u16 = 0x301;
pub(crate) const STRICT: SocketOptions = SocketOptions::EXT_ACK.union(SocketOptions::STRICT_CHK);

/// One request, lenient and strict.
pub(crate) fn both(name: &str, protocol: i32, kind: u16, flags: u16, payload: &[u8]) -> [Case; 2] {
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

pub(crate) fn attr(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + payload.len()).unwrap();
    let padding = vec![0; payload.len().wrapping_neg() % 4];
    [&len.to_le_bytes()[..], &kind.to_le_bytes(), payload, &padding].concat()
}

pub(crate) fn number(kind: u16, value: u32) -> Vec<u8> {
    attr(kind, &value.to_le_bytes())
}

/// Every type there is a GET of, for families that matter, with a header too short, as long as it
/// should be, and four bytes too long; for one thing and for all.
pub(crate) fn every_type() -> Vec<Case> {
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
pub(crate) fn lookups() -> Vec<Case> {
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
pub(crate) fn details() -> Vec<Case> {
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
pub(crate) fn attributes() -> Vec<Case> {
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
pub(crate) fn other_protocols() -> Vec<Case> {
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
        // Batches, requests of each kind, short ones, and types that there are not.
        for kind in [15u16, 16, 17, 18, 21, 39, 40, 41, 0x0100, 0x0a00, 0x0a01, 0x0a10, 0xffff] {
            for len in [0, 1, 4, 20, 24] {
                for protocol in [6, 12] {
                    cases.extend(both(&format!("privileged {len}"), protocol, kind, flags, &vec![0; len]));
                }
            }
        }
        cases.extend(both("genl", 16, 999, flags, &[3, 2, 0, 0]));
        cases.extend(both("genl", 16, 16, flags, &[3]));
    }
    cases.extend(batches());
    cases
}

/// Several messages in a datagram, which is refused once by netfilter and message by message by others.
fn batches() -> Vec<Case> {
    let message = |kind: u16, flags: u16, len: u32| {
        let body = vec![0; 4];
        [&len.to_le_bytes()[..], &kind.to_le_bytes(), &flags.to_le_bytes(), &[1, 0, 0, 0, 0, 0, 0, 0], &body]
            .concat()
    };
    let begin = message(16, 1, 20);
    let rows = [
        [begin.clone(), message(0x0a00, 0xc05, 20), message(17, 1, 20)].concat(),
        [begin.clone(), begin.clone()].concat(),
        [message(3, 5, 20), begin.clone()].concat(),
        [message(0x0a00, 0, 20), begin.clone()].concat(),
        [message(0x0a00, 1, 15), begin.clone()].concat(),
        [begin.clone(), message(0x0a00, 1, 99)].concat(),
        message(0x0a00, 1, 21),
        begin[..17].to_vec(),
        begin[..16].to_vec(),
        begin[..15].to_vec(),
    ];
    let mut cases = Vec::new();
    for (row, protocol) in rows.iter().flat_map(|row| [4, 6, 12, 15].map(|protocol| (row, protocol))) {
        for options in [SocketOptions::empty(), SocketOptions::CAP_ACK, STRICT] {
            let requests = vec![row.clone()];
            cases.push(Case { protocol, options, requests, ..Case::new(&format!("batch {protocol}")) });
        }
    }
    cases
}
