//! Port lists as they are typed: `80`, `80,443`, `8000-8010`, `*`.

use core::str::FromStr;

use sandlock_notify::Ports;

/// TCP ports by ranges, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortList {
    ranges: Vec<(u16, u16)>,
    all: bool,
}

impl PortList {
    /// No port.
    pub const NONE: Self = Self { ranges: Vec::new(), all: false };

    /// Adds what another list has.
    pub fn extend(&mut self, other: &Self) {
        self.all |= other.all;
        self.ranges.extend(&other.ranges);
    }

    /// Every port, and the kernel's choice: `*`.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.all
    }

    /// Each port of a list that is not [all](Self::is_all).
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// As the supervisor takes it.
    #[must_use]
    pub fn as_ports(&self) -> Ports<'_> {
        if self.all { Ports::All } else { Ports::Listed(&self.ranges) }
    }
}

impl FromStr for PortList {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self { ranges: Vec::new(), all: true });
        }
        let port = |text: &str| match text.parse::<u16>() {
            Ok(port @ 1..) if text.starts_with(|first: char| first.is_ascii_digit()) => Ok(port),
            _ => Err("a port is a number from 1 to 65535; ports are given as 80, 80,443, 8000-8010 or *"),
        };
        let range = |item: &str| match item.split_once('-') {
            None => port(item).map(|port| (port, port)),
            Some((first, last)) => match (port(first)?, port(last)?) {
                (first, last) if first <= last => Ok((first, last)),
                _ => Err("a range of ports goes from the lower to the higher"),
            },
        };
        Ok(Self { ranges: text.split(',').map(range).collect::<Result<_, _>>()?, all: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_meant() {
        for (text, want) in [
            ("80", Some(vec![80])),
            ("80,443", Some(vec![80, 443])),
            ("8000-8002", Some(vec![8000, 8001, 8002])),
            ("65535", Some(vec![65535])),
            ("65534-65535", Some(vec![65534, 65535])),
            ("0", None),
            ("65536", None),
            ("-1", None),
            ("+80", None),
            ("80,", None),
            ("", None),
            ("9-8", None),
            ("1-2-3", None),
            ("http", None),
            ("80,*", None),
            (" 80", None),
        ] {
            let got = text.parse::<PortList>().ok().map(|list| list.iter().collect::<Vec<_>>());
            assert_eq!(got, want, "{text:?}");
        }
        assert!("*".parse::<PortList>().is_ok_and(|list| list.is_all()));
    }
}
