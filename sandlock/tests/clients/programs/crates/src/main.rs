//! The network as one crate sees it: the first argument names the crate and what it is asked.

use std::{error::Error, fmt::Debug};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let what = std::env::args().nth(1).unwrap_or_default();
    match what.as_str() {
        "if-addrs" => each(if_addrs::get_if_addrs()?),
        "getifaddrs" => each(getifaddrs::getifaddrs()?),
        "getifaddrs-index" => println!("{:?}", getifaddrs::if_nametoindex("lo")),
        "local-ip-address" => each(local_ip_address::list_afinet_netifas()?),
        "local-ip-address-v4" => println!("{:?}", local_ip_address::local_ip()),
        "local-ip-address-v6" => println!("{:?}", local_ip_address::local_ipv6()),
        "network-interface" => {
            each(<network_interface::NetworkInterface as network_interface::NetworkInterfaceConfig>::show()?)
        }
        "netdev" => each(netdev::get_interfaces().into_iter().map(|one| {
            (
                one.index,
                one.name,
                one.if_type,
                one.flags,
                one.mtu,
                one.mac_addr,
                one.ipv4,
                one.ipv6,
                one.oper_state,
                one.gateway,
                one.default,
            )
        })),
        "netdev-default" => println!("{:?}", netdev::get_default_interface().map(|one| one.name)),
        "nix" => each(nix::ifaddrs::getifaddrs()?),
        "nix-names" => nix::net::if_::if_nameindex()?.iter().for_each(|one| println!("{one:?}")),
        "nix-index" => println!("{:?}", nix::net::if_::if_nametoindex("lo")),
        "neli-links" => neli::links()?,
        "neli-routes" => neli::routes()?,
        what => rtnetlink::run(what)?,
    }
    Ok(())
}

fn each<T: Debug>(all: impl IntoIterator<Item = T>) {
    all.into_iter().for_each(|one| println!("{one:?}"));
}

mod neli {
    //! neli, with its router.

    use ::neli::consts::nl::NlmF;
    use ::neli::consts::rtnl::{Ifla, RtAddrFamily, RtScope, RtTable, Rta, Rtm, Rtn, Rtprot};
    use ::neli::consts::socket::NlFamily;
    use ::neli::nl::NlPayload;
    use ::neli::router::synchronous::NlRouter;
    use ::neli::rtnl::{Ifinfomsg, IfinfomsgBuilder, Rtmsg, RtmsgBuilder};
    use ::neli::utils::Groups;

    pub fn links() -> super::Result {
        let (rtnl, _) = NlRouter::connect(NlFamily::Route, None, Groups::empty())?;
        rtnl.enable_ext_ack(true)?;
        rtnl.enable_strict_checking(true)?;
        let body = IfinfomsgBuilder::default().ifi_family(RtAddrFamily::Inet).build()?;
        let answers = rtnl.send::<_, _, Rtm, Ifinfomsg>(
            Rtm::Getlink,
            NlmF::DUMP | NlmF::ACK,
            NlPayload::Payload(body),
        )?;
        for answer in answers {
            let answer = answer?;
            let Some(link) = answer.get_payload() else { continue };
            let name =
                link.rtattrs().get_attr_handle().get_attr_payload_as_with_len::<String>(Ifla::Ifname)?;
            println!("{name} {:?} {:?} {:?}", link.ifi_index(), link.ifi_type(), link.ifi_flags());
        }
        Ok(())
    }

    pub fn routes() -> super::Result {
        let (rtnl, _) = NlRouter::connect(NlFamily::Route, None, Groups::empty())?;
        let body = RtmsgBuilder::default()
            .rtm_family(RtAddrFamily::Inet)
            .rtm_dst_len(0)
            .rtm_src_len(0)
            .rtm_tos(0)
            .rtm_table(RtTable::Unspec)
            .rtm_protocol(Rtprot::Unspec)
            .rtm_scope(RtScope::Universe)
            .rtm_type(Rtn::Unspec)
            .build()?;
        for answer in rtnl.send::<_, _, Rtm, Rtmsg>(Rtm::Getroute, NlmF::DUMP, NlPayload::Payload(body))? {
            let answer = answer?;
            let Some(route) = answer.get_payload() else { continue };
            let out: u32 = route.rtattrs().get_attr_handle().get_attr_payload_as(Rta::Oif)?;
            println!(
                "{:?}/{} table {:?} out {out}",
                route.rtm_type(),
                route.rtm_dst_len(),
                route.rtm_table()
            );
        }
        Ok(())
    }
}

mod rtnetlink {
    //! rtnetlink, on a runtime of one thread.

    use ::rtnetlink::{RouteMessageBuilder, new_connection};
    use futures_util::stream::TryStreamExt;
    use std::net::{Ipv4Addr, Ipv6Addr};

    pub fn run(what: &str) -> super::Result {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ask(what))
    }

    async fn ask(what: &str) -> super::Result {
        let (connection, handle, _) = new_connection()?;
        tokio::spawn(connection);
        match what {
            "rtnetlink-links" => super::each(
                handle.link().get().execute().try_collect::<Vec<_>>().await?.iter().map(|one| &one.header),
            ),
            "rtnetlink-lo" => super::each(
                handle
                    .link()
                    .get()
                    .match_name("lo")
                    .execute()
                    .try_collect::<Vec<_>>()
                    .await?
                    .iter()
                    .map(|one| &one.header),
            ),
            "rtnetlink-absent" => {
                super::each(handle.link().get().match_name("nope").execute().try_collect::<Vec<_>>().await)
            }
            "rtnetlink-addresses" => super::each(
                handle
                    .address()
                    .get()
                    .execute()
                    .try_collect::<Vec<_>>()
                    .await?
                    .iter()
                    .map(|one| (&one.header, one.attributes.first())),
            ),
            "rtnetlink-routes" => {
                super::each(
                    handle
                        .route()
                        .get(RouteMessageBuilder::<Ipv4Addr>::new().build())
                        .execute()
                        .try_collect::<Vec<_>>()
                        .await?,
                );
                super::each(
                    handle
                        .route()
                        .get(RouteMessageBuilder::<Ipv6Addr>::new().build())
                        .execute()
                        .try_collect::<Vec<_>>()
                        .await?,
                );
            }
            "rtnetlink-rules" => super::each(
                handle.rule().get(::rtnetlink::IpVersion::V4).execute().try_collect::<Vec<_>>().await?,
            ),
            "rtnetlink-neighbours" => {
                super::each(handle.neighbours().get().execute().try_collect::<Vec<_>>().await?)
            }
            _ => return Err("no such question".into()),
        }
        Ok(())
    }
}
