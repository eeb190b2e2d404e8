//! Routes: `RTM_NEWROUTE`, and which of them a packet takes.

use core::net::IpAddr;

use zerocopy::{ByteOrder, U32};

use crate::rtnetlink::*;
use crate::{Body, Full, ip};

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to: an address of the destination, which also gives the family.
    pub dst: IpAddr,
    /// How many bits of it count.
    pub prefix_len: u8,
    /// `RT_TABLE_*`.
    pub table: u32,
    /// `RTPROT_*`: who made it.
    pub protocol: u8,
    /// `RT_SCOPE_*`; always `RT_SCOPE_UNIVERSE` of IPv6.
    pub scope: u8,
    /// `RTN_*`.
    pub kind: u8,
    /// The index of the link it leads out of, or 0.
    pub oif: u32,
    /// The next router, if there is one.
    pub gateway: Option<IpAddr>,
    /// The source that packets get which have none.
    pub prefsrc: Option<IpAddr>,
    /// The lower, the more it is preferred.
    pub priority: u32,
}

impl Route {
    /// A network that is reached directly, as the kernel makes the route for a new address.
    pub const fn connected(dst: IpAddr, prefix_len: u8, oif: u32) -> Self {
        Self {
            dst,
            prefix_len,
            table: RT_TABLE_MAIN,
            protocol: RTPROT_KERNEL,
            scope: if dst.is_ipv4() { RT_SCOPE_LINK } else { RT_SCOPE_UNIVERSE },
            kind: RTN_UNICAST,
            oif,
            gateway: None,
            prefsrc: None,
            priority: 0,
        }
    }

    /// An address of this machine, or a network of them: IPv4.
    pub const fn local4(dst: IpAddr, prefix_len: u8, oif: u32, prefsrc: IpAddr) -> Self {
        Self {
            table: RT_TABLE_LOCAL,
            scope: crate::rtnetlink::RT_SCOPE_HOST,
            kind: RTN_LOCAL,
            prefsrc: Some(prefsrc),
            ..Self::connected(dst, prefix_len, oif)
        }
    }

    /// An address of this machine: IPv6.
    pub const fn local6(dst: IpAddr, oif: u32) -> Self {
        Self { table: RT_TABLE_LOCAL, kind: RTN_LOCAL, ..Self::connected(dst, 128, oif) }
    }

    /// The header. For IPv4 the kernel keeps the local table within the main one as long as there
    /// are no rules but the first three, and then a lookup names the main table.
    pub(crate) fn header<O: ByteOrder>(&self, table: u32) -> RtMsg<O> {
        RtMsg {
            family: ip::family(self.dst),
            dst_len: self.prefix_len,
            table: short_table(table),
            protocol: self.protocol,
            scope: self.scope,
            kind: self.kind,
            ..RtMsg::default()
        }
    }

    /// Writes the body of an `RTM_NEWROUTE`, as `fib_dump_info` (`net/ipv4/fib_semantics.c`) and
    /// `rt6_fill_node` (`net/ipv6/route.c`) do.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn write<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        self.write_as_of(self.table, 0, body)
    }

    /// The same, in a table with that number, for what arrives at a link unless that is 0.
    pub(crate) fn write_as_of<O: ByteOrder>(
        &self,
        table: u32,
        iif: u32,
        body: &mut Body<'_, O>,
    ) -> Result<(), Full> {
        body.put(&self.header::<O>(table))?;
        body.u32(RTA_TABLE, table)?;
        if self.prefix_len != 0 {
            ip::write(body, RTA_DST, self.dst)?;
        }
        if iif != 0 {
            body.u32(RTA_IIF, iif)?;
        }
        let v6 = self.dst.is_ipv6();
        if self.priority != 0 && !v6 {
            body.u32(RTA_PRIORITY, self.priority)?;
        }
        self.prefsrc.map_or(Ok(()), |src| ip::write(body, RTA_PREFSRC, src))?;
        if v6 {
            body.u32(RTA_PRIORITY, self.priority)?;
        }
        self.gateway.map_or(Ok(()), |gateway| ip::write(body, RTA_GATEWAY, gateway))?;
        if self.oif != 0 {
            body.u32(RTA_OIF, self.oif)?;
        }
        if v6 {
            write_cache_info(body, 0)?;
            body.u8(RTA_PREF, 0)?;
        }
        Ok(())
    }

    /// Whether it leads to an address.
    pub(crate) fn covers(&self, ip: IpAddr) -> bool {
        ip::same_prefix(self.dst, ip, self.prefix_len)
    }
}

/// `rtm_table`, which has eight bits.
pub(crate) fn short_table(table: u32) -> u8 {
    u8::try_from(table).unwrap_or(u8::try_from(RT_TABLE_COMPAT).unwrap_or(0))
}

/// `RTA_CACHEINFO`: `struct rta_cacheinfo`, whose first word is how often the route is in use.
pub(crate) fn write_cache_info<O: ByteOrder>(body: &mut Body<'_, O>, uses: u32) -> Result<(), Full> {
    body.attr(
        RTA_CACHEINFO,
        &[U32::<O>::new(uses), U32::ZERO, U32::ZERO, U32::ZERO, U32::ZERO, U32::ZERO, U32::ZERO, U32::ZERO],
    )
}
