//! The network that a guest is shown.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rtnetlink::{ARPHRD_LOOPBACK, LinkFlags, RT_SCOPE_HOST};

/// The name of a link: 1 to 15 bytes without a NUL, as `IFNAMSIZ` has it.
///
/// A link message without a name crashes many of its readers, so there is no empty one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IfName {
    bytes: [u8; 15],
    len: u8,
}

impl IfName {
    /// `lo`.
    pub const LO: Self = Self { bytes: *b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0", len: 2 };

    /// `None`: empty, longer than 15 bytes, or with a NUL.
    pub fn new(name: &[u8]) -> Option<Self> {
        let len = u8::try_from(name.len()).ok().filter(|len| *len > 0)?;
        let mut bytes = [0; 15];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        (!name.contains(&0)).then_some(Self { bytes, len })
    }

    /// The bytes, without NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl core::fmt::Debug for IfName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

/// A network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The interface's index: positive, unique.
    pub index: u32,
    /// The name: unique.
    pub name: IfName,
    /// `ARPHRD_*`.
    pub kind: u16,
    /// `IFF_*`.
    pub flags: LinkFlags,
    /// The maximum transmission unit, in bytes.
    pub mtu: u32,
    /// The length of the transmission queue, in packets.
    pub txqlen: u32,
    /// The hardware address: at most 32 bytes in the kernel.
    pub address: &'a [u8],
    /// The hardware broadcast address, as long as the other.
    pub broadcast: &'a [u8],
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addr {
    /// The index of the link that has it.
    pub index: u32,
    /// The address.
    pub ip: IpAddr,
    /// How many of its bits are the network's.
    pub prefix_len: u8,
    /// `RT_SCOPE_*`.
    pub scope: u8,
    /// The label of an IPv4 address, which is at first the name of its link.
    pub label: Option<IfName>,
}

/// All that a guest is shown, in the order of the dumps.
///
/// More may be added: build it with `..View::EMPTY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// The links.
    pub links: &'a [Link<'a>],
    /// The addresses.
    pub addrs: &'a [Addr],
}

impl View<'static> {
    /// No network at all.
    pub const EMPTY: Self = Self { links: &[], addrs: &[] };

    /// A network namespace's own `lo`, up, with 127.0.0.1 and ::1: what a sandbox shows.
    pub const LOOPBACK: Self = Self {
        links: &[Link {
            index: 1,
            name: IfName::LO,
            kind: ARPHRD_LOOPBACK,
            flags: LinkFlags::UP.union(LinkFlags::LOOPBACK).union(LinkFlags::RUNNING),
            mtu: 65536,
            txqlen: 1000,
            address: &[0; 6],
            broadcast: &[0; 6],
        }],
        addrs: &[
            Addr {
                index: 1,
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                prefix_len: 8,
                scope: RT_SCOPE_HOST,
                label: Some(IfName::LO),
            },
            Addr {
                index: 1,
                ip: IpAddr::V6(Ipv6Addr::LOCALHOST),
                prefix_len: 128,
                scope: RT_SCOPE_HOST,
                label: None,
            },
        ],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_to_fifteen_bytes_and_no_nul() {
        assert_eq!(IfName::new(b"lo"), Some(IfName::LO));
        assert_eq!(IfName::new(b"exactly-fifteen").unwrap().as_bytes(), b"exactly-fifteen");
        for bad in [&b""[..], b"sixteen-bytes-xx", b"a\0", &[b'x'; 300]] {
            assert_eq!(IfName::new(bad), None);
        }
    }
}
