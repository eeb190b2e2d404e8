//! IP addresses in attributes: 4 or 16 bytes, by their family.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zerocopy::ByteOrder;

use crate::rtnetlink::{AF_INET, AF_INET6};
use crate::{Attr, Body, Full};

/// `AF_INET` or `AF_INET6`.
pub(crate) const fn family(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    }
}

/// Adds an attribute that is an address.
pub(crate) fn write<O: ByteOrder>(body: &mut Body<'_, O>, kind: u16, ip: IpAddr) -> Result<(), Full> {
    match ip {
        IpAddr::V4(ip) => body.attr(kind, &ip.octets()),
        IpAddr::V6(ip) => body.attr(kind, &ip.octets()),
    }
}

/// The address at the beginning of an attribute; `None`: too short, or no such family.
pub(crate) fn read<O: ByteOrder>(family: u8, attr: &Attr<O>) -> Option<IpAddr> {
    match family {
        AF_INET => attr.get::<[u8; 4]>().ok().map(|octets| Ipv4Addr::from(*octets).into()),
        AF_INET6 => attr.get::<[u8; 16]>().ok().map(|octets| Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

/// The address of a family that is all zero.
pub(crate) const fn unspecified(family: u8) -> IpAddr {
    match family {
        AF_INET => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// Whether the first `len` bits of two addresses of one family are the same.
pub(crate) fn same_prefix(a: IpAddr, b: IpAddr, len: u8) -> bool {
    let shifted = |ip: u128, bits: u32| ip.checked_shr(bits.saturating_sub(len.into())).unwrap_or(0);
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => shifted(a.to_bits().into(), 32) == shifted(b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => shifted(a.to_bits(), 128) == shifted(b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_compared_by_bits() {
        let same = |a: &str, b: &str, len| same_prefix(a.parse().unwrap(), b.parse().unwrap(), len);
        assert!(same("127.0.0.1", "127.255.0.0", 8));
        assert!(!same("127.0.0.1", "127.255.0.0", 9));
        assert!(same("10.0.0.1", "192.0.2.1", 0));
        assert!(!same("10.0.0.1", "10.0.0.0", 32));
        assert!(same("fe80::1", "fe80::2", 126));
        assert!(!same("fe80::1", "fe80::2", 127));
        assert!(same("::1", "2001::", 0));
        assert!(!same("::", "0.0.0.0", 0));
    }
}
