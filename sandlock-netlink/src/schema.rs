//! What requests must look like: the kernel's attribute policies and its checks of headers.

use zerocopy::ByteOrder;

use crate::respond::Ask;
use crate::{Attr, Attrs, Body, Errno, Full, Malformed};

/// One entry of a policy: `struct nla_policy` (`include/net/netlink.h`). Numbers are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `NLA_U8`.
    U8,
    /// `NLA_U16`.
    U16,
    /// `NLA_U32`.
    U32,
    /// `NLA_S32`.
    S32,
    /// `NLA_STRING` of so many bytes at most, not counting a NUL.
    Text(u16),
    /// `NLA_NUL_STRING`: the same, and the NUL must be there.
    NulText(u16),
    /// `NLA_UNSPEC` with a length: so many bytes at least.
    AtLeast(u16),
    /// `NLA_NESTED`.
    Nest,
    /// `NLA_POLICY_NESTED`: and what is in it has its own policy.
    NestOf(&'static Schema),
    /// `NLA_FLAG`.
    Flag,
    /// `NLA_U32` of these bits only: `NLA_POLICY_MASK`.
    Bits(u32),
}

impl Rule {
    fn is_nest(self) -> bool {
        matches!(self, Self::Nest | Self::NestOf(_))
    }

    /// What an integer takes, in bytes; 0: it is none.
    fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::S32 | Self::Bits(_) => 4,
            _ => 0,
        }
    }

    /// `validate_nla` (`lib/nlattr.c`): what is wrong with an attribute, and what is said of it. Only
    /// if the whole policy counts an integer must not be longer than it is, and a nest must say so.
    fn fault<O: ByteOrder>(self, attr: &Attr<O>, check: Check) -> Option<(Errno, &'static str)> {
        let len = attr.payload().len();
        if check == Check::Full && self.size() != 0 && self.size() != len {
            return Some((Errno::EINVAL, "invalid attribute length"));
        }
        if check == Check::Full && attr.is_nested() != self.is_nest() && !matches!(self, Self::AtLeast(_)) {
            let what = if attr.is_nested() { "NLA_F_NESTED not expected" } else { "NLA_F_NESTED is missing" };
            return Some((Errno::EINVAL, what));
        }
        let failed = "Attribute failed policy validation";
        match self {
            Self::Bits(bits) if attr.u32().is_ok_and(|value| value & !bits != 0) => {
                Some((Errno::EINVAL, "reserved bit set"))
            }
            _ => self.length(attr).err().map(|errno| (errno, failed)),
        }
    }

    fn length<O: ByteOrder>(self, attr: &Attr<O>) -> Result<(), Errno> {
        let payload = attr.payload();
        let len = payload.len();
        let fits = match self {
            Self::U8 | Self::U16 | Self::U32 | Self::S32 | Self::Bits(_) => len >= self.size(),
            Self::Text(most) | Self::NulText(most) => {
                let most = usize::from(most);
                let nul = payload.iter().take(most.wrapping_add(1)).any(|byte| *byte == 0);
                if matches!(self, Self::NulText(_)) && !nul {
                    return Err(Errno::EINVAL);
                }
                len >= 1 && payload.strip_suffix(&[0]).unwrap_or(payload).len() <= most
            }
            Self::AtLeast(least) => len >= usize::from(least),
            Self::Nest | Self::NestOf(_) => len == 0 || len >= 4,
            Self::Flag => len == 0,
        };
        if fits { Ok(()) } else { Err(Errno::ERANGE) }
    }

    /// Whether [`describe`](Self::describe) has anything to say.
    pub(crate) fn is_described(&self) -> bool {
        !matches!(self, Self::AtLeast(_) | Self::Bits(_))
    }

    /// `netlink_policy_dump_write_attr` (`net/netlink/policy.c`): `NL_POLICY_TYPE_ATTR_*`.
    pub(crate) fn describe<O: ByteOrder>(self, body: &mut Body<'_, O>) -> Result<(), Full> {
        let (kind, range, len) = match self {
            Self::U8 => (2, Some(u64::from(u8::MAX)), None),
            Self::U16 => (3, Some(u64::from(u16::MAX)), None),
            Self::U32 | Self::Bits(_) => (4, Some(u64::from(u32::MAX)), None),
            Self::S32 => (8, None, None),
            Self::Text(u16::MAX) => (11, None, None),
            Self::Text(most) => (11, None, Some(most)),
            Self::NulText(most) => (12, None, Some(most)),
            Self::Nest | Self::NestOf(_) => (13, None, None),
            Self::Flag | Self::AtLeast(_) => (1, None, None),
        };
        if let Some(most) = range {
            body.u64(4, 0)?; // MIN_VALUE_U
            body.u64(5, most)?; // MAX_VALUE_U
        }
        if self == Self::S32 {
            body.u64(2, i64::from(i32::MIN).cast_unsigned())?; // MIN_VALUE_S
            body.u64(3, i64::from(i32::MAX).cast_unsigned())?; // MAX_VALUE_S
        }
        len.map_or(Ok(()), |most| body.u32(7, most.into()))?; // MAX_LENGTH
        body.u32(1, kind) // TYPE
    }
}

/// A policy: the last type there is, and what those are of which that is checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) last: u16,
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
            let Some((rule, _)) = self.rules.iter().find(|(_, kinds)| kinds.contains(&kind)) else {
                if check == Check::Full {
                    return Err(ask.ext.blame(Errno::EINVAL, "Unsupported attribute", request, attr, None));
                }
                continue;
            };
            if let Some((errno, why)) = rule.fault(attr, check) {
                return Err(ask.ext.blame(errno, why, request, attr, Some(*rule)));
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
