//! What requests must look like: the kernel's attribute policies and its checks of headers.

use zerocopy::{ByteOrder, U32};

use crate::respond::Ask;
use crate::{Attr, Attrs, Body, Errno, Full, Malformed};

/// One entry of a policy: `struct nla_policy` (`include/net/netlink.h`). Numbers are bytes but where
/// they are said to be values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `NLA_U8`.
    U8,
    /// `NLA_U16`.
    U16,
    /// `NLA_U32` of this value at least: `NLA_POLICY_MIN`.
    U32From(u32),
    /// `NLA_S32` of this value at least.
    S32From(i32),
    /// `NLA_BE32`, of which nothing is told.
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
    /// `NLA_POLICY_NESTED`: and what is in it has its own policy.
    NestOf(&'static Schema),
    /// `NLA_FLAG`.
    Flag,
    /// `NLA_REJECT`.
    Reject,
}

/// What is said of an attribute with bits that it has not, and nothing of which ones it has.
const RESERVED: &str = "reserved bit set";

impl Rule {
    /// `NLA_U32`.
    pub(crate) const U32: Self = Self::U32From(0);
    /// `NLA_S32`.
    pub(crate) const S32: Self = Self::S32From(i32::MIN);

    /// `NL_ATTR_TYPE_*` (0: it is not told), and the fewest and the most bytes.
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
            Self::Reject => (0, 0, usize::MAX),
        }
    }

    /// `validate_nla` (`lib/nlattr.c`): what is wrong with an attribute, and what is said of it. Only
    /// for a full check an integer must not be longer than it is, and a nest must say that it is one.
    fn fault<O: ByteOrder>(self, attr: &Attr<O>, check: Check) -> Option<(Errno, &'static str)> {
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
        let text = payload.strip_suffix(&[0]).filter(|_| is_text).unwrap_or(payload);
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

    /// Whether [`describe`](Self::describe) has anything to say.
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
            Self::Bitfield(bits) => body.u32(10, bits)?,
            Self::Bits(bits) => body.u64(12, bits.into())?,
            _ => {}
        }
        body.u32(1, kind) // TYPE
    }
}

/// A policy: the last type there is, and what those are of which that is checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) last: u16,
    /// From which type on a check is always full: `strict_start_type`.
    pub(crate) strict: u16,
    pub(crate) rules: &'static [(Rule, &'static [u16])],
}

/// How much a request may deviate: `enum netlink_validation` (`include/net/netlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// `NL_VALIDATE_LIBERAL`: what is unknown or no attribute is skipped.
    Lenient,
    /// `NL_VALIDATE_DEPRECATED_STRICT`: it is refused.
    Strict,
    /// `NL_VALIDATE_STRICT`: also what has no entry in the policy.
    Full,
}

impl Schema {
    /// Each attribute and its rule.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u16, Rule)> + Clone + use<> {
        self.rules.iter().flat_map(|(rule, kinds)| kinds.iter().map(move |kind| (*kind, *rule)))
    }

    /// `__nla_validate_parse` (`lib/nlattr.c`).
    pub(crate) fn check<'a, O: ByteOrder>(
        &self,
        ask: &mut Ask<'a, O>,
        attrs: Attrs<'a, O>,
        check: Check,
    ) -> Result<Attrs<'a, O>, Errno> {
        let request = ask.message;
        for attr in attrs.clone() {
            let attr = match attr {
                Ok(attr) => attr,
                Err(_) => {
                    let errno = ask.invalid("bytes leftover after parsing attributes");
                    // A lenient reader only says so.
                    return if check == Check::Lenient { Ok(attrs) } else { Err(errno) };
                }
            };
            let kind = attr.kind();
            if kind == 0 || kind > self.last {
                if check == Check::Lenient {
                    continue;
                }
                return Err(ask.ext.blame(Errno::EINVAL, "Unknown attribute type", request, attr, None));
            }
            let check = if kind >= self.strict { Check::Full } else { check };
            let Some((rule, _)) = self.rules.iter().find(|(_, kinds)| kinds.contains(&kind)) else {
                if check == Check::Full {
                    return Err(ask.ext.blame(Errno::EINVAL, "Unsupported attribute", request, attr, None));
                }
                continue;
            };
            if let Some((errno, why)) = rule.fault(attr, check) {
                return Err(ask.ext.blame(
                    errno,
                    why,
                    request,
                    attr,
                    Some(*rule).filter(|_| why != RESERVED),
                ));
            }
            if let Rule::NestOf(schema) = rule {
                schema.check(ask, attr.nested(), check)?;
            }
        }
        Ok(attrs)
    }
}

/// What a kind of request must look like: its header, and which attributes.
#[derive(Debug)]
pub(crate) struct Form {
    /// The size of the header, in bytes.
    pub(crate) size: usize,
    /// What is said if the request is shorter.
    pub(crate) short: &'static str,
    /// The bytes of the header that are not asked about and must be 0, as from and to.
    pub(crate) zero: &'static [(usize, usize)],
    /// What is said if they are not.
    pub(crate) values: &'static str,
    /// The policy, or none if nothing at all may follow the header.
    pub(crate) schema: Option<&'static Schema>,
    /// The attributes that mean something here.
    pub(crate) allowed: &'static [u16],
    /// What is said of others.
    pub(crate) other: &'static str,
}

impl Form {
    /// Checks the header of a request under `NETLINK_GET_STRICT_CHK`.
    pub(crate) fn strict_header<O: ByteOrder>(&self, ask: &mut Ask<'_, O>) -> Result<(), Errno> {
        self.header(ask)?;
        let zero = |(from, to): &(usize, usize)| {
            ask.message.payload().get(*from..*to).unwrap_or_default().iter().all(|byte| *byte == 0)
        };
        let all = self.zero.iter().all(zero);
        if all { Ok(()) } else { Err(ask.invalid(self.values)) }
    }

    /// The attributes of such a request, after a check of its header.
    pub(crate) fn strict<'a, O: ByteOrder>(&self, ask: &mut Ask<'a, O>) -> Result<Attrs<'a, O>, Errno> {
        self.strict_header(ask)?;
        let rest = self.header(ask)?;
        let Some(schema) = self.schema else {
            return match ask.message.payload().len() {
                len if len == self.size.next_multiple_of(4) => Ok(Attrs::new(rest)),
                _ => Err(ask.invalid(self.other)),
            };
        };
        let attrs = schema.check(ask, Attrs::new(rest), Check::Strict)?;
        ask.refuse_if(attrs.clone().flatten().any(|attr| !self.allowed.contains(&attr.kind())), self.other)?;
        Ok(attrs)
    }

    /// The attributes of a request without that option: all that is not asked about is ignored.
    pub(crate) fn lenient<'a, O: ByteOrder>(&self, ask: &mut Ask<'a, O>) -> Result<Attrs<'a, O>, Errno> {
        let rest = self.header(ask)?;
        match self.schema {
            Some(schema) => schema.check(ask, Attrs::new(rest), Check::Lenient),
            None => Ok(Attrs::new(&[])),
        }
    }

    /// The one or the other, as the socket says.
    pub(crate) fn read<'a, O: ByteOrder>(&self, ask: &mut Ask<'a, O>) -> Result<Attrs<'a, O>, Errno> {
        if ask.strict() { self.strict(ask) } else { self.lenient(ask) }
    }

    /// What follows the header.
    fn header<'a, O: ByteOrder>(&self, ask: &mut Ask<'a, O>) -> Result<&'a [u8], Errno> {
        let message = ask.message;
        message.after(self.size).map_err(|_: Malformed| ask.invalid(self.short))
    }
}

/// What `nlmsg_parse` itself says of a request that is shorter than its header.
pub(crate) const INVALID_HEADER_LENGTH: &str = "Invalid header length";
