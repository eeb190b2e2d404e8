//! Requests, the kernel's answers to them, ours, and what in both may differ.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests; each uses a part"
)]

pub(crate) mod message;
pub(crate) mod random;
pub(crate) mod record;
pub(crate) mod releases;
pub(crate) mod requests;
pub(crate) mod sockets;

use core::ops::Range;

use sandlock_netlink::rtnetlink::{
    AF_INET6, IFA_CACHEINFO, IFLA_AF_SPEC, IFLA_INET6_CACHEINFO, IFLA_PROTINFO, NDTA_CONFIG, NDTA_PARMS,
    NDTA_STATS, NDTPA_REACHABLE_TIME, RTA_CACHEINFO, RTM_DELADDR, RTM_GETMULTICAST, RTM_NEWADDR, RTM_NEWLINK,
    RTM_NEWNEIGHTBL, RTM_NEWROUTE,
};
use sandlock_netlink::{
    Attr, LittleEndian, Message, Messages, Printed, Protocol, REPLY_MAX, Socket, SocketOptions, View, answer,
    resume,
};

/// The port of the socket that asks.
pub(crate) const PORT: u32 = 4242;

/// The protocols that there are.
pub(crate) const PROTOCOLS: [i32; 6] = [0, 4, 6, 12, 15, 16];

/// Requests that a socket sends, one after the other, before it receives anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) protocol: i32,
    pub(crate) options: SocketOptions,
    /// The size of the buffer that is received into.
    pub(crate) room: usize,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) replies: Vec<Vec<u8>>,
}

impl Case {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), room: 65536, ..Self::default() }
    }

    pub(crate) fn group(&self) -> &str {
        self.name.split(' ').next().unwrap()
    }
}

/// The cases of a file.
pub(crate) fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::<Case>::new();
    let (mut lo, mut skip) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, cases.last_mut()) {
            ("" | "#", _) => {}
            ("lo", _) => lo = unhex(rest),
            ("skip", _) => skip = unhex(rest),
            ("case", _) => cases.push(Case::new(rest)),
            ("proto", Some(case)) => case.protocol = rest.parse().unwrap(),
            ("room", Some(case)) => case.room = rest.parse().unwrap(),
            ("options", Some(case)) => case.options = rest.split(' ').map(option).collect(),
            (">", Some(case)) => case.requests.push(unhex(rest)),
            ("<", Some(case)) => case.replies.push(match rest.split_once('@') {
                Some((header, "lo")) => [unhex(header), lo.clone()].concat(),
                Some((header, _)) => [unhex(header), skip.clone()].concat(),
                None => unhex(rest),
            }),
            _ => panic!("{line}"),
        }
    }
    cases
}

fn option(name: &str) -> SocketOptions {
    match name {
        "CAP_ACK" => SocketOptions::CAP_ACK,
        "EXT_ACK" => SocketOptions::EXT_ACK,
        "STRICT" => SocketOptions::STRICT_CHK,
        "PKTINFO" => SocketOptions::PKTINFO,
        _ => panic!("{name}"),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let nibbles: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    nibbles
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)).unwrap())
        .collect()
}

/// Our answers to a case: to all requests, then the rest of all dumps.
pub(crate) fn ours(view: &View<'_>, case: &Case) -> Vec<Vec<u8>> {
    let mut socket =
        Socket { options: case.options, ..Socket::of(Protocol::new(case.protocol).unwrap(), PORT) };
    let mut replies = Vec::new();
    let mut emit = |datagram: &[u8]| {
        replies.push(datagram.to_vec());
        true
    };
    let mut scratch = [0xff; REPLY_MAX];
    for request in &case.requests {
        answer::<LittleEndian>(view, &mut socket, request, &mut scratch, &mut emit);
    }
    while resume::<LittleEndian>(view, &mut socket, &mut scratch, &mut emit) {}
    replies
}

/// How our replies differ from the kernel's; `None`: in nothing that matters.
pub(crate) fn difference(case: &Case, ours: &[Vec<u8>], kernels: &[Vec<u8>]) -> Option<String> {
    let cut = |reply: &[u8]| reply[..reply.len().min(case.room)].to_vec();
    let same = ours.len() == kernels.len()
        && ours.iter().zip(kernels).all(|(ours, kernels)| {
            let masked = |mut reply: Vec<u8>| {
                for range in volatile(ours) {
                    let end = range.end.min(reply.len());
                    reply[range.start.min(end)..end].fill(0);
                }
                reply
            };
            masked(cut(ours)) == masked(cut(kernels))
        });
    (!same).then(|| {
        let [request, ours, kernels] =
            [&case.requests[..], ours, kernels].map(|datagrams| printed(case.protocol, datagrams));
        let hex = case.requests.iter().map(|request| hex(request)).collect::<Vec<_>>().join(" ");
        let changes = changes(&ours, &kernels);
        format!("{}\n{hex}\n{}\n{}", case.name, request.join("\n"), changes.join("\n"))
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Datagrams as lines of text.
fn printed(protocol: i32, datagrams: &[Vec<u8>]) -> Vec<String> {
    let protocol = Protocol::new(protocol).unwrap();
    let datagrams = datagrams.iter().enumerate().flat_map(|(at, datagram)| {
        let text = Printed::<LittleEndian>::new(protocol, datagram).to_string();
        let title = format!("datagram {at}");
        [title].into_iter().chain(text.lines().map(str::to_owned).collect::<Vec<_>>())
    });
    datagrams.collect()
}

/// The lines of two texts in order: `-` is only ours, `+` only the kernel's, and of what both have each
/// message's first line.
fn changes(ours: &[String], kernels: &[String]) -> Vec<String> {
    // The length of the longest common part, from each pair of lines on.
    let mut common = vec![vec![0; kernels.len() + 1]; ours.len() + 1];
    for (i, one) in ours.iter().enumerate().rev() {
        for (j, other) in kernels.iter().enumerate().rev() {
            let either = common[i + 1][j].max(common[i][j + 1]);
            common[i][j] = if one == other { common[i + 1][j + 1] + 1 } else { either };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < ours.len() || j < kernels.len() {
        if i < ours.len() && j < kernels.len() && ours[i] == kernels[j] {
            if !ours[i].starts_with(' ') {
                lines.push(format!("    {}", ours[i]));
            }
            (i, j) = (i + 1, j + 1);
        } else if j == kernels.len() || (i < ours.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(format!("  - {}", ours[i]));
            i += 1;
        } else {
            lines.push(format!("  + {}", kernels[j]));
            j += 1;
        }
    }
    lines
}

/// Where in a datagram is what differs from run to run: times since the machine was started, what the
/// kernel draws at random, and what it counts for all namespaces together.
fn volatile(datagram: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for message in Messages::<LittleEndian>::new(datagram).map_while(Result::ok) {
        let words = |ranges: &mut Vec<Range<usize>>, attr: &Attr<LittleEndian>, words: Range<usize>| {
            let payload = start + message.offset_of(attr).unwrap() + 4;
            ranges.push(payload + 4 * words.start..payload + 4 * words.end);
        };
        let find = |kind: u16, size: usize| -> Option<&Attr<LittleEndian>> {
            message.after(size).ok().and_then(|rest| sandlock_netlink::Attrs::new(rest).last_of(kind))
        };
        match message.kind() {
            RTM_NEWLINK => {
                let spec = find(IFLA_AF_SPEC, 16).and_then(|spec| spec.nested().last_of(AF_INET6.into()));
                let nest = spec.or(find(IFLA_PROTINFO, 16));
                // When it was made, and its reachable time.
                if let Some(info) = nest.and_then(|nest| nest.nested().last_of(IFLA_INET6_CACHEINFO)) {
                    words(&mut ranges, info, 1..3);
                }
            }
            RTM_NEWADDR | RTM_DELADDR | RTM_GETMULTICAST => {
                // When it was made and changed.
                if let Some(info) = find(IFA_CACHEINFO, 8) {
                    words(&mut ranges, info, 2..4);
                }
            }
            RTM_NEWROUTE => {
                // How long ago it was used.
                if let Some(info) = find(RTA_CACHEINFO, 12) {
                    words(&mut ranges, info, 1..2);
                }
            }
            RTM_NEWNEIGHTBL => {
                // All but the sizes: entries, times, and the seed of the hash.
                for (kind, part) in [(NDTA_CONFIG, 1..8), (NDTA_STATS, 0..22)] {
                    if let Some(attr) = find(kind, 4) {
                        words(&mut ranges, attr, part);
                    }
                }
                let parms = find(NDTA_PARMS, 4).unwrap();
                words(&mut ranges, parms.nested().last_of(NDTPA_REACHABLE_TIME).unwrap(), 0..2);
            }
            _ => {}
        }
        start += length(message).next_multiple_of(4);
    }
    ranges
}

fn length(message: &Message<LittleEndian>) -> usize {
    usize::try_from(message.header().len.get()).unwrap()
}
