//! `net` and `poll`.

use core::time::Duration;
use std::process;
use std::time::Instant;

use sandlock_sys::net;
use sandlock_sys::poll::{Events, PollFd, ppoll};
use sandlock_sys::{AsFd, BorrowedFd, Errno};

/// A `struct sockaddr_un` with this abstract name.
fn abstract_address(name: &str) -> Vec<u8> {
    let family = u16::try_from(libc::AF_UNIX).unwrap();
    [&family.to_ne_bytes()[..], &[0], name.as_bytes()].concat()
}

#[test]
fn a_pair_keeps_datagrams_apart() {
    let (one, other) = net::socketpair(libc::SOCK_SEQPACKET).unwrap();
    assert_eq!(net::send(one.as_fd(), b"first", 0), Ok(5));
    assert_eq!(net::send(one.as_fd(), b"second", 0), Ok(6));
    let mut buffer = [0; 4];
    assert_eq!(net::recv(other.as_fd(), &mut buffer, libc::MSG_PEEK | libc::MSG_TRUNC), Ok(5));
    assert_eq!(net::recv(other.as_fd(), &mut buffer, 0), Ok(4));
    assert_eq!(&buffer, b"firs");
    assert_eq!(net::recv(other.as_fd(), &mut buffer, 0), Ok(4));
    assert_eq!(&buffer, b"seco");
    assert_eq!(net::recv(other.as_fd(), &mut buffer, libc::MSG_DONTWAIT), Err(Errno::EAGAIN));
    assert_eq!(net::option(one.as_fd(), libc::SOL_SOCKET, libc::SO_TYPE), Ok(libc::SOCK_SEQPACKET));
    assert_eq!(net::option(one.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN), Ok(libc::AF_UNIX));
    assert_eq!(net::option(one.as_fd(), libc::SOL_SOCKET, -1), Err(Errno::ENOPROTOOPT));
}

#[test]
fn a_shut_down_socket_ends_both_ways() {
    let (one, other) = net::socketpair(libc::SOCK_STREAM).unwrap();
    net::shutdown(one.as_fd(), libc::SHUT_RDWR).unwrap();
    assert_eq!(net::recv(other.as_fd(), &mut [0], 0), Ok(0));
    assert_eq!(net::send(other.as_fd(), b"x", 0), Err(Errno::EPIPE));
    let unconnected = net::socket(libc::AF_INET, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(net::shutdown(unconnected.as_fd(), libc::SHUT_RDWR), Err(Errno::ENOTCONN));
}

#[test]
fn a_socket_is_known_by_its_cookie() {
    let (one, other) = net::socketpair(libc::SOCK_STREAM).unwrap();
    let cookie = net::cookie(one.as_fd()).unwrap();
    assert_eq!(net::cookie(one.as_fd()), Ok(cookie));
    assert_ne!(net::cookie(other.as_fd()), Ok(cookie));
    assert_eq!(net::cookie(BorrowedFd::CWD), Err(Errno::EBADF));
}

#[test]
fn a_client_reaches_a_listener_by_its_address() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = format!("sandlock-sys-{}", process::id());
    let address = abstract_address(&name);
    let client = net::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(net::connect(client.as_fd(), &address), Err(Errno::ECONNREFUSED));
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    net::connect(client.as_fd(), &address).unwrap();
    let (mut served, _) = listener.accept().unwrap();
    assert_eq!(net::send(client.as_fd(), b"x", 0), Ok(1));
    std::io::Read::read_exact(&mut served, &mut [0]).unwrap();
    // Without a name, there is the family alone; a short buffer is filled, and the length is the address's.
    let mut buffer = [0xee; 4];
    assert_eq!(net::getsockname(client.as_fd(), &mut buffer), Ok(2));
    assert_eq!(buffer, [1u16.to_ne_bytes()[0], 1u16.to_ne_bytes()[1], 0xee, 0xee]);
    assert_eq!(net::getsockname(client.as_fd(), &mut [0]), Ok(2));
}

#[test]
fn a_socket_listens_by_itself_if_it_has_a_port_and_received_descriptors_are_told() {
    let inet = net::socket(libc::AF_INET, libc::SOCK_STREAM, 0).unwrap();
    net::listen(inet.as_fd(), 1).unwrap();
    let unnamed = net::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(net::listen(unnamed.as_fd(), 1), Err(Errno::EINVAL));
    let (one, other) = net::socketpair(libc::SOCK_SEQPACKET).unwrap();
    net::send(one.as_fd(), b"word", 0).unwrap();
    let peek = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    assert_eq!(
        net::recv_flags(other.as_fd(), &mut [0; 8], peek).map(|(len, flags)| (len, flags & libc::MSG_TRUNC)),
        Ok((4, 0))
    );
    assert_eq!(
        net::recv_flags(other.as_fd(), &mut [0; 2], 0).map(|(len, flags)| (len, flags & libc::MSG_TRUNC)),
        Ok((2, libc::MSG_TRUNC))
    );
    assert_eq!(net::recv_flags(other.as_fd(), &mut [0; 2], peek), Err(Errno::EAGAIN));
}

#[test]
fn no_family_no_socket() {
    assert_eq!(net::socket(-1, libc::SOCK_STREAM, 0).unwrap_err(), Errno::EAFNOSUPPORT);
    assert_eq!(net::socket(libc::AF_UNIX, libc::SOCK_STREAM, 99).unwrap_err(), Errno::EPROTONOSUPPORT);
}

#[test]
fn poll_finds_what_is_there_and_gives_up_in_time() {
    let (one, other) = net::socketpair(libc::SOCK_STREAM).unwrap();
    let mut rows = [PollFd::NONE, PollFd::new(one.as_fd(), Events::IN)];
    let wait = Duration::from_millis(30);
    let start = Instant::now();
    assert_eq!(ppoll(&mut rows, Some(wait)), Ok(0));
    assert!(start.elapsed() >= wait);
    assert_eq!(rows.map(|row| row.found()), [Events::empty(); 2]);

    net::send(other.as_fd(), b"x", 0).unwrap();
    assert_eq!(ppoll(&mut rows, None), Ok(1));
    assert_eq!(rows.map(|row| row.found()), [Events::empty(), Events::IN]);

    // Not closed: a process that another test makes may have a copy.
    net::shutdown(other.as_fd(), libc::SHUT_RDWR).unwrap();
    assert_eq!(ppoll(&mut rows, Some(Duration::ZERO)), Ok(1));
    let [_, row] = rows;
    assert_eq!(row.found(), Events::IN | Events::HUP);

    // Asked for nothing, a row still finds that the other end hung up; asked for OUT, that it could be
    // written to.
    let mut rows = [PollFd::new(one.as_fd(), Events::empty()), PollFd::new(one.as_fd(), Events::OUT)];
    assert_eq!(ppoll(&mut rows, Some(Duration::MAX)), Ok(2));
    assert_eq!(rows.map(|row| row.found()), [Events::HUP, Events::HUP | Events::OUT]);
}
