//! Answers request datagrams as the kernel does.

mod addr;
mod dump;
mod format;
#[rustfmt::skip]
mod formats;
mod generic;
mod label;
mod link;
mod lookup;
mod neigh;
mod neigh_table;
mod netconf;
mod nexthop;
mod reply;
mod request;
mod route;
mod rtnetlink;
mod rule;
mod sock_diag;
mod stats;
mod tc;

use zerocopy::ByteOrder;

pub use self::dump::resume;
pub use self::request::REPLY_MAX;
use self::request::{Action, Request};
use crate::message::NLMSG_MIN_TYPE;
use crate::socket::Protocol;
use crate::{Errno, MessageFlags, Messages, Socket, View};

/// `XFRM_MSG_MAX` (`linux/xfrm.h`): the last type of message of `NETLINK_XFRM`; in 6.18.
const XFRM_MSG_MAX: u16 = 40;

/// Answers one datagram that `socket` sent: calls `emit` with each datagram of the answer, in order.
///
/// Nothing in `request` can make this fail: the kernel silently drops bytes that are not a message, and so
/// does this. A request message is answered by at most two datagrams, but for one dump per request datagram,
/// which is as long as `view`.
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
        let mut request = Request::new(view, socket, message);
        let result = match plan(&mut request) {
            Ok(Action::Nothing) => Ok(()),
            Ok(Action::Get(get)) => reply::emit_one(&mut request, get, scratch, emit),
            Ok(Action::Dump(check, start)) => {
                match dump::start(&mut request, check, start, socket, scratch, emit) {
                    Ok(()) => continue,
                    refused => refused,
                }
            }
            Err(errno) => Err(errno),
        };
        if result.is_err() || message.flags().contains(MessageFlags::ACK) {
            reply::acknowledge(&request, result, scratch, emit);
        }
        if socket.protocol == Protocol::Netfilter {
            break; // `nfnetlink_rcv` refuses the datagram, by its first message.
        }
    }
}

/// `netlink_rcv_skb` (`net/netlink/af_netlink.c`), and then what the protocol makes of it.
fn plan<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Action<O>, Errno> {
    let message = request.message;
    if request.socket.protocol == Protocol::Netfilter {
        // `nfnetlink_rcv` (`net/netfilter/nfnetlink.c`), before it asks what the message is.
        return Err(Errno::EPERM);
    }
    if !message.flags().contains(MessageFlags::REQUEST) || message.kind() < NLMSG_MIN_TYPE {
        return Ok(Action::Nothing);
    }
    match request.socket.protocol {
        Protocol::Route => rtnetlink::plan(request),
        Protocol::SockDiag => sock_diag::plan(request),
        Protocol::Generic => generic::plan(request),
        // `xfrm_user_rcv_msg` (`net/xfrm/xfrm_user.c`)
        Protocol::Xfrm if message.kind() > XFRM_MSG_MAX => Err(Errno::EINVAL),
        Protocol::Xfrm | Protocol::Netfilter => Err(Errno::EPERM),
        // `uevent_net_rcv_skb` (`lib/kobject_uevent.c`): only root may send.
        Protocol::KobjectUevent => Err(request.ext.because(Errno::EPERM, "missing CAP_SYS_ADMIN capability")),
    }
}
