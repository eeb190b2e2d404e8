//! The names of a policy on this machine: its name servers, and the addresses that `/etc/hosts` has.

use core::net::{IpAddr, SocketAddr};
use std::path::Path;

use sandlock_notify::egress::{Address, is_private, mapped};

use crate::policy::{Host, Policy, PortList, Reach};

/// The most name servers that are asked (`MAXNS`).
const SERVERS: usize = 3;
const PORT: u16 = 53;

/// The rules of machines of a policy: whether each allows. A name without a point is meant with each domain
/// of the search list too, and each name at the addresses that `/etc/hosts` has for it; of an allowed
/// wildcard none that is private, such as that of `metadata.google.internal` by `*.internal`.
pub(super) fn rules(policy: &Policy) -> Vec<(bool, Reach)> {
    let mut rules = policy.egress.clone();
    if rules.is_empty() {
        return rules;
    }
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let search = search(&read("/etc/resolv.conf"));
    let hosts = hosts(&read("/etc/hosts"));
    for (allows, Reach { host, ports }) in &policy.egress {
        let Host::Name { name, below } = host else { continue };
        if !name.contains('.') && !below {
            rules.extend(search.iter().map(|domain| {
                let name = format!("{name}.{domain}");
                (*allows, Reach { host: Host::Name { name, below: false }, ports: ports.clone() })
            }));
        }
        let is_meant = |known: &str| match known.strip_suffix(name.as_str()) {
            Some(rest) if *below => rest.len() > 1 && rest.ends_with('.'),
            Some(rest) => rest.is_empty(),
            None => false,
        };
        let is_kept = |ip: &IpAddr| !*allows || !below || policy.private_names || !is_private(&bytes(*ip));
        let found = hosts.iter().filter(|(ip, known)| is_meant(known) && is_kept(ip));
        rules.extend(found.map(|(ip, _)| {
            let bits = if ip.is_ipv4() { 32 } else { 128 };
            (*allows, Reach { host: Host::Net(*ip, bits), ports: ports.clone() })
        }));
    }
    rules
}

const fn bytes(ip: IpAddr) -> Address {
    match ip {
        IpAddr::V4(v4) => mapped(v4.octets()),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The name servers of this machine, if the policy allows any name.
pub(super) fn servers(policy: &Policy) -> Vec<SocketAddr> {
    let named = |(allows, rule): &(bool, Reach)| *allows && matches!(rule.host, Host::Name { .. });
    if policy.connect == PortList::NONE && !policy.egress.iter().any(named) {
        return Vec::new();
    }
    from(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
}

/// The name servers of a resolv.conf(5).
fn from(text: &str) -> Vec<SocketAddr> {
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()).flatten()
    });
    // A zone (fe80::1%eth0) is a name here and a number there.
    let mut servers: Vec<SocketAddr> = servers
        .filter_map(|word| Some(SocketAddr::new(word.parse::<IpAddr>().ok()?, PORT)))
        .take(SERVERS)
        .collect();
    if servers.is_empty() {
        servers.push(SocketAddr::from(([127, 0, 0, 1], PORT)));
    }
    servers
}

/// The search list of a resolv.conf(5): the last line counts.
fn search(text: &str) -> Vec<String> {
    let lists = text.lines().map(str::split_whitespace);
    let mut last = lists.filter_map(|mut words| {
        matches!(words.next(), Some("search" | "domain"))
            .then(|| words.map(str::to_ascii_lowercase).collect())
    });
    last.next_back().unwrap_or_default()
}

/// The addresses of hosts(5), and a name of each.
fn hosts(text: &str) -> Vec<(IpAddr, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        if let Some(ip) = words.next().and_then(|word| word.parse().ok()) {
            found.extend(words.map(|name| (ip, name.to_ascii_lowercase())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_resolver_are_read_as_libc_reads_them() {
        let text = "# nameserver 192.0.2.9\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 x\nnameserver fe80::1%eth0\n\
                    search A.example b.example\ndomain c.example\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n";
        let want = ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"];
        assert_eq!(from(text), want.map(|server| server.parse().unwrap()));
        assert_eq!(search(text), ["c.example"]);
        assert_eq!(search("search a b\n"), ["a", "b"]);
        assert_eq!(from(""), [SocketAddr::from(([127, 0, 0, 1], 53))]);
        let hosts = hosts("127.0.0.1 localhost Loop # here\n::1\tlocalhost\nx y\n");
        let [v4, v6] = ["127.0.0.1", "::1"].map(|ip| ip.parse::<IpAddr>().unwrap());
        assert_eq!(hosts, [(v4, "localhost".into()), (v4, "loop".into()), (v6, "localhost".into())]);
    }
}
