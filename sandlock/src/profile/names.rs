//! The names of a policy on this machine: its name servers, and the addresses that `/etc/hosts` has.

use core::net::{IpAddr, SocketAddr};

use sandlock_notify::egress::{is_private, of_ip};

use crate::policy::{Host, Policy, PortList, Reach};

/// The most name servers that are queried (`MAXNS`).
const SERVERS: usize = 3;
const PORT: u16 = 53;

/// The rules of machines of a policy, whether each allows, and the name servers of this machine, if a name
/// may resolve. A name without a point is meant with each domain of the search list too, and each name at
/// the addresses that `/etc/hosts` has for it; of an allowed wildcard none that is private, such as that of
/// `metadata.google.internal` by `*.internal`.
pub(super) fn of(policy: &Policy) -> (Vec<(bool, Reach)>, Vec<SocketAddr>) {
    let mut rules = policy.egress.clone();
    let is_named = |(allows, rule): &(bool, Reach)| *allows && matches!(rule.host, Host::Name { .. });
    let resolves = policy.connect != PortList::NONE || rules.iter().any(is_named);
    if rules.is_empty() && !resolves {
        return (rules, Vec::new());
    }
    // A byte that is no text must not take the other lines with it: some of them may be denied.
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let resolver = read("/etc/resolv.conf");
    let search = search(&resolver);
    let hosts = if rules.is_empty() { Vec::new() } else { hosts(&read("/etc/hosts")) };
    for (allows, reach) in &policy.egress {
        let Reach { host: Host::Name { name, below }, ports } = reach else { continue };
        if !name.contains('.') && !below {
            rules.extend(search.iter().map(|domain| {
                let name = format!("{name}.{domain}");
                (*allows, Reach { host: Host::Name { name, below: false }, ports: ports.clone() })
            }));
        }
        let to = reach.as_rule(*allows, policy.private_names).to;
        let is_kept = |ip| !*allows || !below || policy.private_names || !is_private(&of_ip(ip));
        let found = hosts.iter().filter(|(ip, known)| to.is_named(known.as_bytes()) && is_kept(*ip));
        rules.extend(found.map(|(ip, _)| {
            let bits = if ip.is_ipv4() { 32 } else { 128 };
            (*allows, Reach { host: Host::Net(*ip, bits), ports: ports.clone() })
        }));
    }
    (rules, if resolves { from(&resolver) } else { Vec::new() })
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
