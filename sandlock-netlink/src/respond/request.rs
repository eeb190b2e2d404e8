//! A request under execution, and the messages of its answer: what every part of the responder works with.

use zerocopy::ByteOrder;

use crate::attr_policy::AttrRule;
use crate::extack::ExtAck;
use crate::query::Query;
use crate::{Attr, Body, Errno, Full, Message, MessageFlags, Socket, SocketOptions, View, Writer};

/// The longest datagram of an answer, in bytes: glibc, Go and libmnl have room for it.
pub const REPLY_MAX: usize = 4096;

/// A request under execution, with the state of its socket and the network that is shown.
pub(crate) struct Request<'a, O: ByteOrder> {
    pub(crate) view: &'a View<'a>,
    pub(crate) socket: Socket,
    pub(crate) message: &'a Message<O>,
    pub(crate) ext: ExtAck,
    /// Of a dump: the flags of every message besides `NLM_F_MULTI`.
    pub(crate) dump_flags: MessageFlags,
    /// Of a dump: further flags of every message but `NLMSG_DONE`.
    pub(crate) object_flags: MessageFlags,
    /// Of a dump: whether bytes that are no attribute follow the attributes.
    pub(crate) has_leftover: bool,
}

impl<'a, O: ByteOrder> Request<'a, O> {
    pub(crate) fn new(view: &'a View<'a>, socket: &Socket, message: &'a Message<O>) -> Self {
        let [dump_flags, object_flags] = [MessageFlags::empty(); 2];
        let ext = ExtAck::default();
        Self { view, socket: *socket, message, ext, dump_flags, object_flags, has_leftover: false }
    }

    /// `NETLINK_GET_STRICT_CHK`.
    pub(crate) fn strict(&self) -> bool {
        self.socket.options.contains(SocketOptions::STRICT_CHK)
    }

    /// Reports a fault of the request as `EINVAL` and a sentence.
    pub(crate) fn invalid(&mut self, why: &'static str) -> Errno {
        self.ext.because(Errno::EINVAL, why)
    }

    /// Refuses the request as [`invalid`](Self::invalid) if `is_wrong`.
    pub(crate) fn refuse_if(&mut self, is_wrong: bool, why: &'static str) -> Result<(), Errno> {
        if is_wrong { Err(self.invalid(why)) } else { Ok(()) }
    }

    /// Reports a fault of an attribute: an errno, a sentence, its position, and the rule that it breaks.
    pub(crate) fn blame(
        &mut self,
        errno: Errno,
        why: &'static str,
        attr: &Attr<O>,
        rule: Option<AttrRule>,
    ) -> Errno {
        self.ext.point_at(self.message, attr);
        self.ext.rule = rule;
        self.ext.because(errno, why)
    }

    /// The first byte of the payload, which is the family in most headers.
    pub(crate) fn family(&self) -> u8 {
        self.message.payload().first().copied().unwrap_or(0)
    }
}

/// Writes the answer to a request for one object.
pub(crate) type Get<O> = fn(&mut Request<'_, O>, &mut Out<'_, O>) -> Result<(), Errno>;

/// Checks a request for a dump before the dump exists, so that a refusal is an `NLMSG_ERROR`: `start` of
/// `struct netlink_dump_control`.
pub(crate) type CheckDump<O> = fn(&mut Request<'_, O>) -> Result<(), Errno>;

/// Reads a request for a dump. An error is the status of `NLMSG_DONE`.
pub(crate) type StartDump<O> = fn(&mut Request<'_, O>) -> Result<Query, Errno>;

/// How a request is executed.
pub(crate) enum Action<O: ByteOrder> {
    /// Only an acknowledgement, if the request asks for one.
    Nothing,
    /// An answer of one object.
    Get(Get<O>),
    /// A dump.
    Dump(CheckDump<O>, StartDump<O>),
}

/// The answer to one request, under construction.
pub(crate) struct Out<'a, O: ByteOrder> {
    pub(super) view: &'a View<'a>,
    /// Of a dump: the position of the object that is next.
    pub(super) at: usize,
    pub(super) writer: Writer<'a, O>,
    pub(super) flags: MessageFlags,
    pub(super) seq: u32,
    pub(super) port: u32,
}

impl<O: ByteOrder> Out<'_, O> {
    /// Adds a message with the request's sequence number and the socket's port.
    pub(crate) fn message(
        &mut self,
        kind: u16,
        body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
    ) -> Result<(), Full> {
        self.writer.message(kind, self.flags, self.seq, self.port, body)
    }
}

/// The result of one step of a dump. `None`: no object has this position or a later one.
pub(crate) type StepResult = Option<Result<(), Full>>;

/// The step at an object that is sent only if it matches the filter.
pub(crate) fn when(matches: bool, send: impl FnOnce() -> Result<(), Full>) -> StepResult {
    Some(if matches { send() } else { Ok(()) })
}
