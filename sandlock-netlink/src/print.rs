//! Datagrams as text: one line for each message, header and attribute.

use core::fmt::{Display, Formatter, Result};
use core::marker::PhantomData;

use zerocopy::{ByteOrder, FromBytes, NativeEndian, U32};

use crate::rtnetlink::{AF_INET, AF_INET6, NAMES, RTM_NEWLINK};
use crate::{
    Attr, Attrs, Message, MessageFlags, Messages, NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE, NLMSG_NOOP,
    NLMSG_OVERRUN, Protocol, ip,
};

/// A datagram that displays as text, for tests and debugging.
///
/// Attributes have the kernel's names where `NETLINK_ROUTE` has them, and numbers otherwise.
///
/// ```
/// use sandlock_netlink::{NativeEndian, Printed, Protocol, REPLY_MAX, Socket, View, Writer, respond};
/// use sandlock_netlink::{DumpReader, rtnetlink::{RTM_GETADDR, RtGenMsg}};
///
/// let mut text = String::new();
/// let mut buf = [0; 64];
/// let of_family = RtGenMsg { family: 10 };
/// let request = DumpReader::<NativeEndian>::new(1).request(RTM_GETADDR, &of_family, &mut buf)?;
/// respond::<NativeEndian>(&View::LOOPBACK, &Socket::new(7), request, &mut [0; REPLY_MAX], &mut |datagram| {
///     text += &Printed::<NativeEndian>::new(Protocol::Route, datagram).to_string();
/// });
/// assert!(text.contains("\n  IFA_ADDRESS ::1\n"), "{text}");
/// # Ok::<(), sandlock_netlink::Full>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a, O: ByteOrder = NativeEndian> {
    protocol: Protocol,
    datagram: &'a [u8],
    order: PhantomData<O>,
}

impl<'a, O: ByteOrder> Printed<'a, O> {
    /// A request or a reply of this protocol.
    pub const fn new(protocol: Protocol, datagram: &'a [u8]) -> Self {
        Self { protocol, datagram, order: PhantomData }
    }
}

impl<O: ByteOrder> Display for Printed<'_, O> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for message in Messages::<O>::new(self.datagram) {
            match message {
                Ok(message) => write_message(f, self.protocol, message)?,
                Err(malformed) => writeln!(f, "malformed: {malformed}")?,
            }
        }
        Ok(())
    }
}

/// For every four types of rtnetlink messages, from the first one of them on: the size of their header in
/// bytes, and how the names of their attributes begin.
const BODIES: &[(u16, usize, &str)] = &[
    (16, 16, "IFLA_"),
    (20, 8, "IFA_"),
    (24, 12, "RTA_"),
    (28, 12, "NDA_"),
    (32, 12, "FRA_"),
    (36, 20, "TCA_"),
    (40, 20, "TCA_"),
    (44, 20, "TCA_"),
    (48, 4, "TCA_ROOT_"),
    (56, 8, "IFA_"),
    (60, 8, "IFA_"),
    (64, 4, "NDTA_"),
    (72, 12, "IFAL_"),
    (80, 4, "NETCONFA_"),
    (88, 4, "NETNSA_"),
    (92, 12, "IFLA_STATS_"),
    (104, 8, "NHA_"),
];

/// Attributes that are nests without saying so, and how the names in them begin.
const NESTS: &[(&str, &str)] = &[
    ("IFLA_AF_SPEC", "AF_"),
    ("AF_INET", "IFLA_INET_"),
    ("AF_INET6", "IFLA_INET6_"),
    ("IFLA_PROTINFO", "IFLA_INET6_"),
    ("IFLA_LINKINFO", "IFLA_INFO_"),
    ("IFLA_XDP", "IFLA_XDP_"),
    ("RTA_METRICS", "RTAX_"),
    ("NDTA_PARMS", "NDTPA_"),
    ("TCA_STATS2", "TCA_STATS_"),
];

/// Names outside the tables of rtnetlink.
const OTHERS: &[(&str, u32)] = &[
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("NLMSGERR_ATTR_MSG", 1),
    ("NLMSGERR_ATTR_OFFS", 2),
    ("NLMSGERR_ATTR_POLICY", 4),
    ("NLMSGERR_ATTR_MISS_TYPE", 5),
];

/// The attributes that are IP addresses.
const ADDRESSES: &[&str] = &[
    "IFA_ADDRESS",
    "IFA_LOCAL",
    "IFA_BROADCAST",
    "IFA_MULTICAST",
    "IFAL_ADDRESS",
    "RTA_DST",
    "RTA_SRC",
    "RTA_GATEWAY",
    "RTA_PREFSRC",
    "NDA_DST",
    "FRA_DST",
    "FRA_SRC",
    "IFLA_INET6_TOKEN",
];

/// The deepest nest that is printed as one.
const DEEPEST: usize = 8;

/// The name with a number: the first table with a name that begins so has it, or none.
fn name(prefix: &str, number: u16) -> Option<&'static str> {
    let with_prefix = |table: &&&[(&str, u32)]| table.iter().any(|(name, _)| name.starts_with(prefix));
    let table = NAMES.iter().find(with_prefix).copied().unwrap_or(OTHERS);
    let found = table.iter().find(|(name, value)| name.starts_with(prefix) && *value == number.into());
    found.filter(|_| !prefix.is_empty()).map(|(name, _)| *name)
}

fn write_message<O: ByteOrder>(f: &mut Formatter<'_>, protocol: Protocol, message: &Message<O>) -> Result {
    let (kind, header) = (message.kind(), message.header());
    let route = protocol == Protocol::Route;
    match kind {
        NLMSG_NOOP => f.write_str("NLMSG_NOOP")?,
        NLMSG_ERROR => f.write_str("NLMSG_ERROR")?,
        NLMSG_DONE => f.write_str("NLMSG_DONE")?,
        NLMSG_OVERRUN => f.write_str("NLMSG_OVERRUN")?,
        _ => match name("RTM_", kind).filter(|_| route) {
            Some(name) => f.write_str(name)?,
            None => write!(f, "type {kind}")?,
        },
    }
    let (len, flags, seq, port) = (header.len.get(), header.flags.get(), header.seq.get(), header.port.get());
    writeln!(f, " len {len} flags {flags:#x} seq {seq} port {port}")?;
    let (size, prefix) = match kind {
        NLMSG_DONE => (4, "NLMSGERR_ATTR_"),
        NLMSG_ERROR => (error_size(message), "NLMSGERR_ATTR_"),
        _ if kind < NLMSG_MIN_TYPE => (usize::MAX, ""),
        _ if route => {
            let first = kind.wrapping_sub(kind.wrapping_sub(RTM_NEWLINK) % 4);
            let body = BODIES.iter().find(|(of, ..)| *of == first);
            body.map_or((4, ""), |(_, size, prefix)| (*size, *prefix))
        }
        _ if protocol == Protocol::Generic => (4, ""),
        // What follows these headers is in no attribute.
        _ => (usize::MAX, ""),
    };
    let size = size.min(message.payload().len());
    let body = message.payload().get(..size).unwrap_or_default();
    write_bytes(f, "  header", body)?;
    let attrs = message.after(size).unwrap_or_default();
    write_attrs(f, prefix, Attrs::<O>::new(attrs), 1)
}

/// The length of what precedes the attributes of an `NLMSG_ERROR`: the errno, and the request or its header.
fn error_size<O: ByteOrder>(message: &Message<O>) -> usize {
    let request = message.payload().get(4..8).and_then(|len| U32::<O>::read_from_bytes(len).ok());
    let len = request.map_or(0, |len| usize::try_from(len.get()).unwrap_or(usize::MAX));
    match message.flags() {
        flags if !flags.contains(MessageFlags::ACK_TLVS) => usize::MAX,
        flags if flags.contains(MessageFlags::CAPPED) => 20,
        _ => len.checked_next_multiple_of(4).unwrap_or(usize::MAX).saturating_add(4),
    }
}

fn write_attrs<O: ByteOrder>(
    f: &mut Formatter<'_>,
    prefix: &str,
    attrs: Attrs<'_, O>,
    depth: usize,
) -> Result {
    let indent = depth.saturating_mul(2);
    for attr in attrs {
        match attr {
            Ok(attr) => {
                write!(f, "{:indent$}", "")?;
                write_attr(f, prefix, attr, depth)?;
            }
            Err(malformed) => writeln!(f, "{:indent$}malformed: {malformed}", "")?,
        }
    }
    Ok(())
}

fn write_attr<O: ByteOrder>(f: &mut Formatter<'_>, prefix: &str, attr: &Attr<O>, depth: usize) -> Result {
    let (name, payload) = (name(prefix, attr.kind()), attr.payload());
    match name {
        Some(name) => f.write_str(name)?,
        None => write!(f, "{prefix}{}", attr.kind())?,
    }
    let nest = NESTS.iter().find(|(nest, _)| Some(*nest) == name).map(|(_, prefix)| *prefix);
    let nested = attr.is_nested();
    if depth < DEEPEST && (nested || nest.is_some()) {
        f.write_str(if nested { " nested\n" } else { " nest\n" })?;
        return write_attrs(f, nest.unwrap_or_default(), attr.nested(), depth.saturating_add(1));
    }
    let family = if payload.len() == 4 { AF_INET } else { AF_INET6 };
    let ip = ip::read(family, attr).filter(|_| matches!(payload.len(), 4 | 16));
    let is_text = matches!(payload, [text @ .., 0] if !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~')));
    match (payload, ip) {
        (_, Some(ip)) if name.is_some_and(|name| ADDRESSES.contains(&name)) => writeln!(f, " {ip}"),
        ([byte], _) => writeln!(f, " {byte}"),
        ([_, _], _) => writeln!(f, " {}", attr.u16().unwrap_or(0)),
        ([_, _, _, _], _) if !is_text => {
            let value = attr.u32().unwrap_or(0);
            writeln!(f, " {value} ({value:#x})")
        }
        _ if is_text => writeln!(f, " \"{}\"", attr.string().escape_ascii()),
        _ => write_bytes(f, "", payload),
    }
}

/// Writes bytes as words, and runs of words that are 0 as their number.
fn write_bytes(f: &mut Formatter<'_>, title: &str, bytes: &[u8]) -> Result {
    write!(f, "{title} [{}]", bytes.len())?;
    let mut zeros = 0u32;
    for chunk in bytes.chunks(4).map(Some).chain([None]) {
        if chunk == Some(&[0; 4]) {
            zeros = zeros.saturating_add(1);
            continue;
        }
        if zeros != 0 {
            write!(f, " 0*{zeros}")?;
            zeros = 0;
        }
        for (at, byte) in chunk.unwrap_or_default().iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 0 { " " } else { "" })?;
        }
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, LittleEndian, NLA_F_NESTED, Writer};
    use std::string::{String, ToString};

    fn print(
        kind: u16,
        body: impl FnOnce(&mut Body<'_, LittleEndian>) -> core::result::Result<(), crate::Full>,
    ) -> String {
        let mut buf = [0; 512];
        let mut writer = Writer::<LittleEndian>::new(&mut buf);
        writer.message(kind, MessageFlags::MULTI, 1, 2, body).unwrap();
        Printed::<LittleEndian>::new(Protocol::Route, writer.as_bytes()).to_string()
    }

    #[test]
    fn each_attribute_has_a_line() {
        let text = print(RTM_NEWLINK, |body| {
            body.put(&[1u8; 16])?;
            body.string(3, b"lo")?;
            body.u32(4, 65536)?;
            body.u8(16, 2)?;
            body.counters(23, &[1], 4)?;
            body.nest(26, |spec| spec.nest(10, |inet6| inet6.u32(1, 5)))?;
            body.u16(999, 7)?;
            body.put(&[9u8, 0, 1, 0])
        });
        let want = "\
RTM_NEWLINK len 120 flags 0x2 seq 1 port 2
  header [16] 01010101 01010101 01010101 01010101
  IFLA_IFNAME \"lo\"
  IFLA_MTU 65536 (0x10000)
  IFLA_OPERSTATE 2
  IFLA_STATS64 [32] 01000000 0*7
  IFLA_AF_SPEC nest
    AF_INET6 nest
      IFLA_INET6_FLAGS 5 (0x5)
  IFLA_999 7
  malformed: a length of 9 with 4 bytes left
";
        assert_eq!(text, want);
    }

    #[test]
    fn addresses_and_errors_are_readable() {
        let route = print(24, |body| {
            body.put(&[0u8; 12])?;
            body.attr(1, &[127u8, 0, 0, 1])
        });
        assert!(route.ends_with("\n  RTA_DST 127.0.0.1\n"), "{route}");
        let done = print(NLMSG_DONE, |body| {
            body.put(&[0xffu8; 4])?;
            body.string(1, b"Why")
        });
        assert!(done.ends_with("\n  header [4] ffffffff\n  NLMSGERR_ATTR_MSG \"Why\"\n"), "{done}");
    }

    #[test]
    fn no_nest_is_too_deep() {
        let mut deep = std::vec::Vec::new();
        for len in (1u16..2000).rev() {
            deep.extend((len * 4).to_le_bytes());
            deep.extend((1 | NLA_F_NESTED).to_le_bytes());
        }
        let text = print(24, |body| body.put(&[0u8; 12]).and_then(|()| body.put(&deep[..400])));
        assert!(!text.is_empty());
        let mut buf = [0; 9000];
        let mut writer = Writer::<LittleEndian>::new(&mut buf);
        writer
            .message(24, MessageFlags::MULTI, 1, 2, |body| {
                body.put(&[0u8; 12]).and_then(|()| body.put(&deep[..]))
            })
            .unwrap();
        let text = Printed::<LittleEndian>::new(Protocol::Route, writer.as_bytes()).to_string();
        assert_eq!(text.lines().count(), 2 + DEEPEST);
    }
}
