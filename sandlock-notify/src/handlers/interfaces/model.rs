//! What an interface request is answered with: `dev_ifsioc` (`net/core/dev_ioctl.c`) and `devinet_ioctl`
//! (`net/ipv4/devinet.c`), out of a view.

use core::net::{IpAddr, Ipv4Addr};

use sandlock_netlink::{Addr, Link, View};
use sandlock_sys::{Errno, Result};

/// `IFNAMSIZ`
const NAME_LEN: usize = 16;
/// `sizeof(struct ifreq)`: the name, and a union whose largest member is `struct ifmap`. With a `long` of 32
/// bits it ends 8 bytes earlier, and nothing is in those.
pub(super) const IFREQ_LEN: usize = 2 * NAME_LEN + 8;
pub(super) const IFREQ_NARROW: usize = 2 * NAME_LEN;

// The requests, from `linux/sockios.h`.
const SIOCGIFNAME: i32 = 0x8910;
pub(super) const SIOCGIFCONF: i32 = 0x8912;
const SIOCGIFFLAGS: i32 = 0x8913;
const SIOCGIFADDR: i32 = 0x8915;
const SIOCGIFDSTADDR: i32 = 0x8917;
const SIOCGIFBRDADDR: i32 = 0x8919;
const SIOCGIFNETMASK: i32 = 0x891b;
const SIOCGIFMETRIC: i32 = 0x891d;
const SIOCGIFMTU: i32 = 0x8921;
const SIOCGIFHWADDR: i32 = 0x8927;
const SIOCGIFINDEX: i32 = 0x8933;
const SIOCGIFTXQLEN: i32 = 0x8942;
const SIOCETHTOOL: i32 = 0x8946;
const SIOCGIFMAP: i32 = 0x8970;

/// `IFF_UP` to `IFF_DYNAMIC`: the flags that fit in the `short` of an `ifreq`.
const FLAGS: u32 = 0xffff;

/// An answer as it goes into the union of an `ifreq`.
type Union = [u8; IFREQ_LEN - NAME_LEN];

/// Answers a request out of `view` by rewriting its `ifreq`. `domain` is the socket's: only one of IPv4 is
/// asked about addresses.
///
/// # Errors
///
/// * `ENODEV`: no such interface.
/// * `EADDRNOTAVAIL`: it has no IPv4 address.
/// * `EOPNOTSUPP`: it has no such property.
/// * `ENOTTY`: the socket does not have such requests.
/// * `EPERM`: the request is none of these.
pub(super) fn answer(view: &View<'_>, domain: i32, request: i32, ifreq: &mut [u8; IFREQ_LEN]) -> Result<()> {
    let (name, union) = ifreq.split_first_chunk_mut::<NAME_LEN>().ok_or(Errno::EINVAL)?;
    let link = match request {
        SIOCGIFNAME => {
            let index = union.first_chunk().copied().map_or(0, u32::from_ne_bytes);
            view.link(index)
        }
        _ => view.links.iter().find(|link| link.name.as_bytes() == device(name)),
    };
    let link = link.ok_or(Errno::ENODEV)?;
    let mut new = Union::default();
    match request {
        SIOCGIFNAME => {
            put_name(name, link);
            return Ok(());
        }
        SIOCGIFINDEX => put(&mut new, link.index.to_ne_bytes()),
        SIOCGIFFLAGS => put(&mut new, (link.flags.bits() & FLAGS).to_ne_bytes()),
        SIOCGIFMTU => put(&mut new, link.mtu.to_ne_bytes()),
        SIOCGIFTXQLEN => put(&mut new, link.txqlen.to_ne_bytes()),
        SIOCGIFMETRIC | SIOCGIFMAP => {}
        // `lo` has no driver that would know.
        SIOCETHTOOL => return Err(Errno::EOPNOTSUPP),
        SIOCGIFHWADDR => {
            put(&mut new, link.kind.to_ne_bytes());
            new.iter_mut().skip(2).zip(link.address).for_each(|(to, from)| *to = *from);
        }
        SIOCGIFADDR | SIOCGIFDSTADDR | SIOCGIFBRDADDR | SIOCGIFNETMASK if domain == libc::AF_INET => {
            let addr = addrs4(view, link).next().ok_or(Errno::EADDRNOTAVAIL)?;
            let ip = match request {
                SIOCGIFNETMASK => mask(addr.prefix_len),
                SIOCGIFBRDADDR => addr.broadcast.unwrap_or(Ipv4Addr::UNSPECIFIED),
                SIOCGIFDSTADDR => v4(addr.peer.unwrap_or(addr.ip)),
                _ => v4(addr.ip),
            };
            put(&mut new, sockaddr(ip));
        }
        SIOCGIFADDR | SIOCGIFDSTADDR | SIOCGIFBRDADDR | SIOCGIFNETMASK => return Err(Errno::ENOTTY),
        _ => return Err(Errno::EPERM),
    }
    union.copy_from_slice(&new);
    Ok(())
}

/// `dev_ifconf`: an `ifreq` for each IPv4 address.
pub(super) fn list<'v>(view: &'v View<'_>) -> impl Iterator<Item = [u8; IFREQ_LEN]> + 'v {
    view.links.iter().flat_map(move |link| {
        addrs4(view, link).map(move |addr| {
            let mut ifreq = [0; IFREQ_LEN];
            if let Some((name, union)) = ifreq.split_first_chunk_mut() {
                put_name(name, link);
                put(union, sockaddr(v4(addr.ip)));
            }
            ifreq
        })
    })
}

/// The interface that a name is about: the kernel cuts off the end of an alias such as `lo:1`.
fn device(name: &[u8; NAME_LEN]) -> &[u8] {
    name.split(|byte| matches!(byte, 0 | b':')).next().unwrap_or_default()
}

fn addrs4<'v>(view: &'v View<'_>, link: &'v Link<'_>) -> impl Iterator<Item = &'v Addr> {
    view.addrs.iter().filter(|addr| addr.index == link.index && addr.ip.is_ipv4())
}

fn v4(ip: IpAddr) -> Ipv4Addr {
    match ip {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

fn mask(prefix_len: u8) -> Ipv4Addr {
    u32::MAX.checked_shl(u32::from(32u8.saturating_sub(prefix_len))).unwrap_or(0).into()
}

/// `struct sockaddr_in`, up to its padding.
fn sockaddr(ip: Ipv4Addr) -> [u8; 8] {
    let [f0, f1] = libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default().to_ne_bytes();
    let [a, b, c, d] = ip.octets();
    [f0, f1, 0, 0, a, b, c, d]
}

fn put_name(to: &mut [u8; NAME_LEN], link: &Link<'_>) {
    *to = [0; NAME_LEN];
    to.iter_mut().zip(link.name.as_bytes()).for_each(|(to, from)| *to = *from);
}

fn put<const N: usize>(to: &mut [u8], value: [u8; N]) {
    if let Some(to) = to.first_chunk_mut() {
        *to = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn asked(domain: i32, request: i32, name: &[u8], union: &[u8]) -> Result<([u8; 16], Vec<u8>)> {
        let mut ifreq = [0xee; IFREQ_LEN];
        ifreq[..name.len()].copy_from_slice(name);
        ifreq[16..].iter_mut().zip(union).for_each(|(to, from)| *to = *from);
        answer(&View::LOOPBACK, domain, request, &mut ifreq)?;
        Ok((ifreq[..16].try_into().unwrap(), ifreq[16..].to_vec()))
    }

    #[test]
    fn lo_is_what_the_kernel_says_it_is() {
        let localhost = [2, 0, 0, 0, 127, 0, 0, 1];
        let fields: [(i32, &[u8]); 12] = [
            (SIOCGIFINDEX, &1u32.to_ne_bytes()),
            (SIOCGIFFLAGS, &0x49u16.to_ne_bytes()),
            (SIOCGIFMTU, &65536u32.to_ne_bytes()),
            (SIOCGIFTXQLEN, &1000u32.to_ne_bytes()),
            (SIOCGIFMETRIC, &[]),
            (SIOCGIFMAP, &[]),
            (SIOCGIFHWADDR, &772u16.to_ne_bytes()),
            (SIOCGIFADDR, &localhost),
            (SIOCGIFDSTADDR, &localhost),
            (SIOCGIFNETMASK, &[2, 0, 0, 0, 255]),
            (SIOCGIFBRDADDR, &[2]),
            (SIOCGIFADDR, &localhost),
        ];
        for (request, want) in fields {
            let (_, union) = asked(libc::AF_INET, request, b"lo\0", &[]).unwrap();
            let want: Vec<u8> = want.iter().copied().chain([0; IFREQ_LEN]).take(IFREQ_LEN - 16).collect();
            if cfg!(target_endian = "little") {
                assert_eq!(union, want, "{request:#x}");
            }
        }
        let (name, _) = asked(libc::AF_UNIX, SIOCGIFNAME, b"", &1u32.to_ne_bytes()).unwrap();
        assert_eq!(name, *b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert!(asked(libc::AF_INET, SIOCGIFADDR, b"lo:1\0", &[]).is_ok());
    }

    #[test]
    fn nothing_else_is_there() {
        for (domain, request, name, want) in [
            (libc::AF_INET, SIOCGIFINDEX, &b"eth0\0"[..], Errno::ENODEV),
            (libc::AF_INET, SIOCGIFMTU, b"\0", Errno::ENODEV),
            (libc::AF_INET, SIOCGIFMTU, b"a name of 16 byt", Errno::ENODEV),
            (libc::AF_UNIX, SIOCGIFADDR, b"lo\0", Errno::ENOTTY),
            (libc::AF_UNIX, SIOCETHTOOL, b"lo\0", Errno::EOPNOTSUPP),
            // SIOCSIFFLAGS
            (libc::AF_INET, 0x8914, b"lo\0", Errno::EPERM),
        ] {
            assert_eq!(asked(domain, request, name, &[]).err(), Some(want), "{request:#x}");
        }
        assert_eq!(asked(2, SIOCGIFNAME, b"", &2u32.to_ne_bytes()).err(), Some(Errno::ENODEV));
        let bare = View { addrs: &[], ..View::LOOPBACK };
        let mut ifreq = [0; IFREQ_LEN];
        ifreq[..2].copy_from_slice(b"lo");
        assert_eq!(answer(&bare, libc::AF_INET, SIOCGIFADDR, &mut ifreq), Err(Errno::EADDRNOTAVAIL));
        assert_eq!((list(&bare).count(), list(&View::LOOPBACK).count()), (0, 1));
    }
}
