//! A connected pair of unix sockets, one of which has a name that reads as the kernel's netlink address.

use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::{AsFd, Errno, OwnedFd, Result, net, process};

/// How many strangers' connections are turned away before the name is given up.
const STRANGERS: usize = 8;

/// Makes a pair: our end, which never blocks, and the guest's.
///
/// The name is abstract: a NUL, one byte that makes it unique for the moment, eight NULs. Behind the family those ten bytes lie where a
/// `sockaddr_nl` has its padding, port and groups. It is free again as soon as the listening socket is closed, so 256 of them are enough.
///
/// # Errors
///
/// `ENOBUFS`: all names are taken; `EMFILE` and the like.
pub(super) fn make(next: &mut u8, nonblocking: bool) -> Result<(OwnedFd, OwnedFd)> {
    const KIND: i32 = libc::SOCK_SEQPACKET | libc::SOCK_NONBLOCK;
    for _ in 0..=u8::MAX {
        *next = next.wrapping_add(1);
        let [f0, f1] = u16::try_from(libc::AF_UNIX).map_err(|_| Errno::EINVAL)?.to_ne_bytes();
        let name = [f0, f1, 0, *next, 0, 0, 0, 0, 0, 0, 0, 0];
        let listener = net::socket(libc::AF_UNIX, KIND, 0)?;
        match net::bind(listener.as_fd(), &name) {
            Err(Errno::EADDRINUSE) => continue,
            other => other?,
        }
        net::listen(listener.as_fd(), 1)?;
        let guest = net::socket(libc::AF_UNIX, KIND, 0)?;
        match net::connect(guest.as_fd(), &name) {
            Err(Errno::EAGAIN) => continue,
            other => other?,
        }
        let Some(ours) = accept_own(&listener)? else { continue };
        if !nonblocking {
            let flags = fs::status_flags(guest.as_fd())?;
            fs::set_status_flags(guest.as_fd(), flags.difference(OFlags::NONBLOCK))?;
        }
        return Ok((ours, guest));
    }
    Err(Errno::ENOBUFS)
}

/// Our own connection. Abstract names are everybody's, so somebody else may have been quicker.
fn accept_own(listener: &OwnedFd) -> Result<Option<OwnedFd>> {
    for _ in 0..STRANGERS {
        match net::accept(listener.as_fd(), libc::SOCK_NONBLOCK) {
            Ok(end) if net::peer_pid(end.as_fd())? == process::getpid() => return Ok(Some(end)),
            Ok(_) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_carries_datagrams_and_there_is_no_limit_of_256() {
        let mut next = 0;
        let pairs: std::vec::Vec<_> = (0..300).map(|_| make(&mut next, true).unwrap()).collect();
        for (ours, guest) in &pairs {
            net::send(guest.as_fd(), b"ask", 0).unwrap();
            let mut buffer = [0; 8];
            assert_eq!(net::recv(ours.as_fd(), &mut buffer, 0), Ok(3));
            assert_eq!(net::recv(ours.as_fd(), &mut buffer, 0), Err(Errno::EAGAIN));
        }
    }

    #[test]
    fn only_a_guest_that_asked_for_it_does_not_block() {
        let mut next = 0;
        for nonblocking in [false, true] {
            let (_ours, guest) = make(&mut next, nonblocking).unwrap();
            assert_eq!(fs::status_flags(guest.as_fd()).unwrap().contains(OFlags::NONBLOCK), nonblocking);
        }
    }
}
