//! Addresses of links: `RTM_NEWADDR`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zerocopy::{ByteOrder, U32};

use crate::rtnetlink::*;
use crate::{Body, Full, IfName, ip};

/// A lifetime that does not end.
pub const FOREVER: u32 = u32::MAX;

/// An address of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addr {
    /// The index of the link that has it.
    pub index: u32,
    /// The address.
    pub ip: IpAddr,
    /// The address of the other end, if the link is point to point.
    pub peer: Option<IpAddr>,
    /// The broadcast address, of IPv4 only.
    pub broadcast: Option<Ipv4Addr>,
    /// How many of its bits are the network's.
    pub prefix_len: u8,
    /// `RT_SCOPE_*`.
    pub scope: u8,
    /// The label of an IPv4 address, which is at first the name of its link.
    pub label: Option<IfName>,
    /// `IFA_F_*`.
    pub flags: u32,
    /// `IFAPROT_*`: who made it.
    pub protocol: u8,
    /// For how many seconds it is preferred, and valid; [`FOREVER`].
    pub lifetimes: [u32; 2],
}

impl Addr {
    /// 127.0.0.1/8, of `lo`.
    pub const LOCALHOST4: Self = Self {
        scope: RT_SCOPE_HOST,
        label: Some(IfName::LO),
        ..Self::new(1, IpAddr::V4(Ipv4Addr::LOCALHOST), 8)
    };

    /// ::1/128, of `lo`.
    pub const LOCALHOST6: Self = Self {
        scope: RT_SCOPE_HOST,
        protocol: IFAPROT_KERNEL_LO,
        ..Self::new(1, IpAddr::V6(Ipv6Addr::LOCALHOST), 128)
    };

    /// A permanent address that is valid everywhere, without a label.
    pub const fn new(index: u32, ip: IpAddr, prefix_len: u8) -> Self {
        Self {
            index,
            ip,
            peer: None,
            broadcast: None,
            prefix_len,
            scope: RT_SCOPE_UNIVERSE,
            label: None,
            flags: IFA_F_PERMANENT,
            protocol: IFAPROT_UNSPEC,
            lifetimes: [FOREVER, FOREVER],
        }
    }

    fn header<O: ByteOrder>(&self) -> IfAddrMsg<O> {
        IfAddrMsg {
            family: ip::family(self.ip),
            prefix_len: self.prefix_len,
            flags: u8::try_from(self.flags & 0xff).unwrap_or(0),
            scope: self.scope,
            index: U32::new(self.index),
        }
    }

    /// Writes the body of an `RTM_NEWADDR`, as `inet_fill_ifaddr` (`net/ipv4/devinet.c`) and
    /// `inet6_fill_ifaddr` (`net/ipv6/addrconf.c`) do. `since` is when the address was made, in
    /// hundredths of a second since the machine was started.
    ///
    /// `IFA_ADDRESS`, which readers crash without, is always there; `IFA_LOCAL` is too for IPv4.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn write<O: ByteOrder>(&self, since: u32, body: &mut Body<'_, O>) -> Result<(), Full> {
        body.put(&self.header::<O>())?;
        if self.ip.is_ipv4() {
            ip::write(body, IFA_ADDRESS, self.peer.unwrap_or(self.ip))?;
            ip::write(body, IFA_LOCAL, self.ip)?;
            if let Some(broadcast) = self.broadcast {
                body.attr(IFA_BROADCAST, &broadcast.octets())?;
            }
            self.write_label(body)?;
            self.write_protocol(body)?;
            body.u32(IFA_FLAGS, self.flags)?;
            return body.attr(IFA_CACHEINFO, &self.cache_info::<O>(since));
        }
        if let Some(peer) = self.peer {
            ip::write(body, IFA_LOCAL, self.ip)?;
            ip::write(body, IFA_ADDRESS, peer)?;
        } else {
            ip::write(body, IFA_ADDRESS, self.ip)?;
        }
        body.attr(IFA_CACHEINFO, &self.cache_info::<O>(since))?;
        body.u32(IFA_FLAGS, self.flags)?;
        self.write_protocol(body)
    }

    /// Writes the least that clients do with.
    pub(crate) fn write_minimal<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        body.put(&self.header::<O>())?;
        ip::write(body, IFA_ADDRESS, self.ip)?;
        if self.ip.is_ipv4() {
            ip::write(body, IFA_LOCAL, self.ip)?;
            self.write_label(body)?;
        }
        Ok(())
    }

    fn write_label<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        self.label.map_or(Ok(()), |label| body.string(IFA_LABEL, label.as_bytes()))
    }

    fn write_protocol<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        if self.protocol == IFAPROT_UNSPEC { Ok(()) } else { body.u8(IFA_PROTO, self.protocol) }
    }

    fn cache_info<O: ByteOrder>(&self, since: u32) -> CacheInfo<O> {
        let [preferred, valid] = self.lifetimes.map(U32::new);
        CacheInfo { preferred, valid, created: U32::new(since), updated: U32::new(since) }
    }
}
