//! Checks of requests: their headers, and their attributes by the kernel's policies.

use zerocopy::{ByteOrder, U16};

use super::request::Request;
use crate::attr_policy::{AttrPolicy, AttrRule, Check, MDB_ENTRY_SIZE, RESERVED};
use crate::{Attr, Attrs, Errno, Malformed};

/// The sentence for trailing bytes that are no attribute.
pub(crate) const LEFTOVER: &str = "bytes leftover after parsing attributes";

/// `rtnl_validate_mdb_entry_get`.
fn check_mdb_entry<O: ByteOrder>(request: &mut Request<'_, O>, attr: &Attr<O>) -> Result<(), Errno> {
    let Ok(entry) = <&[u8; MDB_ENTRY_SIZE]>::try_from(attr.payload()) else {
        request.ext.point_at(request.message, attr);
        return Err(request.invalid("Invalid attribute length"));
    };
    let [i0, i1, i2, i3, state, flags, v0, v1, .., p0, p1, _, _] = entry;
    let vid = U16::<O>::from_bytes([*v0, *v1]).get();
    request.refuse_if([*i0, *i1, *i2, *i3] != [0; 4], "Entry ifindex cannot be specified")?;
    request.refuse_if(*state != 0, "Entry state cannot be specified")?;
    request.refuse_if(*flags != 0, "Entry flags cannot be specified")?;
    request.refuse_if(vid >= 0xfff, "Invalid entry VLAN id")?;
    // A hardware address, ETH_P_IP, ETH_P_IPV6.
    let known = [[0, 0], [0x08, 0x00], [0x86, 0xdd]];
    request.refuse_if(!known.contains(&[*p0, *p1]), "Unknown entry protocol")
}

/// The attributes of a request, after a check.
type Parsed<'a, O> = Result<Attrs<'a, O>, Errno>;

impl AttrPolicy {
    /// `__nla_validate_parse` (`lib/nlattr.c`).
    pub(crate) fn check<'a, O: ByteOrder>(
        &self,
        request: &mut Request<'a, O>,
        attrs: Attrs<'a, O>,
        check: Check,
    ) -> Parsed<'a, O> {
        for attr in attrs.clone() {
            let attr = match attr {
                Ok(attr) => attr,
                Err(_) => {
                    let errno = request.invalid(LEFTOVER);
                    // A lenient check only reports it.
                    return if check == Check::Lenient { Ok(attrs) } else { Err(errno) };
                }
            };
            let kind = attr.kind();
            if kind == 0 || kind > self.last {
                if check == Check::Lenient {
                    continue;
                }
                return Err(request.blame(Errno::EINVAL, "Unknown attribute type", attr, None));
            }
            let check = if kind >= self.strict { Check::Full } else { check };
            let Some((rule, _)) = self.rules.iter().find(|(_, kinds)| kinds.contains(&kind)) else {
                if check == Check::Full {
                    return Err(request.blame(Errno::EINVAL, "Unsupported attribute", attr, None));
                }
                continue;
            };
            if let Some((errno, why)) = rule.fault(attr, check) {
                return Err(request.blame(errno, why, attr, Some(*rule).filter(|_| why != RESERVED)));
            }
            match rule {
                AttrRule::NestOf(policy) => policy.check(request, attr.nested(), check).map(|_| ())?,
                AttrRule::MdbEntry => check_mdb_entry(request, attr)?,
                _ => {}
            }
        }
        Ok(attrs)
    }
}

/// The format of a kind of request: its header, and its attributes.
#[derive(Debug)]
pub(crate) struct RequestFormat {
    /// The size of the header, in bytes.
    pub(crate) size: usize,
    /// The sentence for a request that is shorter.
    pub(crate) short: &'static str,
    /// The ranges of the header that must be 0, because no filter is in them.
    pub(crate) zero: &'static [(usize, usize)],
    /// The sentence for one that is not 0 there.
    pub(crate) values: &'static str,
    /// The policy of the attributes. `None`: nothing may follow the header.
    pub(crate) policy: Option<&'static AttrPolicy>,
    /// The attributes that the request may have.
    pub(crate) allowed: &'static [u16],
    /// The sentence for others.
    pub(crate) other: &'static str,
}

impl RequestFormat {
    /// Checks the header of a request under `NETLINK_GET_STRICT_CHK`.
    pub(crate) fn strict_header<O: ByteOrder>(&self, request: &mut Request<'_, O>) -> Result<(), Errno> {
        self.header(request)?;
        let zero = |(from, to): &(usize, usize)| {
            request.message.payload().get(*from..*to).unwrap_or_default().iter().all(|byte| *byte == 0)
        };
        let all = self.zero.iter().all(zero);
        if all { Ok(()) } else { Err(request.invalid(self.values)) }
    }

    /// Returns the attributes behind the header, after a strict check. Without a policy there must be none.
    pub(crate) fn parse_strict<'a, O: ByteOrder>(&self, request: &mut Request<'a, O>) -> Parsed<'a, O> {
        let rest = self.header(request)?;
        match self.policy {
            Some(policy) => policy.check(request, Attrs::new(rest), Check::Strict),
            None => {
                let longer = request.message.payload().len() != self.size.next_multiple_of(4);
                request.refuse_if(longer, self.other).map(|()| Attrs::new(rest))
            }
        }
    }

    /// Returns them after a full check, for types of requests that were never lenient: `nlmsg_parse`.
    pub(crate) fn full<'a, O: ByteOrder>(&self, request: &mut Request<'a, O>) -> Parsed<'a, O> {
        let rest = self.header(request)?;
        self.policy.map_or(Ok(Attrs::new(&[])), |policy| policy.check(request, Attrs::new(rest), Check::Full))
    }

    /// Refuses attributes outside `allowed` and those that `check` refuses: the lowest type first, the last
    /// attribute of each type, as the kernel's loops over `tb[]` do.
    pub(crate) fn each<'a, O: ByteOrder>(
        &self,
        request: &mut Request<'a, O>,
        attrs: &Attrs<'a, O>,
        mut check: impl FnMut(&mut Request<'a, O>, &'a Attr<O>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut from = 0;
        let types = || attrs.clone().flatten().map(Attr::kind);
        while let Some(kind) = types().filter(|kind| *kind >= from).min() {
            request.refuse_if(!self.allowed.contains(&kind), self.other)?;
            attrs.last_of(kind).map_or(Ok(()), |attr| check(request, attr))?;
            from = kind.saturating_add(1);
        }
        Ok(())
    }

    /// Returns the attributes of a strict request, after all these checks.
    pub(crate) fn strict<'a, O: ByteOrder>(&self, request: &mut Request<'a, O>) -> Parsed<'a, O> {
        self.strict_header(request)?;
        let attrs = self.parse_strict(request)?;
        if self.policy.is_some() {
            self.each(request, &attrs, |_, _| Ok(()))?;
        }
        Ok(attrs)
    }

    /// Returns the attributes of a request without that option, after a lenient check.
    pub(crate) fn lenient<'a, O: ByteOrder>(&self, request: &mut Request<'a, O>) -> Parsed<'a, O> {
        let rest = self.header(request)?;
        match self.policy {
            Some(policy) => policy.check(request, Attrs::new(rest), Check::Lenient),
            None => Ok(Attrs::new(&[])),
        }
    }

    /// Returns the attributes after the check that the socket's options ask for.
    pub(crate) fn read<'a, O: ByteOrder>(&self, request: &mut Request<'a, O>) -> Parsed<'a, O> {
        if request.strict() { self.strict(request) } else { self.lenient(request) }
    }

    /// Returns the family of a request for a dump, whose other bytes count only under that option.
    pub(crate) fn family<O: ByteOrder>(&self, request: &mut Request<'_, O>) -> Result<u8, Errno> {
        if request.strict() {
            self.strict(request)?;
        }
        Ok(request.family())
    }

    /// What follows the header.
    fn header<'a, O: ByteOrder>(&self, request: &mut Request<'a, O>) -> Result<&'a [u8], Errno> {
        let message = request.message;
        message.after(self.size).map_err(|_: Malformed| request.invalid(self.short))
    }
}

/// The sentence of `nlmsg_parse` itself for a request that is shorter than its header.
pub(crate) const INVALID_HEADER_LENGTH: &str = "Invalid header length";
