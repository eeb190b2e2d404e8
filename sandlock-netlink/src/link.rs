//! Links: `RTM_NEWLINK`.

use zerocopy::{ByteOrder, U16, U32};

use crate::rtnetlink::*;
use crate::{Body, Full, IfName, NLA_F_NESTED};

/// `BASE_REACHABLE_TIME`, in milliseconds: what the kernel draws the real one around.
pub(crate) const REACHABLE: u32 = 30_000;

/// -1.
const NEGATIVE: u32 = u32::MAX;

/// `IPV4_DEVCONF_*` (`linux/ip.h`), from 1 on, as a link in a new network namespace has them.
#[rustfmt::skip]
const CONF4: [u32; 33] = [
    0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10_000, 1000, 0, 0, 0, 0, 1,
];

/// `DEVCONF_*` (`linux/ipv6.h`), as a link in a new network namespace has them.
#[rustfmt::skip]
const CONF6: [u32; 60] = [
    0, 64, 1500, 1, 1, 1, 1, NEGATIVE, 4000, 1000, 0, 604_800, 86_400, 3, 600, 16, 0, 1, 1, 1,
    60_000, 0, 0, 0, 0, 0, 0, 1, 0, 0, 10_000, 1000, 1, 0, 0, 1, 0, 0, 1, 0,
    0, 0, 0, 3_600_000, 0, 0, 1, 0, 0, 0, 0, 0, 1024, 0, 65535, NEGATIVE, 1, 0, 0, 0,
];

/// The counters of a link that most readers look at; all others are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
}

impl Counters {
    /// In the order of `struct rtnl_link_stats64`.
    pub(crate) const fn first(self) -> [u64; 4] {
        [self.rx_packets, self.tx_packets, self.rx_bytes, self.tx_bytes]
    }
}

/// A network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The interface's index: positive, unique.
    pub index: u32,
    /// The name: unique.
    pub name: IfName,
    /// `ARPHRD_*`.
    pub kind: u16,
    /// `IFF_*`.
    pub flags: LinkFlags,
    /// The maximum transmission unit, in bytes.
    pub mtu: u32,
    /// The smallest and the largest that may be set; 0: no such limit.
    pub mtu_limits: [u32; 2],
    /// The length of the transmission queue, in packets.
    pub txqlen: u32,
    /// `IF_OPER_*`.
    pub operstate: u8,
    /// The group it was put in.
    pub group: u32,
    /// The index of the link it is a part of, or 0.
    pub master: u32,
    /// The name of its queueing discipline.
    pub qdisc: &'a [u8],
    /// The hardware address: at most 32 bytes in the kernel.
    pub address: &'a [u8],
    /// The hardware broadcast address, as long as the other.
    pub broadcast: &'a [u8],
    /// What went through it.
    pub counters: Counters,
}

impl<'a> Link<'a> {
    /// A network namespace's own `lo`, up.
    pub const LOOPBACK: Link<'static> = Link {
        index: 1,
        name: IfName::LO,
        kind: ARPHRD_LOOPBACK,
        flags: LinkFlags::UP.union(LinkFlags::LOOPBACK).union(LinkFlags::RUNNING).union(LinkFlags::LOWER_UP),
        mtu: 65536,
        mtu_limits: [0, 0],
        txqlen: 1000,
        operstate: IF_OPER_UNKNOWN,
        group: 0,
        master: 0,
        qdisc: b"noqueue",
        address: &[0; 6],
        broadcast: &[0; 6],
        counters: Counters { rx_packets: 0, tx_packets: 0, rx_bytes: 0, tx_bytes: 0 },
    };

    /// Whether a filter by master leaves it: 0 any, all ones those without one (`link_master_filtered`).
    pub(crate) fn is_of_master(&self, master: u32) -> bool {
        master == 0 || self.master == if master == u32::MAX { 0 } else { master }
    }

    pub(crate) const fn is_loopback(&self) -> bool {
        self.kind == ARPHRD_LOOPBACK
    }

    /// Whether IPv6 is ready on it: `addrconf_link_ready` (`net/ipv6/addrconf.c`).
    pub(crate) const fn is_ready(&self) -> bool {
        self.flags.contains(LinkFlags::UP.union(LinkFlags::LOWER_UP))
    }

    /// `struct ifinfomsg`, as it begins the messages of `family`.
    pub(crate) fn header<O: ByteOrder>(&self, family: u8) -> IfInfoMsg<O> {
        IfInfoMsg {
            family,
            kind: U16::new(self.kind),
            index: U32::new(self.index),
            flags: U32::new(self.flags.bits()),
            ..IfInfoMsg::default()
        }
    }

    /// Writes the body of an `RTM_NEWLINK`, as `rtnl_fill_ifinfo` (`net/core/rtnetlink.c`) does.
    ///
    /// `skip_stats` is `RTEXT_FILTER_SKIP_STATS`, which spares only the statistics of IPv6; `since`
    /// is when the link was made, in hundredths of a second since the machine was started.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn write<O: ByteOrder>(
        &self,
        skip_stats: bool,
        since: u32,
        body: &mut Body<'_, O>,
    ) -> Result<(), Full> {
        self.write_as(&self.header(AF_UNSPEC), Some(self.is_ready()), skip_stats, since, body)
    }

    /// The same with this header. `is_ready` is whether IPv6 is ready on the link; `None`: IP has left it.
    pub(crate) fn write_as<O: ByteOrder>(
        &self,
        header: &IfInfoMsg<O>,
        is_ready: Option<bool>,
        skip_stats: bool,
        since: u32,
        body: &mut Body<'_, O>,
    ) -> Result<(), Full> {
        body.put(header)?;
        body.string(IFLA_IFNAME, self.name.as_bytes())?;
        body.u32(IFLA_TXQLEN, self.txqlen)?;
        let up = self.flags.contains(LinkFlags::UP);
        body.u8(IFLA_OPERSTATE, if up { self.operstate } else { IF_OPER_DOWN })?;
        body.u8(IFLA_LINKMODE, 0)?;
        body.u8(IFLA_NETNS_IMMUTABLE, self.is_loopback().into())?;
        let [min_mtu, max_mtu] = self.mtu_limits;
        for (kind, value) in [
            (IFLA_MTU, self.mtu),
            (IFLA_MIN_MTU, min_mtu),
            (IFLA_MAX_MTU, max_mtu),
            (IFLA_GROUP, self.group),
            (IFLA_PROMISCUITY, 0),
            (IFLA_ALLMULTI, 0),
            (IFLA_NUM_TX_QUEUES, 1),
            (IFLA_GSO_MAX_SEGS, 65535),
            (IFLA_GSO_MAX_SIZE, 65536),
            (IFLA_GRO_MAX_SIZE, 65536),
            (IFLA_GSO_IPV4_MAX_SIZE, 65536),
            (IFLA_GRO_IPV4_MAX_SIZE, 65536),
            (IFLA_TSO_MAX_SIZE, if self.is_loopback() { 524_280 } else { 65536 }),
            (IFLA_TSO_MAX_SEGS, 65535),
            (IFLA_MAX_PACING_OFFLOAD_HORIZON, 0),
            (IFLA_NUM_RX_QUEUES, 1),
        ] {
            body.u32(kind, value)?;
        }
        if self.master != 0 {
            body.u32(IFLA_MASTER, self.master)?;
        }
        body.u8(IFLA_CARRIER, (self.is_loopback() || self.flags.contains(LinkFlags::LOWER_UP)).into())?;
        for kind in [IFLA_CARRIER_CHANGES, IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT] {
            body.u32(kind, 0)?;
        }
        body.u16(IFLA_HEADROOM, 0)?;
        body.u16(IFLA_TAILROOM, 0)?;
        body.u8(IFLA_PROTO_DOWN, 0)?;
        self.write_addresses(body)?;
        let counters = self.counters.first();
        body.counters(IFLA_STATS64, &counters, 25)?;
        body.array(IFLA_STATS, &narrow(counters))?;
        body.nest(IFLA_XDP, |nest| nest.u8(IFLA_XDP_ATTACHED, 0))?;
        body.string(IFLA_QDISC, self.qdisc)?;
        body.nest(IFLA_AF_SPEC, |nest| {
            let Some(is_ready) = is_ready else { return Ok(()) };
            nest.nest(AF_INET.into(), |inet| inet.array(IFLA_INET_CONF, &self.conf4()))?;
            nest.nest(AF_INET6.into(), |inet6| self.write_inet6(is_ready, !skip_stats, since, inet6))
        })?;
        body.attr(IFLA_MAP, &[0u8; 32])?;
        body.nest(IFLA_DEVLINK_PORT | NLA_F_NESTED, |_| Ok(()))?;
        body.nest(IFLA_DPLL_PIN | NLA_F_NESTED, |_| Ok(()))
    }

    /// Writes the IPv6 view of the link: `inet6_fill_ifinfo` (`net/ipv6/addrconf.c`).
    pub(crate) fn write_as_inet6<O: ByteOrder>(
        &self,
        since: u32,
        body: &mut Body<'_, O>,
    ) -> Result<(), Full> {
        body.put(&self.header::<O>(AF_INET6))?;
        body.string(IFLA_IFNAME, self.name.as_bytes())?;
        if !self.address.is_empty() {
            body.attr(IFLA_ADDRESS, self.address)?;
        }
        body.u32(IFLA_MTU, self.mtu)?;
        let up = self.flags.contains(LinkFlags::UP);
        body.u8(IFLA_OPERSTATE, if up { self.operstate } else { IF_OPER_DOWN })?;
        body.nest(IFLA_PROTINFO, |nest| self.write_inet6(self.is_ready(), true, since, nest))
    }

    /// Writes the least that clients do with.
    pub(crate) fn write_minimal<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        body.put(&self.header::<O>(AF_UNSPEC))?;
        body.string(IFLA_IFNAME, self.name.as_bytes())?;
        body.u32(IFLA_TXQLEN, self.txqlen)?;
        body.u32(IFLA_MTU, self.mtu)?;
        self.write_addresses(body)
    }

    fn write_addresses<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        // Some readers stumble over a message that ends with an empty attribute.
        [(IFLA_ADDRESS, self.address), (IFLA_BROADCAST, self.broadcast)]
            .into_iter()
            .filter(|(_, address)| !address.is_empty())
            .try_for_each(|(kind, address)| body.attr(kind, address))
    }

    /// `inet6_fill_ifla6_attrs`.
    fn write_inet6<O: ByteOrder>(
        &self,
        is_ready: bool,
        stats: bool,
        since: u32,
        body: &mut Body<'_, O>,
    ) -> Result<(), Full> {
        // IF_READY, and IF_RS_SENT where routers may be.
        let ready = if self.is_loopback() { 0x8000_0000 } else { 0x8000_0010 };
        body.u32(IFLA_INET6_FLAGS, if is_ready { ready } else { 0 })?;
        body.array(IFLA_INET6_CACHEINFO, &[65535, since, REACHABLE, 1000])?;
        body.array(IFLA_INET6_CONF, &self.conf6())?;
        if stats {
            // The first counter is how many there are.
            body.counters(IFLA_INET6_STATS, &[38], 38)?;
            body.counters(IFLA_INET6_ICMP6STATS, &[7], 7)?;
        }
        body.attr(IFLA_INET6_TOKEN, &[0u8; 16])?;
        body.u8(IFLA_INET6_ADDR_GEN_MODE, 0)
    }

    /// Its [`CONF4`].
    fn conf4(&self) -> [u32; 33] {
        let mut conf = CONF4;
        if self.is_loopback() {
            set(&mut conf, 14, 1); // NOXFRM
            set(&mut conf, 15, 1); // NOPOLICY
        }
        conf
    }

    /// Its [`CONF6`].
    fn conf6(&self) -> [u32; 60] {
        let mut conf = CONF6;
        set(&mut conf, 2, self.mtu); // MTU6
        if self.is_loopback() {
            set(&mut conf, 10, NEGATIVE); // USE_TEMPADDR
            set(&mut conf, 27, NEGATIVE); // ACCEPT_DAD
        }
        conf
    }
}

/// The counters as `struct rtnl_link_stats` has them: their low halves.
fn narrow(first: [u64; 4]) -> [u32; 24] {
    let mut narrow = [0; 24];
    for (narrow, wide) in narrow.iter_mut().zip(first) {
        *narrow = u32::try_from(wide & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    }
    narrow
}

fn set(conf: &mut [u32], at: usize, value: u32) {
    if let Some(slot) = conf.get_mut(at) {
        *slot = value;
    }
}
