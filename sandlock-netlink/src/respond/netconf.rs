//! `RTM_GETNETCONF`: `inet_netconf_*` (`net/ipv4/devinet.c`), `inet6_netconf_*` (`net/ipv6/addrconf.c`).

use zerocopy::ByteOrder;

use super::formats::*;
use super::request::{Out, Request, StepResult};
use crate::query::Query;
use crate::rtnetlink::*;
use crate::{Errno, Full};

/// `NETCONFA_IFINDEX_ALL` and `NETCONFA_IFINDEX_DEFAULT`, which follow the links: -1, -2.
const OTHERS: [u32; 2] = [u32::MAX, u32::MAX.wrapping_sub(1)];

/// The settings of one link, of all, or of those to come.
pub(super) fn get<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let family = request.family();
    let attrs = if family == AF_INET { NETCONF4_GET } else { NETCONF6_GET }.read(request)?;
    let index = attrs.last_of(NETCONFA_IFINDEX).and_then(|attr| attr.u32().ok()).ok_or(Errno::EINVAL)?;
    if !OTHERS.contains(&index) && request.view.link(index).is_none() {
        return Err(if family == AF_INET { Errno::ENODEV } else { Errno::EINVAL });
    }
    Ok(send(family, index, out)?)
}

/// `inet_netconf_dump_devconf` and `inet6_netconf_dump_devconf`, or both.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let format = if request.family() == AF_INET6 { NETCONF6_DUMP } else { NETCONF4_DUMP };
    format.family(request).map(|family| Query::Netconf { family })
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, family: u8) -> StepResult {
    let view = out.view;
    let both = [AF_INET, AF_INET6];
    let families = both.iter().filter(|of| family == **of || !both.contains(&family));
    let indices = || view.links.iter().map(|link| link.index).chain(OTHERS);
    let mut all = families.flat_map(|family| indices().map(|index| (*family, index)));
    let (family, index) = all.nth(out.at)?;
    Some(send(family, index, out))
}

/// `inet_netconf_fill_devconf`. In a new network namespace all is off.
fn send<O: ByteOrder>(family: u8, index: u32, out: &mut Out<'_, O>) -> Result<(), Full> {
    let settings: &[u16] = if family == AF_INET {
        &[
            NETCONFA_FORWARDING,
            NETCONFA_RP_FILTER,
            NETCONFA_MC_FORWARDING,
            NETCONFA_BC_FORWARDING,
            NETCONFA_PROXY_NEIGH,
            NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN,
        ]
    } else {
        &[
            NETCONFA_FORWARDING,
            NETCONFA_MC_FORWARDING,
            NETCONFA_PROXY_NEIGH,
            NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN,
        ]
    };
    out.message(RTM_NEWNETCONF, |body| {
        body.put(&NetConfMsg { family })?;
        body.u32(NETCONFA_IFINDEX, index)?;
        settings.iter().try_for_each(|kind| body.u32(*kind, 0))
    })
}
