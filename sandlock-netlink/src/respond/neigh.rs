//! `RTM_GETNEIGH` (`net/core/neighbour.c`), and requests about bridges: forwarding entries, groups
//! and tunnels (`net/core/rtnetlink.c`, `drivers/net/vxlan/vxlan_vnifilter.c`).

use zerocopy::{ByteOrder, U32};

use super::format::{INVALID_HEADER_LENGTH, RequestFormat};
use super::formats::*;
use super::request::{Out, Request, StepResult, when};
use crate::query::Query;
use crate::rtnetlink::*;
use crate::{Attrs, Errno, MessageFlags, ip};

/// Whether a request has flags besides these.
fn has_flags<O: ByteOrder>(request: &Request<'_, O>, but: u8) -> bool {
    request.message.body::<NdMsg<O>>().is_ok_and(|(header, _)| header.flags & !but != 0)
}

/// The index that a header with a family in front has at 4.
fn index_of<O: ByteOrder>(request: &Request<'_, O>) -> u32 {
    request.message.body::<[U32<O>; 2]>().map_or(0, |([_, index], _)| index.get())
}

/// `neigh_get`. Requests for one neighbour are always read strictly.
pub(super) fn get<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    NEIGH_GET.strict_header(request)?;
    request.refuse_if(has_flags(request, NTF_PROXY), "Invalid flags in header for neighbor get request")?;
    let (index, proxy) = (index_of(request), has_flags(request, 0));
    request.refuse_if(index == 0 && !proxy, "No device specified")?;
    let attrs = NEIGH_GET.parse_strict(request)?;
    let Some(dst) = attrs.last_of(NDA_DST) else { return Err(request.ext.missing(NDA_DST)) };
    NEIGH_GET.each(request, &attrs, |_, _| Ok(()))?;
    let family = request.family();
    if !matches!(family, AF_INET | AF_INET6) {
        let why = "Unsupported family in header for neighbor get request";
        return Err(request.ext.because(Errno::EAFNOSUPPORT, why));
    }
    let len = if family == AF_INET { 4 } else { 16 };
    let Some(ip) = ip::read(family, dst).filter(|_| dst.payload().len() == len) else {
        return Err(request.invalid("Invalid network address in neighbor get request"));
    };
    if index != 0 && request.view.link(index).is_none() {
        return Err(request.ext.because(Errno::ENODEV, "Unknown device ifindex"));
    }
    if proxy {
        return Err(request.ext.because(Errno::ENOENT, "Proxy neighbour entry not found"));
    }
    let neigh = request.view.neighs.iter().find(|neigh| neigh.ip == ip && neigh.index == index);
    let neigh = neigh.ok_or_else(|| request.ext.because(Errno::ENOENT, "Neighbour entry not found"))?;
    Ok(out.message(RTM_NEWNEIGH, |body| neigh.write(body))?)
}

/// `neigh_dump_info`.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let attrs = if request.strict() {
        NEIGH_DUMP.strict_header(request)?;
        request
            .refuse_if(has_flags(request, NTF_PROXY), "Invalid flags in header for neighbor dump request")?;
        Some(NEIGH_DUMP.strict(request)?)
    } else {
        // A fault here is reported, but is no error.
        RequestFormat { short: INVALID_HEADER_LENGTH, ..NEIGH_DUMP }.lenient(request).ok()
    };
    let attrs = attrs.unwrap_or(Attrs::new(&[]));
    let [index, master] = [NDA_IFINDEX, NDA_MASTER].map(|kind| attrs.number(kind));
    request.object_flags.set(MessageFlags::DUMP_FILTERED, index != 0 || master != 0);
    // There are no entries of proxies.
    let of_proxies = has_flags(request, 0) && !has_flags(request, !NTF_PROXY);
    Ok(if of_proxies { Query::Nothing } else { Query::Neighs { family: request.family(), index, master } })
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, family: u8, index: u32, master: u32) -> StepResult {
    let neigh = out.view.neighs.get(out.at)?;
    let family = [0, ip::family(neigh.ip)].contains(&family);
    let index = [0, neigh.index].contains(&index);
    let master = out.view.link(neigh.index).map_or(master == 0, |link| link.is_of_master(master));
    when(family && index && master, || out.message(RTM_NEWNEIGH, |body| neigh.write(body)))
}

/// `rtnl_fdb_get`: no link is a bridge or in one.
pub(super) fn get_fdb<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    FDB_GET.strict_header(request)?;
    request.refuse_if(
        has_flags(request, NTF_MASTER | NTF_SELF),
        "Invalid flags in header for fdb get request",
    )?;
    let attrs = FDB_GET.parse_strict(request)?;
    FDB_GET.each(request, &attrs, |request, attr| match (attr.kind(), attr.payload().len()) {
        (NDA_LLADDR, len) => request.refuse_if(len != 6, "Invalid address in fdb get request"),
        (NDA_VLAN, len) => {
            request.refuse_if(len != 2, "invalid vlan attribute size")?;
            request.refuse_if(!(1..0xfff).contains(&attr.u16()?), "invalid vlan id")
        }
        _ => Ok(()),
    })?;
    request.refuse_if(attrs.last_of(NDA_LLADDR).is_none(), "Missing lookup address for fdb get request")?;
    let index = index_of(request);
    if index != 0 && request.view.link(index).is_none() {
        return Err(request.ext.because(Errno::ENODEV, "Unknown device ifindex"));
    }
    let master = attrs.number(NDA_MASTER);
    let (errno, why) = match (index, master) {
        (0, 0) => (Errno::ENODEV, "No device specified"),
        (0, _) if request.view.link(master).is_none() => (Errno::EINVAL, "Invalid master ifindex"),
        (_, 0) if !has_flags(request, NTF_SELF) && has_flags(request, 0) => {
            (Errno::EOPNOTSUPP, "Fdb get operation not supported by device")
        }
        (_, 0) => (Errno::EINVAL, "Device is not a bridge port"),
        (0, _) => (Errno::EOPNOTSUPP, "Fdb get operation not supported by device"),
        _ => (Errno::EINVAL, "Master and device are mutually exclusive"),
    };
    Err(request.ext.because(errno, why))
}

/// `rtnl_fdb_dump`. Old clients send a `struct ifinfomsg`, of which all may be wrong but its length.
pub(super) fn start_fdb<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let mut master = 0;
    if request.strict() {
        FDB_DUMP.strict_header(request)?;
        let attrs = FDB_DUMP.parse_strict(request)?;
        FDB_DUMP.each(request, &attrs, |request, attr| {
            let why = match attr.kind() {
                NDA_IFINDEX => "Invalid IFINDEX attribute in fdb dump request",
                _ => "Invalid MASTER attribute in fdb dump request",
            };
            request.refuse_if(attr.payload().len() != 4, why)
        })?;
        master = attrs.number(NDA_MASTER);
    } else if ![NEIGH_GET.size, NEIGH_GET.size.wrapping_add(8)].contains(&request.message.payload().len()) {
        let old = RequestFormat { size: 16, short: INVALID_HEADER_LENGTH, policy: Some(&LINK), ..FDB_DUMP };
        master = old.lenient(request).map_err(|_| Errno::EINVAL)?.number(IFLA_MASTER);
    }
    if master != 0 && request.view.link(master).is_none() { Err(Errno::ENODEV) } else { Ok(Query::Nothing) }
}

/// `rtnl_mdb_get`.
pub(super) fn get_mdb<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let attrs = MDB_GET.full(request)?;
    let index = index_of(request);
    request.refuse_if(index == 0, "Invalid ifindex")?;
    if request.view.link(index).is_none() {
        return Err(request.ext.because(Errno::ENODEV, "Device doesn't exist"));
    }
    if attrs.last_of(MDBA_GET_ENTRY).is_none() {
        request.ext.missing(MDBA_GET_ENTRY);
        return Err(request.invalid("Missing MDBA_GET_ENTRY attribute"));
    }
    Err(request.ext.because(Errno::EOPNOTSUPP, "Device does not support MDB operations"))
}

/// `rtnl_mdb_dump`.
pub(super) fn start_mdb<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    if request.strict() {
        MDB_DUMP.strict_header(request)?;
        request.refuse_if(
            index_of(request) != 0,
            "Filtering by device index is not supported for mdb dump request",
        )?;
        MDB_DUMP.strict(request)?;
    }
    Ok(Query::Nothing)
}

/// `vxlan_vnifilter_dump`: no link is a tunnel.
pub(super) fn start_tunnel<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    request.refuse_if(request.message.payload().len() < 8, "Invalid msg length")?;
    // `struct tunnel_msg`: of its flags there is one, `TUNNEL_MSG_FLAG_STATS`.
    request.refuse_if(
        request.message.payload().get(1).is_some_and(|flags| flags & !1 != 0),
        "Invalid tunnelmsg flags in ancillary header",
    )?;
    match index_of(request) {
        0 => Ok(Query::Nothing),
        index if request.view.link(index).is_none() => Err(Errno::ENODEV),
        _ => Err(request.invalid("The device is not a vxlan device")),
    }
}
