//! listen(2): a TCP socket without an address would get a free port from the kernel, and Landlock does not see that.
//!
//! Performed on behalf, for every family, on a duplicate of the socket: what a number names can be changed while the target waits, what a
//! duplicate is cannot.

use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, net};

use crate::call::Call;
use crate::dispatch::{Handler, Verdict};
use crate::notification::Response;
use crate::ports::Ports;

/// Knows which ports may be listened on.
#[derive(Debug)]
pub struct Listen<'p> {
    /// The ports that Landlock lets the sandbox bind.
    pub ports: Ports<'p>,
}

impl Handler for Listen<'_> {
    fn handle(&mut self, call: &Call<'_>) -> Result<Verdict> {
        let socket = call.target().descriptor(call.int(0))?;
        let socket = socket.as_fd();
        let domain = net::option(socket, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
        let internet = domain == libc::AF_INET || domain == libc::AF_INET6;
        if internet && !self.is_bound(socket)? {
            return Err(Errno::EACCES);
        }
        net::listen(socket, call.int(1))?;
        // Another thread may have dissolved the address (connect to AF_UNSPEC) after it was looked at.
        if internet && !self.is_bound(socket)? {
            net::shutdown(socket)?;
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
