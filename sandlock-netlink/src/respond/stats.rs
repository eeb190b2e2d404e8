//! `RTM_GETSTATS`: `net/core/rtnetlink.c`.

use zerocopy::{ByteOrder, U32};

use super::requests::*;
use super::{Ask, At, Next, Out, Query};
use crate::rtnetlink::*;
use crate::schema::{Check, INVALID_HEADER_LENGTH};
use crate::{Attrs, Errno, Full, Link, NLA_F_NESTED};

/// All that may be asked for.
const ALL: u32 = 0x1f;

/// `rtnl_valid_stats_req`, whatever the socket says: these requests are too young to be lenient.
fn read<'a, O: ByteOrder>(ask: &mut Ask<'a, O>, dump: bool) -> Result<&'a IfStatsMsg<O>, Errno> {
    let message = ask.message;
    let Ok((header, _)) = message.body::<IfStatsMsg<O>>() else {
        return Err(ask.invalid("Invalid header for stats dump"));
    };
    if ask.strict() {
        ask.refuse_if(
            header.pad != [0; 3] || (dump && header.index.get() != 0),
            "Invalid values in header for stats dump request",
        )?;
        ask.refuse_if(header.filter.get() > ALL, "Invalid stats requested through filter mask")?;
    }
    Ok(header)
}

fn read_filters<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<(), Errno> {
    let message = ask.message;
    let rest = message.after(size_of::<IfStatsMsg>());
    let rest = rest.map_err(|_| ask.invalid(INVALID_HEADER_LENGTH))?;
    STATS.check(ask, Attrs::new(rest), Check::Full).map(|_| ())
}

/// `rtnl_stats_get`.
pub(super) fn get<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let header = read(ask, false)?;
    let index = header.index.get();
    if index == 0 || index > i32::MAX.unsigned_abs() {
        return Err(Errno::EINVAL);
    }
    let link = ask.view.link(index).ok_or(Errno::ENODEV)?;
    let mask = header.filter.get();
    ask.refuse_if(mask == 0, "Filter mask must be set for stats get")?;
    read_filters(ask)?;
    Ok(send(link, mask, out)?)
}

/// `rtnl_stats_dump`.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let mask = read(ask, true)?.filter.get();
    ask.refuse_if(mask == 0, "Filter mask must be set for stats dump")?;
    read_filters(ask)?;
    Ok(Query { mask, ..Query::default() })
}

pub(super) fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let link = view.links.get(at)?;
    Some(send(link, query.mask, out))
}

/// `rtnl_fill_statsinfo`. Nothing is offloaded, and no link has statistics of its own kind.
fn send<O: ByteOrder>(link: &Link<'_>, mask: u32, out: &mut Out<'_, '_, O>) -> Result<(), Full> {
    let asks = |kind: u16| mask & 1u32.rotate_left(u32::from(kind).wrapping_sub(1)) != 0;
    out.message(RTM_NEWSTATS, |body| {
        let (index, filter) = (U32::new(link.index), U32::new(mask));
        body.put(&IfStatsMsg::<O> { family: 0, pad: [0; 3], index, filter })?;
        if asks(IFLA_STATS_LINK_64) {
            body.counters(IFLA_STATS_LINK_64, &link.counters.first(), 25)?;
        }
        if asks(IFLA_STATS_LINK_OFFLOAD_XSTATS) {
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
