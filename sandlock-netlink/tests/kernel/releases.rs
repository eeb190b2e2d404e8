//! What kernels answer otherwise than Linux 6.18, whose answers ours are: each change, and what it makes of
//! an answer.

use super::Case;
use super::message::{Attrs, Message, Request, UNKNOWN, join, split};

/// The two numbers by which a kernel's version begins.
pub(crate) type Release = (u32, u32);

/// The release whose answers ours are.
pub(crate) const OURS: Release = (6, 18);
/// The oldest and the newest release that the table is complete for.
pub(crate) const KNOWN: [Release; 2] = [(6, 1), (7, 3)];

/// Which kernels answer otherwise.
#[derive(Clone, Copy)]
pub(crate) enum When {
    /// Those on the other side of this release than ours. The number is that of the release which made the
    /// change if a comment names it, and else of the first one that was found to have it, of 6.1, 6.12, 6.18,
    /// 7.2 and 7.3, or one between that and the last without it.
    Since(u32, u32),
    /// Those that were built or started without something: a dump of this protocol, type and family is
    /// answered with this errno only.
    Without(i32, u16, u8, i32),
    /// Any: it is a matter of how the kernel was built.
    Built,
}
use When::{Built, Since, Without};

/// What to do with an answer.
#[derive(Clone, Copy)]
pub(crate) enum Edit {
    /// A request is answered as we answer what this makes of it, with the request itself echoed.
    As(fn(&mut Request<'_>)),
    /// One message of our answer to a request is this.
    Ours(fn(&Request<'_>, &mut Message)),
    /// So it is, and what the kernel has in place of it does not count either.
    Both(fn(&Request<'_>, &mut Message)),
    /// Our dump has a new datagram between two such messages.
    Apart(fn(&Message, &Message) -> bool),
}
use Edit::{Apart, As, Both, Ours};

/// One difference.
pub(crate) struct Change {
    pub(crate) when: When,
    pub(crate) why: &'static str,
    pub(crate) edit: Edit,
}

const fn change(when: When, why: &'static str, edit: Edit) -> Change {
    Change { when, why, edit }
}

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWNEIGHTBL: u16 = 64;
const RTM_NEWNETCONF: u16 = 80;
const RTM_GETQDISC: u16 = 38;
const RTM_GETTCLASS: u16 = 42;
const RTM_GETTFILTER: u16 = 46;
const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;
const RTM_GETROUTE: u16 = 26;
const RTM_GETNEIGH: u16 = 30;
const RTM_GETMULTICAST: u16 = 58;
const RTM_GETANYCAST: u16 = 62;
const RTM_GETNETCONF: u16 = 82;
const RTM_GETMDB: u16 = 86;
const RTM_GETNEXTHOP: u16 = 106;
const RTM_GETTUNNEL: u16 = 122;

/// The policy of `CTRL_CMD_GETPOLICY` is dumped with its number.
fn tell_getpolicy(all: &mut Attrs) {
    all.iter_mut().filter(|(kind, _)| *kind == 0x8000).for_each(|(kind, _)| *kind = 0x800a);
}

/// Every known change.
pub(crate) const CHANGES: &[Change] = &[
    change(
        Without(4, 20, 2, 2),
        "no module of inet_diag or unix_diag",
        As(|request| {
            let by_family = [20, 21].contains(&request.half(4));
            if request.protocol == 4 && by_family && request.family().is_some_and(|of| of < 46) {
                // A family of which no kernel has it.
                request.bytes[16] = 20;
            }
        }),
    ),
    change(
        Without(0, RTM_GETTUNNEL, 7, 95),
        "no module of vxlan",
        As(|request| {
            if request.kind() == RTM_GETTUNNEL {
                request.become_unknown();
            }
        }),
    ),
    change(
        Without(4, 20, 2, 2),
        "and so nothing that its first type of message was for",
        Ours(|request, message| {
            if request.protocol == 4 && request.half(4) == 18 && (message.is_error() || message.is_end()) {
                message.refuse(95, request);
            }
        }),
    ),
    change(
        Since(6, 16),
        "there is no DCCP, which had a type of message of its own",
        Ours(|request, message| {
            if request.protocol == 4 && request.half(4) == 19 && message.is_error() {
                message.refuse(95, request);
            }
        }),
    ),
    change(
        Built,
        "what kinds of links there are",
        As(|request| {
            if request.kind() == RTM_GETLINK && request.bytes.ends_with(b"veth\0\0\0\0") {
                request.rename(16, |_| UNKNOWN);
            }
        }),
    ),
    change(
        Built,
        "MAX_TCP_HEADER, below which no GSO size is, has room for the tunnels there are",
        Ours(|_, message| message.replace_wide(4, 193, 257)),
    ),
    change(
        Built,
        "the size of a neighbour is not of the interface",
        Both(|request, message| {
            if request.is_told(message, RTM_NEWNEIGHTBL) {
                message.attrs(4, |all| {
                    for (_, config) in all.iter_mut().filter(|(kind, _)| *kind == 5) {
                        config[2..4].fill(0);
                    }
                });
            }
        }),
    ),
    change(
        Since(6, 9),
        "dumps end with their last message where there is room, and what several families answer is not apart",
        Apart(|before, message| {
            let of_all = [RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNETCONF].contains(&message.kind);
            message.is_end() || of_all && before.body[0] != message.body[0]
        }),
    ),
    change(
        Since(6, 8),
        "ends of dumps say more than a sentence",
        Ours(|_, message| {
            if message.is_end() {
                message.drop(4, &[2, 4, 5]);
            }
        }),
    ),
    change(
        Since(6, 8),
        "groups of bridges are answered for by the kernel itself and not by the module",
        As(|request| {
            if request.kind() == RTM_GETMDB && request.family() == Some(7) {
                request.become_unknown();
            }
        }),
    ),
    change(
        Since(6, 8),
        "a lenient dump of links does not tell what it ignores",
        Both(|request, message| {
            if request.kind() == RTM_GETLINK && message.is_end() && message.body[..4] == [0; 4] {
                message.forget_why();
            }
        }),
    ),
    change(
        Since(6, 7),
        "links have GSO_IPV4_MAX_SIZE, GRO_IPV4_MAX_SIZE (6.3), DEVLINK_PORT (6.2) and DPLL_PIN (6.7); QDISC and MAP were written earlier",
        Ours(|request, message| {
            if request.is_told(message, RTM_NEWLINK) {
                message.drop(16, &[62, 63, 64, 65]);
                message.attrs(16, |all| {
                    for (moved, after) in [(6, 33), (14, 39)] {
                        let from = all.iter().position(|(kind, _)| *kind == moved);
                        let attr = from.map(|at| all.remove(at));
                        if let Some(to) = all.iter().position(|(kind, _)| *kind == after) {
                            all.splice(to + 1..to + 1, attr);
                        } else {
                            all.extend(attr);
                        }
                    }
                });
            }
        }),
    ),
    change(
        Since(6, 7),
        "the policy of links has them",
        As(|request| {
            if request.kind() == RTM_GETLINK {
                request.rename(16, |kind| if kind > 61 { UNKNOWN } else { kind });
            }
        }),
    ),
    change(
        Since(6, 2),
        "generic netlink tells the policies of do and dump apart, and what command it does not know",
        Ours(|request, message| {
            if request.protocol == 16 && request.bytes.get(16) == Some(&10) {
                if message.kind == 16 {
                    message.nest(4, &[9, 3], &mut |all| all.retain(|(kind, _)| *kind != 2));
                    message.nest(4, &[9], &mut tell_getpolicy);
                } else if message.is_error() && message.body[..4] == (-2i32).to_ne_bytes() {
                    message.forget_why();
                }
            }
        }),
    ),
    change(
        Since(6, 6),
        "netconf of IPv4 says ENODEV",
        Ours(|request, message| {
            if request.kind() == RTM_GETNETCONF && message.is_error() {
                message.replace(&(-19i32).to_ne_bytes(), &(-22i32).to_ne_bytes());
            }
        }),
    ),
    change(
        Since(6, 6),
        "dumps of filters check which chain is asked for",
        As(|request| {
            if request.kind() == RTM_GETTFILTER && request.half(6) & 0x300 != 0 {
                // 2 is never checked.
                request.rename(20, |kind| if kind == 11 { 2 } else { kind });
            }
        }),
    ),
    change(
        Since(6, 6),
        "IPv6 counts OutTransmits",
        Ours(|request, message| {
            if request.is_told(message, RTM_NEWLINK) {
                for path in [&[12][..], &[26, 10]] {
                    message.nest(16, path, &mut |all| {
                        for (_, stats) in all.iter_mut().filter(|(kind, _)| *kind == 3) {
                            stats.truncate(296);
                            stats[..8].copy_from_slice(&37u64.to_ne_bytes());
                        }
                    });
                }
            }
        }),
    ),
    change(
        Since(6, 9),
        "next hops have policies that go as far as OP_FLAGS",
        As(|request| {
            if request.kind() == RTM_GETNEXTHOP {
                let last = if request.half(6) & 0x300 != 0 { 11 } else { 1 };
                request.rename(8, |kind| if kind > last { UNKNOWN } else { kind });
            }
        }),
    ),
    change(
        Since(6, 17),
        "IPv6 has force_forwarding, and netconf tells of it",
        Ours(|request, message| {
            if request.is_told(message, RTM_NEWLINK) {
                for path in [&[12][..], &[26, 10]] {
                    message.nest(16, path, &mut |all| {
                        all.iter_mut()
                            .filter(|(kind, _)| *kind == 2)
                            .for_each(|(_, conf)| conf.truncate(236));
                    });
                }
            }
        }),
    ),
    change(
        Since(6, 17),
        "netconf has FORCE_FORWARDING",
        As(|request| {
            if request.kind() == RTM_GETNETCONF {
                request.rename(4, |kind| if kind == 9 { UNKNOWN } else { kind });
            }
        }),
    ),
    change(
        Since(6, 16),
        "links have MAX_PACING_OFFLOAD_HORIZON (6.13), NETNS_IMMUTABLE, HEADROOM and TAILROOM",
        Ours(|request, message| {
            if request.is_told(message, RTM_NEWLINK) {
                message.drop(16, &[66, 67, 68, 69]);
            }
        }),
    ),
    change(
        Since(6, 16),
        "the policy of links has them, and is strict from 65 on",
        As(|request| {
            if request.kind() == RTM_GETLINK {
                // 8 was never checked either.
                request.rename(16, |kind| match kind {
                    65 => 8,
                    kind if kind > 65 => UNKNOWN,
                    kind => kind,
                });
            }
        }),
    ),
    change(
        Since(6, 16),
        "what is wrong with a request for a neighbour is looked for in another order",
        Both(|request, message| {
            if request.kind() == RTM_GETNEIGH && message.is_error() && message.body[..4] != [0; 4] {
                message.forget_why();
                message.body[..4].fill(0xff);
            }
        }),
    ),
    change(
        Since(6, 16),
        "neighbours have EXT_VALIDATED",
        Ours(|request, message| {
            if request.kind() == RTM_GETNEIGH {
                message.replace_wide(12, 5, 1);
            }
        }),
    ),
    change(
        Since(6, 14),
        "groups of IPv4 are told",
        As(|request| {
            let dump = request.half(6) & 0x300 != 0;
            if request.kind() == RTM_GETMULTICAST && request.family() == Some(2) && dump {
                request.become_unknown();
            }
        }),
    ),
    change(
        Since(6, 16),
        "the policy of routes ends with FLOWLABEL",
        As(|request| {
            if request.kind() == RTM_GETROUTE {
                request.rename(12, |kind| if kind == 31 { UNKNOWN } else { kind });
            }
        }),
    ),
    change(
        Since(7, 2),
        "a reader who spares statistics is spared STATS and STATS64",
        Ours(|request, message| {
            // He is spared those of IPv6 anyway.
            let mut spared = false;
            if request.is_told(message, RTM_NEWLINK) {
                message.nest(16, &[26, 10], &mut |all| spared = all.iter().all(|(kind, _)| *kind != 3));
            }
            if spared {
                message.drop(16, &[23, 7]);
            }
        }),
    ),
    change(
        Since(6, 16),
        "a discipline's name that is wrong is said to have to match",
        Ours(|_, message| {
            message.says("Invalid qdisc name: must match existing qdisc", "Invalid qdisc name")
        }),
    ),
    change(
        Since(7, 2),
        "a dump of disciplines is of the link and the handle that it asks for",
        As(|request| {
            let index = [request.half(20), request.half(22)];
            let other = ![[0, 0], [1, 0]].contains(&index) || [request.half(24), request.half(26)] != [0, 0];
            if request.kind() == RTM_GETQDISC && request.half(6) & 0x300 != 0 && other {
                // There is never a class.
                request.bytes[4..6].copy_from_slice(&RTM_GETTCLASS.to_ne_bytes());
            }
        }),
    ),
    change(
        Since(7, 2),
        "temporary addresses are preferred for two days, as RFC 8981 has it",
        Ours(|request, message| {
            if request.is_told(message, RTM_NEWLINK) {
                for path in [&[12][..], &[26, 10]] {
                    message.nest(16, path, &mut |all| {
                        for (_, conf) in all.iter_mut().filter(|(kind, _)| *kind == 2) {
                            conf[44..48].copy_from_slice(&172_800u32.to_ne_bytes());
                        }
                    });
                }
            }
        }),
    ),
    change(
        Since(7, 2),
        "the length of a link's queue is at most 32767",
        Ours(|request, message| {
            if request.kind() == RTM_GETLINK && request.half(34) == 13 {
                message.replace_wide(5, u32::MAX.into(), 0x7fff);
            }
        }),
    ),
    change(
        Since(7, 2),
        "generic netlink knows the number of its command GETPOLICY again, which it did not from 6.2 on",
        Ours(|request, message| {
            if request.protocol == 16 && message.kind == 16 {
                message.nest(4, &[9], &mut tell_getpolicy);
            }
        }),
    ),
    change(
        Since(7, 3),
        "groups have a count of users",
        Ours(|request, message| {
            if request.is_told(message, RTM_GETMULTICAST) {
                message.attrs(8, |all| all.insert(1, (12, 1u32.to_ne_bytes().to_vec())));
            }
        }),
    ),
    change(
        Since(7, 3),
        "the policy of addresses has one more type",
        As(|request| {
            if [RTM_GETADDR, RTM_GETMULTICAST, RTM_GETANYCAST].contains(&request.kind()) {
                // 5 was never checked either.
                request.rename(8, |kind| if kind == 12 { 5 } else { kind });
            }
        }),
    ),
    change(
        Since(7, 3),
        "the policy of routes has one more type",
        As(|request| {
            if request.kind() == RTM_GETROUTE {
                // As one of IPv4 that is unknown there, of whichever family.
                let mut is_new = false;
                request.rename(12, |kind| {
                    is_new |= kind == 32;
                    if kind == 32 { 31 } else { kind }
                });
                // A dump has that policy anyway.
                if is_new && request.half(6) & 0x300 == 0 && request.family() == Some(10) {
                    request.bytes[16] = 2;
                }
            }
        }),
    ),
];

/// The changes that make our answers those of `release`; `refuses` asks
/// the running kernel whether it refuses a dump of such a protocol, type and family with such an errno.
pub(crate) fn between(release: Release, refuses: impl Fn(i32, u16, u8, i32) -> bool) -> Vec<&'static Change> {
    let all = CHANGES.iter().filter(|change| match change.when {
        Built => release != OURS,
        Without(protocol, kind, family, errno) => refuses(protocol, kind, family, errno),
        Since(major, minor) => {
            let since = (major, minor);
            (release < since && since <= OURS) || (OURS < since && since <= release)
        }
    });
    all.collect()
}

/// What we would answer to a case, and what the kernel did, after these changes.
pub(crate) fn explained(
    changes: &[&Change],
    case: &Case,
    ours: impl Fn(&Case) -> Vec<Vec<u8>>,
    kernels: &[Vec<u8>],
) -> [Vec<Vec<u8>>; 2] {
    let mut asked = case.clone();
    for bytes in &mut asked.requests {
        let mut request = Request { protocol: case.protocol, bytes };
        for change in changes {
            if let As(edit) = change.edit {
                edit(&mut request);
            }
        }
    }
    let mut first = case.requests.first().cloned().unwrap_or_default();
    let request = Request { protocol: case.protocol, bytes: &mut first };
    let edited = |datagrams: Vec<Vec<u8>>, is_ours: bool| {
        let each = datagrams.into_iter().flat_map(|datagram| {
            let Some(mut messages) = split(&datagram) else { return vec![datagram] };
            let before = messages.clone();
            let mut cuts = Vec::new();
            for change in changes {
                match change.edit {
                    Ours(edit) if is_ours => messages.iter_mut().for_each(|message| edit(&request, message)),
                    Both(edit) => messages.iter_mut().for_each(|message| edit(&request, message)),
                    Apart(apart) if is_ours => cuts.push(apart),
                    _ => {}
                }
            }
            if messages == before && cuts.is_empty() {
                return vec![datagram];
            }
            let parts = messages.chunk_by(|one, next| !cuts.iter().any(|apart| apart(one, next)));
            parts.map(join).collect()
        });
        each.collect::<Vec<_>>()
    };
    let mut answer = ours(&asked);
    // The echoed request is the original one.
    for (asked, was) in asked.requests.iter().zip(&case.requests).filter(|(asked, was)| asked != was) {
        for datagram in &mut answer {
            let at = 20;
            let echoed =
                datagram.get(at..).unwrap_or_default().iter().zip(asked).take_while(|(a, b)| a == b).count();
            if datagram.get(4..6) == Some(&2u16.to_ne_bytes()) && echoed >= 16 {
                datagram[at..at + echoed].copy_from_slice(&was[..echoed]);
            }
        }
    }
    [edited(answer, true), edited(kernels.to_vec(), false)]
}
