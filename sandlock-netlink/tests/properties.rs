//! Whatever bytes arrive, all values read and all answers are well formed and bounded.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod headers;

use headers::header_len;
use proptest::collection::vec;
use proptest::prelude::*;
use sandlock_netlink::generic::GENL_ID_CTRL;
use sandlock_netlink::rtnetlink::{IFA_ADDRESS, IFLA_IFNAME, RTM_NEWADDR, RTM_NEWLINK, RTNL_FAMILY_IPMR};
use sandlock_netlink::sock_diag::SOCK_DIAG_BY_FAMILY;
use sandlock_netlink::{
    Attrs, BigEndian, ByteOrder, Host, IfName, LittleEndian, MessageFlags, Messages, NLMSG_DONE, NLMSG_ERROR,
    Protocol, REPLY_MAX, Socket, SocketOptions, View, Writer, answer, respond, resume,
};

fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 12 } else { 4096 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Bytes that are often an attribute: small lengths, known kinds, a text that may be a name.
fn attr() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(3u16), Just(53), Just(29), 0u16..32, any::<u16>()];
    let payload = prop_oneof![Just(b"lo\0".to_vec()), Just(b"lo".to_vec()), vec(any::<u8>(), 0..24)];
    (kind, payload, -2i16..3).prop_map(|(kind, payload, error)| {
        let len = i16::try_from(payload.len()).unwrap() + 4 + if error.abs() == 2 { error } else { 0 };
        let padding = vec![0; payload.len().wrapping_neg() % 4];
        [&len.to_le_bytes()[..], &kind.to_le_bytes(), &payload, &padding].concat()
    })
}

/// Bytes that are often a request: the types and flags that matter, a length that is mostly right.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        Just(18u16),
        Just(22),
        Just(26),
        (4u16..33).prop_map(|n| n * 4 + 2),
        0u16..130,
        any::<u16>()
    ];
    let flags = prop_oneof![Just(0x301u16), Just(0x1), Just(0x5), any::<u16>()];
    let index = prop_oneof![Just(0u32), Just(1), any::<u32>()];
    let number = prop_oneof![Just(0u8), Just(2), Just(3), Just(7), Just(10), Just(128), any::<u8>()];
    let zeros = prop_oneof![Just([0; 3]), any::<[u8; 3]>()];
    let rest = prop_oneof![Just([0; 8]), any::<[u8; 8]>()];
    let family = (number, zeros, index, rest);
    let tail = (family, vec(attr(), 0..4), 0..40usize);
    (kind, flags, any::<u32>(), tail, -9i32..10).prop_map(
        |(kind, flags, seq, (family, attrs, cut), error)| {
            let (family, pad, index, rest) = family;
            let mut payload = [&[family], &pad[..], &index.to_le_bytes(), &rest, &attrs.concat()].concat();
            payload.truncate(payload.len() - cut.min(payload.len()) * usize::from(cut % 3 == 0));
            let len = i32::try_from(payload.len()).unwrap() + 16 + if error % 3 == 0 { error } else { 0 };
            let padding = vec![0; payload.len().wrapping_neg() % 4];
            [&len.to_le_bytes()[..], &kind.to_le_bytes(), &flags.to_le_bytes(), &seq.to_le_bytes(), &[7; 4]]
                .into_iter()
                .chain([&payload[..], &padding])
                .collect::<Vec<_>>()
                .concat()
        },
    )
}

fn datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(request(), 0..6).prop_map(|requests| requests.concat()), vec(any::<u8>(), 0..200)]
}

fn check<O: ByteOrder>(view: &View<'_>, datagram: &[u8], socket: &Socket) {
    let requests: Vec<_> = Messages::<O>::new(datagram).map_while(Result::ok).collect();
    let mut replies = Vec::new();
    let mut emit = |reply: &[u8]| replies.push(reply.to_vec());
    respond::<O>(view, socket, datagram, &mut [0xff; REPLY_MAX], &mut emit);

    assert!(replies.len() <= 3 * requests.len() + view.links.len() + view.addrs.len());
    for message in replies.iter().flat_map(|reply| Messages::<O>::new(reply)) {
        let message = message.unwrap();
        let header = message.header();
        assert_eq!(header.port.get(), socket.port);
        let request = requests.iter().find(|request| request.header().seq == header.seq).unwrap();
        let kind = message.kind();
        let len = match kind {
            NLMSG_DONE => 4,
            NLMSG_ERROR if message.flags().contains(MessageFlags::CAPPED) => 20,
            NLMSG_ERROR => 20 + request.payload().len().next_multiple_of(4),
            SOCK_DIAG_BY_FAMILY if socket.protocol == Protocol::SockDiag => 72,
            GENL_ID_CTRL if socket.protocol == Protocol::Generic => 4,
            kind => header_len(kind),
        };
        let attrs = Attrs::<O>::new(message.after(len).unwrap());
        for attr in attrs.clone() {
            assert!(message.offset_of(attr.unwrap()).unwrap() >= 16 + len);
        }
        if socket.protocol == Protocol::Route {
            let family = message.payload()[0];
            match kind {
                RTM_NEWLINK if family != RTNL_FAMILY_IPMR => {
                    assert!(!attrs.last_of(IFLA_IFNAME).unwrap().string().is_empty());
                }
                RTM_NEWADDR => assert!(attrs.last_of(IFA_ADDRESS).unwrap().payload().len() >= 4),
                _ => {}
            }
        }
    }
    assert!(replies.iter().all(|reply| (16..=REPLY_MAX).contains(&reply.len()) && reply.len() % 4 == 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_answer_is_well_formed(
        datagram in datagram(),
        port: u32,
        options: u32,
        protocol in prop_oneof![4 => Just(0), 1 => Just(4), 1 => Just(6), 1 => Just(12), 1 => Just(15), 1 => Just(16)],
    ) {
        let options = SocketOptions::from_bits_truncate(options);
        let socket = Socket { options, ..Socket::of(Protocol::new(protocol).unwrap(), port) };
        let host = Host::new(IfName::new(b"e").unwrap(), &[2; 6], [10, 0, 0, 1].into(), 8, None);
        for view in [View::LOOPBACK, View::MINIMAL, View::EMPTY, host.view()] {
            check::<LittleEndian>(&view, &datagram, &socket);
            check::<BigEndian>(&view, &datagram, &socket);
        }
    }

    #[test]
    fn a_dump_comes_whole_to_a_reader_who_makes_room_late(
        kind in (0u16..30).prop_map(|n| n * 4 + 18),
        family in prop_oneof![Just(0u8), Just(2), Just(7), Just(10), Just(128)],
        room in vec(any::<bool>(), 0..40),
    ) {
        let host = Host::new(IfName::new(b"e").unwrap(), &[2; 6], [10, 0, 0, 1].into(), 8, None);
        let kinds = kind.to_le_bytes();
        let request = [&[36, 0, 0, 0, kinds[0], kinds[1], 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, family][..], &[0; 19]].concat();
        let (socket, mut scratch) = (Socket::new(7), [0; REPLY_MAX]);
        let mut whole = Vec::new();
        respond::<LittleEndian>(&host.view(), &socket, &request, &mut scratch, &mut |reply| whole.push(reply.to_vec()));
        // An answer that is no dump is lost if there is no room.
        if whole.iter().all(|reply| reply[6] & 2 == 0) {
            return Ok(());
        }

        let (mut taken, mut room) = (Vec::new(), room.into_iter().chain(core::iter::repeat(true)));
        let mut late = socket;
        let mut emit = |reply: &[u8]| {
            let fits = room.next().unwrap();
            if fits {
                taken.push(reply.to_vec());
            }
            fits
        };
        answer::<LittleEndian>(&host.view(), &mut late, &request, &mut scratch, &mut emit);
        for _ in 0..=40 + whole.len() {
            resume::<LittleEndian>(&host.view(), &mut late, &mut scratch, &mut emit);
        }
        prop_assert_eq!(late.dump, None);
        // An error that ends a dump before it begins is no dump.
        if taken != whole {
            prop_assert!(taken.is_empty() && whole.len() == 1 && whole[0][4] == 3);
        }
    }

    #[test]
    fn reading_ends_and_errs_at_most_once(bytes in prop_oneof![datagram(), vec(attr(), 0..8).prop_map(|a| a.concat())]) {
        let messages: Vec<_> = Messages::<LittleEndian>::new(&bytes).collect();
        prop_assert!(messages.len() <= bytes.len() / 16 + 1);
        prop_assert!(messages.iter().rev().skip(1).all(Result::is_ok));
        let attrs: Vec<_> = Attrs::<LittleEndian>::new(&bytes).collect();
        prop_assert!(attrs.len() <= bytes.len() / 4 + 1);
        prop_assert!(attrs.iter().rev().skip(1).all(Result::is_ok));
        for attr in attrs.into_iter().flatten() {
            prop_assert!(attr.nested().count() <= attr.payload().len() / 4 + 1);
            prop_assert_eq!(attr.u64().is_ok(), attr.payload().len() >= 8);
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        messages in vec((any::<u16>(), any::<u16>(), vec((0u16..0x4000, vec(any::<u8>(), 0..20)), 0..5)), 0..5),
        room in 0..400usize,
    ) {
        let mut buf = vec![0xff; room];
        let mut writer = <Writer>::new(&mut buf);
        let mut written = 0;
        for (kind, flags, attrs) in &messages {
            let before = writer.as_bytes().to_vec();
            let result = writer.message(*kind, MessageFlags::from_bits_retain(*flags), 1, 2, |body| {
                attrs.iter().try_for_each(|(kind, payload)| body.nest(9, |nest| nest.attr(*kind, &payload[..])))
            });
            if result.is_err() {
                prop_assert_eq!(writer.as_bytes(), before);
                break;
            }
            written += 1;
        }
        let read: Vec<_> = <Messages>::new(writer.as_bytes())
            .map(|message| {
                let message = message.unwrap();
                let attrs = <Attrs>::new(message.payload()).map(|nest| {
                    let attr = nest.unwrap().nested().next().unwrap().unwrap();
                    (attr.kind(), attr.payload().to_vec())
                });
                (message.kind(), message.flags().bits(), attrs.collect::<Vec<_>>())
            })
            .collect();
        prop_assert_eq!(&read[..], &messages[..written]);
    }
}
