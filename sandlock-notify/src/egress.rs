//! The machines that the sandbox may reach: rules of addresses, names and ports, and the addresses of names.

use core::cell::RefCell;
use core::net::IpAddr;
use core::time::Duration;

use sandlock_sys::mm::FixedVec;

use crate::ports::Ports;

/// An address of either family; one of IPv4 is mapped (`::ffff:192.0.2.1`).
pub type Address = [u8; 16];

/// How many addresses are known at once. When there are more, the one that ends first goes.
const LEARNED: usize = 512;
/// How long an address stays reachable at least: programs remember it longer than its time to live.
const SHORTEST: Duration = Duration::from_secs(300);
const LONGEST: Duration = Duration::from_secs(86_400);

/// A rule of `--net-allow` or `--net-deny`.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'p> {
    /// Whether it allows. A rule that denies wins over every one that allows.
    pub allows: bool,
    /// The machines.
    pub to: To<'p>,
    /// The TCP ports.
    pub ports: Ports<'p>,
}

/// The machines of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To<'p> {
    /// Every address.
    Every,
    /// The addresses of a family that begin with so many bits of this one; of IPv4 at least 96.
    Net(Address, u8),
    /// The addresses of a name, in lower case.
    Name {
        /// The name; of `*.example.org` the part behind the asterisk and the point.
        name: &'p [u8],
        /// Whether the names below are meant, and not the name itself.
        below: bool,
        /// Whether addresses count that only a local network has.
        private: bool,
    },
}

/// An address that a name was found at.
#[derive(Debug, Clone, Copy)]
struct Learned {
    address: Address,
    /// The place of the name's rule.
    rule: usize,
    until: Duration,
}

/// The rules, and the addresses of names.
#[derive(Debug)]
pub struct Egress<'p> {
    rules: &'p [Rule<'p>],
    learned: RefCell<FixedVec<Learned>>,
}

impl<'p> Egress<'p> {
    /// No name is known yet.
    #[must_use]
    pub const fn new(rules: &'p [Rule<'p>]) -> Self {
        Self { rules, learned: RefCell::new(FixedVec::new(LEARNED)) }
    }

    /// Whether a connection to this TCP port of this address is allowed now.
    #[must_use]
    pub fn allows(&self, address: &Address, port: u16, now: Duration) -> bool {
        let reached = reached(address);
        let is_denied = self.rules.iter().any(|rule| {
            let is_meant = rule.to.has(&reached) || rule.to.has(address);
            !rule.allows && is_meant && rule.ports.contains(port)
        });
        let is_learned = |rule: usize| {
            let knows = |known: &Learned| known.rule == rule && known.address == reached && known.until > now;
            self.learned.try_borrow().is_ok_and(|learned| learned.iter().any(knows))
        };
        let allows = |(place, rule): (usize, &Rule<'_>)| {
            rule.allows && rule.ports.contains(port) && (rule.to.has(&reached) || is_learned(place))
        };
        !is_denied && self.rules.iter().enumerate().any(allows)
    }

    /// Whether there is a way to an address: without a rule there is none to another machine.
    #[must_use]
    pub fn is_reachable(&self, address: &Address) -> bool {
        let own = [To::Net(mapped([127, 0, 0, 0]), 104), To::Net(reached(&[0; 16]), 128)];
        !self.rules.is_empty() || own.iter().any(|net| net.has(&reached(address)))
    }

    /// Whether a name may be asked for.
    #[must_use]
    pub fn resolves(&self, name: &[u8]) -> bool {
        let is_meant = |allows: bool| {
            self.rules.iter().any(|rule| {
                rule.allows == allows && (rule.to.is_named(name) || allows && rule.to == To::Every)
            })
        };
        !is_meant(false) && is_meant(true)
    }

    /// Notes an address of a name that [resolves](Self::resolves), for so many seconds. Returns whether it is
    /// one that may be reached.
    #[must_use]
    pub fn learn(&self, name: &[u8], address: &Address, seconds: u32, now: Duration) -> bool {
        let until = Duration::from_secs(seconds.into()).clamp(SHORTEST, LONGEST).saturating_add(now);
        let address = reached(address);
        let mut is_reachable = false;
        for (place, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.allows) {
            is_reachable |= match rule.to {
                To::Name { private, .. } if rule.to.is_named(name) => {
                    (private || !is_private(&address))
                        && self.note(Learned { address, rule: place, until }).is_ok()
                }
                to => to.has(&address),
            };
        }
        is_reachable
    }

    fn note(&self, new: Learned) -> Result<(), Learned> {
        let Ok(mut learned) = self.learned.try_borrow_mut() else { return Err(new) };
        let is_same = |known: &&mut Learned| known.address == new.address && known.rule == new.rule;
        if let Some(known) = learned.iter_mut().find(is_same) {
            known.until = known.until.max(new.until);
            return Ok(());
        }
        if learned.len() < LEARNED {
            return learned.push(new);
        }
        let first = learned.iter_mut().min_by_key(|known| known.until);
        first.map(|known| *known = new).ok_or(new)
    }
}

impl To<'_> {
    /// Whether the address itself is meant.
    fn has(&self, address: &Address) -> bool {
        let Self::Net(net, bits) = self else { return *self == Self::Every };
        // No network of IPv6 has addresses of IPv4.
        if *bits < 96 && address.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
            return false;
        }
        let shift = 128u32.saturating_sub((*bits).into());
        let [net, address] = [net, address].map(|bytes| u128::from_be_bytes(*bytes));
        (net ^ address).checked_shr(shift).unwrap_or(0) == 0
    }

    /// Whether the name, in lower case, is meant.
    #[must_use]
    pub fn is_named(&self, asked: &[u8]) -> bool {
        match self {
            Self::Name { name, below: false, .. } => asked == *name,
            Self::Name { name, below: true, .. } => {
                asked.strip_suffix(*name).is_some_and(|rest| rest.len() > 1 && rest.ends_with(b"."))
            }
            Self::Every | Self::Net(..) => false,
        }
    }
}

/// An address of IPv4.
#[must_use]
pub const fn mapped([a, b, c, d]: [u8; 4]) -> Address {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

/// An address of either family.
#[must_use]
pub const fn of_ip(ip: IpAddr) -> Address {
    match ip {
        IpAddr::V4(v4) => mapped(v4.octets()),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The address that is reached in the end: the one of IPv4 that is within one of IPv6 (compatible, 6to4,
/// NAT64), and the own one for none at all.
fn reached(address: &Address) -> Address {
    match *address {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0] => mapped([127, 0, 0, 1]),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low] => {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low.max(1)]
        }
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0x20, 0x02, a, b, c, d, ..]
        | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => mapped([a, b, c, d]),
        other => other,
    }
}

/// Whether only this machine or a local network has the address: a name that a stranger controls must not
/// lead there.
#[must_use]
pub fn is_private(address: &Address) -> bool {
    match address {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, _] => matches!(
            (a, b, c),
            (0 | 10 | 127 | 224.., ..)
                | (100, 64..=127, _)
                | (169, 254, _)
                // The platform's own service on Azure.
                | (168, 63, 129)
                | (172, 16..=31, _)
                | (192, 168, _)
                | (192, 0, 0)
                | (198, 18 | 19, _)
        ),
        // Only 2000::/3 is given out; in Teredo's part is an address of IPv4, with the bits inverted.
        _ => !matches!(address, [0x20..=0x3f, ..]) || address.starts_with(&[0x20, 1, 0, 0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    fn address(text: &str) -> Address {
        of_ip(text.parse().unwrap())
    }

    fn net(text: &str, bits: u8) -> To<'static> {
        To::Net(address(text), if text.contains(':') { bits } else { bits.strict_add(96) })
    }

    const HTTPS: Ports<'static> = Ports::Listed(&[(443, 443)]);
    const ZERO: Duration = Duration::ZERO;

    const fn name(name: &'static str, below: bool) -> To<'static> {
        To::Name { name: name.as_bytes(), below, private: false }
    }

    #[test]
    fn a_net_is_the_bits_that_are_given() {
        let rule = |to, allows| Rule { allows, to, ports: HTTPS };
        let rules = [
            rule(net("192.0.2.0", 24), true),
            rule(net("2001:db8::", 33), true),
            rule(net("192.0.2.128", 25), false),
        ];
        let egress = Egress::new(&rules);
        for (to, port, want) in [
            ("192.0.2.1", 443, true),
            ("192.0.2.1", 80, false),
            ("192.0.2.1", 0, false),
            ("192.0.2.127", 443, true),
            ("192.0.2.128", 443, false),
            ("192.0.3.1", 443, false),
            ("2001:db8:7fff::1", 443, true),
            ("2001:db8:8000::1", 443, false),
            // The same machine by other names.
            ("::192.0.2.1", 443, true),
            ("2002:c000:0201::1", 443, true),
            ("64:ff9b::192.0.2.1", 443, true),
            ("64:ff9b::192.0.2.129", 443, false),
            ("2002:c000:0281::1", 443, false),
            ("127.0.0.1", 443, false),
            ("0.0.0.0", 443, false),
            ("::", 443, false),
        ] {
            assert_eq!(egress.allows(&address(to), port, ZERO), want, "{to} {port}");
        }
        let rules = [rule(net("::", 0), true), rule(net("::", 95), true)];
        let egress = Egress::new(&rules);
        for to in ["192.0.2.1", "127.0.0.1", "0.0.0.0", "::192.0.2.1", "64:ff9b::192.0.2.1"] {
            assert!(!egress.allows(&address(to), 443, ZERO), "{to}");
        }
        assert!(egress.allows(&address("2001:db8::1"), 443, ZERO));
        assert!(egress.allows(&address("fd00::1"), 443, ZERO));
        let rules = [rule(net("0.0.0.0", 0), true)];
        let egress = Egress::new(&rules);
        assert!(egress.allows(&address("192.0.2.1"), 443, ZERO));
        assert!(!egress.allows(&address("2001:db8::1"), 443, ZERO));
        let rules = [rule(To::Every, true), rule(net("127.0.0.0", 8), false), rule(net("::1", 128), false)];
        let egress = Egress::new(&rules);
        for to in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::127.0.0.1", "2002:7f00:1::"] {
            assert!(!egress.allows(&address(to), 443, ZERO), "{to}");
        }
        assert!(egress.allows(&address("192.0.2.1"), 443, ZERO));
        assert!(egress.allows(&address("2001:db8::1"), 443, ZERO));
    }

    #[test]
    fn a_name_is_reached_where_it_was_found_for_as_long_as_it_lives() {
        let rule = |to, allows| Rule { allows, to, ports: HTTPS };
        let rules = [
            rule(name("example.org", false), true),
            rule(name("cdn.example.org", true), true),
            rule(name("bad.cdn.example.org", false), false),
        ];
        let egress = Egress::new(&rules);
        for (asked, want) in [
            ("example.org", true),
            ("www.example.org", false),
            ("xexample.org", false),
            ("cdn.example.org", false),
            ("a.cdn.example.org", true),
            ("a.b.cdn.example.org", true),
            (".cdn.example.org", false),
            ("acdn.example.org", false),
            ("bad.cdn.example.org", false),
            ("", false),
            ("org", false),
        ] {
            assert_eq!(egress.resolves(asked.as_bytes()), want, "{asked}");
        }
        let web = address("198.51.100.7");
        assert!(!egress.allows(&web, 443, ZERO));
        assert!(egress.learn(b"example.org", &web, 1, ZERO));
        assert!(egress.allows(&web, 443, ZERO));
        assert!(!egress.allows(&web, 80, ZERO));
        assert!(egress.allows(&web, 443, SHORTEST.saturating_sub(Duration::from_secs(1))));
        assert!(!egress.allows(&web, 443, SHORTEST));
        assert!(egress.learn(b"example.org", &web, u32::MAX, ZERO));
        assert!(egress.allows(&web, 443, LONGEST.saturating_sub(Duration::from_secs(1))));
        assert!(!egress.allows(&web, 443, LONGEST));
    }

    #[test]
    fn a_name_does_not_lead_into_the_local_network() {
        let rules = [
            Rule { allows: true, to: name("example.org", false), ports: HTTPS },
            Rule { allows: true, to: net("10.0.0.0", 8), ports: HTTPS },
        ];
        let egress = Egress::new(&rules);
        for local in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.170",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::10.1.1.1",
            "64:ff9b:1::10.1.1.1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "168.63.129.16",
            "2001:0:c000:201::f5ff:fffe",
        ] {
            let is_allowed = local.ends_with("10.1.1.1") && local.starts_with("64:ff9b::");
            assert_eq!(egress.learn(b"example.org", &address(local), 60, ZERO), is_allowed, "{local}");
            assert_eq!(egress.allows(&address(local), 443, ZERO), is_allowed, "{local}");
        }
        // A rule of its own is as good for the address of a name.
        assert!(egress.learn(b"example.org", &address("10.1.1.1"), 60, ZERO));
        for public in ["172.32.0.1", "100.128.0.1", "192.0.2.1", "198.20.0.1", "2001:db8::1"] {
            assert!(egress.learn(b"example.org", &address(public), 60, ZERO), "{public}");
        }
        let private = To::Name { name: b"intranet", below: false, private: true };
        let rules = [Rule { allows: true, to: private, ports: HTTPS }];
        let egress = Egress::new(&rules);
        assert!(egress.learn(b"intranet", &address("10.1.1.1"), 60, ZERO));
        assert!(egress.allows(&address("10.1.1.1"), 443, ZERO));
    }

    #[test]
    fn without_a_rule_there_is_a_way_to_this_machine_only() {
        let (none, some) = ([], [Rule { allows: true, to: name("example.org", false), ports: HTTPS }]);
        for (to, is_own) in [
            ("127.9.0.1", true),
            ("0.0.0.0", true),
            ("::1", true),
            ("::", true),
            ("192.0.2.1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(Egress::new(&none).is_reachable(&address(to)), is_own, "{to}");
            assert!(Egress::new(&some).is_reachable(&address(to)), "{to}");
        }
    }

    #[test]
    fn a_full_table_forgets_what_ends_first() {
        let rules = [Rule { allows: true, to: name("example.org", true), ports: HTTPS }];
        let egress = Egress::new(&rules);
        let nth = |number: usize| {
            let [.., a, b] = number.to_be_bytes();
            mapped([198, 51, a, b])
        };
        for number in 0..LEARNED.strict_add(1) {
            let asked = number.to_string() + ".example.org";
            let seconds = u32::try_from(number).unwrap().strict_add(1000);
            assert!(egress.learn(asked.as_bytes(), &nth(number), seconds, ZERO));
        }
        let gone: Vec<usize> =
            (0..LEARNED.strict_add(1)).filter(|n| !egress.allows(&nth(*n), 443, ZERO)).collect();
        assert_eq!(gone, [0]);
    }
}
