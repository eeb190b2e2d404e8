//! `RTM_GETRULE`: `net/core/fib_rules.c`.

use zerocopy::ByteOrder;

use super::formats::*;
use super::request::{Out, Request, StepResult, when};
use crate::Errno;
use crate::query::Query;
use crate::rtnetlink::*;

/// `fib_nl_dumprule`.
pub(super) fn start<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    match RULE_DUMP.family(request)? {
        family @ (AF_UNSPEC | AF_INET | AF_INET6 | RTNL_FAMILY_IPMR | RTNL_FAMILY_IP6MR) => {
            Ok(Query::Rules { family })
        }
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

pub(super) fn step<O: ByteOrder>(out: &mut Out<'_, O>, family: u8) -> StepResult {
    let rule = out.view.rules.get(out.at)?;
    let asked = [AF_UNSPEC, rule.family].contains(&family);
    when(asked, || out.message(RTM_NEWRULE, |body| rule.write(body)))
}
