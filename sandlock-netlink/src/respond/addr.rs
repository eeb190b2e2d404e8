//! `RTM_GETADDR`, `RTM_GETMULTICAST`, `RTM_GETANYCAST`: `net/ipv4/devinet.c`, `net/ipv6/addrconf.c`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zerocopy::{ByteOrder, U32};

use super::requests::*;
use super::{Ask, At, Next, Out, Query, when};
use crate::addr::FOREVER;
use crate::rtnetlink::*;
use crate::schema::Form;
use crate::view::Style;
use crate::{Addr, Errno, Full, MessageFlags, View, ip};

/// One address of IPv6: `inet6_rtm_getaddr`. There is no such thing for IPv4.
pub(super) fn get6<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let attrs = ADDR6_GET.read(ask)?;
    if attrs.last_of(IFA_TARGET_NETNSID).is_some() {
        return Err(Errno::EINVAL);
    }
    let (info, _) = ask.message.body::<IfAddrMsg<O>>()?;
    let attr = attrs.last_of(IFA_LOCAL).or_else(|| attrs.last_of(IFA_ADDRESS)).ok_or(Errno::EINVAL)?;
    let ip = ip::read(AF_INET6, attr);
    let link = ask.view.link(info.index.get());
    let found = ask
        .view
        .addrs
        .iter()
        .find(|addr| Some(addr.ip) == ip && link.is_none_or(|link| link.index == addr.index));
    Ok(send(ask.view, found.ok_or(Errno::EADDRNOTAVAIL)?, out)?)
}

/// `inet_dump_ifaddr` and `rtnl_dump_all`, which begins with it.
pub(super) fn start4<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let family = Some(ask.family()).filter(|family| *family == AF_INET);
    begin(ask, family, &ADDR4_DUMP, "ipv4: Invalid target network namespace id")
}

/// `inet6_dump_addr`.
pub(super) fn start6<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    begin(ask, Some(AF_INET6), &ADDR6_DUMP, "ipv6: Invalid target network namespace id")
}

/// `None`: both families.
fn begin<O: ByteOrder>(
    ask: &mut Ask<'_, O>,
    family: Option<u8>,
    form: &Form,
    netns: &'static str,
) -> Result<Query, Errno> {
    let mut query = Query { family: family.unwrap_or(0), ..Query::default() };
    if !ask.strict() {
        return Ok(query);
    }
    form.strict_header(ask)?;
    let (info, _) = ask.message.body::<IfAddrMsg<O>>()?;
    query.index = info.index.get();
    if query.index != 0 {
        ask.answer_flags = MessageFlags::DUMP_FILTERED;
    }
    let attrs = form.strict(ask)?;
    ask.refuse_if(attrs.last_of(IFA_TARGET_NETNSID).is_some(), netns)?;
    if query.index != 0 {
        ask.view.link(query.index).ok_or(Errno::ENODEV)?;
    }
    Ok(query)
}

pub(super) fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let addr = view.addrs.get(at)?;
    let family = query.family == 0 || query.family == ip::family(addr.ip);
    when(family && (query.index == 0 || query.index == addr.index), || send(view, addr, out))
}

fn send<O: ByteOrder>(view: &View<'_>, addr: &Addr, out: &mut Out<'_, '_, O>) -> Result<(), Full> {
    out.message(RTM_NEWADDR, |body| match view.style {
        Style::Kernel => addr.write(view.since, body),
        Style::Minimal => addr.write_minimal(body),
    })
}

/// The groups that each link is in by itself: all systems of IPv4, all nodes of IPv6 on the link and
/// on the machine. (A network that is not a loopback has one more for each address of IPv6.)
pub(super) fn step_multicast<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    const GROUPS4: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1))];
    const GROUPS6: &[IpAddr] = &[
        IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
        IpAddr::V6(Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1)),
    ];
    let (groups, prefix_len) = if query.family == AF_INET { (GROUPS4, 32) } else { (GROUPS6, 128) };
    let (link, group) = (at.checked_div(groups.len()), at.checked_rem(groups.len()));
    let link = link.and_then(|at| view.links.get(at))?;
    let group = group.and_then(|at| groups.get(at))?;
    let asked = query.index == 0 || query.index == link.index;
    // Both the question and its answer are of this type.
    when(asked && link.flags.contains(LinkFlags::UP), || {
        out.message(RTM_GETMULTICAST, |body| {
            body.put(&IfAddrMsg::<O> {
                family: query.family,
                prefix_len,
                flags: 0x80,
                scope: 0,
                index: U32::new(link.index),
            })?;
            ip::write(body, IFA_MULTICAST, *group)?;
            body.array(IFA_CACHEINFO, &[FOREVER, FOREVER, view.since, view.since])
        })
    })
}
