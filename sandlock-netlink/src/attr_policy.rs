//! Attribute policies: the validation rule of each attribute type, as the kernel has them.

use zerocopy::{ByteOrder, U32};

use crate::{Attr, Body, Errno, Full};

/// One entry of a policy: `struct nla_policy` (`include/net/netlink.h`). Numbers are lengths in
/// bytes unless noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttrRule {
    /// `NLA_U8`.
    U8,
    /// `NLA_U16`.
    U16,
    /// `NLA_U32` of this value at least: `NLA_POLICY_MIN`.
    U32From(u32),
    /// `NLA_S32` of this value at least.
    S32From(i32),
    /// `NLA_BE32`, which the kernel does not describe.
    Be32,
    /// `NLA_U32` of these bits only: `NLA_POLICY_MASK`.
    Bits(u32),
    /// `NLA_BITFIELD32`: a value of these bits, and which of them are meant.
    Bitfield(u32),
    /// `NLA_STRING` of so many bytes at most, not counting a NUL.
    Text(u16),
    /// `NLA_NUL_STRING`: the same, and the NUL must be there.
    NulText(u16),
    /// `NLA_BINARY`: so many bytes at most.
    Binary(u16),
    /// `NLA_POLICY_EXACT_LEN`: so many bytes.
    Exact(u16),
    /// `NLA_UNSPEC` with a length: so many bytes at least.
    AtLeast(u16),
    /// `NLA_NESTED`.
    Nest,
    /// `NLA_POLICY_NESTED`: the attributes in it have their own policy.
    NestOf(&'static AttrPolicy),
    /// `NLA_FLAG`.
    Flag,
    /// `NLA_BINARY` of `rtnl_validate_mdb_entry_get` (`net/core/rtnetlink.c`).
    MdbEntry,
    /// `NLA_REJECT`.
    Reject,
}

/// The sentence for an attribute with unknown bits, which comes without the rule.
pub(crate) const RESERVED: &str = "reserved bit set";

impl AttrRule {
    /// `NLA_U32`.
    pub(crate) const U32: Self = Self::U32From(0);
    /// `NLA_S32`.
    pub(crate) const S32: Self = Self::S32From(i32::MIN);

    /// `NL_ATTR_TYPE_*` (0: not described), and the fewest and the most bytes.
    fn shape(self) -> (u32, usize, usize) {
        match self {
            Self::U8 => (2, 1, usize::MAX),
            Self::U16 => (3, 2, usize::MAX),
            Self::U32From(_) | Self::Bits(_) => (4, 4, usize::MAX),
            Self::S32From(_) => (8, 4, usize::MAX),
            Self::Be32 => (0, 4, usize::MAX),
            Self::Bitfield(_) => (15, 8, 8),
            Self::Text(most) => (11, 1, most.into()),
            Self::NulText(most) => (12, 1, most.into()),
            Self::Binary(most) => (10, 0, most.into()),
            Self::Exact(_) => (10, 0, usize::MAX),
            Self::AtLeast(least) => (0, least.into(), usize::MAX),
            Self::Nest | Self::NestOf(_) => (13, 0, usize::MAX),
            Self::Flag => (1, 0, 0),
            Self::MdbEntry => (10, 0, MDB_ENTRY_SIZE),
            Self::Reject => (0, 0, usize::MAX),
        }
    }

    /// `validate_nla` (`lib/nlattr.c`): the error of an attribute, and its message. Only a full check refuses
    /// an integer that is too long, and a nest without `NLA_F_NESTED`.
    pub(crate) fn fault<O: ByteOrder>(self, attr: &Attr<O>, check: Check) -> Option<(Errno, &'static str)> {
        const FAILED: &str = "Attribute failed policy validation";
        let (kind, least, most) = self.shape();
        let (payload, full) = (attr.payload(), check == Check::Full);
        let is_integer = matches!(kind, 2..=8) || self == Self::Be32;
        if full && is_integer && payload.len() != least {
            return Some((Errno::EINVAL, "invalid attribute length"));
        }
        let (is_nest, is_bytes) = (kind == 13, matches!(self, Self::AtLeast(_)));
        match attr.is_nested() {
            true if full && !is_nest && !is_bytes => {
                return Some((Errno::EINVAL, "NLA_F_NESTED not expected"));
            }
            false if full && is_nest => return Some((Errno::EINVAL, "NLA_F_NESTED is missing")),
            _ => {}
        }
        let is_text = matches!(self, Self::Text(_) | Self::NulText(_));
        let text = if is_text { attr.text() } else { payload };
        let [on, meant] = attr.get::<[U32<O>; 2]>().map_or([0; 2], |words| words.map(U32::get));
        let (value, signed) = (attr.u32().unwrap_or(0), attr.i32().unwrap_or(0));
        match self {
            Self::Reject => Some((Errno::EINVAL, FAILED)),
            Self::NulText(_) if !payload.iter().take(most.saturating_add(1)).any(|byte| *byte == 0) => {
                Some((Errno::EINVAL, FAILED))
            }
            _ if payload.len() < least || text.len() > most => Some((Errno::ERANGE, FAILED)),
            _ if is_nest && matches!(payload.len(), 1..4) => Some((Errno::ERANGE, FAILED)),
            Self::Exact(len) if payload.len() != usize::from(len) => {
                Some((Errno::ERANGE, "binary attribute size out of range"))
            }
            Self::U32From(least) if value < least => Some((Errno::ERANGE, "integer out of range")),
            Self::S32From(least) if signed < least => Some((Errno::ERANGE, "integer out of range")),
            Self::Bits(bits) if value & !bits != 0 => Some((Errno::EINVAL, RESERVED)),
            Self::Bitfield(bits) if (on | meant) & !bits != 0 || on & !meant != 0 => {
                Some((Errno::EINVAL, FAILED))
            }
            _ => None,
        }
    }

    /// Whether [`describe`](Self::describe) writes anything.
    pub(crate) fn is_described(&self) -> bool {
        self.shape().0 != 0
    }

    /// `netlink_policy_dump_write_attr` (`net/netlink/policy.c`): `NL_POLICY_TYPE_ATTR_*`.
    pub(crate) fn describe<O: ByteOrder>(self, body: &mut Body<'_, O>) -> Result<(), Full> {
        let wide = |value: i32| i64::from(value).cast_unsigned();
        let (least, most): ((u16, u64), (u16, u64)) = match self {
            // MIN_VALUE_U and MAX_VALUE_U, MIN_VALUE_S and MAX_VALUE_S
            Self::U8 => ((4, 0), (5, u8::MAX.into())),
            Self::U16 => ((4, 0), (5, u16::MAX.into())),
            Self::U32From(least) => ((4, least.into()), (5, u32::MAX.into())),
            Self::S32From(least) => ((2, wide(least)), (3, wide(i32::MAX))),
            _ => ((0, 0), (0, 0)),
        };
        let (kind, ..) = self.shape();
        for (of, value) in [least, most].into_iter().filter(|(of, _)| *of != 0) {
            body.u64(of, value)?;
        }
        // MIN_LENGTH and MAX_LENGTH, BITFIELD32_MASK, MASK
        match self {
            Self::Exact(len) => body.u32(6, len.into()).and_then(|()| body.u32(7, len.into()))?,
            Self::Text(most) | Self::NulText(most) | Self::Binary(most) if most != u16::MAX => {
                body.u32(7, most.into())?
            }
            Self::MdbEntry => body.u32(7, 28)?,
            Self::Bitfield(bits) => body.u32(10, bits)?,
            Self::Bits(bits) => body.u64(12, bits.into())?,
            _ => {}
        }
        body.u32(1, kind) // TYPE
    }
}

/// The size of a `struct br_mdb_entry` (`linux/if_bridge.h`).
pub(crate) const MDB_ENTRY_SIZE: usize = 28;

/// An attribute policy (`struct nla_policy[]`): the highest attribute type, and the validation rule of every
/// type that has one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AttrPolicy {
    pub(crate) last: u16,
    /// From which type on a check is always full: `strict_start_type`.
    pub(crate) strict: u16,
    pub(crate) rules: &'static [(AttrRule, &'static [u16])],
}

/// How much a request may deviate: `enum netlink_validation` (`include/net/netlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// `NL_VALIDATE_LIBERAL`: unknown attributes, and bytes that are no attribute, are skipped.
    Lenient,
    /// `NL_VALIDATE_DEPRECATED_STRICT`: they are refused.
    Strict,
    /// `NL_VALIDATE_STRICT`: an attribute without an entry in the policy too.
    Full,
}

impl AttrPolicy {
    /// Each attribute and its rule.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u16, AttrRule)> + Clone + use<> {
        self.rules.iter().flat_map(|(rule, kinds)| kinds.iter().map(move |kind| (*kind, *rule)))
    }
}
