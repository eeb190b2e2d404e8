//! `RTM_GETNEIGH` (`net/core/neighbour.c`), and what is asked about bridges: forwarding entries, groups
//! and tunnels (`net/core/rtnetlink.c`, `drivers/net/vxlan/vxlan_vnifilter.c`).

use zerocopy::{ByteOrder, U32};

use super::requests::*;
use super::{Ask, At, Next, Out, Query, when};
use crate::rtnetlink::*;
use crate::schema::{Check, Form, INVALID_HEADER_LENGTH};
use crate::{Attr, Attrs, Errno, ip};

/// The size of the `struct br_mdb_entry` in `MDBA_GET_ENTRY`.
const MDB_ENTRY_SIZE: usize = 28;

/// Whether a request has flags besides these.
fn has_flags<O: ByteOrder>(ask: &Ask<'_, O>, but: u8) -> bool {
    ask.message.body::<NdMsg<O>>().is_ok_and(|(header, _)| header.flags & !but != 0)
}

/// The index that a header with a family in front has at 4.
fn index_of<O: ByteOrder>(ask: &Ask<'_, O>) -> u32 {
    ask.message.body::<[U32<O>; 2]>().map_or(0, |([_, index], _)| index.get())
}

/// `neigh_get`. Requests for one neighbour are always read strictly.
pub(super) fn get<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    NEIGH_GET.strict_header(ask)?;
    ask.refuse_if(has_flags(ask, NTF_PROXY), "Invalid flags in header for neighbor get request")?;
    let (index, proxy) = (index_of(ask), has_flags(ask, 0));
    ask.refuse_if(index == 0 && !proxy, "No device specified")?;
    let rest = ask.message.after(NEIGH_GET.size).unwrap_or_default();
    let attrs = NEIGH.check(ask, Attrs::new(rest), Check::Strict)?;
    let Some(dst) = attrs.last_of(NDA_DST) else { return Err(ask.ext.missing(NDA_DST)) };
    let family = ask.family();
    if !matches!(family, AF_INET | AF_INET6) {
        let why = "Unsupported family in header for neighbor get request";
        return Err(ask.ext.because(Errno::EAFNOSUPPORT, why));
    }
    let len = if family == AF_INET { 4 } else { 16 };
    let Some(ip) = ip::read(family, dst).filter(|_| dst.payload().len() == len) else {
        return Err(ask.invalid("Invalid network address in neighbor get request"));
    };
    if index != 0 && ask.view.link(index).is_none() {
        return Err(ask.ext.because(Errno::ENODEV, "Unknown device ifindex"));
    }
    if proxy {
        return Err(ask.ext.because(Errno::ENOENT, "Proxy neighbour entry not found"));
    }
    let neigh = ask.view.neighs.iter().find(|neigh| neigh.ip == ip && neigh.index == index);
    let neigh = neigh.ok_or_else(|| ask.ext.because(Errno::ENOENT, "Neighbour entry not found"))?;
    Ok(out.message(RTM_NEWNEIGH, |body| neigh.write(body))?)
}

/// `neigh_dump_info`.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let attrs = if ask.strict() {
        let attrs = NEIGH_DUMP.strict(ask)?;
        ask.refuse_if(has_flags(ask, NTF_PROXY), "Invalid flags in header for neighbor dump request")?;
        Some(attrs)
    } else {
        // What is wrong here is only told.
        Form { short: INVALID_HEADER_LENGTH, ..NEIGH_DUMP }.lenient(ask).ok()
    };
    let number = |kind| {
        attrs.as_ref().and_then(|attrs| attrs.last_of(kind)).and_then(|attr: &Attr<O>| attr.u32().ok())
    };
    let [index, master] = [NDA_IFINDEX, NDA_MASTER].map(|kind| number(kind).unwrap_or(0));
    Ok(Query {
        family: ask.family(),
        index,
        table: master,
        nothing: has_flags(ask, !NTF_PROXY) ^ has_flags(ask, 0),
        filtered: index != 0 || master != 0,
        ..Query::default()
    })
}

pub(super) fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let neigh = view.neighs.get(at).filter(|_| !query.nothing)?;
    let family = query.family == 0 || query.family == ip::family(neigh.ip);
    let index = query.index == 0 || query.index == neigh.index;
    // The query's table is the master it asks for.
    let master = query.table == 0 || view.link(neigh.index).is_some_and(|link| link.master == query.table);
    when(family && index && master, || out.message(RTM_NEWNEIGH, |body| neigh.write(body)))
}

/// `rtnl_fdb_get`: no link is a bridge or in one.
pub(super) fn get_fdb<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let attrs = FDB_GET.strict(ask)?;
    ask.refuse_if(has_flags(ask, NTF_MASTER | NTF_SELF), "Invalid flags in header for fdb get request")?;
    let address = attrs.last_of(NDA_LLADDR);
    let odd_address = address.is_some_and(|address| address.payload().len() != 6);
    ask.refuse_if(odd_address, "Invalid address in fdb get request")?;
    if let Some(vlan) = attrs.last_of(NDA_VLAN) {
        ask.refuse_if(vlan.payload().len() != 2, "invalid vlan attribute size")?;
        ask.refuse_if(!(1..0xfff).contains(&vlan.u16()?), "invalid vlan id")?;
    }
    let (errno, why) = match (address, index_of(ask)) {
        (None, _) => (Errno::EINVAL, "Missing lookup address for fdb get request"),
        (_, 0) => (Errno::ENODEV, "No device specified"),
        (_, index) if ask.view.link(index).is_none() => (Errno::ENODEV, "Unknown device ifindex"),
        _ => (Errno::EINVAL, "Device is not a bridge port"),
    };
    Err(ask.ext.because(errno, why))
}

/// `rtnl_fdb_dump`. Old clients send a `struct ifinfomsg`, of which all may be wrong but its length.
pub(super) fn start_fdb<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    if ask.strict() {
        let attrs = FDB_DUMP.strict(ask)?;
        let short = |kind| attrs.last_of(kind).is_some_and(|attr| attr.payload().len() != 4);
        ask.refuse_if(short(NDA_IFINDEX), "Invalid IFINDEX attribute in fdb dump request")?;
        ask.refuse_if(short(NDA_MASTER), "Invalid MASTER attribute in fdb dump request")?;
    } else if ![NEIGH_GET.size, NEIGH_GET.size.wrapping_add(8)].contains(&ask.message.payload().len()) {
        let old = Form { size: 16, short: INVALID_HEADER_LENGTH, schema: Some(&LINK), ..FDB_DUMP };
        old.lenient(ask).map_err(|_| Errno::EINVAL)?;
    }
    Ok(Query::default())
}

/// `rtnl_mdb_get`.
pub(super) fn get_mdb<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let form = Form { short: INVALID_HEADER_LENGTH, schema: Some(&MDB_GET), ..MDB_DUMP };
    let attrs = Form { allowed: &[MDBA_GET_ENTRY], ..form }.strict(ask)?;
    let index = index_of(ask);
    let entry = attrs.last_of(MDBA_GET_ENTRY);
    if let Some(entry) = entry.filter(|entry| entry.payload().len() != MDB_ENTRY_SIZE) {
        let request = ask.message;
        return Err(ask.ext.blame(Errno::EINVAL, "Invalid attribute length", request, entry, None));
    }
    let names_link = entry.is_some_and(|entry| entry.u32() != Ok(0));
    let (errno, why) = match entry {
        _ if names_link => (Errno::EINVAL, "Entry ifindex cannot be specified"),
        _ if index == 0 => (Errno::EINVAL, "Invalid ifindex"),
        _ if ask.view.link(index).is_none() => (Errno::ENODEV, "Device doesn't exist"),
        None => {
            ask.ext.missing(MDBA_GET_ENTRY);
            (Errno::EINVAL, "Missing MDBA_GET_ENTRY attribute")
        }
        Some(_) => (Errno::EOPNOTSUPP, "Device does not support MDB operations"),
    };
    Err(ask.ext.because(errno, why))
}

/// `rtnl_mdb_dump`.
pub(super) fn start_mdb<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    if ask.strict() {
        MDB_DUMP.strict_header(ask)?;
        ask.refuse_if(index_of(ask) != 0, "Filtering by device index is not supported for mdb dump request")?;
        MDB_DUMP.strict(ask)?;
    }
    Ok(Query::default())
}

/// `vxlan_vnifilter_dump`: no link is a tunnel.
pub(super) fn start_tunnel<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    ask.refuse_if(ask.message.payload().len() < 8, "Invalid msg length")?;
    // `struct tunnel_msg`: of its flags there is one, `TUNNEL_MSG_FLAG_STATS`.
    ask.refuse_if(
        ask.message.payload().get(1).is_some_and(|flags| flags & !1 != 0),
        "Invalid tunnelmsg flags in ancillary header",
    )?;
    match index_of(ask) {
        0 => Ok(Query::default()),
        index if ask.view.link(index).is_none() => Err(Errno::ENODEV),
        _ => Err(ask.invalid("The device is not a vxlan device")),
    }
}
