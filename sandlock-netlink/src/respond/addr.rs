//! `RTM_GETADDR`: `net/ipv4/devinet.c` and `net/ipv6/addrconf.c`.

use core::net::IpAddr;

use zerocopy::{ByteOrder, U32};

use super::reply::Reply;
use crate::rtnetlink::{
    AF_INET, AF_INET6, IFA_ADDRESS, IFA_F_PERMANENT, IFA_LABEL, IFA_LOCAL, IfAddrMsg, RTM_NEWADDR,
};
use crate::view::Addr;
use crate::{Errno, MessageFlags, View};

/// The addresses of one family, or of all if there is none for that number.
pub(super) fn dump<O: ByteOrder>(view: &View<'_>, family: u8, reply: &mut Reply<'_, O>) -> Result<(), Errno> {
    view.addrs
        .iter()
        .filter(|addr| match family {
            AF_INET => addr.ip.is_ipv4(),
            AF_INET6 => addr.ip.is_ipv6(),
            _ => true,
        })
        .try_for_each(|addr| send(addr, reply))
}

/// `inet_fill_ifaddr` and `inet6_fill_ifaddr`. Only IPv4 has an `IFA_LOCAL` beside every
/// `IFA_ADDRESS`, without which nobody can do.
fn send<O: ByteOrder>(addr: &Addr, reply: &mut Reply<'_, O>) -> Result<(), Errno> {
    reply.send(RTM_NEWADDR, MessageFlags::MULTI, |body| {
        body.put(&IfAddrMsg::<O> {
            family: if addr.ip.is_ipv4() { AF_INET } else { AF_INET6 },
            prefix_len: addr.prefix_len,
            flags: IFA_F_PERMANENT,
            scope: addr.scope,
            index: U32::new(addr.index),
        })?;
        match addr.ip {
            IpAddr::V4(ip) => {
                body.attr(IFA_ADDRESS, &ip.octets())?;
                body.attr(IFA_LOCAL, &ip.octets())?;
                addr.label.map_or(Ok(()), |label| body.string(IFA_LABEL, label.as_bytes()))
            }
            IpAddr::V6(ip) => body.attr(IFA_ADDRESS, &ip.octets()),
        }
    })
}
