//! Neighbours: `RTM_NEWNEIGH`.

use core::net::IpAddr;

use zerocopy::{ByteOrder, U16, U32};

use crate::rtnetlink::{NDA_CACHEINFO, NDA_DST, NDA_LLADDR, NDA_PROBES, NdMsg};
use crate::{Body, Full, Malformed, Message, ip};

/// What is known of a machine on the same link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neigh<'a> {
    /// The index of the link.
    pub index: u32,
    /// Its address.
    pub ip: IpAddr,
    /// Its hardware address; empty: not known.
    pub lladdr: &'a [u8],
    /// `NUD_*`.
    pub state: u16,
    /// `NTF_*`.
    pub flags: u8,
    /// `RTN_*`.
    pub kind: u8,
}

impl<'a> Neigh<'a> {
    /// Writes the body of an `RTM_NEWNEIGH`, as `neigh_fill_info` (`net/core/neighbour.c`) does.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn write<O: ByteOrder>(&self, body: &mut Body<'_, O>) -> Result<(), Full> {
        body.put(&NdMsg::<O> {
            family: ip::family(self.ip),
            pad: [0; 3],
            index: U32::new(self.index),
            state: U16::new(self.state),
            flags: self.flags,
            kind: self.kind,
        })?;
        ip::write(body, NDA_DST, self.ip)?;
        if !self.lladdr.is_empty() {
            body.attr(NDA_LLADDR, self.lladdr)?;
        }
        body.u32(NDA_PROBES, 0)?;
        body.array(NDA_CACHEINFO, &[0; 4])
    }

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
