//! Sending and receiving, performed on behalf where the filter sees that the descriptor is one of ours: the
//! answer is there when a send returns, and datagrams are received from the kernel's address.
//!
//! The kernel remembers no caller: the request is copied, and answered here. Receiving takes a datagram
//! out of the target's own queue; none there defers the call.

use sandlock_netlink::{NativeEndian, REPLY_MAX, SendArgs};
use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::nr::Name;
use sandlock_sys::poll::Events;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, net};

use super::end::{Address, End};
use super::message::{Buffers, Header, VECTORS_MAX};
use super::{Netlink, REQUEST_MAX, native, process_of, put_name};
use crate::args::{MessageArgs, MessagesArgs, RecvfromArgs, SendtoArgs};
use crate::call::Word;
use crate::{Call, Response, Socket, Until, Verdict, Wait};

/// How many messages of sendmmsg and recvmmsg are carried at once; the target calls again for more.
const MESSAGES_MAX: i32 = 16;

/// A call that sends or receives, and the emulated socket it is on: our end's place, and the guest's.
#[derive(Clone, Copy)]
struct Transfer<'c> {
    index: usize,
    guest: BorrowedFd<'c>,
    call: &'c Call<'c>,
    flags: i32,
}

impl Netlink<'_> {
    /// sendto, send, write, writev, sendmsg, sendmmsg.
    pub(super) fn send(&mut self, index: usize, guest: BorrowedFd<'_>, call: &Call<'_>) -> Result<i64> {
        let (args, word) = (SendtoArgs::of(call), Word::of(call));
        let mut one = Header::of(Buffers::One(args.buffer, args.len), word);
        if call.name() == Some(Name::sendto) && !args.addr.is_null() {
            (one.name, one.name_len) = (args.addr, args.addr_len);
        }
        let (header, flags) = match call.name() {
            Some(Name::write) => (one, 0),
            Some(Name::writev) if args.len > VECTORS_MAX => return Err(Errno::EINVAL),
            Some(Name::writev) => (Header::of(Buffers::Many(args.buffer, args.len, word), word), 0),
            Some(Name::sendmsg) => {
                let MessageArgs { message, flags, .. } = MessageArgs::of(call);
                (Header::read(call.target(), message, word)?, flags)
            }
            Some(Name::sendmmsg) => {
                let on = Transfer { index, guest, call, flags: MessagesArgs::of(call).flags };
                return each(call, |header| self.send_one(on, header));
            }
            _ => (one, args.flags),
        };
        self.send_one(Transfer { index, guest, call, flags }, &header)
    }

    fn send_one(&mut self, on: Transfer<'_>, header: &Header) -> Result<i64> {
        let target = on.call.target();
        let name = Address::read(target, header.name, header.name_len)?;
        let mut request = [0; REQUEST_MAX];
        let (copied, len) = header.buffers.gather(target, &mut request)?;
        let request = request.get(..copied).unwrap_or_default();
        let control = header.control(target, || process_of(target))?;
        let send_buffer = net::option(on.guest, libc::SOL_SOCKET, libc::SO_SNDBUF)?;
        let args = SendArgs {
            name: name.bytes(),
            len,
            out_of_band: on.flags & libc::MSG_OOB != 0,
            control,
            send_buffer: usize::try_from(send_buffer).unwrap_or(0),
        };
        let End { mut socket, server, .. } = *self.end(on.index)?;
        if server.is_none() {
            let process = if socket.port == 0 { process_of(target).get().cast_unsigned() } else { 0 };
            let sends = socket.send::<NativeEndian>(&args, process, &self.taken(socket.protocol));
            // A send that fails late has bound the socket.
            self.end(on.index)?.socket = socket;
            sends.map_err(native)?;
        }
        self.answer(on.index, request);
        i64::try_from(len).map_err(|_| Errno::EINVAL)
    }

    /// recvfrom, recvmsg, recvmmsg.
    pub(super) fn receive(&mut self, index: usize, guest: Socket<'_>, call: &Call<'_>) -> Result<Verdict> {
        let (args, word) = (RecvfromArgs::of(call), Word::of(call));
        let MessageArgs { message, flags, .. } = MessageArgs::of(call);
        // Those of recvmmsg are in the same register as those of recvfrom.
        let flags = if call.name() == Some(Name::recvmsg) { flags } else { args.flags };
        if flags & libc::MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let on = Transfer { index, guest: guest.as_fd(), call, flags };
        let received = match call.name() {
            Some(Name::recvfrom) => {
                self.receive_one(on, &Header::of(Buffers::One(args.buffer, args.len), word)).and_then(|len| {
                    put_name(call, (args.addr, args.addr_len), &self.end(index)?.peer())?;
                    Ok(len)
                })
            }
            Some(Name::recvmsg) => {
                Header::read(call.target(), message, word).and_then(|header| self.receive_one(on, &header))
            }
            _ => each(call, |header| self.receive_one(on, header)),
        };
        match received {
            Err(Errno::EAGAIN) => wait(guest, flags),
            other => Ok(Verdict::Reply(Response::Return(other?))),
        }
    }

    fn receive_one(&mut self, on: Transfer<'_>, header: &Header) -> Result<i64> {
        let target = on.call.target();
        let mut datagram = [0; REPLY_MAX];
        let how = libc::MSG_DONTWAIT | libc::MSG_TRUNC | on.flags & libc::MSG_PEEK;
        let len = net::recv(on.guest, &mut datagram, how)?;
        let end = self.end(on.index)?;
        end.go_on();
        let copied = header.buffers.scatter(target, datagram.get(..len).unwrap_or(&datagram))?;
        let cut = if copied < len { libc::MSG_TRUNC } else { 0 };
        header.received(target, end.peer().bytes(), cut)?;
        let value = if on.flags & libc::MSG_TRUNC == 0 { copied } else { len };
        i64::try_from(value).map_err(|_| Errno::EINVAL)
    }
}

/// The messages of an array, until one fails; the error counts only if it was the first. Each one's length
/// is written behind it.
fn each(call: &Call<'_>, mut with: impl FnMut(&Header) -> Result<i64>) -> Result<i64> {
    let (target, word) = (call.target(), Word::of(call));
    let MessagesArgs { messages, count, .. } = MessagesArgs::of(call);
    let mut done = 0i64;
    // The kernel takes the count as unsigned, and cuts it.
    let count = if count < 0 { MESSAGES_MAX } else { count.min(MESSAGES_MAX) };
    for number in 0..u64::from(count.cast_unsigned()) {
        let place = Header::nth(messages, number, word).ok_or(Errno::EFAULT);
        let carried = place.and_then(|(at, len_at)| {
            let len = with(&Header::read(target, at, word)?)?;
            target.write(len_at, &i32::try_from(len).unwrap_or(i32::MAX).to_ne_bytes())
        });
        match carried {
            Ok(()) => done = done.saturating_add(1),
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// There is no datagram: the call fails, or waits as long as `SO_RCVTIMEO` allows.
fn wait(guest: Socket<'_>, flags: i32) -> Result<Verdict> {
    let nonblocking = fs::status_flags(guest.as_fd())?.contains(OFlags::NONBLOCK);
    if nonblocking || flags & libc::MSG_DONTWAIT != 0 {
        return Err(Errno::EAGAIN);
    }
    let limit = net::timeout(guest.as_fd(), net::SO_RCVTIMEO)?.duration().map(|limit| (limit, Errno::EAGAIN));
    let until = guest.into_file().map_or(Until::Later, |file| Until::Event(file, Events::IN));
    Ok(Verdict::Defer(Wait { until, limit }))
}
