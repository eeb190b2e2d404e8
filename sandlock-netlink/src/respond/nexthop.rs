//! Next hops (`net/ipv4/nexthop.c`) and numbers of namespaces (`net/core/net_namespace.c`), of which
//! there are none.

use zerocopy::ByteOrder;

use super::format::RequestFormat;
use super::formats::*;
use super::request::{Out, Request};
use crate::attr_policy::Check;
use crate::query::Query;
use crate::rtnetlink::*;
use crate::view::NetnsOf;
use crate::{Attr, Attrs, Errno};

/// The number of an attribute that may be missing, but not be 0: `nh_valid_dump_nhid`.
fn id<O: ByteOrder>(request: &mut Request<'_, O>, attr: Option<&Attr<O>>) -> Result<Option<u32>, Errno> {
    let id = attr.map(|attr| attr.u32()).transpose()?;
    request.refuse_if(id == Some(0), "Invalid nexthop id").map(|()| id)
}

/// `rtm_get_nexthop`, `rtm_get_nexthop_bucket`: `nh_valid_get_del_req`.
pub(super) fn get<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let bucket = request.message.kind() == RTM_GETNEXTHOPBUCKET;
    let format: RequestFormat = if bucket { BUCKET_GET } else { NEXTHOP_GET };
    let attrs = format.full(request)?;
    format.strict_header(request)?;
    let id = id(request, attrs.last_of(NHA_ID))?;
    request.refuse_if(id.is_none(), "Nexthop id is missing")?;
    if bucket {
        let bucket = attrs.last_of(NHA_RES_BUCKET);
        let Some(bucket) = bucket else { return Err(request.invalid("Bucket information is missing")) };
        let index = BUCKET_INDEX.check(request, bucket.nested(), Check::Full)?.last_of(1).is_some();
        request.refuse_if(!index, "Bucket index is missing")?;
    }
    Err(Errno::ENOENT)
}

/// `__nh_valid_dump_req`.
fn filters<O: ByteOrder>(
    request: &mut Request<'_, O>,
    attrs: &Attrs<'_, O>,
    format: &RequestFormat,
) -> Result<Query, Errno> {
    for (kind, why) in [(NHA_OIF, "Invalid device index"), (NHA_MASTER, "Invalid master device index")] {
        let index = attrs.number(kind);
        request.refuse_if(index > i32::MAX.unsigned_abs(), why)?;
    }
    format.strict_header(request).map(|()| Query::Nothing)
}

/// `rtm_dump_nexthop`.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let attrs = NEXTHOP_DUMP.full(request)?;
    filters(request, &attrs, &NEXTHOP_DUMP)
}

/// `rtm_dump_nexthop_bucket`, which does not report why it refuses attributes.
pub(super) fn start_bucket<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let quiet = request.ext;
    let attrs = BUCKET_DUMP.full(request);
    request.ext = quiet;
    let attrs = attrs?;
    let group = id(request, attrs.last_of(NHA_ID))?;
    if let Some(bucket) = attrs.last_of(NHA_RES_BUCKET) {
        let filter = BUCKET_FILTER.check(request, bucket.nested(), Check::Full)?;
        id(request, filter.last_of(3))?;
    }
    let query = filters(request, &attrs, &BUCKET_DUMP)?;
    if group.is_some() { Err(Errno::ENOENT) } else { Ok(query) }
}

/// `rtnl_net_getid`. A process or descriptor that exists is in the guest's own namespace. No namespace has a
/// number.
pub(super) fn get_nsid<O: ByteOrder>(
    request: &mut Request<'_, O>,
    out: &mut Out<'_, O>,
) -> Result<(), Errno> {
    let attrs = NSID_GET.read(request)?;
    let find = |kind| attrs.last_of(kind);
    let named = [NETNSA_PID, NETNSA_FD, NETNSA_NSID].into_iter().find_map(find);
    let Some(named) = named else { return Err(request.invalid("Peer netns reference is missing")) };
    let number = named.u32()?;
    let found = match named.kind() {
        NETNSA_PID => request.view.namespaces.find(NetnsOf::Process(number)),
        NETNSA_FD => request.view.namespaces.find(NetnsOf::Descriptor(number)),
        _ => Err(Errno::ENOENT),
    };
    found.map_err(|errno| request.blame(errno, "Peer netns reference is invalid", named, None))?;
    if let Some(target) = find(NETNSA_TARGET_NSID) {
        let why = "Target netns reference is invalid";
        return Err(request.blame(Errno::EINVAL, why, target, None));
    }
    Ok(out.message(RTM_NEWNSID, |body| {
        body.put(&[0u8; 4])?;
        body.u32(NETNSA_NSID, u32::MAX)
    })?)
}

/// `rtnl_net_dumpid`.
pub(super) fn start_nsid<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    if !request.strict() {
        return Ok(Query::Nothing);
    }
    let attrs = NSID_DUMP.parse_strict(request)?;
    NSID_DUMP.each(request, &attrs, |request, attr| {
        let why = match attr.kind() {
            NETNSA_TARGET_NSID => "Invalid target network namespace id",
            _ => "Unsupported attribute in dump request",
        };
        Err(request.blame(Errno::EINVAL, why, attr, None))
    })?;
    Ok(Query::Nothing)
}
