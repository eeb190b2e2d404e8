//! `RTM_GETLINK`: `net/core/rtnetlink.c`.

use zerocopy::{ByteOrder, U16, U32};

use super::reply::Reply;
use crate::rtnetlink::{
    AF_BRIDGE, AF_UNSPEC, IFLA_ADDRESS, IFLA_ALT_IFNAME, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN,
    IfInfoMsg, RTM_NEWLINK,
};
use crate::view::Link;
use crate::{Errno, Message, MessageFlags, View};

/// All links, whatever family is asked for; but a bridge's question is not for links that are in
/// no bridge.
pub(super) fn dump<O: ByteOrder>(view: &View<'_>, family: u8, reply: &mut Reply<'_, O>) -> Result<(), Errno> {
    let links = if family == AF_BRIDGE { &[] } else { view.links };
    links.iter().try_for_each(|link| send(link, MessageFlags::MULTI, reply))
}

/// One link, by index or else by name: `rtnl_getlink`.
pub(super) fn get<O: ByteOrder>(
    view: &View<'_>,
    request: &Message<O>,
    reply: &mut Reply<'_, O>,
) -> Result<(), Errno> {
    let (info, attrs) = request.body::<IfInfoMsg<O>>().map_err(|_| Errno::EINVAL)?;
    // The index is an int: from 2^31 up it is negative.
    let index = Some(info.index.get()).filter(|index| (1..=i32::MAX.unsigned_abs()).contains(index));
    let name = attrs.last_of(IFLA_IFNAME).or_else(|| attrs.last_of(IFLA_ALT_IFNAME));
    let link = match (index, name) {
        (Some(index), _) => view.links.iter().find(|link| link.index == index),
        (None, Some(name)) => view.links.iter().find(|link| link.name.as_bytes() == name.string()),
        (None, None) => return Err(Errno::EINVAL),
    };
    send(link.ok_or(Errno::ENODEV)?, MessageFlags::empty(), reply)
}

/// `rtnl_fill_ifinfo`.
fn send<O: ByteOrder>(link: &Link<'_>, flags: MessageFlags, reply: &mut Reply<'_, O>) -> Result<(), Errno> {
    reply.send(RTM_NEWLINK, flags, |body| {
        body.put(&IfInfoMsg::<O> {
            family: AF_UNSPEC,
            pad: 0,
            kind: U16::new(link.kind),
            index: U32::new(link.index),
            flags: U32::new(link.flags.bits()),
            change: U32::new(0),
        })?;
        body.string(IFLA_IFNAME, link.name.as_bytes())?;
        body.u32(IFLA_TXQLEN, link.txqlen)?;
        body.u32(IFLA_MTU, link.mtu)?;
        // Some readers stumble over a message that ends with an empty attribute.
        [(IFLA_ADDRESS, link.address), (IFLA_BROADCAST, link.broadcast)]
            .into_iter()
            .filter(|(_, address)| !address.is_empty())
            .try_for_each(|(kind, address)| body.attr(kind, address))
    })
}
