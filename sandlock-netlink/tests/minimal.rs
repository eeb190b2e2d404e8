//! The least that clients do with: the answers for `View::MINIMAL`, byte by byte.
#![expect(clippy::unwrap_used, reason = "tests")]

use core::fmt::Write;

use sandlock_netlink::rtnetlink::{
    IFA_ADDRESS, IFA_LABEL, IFA_LOCAL, IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN,
    IfAddrMsg, IfInfoMsg, RTM_GETADDR, RTM_GETLINK, RTM_NEWADDR, RTM_NEWLINK,
};
use sandlock_netlink::{
    BigEndian, ByteOrder, LittleEndian, MessageFlags, Messages, REPLY_MAX, Socket, SocketOptions, View,
    Writer, respond,
};

const PORT: u32 = 0x0a0b_0c0d;
const DUMP: MessageFlags = MessageFlags::REQUEST.union(MessageFlags::DUMP);

fn answer<O: ByteOrder>(view: &View<'_>, socket: &Socket, request: &[u8]) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    let mut emit = |datagram: &[u8]| datagrams.push(datagram.to_vec());
    respond::<O>(view, socket, request, &mut [0xff; REPLY_MAX], &mut emit);
    datagrams
}

/// A message with the header of its family zero, but for the family itself, and no attribute.
fn question<O: ByteOrder>(kind: u16, flags: MessageFlags, family: u8) -> Vec<u8> {
    let mut buf = [0; 20];
    let mut writer = Writer::<O>::new(&mut buf);
    writer.message(kind, flags, 0x1122_3344, 0, |body| body.put(&family)).unwrap();
    writer.as_bytes().to_vec()
}

fn little(kind: u16, flags: MessageFlags, family: u8) -> Vec<Vec<u8>> {
    answer::<LittleEndian>(&View::MINIMAL, &Socket::new(PORT), &question::<LittleEndian>(kind, flags, family))
}

#[rustfmt::skip]
const DONE: &[u8] = &[
    20, 0, 0, 0,  3, 0,  2, 0,  0x44, 0x33, 0x22, 0x11,  0xd, 0xc, 0xb, 0xa, // NLMSG_DONE, MULTI
    0, 0, 0, 0,
];

#[rustfmt::skip]
const NEWLINK: &[u8] = &[
    80, 0, 0, 0,  16, 0,  2, 0,  0x44, 0x33, 0x22, 0x11,  0xd, 0xc, 0xb, 0xa, // RTM_NEWLINK, MULTI
    0, 0,  4, 3,  1, 0, 0, 0,  0x49, 0, 0, 0,  0, 0, 0, 0, // ARPHRD_LOOPBACK, 1, UP|LOOPBACK|RUNNING
    7, 0,  3, 0,  b'l', b'o', 0, 0, // IFLA_IFNAME
    8, 0,  13, 0,  0xe8, 3, 0, 0, // IFLA_TXQLEN: 1000
    8, 0,  4, 0,  0, 0, 1, 0, // IFLA_MTU: 65536
    10, 0,  1, 0,  0, 0, 0, 0, 0, 0, 0, 0, // IFLA_ADDRESS
    10, 0,  2, 0,  0, 0, 0, 0, 0, 0, 0, 0, // IFLA_BROADCAST
];

#[rustfmt::skip]
const NEWADDR: [&[u8]; 2] = [&[
    48, 0, 0, 0,  20, 0,  2, 0,  0x44, 0x33, 0x22, 0x11,  0xd, 0xc, 0xb, 0xa, // RTM_NEWADDR, MULTI
    2, 8, 0x80, 254,  1, 0, 0, 0, // AF_INET, /8, IFA_F_PERMANENT, RT_SCOPE_HOST, lo
    8, 0,  1, 0,  127, 0, 0, 1, // IFA_ADDRESS
    8, 0,  2, 0,  127, 0, 0, 1, // IFA_LOCAL
    7, 0,  3, 0,  b'l', b'o', 0, 0, // IFA_LABEL
], &[
    44, 0, 0, 0,  20, 0,  2, 0,  0x44, 0x33, 0x22, 0x11,  0xd, 0xc, 0xb, 0xa, // RTM_NEWADDR, MULTI
    10, 128, 0x80, 254,  1, 0, 0, 0, // AF_INET6, /128, IFA_F_PERMANENT, RT_SCOPE_HOST, lo
    20, 0,  1, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // IFA_ADDRESS
]];

#[test]
fn a_link_dump_is_lo_and_done() {
    // AF_PACKET is what `ip link` asks for and AF_INET what `ip -4 addr` does.
    for family in [0, 2, 17, 255] {
        assert_eq!(little(RTM_GETLINK, DUMP, family), [NEWLINK, DONE]);
    }
    assert_eq!(little(RTM_GETLINK, DUMP, 7), [DONE]);
}

#[test]
fn an_address_dump_is_two_addresses_and_done() {
    let [v4, v6] = NEWADDR;
    assert_eq!(little(RTM_GETADDR, DUMP, 0), [v4, v6, DONE]);
    assert_eq!(little(RTM_GETADDR, DUMP, 17), [v4, v6, DONE]);
    assert_eq!(little(RTM_GETADDR, DUMP, 2), [v4, DONE]);
    assert_eq!(little(RTM_GETADDR, DUMP, 10), [v6, DONE]);
}

#[test]
fn another_type_is_not_supported() {
    for kind in [26, 30, 34, 54, 122, 999, 65535] {
        for flags in [DUMP, MessageFlags::REQUEST] {
            let request = question::<LittleEndian>(kind, flags, 0);
            let [error] = &little(kind, flags, 0)[..] else { panic!("one datagram") };
            #[rustfmt::skip]
            let header = [
                40, 0, 0, 0,  2, 0,  0, 0,  0x44, 0x33, 0x22, 0x11,  0xd, 0xc, 0xb, 0xa, // NLMSG_ERROR
                0xa1, 0xff, 0xff, 0xff, // -EOPNOTSUPP
            ];
            assert_eq!(error[..], [&header[..], &request[..]].concat());
        }
    }
}

#[test]
fn an_empty_view_is_done_at_once() {
    let request = question::<LittleEndian>(RTM_GETLINK, DUMP, 0);
    assert_eq!(answer::<LittleEndian>(&View::EMPTY, &Socket::new(PORT), &request), [DONE]);
}

#[test]
fn a_link_without_hardware_address_has_no_attribute_for_it() {
    let links = [sandlock_netlink::Link { address: &[], broadcast: &[], ..View::MINIMAL.links[0] }];
    let view = View { links: &links, ..View::MINIMAL };
    let request = question::<LittleEndian>(RTM_GETLINK, DUMP, 0);
    let newlink = answer::<LittleEndian>(&view, &Socket::new(PORT), &request).swap_remove(0);
    assert_eq!((newlink[0], &newlink[4..]), (56, &NEWLINK[4..56]));
}

#[test]
fn a_link_that_no_datagram_can_hold_ends_the_dump_with_an_error() {
    let links = [sandlock_netlink::Link { address: &[0; REPLY_MAX], ..View::MINIMAL.links[0] }];
    let view = View { links: &links, ..View::MINIMAL };
    let request = question::<LittleEndian>(RTM_GETLINK, DUMP, 0);
    let [done] = &answer::<LittleEndian>(&view, &Socket::new(PORT), &request)[..] else {
        panic!("one datagram")
    };
    assert_eq!((&done[..16], &done[16..]), (&DONE[..16], &(-90i32).to_le_bytes()[..]));
}

#[test]
fn an_error_that_no_datagram_can_hold_is_capped() {
    let mut request = vec![0; 5000];
    request[..16].copy_from_slice(&question::<LittleEndian>(RTM_NEWLINK, MessageFlags::REQUEST, 0)[..16]);
    request[..4].copy_from_slice(&5000u32.to_le_bytes());
    let whole = answer::<LittleEndian>(&View::MINIMAL, &Socket::new(PORT), &request);
    let capped = Socket { options: SocketOptions::CAP_ACK, ..Socket::new(PORT) };
    assert_eq!(whole, answer::<LittleEndian>(&View::MINIMAL, &capped, &request));
    assert_eq!((whole[0].len(), &whole[0][4..8], &whole[0][20..]), (36, &[2, 0, 0, 1][..], &request[..16]));
}

/// The contents of the answers, whatever their byte order.
fn told<O: ByteOrder>(kind: u16) -> String {
    let mut told = String::new();
    let request = question::<O>(kind, DUMP, 0);
    for datagram in answer::<O>(&View::MINIMAL, &Socket::new(PORT), &request) {
        let message = Messages::<O>::new(&datagram).next().unwrap().unwrap();
        let header = message.header();
        write!(told, "{} {} {:x}:", message.kind(), header.seq.get(), header.port.get()).unwrap();
        let attrs = match message.kind() {
            RTM_NEWLINK => {
                let (info, attrs) = message.body::<IfInfoMsg<O>>().unwrap();
                write!(told, " {} {} {:x}", info.kind.get(), info.index.get(), info.flags.get()).unwrap();
                attrs
            }
            RTM_NEWADDR => {
                let (info, attrs) = message.body::<IfAddrMsg<O>>().unwrap();
                write!(told, " {}/{} {}", info.family, info.prefix_len, info.index.get()).unwrap();
                attrs
            }
            _ => message.body::<[u8; 4]>().unwrap().1,
        };
        for attr in attrs.map(Result::unwrap) {
            match (message.kind(), attr.kind()) {
                (RTM_NEWLINK, IFLA_MTU | IFLA_TXQLEN) => write!(told, " {}", attr.u32().unwrap()),
                (RTM_NEWLINK, IFLA_IFNAME) | (RTM_NEWADDR, IFA_LABEL) => {
                    write!(told, " {}", attr.string().escape_ascii())
                }
                (RTM_NEWLINK, IFLA_ADDRESS | IFLA_BROADCAST) | (RTM_NEWADDR, IFA_ADDRESS | IFA_LOCAL) => {
                    write!(told, " {:?}", attr.payload())
                }
                other => panic!("{other:?}"),
            }
            .unwrap();
        }
        told.push('\n');
    }
    told
}

#[test]
fn the_answer_has_the_byte_order_of_the_guest() {
    assert_eq!(
        told::<BigEndian>(RTM_GETLINK),
        "16 287454020 a0b0c0d: 772 1 49 lo 1000 65536 [0, 0, 0, 0, 0, 0] [0, 0, 0, 0, 0, 0]\n\
         3 287454020 a0b0c0d:\n"
    );
    for kind in [RTM_GETLINK, RTM_GETADDR] {
        assert_eq!(told::<BigEndian>(kind), told::<LittleEndian>(kind));
    }
}
