//! Any datagrams, sent by a socket in any state, to any view: every datagram of the answer is well formed and
//! has its bounds, none comes that was not asked for, and every dump ends.
#![no_main]

#[path = "../../sandlock-netlink/tests/headers/mod.rs"]
mod headers;

use headers::header_len;
use libfuzzer_sys::fuzz_target;
use sandlock_netlink::generic::GENL_ID_CTRL;
use sandlock_netlink::rtnetlink::{IFA_ADDRESS, IFLA_IFNAME, RTM_NEWADDR, RTM_NEWLINK, RTNL_FAMILY_IPMR};
use sandlock_netlink::sock_diag::SOCK_DIAG_BY_FAMILY;
use sandlock_netlink::{
    Attrs, BigEndian, ByteOrder, Host, IfName, LittleEndian, MessageError, MessageFlags, Messages,
    NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE, Protocol, REPLY_MAX, Socket, View, answer, resume,
};

/// More messages than any of the views has of anything.
const DUMP_MAX: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let Some(([what, room], bytes)) = bytes.split_first_chunk() else { return };
    let host = Host::new(IfName::new(b"e").unwrap(), &[2; 6], [10, 0, 0, 1].into(), 8, None);
    let view = match what >> 2 & 3 {
        0 => View::LOOPBACK,
        1 => View::MINIMAL,
        2 => View::EMPTY,
        _ => host.view(),
    };
    let protocols = [[0, 4, 15, 16], [6, 12, 12, 6]][usize::from(what >> 5 & 1)];
    let protocol = Protocol::new(protocols[usize::from(what & 3)]).unwrap();
    match what & 0x10 {
        0 => conversation::<LittleEndian>(&view, protocol, *room, bytes),
        _ => conversation::<BigEndian>(&view, protocol, *room, bytes),
    }
});

/// The guest's steps on a socket, one after the other; each bit of `room` decides whether there is room for
/// an answer.
fn conversation<O: ByteOrder>(view: &View<'_>, protocol: Protocol, mut room: u8, mut bytes: &[u8]) {
    let mut socket = Socket::of(protocol, 0);
    let mut scratch = [0xff; REPLY_MAX];
    // The headers of all requests, and how many datagrams may answer them.
    let (mut asked, mut most, mut told) = (Vec::new(), 0, 0);
    while let Some(([step, len], rest)) = bytes.split_first_chunk() {
        let (operand, rest) = match step & 0x80 {
            0 => rest.split_at(rest.len().min(usize::from(*len))),
            _ => (rest, &[][..]),
        };
        bytes = rest;
        let (name, value) = match operand {
            [name, value, ..] => (i32::from(*name), u32::from(*value)),
            _ => (0, 0),
        };
        match step & 7 {
            0..=2 => {
                socket.autobind(77, &|port| port == 77 && step & 8 != 0);
                for message in Messages::<O>::new(operand).map_while(Result::ok) {
                    let header = message.header();
                    // Netfilter also refuses a message that is no request.
                    let executed = protocol == Protocol::Netfilter
                        || message.flags().contains(MessageFlags::REQUEST)
                            && message.kind() >= NLMSG_MIN_TYPE;
                    let dump = executed && message.flags().intersects(MessageFlags::DUMP);
                    let told = executed || message.flags().contains(MessageFlags::ACK);
                    most += if dump { DUMP_MAX } else { 2 * usize::from(told) };
                    asked.push((header.seq.get(), message.payload().len()));
                }
                let port = socket.port;
                let mut emit = |datagram: &[u8]| {
                    room = room.rotate_left(1);
                    check::<O>(protocol, port, &asked, datagram);
                    told += usize::from(room & 1);
                    room & 1 != 0
                };
                answer::<O>(view, &mut socket, operand, &mut scratch, &mut emit);
            }
            3 => drop(socket.set_option(name, value)),
            4 => {
                let (words, written, len) = socket.option::<O>(name, operand.len()).unwrap_or_default();
                assert!(written <= operand.len() && written <= len && written <= size_of_val(&words));
            }
            5 => drop(socket.bind::<O>(operand, 78, &|port| port % 3 == 1)),
            6 => drop(socket.connect::<O>(operand, 78, &|port| port % 3 == 1)),
            _ => {
                let port = socket.port;
                let mut emit = |datagram: &[u8]| {
                    check::<O>(protocol, port, &asked, datagram);
                    told += 1;
                    true
                };
                resume::<O>(view, &mut socket, &mut scratch, &mut emit);
            }
        }
    }
    let port = socket.port;
    let mut emit = |datagram: &[u8]| {
        check::<O>(protocol, port, &asked, datagram);
        told += 1;
        true
    };
    let mut turns = 0;
    while resume::<O>(view, &mut socket, &mut scratch, &mut emit) {
        turns += 1;
        assert!(turns <= DUMP_MAX, "a dump has no end");
    }
    assert_eq!(socket.dump, None);
    assert!(told <= most, "{told} datagrams answer what {most} may");
}

/// One datagram of an answer.
fn check<O: ByteOrder>(protocol: Protocol, port: u32, asked: &[(u32, usize)], datagram: &[u8]) {
    assert!((16..=REPLY_MAX).contains(&datagram.len()) && datagram.len().is_multiple_of(4));
    for message in Messages::<O>::new(datagram) {
        let message = message.expect("a well-formed message");
        let header = message.header();
        assert_eq!(header.port.get(), port);
        let kind = message.kind();
        let size = match kind {
            NLMSG_DONE => 4,
            NLMSG_ERROR if message.flags().contains(MessageFlags::CAPPED) => 20,
            NLMSG_ERROR => {
                // The request is echoed up to the length in its own header.
                let (error, _) = message.body::<MessageError<O>>().expect("an echo");
                4 + usize::try_from(error.request.len.get()).unwrap().next_multiple_of(4)
            }
            SOCK_DIAG_BY_FAMILY if protocol == Protocol::SockDiag => 72,
            GENL_ID_CTRL if protocol == Protocol::Generic => 4,
            kind => header_len(kind),
        };
        let whole = kind == NLMSG_ERROR && !message.flags().contains(MessageFlags::CAPPED);
        assert!(asked.iter().any(|(seq, len)| {
            *seq == header.seq.get() && (!whole || size == 20 + len.next_multiple_of(4))
        }));
        let attrs = Attrs::<O>::new(message.after(size).expect("a whole header"));
        well_formed(attrs.clone());
        if protocol == Protocol::Route {
            match kind {
                RTM_NEWLINK if message.payload().first() != Some(&RTNL_FAMILY_IPMR) => {
                    assert!(!attrs.last_of(IFLA_IFNAME).expect("a name").string().is_empty());
                }
                RTM_NEWADDR => assert!(attrs.last_of(IFA_ADDRESS).expect("an address").payload().len() >= 4),
                _ => {}
            }
        }
    }
}

fn well_formed<O: ByteOrder>(attrs: Attrs<'_, O>) {
    for attr in attrs {
        let attr = attr.expect("a well-formed attribute");
        if attr.is_nested() {
            well_formed(attr.nested());
        }
    }
}
