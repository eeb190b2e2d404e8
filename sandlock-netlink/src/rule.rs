//! Rules, by which a table of routes is chosen: `RTM_NEWRULE`.

use zerocopy::ByteOrder;

use crate::route::short_table;
use crate::rtnetlink::*;
use crate::{Body, Full};

/// A rule for all packets of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `AF_INET`, `AF_INET6`, `RTNL_FAMILY_IPMR` or `RTNL_FAMILY_IP6MR`.
    pub family: u8,
    /// The lower, the earlier it is tried.
    pub priority: u32,
    /// The table that is looked up.
    pub table: u32,
    /// `FR_ACT_*`.
    pub action: u8,
    /// `RTPROT_*`: who made it.
    pub protocol: u8,
}

impl Rule {
    /// The rules of a new network namespace, in the order of a dump.
    pub const DEFAULT: &'static [Self] = &[
        Self::new(AF_INET, 0, RT_TABLE_LOCAL),
        Self::new(AF_INET, 32766, RT_TABLE_MAIN),
        Self::new(AF_INET, 32767, RT_TABLE_DEFAULT),
        Self::new(RTNL_FAMILY_IPMR, 32767, RT_TABLE_DEFAULT),
        Self::new(RTNL_FAMILY_IP6MR, 32767, RT_TABLE_MAIN),
        Self::new(AF_INET6, 0, RT_TABLE_LOCAL),
        Self::new(AF_INET6, 32766, RT_TABLE_MAIN),
    ];

    const fn new(family: u8, priority: u32, table: u32) -> Self {
        Self { family, priority, table, action: FR_ACT_TO_TBL, protocol: RTPROT_KERNEL }
    }

    /// Writes the body of an `RTM_NEWRULE`, as `fib_nl_fill_rule` (`net/core/fib_rules.c`) does.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn write<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        body.put(&FibRuleHdr::<O> {
            family: self.family,
            table: short_table(self.table),
            action: self.action,
            ..FibRuleHdr::default()
        })?;
        body.u32(FRA_TABLE, self.table)?;
        body.u32(FRA_SUPPRESS_PREFIXLEN, u32::MAX)?;
        body.u8(FRA_PROTOCOL, self.protocol)?;
        if self.priority == 0 { Ok(()) } else { body.u32(FRA_PRIORITY, self.priority) }
    }
}
