//! Objects out of messages, for clients: the inverse of what answers are made of.

use core::net::IpAddr;

use zerocopy::{ByteOrder, I32, U64};

use crate::rtnetlink::*;
use crate::{Addr, Attr, Counters, IfName, Link, Malformed, Message, Neigh, Route, Rule, ip};

/// An object that was read, and the first part of the message that it does not represent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial<T> {
    /// The object.
    pub value: T,
    /// The type of the first attribute that `value` does not represent; 0: a field of the header. `None`:
    /// `value` is complete.
    pub unrepresented: Option<u16>,
}

impl<T> Partial<T> {
    /// The object, if it is complete.
    ///
    /// # Errors
    ///
    /// [`Malformed::Unrepresented`]: it is not.
    pub fn complete(self) -> Result<T, Malformed> {
        self.unrepresented.map_or(Ok(self.value), |kind| Err(Malformed::Unrepresented { kind }))
    }
}

/// The first part of a message that has no field in the object.
#[derive(Default)]
struct Unrepresented(Option<u16>);

impl Unrepresented {
    /// Of the header: a part of it, if `is_set`.
    fn header(is_set: bool) -> Self {
        Self(is_set.then_some(0))
    }

    fn note(&mut self, kind: u16) {
        self.0 = self.0.or(Some(kind));
    }

    /// An attribute that `is_default` where its value is the one of an object without it.
    fn note_unless(&mut self, is_default: bool, kind: u16) {
        if !is_default {
            self.note(kind);
        }
    }
}

/// The address in an attribute.
fn address<O: ByteOrder>(family: u8, attr: &Attr<O>) -> Result<IpAddr, Malformed> {
    let need = if family == AF_INET { 4 } else { 16 };
    ip::read(family, attr).ok_or(Malformed::Payload { need, have: attr.payload().len() })
}

fn check_family(family: u8) -> Result<(), Malformed> {
    if matches!(family, AF_INET | AF_INET6) { Ok(()) } else { Err(Malformed::Family { family }) }
}

/// Whether `rtm_flags` has more than the state of the route and its next hop.
fn has_more_than_state(flags: u32) -> bool {
    let of_next_hop = RTNH_F_DEAD | RTNH_F_OFFLOAD | RTNH_F_LINKDOWN | RTNH_F_UNRESOLVED | RTNH_F_TRAP;
    let of_route = RTM_F_OFFLOAD | RTM_F_TRAP | RTM_F_OFFLOAD_FAILED;
    flags & !(of_route | u32::from(of_next_hop)) != 0
}

impl<'a> Link<'a> {
    /// Reads an `RTM_NEWLINK` or `RTM_DELLINK` that a `Link` represents whole, apart from counters, limits of
    /// queues and offloading, the state of IP and the device behind the link. A link with a kind of its own,
    /// a lower link or a second name is refused: [`read_partial`](Self::read_partial) reads it.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn read<O: ByteOrder>(message: &'a Message<O>) -> Result<Self, Malformed> {
        Self::read_partial(message)?.complete()
    }

    /// Reads any `RTM_NEWLINK` or `RTM_DELLINK`.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it has no name, an attribute is malformed, or it is shorter than its header.
    pub fn read_partial<O: ByteOrder>(message: &'a Message<O>) -> Result<Partial<Self>, Malformed> {
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
        let mut rest = Unrepresented::header(info.family != AF_UNSPEC);
        let [min_mtu, max_mtu] = &mut link.mtu_limits;
        for attr in attrs {
            let attr = attr?;
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
                IFLA_STATS
                | IFLA_WEIGHT
                | IFLA_MAP
                | IFLA_LINKMODE
                | IFLA_AF_SPEC
                | IFLA_PROMISCUITY
                | IFLA_ALLMULTI
                | IFLA_NUM_TX_QUEUES
                | IFLA_NUM_RX_QUEUES
                | IFLA_CARRIER
                | IFLA_CARRIER_CHANGES
                | IFLA_CARRIER_UP_COUNT
                | IFLA_CARRIER_DOWN_COUNT
                | IFLA_PROTO_DOWN
                | IFLA_GSO_MAX_SEGS
                | IFLA_GSO_MAX_SIZE
                | IFLA_GRO_MAX_SIZE
                | IFLA_GSO_IPV4_MAX_SIZE
                | IFLA_GRO_IPV4_MAX_SIZE
                | IFLA_TSO_MAX_SIZE
                | IFLA_TSO_MAX_SEGS
                | IFLA_MAX_PACING_OFFLOAD_HORIZON
                | IFLA_XDP
                | IFLA_NETNS_IMMUTABLE
                | IFLA_HEADROOM
                | IFLA_TAILROOM
                | IFLA_DEVLINK_PORT
                | IFLA_DPLL_PIN
                | IFLA_PERM_ADDRESS
                | IFLA_PARENT_DEV_NAME
                | IFLA_PARENT_DEV_BUS_NAME
                | IFLA_PHYS_PORT_ID
                | IFLA_PHYS_PORT_NAME
                | IFLA_PHYS_SWITCH_ID
                | IFLA_EVENT => {}
                kind => rest.note(kind),
            }
        }
        let name = name.ok_or(Malformed::Missing { kind: IFLA_IFNAME })?;
        Ok(Partial { value: Self { name, ..link }, unrepresented: rest.0 })
    }
}

impl Addr {
    /// Reads an `RTM_NEWADDR` or `RTM_DELADDR` that an `Addr` represents whole, apart from the times at which
    /// it was made and changed.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn read<O: ByteOrder>(message: &Message<O>) -> Result<Self, Malformed> {
        Self::read_partial(message)?.complete()
    }

    /// Reads any `RTM_NEWADDR` or `RTM_DELADDR` of IPv4 or IPv6.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it has no address or is of another family, an attribute is malformed, or it is shorter
    /// than its header.
    pub fn read_partial<O: ByteOrder>(message: &Message<O>) -> Result<Partial<Self>, Malformed> {
        let (info, attrs) = message.body::<IfAddrMsg<O>>()?;
        check_family(info.family)?;
        let (mut peer, mut local) = (None, None);
        let mut addr = Self {
            scope: info.scope,
            flags: info.flags.into(),
            ..Self::new(info.index.get(), ip::unspecified(info.family), info.prefix_len)
        };
        let mut rest = Unrepresented::default();
        for attr in attrs {
            let attr = attr?;
            match attr.kind() {
                IFA_ADDRESS => peer = Some(address(info.family, attr)?),
                IFA_LOCAL => local = Some(address(info.family, attr)?),
                IFA_BROADCAST if info.family == AF_INET => {
                    addr.broadcast = Some((*attr.get::<[u8; 4]>()?).into());
                }
                IFA_LABEL => {
                    let missing = Malformed::Missing { kind: IFA_LABEL };
                    addr.label = Some(IfName::new(attr.string()).ok_or(missing)?);
                }
                IFA_FLAGS => addr.flags = attr.u32()?,
                IFA_PROTO => addr.protocol = attr.u8()?,
                IFA_CACHEINFO => {
                    let info = attr.get::<CacheInfo<O>>()?;
                    addr.lifetimes = [info.preferred.get(), info.valid.get()];
                }
                kind => rest.note(kind),
            }
        }
        let address = peer.ok_or(Malformed::Missing { kind: IFA_ADDRESS })?;
        addr.ip = local.unwrap_or(address);
        addr.peer = (address != addr.ip).then_some(address);
        Ok(Partial { value: addr, unrepresented: rest.0 })
    }
}

impl Route {
    /// Reads an `RTM_NEWROUTE` or `RTM_DELROUTE` that a `Route` represents whole, apart from its state
    /// (whether a link is down, how often it is in use). A route with several next hops, a source prefix,
    /// metrics or a lifetime, and the answer to a lookup, are refused: [`read_partial`](Self::read_partial)
    /// reads them.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn read<O: ByteOrder>(message: &Message<O>) -> Result<Self, Malformed> {
        Self::read_partial(message)?.complete()
    }

    /// Reads any `RTM_NEWROUTE` or `RTM_DELROUTE` of IPv4 or IPv6.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it is of another family, an attribute is malformed, or it is shorter than its header.
    pub fn read_partial<O: ByteOrder>(message: &Message<O>) -> Result<Partial<Self>, Malformed> {
        let (info, attrs) = message.body::<RtMsg<O>>()?;
        check_family(info.family)?;
        let mut route = Self {
            table: info.table.into(),
            protocol: info.protocol,
            scope: info.scope,
            kind: info.kind,
            ..Self::connected(ip::unspecified(info.family), info.dst_len, 0)
        };
        let is_more = info.src_len != 0 || info.tos != 0 || has_more_than_state(info.flags.get());
        let mut rest = Unrepresented::header(is_more);
        for attr in attrs {
            let attr = attr?;
            match attr.kind() {
                RTA_DST => route.dst = address(info.family, attr)?,
                RTA_TABLE => route.table = attr.u32()?,
                RTA_OIF => route.oif = attr.u32()?,
                RTA_GATEWAY => route.gateway = Some(address(info.family, attr)?),
                RTA_PREFSRC => route.prefsrc = Some(address(info.family, attr)?),
                RTA_PRIORITY => route.priority = attr.u32()?,
                // `rta_expires` of `struct rta_cacheinfo`.
                RTA_CACHEINFO => {
                    let [_, _, expires, ..] = *attr.get::<[I32<O>; 8]>()?;
                    rest.note_unless(expires.get() == 0, RTA_CACHEINFO);
                }
                RTA_PREF => rest.note_unless(attr.u8()? == 0, RTA_PREF),
                kind => rest.note(kind),
            }
        }
        Ok(Partial { value: route, unrepresented: rest.0 })
    }
}

impl Rule {
    /// Reads an `RTM_NEWRULE` or `RTM_DELRULE` that a `Rule` represents whole. A rule with selectors or flags
    /// is refused: [`read_partial`](Self::read_partial) reads it.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn read<O: ByteOrder>(message: &Message<O>) -> Result<Self, Malformed> {
        Self::read_partial(message)?.complete()
    }

    /// Reads any `RTM_NEWRULE` or `RTM_DELRULE`.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: an attribute is malformed, or it is shorter than its header.
    pub fn read_partial<O: ByteOrder>(message: &Message<O>) -> Result<Partial<Self>, Malformed> {
        let (info, attrs) = message.body::<FibRuleHdr<O>>()?;
        let mut rule = Self {
            family: info.family,
            priority: 0,
            table: info.table.into(),
            action: info.action,
            protocol: RTPROT_UNSPEC,
        };
        let is_more = [info.src_len, info.dst_len, info.tos] != [0; 3] || info.flags.get() != 0;
        let mut rest = Unrepresented::header(is_more);
        for attr in attrs {
            let attr = attr?;
            match attr.kind() {
                FRA_PRIORITY => rule.priority = attr.u32()?,
                FRA_TABLE => rule.table = attr.u32()?,
                FRA_PROTOCOL => rule.protocol = attr.u8()?,
                FRA_SUPPRESS_PREFIXLEN => rest.note_unless(attr.u32()? == u32::MAX, FRA_SUPPRESS_PREFIXLEN),
                kind => rest.note(kind),
            }
        }
        Ok(Partial { value: rule, unrepresented: rest.0 })
    }
}

impl<'a> Neigh<'a> {
    /// Reads an `RTM_NEWNEIGH` or `RTM_DELNEIGH` that a `Neigh` represents whole, apart from its state in the
    /// cache.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn read<O: ByteOrder>(message: &'a Message<O>) -> Result<Self, Malformed> {
        Self::read_partial(message)?.complete()
    }

    /// Reads any `RTM_NEWNEIGH` or `RTM_DELNEIGH` of IPv4 or IPv6.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: it has no address or is of another family, an attribute is malformed, or it is shorter
    /// than its header.
    pub fn read_partial<O: ByteOrder>(message: &'a Message<O>) -> Result<Partial<Self>, Malformed> {
        let (info, attrs) = message.body::<NdMsg<O>>()?;
        check_family(info.family)?;
        let (mut ip, mut lladdr, mut rest) = (None, &[][..], Unrepresented::default());
        for attr in attrs {
            let attr = attr?;
            match attr.kind() {
                NDA_DST => ip = Some(address(info.family, attr)?),
                NDA_LLADDR => lladdr = attr.payload(),
                NDA_CACHEINFO | NDA_PROBES => {}
                kind => rest.note(kind),
            }
        }
        let ip = ip.ok_or(Malformed::Missing { kind: NDA_DST })?;
        let (index, state) = (info.index.get(), info.state.get());
        let value = Self { index, ip, lladdr, state, flags: info.flags, kind: info.kind };
        Ok(Partial { value, unrepresented: rest.0 })
    }
}
