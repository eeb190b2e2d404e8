//! TCP ports, and the machines they are on: the network part of a policy.

use core::net::IpAddr;

use sandlock_notify::Ports;
use sandlock_notify::egress::{Rule, To, mapped};

/// TCP ports by ranges, or all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortList {
    pub(crate) ranges: Vec<(u16, u16)>,
    pub(crate) all: bool,
}

impl PortList {
    /// No port.
    pub const NONE: Self = Self { ranges: Vec::new(), all: false };
    /// Every port.
    pub const ALL: Self = Self { ranges: Vec::new(), all: true };

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

/// Some ports of some machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The machines.
    pub host: Host,
    /// Their TCP ports.
    pub ports: PortList,
}

/// The machines that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// All there are.
    Every,
    /// The machines whose address begins with so many bits of this one.
    Net(IpAddr, u8),
    /// Those that a name is found at.
    Name {
        /// In lower case, without a point at the end; of `*.example.org` the part behind the first point.
        name: String,
        /// Whether the names below are meant, and not the name itself.
        below: bool,
    },
}

impl Reach {
    /// As the supervisor takes it. `private`: names may lead into the local network.
    pub(crate) fn as_rule(&self, allows: bool, private: bool) -> Rule<'_> {
        let to = match &self.host {
            Host::Every => To::Every,
            Host::Net(IpAddr::V4(v4), bits) => To::Net(mapped(v4.octets()), bits.saturating_add(96)),
            Host::Net(IpAddr::V6(v6), bits) => To::Net(v6.octets(), *bits),
            Host::Name { name, below } => To::Name { name: name.as_bytes(), below: *below, private },
        };
        Rule { allows, to, ports: self.ports.as_ports() }
    }
}
