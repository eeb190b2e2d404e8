//! Rules of the network as they are typed: `example.org:443`, `*.example.org`, `10.0.0.0/8:80,8000-8010`,
//! `:443`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::policy::{Host, PortList, Reach};

const PORT: &str = "a port is a number from 1 to 65535; ports are given as 80, 80,443, 8000-8010 or *";
const NAME: &str = "a name is letters, digits and hyphens between points, each part at most 63 long and all \
                    together 253; a wildcard is the first part: *.example.org";

impl FromStr for PortList {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::ALL);
        }
        let port = |text: &str| match text.parse::<u16>() {
            Ok(port @ 1..) if text.starts_with(|first: char| first.is_ascii_digit()) => Ok(port),
            _ => Err(PORT),
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

impl PortList {
    /// The ports of the web: those of an allowed name without any.
    #[must_use]
    pub fn of_web() -> Self {
        Self { ranges: vec![(80, 80), (443, 443)], all: false }
    }
}

impl Reach {
    /// Reads a list of rules, which commas separate: `[tcp://]HOST[:PORTS]`, where `HOST` is a name,
    /// `*.DOMAIN`, an address, a network (`10.0.0.0/8`), `*` or nothing. An address of IPv6 that ports follow
    /// is in brackets. Without ports they are `of_name` of a name, and all of an address.
    ///
    /// # Errors
    ///
    /// The first item that is no rule, and the reason.
    pub fn parse_list<'t>(text: &'t str, of_name: &PortList) -> Result<Vec<Self>, (&'t str, &'static str)> {
        let mut rules: Vec<Self> = Vec::new();
        let mut goes_on = false;
        for item in text.split(',') {
            let is_port = item.bytes().next().is_some_and(|first| first.is_ascii_digit())
                && item.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            match rules.last_mut().filter(|_| goes_on && (is_port || item == "*")) {
                Some(last) if is_port => last.ports.extend(&item.parse().map_err(|why| (item, why))?),
                Some(_) => {
                    return Err((
                        item,
                        "* stands alone: all ports are :*, and all addresses a rule of their own",
                    ));
                }
                None => {
                    let (host, ports) = split(item).map_err(|why| (item, why))?;
                    goes_on = ports.is_some_and(|ports| ports != "*");
                    let host = self::host(host).map_err(|why| (item, why))?;
                    let ports = match (ports, &host) {
                        (Some(ports), _) => ports.parse().map_err(|why| (item, why))?,
                        (None, Host::Name { .. }) => of_name.clone(),
                        (None, _) => PortList::ALL,
                    };
                    rules.push(Self { host, ports });
                }
            }
        }
        Ok(rules)
    }
}

/// Takes the scheme away, and the ports off.
fn split(item: &str) -> Result<(&str, Option<&str>), &'static str> {
    let item = match item.split_once("://") {
        None => item,
        Some(("tcp", rest)) => rest,
        Some(("udp" | "icmp", _)) => return Err("there are no rules of UDP and ICMP yet"),
        Some(_) => return Err("this is a URL; a rule is HOST:PORTS, such as example.org:443"),
    };
    let colons = item.bytes().filter(|byte| *byte == b':').count();
    match item.rsplit_once(':') {
        _ if item.is_empty() => Err("a rule is HOST:PORTS, such as example.org:443 or :443"),
        Some((host, ports)) if colons == 1 || host.ends_with(']') || host.contains("]/") => {
            Ok((host, Some(ports)))
        }
        _ => Ok((item, None)),
    }
}

fn host(text: &str) -> Result<Host, &'static str> {
    if text.is_empty() || text == "*" {
        return Ok(Host::Every);
    }
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let (inner, is_v6) = match address.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(None) => return Err("a bracket is not closed"),
        Some(Some(inner)) => (inner, true),
        None => (address, address.contains(':')),
    };
    let (ip, most) = match (is_v6, inner.parse::<Ipv6Addr>(), inner.parse::<Ipv4Addr>()) {
        (true, Ok(v6), _) => (IpAddr::V6(v6), 128),
        (true, Err(_), _) => return Err("this is no address of IPv6"),
        (false, _, Ok(v4)) => (IpAddr::V4(v4), 32),
        _ if bits.is_some() => return Err("this is no address, and only addresses have a prefix length"),
        _ => return name(text),
    };
    let bits = match bits.map(str::parse::<u8>) {
        None => most,
        Some(Ok(bits)) if bits <= most => bits,
        Some(_) => return Err("a prefix length is at most 32 for IPv4 and 128 for IPv6"),
    };
    Ok(Host::Net(ip, bits))
}

fn name(text: &str) -> Result<Host, &'static str> {
    let (rest, below) = text.strip_prefix("*.").map_or((text, false), |rest| (rest, true));
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    if !rest.is_ascii() {
        return Err("a name has ASCII letters only; others are written as xn--…, as DNS has them");
    }
    let is_label = |label: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(is_known)
    };
    if rest.len() > 253 || !rest.split('.').all(is_label) {
        return Err(NAME);
    }
    // A last part of digits would be an address to some programs, and a name to others.
    let last = rest.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|first: char| first.is_ascii_digit())
        && last.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'x')
    {
        return Err(
            "this is no address of IPv4, which has four numbers up to 255; a port alone has a colon, as in :443",
        );
    }
    Ok(Host::Name { name: rest.to_ascii_lowercase(), below })
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

    /// The rules as they are understood.
    fn shown(text: &str) -> Option<String> {
        let ports = |list: &PortList| {
            let range = |(first, last): &(u16, u16)| {
                if first == last { first.to_string() } else { format!("{first}-{last}") }
            };
            if list.all { "*".into() } else { list.ranges.iter().map(range).collect::<Vec<_>>().join(" ") }
        };
        let rule = |Reach { host, ports: list }: &Reach| match host {
            Host::Every => format!("every {}", ports(list)),
            Host::Net(ip, bits) => format!("{ip}/{bits} {}", ports(list)),
            Host::Name { name, below } => {
                format!("{}{name} {}", if *below { "below " } else { "" }, ports(list))
            }
        };
        Some(
            Reach::parse_list(text, &PortList::of_web())
                .ok()?
                .iter()
                .map(rule)
                .collect::<Vec<_>>()
                .join(", "),
        )
    }

    #[test]
    fn a_rule_of_the_network_is_what_it_looks_like() {
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        let of_longest = format!("{longest} 80 443");
        for (text, want) in [
            (":443", "every 443"),
            (":80,443", "every 80 443"),
            (":8000-8010", "every 8000-8010"),
            (":1-2,5,7-9", "every 1-2 5 7-9"),
            (":*", "every *"),
            ("*", "every *"),
            ("*:443", "every 443"),
            ("tcp://*:443", "every 443"),
            ("tcp://:443", "every 443"),
            ("example.org", "example.org 80 443"),
            ("Example.ORG", "example.org 80 443"),
            ("example.org.", "example.org 80 443"),
            ("example.org:443", "example.org 443"),
            ("example.org:80,443", "example.org 80 443"),
            ("example.org:8000-8010,9", "example.org 8000-8010 9"),
            ("example.org:*", "example.org *"),
            ("tcp://example.org", "example.org 80 443"),
            ("tcp://example.org:22", "example.org 22"),
            ("a.org,b.org", "a.org 80 443, b.org 80 443"),
            ("a.org:1,b.org:2", "a.org 1, b.org 2"),
            ("a.org:1,2,b.org", "a.org 1 2, b.org 80 443"),
            ("a.org:*,b.org", "a.org *, b.org 80 443"),
            ("a.org,tcp://b.org:7", "a.org 80 443, b.org 7"),
            ("*.example.org", "below example.org 80 443"),
            ("*.example.org:22", "below example.org 22"),
            ("*.org", "below org 80 443"),
            ("packages.example,*.cdn.example", "packages.example 80 443, below cdn.example 80 443"),
            ("localhost:8080", "localhost 8080"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example 80 443"),
            ("_service.example", "_service.example 80 443"),
            ("a-b.c-d", "a-b.c-d 80 443"),
            ("1and1.example", "1and1.example 80 443"),
            ("3com.com", "3com.com 80 443"),
            ("a.b2", "a.b2 80 443"),
            (&longest, &of_longest),
            ("192.0.2.1", "192.0.2.1/32 *"),
            ("192.0.2.1:80", "192.0.2.1/32 80"),
            ("192.0.2.1:80,443", "192.0.2.1/32 80 443"),
            ("192.0.2.0/24", "192.0.2.0/24 *"),
            ("192.0.2.0/24:443", "192.0.2.0/24 443"),
            ("10.0.0.0/8:1-65535", "10.0.0.0/8 1-65535"),
            ("0.0.0.0/0", "0.0.0.0/0 *"),
            ("10.1.2.3/8", "10.1.2.3/8 *"),
            ("tcp://192.0.2.1:80", "192.0.2.1/32 80"),
            ("192.0.2.1,192.0.2.2:80", "192.0.2.1/32 *, 192.0.2.2/32 80"),
            ("::1", "::1/128 *"),
            ("::", "::/128 *"),
            ("::/0", "::/0 *"),
            ("2001:db8::/32", "2001:db8::/32 *"),
            ("[::1]", "::1/128 *"),
            ("[::1]:443", "::1/128 443"),
            ("[::1]:80,443", "::1/128 80 443"),
            ("[2001:db8::]/32", "2001:db8::/32 *"),
            ("[2001:db8::]/32:443", "2001:db8::/32 443"),
            ("[::ffff:192.0.2.1]:443", "::ffff:192.0.2.1/128 443"),
            ("tcp://[::1]:443", "::1/128 443"),
            ("::1,[::2]:5,a.org", "::1/128 *, ::2/128 5, a.org 80 443"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn a_mistake_in_a_rule_is_named() {
        let too_long = [&"a".repeat(63)[..]; 4].join(".");
        let label = "a".repeat(64);
        for (text, item) in [
            ("", ""),
            (",", ""),
            ("a.org,", ""),
            (",a.org", ""),
            (":", ":"),
            (":0", ":0"),
            (":65536", ":65536"),
            (":80-", ":80-"),
            (":-80", ":-80"),
            (":9-8", ":9-8"),
            (":http", ":http"),
            ("host:80,*", "*"),
            ("host:80,0", "0"),
            ("host:80,99999", "99999"),
            ("a.org,443", "443"),
            ("*,443", "443"),
            ("host:", "host:"),
            ("host:a", "host:a"),
            ("host:80:90", "host:80:90"),
            ("443", "443"),
            ("80,443", "80"),
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("10.0.0.0/-1", "10.0.0.0/-1"),
            ("10.0.0.0/", "10.0.0.0/"),
            ("10.0.0.0/8/8", "10.0.0.0/8/8"),
            ("10.0.0/8", "10.0.0/8"),
            ("10.0.0", "10.0.0"),
            ("10.0.0.256", "10.0.0.256"),
            ("010.0.0.1", "010.0.0.1"),
            ("1.2.3.4.5", "1.2.3.4.5"),
            ("0x7f.1", "0x7f.1"),
            ("127.0x1", "127.0x1"),
            ("::1/129", "::1/129"),
            ("[::1", "[::1"),
            ("::1]", "::1]"),
            ("[::1]80", "[::1]80"),
            ("[a.org]:80", "[a.org]:80"),
            ("[1.2.3.4]:80", "[1.2.3.4]:80"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("example.org/24", "example.org/24"),
            ("http://x", "http://x"),
            ("https://example.org/path", "https://example.org/path"),
            ("udp://example.org:53", "udp://example.org:53"),
            ("icmp://example.org", "icmp://example.org"),
            ("tcp://", "tcp://"),
            ("a..b", "a..b"),
            (".a", ".a"),
            (".", "."),
            ("a b", "a b"),
            (" a.org", " a.org"),
            ("a.org ", "a.org "),
            ("a\0b", "a\0b"),
            ("a/b", "a/b"),
            ("user@host", "user@host"),
            ("*.*.org", "*.*.org"),
            ("a.*.org", "a.*.org"),
            ("*a.org", "*a.org"),
            ("a.*", "a.*"),
            ("*.", "*."),
            ("**", "**"),
            ("?.org", "?.org"),
            ("b\u{fc}cher.example", "b\u{fc}cher.example"),
            (&too_long, &too_long),
            (&label, &label),
            ("good.org,ba!d.org,good.org", "ba!d.org"),
        ] {
            assert_eq!(
                Reach::parse_list(text, &PortList::ALL).map_err(|(item, _)| item),
                Err(item),
                "{text:?}"
            );
        }
    }
}
