//! Messages: the header, a view of one message, and the walk over a datagram.

use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::ptr;

use bitflags::bitflags;
use zerocopy::{ByteOrder, FromBytes, I32, Immutable, KnownLayout, NativeEndian, U16, U32, Unaligned};

use crate::attr::skip_padding;
use crate::wire::wire;
use crate::{Attr, Attrs, Malformed};

/// `NLMSG_NOOP`: to be ignored.
pub const NLMSG_NOOP: u16 = 1;
/// `NLMSG_ERROR`: an error, or an acknowledgement when the error is 0.
pub const NLMSG_ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump, with an `i32` of status.
pub const NLMSG_DONE: u16 = 3;
/// `NLMSG_MIN_TYPE`: smaller types are control messages, which the kernel does not execute.
pub const NLMSG_MIN_TYPE: u16 = 16;

bitflags! {
    /// `NLM_F_*` of `linux/netlink.h`: `nlmsg_flags`.
    ///
    /// The meaning of the bits from `0x100` up depends on the message: GET, NEW and
    /// acknowledgement share them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MessageFlags: u16 {
        /// To be executed by the receiver.
        const REQUEST = 0x1;
        /// One of several; the last is [`NLMSG_DONE`].
        const MULTI = 0x2;
        /// An acknowledgement is wanted also on success.
        const ACK = 0x4;
        /// The sender wants the notification of the change as well.
        const ECHO = 0x8;
        /// The dump is inconsistent, for its subject changed meanwhile.
        const DUMP_INTR = 0x10;
        /// The dump was filtered as the request asked.
        const DUMP_FILTERED = 0x20;
        /// Of a GET: from the root.
        const ROOT = 0x100;
        /// Of a GET: all that match.
        const MATCH = 0x200;
        /// Of a GET: a dump. The kernel takes either of the two bits for it.
        const DUMP = Self::ROOT.bits() | Self::MATCH.bits();
        /// Of an acknowledgement: only the request's header is echoed.
        const CAPPED = 0x100;
        /// Of an acknowledgement: attributes follow (`NLMSGERR_ATTR_*`).
        const ACK_TLVS = 0x200;
        // What the kernel may add is kept.
        const _ = !0;
    }
}

wire! {
    /// `struct nlmsghdr` (`linux/netlink.h`).
    pub struct MessageHeader<O>: 16 {
        /// `nlmsg_len`: bytes of the message, this header included.
        pub len: U32<O>,
        /// `nlmsg_type`.
        pub kind: U16<O>,
        /// `nlmsg_flags`: see [`MessageFlags`].
        pub flags: U16<O>,
        /// `nlmsg_seq`: chosen by who asks, echoed by who answers.
        pub seq: U32<O>,
        /// `nlmsg_pid`: the port of the socket that asks, in requests and in their answers.
        pub port: U32<O>,
    }

    /// `struct nlmsgerr` (`linux/netlink.h`): what an [`NLMSG_ERROR`] begins with.
    pub struct MessageError<O>: 20 {
        /// `error`: 0, or a negative errno.
        pub error: I32<O>,
        /// `msg`: the header of the request; the rest of it follows, unless [`MessageFlags::CAPPED`].
        pub request: MessageHeader<O>,
    }
}

const HEADER_LEN: usize = size_of::<MessageHeader>();

/// One message, somewhere in a datagram.
#[derive(Debug, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Message<O: ByteOrder = NativeEndian> {
    header: MessageHeader<O>,
    payload: [u8],
}

impl<O: ByteOrder> Message<O> {
    /// The header, as it arrived.
    pub fn header(&self) -> &MessageHeader<O> {
        &self.header
    }

    /// `nlmsg_type`.
    pub fn kind(&self) -> u16 {
        self.header.kind.get()
    }

    /// `nlmsg_flags`.
    pub fn flags(&self) -> MessageFlags {
        MessageFlags::from_bits_retain(self.header.flags.get())
    }

    /// What follows the header, without the padding to the next message.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The header of the message's family, and the attributes after it.
    ///
    /// # Errors
    ///
    /// [`Malformed::Payload`]: the payload is shorter than `T`.
    pub fn body<T>(&self) -> Result<(&T, Attrs<'_, O>), Malformed>
    where
        T: FromBytes + KnownLayout + Immutable + Unaligned,
    {
        let (body, _) = T::ref_from_prefix(&self.payload)
            .map_err(|_| Malformed::Payload { need: size_of::<T>(), have: self.payload.len() })?;
        Ok((body, Attrs::new(self.after(size_of::<T>())?)))
    }

    /// What follows a header of `size` bytes and its padding.
    ///
    /// # Errors
    ///
    /// [`Malformed::Payload`]: the payload is shorter than that header.
    pub fn after(&self, size: usize) -> Result<&[u8], Malformed> {
        let rest = self.payload.get(size..);
        let rest = rest.ok_or(Malformed::Payload { need: size, have: self.payload.len() })?;
        Ok(skip_padding(size, rest))
    }

    /// Where in the message, its header included, an attribute of it begins, in bytes; `None` if it
    /// is elsewhere.
    pub fn offset_of(&self, attr: &Attr<O>) -> Option<usize> {
        let start = ptr::from_ref(self).cast::<u8>().addr();
        let offset = ptr::from_ref(attr).cast::<u8>().addr().checked_sub(start)?;
        (offset < self.payload.len().saturating_add(HEADER_LEN)).then_some(offset)
    }
}

/// The messages of a datagram.
///
/// The walk is the kernel's (`netlink_rcv_skb` in `net/netlink/af_netlink.c`): lengths need not be
/// multiples of four, the last message may lack its padding, and nothing can be said about what
/// follows a bad header. Where the kernel stops silently this yields one error and then ends, so
/// `map_while(Result::ok)` does as the kernel does.
///
/// The byte order of this machine is the default of the type, but not of an expression: say
/// `<Messages>::new(datagram)`.
#[derive(Clone, Debug)]
pub struct Messages<'a, O: ByteOrder = NativeEndian> {
    rest: &'a [u8],
    order: PhantomData<O>,
}

impl<'a, O: ByteOrder> Messages<'a, O> {
    /// The messages in `datagram`.
    pub fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram, order: PhantomData }
    }

    fn take_first(buf: &'a [u8]) -> Result<(&'a Message<O>, &'a [u8]), Malformed> {
        let have = buf.len();
        let (header, _) = MessageHeader::<O>::ref_from_prefix(buf)
            .map_err(|_| Malformed::Header { need: HEADER_LEN, have })?;
        let len = usize::try_from(header.len.get()).unwrap_or(usize::MAX);
        let bad = Malformed::Length { len, have };
        let payload = len.checked_sub(HEADER_LEN).ok_or(bad)?;
        let (message, rest) = Message::ref_from_prefix_with_elems(buf, payload).map_err(|_| bad)?;
        Ok((message, skip_padding(len, rest)))
    }
}

impl<'a, O: ByteOrder + 'a> Iterator for Messages<'a, O> {
    type Item = Result<&'a Message<O>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        // Only a good message puts bytes back: an error is yielded once, and the walk ends.
        let buf = core::mem::take(&mut self.rest);
        if buf.is_empty() {
            return None;
        }
        Some(Self::take_first(buf).map(|(message, rest)| {
            self.rest = rest;
            message
        }))
    }
}

impl<'a, O: ByteOrder + 'a> FusedIterator for Messages<'a, O> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn kinds(datagram: &[u8]) -> Vec<Result<u16, Malformed>> {
        Messages::<zerocopy::LittleEndian>::new(datagram).map(|m| m.map(Message::kind)).collect()
    }

    const NOOP: [u8; 16] = [16, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn an_empty_datagram_has_no_message() {
        assert_eq!(kinds(&[]), []);
    }

    #[test]
    fn an_unaligned_length_is_padded_and_the_last_padding_may_lack() {
        let mut datagram = NOOP.to_vec();
        datagram[0] = 17;
        datagram.extend([7, 0xaa, 0xaa, 0xaa]);
        datagram.extend(&datagram.clone()[..17]);
        assert_eq!(kinds(&datagram), [Ok(1), Ok(1)]);
    }

    #[test]
    fn bad_lengths_are_reported_once_and_end_the_walk() {
        for (len, error) in [
            (0, Malformed::Length { len: 0, have: 32 }),
            (15, Malformed::Length { len: 15, have: 32 }),
            (33, Malformed::Length { len: 33, have: 32 }),
        ] {
            let mut datagram = [NOOP, NOOP, NOOP].concat();
            datagram[16] = len;
            assert_eq!(kinds(&datagram), [Ok(1), Err(error)]);
        }
        let mut datagram = NOOP;
        datagram[..4].fill(0xff);
        let len = usize::try_from(u32::MAX).unwrap();
        assert_eq!(kinds(&datagram), [Err(Malformed::Length { len, have: 16 })]);
    }

    #[test]
    fn a_cut_header_is_reported() {
        let datagram = [&NOOP[..], &NOOP[..3]].concat();
        assert_eq!(kinds(&datagram), [Ok(1), Err(Malformed::Header { need: 16, have: 3 })]);
    }

    #[test]
    fn the_body_is_followed_by_attributes_from_the_next_multiple_of_four() {
        let mut datagram = NOOP.to_vec();
        datagram.extend([5, 0, 0, 0, 4, 0, 1, 0]);
        datagram[0] = 24;
        let message = Messages::<zerocopy::LittleEndian>::new(&datagram).next().unwrap().unwrap();
        let (family, mut attrs) = message.body::<u8>().unwrap();
        assert_eq!((*family, attrs.next().unwrap().unwrap().kind()), (5, 1));
        let error = message.body::<[u8; 9]>().unwrap_err();
        assert_eq!(error, Malformed::Payload { need: 9, have: 8 });
    }
}
