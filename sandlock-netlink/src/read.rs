//! What messages say, for clients: the other way round than what answers are made of.

use zerocopy::{ByteOrder, U64};

use crate::rtnetlink::*;
use crate::{Addr, Counters, IfName, Link, Malformed, Message, Neigh, Route, Rule, ip};

impl<'a> Link<'a> {
    /// Reads an `RTM_NEWLINK`. What has no field here is what [`write`](Self::write) makes of it.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it has no name, or is shorter than its header.
    pub fn read<O: ByteOrder>(message: &'a Message<O>) -> Result<Self, Malformed> {
        let (info, attrs) = message.body::<IfInfoMsg<O>>()?;
        let mut name = None;
        let mut link = Self {
            index: info.index.get(),
            kind: info.kind.get(),
            flags: LinkFlags::from_bits_retain(info.flags.get()),
            mtu: 0,
            txqlen: 0,
            qdisc: &[],
            address: &[],
            broadcast: &[],
            ..Link::LOOPBACK
        };
        let [min_mtu, max_mtu] = &mut link.mtu_limits;
        for attr in attrs.map_while(Result::ok) {
            match attr.kind() {
                IFLA_IFNAME => name = IfName::new(attr.string()),
                IFLA_MTU => link.mtu = attr.u32()?,
                IFLA_MIN_MTU => *min_mtu = attr.u32()?,
                IFLA_MAX_MTU => *max_mtu = attr.u32()?,
                IFLA_TXQLEN => link.txqlen = attr.u32()?,
                IFLA_OPERSTATE => link.operstate = attr.u8()?,
                IFLA_GROUP => link.group = attr.u32()?,
                IFLA_MASTER => link.master = attr.u32()?,
                IFLA_QDISC => link.qdisc = attr.string(),
                IFLA_ADDRESS => link.address = attr.payload(),
                IFLA_BROADCAST => link.broadcast = attr.payload(),
                IFLA_STATS64 => {
                    let [rx_packets, tx_packets, rx_bytes, tx_bytes] =
                        attr.get::<[U64<O>; 4]>()?.map(U64::get);
                    link.counters = Counters { rx_packets, tx_packets, rx_bytes, tx_bytes };
                }
                _ => {}
            }
        }
        Ok(Self { name: name.ok_or(Malformed::Missing { kind: IFLA_IFNAME })?, ..link })
    }
}

impl Addr {
    /// Reads an `RTM_NEWADDR`.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it has no address, or is shorter than its header.
    pub fn read<O: ByteOrder>(message: &Message<O>) -> Result<Self, Malformed> {
        let (info, attrs) = message.body::<IfAddrMsg<O>>()?;
        let (mut address, mut local) = (None, None);
        let mut addr = Self {
            scope: info.scope,
            flags: info.flags.into(),
            ..Self::new(info.index.get(), ip::unspecified(info.family), info.prefix_len)
        };
        for attr in attrs.map_while(Result::ok) {
            match attr.kind() {
                IFA_ADDRESS => address = ip::read(info.family, attr),
                IFA_LOCAL => local = ip::read(info.family, attr),
                IFA_BROADCAST => addr.broadcast = attr.get::<[u8; 4]>().ok().map(|ip| (*ip).into()),
                IFA_LABEL => addr.label = IfName::new(attr.string()),
                IFA_FLAGS => addr.flags = attr.u32()?,
                IFA_PROTO => addr.protocol = attr.u8()?,
                IFA_CACHEINFO => {
                    let info = attr.get::<CacheInfo<O>>()?;
                    addr.lifetimes = [info.preferred.get(), info.valid.get()];
                }
                _ => {}
            }
        }
        let address = address.ok_or(Malformed::Missing { kind: IFA_ADDRESS })?;
        addr.ip = local.unwrap_or(address);
        addr.peer = (address != addr.ip).then_some(address);
        Ok(addr)
    }
}

impl Route {
    /// Reads an `RTM_NEWROUTE` of IPv4 or IPv6.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it is of another family, or shorter than its header.
    pub fn read<O: ByteOrder>(message: &Message<O>) -> Result<Self, Malformed> {
        let (info, attrs) = message.body::<RtMsg<O>>()?;
        if !matches!(info.family, crate::rtnetlink::AF_INET | crate::rtnetlink::AF_INET6) {
            return Err(Malformed::Missing { kind: RTA_DST });
        }
        let find = |kind| attrs.last_of(kind);
        let read = |kind| find(kind).and_then(|attr| ip::read(info.family, attr));
        let number = |kind| find(kind).map_or(Ok(0), |attr| attr.u32());
        Ok(Self {
            dst: read(RTA_DST).unwrap_or(ip::unspecified(info.family)),
            prefix_len: info.dst_len,
            table: find(RTA_TABLE).map_or(Ok(info.table.into()), |attr| attr.u32())?,
            protocol: info.protocol,
            scope: info.scope,
            kind: info.kind,
            oif: number(RTA_OIF)?,
            gateway: read(RTA_GATEWAY),
            prefsrc: read(RTA_PREFSRC),
            priority: number(RTA_PRIORITY)?,
        })
    }
}

impl Rule {
    /// Reads an `RTM_NEWRULE`.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it is shorter than its header.
    pub fn read<O: ByteOrder>(message: &Message<O>) -> Result<Self, Malformed> {
        let (info, attrs) = message.body::<FibRuleHdr<O>>()?;
        let find = |kind| attrs.last_of(kind);
        Ok(Self {
            family: info.family,
            priority: find(FRA_PRIORITY).map_or(Ok(0), |attr| attr.u32())?,
            table: find(FRA_TABLE).map_or(Ok(info.table.into()), |attr| attr.u32())?,
            action: info.action,
            protocol: find(FRA_PROTOCOL).map_or(Ok(0), |attr| attr.u8())?,
        })
    }
}

impl<'a> Neigh<'a> {
    /// Reads an `RTM_NEWNEIGH` of IPv4 or IPv6.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it has no address of these families, or is shorter than its header.
    pub fn read<O: ByteOrder>(message: &'a Message<O>) -> Result<Self, Malformed> {
        let (info, attrs) = message.body::<NdMsg<O>>()?;
        let ip = attrs.last_of(NDA_DST).and_then(|attr| ip::read(info.family, attr));
        Ok(Self {
            index: info.index.get(),
            ip: ip.ok_or(Malformed::Missing { kind: NDA_DST })?,
            lladdr: attrs.last_of(NDA_LLADDR).map_or(&[][..], |attr| attr.payload()),
            state: info.state.get(),
            flags: info.flags,
            kind: info.kind,
        })
    }
}
