//! A client of the running kernel: prints links with their addresses, and routes, as `ip -j` does.

#[cfg(target_os = "linux")]
mod client {
    use core::error::Error;
    use std::io::{Read, Write};

    use sandlock_netlink::rtnetlink::{RTM_GETADDR, RTM_GETLINK, RTM_GETROUTE, RtGenMsg};
    use sandlock_netlink::{Addr, DumpReader, IfName, Link, Message, NativeEndian, Partial, Route};
    use socket2::{Socket, Type};

    /// Asks for all objects of a kind, and calls `each` with every one.
    fn dump(kind: u16, each: &mut dyn FnMut(&Message)) -> Result<(), Box<dyn Error>> {
        // A netlink socket is bound by its first write.
        let mut socket = Socket::new(libc::AF_NETLINK.into(), Type::from(libc::SOCK_RAW), None)?;
        let (mut dump, mut request) = (DumpReader::<NativeEndian>::new(1), [0; 64]);
        socket.write_all(dump.request(kind, &RtGenMsg::default(), &mut request)?)?;
        let mut reply = vec![0; 65536];
        while !dump.is_done() {
            let len = socket.read(&mut reply)?;
            for message in dump.messages(reply.get(..len).unwrap_or_default()) {
                each(message?);
            }
        }
        Ok(())
    }

    /// A name in quotes; those of links are too short to have much to escape.
    fn quoted(name: &IfName) -> String {
        format!("{:?}", String::from_utf8_lossy(name.as_bytes()))
    }

    pub(crate) fn print() -> Result<(), Box<dyn Error>> {
        let mut addrs = Vec::new();
        dump(RTM_GETADDR, &mut |message| {
            addrs.extend(Addr::read_partial(message).map(|addr| addr.value));
        })?;
        let (mut links, mut names) = (Vec::new(), Vec::new());
        dump(RTM_GETLINK, &mut |message| {
            let Ok(link) = Link::read_partial(message).map(|link| link.value) else { return };
            names.push((link.index, link.name));
            let own = addrs.iter().filter(|addr| addr.index == link.index).map(|addr| {
                let family = if addr.ip.is_ipv4() { "inet" } else { "inet6" };
                format!(r#"{{"family":"{family}","local":"{}","prefixlen":{}}}"#, addr.ip, addr.prefix_len)
            });
            let flags: Vec<_> = link.flags.iter_names().map(|(name, _)| format!("{name:?}")).collect();
            links.push(format!(
                r#"{{"ifindex":{},"ifname":{},"flags":[{}],"mtu":{},"txqlen":{},"addr_info":[{}]}}"#,
                link.index,
                quoted(&link.name),
                flags.join(","),
                link.mtu,
                link.txqlen,
                own.collect::<Vec<_>>().join(",")
            ));
        })?;
        let mut routes = Vec::new();
        dump(RTM_GETROUTE, &mut |message| {
            let Ok(Partial { value: route, unrepresented }) = Route::read_partial(message) else { return };
            let more = unrepresented.map(|kind| format!(r#","more":{kind}"#)).unwrap_or_default();
            let gateway = route.gateway.map(|ip| format!(r#","gateway":"{ip}""#)).unwrap_or_default();
            let dev = names.iter().find(|(index, _)| *index == route.oif);
            let dev = dev.map(|(_, name)| format!(r#","dev":{}"#, quoted(name))).unwrap_or_default();
            routes.push(format!(
                r#"{{"dst":"{}/{}"{gateway}{dev},"table":{},"metric":{}{more}}}"#,
                route.dst, route.prefix_len, route.table, route.priority
            ));
        })?;
        println!("[{}]\n[{}]", links.join(","), routes.join(","));
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    #[cfg(target_os = "linux")]
    client::print()?;
    Ok(())
}
