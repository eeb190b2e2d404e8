//! `RTM_GETADDRLABEL`: `net/ipv6/addrlabel.c`.

use core::net::{IpAddr, Ipv6Addr};

use zerocopy::{ByteOrder, U32};

use super::formats::*;
use super::request::{Out, Request, StepResult};
use crate::query::Query;
use crate::rtnetlink::{AF_INET6, IFAL_ADDRESS, IFAL_LABEL, IfAddrLblMsg, RTM_NEWADDRLABEL};
use crate::{Errno, Full, ip};

/// `ip6addrlbl_init_table`: prefix, its length, and the label that source and destination should share.
const TABLE: [(Ipv6Addr, u8, u32); 10] = [
    (Ipv6Addr::LOCALHOST, 128, 0),
    (Ipv6Addr::UNSPECIFIED, 96, 3),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 4),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 6),
    (Ipv6Addr::new(0x2001, 0x10, 0, 0, 0, 0, 0, 0), 28, 7),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, 12),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 2),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, 11),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 5),
    (Ipv6Addr::UNSPECIFIED, 0, 1),
];

/// The entry for an address: `ip6addrlbl_get`.
pub(super) fn get<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let attrs = LABEL_GET.read(request)?;
    let (info, _) = request.message.body::<IfAddrLblMsg<O>>()?;
    let index = info.index.get();
    let known = index == 0 || request.view.link(index).is_some();
    if info.prefix_len != 128 || !known {
        return Err(Errno::EINVAL);
    }
    let ip = attrs.last_of(IFAL_ADDRESS).and_then(|attr| ip::read(AF_INET6, attr)).ok_or(Errno::EINVAL)?;
    // The entry for one address is not found by it.
    let of_many = TABLE.iter().filter(|(_, len, _)| *len < 128);
    let entry = of_many.clone().find(|(prefix, len, _)| ip::same_prefix(IpAddr::V6(*prefix), ip, *len));
    Ok(entry.map_or(Ok(()), |entry| send(entry, out))?)
}

/// `ip6addrlbl_dump`.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    LABEL_DUMP.family(request).map(|_| Query::AddrLabels)
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>) -> StepResult {
    let entry = TABLE.get(out.at)?;
    Some(send(entry, out))
}

fn send<O: ByteOrder>(entry: &(Ipv6Addr, u8, u32), out: &mut Out<'_, O>) -> Result<(), Full> {
    let (prefix, prefix_len, label) = *entry;
    out.message(RTM_NEWADDRLABEL, |body| {
        body.put(&IfAddrLblMsg::<O> {
            family: AF_INET6,
            prefix_len,
            // As many as the kernel has put into it.
            seq: U32::new(10),
            ..IfAddrLblMsg::default()
        })?;
        body.attr(IFAL_ADDRESS, &prefix.octets())?;
        body.u32(IFAL_LABEL, label)
    })
}
