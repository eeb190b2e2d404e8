//! Neighbours: `RTM_NEWNEIGH`.

use core::net::IpAddr;

use zerocopy::{ByteOrder, U16, U32};

use crate::rtnetlink::{NDA_CACHEINFO, NDA_DST, NDA_LLADDR, NDA_PROBES, NdMsg};
use crate::{Body, Full, ip};

/// A neighbour: a machine on the same link.
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
            index: U32::new(self.index),
            state: U16::new(self.state),
            flags: self.flags,
            kind: self.kind,
            ..NdMsg::default()
        })?;
        ip::write(body, NDA_DST, self.ip)?;
        if !self.lladdr.is_empty() {
            body.attr(NDA_LLADDR, self.lladdr)?;
        }
        body.u32(NDA_PROBES, 0)?;
        body.array(NDA_CACHEINFO, &[0; 4])
    }
}
