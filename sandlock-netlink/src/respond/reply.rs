//! The answer to one request: what all its messages have in common.

use zerocopy::{ByteOrder, I32};

use super::REPLY_MAX;
use crate::message::{NLMSG_DONE, NLMSG_ERROR};
use crate::{Body, Errno, Full, Message, MessageFlags, Socket, SocketOptions, Writer};

/// Where the answer to `request` goes.
pub(super) struct Reply<'a, O: ByteOrder> {
    socket: &'a Socket,
    request: &'a Message<O>,
    scratch: &'a mut [u8; REPLY_MAX],
    emit: &'a mut dyn FnMut(&[u8]),
}

impl<'a, O: ByteOrder> Reply<'a, O> {
    pub(super) fn new(
        socket: &'a Socket,
        request: &'a Message<O>,
        scratch: &'a mut [u8; REPLY_MAX],
        emit: &'a mut dyn FnMut(&[u8]),
    ) -> Self {
        Self { socket, request, scratch, emit }
    }

    /// Sends a datagram of one message, with the request's sequence number and the socket's port.
    pub(super) fn send(
        &mut self,
        kind: u16,
        flags: MessageFlags,
        body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
    ) -> Result<(), Errno> {
        let seq = self.request.header().seq.get();
        let mut writer = Writer::new(self.scratch);
        writer.message(kind, flags, seq, self.socket.port, body).map_err(|Full| Errno::EMSGSIZE)?;
        (self.emit)(writer.as_bytes());
        Ok(())
    }

    /// `netlink_ack`: an error with the request, or success with the request's header.
    pub(super) fn acknowledge(&mut self, result: Result<(), Errno>) {
        let capped = result.is_ok() || self.socket.options.contains(SocketOptions::CAP_ACK);
        let code = self.code(result);
        if capped || self.error(code, MessageFlags::empty()).is_err() {
            // Also what is longer than an answer can be is echoed by its header only, which fits.
            let _fits = self.error(code, MessageFlags::CAPPED);
        }
    }

    fn error(&mut self, code: I32<O>, flags: MessageFlags) -> Result<(), Errno> {
        let request = self.request;
        self.send(NLMSG_ERROR, flags, |body| {
            body.put(&code)?;
            body.put(request.header())?;
            if flags.contains(MessageFlags::CAPPED) { Ok(()) } else { body.put(request.payload()) }
        })
    }

    /// Ends a dump. The status is no error message but a payload that readers insist on.
    pub(super) fn done(&mut self, status: Result<(), Errno>) {
        let code = self.code(status);
        let _fits = self.send(NLMSG_DONE, MessageFlags::MULTI, |body| body.put(&code));
    }

    /// 0 or a negative errno.
    fn code(&self, result: Result<(), Errno>) -> I32<O> {
        I32::new(result.map_or_else(|errno| self.socket.errnos.number(errno).wrapping_neg(), |()| 0))
    }
}
