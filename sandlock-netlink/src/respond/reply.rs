//! The answer to one request: what all its messages have in common.

use zerocopy::{ByteOrder, I32};

use super::request::{Get, Out, REPLY_MAX, Request};
use crate::extack::ExtAck;
use crate::message::{NLMSG_DONE, NLMSG_ERROR};
use crate::{Errno, Full, MessageError, MessageFlags, Socket, SocketOptions, Writer};

/// Emits the answer to a request for one thing, if there is any.
pub(super) fn emit_one<O: ByteOrder>(
    request: &mut Request<'_, O>,
    get: Get<O>,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), Errno> {
    let (seq, port) = (request.message.header().seq.get(), request.socket.port);
    let (writer, flags) = (Writer::new(scratch), MessageFlags::empty());
    let mut out = Out { view: request.view, at: 0, writer, flags, seq, port };
    get(request, &mut out)?;
    if out.writer.len() != 0 {
        emit(out.writer.as_bytes());
    }
    Ok(())
}

/// `netlink_dump_done`: the end of a dump. Its status is a payload without the request's header.
pub(super) fn write_done<O: ByteOrder>(
    out: &mut Out<'_, O>,
    status: Result<(), Errno>,
    socket: &Socket,
    ext: &ExtAck,
) -> Result<(), Full> {
    let has_ext_ack = has_ext_ack(socket, ext, status);
    out.flags.set(MessageFlags::ACK_TLVS, has_ext_ack);
    out.message(NLMSG_DONE, |body| {
        body.put(&code::<O>(socket, status))?;
        if has_ext_ack { ext.write(body, status.is_err()) } else { Ok(()) }
    })
}

/// `netlink_ack`: an error with the request, or success with the request's header.
pub(super) fn acknowledge<O: ByteOrder>(
    request: &Request<'_, O>,
    result: Result<(), Errno>,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) {
    let capped = result.is_ok() || request.socket.options.contains(SocketOptions::CAP_ACK);
    let mut writer = Writer::new(scratch);
    // A request that is longer than an answer can be is echoed by its header only too, which fits.
    if capped || write_error(request, result, &mut writer, MessageFlags::empty()).is_err() {
        let _fits = write_error(request, result, &mut writer, MessageFlags::CAPPED);
    }
    emit(writer.as_bytes());
}

fn write_error<O: ByteOrder>(
    request: &Request<'_, O>,
    result: Result<(), Errno>,
    writer: &mut Writer<'_, O>,
    mut flags: MessageFlags,
) -> Result<(), Full> {
    let message = request.message;
    let capped = flags.contains(MessageFlags::CAPPED);
    let has_ext_ack = has_ext_ack(&request.socket, &request.ext, result);
    flags.set(MessageFlags::ACK_TLVS, has_ext_ack);
    writer.message(NLMSG_ERROR, flags, message.header().seq.get(), request.socket.port, |body| {
        body.put(&MessageError { error: code::<O>(&request.socket, result), request: *message.header() })?;
        if !capped {
            body.put(message.payload())?;
        }
        if has_ext_ack { request.ext.write(body, result.is_err()) } else { Ok(()) }
    })
}

fn has_ext_ack(socket: &Socket, ext: &ExtAck, result: Result<(), Errno>) -> bool {
    socket.options.contains(SocketOptions::EXT_ACK) && !ext.is_empty(result.is_err())
}

/// 0 or a negative errno.
fn code<O: ByteOrder>(socket: &Socket, result: Result<(), Errno>) -> I32<O> {
    I32::new(result.map_or_else(|errno| socket.errnos.number(errno).wrapping_neg(), |()| 0))
}
