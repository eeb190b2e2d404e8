//! The extended acknowledgement: why a request was refused, in words and places.

use zerocopy::ByteOrder;

use crate::attr_policy::AttrRule;
use crate::{Attr, Body, Errno, Full, Message, NLA_F_NESTED};

/// `NLMSGERR_ATTR_MSG`: a sentence.
pub const NLMSGERR_ATTR_MSG: u16 = 1;
/// `NLMSGERR_ATTR_OFFS`: where in the request the attribute is that was refused: u32, bytes.
pub const NLMSGERR_ATTR_OFFS: u16 = 2;
/// `NLMSGERR_ATTR_POLICY`: what the attribute should have been.
pub const NLMSGERR_ATTR_POLICY: u16 = 4;
/// `NLMSGERR_ATTR_MISS_TYPE`: the type of an attribute that is missing: u32.
pub const NLMSGERR_ATTR_MISS_TYPE: u16 = 5;

/// `struct netlink_ext_ack` (`include/linux/netlink.h`): filled while a request is executed, and
/// sent with the answer if the socket has `NETLINK_EXT_ACK`.
///
/// As in the kernel it may be filled although the request then succeeds: the sentence is a warning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtAck {
    message: Option<&'static str>,
    offset: Option<u32>,
    /// The rule that the attribute breaks.
    pub(crate) rule: Option<AttrRule>,
    missing: Option<u16>,
}

impl ExtAck {
    /// Leaves a sentence, and returns the error that goes with it.
    pub(crate) fn because(&mut self, errno: Errno, message: &'static str) -> Errno {
        self.message = Some(message);
        errno
    }

    /// Leaves the position of the attribute that is at fault.
    pub(crate) fn point_at<O: ByteOrder>(&mut self, request: &Message<O>, attr: &Attr<O>) {
        self.offset = request.offset_of(attr).and_then(|offset| u32::try_from(offset).ok());
    }

    /// Leaves the type of an attribute that is missing.
    pub(crate) fn missing(&mut self, kind: u16) -> Errno {
        self.missing = Some(kind);
        Errno::EINVAL
    }

    /// Whether there is anything to report: `netlink_ack_tlv_len`.
    pub(crate) fn is_empty(&self, failed: bool) -> bool {
        let details = failed && (self.offset.is_some() || self.rule.is_some() || self.missing.is_some());
        self.message.is_none() && !details
    }

    /// `netlink_ack_tlv_fill`.
    pub(crate) fn write<O: ByteOrder>(&self, body: &mut Body<'_, O>, failed: bool) -> Result<(), Full> {
        if let Some(message) = self.message {
            body.string(NLMSGERR_ATTR_MSG, message.as_bytes())?;
        }
        if !failed {
            return Ok(());
        }
        if let Some(offset) = self.offset {
            body.u32(NLMSGERR_ATTR_OFFS, offset)?;
        }
        if let Some(rule) = self.rule.filter(AttrRule::is_described) {
            body.nest(NLMSGERR_ATTR_POLICY | NLA_F_NESTED, |nest| rule.describe(nest))?;
        }
        self.missing.map_or(Ok(()), |kind| body.u32(NLMSGERR_ATTR_MISS_TYPE, kind.into()))
    }
}
