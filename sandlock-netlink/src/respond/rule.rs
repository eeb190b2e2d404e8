//! `RTM_GETRULE`: `net/core/fib_rules.c`.

use zerocopy::ByteOrder;

use super::requests::*;
use super::{Ask, At, Next, Out, Query, when};
use crate::Errno;
use crate::rtnetlink::*;

/// `fib_nl_dumprule`.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    if ask.strict() {
        RULE_DUMP.strict(ask)?;
    }
    match ask.family() {
        family @ (AF_UNSPEC | AF_INET | AF_INET6 | RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => {
            Ok(Query::of(family))
        }
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

pub(super) fn step<O: ByteOrder>(At { view, query, at }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let rule = view.rules.get(at)?;
    let asked = query.family == AF_UNSPEC || query.family == rule.family;
    when(asked, || out.message(RTM_NEWRULE, |body| rule.write(body)))
}
