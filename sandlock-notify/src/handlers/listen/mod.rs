//! listen(2): a TCP socket without an address would get a free port from the kernel, and Landlock does not
//! see that.
//!
//! Performed on behalf, for every family, on a duplicate of the socket: what a number names can be changed
//! while the target waits, what a duplicate is cannot.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | listen(2), shutdown(2) | the supervisor as the peer of who connects to a unix socket (`SO_PEERCRED`) | the lock of the socket, as with connect(2) |

use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, net};

use crate::args::ListenArgs;
use crate::call::Call;
use crate::dispatch::Handler;
use crate::ports::Ports;
use crate::target::Socket;
use crate::verdict::{Response, Verdict};
use crate::work::Desk;

/// listen(2) on the ports of the policy.
#[derive(Debug)]
pub struct Listen<'p> {
    /// The ports that Landlock lets the sandbox bind.
    pub ports: Ports<'p>,
}

impl Handler for Listen<'_> {
    fn handle(&mut self, call: &Call<'_>, _: &mut Desk<'_, '_>) -> Result<Verdict> {
        let args = ListenArgs::of(call);
        let (socket, domain) = Socket::open(call.target(), args.fd)?;
        let socket = socket.as_fd();
        let internet = domain == libc::AF_INET || domain == libc::AF_INET6;
        if internet && !self.is_bound(socket)? {
            return Err(Errno::EACCES);
        }
        net::listen(socket, args.backlog)?;
        // The socket may have lost its port before: shutdown(2) of one that connects gives the port back, and
        // getsockname(2) still returns it (`inet_put_port` clears `inet_num` only). Or another thread
        // dissolved the address meanwhile.
        if internet && !self.is_bound(socket)? {
            net::shutdown(socket, libc::SHUT_RDWR)?;
            return Err(Errno::EACCES);
        }
        Ok(Verdict::Reply(Response::Return(0)))
    }
}

impl Listen<'_> {
    /// Whether the socket has a port of ours: 0 is no port yet.
    fn is_bound(&self, socket: BorrowedFd<'_>) -> Result<bool> {
        // sockaddr_in and sockaddr_in6 both have the port, big-endian, at 2.
        let mut address = [0u8; 28];
        net::getsockname(socket, &mut address)?;
        let [_, _, high, low, ..] = address;
        let port = u16::from_be_bytes([high, low]);
        Ok(self.ports.contains(port))
    }
}
