//! Answers request datagrams as the kernel does.

mod addr;
mod dump;
mod label;
mod link;
mod lookup;
mod neigh;
mod neigh_table;
mod netconf;
mod nexthop;
mod reply;
#[rustfmt::skip]
mod requests;
mod route;
mod rtnetlink;
mod rule;
mod stats;
mod tc;

use zerocopy::ByteOrder;

pub(crate) use self::dump::{At, Dumper, Next, Query, Start, once, when};
pub use self::dump::{Dump, resume};
pub(crate) use self::reply::Out;
use self::reply::{acknowledge, emit_one};
use crate::extack::ExtAck;
use crate::message::NLMSG_MIN_TYPE;
use crate::socket::Protocol;
use crate::{Errno, Message, MessageFlags, Messages, Socket, SocketOptions, View};
use crate::{generic, sock_diag};

/// The longest datagram of an answer, in bytes: what glibc, Go and libmnl have room for.
pub const REPLY_MAX: usize = 4096;

/// What an answer is made from: the request, who asks, and what he is shown.
pub(crate) struct Ask<'a, O: ByteOrder> {
    pub(crate) view: &'a View<'a>,
    pub(crate) socket: Socket,
    pub(crate) message: &'a Message<O>,
    pub(crate) ext: ExtAck,
    /// What the messages of a dump say besides `NLM_F_MULTI`.
    pub(crate) answer_flags: MessageFlags,
}

impl<O: ByteOrder> Ask<'_, O> {
    /// `NETLINK_GET_STRICT_CHK`.
    pub(crate) fn strict(&self) -> bool {
        self.socket.options.contains(SocketOptions::STRICT_CHK)
    }

    /// What is wrong with the request, in a sentence.
    pub(crate) fn invalid(&mut self, why: &'static str) -> Errno {
        self.ext.because(Errno::EINVAL, why)
    }

    /// Refuses the request if this is wrong with it.
    pub(crate) fn refuse_if(&mut self, wrong: bool, why: &'static str) -> Result<(), Errno> {
        if wrong { Err(self.invalid(why)) } else { Ok(()) }
    }

    /// The first byte of the payload, which is the family in most headers.
    pub(crate) fn family(&self) -> u8 {
        self.message.payload().first().copied().unwrap_or(0)
    }
}

/// Writes the answer to a request that asks for one thing.
pub(crate) type Get<O> = fn(&mut Ask<'_, O>, &mut Out<'_, '_, O>) -> Result<(), Errno>;

/// How a request is carried out.
pub(crate) enum Plan<O: ByteOrder> {
    /// Nothing is done; it may be acknowledged.
    Nothing,
    /// It asks for one thing.
    Get(Get<O>),
    /// It asks for everything.
    Dump(Dumper<O>),
}

/// Answers one datagram that `socket` sent: calls `emit` with each datagram of the answer, in order.
///
/// Nothing in `request` can make this fail: the kernel drops what is not a message, without a
/// word, and so does this. A request message is answered by at most two datagrams, but for one
/// dump per request datagram, which is as long as `view`.
///
/// `O` is the byte order of the guest, [`NativeEndian`](crate::NativeEndian) unless it is emulated.
///
/// The kernel answers before send(2) returns, and musl relies on it: an emulator must have queued
/// the answer by then.
///
/// This is [`answer`] and then [`resume`] to the end, with nothing left over in the socket, for
/// those who queue what they emit.
pub fn respond<O: ByteOrder>(
    view: &View<'_>,
    socket: &Socket,
    request: &[u8],
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]),
) {
    let mut socket = *socket;
    let mut emit = |datagram: &[u8]| {
        emit(datagram);
        true
    };
    answer::<O>(view, &mut socket, request, scratch, &mut emit);
    while resume::<O>(view, &mut socket, scratch, &mut emit) {}
}

/// Answers one datagram as far as the kernel does before its reader comes back for more: of a dump
/// only the first datagram is emitted, and the rest is left in `socket` for [`resume`].
///
/// `emit` returns whether there was room for the datagram. If not, that of a dump comes again with
/// [`resume`], and any other is lost, as the kernel's is when the reader's queue is full.
///
/// A second dump meanwhile is refused with `EBUSY`; all else is answered.
pub fn answer<O: ByteOrder>(
    view: &View<'_>,
    socket: &mut Socket,
    request: &[u8],
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) {
    for message in Messages::<O>::new(request).map_while(Result::ok) {
        let mut ask = Ask {
            view,
            socket: *socket,
            message,
            ext: ExtAck::default(),
            answer_flags: MessageFlags::empty(),
        };
        let result = match plan(&mut ask) {
            Ok(Plan::Nothing) => Ok(()),
            Ok(Plan::Get(get)) => emit_one(&mut ask, get, scratch, emit),
            Ok(Plan::Dump(_)) if socket.dump.is_some() => Err(Errno::EBUSY),
            Ok(Plan::Dump(dumper)) => {
                dump::start(&mut ask, dumper, socket, scratch, emit);
                continue;
            }
            Err(errno) => Err(errno),
        };
        if result.is_err() || message.flags().contains(MessageFlags::ACK) {
            acknowledge(&ask, result, scratch, emit);
        }
    }
}

/// `netlink_rcv_skb` (`net/netlink/af_netlink.c`), and then what the protocol makes of it.
fn plan<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Plan<O>, Errno> {
    let message = ask.message;
    if !message.flags().contains(MessageFlags::REQUEST) || message.kind() < NLMSG_MIN_TYPE {
        return Ok(Plan::Nothing);
    }
    match ask.socket.protocol {
        Protocol::Route => rtnetlink::plan(ask),
        Protocol::SockDiag => sock_diag::plan(ask),
        Protocol::Generic => generic::plan(ask),
        // `uevent_net_rcv_skb` (`lib/kobject_uevent.c`): only root may send.
        Protocol::KobjectUevent => Err(ask.ext.because(Errno::EPERM, "missing CAP_SYS_ADMIN capability")),
    }
}
