//! Queueing disciplines, classes, filters, chains and actions: `net/sched/sch_api.c`, `cls_api.c`,
//! `act_api.c`. A link has its root discipline, and there is nothing else.

use zerocopy::{ByteOrder, U32};

use super::requests::*;
use super::{Ask, At, Next, Out, Query};
use crate::rtnetlink::*;
use crate::schema::Form;
use crate::{Attrs, Errno, Full, Link};

/// `TC_H_ROOT`: the parent of a root discipline.
const ROOT: u32 = u32::MAX;
/// `TC_H_INGRESS`, but for its minor number.
const INGRESS: u32 = 0xffff_0000;

fn read<'a, O: ByteOrder>(ask: &mut Ask<'a, O>) -> Result<(&'a TcMsg<O>, Attrs<'a, O>), Errno> {
    let attrs = TC_GET.lenient(ask)?;
    let (header, _) = ask.message.body::<TcMsg<O>>()?;
    Ok((header, attrs))
}

/// `tc_get_qdisc`. A discipline that takes no packets is found, but not shown.
pub(super) fn get_qdisc<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let (header, attrs) = read(ask)?;
    let link = ask.view.link(header.index.get()).ok_or(Errno::ENODEV)?;
    let (errno, why) = match header.parent.get() {
        0 => (Errno::ENOENT, "Failed to find qdisc with specified handle"),
        ROOT if header.handle.get() != 0 => (Errno::EINVAL, "Invalid handle"),
        ROOT if attrs.last_of(TCA_KIND).is_some_and(|kind| kind.string() != link.qdisc) => {
            (Errno::EINVAL, "Invalid qdisc name: must match existing qdisc")
        }
        ROOT => return Ok(()),
        parent if parent & INGRESS == INGRESS => {
            (Errno::ENOENT, "Cannot find specified qdisc on specified device")
        }
        _ => (Errno::ENOENT, "Failed to find qdisc with specified classid"),
    };
    Err(ask.ext.because(errno, why))
}

/// `tc_ctl_tclass`: there are none.
pub(super) fn get_class<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let (header, _) = read(ask)?;
    ask.view.link(header.index.get()).ok_or(Errno::ENODEV)?;
    Err(Errno::ENOENT)
}

/// `tc_get_tfilter`: there are none, and nothing they could be at.
pub(super) fn get_filter<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let (header, _) = read(ask)?;
    if header.info.get() >> 16 == 0 {
        return Err(ask.ext.because(Errno::ENOENT, "Invalid filter command with priority of zero"));
    }
    get_chain(ask, out)
}

/// `tc_ctl_chain`: `tcf_block_find` finds nothing that could have one.
pub(super) fn get_chain<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let (header, _) = read(ask)?;
    ask.view.link(header.index.get()).ok_or(Errno::ENODEV)?;
    let why = if header.parent.get() == 0 { "Qdisc not classful" } else { "Parent Qdisc doesn't exists" };
    Err(ask.invalid(why))
}

/// `tc_ctl_action`: there are none, so that only none can be found.
pub(super) fn get_action<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let attrs = ACTION_GET.lenient(ask)?;
    let why = match attrs.last_of(TCA_ROOT_TAB) {
        Some(table) if table.payload().is_empty() => {
            return Ok(out.message(RTM_GETACTION, |body| {
                body.put(&[0u8; 4])?;
                body.nest(TCA_ROOT_TAB, |_| Ok(()))
            })?);
        }
        Some(_) => "Invalid TC action index value",
        None => "Netlink action attributes missing",
    };
    Err(ask.invalid(why))
}

/// `tc_dump_action`.
pub(super) fn start_action<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    ACTION_GET.lenient(ask)?;
    Ok(Query::default())
}

/// `dcb_doit` (`net/dcb/dcbnl.c`): no link can do it.
pub(super) fn get_dcb<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    Form { size: 4, ..TC_GET }.lenient(ask)?;
    Err(Errno::EOPNOTSUPP)
}

/// `tc_dump_tfilter`, `tc_dump_chain`, which do not mind a short header.
pub(super) fn start_filter<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let form = if ask.message.kind() == RTM_GETTFILTER { TFILTER_DUMP } else { TC_GET };
    if ask.message.payload().len() >= form.size {
        form.lenient(ask)?;
    }
    Ok(Query::default())
}

/// `tc_dump_qdisc`. Also for one link it shows those of all.
pub(super) fn start_qdisc<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    read(ask)?;
    Ok(Query::default())
}

pub(super) fn step_qdisc<O: ByteOrder>(At { view, at, .. }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let link = view.links.get(at)?;
    Some(send(link, out))
}

/// `tc_fill_qdisc`, of a discipline without options through which nothing has gone.
fn send<O: ByteOrder>(link: &Link<'_>, out: &mut Out<'_, '_, O>) -> Result<(), Full> {
    out.message(RTM_NEWQDISC, |body| {
        body.put(&TcMsg::<O> {
            family: 0,
            pad: [0; 3],
            index: U32::new(link.index),
            handle: U32::new(0),
            parent: U32::new(ROOT),
            info: U32::new(2), // References.
        })?;
        body.string(TCA_KIND, link.qdisc)?;
        body.u8(TCA_HW_OFFLOAD, 0)?;
        body.nest(TCA_STATS2, |nest| {
            nest.attr(TCA_STATS_BASIC, &[0u8; 16])?;
            nest.attr(TCA_STATS_QUEUE, &[0u8; 20])
        })?;
        body.attr(TCA_STATS, &[0u8; 40])
    })
}
