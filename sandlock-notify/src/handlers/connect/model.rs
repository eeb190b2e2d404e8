//! From the bytes of a `struct sockaddr` to a destination, by the socket's own family and the kernel's length
//! rules.

use sandlock_sys::{Errno, Result};

use crate::egress::{Address, mapped};

/// `struct sockaddr_storage`: no address is longer.
pub const LONGEST: usize = 128;
/// `struct sockaddr_in`
const IN: usize = 16;
/// `struct sockaddr_in6`
const IN6: usize = 28;
/// `struct sockaddr_un`
const UN: usize = 110;

/// Where a connect goes. What it borrows is exactly what the kernel would read.
#[derive(Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// `AF_UNSPEC`: dissolve the connection.
    Nowhere,
    /// An address of IPv4 or IPv6, and a port.
    Internet(Address, u16, &'a [u8]),
    /// The path of a unix socket, without its NUL.
    Path(&'a [u8]),
    /// An abstract unix socket.
    Abstract(&'a [u8]),
}

/// Reads an address for a socket of family `domain` (its `SO_DOMAIN`, not what the bytes claim).
///
/// # Errors
///
/// * `EINVAL`: too short or too long.
/// * `EAFNOSUPPORT`: the bytes are of another family, or the socket's is not known here.
pub fn parse(domain: i32, address: &[u8]) -> Result<Destination<'_>> {
    let family = match address {
        [low, high, ..] if address.len() <= LONGEST => i32::from(u16::from_ne_bytes([*low, *high])),
        _ => return Err(Errno::EINVAL),
    };
    let internet = |whole: usize, to: Option<Address>| match (address, to) {
        ([_, _, high, low, ..], Some(to)) => {
            let bytes = address.get(..whole).unwrap_or(address);
            Ok(Destination::Internet(to, u16::from_be_bytes([*high, *low]), bytes))
        }
        _ => Err(Errno::EINVAL),
    };
    // The kernel wants the rest of a `sockaddr_in` too.
    let v4 = || address.get(..IN)?.get(4..)?.first_chunk().copied().map(mapped);
    // A scope ID may be missing (RFC 2133).
    let v6 = || address.get(8..)?.first_chunk().copied();
    match domain {
        libc::AF_INET if family == libc::AF_INET => internet(IN, v4()),
        libc::AF_INET6 if family == libc::AF_INET6 => internet(IN6, v6()),
        // A stream socket of these two families, and unix datagram sockets, take AF_UNSPEC as "no longer".
        libc::AF_INET | libc::AF_INET6 if family == libc::AF_UNSPEC => Ok(Destination::Nowhere),
        libc::AF_UNIX if family == libc::AF_UNSPEC => Ok(Destination::Nowhere),
        libc::AF_UNIX if family == libc::AF_UNIX => unix(address),
        libc::AF_UNIX => Err(Errno::EINVAL),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Writes the loopback address that "any" is judged as in its place: the kernel takes it for that of a socket
/// which is bound to another address, of IPv4 too.
pub fn settle_any(domain: i32, address: &mut [u8]) {
    match domain {
        libc::AF_INET => {
            if let Some(any @ [0, 0, 0, 0]) = address.get_mut(4..8) {
                any.copy_from_slice(&[127, 0, 0, 1]);
            }
        }
        libc::AF_INET6 => match address.get_mut(8..24) {
            Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, any @ ..]) if *any == [0; 4] => {
                any.copy_from_slice(&[127, 0, 0, 1]);
            }
            Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, any @ 0]) => *any = 1,
            _ => {}
        },
        _ => {}
    }
}

fn unix(address: &[u8]) -> Result<Destination<'_>> {
    match address.get(2..) {
        _ if address.len() > UN => Err(Errno::EINVAL),
        Some([0, ..]) => Ok(Destination::Abstract(address)),
        Some(path @ [_, ..]) => Ok(Destination::Path(path.split(|byte| *byte == 0).next().unwrap_or(path))),
        // No name at all.
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libc::{AF_INET, AF_INET6, AF_UNIX};
    use std::vec;
    use std::vec::Vec;

    fn address(family: i32, rest: &[u8], len: usize) -> Vec<u8> {
        let mut bytes = u16::try_from(family).unwrap().to_ne_bytes().to_vec();
        bytes.extend(rest);
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn the_socket_says_what_the_bytes_mean() {
        let v4 = address(AF_INET, &[0, 80, 127, 0, 0, 1], 16);
        let v6 = address(AF_INET6, &[1, 187], 28);
        let unspec = address(0, &[0, 80, 127, 0, 0, 1], 16);
        let path = address(AF_UNIX, b"/run/x\0junk", 40);
        for (domain, bytes, want) in [
            (AF_INET, &v4, Ok(Destination::Internet(mapped([127, 0, 0, 1]), 80, &v4))),
            (AF_INET6, &v6, Ok(Destination::Internet([0; 16], 443, &v6))),
            // A flipped family reaches no peer: it is judged by the socket.
            (AF_INET, &unspec, Ok(Destination::Nowhere)),
            (AF_INET, &path, Err(Errno::EAFNOSUPPORT)),
            (AF_INET6, &v4, Err(Errno::EAFNOSUPPORT)),
            (AF_UNIX, &v4, Err(Errno::EINVAL)),
            (AF_UNIX, &path, Ok(Destination::Path(b"/run/x"))),
            (38, &v4, Err(Errno::EAFNOSUPPORT)),
        ] {
            assert_eq!(parse(domain, bytes), want, "{domain} {bytes:?}");
        }
    }

    #[test]
    fn lengths_are_the_kernels() {
        for (domain, family, len, valid) in [
            (AF_INET, AF_INET, 16, true),
            (AF_INET, AF_INET, 15, false),
            (AF_INET, AF_INET, 128, true),
            (AF_INET6, AF_INET6, 24, true),
            (AF_INET6, AF_INET6, 23, false),
            (AF_UNIX, AF_UNIX, 110, true),
            (AF_UNIX, AF_UNIX, 111, false),
            (AF_UNIX, AF_UNIX, 2, false),
            (AF_INET, AF_INET, 129, false),
        ] {
            assert_eq!(parse(domain, &address(family, b"", len)).is_ok(), valid, "{domain} {len}");
        }
        for short in [vec![], vec![2]] {
            assert_eq!(parse(AF_INET, &short), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn what_goes_to_the_kernel_is_no_longer_than_it_reads() {
        let long = address(AF_INET, &[0, 80], 100);
        assert_eq!(parse(AF_INET, &long), Ok(Destination::Internet(mapped([0; 4]), 80, &long[..16])));
    }

    #[test]
    fn any_address_becomes_the_loopback_address_it_is_judged_as() {
        let v6 = |ip: &str| {
            let ip = ip.parse::<core::net::Ipv6Addr>().unwrap();
            address(AF_INET6, &[&[0; 6][..], &ip.octets()].concat(), 28)
        };
        for (domain, mut given, want) in [
            (AF_INET, address(AF_INET, &[0; 6], 16), address(AF_INET, &[0, 0, 127, 0, 0, 1], 16)),
            (AF_INET6, v6("::"), v6("::1")),
            (AF_INET6, v6("::ffff:0.0.0.0"), v6("::ffff:127.0.0.1")),
            (AF_INET6, v6("::2"), v6("::2")),
            (AF_INET6, v6("2001:db8::"), v6("2001:db8::")),
            (AF_INET, address(AF_INET, &[0, 0, 0, 0, 0, 1], 16), address(AF_INET, &[0, 0, 0, 0, 0, 1], 16)),
            (AF_UNIX, address(AF_UNIX, &[], 28), address(AF_UNIX, &[], 28)),
            (AF_INET, vec![2], vec![2]),
            (AF_INET6, vec![10], vec![10]),
        ] {
            settle_any(domain, &mut given);
            assert_eq!(given, want);
        }
    }

    #[test]
    fn an_abstract_name_keeps_its_nuls() {
        let name = address(AF_UNIX, b"\0a\0b", 6);
        assert_eq!(parse(AF_UNIX, &name), Ok(Destination::Abstract(&name)));
    }
}
