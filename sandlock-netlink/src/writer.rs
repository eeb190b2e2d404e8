//! Writes messages into a buffer of the caller's.

use core::marker::PhantomData;

use zerocopy::{ByteOrder, Immutable, IntoBytes, NativeEndian, U16, U32, U64};

use crate::attr::{self, AttrHeader};
use crate::{MessageFlags, MessageHeader};

/// There is no room: the buffer is full, or a nest is too long for its 16 bits of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Messages under construction in a borrowed buffer.
///
/// Each is written whole or not at all: after an error [`as_bytes`](Self::as_bytes) is what it was
/// before the message. All padding is zero.
///
/// ```
/// use sandlock_netlink::{Attrs, MessageFlags, Messages, Writer};
///
/// let mut buf = [0; 64];
/// let mut writer = <Writer>::new(&mut buf);
/// writer.message(18, MessageFlags::REQUEST, 1, 0, |body| {
///     body.put(&[0u8; 16])?; // an empty `struct ifinfomsg`
///     body.string(3, b"lo") // IFLA_IFNAME
/// })?;
///
/// let message = <Messages>::new(writer.as_bytes()).next().unwrap()?;
/// let (_, attrs) = message.body::<[u8; 16]>()?;
/// assert_eq!(attrs.last_of(3).unwrap().string(), b"lo");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b, O: ByteOrder = NativeEndian> {
    buf: &'b mut [u8],
    len: usize,
    order: PhantomData<O>,
}

impl<'b, O: ByteOrder> Writer<'b, O> {
    /// Nothing yet; messages will go to the beginning of `buf`.
    pub fn new(buf: &'b mut [u8]) -> Self {
        Self { buf, len: 0, order: PhantomData }
    }

    /// The messages so far.
    pub fn as_bytes(&self) -> &[u8] {
        self.buf.get(..self.len).unwrap_or_default()
    }

    /// The length of the messages so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes back the bytes added since the length was `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = len.min(self.len);
    }

    /// Adds a message, whose body `body` writes.
    ///
    /// # Errors
    ///
    /// [`Full`]: it does not fit, or `body` returned this.
    pub fn message(
        &mut self,
        kind: u16,
        flags: MessageFlags,
        seq: u32,
        port: u32,
        body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.len;
        let mut message = Body::<O> { buf: &mut *self.buf, len: start, order: PhantomData };
        message.claim(size_of::<MessageHeader<O>>())?;
        body(&mut message)?;
        let end = message.len;
        let len = u32::try_from(end.wrapping_sub(start)).map_err(|_| Full)?;
        let header = MessageHeader::<O> {
            len: U32::new(len),
            kind: U16::new(kind),
            flags: U16::new(flags.bits()),
            seq: U32::new(seq),
            port: U32::new(port),
        };
        message.overwrite(start, &header)?;
        self.len = end;
        Ok(())
    }
}

/// The body of a message, or of a nested attribute, under construction.
#[derive(Debug)]
pub struct Body<'w, O: ByteOrder = NativeEndian> {
    buf: &'w mut [u8],
    len: usize,
    order: PhantomData<O>,
}

impl<O: ByteOrder> Body<'_, O> {
    /// Adds bytes that are no attribute, such as the header of a family, padded to four.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn put<T: IntoBytes + Immutable + ?Sized>(&mut self, value: &T) -> Result<(), Full> {
        let len = value.as_bytes().len();
        let room = self.claim(len)?;
        value.write_to_prefix(room).map_err(|_| Full)?;
        room.get_mut(len..).unwrap_or_default().fill(0);
        Ok(())
    }

    /// Adds an attribute.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn attr<T: IntoBytes + Immutable + ?Sized>(&mut self, kind: u16, value: &T) -> Result<(), Full> {
        value.write_to(self.reserve(kind, value.as_bytes().len())?).map_err(|_| Full)
    }

    /// Adds an attribute with `len` bytes of payload, and returns these, for the caller to fill in.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn reserve(&mut self, kind: u16, len: usize) -> Result<&mut [u8], Full> {
        let whole = len.checked_add(attr::HEADER_LEN).ok_or(Full)?;
        let header =
            AttrHeader::<O> { len: U16::new(u16::try_from(whole).map_err(|_| Full)?), kind: U16::new(kind) };
        let room = self.claim(whole)?;
        header.write_to_prefix(room).map_err(|_| Full)?;
        let room = room.get_mut(attr::HEADER_LEN..).ok_or(Full)?;
        let (payload, padding) = room.split_at_mut_checked(len).ok_or(Full)?;
        padding.fill(0);
        Ok(payload)
    }

    /// Adds an attribute that is a `u8`.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn u8(&mut self, kind: u16, value: u8) -> Result<(), Full> {
        self.attr(kind, &value)
    }

    /// Adds an attribute that is a `u16`.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn u16(&mut self, kind: u16, value: u16) -> Result<(), Full> {
        self.attr(kind, &U16::<O>::new(value))
    }

    /// Adds an attribute that is a `u32`.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn u32(&mut self, kind: u16, value: u32) -> Result<(), Full> {
        self.attr(kind, &U32::<O>::new(value))
    }

    /// Adds an attribute that is a `u64`.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn u64(&mut self, kind: u16, value: u64) -> Result<(), Full> {
        self.attr(kind, &U64::<O>::new(value))
    }

    /// Adds an attribute that is an array of `u32`.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn array(&mut self, kind: u16, values: &[u32]) -> Result<(), Full> {
        let room = self.reserve(kind, size_of_val(values))?;
        for (room, value) in room.chunks_exact_mut(size_of::<u32>()).zip(values) {
            U32::<O>::new(*value).write_to(room).map_err(|_| Full)?;
        }
        Ok(())
    }

    /// Adds an attribute that is an array of `u64`: `first`, and zeros up to `count` of them.
    pub(crate) fn counters(&mut self, kind: u16, first: &[u64], count: usize) -> Result<(), Full> {
        let room = self.reserve(kind, count.checked_mul(size_of::<u64>()).ok_or(Full)?)?;
        let values = first.iter().copied().chain(core::iter::repeat(0));
        for (room, value) in room.chunks_exact_mut(size_of::<u64>()).zip(values) {
            U64::<O>::new(value).write_to(room).map_err(|_| Full)?;
        }
        Ok(())
    }

    /// Adds an attribute that is a string, and the NUL that ends it.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn string(&mut self, kind: u16, value: &[u8]) -> Result<(), Full> {
        let len = value.len();
        let room = self.reserve(kind, len.checked_add(1).ok_or(Full)?)?;
        value.write_to_prefix(room).map_err(|_| Full)?;
        room.get_mut(len..).unwrap_or_default().fill(0);
        Ok(())
    }

    /// Adds an attribute whose payload is the attributes that `nest` writes.
    ///
    /// Some receivers in the kernel want [`NLA_F_NESTED`](crate::NLA_F_NESTED) in `kind`, and most
    /// of its senders leave it out.
    ///
    /// # Errors
    ///
    /// [`Full`]: it does not fit, or `nest` returned this. Nothing is added then.
    pub fn nest(
        &mut self,
        kind: u16,
        nest: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.len;
        let mut inner = Body::<O> { buf: &mut *self.buf, len: start, order: PhantomData };
        inner.claim(attr::HEADER_LEN)?;
        nest(&mut inner)?;
        let end = inner.len;
        let len = u16::try_from(end.wrapping_sub(start)).map_err(|_| Full)?;
        inner.overwrite(start, &AttrHeader::<O> { len: U16::new(len), kind: U16::new(kind) })?;
        self.len = end;
        Ok(())
    }

    /// Takes the next `len` bytes, rounded up to four, of the buffer.
    fn claim(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let end = len.checked_next_multiple_of(4).and_then(|len| self.len.checked_add(len)).ok_or(Full)?;
        let room = self.buf.get_mut(self.len..end).ok_or(Full)?;
        self.len = end;
        Ok(room)
    }

    /// Writes a header where it was left out.
    fn overwrite<T: IntoBytes + Immutable>(&mut self, at: usize, header: &T) -> Result<(), Full> {
        header.write_to_prefix(self.buf.get_mut(at..).ok_or(Full)?).map_err(|_| Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attrs, Messages};
    use zerocopy::{BigEndian, LittleEndian};

    fn add<O: ByteOrder>(writer: &mut Writer<'_, O>) -> Result<(), Full> {
        writer.message(0x1234, MessageFlags::ACK, 5, 6, |body| {
            body.put(&[7u8])?;
            body.u8(1, 8)?;
            body.u16(2, 9)?;
            body.nest(3, |nest| {
                nest.u32(4, 10)?;
                nest.string(5, b"abc")
            })
        })
    }

    #[rustfmt::skip]
    const LITTLE: [u8; 56] = [
        56, 0, 0, 0, 0x34, 0x12, 4, 0, 5, 0, 0, 0, 6, 0, 0, 0,
        7, 0, 0, 0,
        5, 0, 1, 0, 8, 0, 0, 0,
        6, 0, 2, 0, 9, 0, 0, 0,
        20, 0, 3, 0,
            8, 0, 4, 0, 10, 0, 0, 0,
            8, 0, 5, 0, b'a', b'b', b'c', 0,
    ];

    #[test]
    fn the_bytes_are_those_of_the_wire() {
        let mut buf = [0xff; 56];
        let mut writer = Writer::<LittleEndian>::new(&mut buf);
        assert_eq!(add(&mut writer), Ok(()));
        assert_eq!(writer.as_bytes(), LITTLE);
    }

    #[test]
    fn the_byte_order_is_the_readers() {
        let mut buf = [0xff; 56];
        let mut writer = Writer::<BigEndian>::new(&mut buf);
        assert_eq!(add(&mut writer), Ok(()));
        let message = Messages::<BigEndian>::new(writer.as_bytes()).next().unwrap().unwrap();
        assert_eq!((message.kind(), message.header().seq.get()), (0x1234, 5));
        let attrs = message.body::<u8>().unwrap().1;
        assert_eq!(attrs.last_of(2).unwrap().u16(), Ok(9));
        assert_eq!(attrs.last_of(3).unwrap().nested().last_of(4).unwrap().u32(), Ok(10));
    }

    #[test]
    fn without_room_nothing_is_added() {
        for room in 0..56 {
            let mut buf = [0xff; 16 + 55];
            let mut writer = Writer::<LittleEndian>::new(&mut buf[..16 + room]);
            writer.message(1, MessageFlags::empty(), 2, 3, |_| Ok(())).unwrap();
            let before: [u8; 16] = writer.as_bytes().try_into().unwrap();
            assert_eq!(add(&mut writer), Err(Full));
            assert_eq!(writer.as_bytes(), before);
        }
    }

    #[test]
    fn a_nest_that_fails_is_gone_and_the_message_goes_on() {
        let mut buf = [0; 64];
        let mut writer = <Writer>::new(&mut buf);
        writer
            .message(1, MessageFlags::empty(), 2, 3, |body| {
                assert_eq!(body.attr(1, &[0u8; 100]), Err(Full));
                assert_eq!(body.nest(2, |nest| nest.u8(3, 1).and(Err(Full))), Err(Full));
                body.u8(4, 5)
            })
            .unwrap();
        let mut attrs = <Attrs>::new(writer.as_bytes().split_at(16).1);
        assert_eq!(attrs.next().unwrap().unwrap().kind(), 4);
        assert!(attrs.next().is_none());
    }

    #[test]
    fn lengths_beyond_sixteen_bits_are_refused() {
        let mut buf = std::vec![0; 140_000];
        let mut writer = <Writer>::new(&mut buf);
        let bytes = std::vec![0u8; 65_531];
        let fits = writer.message(1, MessageFlags::empty(), 0, 0, |body| body.attr(1, &bytes[..]));
        assert_eq!(fits, Ok(()));
        let nest = |body: &mut Body<'_>| body.nest(1, |nest| nest.attr(2, &bytes[..]));
        assert_eq!(writer.message(1, MessageFlags::empty(), 0, 0, nest), Err(Full));
        let long = std::vec![0u8; 65_532];
        let attr = |body: &mut Body<'_>| body.attr(1, &long[..]);
        assert_eq!(writer.message(1, MessageFlags::empty(), 0, 0, attr), Err(Full));
    }
}
