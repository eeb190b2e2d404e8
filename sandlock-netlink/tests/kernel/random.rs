//! Requests drawn at random, most of them well formed: combinations that no list has.

use super::Case;
use sandlock_netlink::SocketOptions;

/// A generator of numbers, the same ones for the same seed: xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap() % end
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// What an attribute holds.
#[derive(Clone, Copy)]
enum Holds {
    Ip,
    Name,
    Index,
    Small,
    Half,
    Number,
    Nest,
    Bytes,
}
use Holds::{Bytes, Half, Index, Ip, Name, Nest, Number, Small};

/// A type of request: its number, the size of its header, families, the place of an index, its attributes.
type Shape = (u16, usize, &'static [u8], usize, &'static [(u16, Holds)]);

const SHAPES: &[Shape] = &[
    (
        18,
        16,
        &[0, 7, 10, 17, 128],
        4,
        &[
            (3, Name),
            (53, Name),
            (29, Number),
            (10, Index),
            (18, Nest),
            (46, Index),
            (13, Number),
            (19, Number),
            (28, Number),
            (26, Nest),
            (52, Nest),
            (4, Number),
            (5, Index),
        ],
    ),
    (22, 8, &[0, 2, 10], 4, &[(1, Ip), (2, Ip), (3, Name), (8, Number), (10, Index), (4, Ip)]),
    (
        26,
        12,
        &[2, 2, 10, 10, 0, 128, 129],
        8,
        &[
            (1, Ip),
            (1, Ip),
            (2, Ip),
            (3, Index),
            (4, Index),
            (5, Ip),
            (6, Number),
            (7, Ip),
            (15, Number),
            (16, Number),
            (25, Number),
            (27, Small),
            (28, Half),
            (29, Half),
            (31, Number),
            (9, Bytes),
            (18, Bytes),
        ],
    ),
    (
        30,
        12,
        &[0, 2, 10, 7],
        4,
        &[(1, Ip), (2, Bytes), (8, Index), (9, Index), (5, Half), (7, Number), (6, Half)],
    ),
    (34, 12, &[0, 2, 10, 128, 129], 4, &[(1, Ip), (6, Number), (15, Number)]),
    (38, 20, &[0, 2], 4, &[(1, Name), (11, Number), (10, Bytes)]),
    (42, 20, &[0], 4, &[(1, Name), (11, Number)]),
    (46, 20, &[0], 4, &[(1, Name), (11, Number), (15, Bytes)]),
    (50, 4, &[0], 1, &[(1, Nest), (2, Bytes), (4, Number)]),
    (58, 8, &[2, 10], 4, &[(1, Ip), (10, Index)]),
    (62, 8, &[10], 4, &[(1, Ip), (10, Index)]),
    (66, 4, &[0, 2, 10], 1, &[(1, Name), (6, Nest)]),
    (74, 12, &[10, 0], 4, &[(1, Ip), (2, Number)]),
    (
        78,
        4,
        &[0, 7],
        1,
        &[
            (1, Name),
            (1, Name),
            (2, Small),
            (3, Nest),
            (4, Nest),
            (5, Small),
            (6, Bytes),
            (7, Nest),
            (8, Nest),
            (11, Nest),
            (13, Nest),
            (15, Nest),
        ],
    ),
    (82, 4, &[2, 10, 0], 1, &[(1, Index), (1, Index), (2, Number)]),
    (86, 8, &[7, 0], 4, &[(1, Bytes), (2, Nest)]),
    (90, 4, &[0], 1, &[(1, Index), (2, Number), (3, Number), (4, Index), (5, Index)]),
    (94, 12, &[0, 7], 4, &[(1, Nest), (2, Nest), (4, Nest)]),
    (102, 20, &[0], 4, &[(1, Name), (11, Number)]),
    (106, 8, &[0, 2, 10], 4, &[(1, Number), (4, Bytes), (5, Index), (8, Number), (10, Index), (11, Bytes)]),
    (110, 16, &[0], 4, &[(3, Name)]),
    (114, 8, &[7, 0], 4, &[(1, Number)]),
    (118, 8, &[0], 4, &[(1, Number), (13, Nest)]),
    (122, 8, &[7, 0], 4, &[(1, Nest)]),
];

const NUMBERS: &[u32] =
    &[0, 1, 1, 2, 4, 7, 8, 9, 253, 254, 255, 777, 0x10000, 0xffff_0000, u32::MAX, 0x7fff_ffff, 0x8000_0000];
const INDICES: &[u32] = &[0, 1, 1, 1, 2, 999, u32::MAX, u32::MAX - 1, 0x8000_0001];
const V4: &[[u8; 4]] = &[
    [127, 0, 0, 1],
    [127, 0, 0, 0],
    [127, 3, 4, 5],
    [127, 255, 255, 255],
    [8, 8, 8, 8],
    [0; 4],
    [0, 0, 0, 9],
    [224, 0, 0, 1],
    [239, 1, 2, 3],
    [240, 0, 0, 1],
    [255; 4],
    [10, 0, 0, 1],
];
const V6: &[&str] = &[
    "::1",
    "::",
    "2001:db8::1",
    "fe80::1",
    "ff02::1",
    "ff01::1",
    "ff05::2",
    "::ffff:127.0.0.1",
    "::2",
    "fc00::1",
    "2002::1",
];
const NAMES: &[&[u8]] =
    &[b"lo\0", b"lo", b"nope\0", b"", b"noqueue\0", b"lo\0x", b"a_name_of_16_byt", b"abcdefghijklmno\0"];

impl Random {
    fn payload(&mut self, family: u8, holds: Holds, depth: usize) -> Vec<u8> {
        let holds = if self.one_in(12) {
            self.pick(&[Ip, Name, Index, Small, Half, Number, Nest, Bytes])
        } else {
            holds
        };
        match holds {
            Ip if (family == 2) ^ self.one_in(16) => self.pick(V4).to_vec(),
            Ip => self.pick(V6).parse::<core::net::Ipv6Addr>().unwrap().octets().to_vec(),
            Name => self.pick(NAMES).to_vec(),
            Index => self.pick(INDICES).to_le_bytes().to_vec(),
            Small => vec![self.pick(&[0, 1, 6, 17, 58, 132, 255])],
            Half => self.pick(&[0u16, 1, 80, 0xfff, 0xffff]).to_le_bytes().to_vec(),
            Number => self.pick(NUMBERS).to_le_bytes().to_vec(),
            Nest if depth < 3 => {
                let count = self.below(3);
                (0..count)
                    .flat_map(|_| {
                        let kind = u16::try_from(self.below(16)).unwrap();
                        let holds = self.pick(&[Name, Index, Small, Half, Number, Nest, Bytes]);
                        self.attr(family, kind, holds, depth + 1)
                    })
                    .collect()
            }
            _ => {
                let len = self.pick(&[0, 1, 2, 3, 4, 6, 8, 16, 20, 28, 32, 33]);
                (0..len).map(|_| self.pick(&[0, 0, 1, 255])).collect()
            }
        }
    }

    fn attr(&mut self, family: u8, kind: u16, holds: Holds, depth: usize) -> Vec<u8> {
        let payload = self.payload(family, holds, depth);
        let nested = matches!(holds, Nest) && !self.one_in(4);
        self.attr_of(kind | if nested { 0x8000 } else { 0 }, &payload)
    }

    fn attr_of(&mut self, kind: u16, payload: &[u8]) -> Vec<u8> {
        let flag = self.one_in(40);
        let kind = kind | if flag { 0x8000 } else { 0 } | if self.one_in(60) { 0x4000 } else { 0 };
        let wrong = if self.one_in(80) { self.pick(&[-5i32, -1, 1, 9]) } else { 0 };
        let len = u16::try_from((i32::try_from(4 + payload.len()).unwrap() + wrong).max(0)).unwrap();
        let padding = vec![0; payload.len().wrapping_neg() % 4];
        [&len.to_le_bytes()[..], &kind.to_le_bytes(), payload, &padding].concat()
    }

    fn body(&mut self, shape: Shape, dump: bool) -> Vec<u8> {
        let (kind, size, families, index_at, attrs) = shape;
        let family =
            if self.one_in(20) { u8::try_from(self.below(256)).unwrap() } else { self.pick(families) };
        let mut body = vec![0; size];
        body[0] = family;
        if index_at + 4 <= size && kind != 26 && self.one_in(if dump { 6 } else { 2 }) {
            body[index_at..index_at + 4].copy_from_slice(&self.pick(INDICES).to_le_bytes());
        }
        match kind {
            26 if !self.one_in(5) => {
                let bits = if family == 10 || family == 129 { 128 } else { 32 };
                for at in [1, 2] {
                    body[at] = if self.one_in(12) {
                        self.pick(&[0, 8, 33, 200])
                    } else if self.one_in(6) {
                        0
                    } else {
                        bits
                    };
                }
                if self.one_in(3) {
                    let flags = self.pick(&[0x200u32, 0x400, 0x800, 0x1000, 0x1000, 0x2000, 0x2000, 0x3000]);
                    body[8..12].copy_from_slice(&flags.to_le_bytes());
                }
            }
            38 | 42 | 46 | 102 => {
                for at in [8, 12, 16] {
                    let number =
                        self.pick(&[0u32, 0, 1, 0x10000, 0x20001, 0xffff_0000, 0xffff_fff1, u32::MAX]);
                    body[at..at + 4].copy_from_slice(&number.to_le_bytes());
                }
            }
            78 => body[1] = u8::try_from(self.below(45)).unwrap(),
            74 => body[2] = self.pick(&[128, 128, 128, 64]),
            94 => body[8] = self.pick(&[0, 1, 2, 8, 16, 31, 31, 63]),
            _ => {}
        }
        if self.one_in(5) {
            let at = self.below(size);
            body[at] = self.pick(&[0, 1, 2, 4, 8, 32, 128, 255]);
        }
        if kind == 26 {
            // RTM_F_NOTIFY stays with a cached route, for all who ask about it later.
            body[9] &= !1;
        }
        let count = self.pick(&[0, 0, 1, 1, 1, 2, 2, 3, 4, 5]);
        for _ in 0..count {
            let (of, holds) = if self.one_in(8) {
                (
                    u16::try_from(self.below(72)).unwrap(),
                    self.pick(&[Ip, Name, Index, Small, Half, Number, Nest, Bytes]),
                )
            } else {
                self.pick(attrs)
            };
            let attr = self.attr(family, of, holds, 0);
            body.extend(attr);
        }
        if self.one_in(30) {
            let more = self.below(6);
            body.extend(vec![0; more]);
        }
        if self.one_in(20) {
            let len = self.below(body.len() + 1);
            body.truncate(len);
        }
        body
    }

    fn message(&mut self, kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let wrong = if self.one_in(100) { self.pick(&[-20i32, -1, 1, 3, 40]) } else { 0 };
        let len = (i32::try_from(16 + body.len()).unwrap() + wrong).max(0);
        let seq = u32::try_from(self.next()).unwrap();
        let padding = vec![0; body.len().wrapping_neg() % 4];
        [
            &len.to_le_bytes()[..],
            &kind.to_le_bytes(),
            &flags.to_le_bytes(),
            &seq.to_le_bytes(),
            &[0; 4],
            body,
            &padding,
        ]
        .concat()
    }

    fn flags(&mut self) -> u16 {
        let dump = self.pick(&[0u16, 0, 0x300, 0x300, 0x100, 0x200]);
        let ack = if self.one_in(4) { 4 } else { 0 };
        let other = if self.one_in(10) { self.pick(&[2u16, 8, 0x10, 0x20, 0x400, 0x800]) } else { 0 };
        let request = if self.one_in(40) { 0 } else { 1 };
        dump | ack | other | request
    }

    /// A case of one to three messages to rtnetlink.
    fn rtnetlink(&mut self) -> Case {
        let count = self.pick(&[1, 1, 1, 1, 1, 1, 2, 3]);
        let mut datagram = Vec::new();
        let mut name = String::from("random");
        for _ in 0..count {
            let flags = self.flags();
            let shape = if self.one_in(4) { SHAPES[2] } else { self.pick(SHAPES) };
            let mut kind = shape.0;
            if self.one_in(12) {
                kind = u16::try_from(self.below(140)).unwrap();
            }
            let body = self.body(shape, flags & 0x300 != 0);
            name += &format!(" {kind}/{flags:x}/{}", body.first().copied().unwrap_or(0));
            let message = self.message(kind, flags, &body);
            datagram.extend(message);
        }
        self.sent(0, name, datagram)
    }

    /// One of these cases, with some bytes of its requests changed, left out or added.
    pub(crate) fn changed(&mut self, cases: &[Case]) -> Case {
        let mut case = self.pick(cases);
        for request in &mut case.requests {
            for _ in 0..1 + self.below(3) {
                let at = if request.len() > 16 && !self.one_in(8) {
                    16 + self.below(request.len() - 16)
                } else {
                    self.below(request.len().max(1))
                };
                match self.below(8) {
                    0 => request.truncate(at),
                    1 => {
                        let more = self.pick(&[[0; 4], [8, 0, 1, 0], [4, 0, 3, 0], [255; 4]]);
                        request.extend(more);
                    }
                    _ => {
                        let value =
                            self.pick(&[0, 1, 2, 3, 4, 5, 8, 10, 16, 32, 64, 127, 128, 224, 254, 255]);
                        request.iter_mut().skip(at).take(1).for_each(|byte| *byte = value);
                    }
                }
            }
            // Its length is right more often than not.
            if let (Ok(len), Some(header)) = (u32::try_from(request.len()), request.get_mut(..4))
                && !self.one_in(6)
            {
                header.copy_from_slice(&len.to_le_bytes());
            }
            // RTM_F_NOTIFY stays with a cached route, for all who ask about it later.
            if request.get(4) == Some(&26) {
                request.iter_mut().skip(25).take(1).for_each(|byte| *byte &= !1);
            }
        }
        case.name += " changed";
        case
    }

    /// A request of a protocol.
    pub(crate) fn case(&mut self, protocol: i32) -> Case {
        if protocol == 0 { self.rtnetlink() } else { self.other(protocol) }
    }

    fn sent(&mut self, protocol: i32, name: String, datagram: Vec<u8>) -> Case {
        let mut options = SocketOptions::EXT_ACK;
        options.set(SocketOptions::STRICT_CHK, self.one_in(2));
        options.set(SocketOptions::CAP_ACK, self.one_in(8));
        options.set(SocketOptions::EXT_ACK, !self.one_in(8));
        Case { protocol, options, requests: vec![datagram], ..Case::new(&name) }
    }

    /// A filter of sockets: operations of four bytes, each with what belongs to it, or nearly.
    fn filter(&mut self) -> Vec<u8> {
        let mut code = Vec::new();
        for _ in 0..1 + self.below(4) {
            let op = u8::try_from(self.below(15)).unwrap();
            let family = self.pick(&[0u8, 2, 10, 10, 3]);
            let operand = match op {
                7 | 8 => {
                    8 + usize::from(family) / 2 * 4 * usize::from(family == 2)
                        + 16 * usize::from(family == 10)
                }
                2..=5 | 9..=12 => 4,
                13 => 8,
                _ => 0,
            };
            let yes = if self.one_in(8) {
                self.pick(&[0, 4, 6, 8, 255])
            } else {
                u8::try_from(4 + operand).unwrap()
            };
            let no = self.pick(&[
                u16::from(yes),
                u16::from(yes),
                u16::from(yes) + 4,
                0,
                4,
                8,
                12,
                16,
                20,
                32,
                999,
            ]);
            code.extend([&[op, yes], &no.to_le_bytes()[..]].concat());
            let mut operand = vec![0; if self.one_in(16) { operand / 2 } else { operand }];
            if let [of, prefix, ..] = &mut operand[..] {
                (*of, *prefix) = (family, self.pick(&[0, 8, 32, 33, 128, 129]));
            }
            code.extend(operand);
        }
        code
    }

    /// A case of one to three messages to another protocol: any type, any bytes.
    fn other(&mut self, protocol: i32) -> Case {
        let count = self.pick(&[1, 1, 1, 2, 3]);
        let mut datagram = Vec::new();
        let mut name = format!("random of {protocol}");
        for _ in 0..count {
            let flags = self.flags();
            let kind = match protocol {
                4 => self.pick(&[18u16, 18, 19, 20, 20, 20, 20, 21, 21, 16, 17, 22, 99, 2]),
                // Whatever families a kernel has, it has the controller.
                16 => self.pick(&[16u16, 16, 16, 999, 15, 2]),
                _ => {
                    self.pick(&[16u16, 16, 17, 18, 20, 21, 39, 40, 41, 99, 0x0a00, 0x0a01, 0x0104, 3, 2, 15])
                }
            };
            let len = match protocol {
                4 => self.pick(&[0usize, 1, 2, 4, 19, 20, 24, 24, 55, 56, 56, 56, 59, 60, 60, 60]),
                _ => self.pick(&[0usize, 1, 2, 3, 4, 4, 4, 8, 20, 24, 60]),
            };
            let mut body = vec![0; len];
            let (firsts, seconds): (&[u8], &[u8]) = match protocol {
                4 => (
                    &[0, 1, 1, 2, 2, 2, 10, 10, 17, 17, 30, 38, 40, 43, 44, 45, 46, 200],
                    &[0, 6, 6, 17, 33, 132, 136, 255, 1],
                ),
                // Only the dump of families is of all that a kernel has.
                16 if flags & 0x300 != 0 => (&[0, 1, 2, 10, 10, 11, 99], &[0, 1, 2]),
                16 => (&[0, 1, 2, 3, 3, 3, 10, 11, 99], &[0, 1, 2]),
                _ => (&[0, 2, 3, 10], &[0, 1]),
            };
            body.iter_mut().take(1).for_each(|byte| *byte = self.pick(firsts));
            body.iter_mut().skip(1).take(1).for_each(|byte| *byte = self.pick(seconds));
            for _ in 0..self.below(4) {
                if len > 2 && protocol != 16 {
                    let at = 2 + self.below(len - 2);
                    body[at] = self.pick(&[0, 1, 2, 127, 255]);
                }
            }
            for _ in 0..self.below(3) {
                let attr = match protocol {
                    4 if self.one_in(2) => {
                        let filter = self.filter();
                        self.attr_of(1, &filter)
                    }
                    4 => {
                        let protocol = self.pick(&[0u32, 6, 17, 136, 255, 262, 263, u32::MAX]).to_le_bytes();
                        let (of, cut) = (self.pick(&[3, 3, 2, 4]), self.pick(&[4, 4, 4, 3]));
                        self.attr_of(of, &protocol[..cut])
                    }
                    16 => match self.below(4) {
                        0 => self.attr_of(2, b"nlctrl\0"),
                        1 => self.attr_of(1, &[16, 0]),
                        2 => self.attr_of(10, &[3, 0, 0, 0]),
                        _ => {
                            let (of, holds) = (
                                u16::try_from(self.below(12)).unwrap(),
                                self.pick(&[Name, Half, Number, Bytes]),
                            );
                            self.attr(2, of, holds, 0)
                        }
                    },
                    _ => {
                        let (of, holds) =
                            (u16::try_from(self.below(8)).unwrap(), self.pick(&[Bytes, Number, Nest]));
                        self.attr(2, of, holds, 0)
                    }
                };
                body.extend(attr);
            }
            name += &format!(" {kind}/{flags:x}/{}/{len}", body.first().copied().unwrap_or(0));
            let message = self.message(kind, flags, &body);
            datagram.extend(message);
        }
        self.sent(protocol, name, datagram)
    }
}
