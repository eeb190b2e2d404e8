//! An emulator in small: it shows a guest, at the other end of a socket pair, a machine with `eth0`,
//! and the guest asks for the addresses.
//!
//! A real one does the same with the bytes that it finds in its guest's `sendto`, and hands out the emitted
//! bytes in its guest's `recvmsg`.
#![expect(clippy::indexing_slicing, reason = "an example")]

use core::error::Error;
use core::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::thread;

use sandlock_netlink::rtnetlink::{RTM_GETADDR, RTM_GETLINK, RTM_NEWADDR, RTM_NEWLINK};
use sandlock_netlink::{
    Addr, Host, IfName, Link, MessageFlags, Messages, NLMSG_DONE, NLMSG_ERROR, NativeEndian, REPLY_MAX,
    Socket, Writer, respond,
};

/// The emulator: answers what arrives until the guest is gone.
fn serve(guest: &UnixDatagram) -> std::io::Result<()> {
    let name = IfName::new(b"eth0").unwrap_or(IfName::LO);
    let gateway = Some(Ipv4Addr::new(10, 0, 2, 2));
    let host = Host::new(name, &[2, 0, 0, 0, 0, 2], Ipv4Addr::new(10, 0, 2, 15), 24, gateway);
    let socket = Socket::new(std::process::id());
    let (mut request, mut scratch) = ([0; 8192], [0; REPLY_MAX]);
    loop {
        let len = guest.recv(&mut request)?;
        if len == 0 {
            return Ok(());
        }
        let mut sent = Ok(0);
        respond::<NativeEndian>(&host.view(), &socket, &request[..len], &mut scratch, &mut |datagram| {
            if sent.is_ok() {
                sent = guest.send(datagram);
            }
        });
        sent?;
    }
}

/// The guest: asks for everything of a kind, and prints it.
fn ask(kernel: &UnixDatagram, kind: u16) -> Result<(), Box<dyn Error>> {
    let mut buf = [0; 64];
    let mut writer = <Writer>::new(&mut buf);
    writer.message(kind, MessageFlags::REQUEST | MessageFlags::DUMP, 1, 0, |body| body.put(&[0u8; 16]))?;
    kernel.send(writer.as_bytes())?;
    let mut reply = [0; REPLY_MAX];
    loop {
        let len = kernel.recv(&mut reply)?;
        for message in <Messages>::new(&reply[..len]) {
            let message = message?;
            match message.kind() {
                NLMSG_DONE => return Ok(()),
                NLMSG_ERROR => return Err("refused".into()),
                RTM_NEWLINK => {
                    let link = Link::read(message)?;
                    let name = String::from_utf8_lossy(link.name.as_bytes()).into_owned();
                    println!("{}: {name}: mtu {} {:?}", link.index, link.mtu, link.flags);
                }
                RTM_NEWADDR => {
                    let addr = Addr::read(message)?;
                    println!("{}: {}/{}", addr.index, addr.ip, addr.prefix_len);
                }
                _ => {}
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (guests, emulators) = UnixDatagram::pair()?;
    let emulator = thread::spawn(move || serve(&emulators));
    for kind in [RTM_GETLINK, RTM_GETADDR] {
        ask(&guests, kind)?;
    }
    // An empty datagram ends the conversation.
    guests.send(&[])?;
    emulator.join().map_err(|_| "the emulator panicked")??;
    Ok(())
}
