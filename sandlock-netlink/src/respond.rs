//! Answers request datagrams as the kernel's rtnetlink does.

mod addr;
mod link;
mod reply;

use zerocopy::ByteOrder;

use self::reply::Reply;
use crate::message::NLMSG_MIN_TYPE;
use crate::rtnetlink::{RTM_GETADDR, RTM_GETLINK, RTM_MAX};
use crate::{Errno, Message, MessageFlags, Messages, Socket, View};

/// The longest datagram of an answer, in bytes: what glibc, Go and libmnl have room for.
pub const REPLY_MAX: usize = 4096;

/// Answers one datagram that `socket` sent: calls `emit` with each datagram of the answer, in
/// order, one message in each.
///
/// Nothing in `request` can make this fail: the kernel drops what is not a message, without a
/// word, and so does this. A request message is answered by at most two datagrams, but for one
/// dump per request datagram, which is as long as `view`.
///
/// `O` is the byte order of the guest, [`NativeEndian`](crate::NativeEndian) unless it is emulated.
///
/// The kernel answers before send(2) returns, and musl relies on it: an emulator must have queued
/// the answer by then.
pub fn respond<O: ByteOrder>(
    view: &View<'_>,
    socket: &Socket,
    request: &[u8],
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]),
) {
    // The kernel ends a dump when its reader comes back for more, hence after it has answered the
    // rest of the datagram.
    let mut dump = None;
    for message in Messages::<O>::new(request).map_while(Result::ok) {
        let mut reply = Reply::new(socket, message, scratch, emit);
        match execute(view, message, &mut reply, dump.is_some()) {
            Ok(Answered::Dump(status)) => dump = Some((message, status)),
            Ok(Answered::Message) if !message.flags().contains(MessageFlags::ACK) => {}
            Ok(Answered::Message) => reply.acknowledge(Ok(())),
            Err(errno) => reply.acknowledge(Err(errno)),
        }
    }
    if let Some((message, status)) = dump {
        Reply::new(socket, message, scratch, emit).done(status);
    }
}

/// How a request was answered.
enum Answered {
    /// All of the answer, but for an acknowledgement, is out.
    Message,
    /// All of a dump is out but for its end, which says this.
    Dump(Result<(), Errno>),
}

/// Executes one request: `netlink_rcv_skb` of `net/netlink/af_netlink.c`, then
/// `rtnetlink_rcv_msg` of `net/core/rtnetlink.c`, in their order.
fn execute<O: ByteOrder>(
    view: &View<'_>,
    request: &Message<O>,
    reply: &mut Reply<'_, O>,
    dumping: bool,
) -> Result<Answered, Errno> {
    let kind = request.kind();
    if !request.flags().contains(MessageFlags::REQUEST) || kind < NLMSG_MIN_TYPE {
        return Ok(Answered::Message);
    }
    if kind > RTM_MAX {
        return Err(Errno::EOPNOTSUPP);
    }
    let Some(family) = request.payload().first().copied() else {
        return Ok(Answered::Message);
    };
    // Types come in fours: NEW, DEL, GET, SET. All but GET want CAP_NET_ADMIN, and no guest has it.
    if kind % 4 != RTM_GETLINK % 4 {
        return Err(Errno::EPERM);
    }
    if request.flags().intersects(MessageFlags::DUMP) {
        let dump = match kind {
            RTM_GETLINK => link::dump,
            RTM_GETADDR => addr::dump,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        if dumping {
            return Err(Errno::EBUSY);
        }
        return Ok(Answered::Dump(dump(view, family, reply)));
    }
    match kind {
        RTM_GETLINK => link::get(view, request, reply).map(|()| Answered::Message),
        _ => Err(Errno::EOPNOTSUPP),
    }
}
