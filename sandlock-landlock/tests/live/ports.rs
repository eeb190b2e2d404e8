//! Rights on ports, against listeners of our own on the loopback.

use core::net::Ipv4Addr;
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};

use sandlock_landlock::{AccessNet, Rights, Ruleset, Scope};
use sandlock_sys::Errno;

use crate::{abi_with, outcome, restricted};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// `act` on either port succeeds without a ruleset. Under one it fails with `EACCES` as long as no rule
/// grants `right` on that very port, whether the ruleset handles that right alone or every other one too and
/// grants those.
#[track_caller]
fn check<T, F>(test: T, right: AccessNet, [port, other]: [u16; 2], act: F)
where
    F: Fn(u16) -> io::Result<()> + Sync,
{
    let Some(abi) = abi_with(test, Rights::on_ports(right)) else { return };
    let act = |port| outcome(act(port));
    assert_eq!((act(port), act(other)), (Ok(()), Ok(())), "without a ruleset");
    let all = abi.rights().net;
    for handled in [right, all] {
        let ruleset = Ruleset::handle(Rights::on_ports(handled)).create(abi).unwrap();
        ruleset.allow_port(all.difference(right), port).unwrap();
        assert_eq!(restricted(&ruleset, || act(port)), Err(Errno::EACCES), "without a rule");
        ruleset.allow_port(right, port).unwrap();
        assert_eq!(restricted(&ruleset, || act(port)), Ok(()), "with a rule");
        assert_eq!(restricted(&ruleset, || act(other)), Err(Errno::EACCES), "with another port's");
    }
}

/// Binding to a port in use fails later than Landlock asks, so that such a port serves as one that is there
/// for sure.
fn but_in_use(result: io::Result<()>) -> io::Result<()> {
    match outcome(result) {
        Err(Errno::EADDRINUSE) => Ok(()),
        Ok(()) => Ok(()),
        Err(errno) => Err(io::Error::from_raw_os_error(errno.get())),
    }
}

#[test]
fn bind_tcp() {
    let used = TcpListener::bind((HERE, 0)).unwrap();
    let used = [used.local_addr().unwrap().port(), 0];
    let bind = |port| but_in_use(TcpListener::bind((HERE, port)).map(drop));
    check(bind_tcp, AccessNet::BIND_TCP, used, bind);
    let [port, ephemeral] = used;
    check(bind_tcp, AccessNet::BIND_TCP, [ephemeral, port], bind);
}

#[test]
fn connect_tcp() {
    let listeners = [TcpListener::bind((HERE, 0)).unwrap(), TcpListener::bind((HERE, 0)).unwrap()];
    let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
    check(connect_tcp, AccessNet::CONNECT_TCP, ports, |port| TcpStream::connect((HERE, port)).map(drop));
}

#[test]
fn bind_udp() {
    let used = UdpSocket::bind((HERE, 0)).unwrap();
    let used = [used.local_addr().unwrap().port(), 0];
    check(bind_udp, AccessNet::BIND_UDP, used, |port| but_in_use(UdpSocket::bind((HERE, port)).map(drop)));
}

#[test]
fn connect_send_udp() {
    let receivers = [UdpSocket::bind((HERE, 0)).unwrap(), UdpSocket::bind((HERE, 0)).unwrap()];
    let ports = receivers.each_ref().map(|receiver| receiver.local_addr().unwrap().port());
    let sender = UdpSocket::bind((HERE, 0)).unwrap();
    let right = AccessNet::CONNECT_SEND_UDP;
    check(connect_send_udp, right, ports, |port| sender.send_to(b"x", (HERE, port)).map(drop));
    check(connect_send_udp, right, ports, |port| sender.connect((HERE, port)));
}

#[test]
fn ports_are_nothing_to_a_ruleset_that_handles_none() {
    let Some(abi) = abi_with(ports_are_nothing_to_a_ruleset_that_handles_none, Rights::scoped(Scope::SIGNAL))
    else {
        return;
    };
    let ruleset = Ruleset::handle(Rights::scoped(Scope::SIGNAL)).create(abi).unwrap();
    ruleset.allow_port(AccessNet::BIND_TCP | AccessNet::CONNECT_TCP, 80).unwrap();
    assert_eq!(restricted(&ruleset, || outcome(TcpListener::bind((HERE, 0)))), Ok(()));
}
