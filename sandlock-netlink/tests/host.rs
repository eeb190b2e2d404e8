//! A machine with one Ethernet interface: Linux 6.18's answers about such a one, and notifications.
#![expect(clippy::unwrap_used, reason = "tests")]

use sandlock_netlink::rtnetlink::{
    AF_INET, FRA_FWMARK, FibRuleHdr, IFA_ADDRESS, IFA_RT_PRIORITY, IFLA_IFNAME, IFLA_INFO_KIND, IFLA_LINK,
    IFLA_LINKINFO, IFLA_NUM_TX_QUEUES, IfAddrMsg, IfInfoMsg, NdMsg, RTA_CACHEINFO, RTA_MULTIPATH,
    RTM_DELADDR, RTM_DELLINK, RTM_GETADDR, RTM_GETLINK, RTM_GETROUTE, RTM_NEWADDR, RTM_NEWLINK,
    RTNLGRP_IPV4_IFADDR, RTNLGRP_LINK, RtMsg,
};
use sandlock_netlink::{
    Addr, Body, Full, Host, IfName, IntoBytes, Link, LittleEndian, Malformed, Message, MessageFlags,
    Messages, Neigh, Protocol, REPLY_MAX, Route, Rule, Socket, U32, View, Writer, publish, respond,
};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn host() -> Host<'static> {
    let name = IfName::new(b"eth0").unwrap();
    Host::new(name, &MAC, [10, 0, 2, 15].into(), 24, Some([10, 0, 2, 2].into()))
}

/// The payloads of the messages of a dump, as hex.
fn dump(view: &View<'_>, kind: u16) -> Vec<String> {
    let mut buf = [0; 32];
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    let flags = MessageFlags::REQUEST | MessageFlags::DUMP;
    writer.message(kind, flags, 1, 0, |body| body.put(&[0u8; 16])).unwrap();
    let mut replies = Vec::new();
    let mut emit = |datagram: &[u8]| replies.extend_from_slice(datagram);
    respond::<LittleEndian>(view, &Socket::new(1), writer.as_bytes(), &mut [0xff; REPLY_MAX], &mut emit);
    Messages::<LittleEndian>::new(&replies)
        .map(|message| message.unwrap().payload().iter().map(|byte| format!("{byte:02x}")).collect())
        .collect()
}

#[test]
fn routes_are_those_that_the_kernel_makes() {
    assert_eq!(
        dump(&host().view(), RTM_GETROUTE),
        [
            "02000000fe0300010000000008000f00fe000000080005000a0002020800040002000000",
            "02180000fe02fd010000000008000f00fe000000080001000a000200080007000a00020f0800040002000000",
            "02200000ff02fe020000000008000f00ff000000080001000a00020f080007000a00020f0800040002000000",
            "02200000ff02fd030000000008000f00ff000000080001000a0002ff080007000a00020f0800040002000000",
            "02080000ff02fe020000000008000f00ff000000080001007f000000080007007f0000010800040001000000",
            "02200000ff02fe020000000008000f00ff000000080001007f000001080007007f0000010800040001000000",
            "02200000ff02fd030000000008000f00ff000000080001007fffffff080007007f0000010800040001000000",
            "0a400000fe0200010000000008000f00fe00000014000100fe8000000000000000000000000000000800060000010000080004000200000024000c0000000000000000000000000000000000000000000000000000000000000000000500140000000000",
            "0a800000ff0200020000000008000f00ff00000014000100000000000000000000000000000000010800060000000000080004000100000024000c0000000000000000000000000000000000000000000000000000000000000000000500140000000000",
            "0a800000ff0200020000000008000f00ff00000014000100fe80000000000000000000fffe0000020800060000000000080004000200000024000c0000000000000000000000000000000000000000000000000000000000000000000500140000000000",
            "0a080000ff0200050000000008000f00ff00000014000100ff0000000000000000000000000000000800060000010000080004000200000024000c0000000000000000000000000000000000000000000000000000000000000000000500140000000000",
            "00000000",
        ]
    );
}

#[test]
fn addresses_are_those_that_the_kernel_makes() {
    let host = host();
    assert_eq!(
        dump(&View { since: 0x000b_9dd1, ..host.view() }, RTM_GETADDR)[1..],
        [
            "0218800002000000080001000a00020f080002000a00020f080004000a0002ff090003006574683000000000080008008000000014000600ffffffffffffffffd19d0b00d19d0b00",
            "0a8080fe01000000140001000000000000000000000000000000000114000600ffffffffffffffffd19d0b00d19d0b00080008008000000005000b0001000000",
            "0a4080fd0200000014000100fe80000000000000000000fffe00000214000600ffffffffffffffffd19d0b00d19d0b00080008008000000005000b0003000000",
            "00000000",
        ]
    );
}

/// `parse ∘ emit` is the identity: reading an answer gives the values that it was made of.
#[test]
fn what_is_written_is_read_back() {
    let host = host();
    let view = host.view();
    fn each(bytes: &[u8]) -> impl Iterator<Item = &Message<LittleEndian>> {
        Messages::<LittleEndian>::new(bytes).map(Result::unwrap)
    }
    let mut buf = [0; 8192];
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    let flags = MessageFlags::empty();
    for link in view.links {
        writer.message(RTM_NEWLINK, flags, 0, 0, |body| link.write(false, 0, body)).unwrap();
    }
    let read: Vec<_> = each(writer.as_bytes()).map(|message| Link::read(message).unwrap()).collect();
    assert_eq!(read, view.links);
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    for addr in view.addrs {
        writer.message(RTM_NEWADDR, flags, 0, 0, |body| addr.write(7, body)).unwrap();
    }
    assert_eq!(each(writer.as_bytes()).map(|m| Addr::read(m).unwrap()).collect::<Vec<_>>(), view.addrs);
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    for route in view.routes {
        writer.message(24, flags, 0, 0, |body| route.write(body)).unwrap();
    }
    assert_eq!(each(writer.as_bytes()).map(|m| Route::read(m).unwrap()).collect::<Vec<_>>(), view.routes);
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    for rule in view.rules {
        writer.message(32, flags, 0, 0, |body| rule.write(body)).unwrap();
    }
    assert_eq!(each(writer.as_bytes()).map(|m| Rule::read(m).unwrap()).collect::<Vec<_>>(), view.rules);
}

/// A message of one header, and the attributes that `attrs` adds.
fn message<'b, T: IntoBytes + zerocopy::Immutable>(
    buf: &'b mut [u8],
    header: &T,
    attrs: impl FnOnce(&mut Body<'_, LittleEndian>) -> Result<(), Full>,
) -> &'b Message<LittleEndian> {
    let mut writer = Writer::<LittleEndian>::new(&mut *buf);
    let body = |body: &mut Body<'_, LittleEndian>| body.put(header).and_then(|()| attrs(body));
    writer.message(0, MessageFlags::empty(), 0, 0, body).unwrap();
    let len = writer.as_bytes().len();
    Messages::new(buf.get(..len).unwrap()).next().unwrap().unwrap()
}

#[test]
fn what_an_object_does_not_represent_is_an_error_or_noted() {
    let unrepresented = |kind| Err(Malformed::Unrepresented { kind });
    let mut buf = [0; 256];
    let v4: RtMsg<LittleEndian> = RtMsg { family: AF_INET, ..RtMsg::default() };
    let multipath = message(&mut buf, &v4, |body| body.attr(RTA_MULTIPATH, &[0u8; 8]));
    assert_eq!(Route::read(multipath).map(drop), unrepresented(RTA_MULTIPATH));
    let partial = Route::read_partial(multipath).unwrap();
    assert_eq!((partial.value.oif, partial.unrepresented), (0, Some(RTA_MULTIPATH)));
    for (flags, complete) in [(0x10u32, true), (4, false), (0x200, false)] {
        let header = RtMsg { flags: U32::new(flags), ..v4 };
        let read = Route::read(message(&mut buf, &header, |_| Ok(())));
        assert_eq!(read.map(drop), if complete { Ok(()) } else { unrepresented(0) }, "{flags:x}");
    }
    let expires = |body: &mut Body<'_, LittleEndian>| body.array(RTA_CACHEINFO, &[0, 0, 9, 0, 0, 0, 0, 0]);
    assert_eq!(Route::read(message(&mut buf, &v4, expires)).map(drop), unrepresented(RTA_CACHEINFO));

    let rule: FibRuleHdr<LittleEndian> = FibRuleHdr { family: AF_INET, ..FibRuleHdr::default() };
    let from = message(&mut buf, &rule, |body| body.u32(FRA_FWMARK, 1));
    assert_eq!(Rule::read(from).map(drop), unrepresented(FRA_FWMARK));
    let inverted = FibRuleHdr { flags: U32::new(2), ..rule };
    assert_eq!(Rule::read(message(&mut buf, &inverted, |_| Ok(()))).map(drop), unrepresented(0));

    let vlan = message(&mut buf, &IfInfoMsg::<LittleEndian>::default(), |body| {
        body.string(IFLA_IFNAME, b"eth0.5")?;
        body.u32(IFLA_NUM_TX_QUEUES, 8)?;
        body.u32(IFLA_LINK, 2)?;
        body.nest(IFLA_LINKINFO, |info| info.string(IFLA_INFO_KIND, b"vlan"))
    });
    assert_eq!(Link::read(vlan).map(drop), unrepresented(IFLA_LINK));
    assert_eq!(Link::read_partial(vlan).unwrap().value.name, IfName::new(b"eth0.5").unwrap());

    let addr: IfAddrMsg<LittleEndian> = IfAddrMsg { family: AF_INET, ..IfAddrMsg::default() };
    let metric = message(&mut buf, &addr, |body| {
        body.attr(IFA_ADDRESS, &[10u8, 0, 0, 1])?;
        body.u32(IFA_RT_PRIORITY, 100)
    });
    assert_eq!(Addr::read(metric).map(drop), unrepresented(IFA_RT_PRIORITY));
    let short = message(&mut buf, &addr, |body| body.attr(IFA_ADDRESS, &[10u8, 0, 0]));
    assert_eq!(Addr::read(short).map(drop), Err(Malformed::Payload { need: 4, have: 3 }));
    let bridge: NdMsg<LittleEndian> = NdMsg { family: 7, ..NdMsg::default() };
    let other = message(&mut buf, &bridge, |_| Ok(()));
    assert_eq!(Neigh::read(other).map(drop), Err(Malformed::Family { family: 7 }));
    let cut = message(&mut buf, &v4, |body| body.put(&[3u8, 0, 1, 0]));
    assert_eq!(Route::read(cut).map(drop), Err(Malformed::Length { len: 3, have: 4 }));
}

#[test]
fn a_message_that_crashes_its_readers_cannot_be_read_and_so_not_passed_on() {
    let mut buf = [0; 64];
    let mut writer = <Writer>::new(&mut buf);
    writer.message(RTM_NEWLINK, MessageFlags::empty(), 0, 0, |body| body.put(&[0u8; 16])).unwrap();
    writer.message(RTM_NEWADDR, MessageFlags::empty(), 0, 0, |body| body.put(&[2u8; 8])).unwrap();
    let messages: Vec<_> = <Messages>::new(writer.as_bytes()).map(Result::unwrap).collect();
    assert!(Link::read(messages[0]).is_err());
    assert!(Addr::read(messages[1]).is_err());
}

#[test]
fn a_link_dump_of_many_is_cut_into_datagrams() {
    let count = if cfg!(miri) { 5 } else { 61 };
    let links: Vec<_> = (1..=count).map(|index| Link { index, ..Link::LOOPBACK }).collect();
    let view = View { links: &links, ..View::LOOPBACK };
    let mut lens = Vec::new();
    let request = [20, 0, 0, 0, 18, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut emit = |datagram: &[u8]| lens.push(datagram.len());
    respond::<LittleEndian>(&view, &Socket::new(1), &request, &mut [0; REPLY_MAX], &mut emit);
    // Two links each, as the kernel's first datagrams have, the odd one, and the end.
    let pairs = links.len() / 2;
    assert_eq!(lens, [vec![2 * 1468; pairs], vec![1468, 20]].concat());
    assert_eq!(dump(&view, RTM_GETLINK).len(), links.len() + 1);
}

#[test]
fn changes_are_told_to_those_who_have_joined() {
    let host = host();
    let mut told = Vec::new();
    let socket = Socket { groups: 1 | 1 << (RTNLGRP_IPV4_IFADDR - 1), ..Socket::new(5) };
    let mut tell = |old: &View<'_>, new: &View<'_>, socket: &Socket| {
        told.clear();
        publish::<LittleEndian>(old, new, socket, &mut [0; REPLY_MAX], &mut |group, datagram| {
            let message = Messages::<LittleEndian>::new(datagram).next().unwrap().unwrap();
            assert_eq!((message.header().seq.get(), message.header().port.get()), (0, 0));
            told.push((group, message.kind()));
        });
        told.clone()
    };
    let (up, down) = (host.view(), View::LOOPBACK);
    let new = [(RTNLGRP_LINK, RTM_NEWLINK), (RTNLGRP_IPV4_IFADDR, RTM_NEWADDR)];
    assert_eq!(tell(&down, &up, &socket), new);
    let gone = [(RTNLGRP_LINK, RTM_NEWLINK), (RTNLGRP_IPV4_IFADDR, RTM_DELADDR), (RTNLGRP_LINK, RTM_DELLINK)];
    assert_eq!(tell(&up, &down, &socket), gone);
    assert_eq!(tell(&up, &up, &socket), []);
    assert_eq!(tell(&down, &up, &Socket::new(5)), []);
    assert_eq!(tell(&down, &up, &Socket { protocol: Protocol::Generic, ..socket }), []);
}
