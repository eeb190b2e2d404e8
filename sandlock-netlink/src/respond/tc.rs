//! Queueing disciplines, classes, filters, chains and actions: `net/sched/sch_api.c`, `cls_api.c`,
//! `act_api.c`. A link has its root discipline, and there is nothing else.

use zerocopy::{ByteOrder, U32};

use super::formats::*;
use super::request::{Out, Request, StepResult, when};
use crate::attr_policy::Check;
use crate::query::Query;
use crate::rtnetlink::*;
use crate::{Attrs, Errno, Full, Link, MessageFlags};

/// `TC_H_ROOT`: the parent of a root discipline.
const ROOT: u32 = u32::MAX;
/// `TCM_IFINDEX_MAGIC_BLOCK`: the index of no link.
const MAGIC_BLOCK: u32 = u32::MAX;
/// `IFNAMSIZ`: of a filter's kind too.
const IF_NAME_SIZE: usize = 16;
/// `TC_H_INGRESS`, but for its minor number.
const INGRESS: u32 = 0xffff_0000;

fn read<'a, O: ByteOrder>(request: &mut Request<'a, O>) -> Result<(&'a TcMsg<O>, Attrs<'a, O>), Errno> {
    let attrs = TC_GET.lenient(request)?;
    let (header, _) = request.message.body::<TcMsg<O>>()?;
    Ok((header, attrs))
}

/// `tc_get_qdisc`: notifies the group of the discipline, and the socket that asks only with `NLM_F_ECHO`.
pub(super) fn get_qdisc<O: ByteOrder>(
    request: &mut Request<'_, O>,
    out: &mut Out<'_, O>,
) -> Result<(), Errno> {
    let (header, attrs) = read(request)?;
    let link = request.view.link(header.index.get()).ok_or(Errno::ENODEV)?;
    let (errno, why) = match header.parent.get() {
        0 => (Errno::ENOENT, "Failed to find qdisc with specified handle"),
        ROOT if header.handle.get() != 0 => (Errno::EINVAL, "Invalid handle"),
        ROOT if attrs.last_of(TCA_KIND).is_some_and(|kind| !kind.is_text(link.qdisc)) => {
            (Errno::EINVAL, "Invalid qdisc name: must match existing qdisc")
        }
        ROOT if request.message.flags().contains(MessageFlags::ECHO) => return Ok(send(link, out)?),
        ROOT => return Ok(()),
        parent if parent & INGRESS == INGRESS => {
            (Errno::ENOENT, "Cannot find specified qdisc on specified device")
        }
        _ => (Errno::ENOENT, "Failed to find qdisc with specified classid"),
    };
    Err(request.ext.because(errno, why))
}

/// `tc_ctl_tclass`: there are none.
pub(super) fn get_class<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let (header, _) = read(request)?;
    request.view.link(header.index.get()).ok_or(Errno::ENODEV)?;
    // The major numbers of both, if there are both.
    let majors = [header.handle, header.parent].map(|number| number.get() >> 16);
    let differ = majors[0] != majors[1] && !majors.contains(&0);
    Err(if differ && header.parent.get() != ROOT { Errno::EINVAL } else { Errno::ENOENT })
}

/// `tc_get_tfilter`: there are none, and nothing they could be at.
pub(super) fn get_filter<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let (header, attrs) = read(request)?;
    if header.info.get() >> 16 == 0 {
        return Err(request.ext.because(Errno::ENOENT, "Invalid filter command with priority of zero"));
    }
    let long = attrs.last_of(TCA_KIND).is_some_and(|kind| kind.text().len() >= IF_NAME_SIZE);
    Err(find_block(request, header, long.then_some("Specified TC filter name too long")))
}

/// `tc_ctl_chain`.
pub(super) fn get_chain<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let (header, _) = read(request)?;
    Err(find_block(request, header, None))
}

/// `tcf_block_find` fails: there are no shared blocks, and no discipline of a link has filters. `fault` is a
/// fault of a request for a shared block that the kernel reports first.
fn find_block<O: ByteOrder>(
    request: &mut Request<'_, O>,
    header: &TcMsg<O>,
    fault: Option<&'static str>,
) -> Errno {
    let index = header.index.get();
    match (index, header.parent.get()) {
        (MAGIC_BLOCK, _) => request.invalid(fault.unwrap_or("Block of given index was not found")),
        _ if request.view.link(index).is_none() => Errno::ENODEV,
        (_, 0) => request.invalid("Qdisc not classful"),
        _ => request.invalid("Parent Qdisc doesn't exists"),
    }
}

/// `tc_ctl_action`: there are none, so that only none can be found.
pub(super) fn get_action<O: ByteOrder>(
    request: &mut Request<'_, O>,
    out: &mut Out<'_, O>,
) -> Result<(), Errno> {
    let attrs = ACTION_GET.lenient(request)?;
    let Some(table) = attrs.last_of(TCA_ROOT_TAB) else {
        return Err(request.invalid("Netlink action attributes missing"));
    };
    let Some(first) = ACTION_TABLE.check(request, table.nested(), Check::Lenient)?.last_of(1) else {
        return Ok(out.message(RTM_GETACTION, |body| {
            body.put(&[0u8; 4])?;
            body.nest(TCA_ROOT_TAB, |_| Ok(()))
        })?);
    };
    // TCA_ACT_INDEX
    let index = ACTION.check(request, first.nested(), Check::Lenient)?.last_of(3);
    let why =
        if index.is_some() { "Specified TC action kind not found" } else { "Invalid TC action index value" };
    Err(request.invalid(why))
}

/// `tc_dump_action`.
pub(super) fn start_action<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    ACTION_DUMP.lenient(request)?;
    Ok(Query::Nothing)
}

/// `dcb_doit` (`net/dcb/dcbnl.c`): no link can do it.
pub(super) fn get_dcb<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let attrs = DCB_GET.lenient(request)?;
    // `DCB_ATTR_IFNAME`
    let name = attrs.last_of(1);
    match request.message.payload().get(1) {
        Some(28..) => Err(Errno::EINVAL),
        // `DCB_CMD_UNDEFINED`
        Some(0) => Err(Errno::EOPNOTSUPP),
        // Those that set something, whatever the message's type.
        Some(2 | 4 | 6 | 8 | 9 | 13 | 15 | 17 | 19 | 20 | 23 | 25 | 27) => Err(Errno::EPERM),
        _ => match name.map(|name| request.view.link_named(name.string())) {
            None => Err(Errno::EINVAL),
            Some(None) => Err(Errno::ENODEV),
            Some(Some(_)) => Err(Errno::EOPNOTSUPP),
        },
    }
}

/// `tc_dump_tfilter`, `tc_dump_chain`, which do not mind a short header.
pub(super) fn start_filter<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let format = if request.message.kind() == RTM_GETTFILTER { TFILTER_DUMP } else { TC_GET };
    if request.message.payload().len() >= format.size {
        format.lenient(request)?;
    }
    Ok(Query::Nothing)
}

/// `tc_dump_qdisc`. Also for one link it shows those of all.
pub(super) fn start_qdisc<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let (_, attrs) = read(request)?;
    request.has_leftover = attrs.clone().any(|attr| attr.is_err());
    Ok(Query::Qdiscs)
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>) -> StepResult {
    let link = out.view.links.get(out.at)?;
    // `tc_qdisc_dump_ignore`: a link that was never up has no discipline of its own.
    when(link.qdisc != b"noop", || send(link, out))
}

/// `tc_fill_qdisc`, of a discipline without options through which nothing has gone.
fn send<O: ByteOrder>(link: &Link<'_>, out: &mut Out<'_, O>) -> Result<(), Full> {
    out.message(RTM_NEWQDISC, |body| {
        body.put(&TcMsg::<O> {
            index: U32::new(link.index),
            parent: U32::new(ROOT),
            info: U32::new(2), // References.
            ..TcMsg::default()
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
