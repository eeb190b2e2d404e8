//! Sending and receiving, performed on behalf where the filter sees that the descriptor is one of ours: the
//! answer is there when a send returns, and datagrams are received from the kernel's address.
//!
//! The kernel remembers no caller: the request is copied, and answered here. Receiving takes a datagram
//! out of the target's own queue; none there defers the call.

use sandlock_netlink::{IntoBytes, NativeEndian, REPLY_MAX, SendArgs, SocketName};
use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::nr::Name;
use sandlock_sys::poll::Events;
use sandlock_sys::{AsFd, BorrowedFd, Errno, Result, net};

use super::end::Server;
use super::message::{Buffers, Header, VECTORS_MAX, Word};
use super::{NAME_LEN, Netlink, REQUEST_MAX, native, process_of, take_room};
use crate::args::{MessageArgs, MessagesArgs, RecvfromArgs, SendtoArgs, WriteArgs};
use crate::call::Call;
use crate::target::{Socket as TargetSocket, UserAddr, read_exact};
use crate::verdict::{Response, Until, Verdict, Wait};

/// How many messages of sendmmsg and recvmmsg are carried at once; the target calls again for more.
const MESSAGES_MAX: i32 = 16;
/// The longest address of any family: `sizeof(struct sockaddr_storage)`.
const STORAGE: i32 = 128;

/// What one call, or one message of it, sends.
struct Sent<'a> {
    buffers: Buffers,
    name: &'a [u8],
    flags: i32,
    header: Option<&'a Header>,
}

impl Netlink<'_> {
    /// The address that datagrams come from: the kernel's, or the name server's.
    fn source(&mut self, index: usize) -> Result<Server> {
        let kernel = SocketName::<NativeEndian>::new(0, 0);
        let mut name = Server([0; 28], NAME_LEN);
        name.0.iter_mut().zip(kernel.as_bytes()).for_each(|(to, from)| *to = *from);
        Ok(self.end(index)?.server.unwrap_or(name))
    }

    /// sendto, send, write, writev, sendmsg, sendmmsg.
    pub(super) fn send(&mut self, index: usize, guest: BorrowedFd<'_>, call: &Call<'_>) -> Result<i64> {
        let (target, word) = (call.target(), Word::of(call));
        let mut name = [0; NAME_LEN];
        match call.name() {
            Some(Name::write) => {
                let WriteArgs { buffer, len, .. } = WriteArgs::of(call);
                let sent = Sent { buffers: Buffers::One(buffer, len), name: &[], flags: 0, header: None };
                self.send_one(index, guest, call, &sent)
            }
            Some(Name::writev) => {
                let WriteArgs { buffer, len, .. } = WriteArgs::of(call);
                if len > VECTORS_MAX {
                    return Err(Errno::EINVAL);
                }
                let buffers = Buffers::Many(buffer, len, word);
                self.send_one(index, guest, call, &Sent { buffers, name: &[], flags: 0, header: None })
            }
            Some(Name::sendmsg) => {
                let MessageArgs { message, flags, .. } = MessageArgs::of(call);
                let header = Header::read(target, message, word)?;
                self.send_message(index, guest, call, &header, flags)
            }
            Some(Name::sendmmsg) => {
                let args = MessagesArgs::of(call);
                each(args.count, |number| {
                    let (at, len_at) = Header::nth(args.messages, number, word).ok_or(Errno::EFAULT)?;
                    let header = Header::read(target, at, word)?;
                    let len = self.send_message(index, guest, call, &header, args.flags)?;
                    target.write(len_at, &i32::try_from(len).unwrap_or(i32::MAX).to_ne_bytes())
                })
            }
            call_name => {
                let mut args = SendtoArgs::of(call);
                if call_name == Some(Name::send) {
                    (args.addr, args.addr_len) = (UserAddr(0), 0);
                }
                if !args.addr.is_null() && !(0..=STORAGE).contains(&args.addr_len) {
                    return Err(Errno::EINVAL);
                }
                let name = read_name(call, args.addr, args.addr_len, &mut name)?;
                let buffers = Buffers::One(args.buffer, args.len);
                self.send_one(index, guest, call, &Sent { buffers, name, flags: args.flags, header: None })
            }
        }
    }

    fn send_message(
        &mut self,
        index: usize,
        guest: BorrowedFd<'_>,
        call: &Call<'_>,
        header: &Header,
        flags: i32,
    ) -> Result<i64> {
        let mut name = [0; NAME_LEN];
        if header.name_len < 0 {
            return Err(Errno::EINVAL);
        }
        let name = read_name(call, header.name, header.name_len, &mut name)?;
        self.send_one(
            index,
            guest,
            call,
            &Sent { buffers: header.buffers, name, flags, header: Some(header) },
        )
    }

    fn send_one(
        &mut self,
        index: usize,
        guest: BorrowedFd<'_>,
        call: &Call<'_>,
        sent: &Sent<'_>,
    ) -> Result<i64> {
        let target = call.target();
        let mut request = [0; REQUEST_MAX];
        let (copied, len) = sent.buffers.gather(target, &mut request)?;
        let control = match sent.header {
            Some(header) => header.control(target, || process_of(target))?,
            None => Ok(()),
        };
        let send_buffer = net::option(guest, libc::SOL_SOCKET, libc::SO_SNDBUF)?;
        let args = SendArgs {
            name: sent.name,
            len,
            out_of_band: sent.flags & libc::MSG_OOB != 0,
            control,
            send_buffer: usize::try_from(send_buffer).unwrap_or(0),
        };
        if self.end(index)?.server.is_some() {
            self.query(index, request.get(..copied).unwrap_or_default());
            return i64::try_from(len).map_err(|_| Errno::EINVAL);
        }
        let mut socket = self.end(index)?.socket;
        let process = if socket.port == 0 { process_of(target).get().cast_unsigned() } else { 0 };
        let sends = socket.send::<NativeEndian>(&args, process, &self.taken(socket.protocol));
        let end = self.end(index)?;
        // A send that fails late has bound the socket.
        end.socket = socket;
        sends.map_err(native)?;
        end.answer(request.get(..copied).unwrap_or_default());
        i64::try_from(len).map_err(|_| Errno::EINVAL)
    }

    /// recvfrom, recvmsg, recvmmsg.
    pub(super) fn receive(
        &mut self,
        index: usize,
        guest: TargetSocket<'_>,
        call: &Call<'_>,
    ) -> Result<Verdict> {
        let flags = match call.name() {
            Some(Name::recvfrom) => RecvfromArgs::of(call).flags,
            Some(Name::recvmsg) => MessageArgs::of(call).flags,
            _ => MessagesArgs::of(call).flags,
        };
        if flags & libc::MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        match self.receive_what_is_there(index, guest.as_fd(), call, flags) {
            Err(Errno::EAGAIN) => wait(guest, flags),
            other => Ok(Verdict::Reply(Response::Return(other?))),
        }
    }

    fn receive_what_is_there(
        &mut self,
        index: usize,
        guest: BorrowedFd<'_>,
        call: &Call<'_>,
        flags: i32,
    ) -> Result<i64> {
        let (target, word) = (call.target(), Word::of(call));
        match call.name() {
            Some(Name::recvfrom) => {
                let args = RecvfromArgs::of(call);
                let room = take_room(target, args.addr_len)?;
                let buffers = Buffers::One(args.buffer, args.len);
                let received = self.receive_one(index, guest, call, buffers, flags)?;
                let name = self.source(index)?;
                let name = name.bytes();
                let len = i32::try_from(name.len()).unwrap_or(0).to_ne_bytes();
                target.write_both([(args.addr, name.get(..room).unwrap_or(name)), (args.addr_len, &len)])?;
                Ok(received.value(flags))
            }
            Some(Name::recvmsg) => {
                let header = Header::read(target, MessageArgs::of(call).message, word)?;
                self.receive_message(index, guest, call, &header, flags)
            }
            _ => {
                let args = MessagesArgs::of(call);
                each(args.count, |number| {
                    let (at, len_at) = Header::nth(args.messages, number, word).ok_or(Errno::EFAULT)?;
                    let header = Header::read(target, at, word)?;
                    let len = self.receive_message(index, guest, call, &header, flags)?;
                    target.write(len_at, &i32::try_from(len).unwrap_or(i32::MAX).to_ne_bytes())
                })
            }
        }
    }

    fn receive_message(
        &mut self,
        index: usize,
        guest: BorrowedFd<'_>,
        call: &Call<'_>,
        header: &Header,
        flags: i32,
    ) -> Result<i64> {
        let room = usize::try_from(header.name_len).map_err(|_| Errno::EINVAL)?;
        let received = self.receive_one(index, guest, call, header.buffers, flags)?;
        let name = self.source(index)?;
        let name = name.bytes();
        if !header.name.is_null() {
            call.target().write(header.name, name.get(..room).unwrap_or(name))?;
        }
        let cut = if received.copied < received.len { libc::MSG_TRUNC } else { 0 };
        header.received(call.target(), i32::try_from(name.len()).unwrap_or(0), cut)?;
        Ok(received.value(flags))
    }

    fn receive_one(
        &mut self,
        index: usize,
        guest: BorrowedFd<'_>,
        call: &Call<'_>,
        buffers: Buffers,
        flags: i32,
    ) -> Result<Received> {
        let mut datagram = [0; REPLY_MAX];
        let how = libc::MSG_DONTWAIT | libc::MSG_TRUNC | flags & libc::MSG_PEEK;
        let len = net::recv(guest, &mut datagram, how)?;
        self.end(index)?.go_on();
        let bytes = datagram.get(..len).unwrap_or(&datagram);
        Ok(Received { copied: buffers.scatter(call.target(), bytes)?, len })
    }
}

/// A datagram that was received: how much of it there was room for, and how long it is.
struct Received {
    copied: usize,
    len: usize,
}

impl Received {
    /// The result of the call.
    fn value(&self, flags: i32) -> i64 {
        let len = if flags & libc::MSG_TRUNC == 0 { self.copied } else { self.len };
        i64::try_from(len).unwrap_or(i64::MAX)
    }
}

/// The messages of an array, until one fails; the error counts only if it was the first.
fn each(count: i32, mut with: impl FnMut(u64) -> Result<()>) -> Result<i64> {
    let mut done = 0i64;
    // The kernel takes the count as unsigned, and cuts it.
    let count = if count < 0 { MESSAGES_MAX } else { count.min(MESSAGES_MAX) };
    for number in 0..u64::from(count.cast_unsigned()) {
        match with(number) {
            Ok(()) => done = done.saturating_add(1),
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// There is no datagram: the call fails, or waits as long as `SO_RCVTIMEO` allows.
fn wait(guest: TargetSocket<'_>, flags: i32) -> Result<Verdict> {
    let nonblocking = fs::status_flags(guest.as_fd())?.contains(OFlags::NONBLOCK);
    if nonblocking || flags & libc::MSG_DONTWAIT != 0 {
        return Err(Errno::EAGAIN);
    }
    let limit = net::timeout(guest.as_fd(), net::SO_RCVTIMEO)?.duration().map(|limit| (limit, Errno::EAGAIN));
    let until = guest.into_file().map_or(Until::Later, |file| Until::Event(file, Events::IN));
    Ok(Verdict::Defer(Wait { until, limit }))
}

/// As much of a destination as a `sockaddr_nl` has; of none, nothing.
fn read_name<'b>(
    call: &Call<'_>,
    at: UserAddr,
    len: i32,
    buffer: &'b mut [u8; NAME_LEN],
) -> Result<&'b [u8]> {
    let len = if at.is_null() { 0 } else { usize::try_from(len).map_err(|_| Errno::EINVAL)?.min(NAME_LEN) };
    let name = buffer.get_mut(..len).ok_or(Errno::EINVAL)?;
    read_exact(call.target(), at, name)?;
    Ok(name)
}
