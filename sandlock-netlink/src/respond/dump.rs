//! Dumps: answers of many messages, which are continued where they stopped.

use zerocopy::ByteOrder;

use super::format::LEFTOVER;
use super::request::{CheckDump, Out, REPLY_MAX, Request, StartDump, StepResult};
use super::{
    addr, generic, label, link, neigh, neigh_table, netconf, reply, route, rule, sock_diag, stats, tc,
};
use crate::extack::ExtAck;
use crate::query::{Dump, Query};
use crate::view::Style;
use crate::{Errno, Full, MessageFlags, Socket, View, Writer};

/// The length in bytes up to which a datagram takes another message: `NLMSG_GOODSIZE`, a page without the
/// kernel's overhead. The kernel goes further for readers with larger buffers.
const GOOD_SIZE: usize = 3776;

/// Writes the message at a position of a dump, if there is one.
fn step<O: ByteOrder>(query: &Query, out: &mut Out<'_, O>) -> StepResult {
    match *query {
        Query::Nothing => None,
        Query::Links { ext_mask, master } => link::step(out, ext_mask, master),
        Query::Inet6Links => link::step6(out),
        Query::MulticastTable => link::step_ipmr(out),
        Query::Addrs { family, index } => addr::step(out, family, index),
        Query::MulticastAddrs { family, index } => addr::step_multicast(out, family, index),
        Query::Routes(filter) => route::step(out, filter),
        Query::Rules { family } => rule::step(out, family),
        Query::Neighs { family, index, master } => neigh::step(out, family, index, master),
        Query::NeighTables { family } => neigh_table::step(out, family),
        Query::AddrLabels => label::step(out),
        Query::Netconf { family } => netconf::step(out, family),
        Query::Qdiscs => tc::step(out),
        Query::Stats { mask, offload } => stats::step(out, [mask, offload]),
        Query::Sockets(filter) => sock_diag::step(out, filter),
        Query::GenericFamilies => generic::step_families(out),
        Query::GenericPolicies { command } => generic::step_policies(out, command),
    }
}

/// Begins a dump with its first datagram, unless it is refused: `__netlink_dump_start`.
pub(super) fn start<O: ByteOrder>(
    request: &mut Request<'_, O>,
    check: CheckDump<O>,
    start: StartDump<O>,
    socket: &mut Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), Errno> {
    if socket.dump.is_some() {
        return Err(Errno::EBUSY);
    }
    check(request)?;
    let started = start(request);
    let dump = Dump {
        query: started.unwrap_or_default(),
        at: 0,
        seq: request.message.header().seq.get(),
        flags: request.dump_flags | MessageFlags::MULTI,
        object_flags: request.object_flags,
        has_leftover: request.has_leftover,
        is_ended: started.is_err(),
    };
    emit_next::<O>(request.view, dump, started.map(|_| ()), &request.ext, socket, scratch, emit);
    Ok(())
}

/// Emits the next datagram of the dump that `socket` has open. Returns whether there was one and `emit` took
/// it; one that it refused comes again.
///
/// The kernel does so when the reader takes a datagram off the socket.
pub fn resume<O: ByteOrder>(
    view: &View<'_>,
    socket: &mut Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let Some(dump) = socket.dump.take() else { return false };
    let mut ext = ExtAck::default();
    if dump.has_leftover {
        ext.because(Errno::EINVAL, LEFTOVER);
    }
    emit_next::<O>(view, dump, Ok(()), &ext, socket, scratch, emit)
}

/// Emits one datagram of a dump, leaves the rest in `socket`, and returns whether `emit` took it. An error is
/// the whole dump, and does not come again.
fn emit_next<O: ByteOrder>(
    view: &View<'_>,
    dump: Dump,
    status: Result<(), Errno>,
    ext: &ExtAck,
    socket: &mut Socket,
    scratch: &mut [u8; REPLY_MAX],
    emit: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let (writer, flags) = (Writer::<O>::new(scratch), dump.flags | dump.object_flags);
    let mut out = Out { view, at: dump.at, writer, flags, seq: dump.seq, port: socket.port };
    let mut rest = dump;
    let more = fill(&mut out, &mut rest, status, socket, ext);
    let taken = emit(out.writer.as_bytes());
    socket.dump = if taken || status.is_err() { more.then_some(rest) } else { Some(dump) };
    taken
}

/// Fills one datagram, and returns whether there are more: `netlink_dump`.
fn fill<O: ByteOrder>(
    out: &mut Out<'_, O>,
    dump: &mut Dump,
    mut status: Result<(), Errno>,
    socket: &Socket,
    ext: &ExtAck,
) -> bool {
    while !dump.is_ended {
        let before = out.writer.len();
        out.at = dump.at;
        let result = step(&dump.query, out);
        if before != 0 && (result == Some(Err(Full)) || out.writer.len() > GOOD_SIZE) {
            out.writer.truncate(before);
            return true;
        }
        match result {
            Some(Ok(())) => dump.at = dump.at.saturating_add(1),
            None => dump.is_ended = true,
            Some(Err(Full)) => {
                // No datagram can hold it.
                dump.is_ended = true;
                status = Err(Errno::EMSGSIZE);
            }
        }
        if out.view.style == Style::Minimal && out.writer.len() != 0 {
            return true;
        }
    }
    if status.is_ok() && dump.query.is_done_in_own_datagram() && out.writer.len() != 0 {
        return true;
    }
    let before = out.writer.len();
    out.flags = dump.flags;
    let fits = reply::write_done(out, status, socket, ext);
    if before != 0 && (fits.is_err() || out.writer.len() > GOOD_SIZE) {
        out.writer.truncate(before);
        return true;
    }
    false
}
