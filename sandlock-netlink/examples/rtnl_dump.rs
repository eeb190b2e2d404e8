//! A client of the running kernel: prints links with their addresses, and routes, as `ip -j` does.

#[cfg(target_os = "linux")]
mod client {
    use core::error::Error;
    use std::io::{Error as Errno, Read, Write};

    use sandlock_netlink::rtnetlink::{
        RTM_GETADDR, RTM_GETLINK, RTM_GETROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE,
    };
    use sandlock_netlink::{
        Addr, IfName, Link, Message, MessageError, MessageFlags, Messages, NLMSG_DONE, NLMSG_ERROR, Route,
        Writer,
    };
    use socket2::{Socket, Type};

    /// Asks for everything of a kind; calls `each` with every message of the answer.
    fn dump(kind: u16, each: &mut dyn FnMut(&Message)) -> Result<(), Box<dyn Error>> {
        // A netlink socket is bound by its first write.
        let mut socket = Socket::new(libc::AF_NETLINK.into(), Type::from(libc::SOCK_RAW), None)?;
        let mut buf = [0; 64];
        let mut writer = <Writer>::new(&mut buf);
        let flags = MessageFlags::REQUEST | MessageFlags::DUMP;
        writer.message(kind, flags, 1, 0, |body| body.put(&[0u8; 16]))?;
        socket.write_all(writer.as_bytes())?;
        let mut reply = vec![0; 65536];
        loop {
            let len = socket.read(&mut reply)?;
            for message in <Messages>::new(reply.get(..len).unwrap_or_default()) {
                let message = message?;
                match message.kind() {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => {
                        let errno = message.body::<MessageError>()?.0.error.get().wrapping_neg();
                        return Err(Errno::from_raw_os_error(errno).into());
                    }
                    _ => each(message),
                }
            }
        }
    }

    /// A name in quotes; those of links are too short to have much to escape.
    fn quoted(name: &IfName) -> String {
        format!("{:?}", String::from_utf8_lossy(name.as_bytes()))
    }

    pub(crate) fn print() -> Result<(), Box<dyn Error>> {
        let mut addrs = Vec::new();
        dump(RTM_GETADDR, &mut |message| {
            if message.kind() == RTM_NEWADDR {
                addrs.extend(Addr::read(message));
            }
        })?;
        let (mut links, mut names) = (Vec::new(), Vec::new());
        dump(RTM_GETLINK, &mut |message| {
            let Ok(link) = Link::read(message) else { return };
            if message.kind() != RTM_NEWLINK {
                return;
            }
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
            let Ok(route) = Route::read(message) else { return };
            if message.kind() != RTM_NEWROUTE {
                return;
            }
            let gateway = route.gateway.map(|ip| format!(r#","gateway":"{ip}""#)).unwrap_or_default();
            let dev = names.iter().find(|(index, _)| *index == route.oif);
            let dev = dev.map(|(_, name)| format!(r#","dev":{}"#, quoted(name))).unwrap_or_default();
            routes.push(format!(
                r#"{{"dst":"{}/{}"{gateway}{dev},"table":{},"metric":{}}}"#,
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
