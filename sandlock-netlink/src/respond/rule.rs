//! `RTM_GETRULE`: `net/core/fib_rules.c`.

use zerocopy::ByteOrder;

use super::{Ask, At, Next, Out, Query};
use crate::rtnetlink::*;
use crate::schema::Form;
use crate::{Errno, Full};

const DUMP: Form = Form {
    size: size_of::<FibRuleHdr>(),
    short: "Invalid header for fib rule dump request",
    zero: &[(1, 12)],
    values: "Invalid values in header for fib rule dump request",
    schema: None,
    allowed: &[],
    other: "Invalid data after header in fib rule dump request",
};

/// `fib_nl_dumprule`.
pub(super) fn start<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    if ask.strict() {
        DUMP.strict(ask)?;
    }
    match ask.family() {
        family @ (AF_UNSPEC | AF_INET | AF_INET6 | RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => {
            Ok(Query { family, ..Query::default() })
        }
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

pub(super) fn step<O: ByteOrder>(position: At<'_>, out: &mut Out<'_, '_, O>) -> Result<Next, Full> {
    let At { view, query, at } = position;
    let Some(rule) = view.rules.get(at) else { return Ok(Next::End) };
    if query.family == AF_UNSPEC || query.family == rule.family {
        out.message(RTM_NEWRULE, |body| rule.write(body))?;
    }
    Ok(Next::More)
}
