//! Dumps: answers of many messages, which are continued where they stopped.

use zerocopy::ByteOrder;

use super::{Ask, Out, REPLY_MAX, rtnetlink};
use crate::extack::ExtAck;
use crate::schema::Form;
use crate::socket::Protocol;
use crate::view::Style;
use crate::{Errno, Full, MessageFlags, Socket, View, Writer, generic, sock_diag};

/// Up to which length another message is put into a datagram, in bytes: `NLMSG_GOODSIZE`, a page
/// but for what the kernel keeps in it. The kernel goes further for readers with larger buffers.
const GOOD_SIZE: usize = 3776;

/// What a dump was asked for: all that its request says, as far as it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The family that was asked about.
    pub(crate) family: u8,
    /// Only of this link, unless 0.
    pub(crate) index: u32,
    /// Only of this table, unless 0.
    pub(crate) table: u32,
    /// Only of this protocol, unless 0.
    pub(crate) protocol: u8,
    /// Only of this type or with these states, unless 0.
    pub(crate) kind: u32,
    /// `IFLA_EXT_MASK`, or which statistics.
    pub(crate) mask: u32,
    /// Nothing can match.
    pub(crate) nothing: bool,
    /// Each message, but not the end, says `NLM_F_DUMP_FILTERED`.
    pub(crate) filtered: bool,
}

impl Query {
    /// For all of a family.
    pub(crate) fn of(family: u8) -> Self {
        Self { family, ..Self::default() }
    }
}

/// What came of one step of a dump. `None`: there is nothing at this position, nor after it.
pub(crate) type Next = Option<Result<(), Full>>;

/// A step at which there is a message if it was asked for.
pub(crate) fn when(asked: bool, send: impl FnOnce() -> Result<(), Full>) -> Next {
    Some(if asked { send() } else { Ok(()) })
}

/// The step of a dump of one message.
pub(crate) fn once(at: usize, send: impl FnOnce() -> Result<(), Full>) -> Next {
    (at == 0).then(send)
}

/// How the request for a dump is read.
pub(crate) enum Start<O: ByteOrder> {
    /// Whatever it says, only its family counts; strictly it has to look like this.
    Form(&'static Form),
    /// By a function.
    By(fn(&mut Ask<'_, O>) -> Result<Query, Errno>),
}

/// How a kind of dump is made.
pub(crate) struct Dumper<O: ByteOrder> {
    /// Reads the request.
    pub(crate) start: Start<O>,
    /// Writes the message at a position, if there is one.
    pub(crate) step: Step<O>,
    /// Whether the end is in a datagram of its own: in the kernel it is where the function that
    /// fills the datagram returns its length and not 0.
    pub(crate) apart: bool,
}

/// What there is to be shown, of that what was asked for, and where in it a dump has come.
pub(crate) struct At<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) query: &'a Query,
    pub(crate) at: usize,
}

/// Writes the message at a position of a dump, if there is one.
pub(super) type Step<O> = fn(At<'_>, &mut Out<'_, '_, O>) -> Next;

/// A dump that is not yet out: part of the state of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dump {
    query: Query,
    /// Which dump, besides the socket's protocol: the message's type, and the family it is of, which in
    /// generic netlink is the command.
    kind: u16,
    family: u8,
    /// The position to continue at.
    at: usize,
    seq: u32,
    /// What each message, and the end, say.
    flags: MessageFlags,
    /// Only its end is not yet out.
    ended: bool,
}

/// Begins a dump with its first datagram.
pub(super) fn start<O: ByteOrder>(
    ask: &mut Ask<'_, O>,
    dumper: Dumper<O>,
    socket: &mut Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) {
    let started = match dumper.start {
        Start::By(read) => read(ask),
        Start::Form(form) if ask.strict() => form.strict(ask).map(|_| Query::of(ask.family())),
        Start::Form(_) => Ok(Query::of(ask.family())),
    };
    let mut dump = Dump {
        query: started.unwrap_or_default(),
        kind: ask.message.kind(),
        family: ask.family(),
        at: 0,
        seq: ask.message.header().seq.get(),
        flags: ask.answer_flags | MessageFlags::MULTI,
        ended: started.is_err(),
    };
    let begun = dump;
    let mut writer = Writer::new(scratch);
    let more = proceed(ask.view, &mut dump, &dumper, started.map(|_| ()), socket, &ask.ext, &mut writer);
    let taken = emit(writer.as_bytes()) || begun.ended;
    socket.dump = if taken { more.then_some(dump) } else { Some(begun) };
}

/// Emits the next datagram of the dump that `socket` has open, and returns whether there was one that
/// was taken. The one that was not comes again.
///
/// The kernel does so when the reader takes a datagram off the socket.
pub fn resume<O: ByteOrder>(
    view: &View<'_>,
    socket: &mut Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let Some(mut dump) = socket.dump.take() else { return false };
    let dumper = match socket.protocol {
        Protocol::Route => rtnetlink::dumper(dump.kind, dump.family),
        Protocol::SockDiag => Some(sock_diag::dumper()),
        Protocol::Generic => Some(generic::dumper(dump.family)),
        Protocol::KobjectUevent => None,
    };
    let Some(dumper) = dumper else { return false };
    let begun = dump;
    let mut writer = Writer::<O>::new(scratch);
    let more = proceed(view, &mut dump, &dumper, Ok(()), socket, &ExtAck::default(), &mut writer);
    let taken = emit(writer.as_bytes());
    socket.dump = if taken { more.then_some(dump) } else { Some(begun) };
    taken
}

/// Fills one datagram, and returns whether there are more: `netlink_dump`.
fn proceed<O: ByteOrder>(
    view: &View<'_>,
    dump: &mut Dump,
    dumper: &Dumper<O>,
    mut status: Result<(), Errno>,
    socket: &Socket,
    ext: &ExtAck,
    writer: &mut Writer<'_, O>,
) -> bool {
    let mut out = Out { writer, flags: dump.flags, seq: dump.seq, port: socket.port };
    out.flags.set(
        MessageFlags::DUMP_FILTERED,
        dump.query.filtered || dump.flags.contains(MessageFlags::DUMP_FILTERED),
    );
    let single = view.style == Style::Minimal;
    while !dump.ended {
        let before = out.writer.len();
        let next = (dumper.step)(At { view, query: &dump.query, at: dump.at }, &mut out);
        if before != 0 && (next == Some(Err(Full)) || out.writer.len() > GOOD_SIZE) {
            out.writer.truncate(before);
            return true;
        }
        match next {
            Some(Ok(())) => dump.at = dump.at.saturating_add(1),
            None => dump.ended = true,
            Some(Err(Full)) => {
                // No datagram can hold it.
                dump.ended = true;
                status = Err(Errno::EMSGSIZE);
            }
        }
        if single && out.writer.len() != 0 {
            return true;
        }
    }
    if status.is_ok() && dumper.apart && out.writer.len() != 0 {
        return true;
    }
    let before = out.writer.len();
    out.flags = dump.flags;
    let fits = out.done(status, socket, ext);
    if before != 0 && (fits.is_err() || out.writer.len() > GOOD_SIZE) {
        out.writer.truncate(before);
        return true;
    }
    false
}
