//! Netlink messages as borrowed views, and a responder that answers like the kernel.
//!
#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod addr;
mod attr;
mod attr_policy;
mod client;
mod display;
mod errno;
mod extack;
pub mod generic;
mod host;
mod ip;
mod link;
mod malformed;
mod message;
mod name;
mod neigh;
mod print;
mod publish;
mod query;
mod read;
mod respond;
mod route;
pub mod rtnetlink;
mod rule;
pub mod sock_diag;
mod socket;
mod view;
mod wire;
mod writer;

pub use addr::{Addr, FOREVER};
pub use attr::{Attr, Attrs, NLA_F_NESTED, NLA_F_NET_BYTEORDER};
pub use client::{DumpError, DumpMessages, DumpReader, NLMSG_OVERRUN};
pub use errno::{Errno, ErrnoTable};
pub use extack::{NLMSGERR_ATTR_MISS_TYPE, NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS, NLMSGERR_ATTR_POLICY};
pub use host::Host;
pub use link::{Counters, Link};
pub use malformed::Malformed;
pub use message::{
    Message, MessageError, MessageFlags, MessageHeader, Messages, NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE,
    NLMSG_NOOP,
};
pub use name::IfName;
pub use neigh::Neigh;
pub use print::Printed;
pub use publish::publish;
pub use query::Dump;
pub use read::Partial;
pub use respond::{REPLY_MAX, answer, respond, resume};
pub use route::Route;
pub use rule::Rule;
pub use socket::{Protocol, SendArgs, Socket, SocketName, SocketOptions};
pub use view::{Namespaces, NetnsOf, Style, View};
pub use writer::{Body, Full, Writer};
pub use zerocopy::{BigEndian, ByteOrder, IntoBytes, LittleEndian, NativeEndian};
pub use zerocopy::{I32, U16, U32, U64};
