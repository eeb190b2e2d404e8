//! The kernel's own answers: what is answered here has the same messages in the same order, and no
//! attribute that the kernel's has not.
#![expect(clippy::unwrap_used, reason = "tests")]

use sandlock_netlink::rtnetlink::{IfAddrMsg, IfInfoMsg, LinkFlags, RTM_NEWADDR, RTM_NEWLINK};
use sandlock_netlink::{
    Attrs, LittleEndian, Message, Messages, REPLY_MAX, Socket, SocketOptions, View, respond,
};

#[derive(Default)]
struct Case {
    name: &'static str,
    options: SocketOptions,
    requests: Vec<Vec<u8>>,
    replies: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::<Case>::new();
    let mut lo = Vec::new();
    for line in include_str!("fixtures/kernel.txt").lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, cases.last_mut()) {
            ("" | "#", _) => {}
            ("lo", _) => lo = unhex(rest),
            ("case", _) => cases.push(Case { name: rest, ..Case::default() }),
            ("options", Some(case)) if rest == "CAP_ACK" => case.options |= SocketOptions::CAP_ACK,
            (">", Some(case)) => case.requests.push(unhex(rest)),
            ("<", Some(case)) => match rest.strip_suffix("@lo") {
                Some(header) => case.replies.extend(unhex(header).iter().chain(&lo)),
                None => case.replies.extend(unhex(rest)),
            },
            _ => panic!("{line}"),
        }
    }
    cases
}

fn unhex(hex: &str) -> Vec<u8> {
    let nibbles: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    nibbles
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)).unwrap())
        .collect()
}

#[test]
fn the_answers_are_the_kernels() {
    let cases = cases();
    assert_eq!(cases.len(), 90);
    for case in cases {
        let socket = Socket { options: case.options, ..Socket::new(4242) };
        let mut replies = Vec::new();
        let mut emit = |datagram: &[u8]| replies.extend(datagram);
        for request in &case.requests {
            respond::<LittleEndian>(&View::LOOPBACK, &socket, request, &mut [0xff; REPLY_MAX], &mut emit);
        }
        let ours: Vec<_> = Messages::new(&replies).map(Result::unwrap).collect();
        let kernels: Vec<_> = Messages::new(&case.replies).map(Result::unwrap).collect();
        assert_eq!(ours.len(), kernels.len(), "{}", case.name);
        for (ours, kernels) in ours.into_iter().zip(kernels) {
            assert_same(case.name, ours, kernels);
        }
    }
}

fn assert_same(case: &str, ours: &Message<LittleEndian>, kernels: &Message<LittleEndian>) {
    assert_eq!(ours.kind(), kernels.kind(), "{case}");
    assert_eq!(ours.flags(), kernels.flags(), "{case}");
    assert_eq!(ours.header().seq, kernels.header().seq, "{case}");
    assert_eq!(ours.header().port, kernels.header().port, "{case}");
    match ours.kind() {
        RTM_NEWLINK => {
            let (info, attrs) = ours.body::<IfInfoMsg<LittleEndian>>().unwrap();
            let (kernels, theirs) = kernels.body::<IfInfoMsg<LittleEndian>>().unwrap();
            let flags = info.flags.get() | LinkFlags::LOWER_UP.bits();
            assert_eq!(IfInfoMsg { flags: flags.into(), ..*info }, *kernels, "{case}");
            assert_among(case, attrs, &theirs);
        }
        RTM_NEWADDR => {
            let (info, attrs) = ours.body::<IfAddrMsg<LittleEndian>>().unwrap();
            let (kernels, theirs) = kernels.body::<IfAddrMsg<LittleEndian>>().unwrap();
            assert_eq!(info, kernels, "{case}");
            assert_among(case, attrs, &theirs);
        }
        _ => assert_eq!(ours.payload(), kernels.payload(), "{case}"),
    }
}

fn assert_among(case: &str, ours: Attrs<'_, LittleEndian>, kernels: &Attrs<'_, LittleEndian>) {
    for attr in ours.map(Result::unwrap) {
        let kernels = kernels.last_of(attr.kind()).map(|attr| attr.payload());
        assert_eq!(Some(attr.payload()), kernels, "{case}: {}", attr.kind());
    }
}
