//! `RTM_GETSTATS`: `net/core/rtnetlink.c`.

use zerocopy::{ByteOrder, U32};

use super::formats::*;
use super::request::{Out, Request, StepResult};
use crate::query::Query;
use crate::rtnetlink::*;
use crate::{Errno, Full, Link, NLA_F_NESTED};

/// All that may be asked for.
const ALL: u32 = 0x1f;

/// `rtnl_valid_stats_req`, whatever the socket's options: these requests are too young to be lenient.
fn read<'a, O: ByteOrder>(request: &mut Request<'a, O>, dump: bool) -> Result<&'a IfStatsMsg<O>, Errno> {
    let message = request.message;
    let Ok((header, _)) = message.body::<IfStatsMsg<O>>() else {
        return Err(request.invalid("Invalid header for stats dump"));
    };
    if request.strict() {
        request.refuse_if(
            header.pad != [0; 3] || (dump && header.index.get() != 0),
            "Invalid values in header for stats dump request",
        )?;
        request.refuse_if(header.filter.get() > ALL, "Invalid stats requested through filter mask")?;
    }
    Ok(header)
}

/// `rtnl_stats_get_parse`: which of the statistics of offloading are asked for, bit n - 1 for attribute n.
fn read_filters<O: ByteOrder>(request: &mut Request<'_, O>, mask: u32) -> Result<u32, Errno> {
    let attrs = STATS_GET.full(request)?;
    // `IFLA_STATS_GET_FILTERS`
    let Some(filters) = attrs.last_of(1).map(|nest| nest.nested()) else {
        return Ok(u32::MAX);
    };
    // Each of them has to be asked for by the mask as well, and only one has a filter.
    let unasked = filters.clone().flatten().any(|_| !asks(mask, IFLA_STATS_LINK_OFFLOAD_XSTATS));
    request.refuse_if(unasked, "Filtered attribute not enabled in filter_mask")?;
    filters.last_of(IFLA_STATS_LINK_OFFLOAD_XSTATS).map_or(Ok(u32::MAX), |filter| Ok(filter.u32()?))
}

/// Whether a mask has the bit of an attribute.
fn asks(mask: u32, kind: u16) -> bool {
    mask & 1u32.rotate_left(u32::from(kind).wrapping_sub(1)) != 0
}

/// `rtnl_stats_get`.
pub(super) fn get<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let header = read(request, false)?;
    let index = header.index.get();
    if index == 0 {
        return Err(Errno::EINVAL);
    }
    let link = request.view.link(index).ok_or(Errno::ENODEV)?;
    let mask = header.filter.get();
    request.refuse_if(mask == 0, "Filter mask must be set for stats get")?;
    let offload = read_filters(request, mask)?;
    Ok(send(link, [mask, offload], out)?)
}

/// `rtnl_stats_dump`.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let mask = read(request, true)?.filter.get();
    request.refuse_if(mask == 0, "Filter mask must be set for stats dump")?;
    read_filters(request, mask).map(|offload| Query::Stats { mask, offload })
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, masks: [u32; 2]) -> StepResult {
    let link = out.view.links.get(out.at)?;
    Some(send(link, masks, out))
}

/// `rtnl_fill_statsinfo`. Nothing is offloaded, and no link has statistics of its own kind.
fn send<O: ByteOrder>(link: &Link<'_>, [mask, offload]: [u32; 2], out: &mut Out<'_, O>) -> Result<(), Full> {
    let asks = |kind: u16| asks(mask, kind);
    out.message(RTM_NEWSTATS, |body| {
        let (index, filter) = (U32::new(link.index), U32::new(mask));
        body.put(&IfStatsMsg::<O> { index, filter, ..IfStatsMsg::default() })?;
        if asks(IFLA_STATS_LINK_64) {
            body.counters(IFLA_STATS_LINK_64, &link.counters.first(), 25)?;
        }
        if asks(IFLA_STATS_LINK_OFFLOAD_XSTATS) && self::asks(offload, IFLA_OFFLOAD_XSTATS_HW_S_INFO) {
            body.nest(IFLA_STATS_LINK_OFFLOAD_XSTATS, |nest| {
                nest.nest(IFLA_OFFLOAD_XSTATS_HW_S_INFO | NLA_F_NESTED, |info| {
                    info.nest(IFLA_OFFLOAD_XSTATS_L3_STATS | NLA_F_NESTED, |l3| {
                        l3.u8(IFLA_OFFLOAD_XSTATS_HW_S_INFO_REQUEST, 0)?;
                        l3.u8(IFLA_OFFLOAD_XSTATS_HW_S_INFO_USED, 0)
                    })
                })
            })?;
        }
        if asks(IFLA_STATS_AF_SPEC) {
            body.nest(IFLA_STATS_AF_SPEC, |_| Ok(()))?;
        }
        Ok(())
    })
}
