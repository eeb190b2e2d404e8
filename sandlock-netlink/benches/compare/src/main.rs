//! The same measurements of this crate and of others that read and write rtnetlink, in one run:
//! `cargo run --release --manifest-path sandlock-netlink/benches/compare/Cargo.toml`.

#[path = "../../measure/mod.rs"]
mod measure;

use core::hint::black_box;
use std::io::Cursor;

use measure::measure;
use neli::consts::rtnl::Rtm;
use neli::nl::Nlmsghdr;
use neli::rtnl::{Ifaddrmsg, Ifinfomsg};
use neli::{FromBytes, ToBytes};
use netlink_bindings::{rt_addr, rt_link};
use netlink_packet_core::NetlinkMessage;
use netlink_packet_route::RouteNetlinkMessage;
use nlink::netlink::messages::{AddressMessage, LinkMessage};
use nlink::netlink::parse::FromNetlink;

/// The two messages of a datagram, apart.
fn apart(datagram: &[u8]) -> Vec<&[u8]> {
    let len = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let mut rest = datagram;
    core::iter::from_fn(|| {
        (!rest.is_empty()).then(|| {
            let (message, after) = rest.split_at(len(rest));
            rest = after;
            message
        })
    })
    .collect()
}

fn main() {
    let [link, addrs] = measure::samples();
    let addrs = apart(&addrs);
    let mut rows = measure::ours();

    type Packet = NetlinkMessage<RouteNetlinkMessage>;
    rows.push(measure("netlink-packet-route: read NEWLINK", || {
        black_box(Packet::deserialize(black_box(&link)).unwrap());
    }));
    rows.push(measure("netlink-packet-route: read 2 NEWADDR", || {
        for addr in &addrs {
            black_box(Packet::deserialize(black_box(addr)).unwrap());
        }
    }));
    let packet = Packet::deserialize(&link).unwrap();
    let mut buf = [0; 4096];
    rows.push(measure("netlink-packet-route: write NEWLINK, built before", || {
        black_box(&packet).serialize(&mut buf[..packet.buffer_len()]);
        black_box(&buf);
    }));
    rows.push(measure("netlink-packet-route: build and write NEWLINK", || {
        let packet = black_box(&packet).clone();
        packet.serialize(&mut buf[..packet.buffer_len()]);
        black_box(&buf);
    }));

    type NeliLink = Nlmsghdr<Rtm, Ifinfomsg>;
    type NeliAddr = Nlmsghdr<Rtm, Ifaddrmsg>;
    rows.push(measure("neli: read NEWLINK, attributes left raw", || {
        black_box(NeliLink::from_bytes(&mut Cursor::new(black_box(&link[..]))).unwrap());
    }));
    rows.push(measure("neli: read 2 NEWADDR", || {
        for addr in &addrs {
            black_box(NeliAddr::from_bytes(&mut Cursor::new(black_box(addr))).unwrap());
        }
    }));
    let message = NeliLink::from_bytes(&mut Cursor::new(&link[..])).unwrap();
    rows.push(measure("neli: write NEWLINK, built before", || {
        let mut cursor = Cursor::new(Vec::new());
        black_box(&message).to_bytes(&mut cursor).unwrap();
        black_box(cursor);
    }));

    rows.push(measure("netlink-bindings: read NEWLINK, all attributes", || {
        black_box(rt_link::LinkAttrs::new(black_box(&link[32..])).count());
    }));
    rows.push(measure("netlink-bindings: read 2 NEWADDR", || {
        for addr in &addrs {
            black_box(rt_addr::AddrAttrs::new(black_box(&addr[24..])).count());
        }
    }));

    rows.push(measure("nlink: read NEWLINK", || {
        black_box(LinkMessage::from_bytes(black_box(&link[16..])).unwrap());
    }));
    rows.push(measure("nlink: read 2 NEWADDR", || {
        for addr in &addrs {
            black_box(AddressMessage::from_bytes(black_box(&addr[16..])).unwrap());
        }
    }));
    measure::print(&rows);
}
