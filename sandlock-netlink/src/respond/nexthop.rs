//! Next hops (`net/ipv4/nexthop.c`) and numbers of namespaces (`net/core/net_namespace.c`), of which
//! there are none.

use zerocopy::ByteOrder;

use super::requests::*;
use super::{Ask, Out, Query};
use crate::rtnetlink::*;
use crate::schema::{Check, INVALID_HEADER_LENGTH, Schema};
use crate::{Attrs, Errno};

fn read<'a, O: ByteOrder>(
    ask: &mut Ask<'a, O>,
    schema: &Schema,
    values: &'static str,
) -> Result<Attrs<'a, O>, Errno> {
    let message = ask.message;
    let rest = message.after(size_of::<NhMsg>());
    let rest = rest.map_err(|_| ask.invalid(INVALID_HEADER_LENGTH))?;
    let attrs = schema.check(ask, Attrs::new(rest), Check::Full)?;
    let header = message.payload().get(1..size_of::<NhMsg>()).unwrap_or_default();
    ask.refuse_if(header.iter().any(|byte| *byte != 0), values)?;
    Ok(attrs)
}

/// `rtm_get_nexthop`, `rtm_get_nexthop_bucket`.
pub(super) fn get<O: ByteOrder>(ask: &mut Ask<'_, O>, _: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let nexthop = ask.message.kind() == RTM_GETNEXTHOP;
    let attrs = read(ask, if nexthop { &NEXTHOP_GET } else { &BUCKET_GET }, "Invalid values in header")?;
    let why = match attrs.last_of(NHA_ID).and_then(|attr| attr.u32().ok()) {
        None => "Nexthop id is missing",
        Some(0) => "Invalid nexthop id",
        Some(_) if nexthop => return Err(Errno::ENOENT),
        Some(_) => "Bucket information is missing",
    };
    Err(ask.invalid(why))
}

/// `rtm_dump_nexthop`.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    read(ask, &NEXTHOP_DUMP, "Invalid values in header for nexthop dump request")?;
    Ok(Query::default())
}

/// `rtm_dump_nexthop_bucket`, which does not say what is wrong with attributes.
pub(super) fn start_bucket<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let quiet = ask.ext;
    let message = ask.message;
    let rest = message.after(size_of::<NhMsg>()).map_err(|_| Errno::EINVAL)?;
    let attrs = BUCKET_DUMP.check(ask, Attrs::new(rest), Check::Full).inspect_err(|_| ask.ext = quiet)?;
    read(ask, &BUCKET_DUMP, "Invalid values in header for nexthop dump request")?;
    if let Some(bucket) = attrs.last_of(NHA_RES_BUCKET) {
        BUCKET.check(ask, bucket.nested(), Check::Full)?;
    }
    if attrs.last_of(NHA_ID).is_some() { Err(Errno::ENOENT) } else { Ok(Query::default()) }
}

/// `rtnl_net_getid`. A process or descriptor that a guest can name is in its own namespace, which has
/// no number.
pub(super) fn get_nsid<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let attrs = NSID_GET.read(ask)?;
    let find = |kind| attrs.last_of(kind);
    let request = ask.message;
    if let Some(nsid) = find(NETNSA_NSID) {
        return Err(ask.ext.blame(Errno::ENOENT, "Peer netns reference is invalid", request, nsid, None));
    }
    let named = find(NETNSA_PID).or_else(|| find(NETNSA_FD));
    ask.refuse_if(named.is_none(), "Peer netns reference is missing")?;
    if let Some(target) = find(NETNSA_TARGET_NSID) {
        let why = "Target netns reference is invalid";
        return Err(ask.ext.blame(Errno::EINVAL, why, request, target, None));
    }
    Ok(out.message(RTM_NEWNSID, |body| {
        body.put(&[0u8; 4])?;
        body.u32(NETNSA_NSID, u32::MAX)
    })?)
}

/// `rtnl_net_dumpid`.
pub(super) fn start_nsid<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    if !ask.strict() {
        return Ok(Query::default());
    }
    let request = ask.message;
    let rest = request.after(1).unwrap_or_default();
    let Some(attr) = NSID.check(ask, Attrs::new(rest), Check::Strict)?.flatten().next() else {
        return Ok(Query::default());
    };
    let why = match attr.kind() {
        NETNSA_TARGET_NSID => "Invalid target network namespace id",
        _ => "Unsupported attribute in dump request",
    };
    Err(ask.ext.blame(Errno::EINVAL, why, request, attr, None))
}
