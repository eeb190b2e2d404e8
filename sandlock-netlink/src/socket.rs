//! What an answer depends on besides the request: the state of the socket that asks.

use bitflags::bitflags;

use crate::ErrnoTable;

bitflags! {
    /// The options of `SOL_NETLINK` that are on or off; see netlink(7).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SocketOptions: u32 {
        /// `NETLINK_CAP_ACK`: errors echo only the header of the request.
        const CAP_ACK = 1 << 0;
    }
}

/// The state of one emulated netlink socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The port id: `nl_pid` of its name. Most clients drop answers that carry another one, and
    /// wait for ever.
    pub port: u32,
    /// The options set on it.
    pub options: SocketOptions,
    /// The numbers of the errors in its answers.
    pub errnos: ErrnoTable,
}

impl Socket {
    /// A socket bound to `port`, with no option set, of a guest of this machine's architecture.
    pub const fn new(port: u32) -> Self {
        Self { port, options: SocketOptions::empty(), errnos: ErrnoTable::NATIVE }
    }
}
