//! `RTM_GETADDR`, `RTM_GETMULTICAST`, `RTM_GETANYCAST`: `net/ipv4/devinet.c`, `net/ipv6/addrconf.c`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zerocopy::{ByteOrder, U32};

use super::formats::*;
use super::request::{Out, Request, StepResult, when};
use crate::addr::FOREVER;
use crate::query::Query;
use crate::rtnetlink::*;
use crate::view::Style;
use crate::{Addr, Errno, Full, MessageFlags, ip};

/// One address of IPv6: `inet6_rtm_getaddr`. There is no such thing for IPv4.
pub(super) fn get6<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let attrs = ADDR6_GET.read(request)?;
    if attrs.last_of(IFA_TARGET_NETNSID).is_some() {
        return Err(Errno::EINVAL);
    }
    let (info, _) = request.message.body::<IfAddrMsg<O>>()?;
    let attr = attrs.last_of(IFA_LOCAL).or_else(|| attrs.last_of(IFA_ADDRESS)).ok_or(Errno::EINVAL)?;
    let ip = ip::read(AF_INET6, attr);
    let link = request.view.link(info.index.get());
    let found = request
        .view
        .addrs
        .iter()
        .find(|addr| Some(addr.ip) == ip && link.is_none_or(|link| link.index == addr.index));
    Ok(send(found.ok_or(Errno::EADDRNOTAVAIL)?, out)?)
}

/// `inet_dump_ifaddr` and `rtnl_dump_all`, which begins with it.
pub(super) fn start4<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let family = if request.family() == AF_INET { AF_INET } else { AF_UNSPEC };
    read_index(request, true).map(|index| Query::Addrs { family, index })
}

/// `inet6_dump_addr`.
pub(super) fn start6<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    read_index(request, false).map(|index| Query::Addrs { family: AF_INET6, index })
}

/// The same two, of multicast groups.
pub(super) fn start_multicast<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let family = request.family();
    read_index(request, family == AF_INET).map(|index| Query::MulticastAddrs { family, index })
}

/// `inet6_dump_addr` of anycast addresses, of which there are none.
pub(super) fn start_anycast<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    read_index(request, false).map(|_| Query::Nothing)
}

/// The index of the link that a strict request filters by, or 0.
fn read_index<O: ByteOrder>(request: &mut Request<'_, O>, is_v4: bool) -> Result<u32, Errno> {
    let (format, netns) = if is_v4 {
        (ADDR4_DUMP, "ipv4: Invalid target network namespace id")
    } else {
        (ADDR6_DUMP, "ipv6: Invalid target network namespace id")
    };
    if !request.strict() {
        return Ok(0);
    }
    format.strict_header(request)?;
    let (info, _) = request.message.body::<IfAddrMsg<O>>()?;
    let index = info.index.get();
    if index != 0 {
        request.dump_flags = MessageFlags::DUMP_FILTERED;
    }
    let attrs = format.parse_strict(request)?;
    format.each(request, &attrs, |request, _| Err(request.invalid(netns)))?;
    if index != 0 {
        request.view.link(index).ok_or(Errno::ENODEV)?;
    }
    Ok(index)
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, family: u8, index: u32) -> StepResult {
    let addr = out.view.addrs.get(out.at)?;
    let matches = [0, ip::family(addr.ip)].contains(&family) && [0, addr.index].contains(&index);
    when(matches, || send(addr, out))
}

fn send<O: ByteOrder>(addr: &Addr, out: &mut Out<'_, O>) -> Result<(), Full> {
    let view = out.view;
    out.message(RTM_NEWADDR, |body| match view.style {
        Style::Kernel => addr.write(view.since, body),
        Style::Minimal => addr.write_minimal(body),
    })
}

/// The groups that each link is in by itself: all systems of IPv4, all nodes of IPv6 on the link and
/// on the machine. (A network that is not a loopback has one more for each address of IPv6.)
pub(super) fn step_multicast<O: ByteOrder>(out: &mut Out<'_, O>, family: u8, index: u32) -> StepResult {
    let view = out.view;
    const GROUPS4: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1))];
    const GROUPS6: &[IpAddr] = &[
        IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
        IpAddr::V6(Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1)),
    ];
    let (groups, prefix_len) = if family == AF_INET { (GROUPS4, 32) } else { (GROUPS6, 128) };
    let (link, group) = (out.at.checked_div(groups.len()), out.at.checked_rem(groups.len()));
    let link = link.and_then(|at| view.links.get(at))?;
    let group = group.and_then(|at| groups.get(at))?;
    let asked = [0, link.index].contains(&index);
    // A link joins those of IPv4 when it goes up. Both the request and its answer are of this type.
    when(asked && (family == AF_INET6 || link.flags.contains(LinkFlags::UP)), || {
        out.message(RTM_GETMULTICAST, |body| {
            body.put(&IfAddrMsg::<O> {
                family,
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
