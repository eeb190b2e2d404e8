//! The messages of `NETLINK_GENERIC`.

use zerocopy::U16;

use crate::wire::wire;

/// `GENL_ID_CTRL`: the message type of the controller.
pub const GENL_ID_CTRL: u16 = 16;

wire! {
    /// `struct genlmsghdr` (`linux/genetlink.h`).
    pub struct GenlMsgHdr<O>: 4 {
        /// `cmd`.
        pub cmd: u8,
        /// `version`.
        pub version: u8,
        /// Unused, 0.
        pub reserved: U16<O>,
    }
}
