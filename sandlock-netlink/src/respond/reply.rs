//! The answer to one request: what all its messages have in common.

use zerocopy::{ByteOrder, I32};

use super::{Ask, Get, REPLY_MAX};
use crate::extack::ExtAck;
use crate::message::{NLMSG_DONE, NLMSG_ERROR};
use crate::{Body, Errno, Full, MessageError, MessageFlags, Socket, SocketOptions, Writer};

/// Where messages go that answer one request.
pub(crate) struct Out<'w, 'b, O: ByteOrder> {
    pub(super) writer: &'w mut Writer<'b, O>,
    pub(super) flags: MessageFlags,
    pub(super) seq: u32,
    pub(super) port: u32,
}

impl<O: ByteOrder> Out<'_, '_, O> {
    /// Adds a message with the request's sequence number and the socket's port.
    pub(crate) fn message(
        &mut self,
        kind: u16,
        body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
    ) -> Result<(), Full> {
        self.writer.message(kind, self.flags, self.seq, self.port, body)
    }

    /// `netlink_dump_done`: the end of a dump. The status is no error message but a payload that
    /// readers insist on.
    pub(super) fn done(
        &mut self,
        status: Result<(), Errno>,
        socket: &Socket,
        ext: &ExtAck,
    ) -> Result<(), Full> {
        let says = says(socket, ext, status);
        self.flags.set(MessageFlags::ACK_TLVS, says);
        self.message(NLMSG_DONE, |body| {
            body.put(&code::<O>(socket, status))?;
            if says { ext.write(body, status.is_err()) } else { Ok(()) }
        })
    }
}

/// Emits the answer to a request for one thing, if there is any.
pub(super) fn emit_one<O: ByteOrder>(
    ask: &mut Ask<'_, O>,
    get: Get<O>,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), Errno> {
    let mut writer = Writer::new(scratch);
    let (seq, port) = (ask.message.header().seq.get(), ask.socket.port);
    get(ask, &mut Out { writer: &mut writer, flags: MessageFlags::empty(), seq, port })?;
    if writer.len() != 0 {
        emit(writer.as_bytes());
    }
    Ok(())
}

/// `netlink_ack`: an error with the request, or success with the request's header.
pub(super) fn acknowledge<O: ByteOrder>(
    ask: &Ask<'_, O>,
    result: Result<(), Errno>,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) {
    let capped = result.is_ok() || ask.socket.options.contains(SocketOptions::CAP_ACK);
    let mut writer = Writer::new(scratch);
    // Also what is longer than an answer can be is echoed by its header only, which fits.
    if capped || write_error(ask, result, &mut writer, MessageFlags::empty()).is_err() {
        let _fits = write_error(ask, result, &mut writer, MessageFlags::CAPPED);
    }
    emit(writer.as_bytes());
}

fn write_error<O: ByteOrder>(
    ask: &Ask<'_, O>,
    result: Result<(), Errno>,
    writer: &mut Writer<'_, O>,
    mut flags: MessageFlags,
) -> Result<(), Full> {
    let request = ask.message;
    let capped = flags.contains(MessageFlags::CAPPED);
    let says = says(&ask.socket, &ask.ext, result);
    flags.set(MessageFlags::ACK_TLVS, says);
    writer.message(NLMSG_ERROR, flags, request.header().seq.get(), ask.socket.port, |body| {
        body.put(&MessageError { error: code::<O>(&ask.socket, result), request: *request.header() })?;
        if !capped {
            body.put(request.payload())?;
        }
        if says { ask.ext.write(body, result.is_err()) } else { Ok(()) }
    })
}

fn says(socket: &Socket, ext: &ExtAck, result: Result<(), Errno>) -> bool {
    socket.options.contains(SocketOptions::EXT_ACK) && !ext.is_empty(result.is_err())
}

/// 0 or a negative errno.
fn code<O: ByteOrder>(socket: &Socket, result: Result<(), Errno>) -> I32<O> {
    I32::new(result.map_or_else(|errno| socket.errnos.number(errno).wrapping_neg(), |()| 0))
}
