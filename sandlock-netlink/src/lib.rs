//! Netlink messages as borrowed views, and a responder that answers like the kernel.
//!
#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod attr;
mod errno;
mod malformed;
mod message;
mod respond;
pub mod rtnetlink;
mod socket;
mod view;
mod writer;

pub use attr::{Attr, Attrs, NLA_F_NESTED, NLA_F_NET_BYTEORDER};
pub use errno::{Errno, ErrnoTable};
pub use malformed::Malformed;
pub use message::{
    Message, MessageFlags, MessageHeader, Messages, NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE, NLMSG_NOOP,
};
pub use respond::{REPLY_MAX, respond};
pub use socket::{Socket, SocketOptions};
pub use view::{Addr, IfName, Link, View};
pub use writer::{Body, Full, Writer};
pub use zerocopy::{BigEndian, LittleEndian, NativeEndian};
