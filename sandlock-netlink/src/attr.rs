//! Attributes: a view of one, and the walk over several.

use core::iter::FusedIterator;
use core::marker::PhantomData;

use zerocopy::{ByteOrder, FromBytes, I32, Immutable, KnownLayout, NativeEndian, U16, U32, U64, Unaligned};

use crate::Malformed;
use crate::wire::wire;

/// `NLA_F_NESTED`: the payload is attributes.
pub const NLA_F_NESTED: u16 = 0x8000;
/// `NLA_F_NET_BYTEORDER`: the payload is big endian.
pub const NLA_F_NET_BYTEORDER: u16 = 0x4000;

wire! {
    /// `struct nlattr` (`linux/netlink.h`); rtnetlink calls it `struct rtattr`.
    pub(crate) struct AttrHeader<O>: 4 {
        pub(crate) len: U16<O>,
        pub(crate) kind: U16<O>,
    }
}

pub(crate) const HEADER_LEN: usize = size_of::<AttrHeader<NativeEndian>>();

/// One attribute, somewhere in a message.
///
/// The typed getters read the beginning of the payload: like the kernel they accept a longer one,
/// for its structures grow.
#[derive(Debug, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Attr<O: ByteOrder = NativeEndian> {
    header: AttrHeader<O>,
    payload: [u8],
}

impl<O: ByteOrder> Attr<O> {
    /// `nla_type` without its two flag bits, as most receivers in the kernel read it.
    pub fn kind(&self) -> u16 {
        self.header.kind.get() & !(NLA_F_NESTED | NLA_F_NET_BYTEORDER)
    }

    /// Whether [`NLA_F_NESTED`] is set; many senders leave it out.
    pub fn is_nested(&self) -> bool {
        self.header.kind.get() & NLA_F_NESTED != 0
    }

    /// The payload, without padding.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as a `T`.
    ///
    /// # Errors
    ///
    /// [`Malformed::Payload`]: it is shorter.
    pub fn get<T>(&self) -> Result<&T, Malformed>
    where
        T: FromBytes + KnownLayout + Immutable + Unaligned,
    {
        T::ref_from_prefix(&self.payload)
            .map(|(value, _)| value)
            .map_err(|_| Malformed::Payload { need: size_of::<T>(), have: self.payload.len() })
    }

    /// The payload as a `u8`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn u8(&self) -> Result<u8, Malformed> {
        self.get::<u8>().copied()
    }

    /// The payload as a `u16`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn u16(&self) -> Result<u16, Malformed> {
        self.get::<U16<O>>().map(|value| value.get())
    }

    /// The payload as a `u32`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn u32(&self) -> Result<u32, Malformed> {
        self.get::<U32<O>>().map(|value| value.get())
    }

    /// The payload as an `i32`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn i32(&self) -> Result<i32, Malformed> {
        self.get::<I32<O>>().map(|value| value.get())
    }

    /// The payload as a `u64`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn u64(&self) -> Result<u64, Malformed> {
        self.get::<U64<O>>().map(|value| value.get())
    }

    /// The payload up to the first NUL, or all of it: senders may leave the NUL out.
    pub fn string(&self) -> &[u8] {
        self.payload.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// Whether the payload is a text and any number of NULs: `nla_strcmp`.
    pub(crate) fn is_text(&self, text: &[u8]) -> bool {
        self.payload.strip_prefix(text).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }

    /// The payload without the one NUL that may end it: what `nla_strscpy` copies.
    pub(crate) fn text(&self) -> &[u8] {
        self.payload.strip_suffix(&[0]).unwrap_or(&self.payload)
    }

    /// The payload as attributes.
    pub fn nested(&self) -> Attrs<'_, O> {
        Attrs::new(&self.payload)
    }
}

/// A run of attributes: the tail of a message or the payload of a nest.
///
/// The last one may lack its padding. What the kernel's `nla_parse` leaves over (`lib/nlattr.c`:
/// a length below four or beyond the end, fewer than four bytes) is yielded as one error, and
/// nothing after it.
#[derive(Clone, Debug)]
pub struct Attrs<'a, O: ByteOrder = NativeEndian> {
    rest: &'a [u8],
    order: PhantomData<O>,
}

impl<'a, O: ByteOrder> Attrs<'a, O> {
    /// The attributes in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, order: PhantomData }
    }

    /// The last attribute of this kind before anything malformed: which one a lenient receiver
    /// in the kernel obeys.
    pub fn last_of(&self, kind: u16) -> Option<&'a Attr<O>> {
        self.clone().map_while(Result::ok).filter(|attr| attr.kind() == kind).last()
    }

    /// The last attribute of a type as a `u32`; 0 without one.
    pub(crate) fn number(&self, kind: u16) -> u32 {
        self.last_of(kind).and_then(|attr| attr.u32().ok()).unwrap_or(0)
    }

    fn take_first(buf: &'a [u8]) -> Result<(&'a Attr<O>, &'a [u8]), Malformed> {
        let have = buf.len();
        let (header, _) = AttrHeader::<O>::ref_from_prefix(buf)
            .map_err(|_| Malformed::Header { need: HEADER_LEN, have })?;
        let len = usize::from(header.len.get());
        let bad = Malformed::Length { len, have };
        let payload = len.checked_sub(HEADER_LEN).ok_or(bad)?;
        let (attr, rest) = Attr::ref_from_prefix_with_elems(buf, payload).map_err(|_| bad)?;
        Ok((attr, skip_padding(len, rest)))
    }
}

impl<'a, O: ByteOrder + 'a> Iterator for Attrs<'a, O> {
    type Item = Result<&'a Attr<O>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        // Only a good attribute puts bytes back: an error is yielded once, and the walk ends.
        let buf = core::mem::take(&mut self.rest);
        if buf.is_empty() {
            return None;
        }
        Some(Self::take_first(buf).map(|(attr, rest)| {
            self.rest = rest;
            attr
        }))
    }
}

impl<'a, O: ByteOrder + 'a> FusedIterator for Attrs<'a, O> {}

/// `rest` without the bytes that pad what came before it, of length `len`, to a multiple of four.
/// At the end they may be missing.
pub(crate) fn skip_padding(len: usize, rest: &[u8]) -> &[u8] {
    let padding = len.wrapping_neg() % 4;
    rest.get(padding..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;
    use zerocopy::{BigEndian, LittleEndian};

    fn read(bytes: &[u8]) -> Vec<Result<(u16, &[u8]), Malformed>> {
        let attrs = Attrs::<LittleEndian>::new(bytes);
        attrs.map(|attr| attr.map(|attr| (attr.kind(), attr.payload()))).collect()
    }

    #[test]
    fn padding_separates_attributes_and_may_lack_after_the_last() {
        let bytes = [5, 0, 1, 0, 0xa1, 9, 9, 9, 6, 0, 2, 0, 0xb1, 0xb2];
        assert_eq!(read(&bytes), [Ok((1, &[0xa1][..])), Ok((2, &[0xb1, 0xb2][..]))]);
        assert_eq!(read(&[4, 0, 7, 0]), [Ok((7, &[][..]))]);
        assert_eq!(read(&[]), []);
    }

    #[test]
    fn what_is_no_attribute_is_reported_once() {
        for (tail, error) in [
            (&[1, 2, 3][..], Malformed::Header { need: 4, have: 3 }),
            (&[3, 0, 1, 0, 4, 0, 1, 0][..], Malformed::Length { len: 3, have: 8 }),
            (&[0; 128][..], Malformed::Length { len: 0, have: 128 }),
            (&[9, 0, 1, 0, 4, 0, 1, 0][..], Malformed::Length { len: 9, have: 8 }),
        ] {
            let bytes = [&[4, 0, 1, 0], tail].concat();
            assert_eq!(read(&bytes), [Ok((1, &[][..])), Err(error)]);
        }
    }

    #[test]
    fn flag_bits_are_no_part_of_the_kind() {
        let bytes = [4, 0, 3, 0xc0];
        let attr = Attrs::<LittleEndian>::new(&bytes).next().unwrap().unwrap();
        assert_eq!((attr.kind(), attr.is_nested()), (3, true));
    }

    #[test]
    fn getters_obey_the_byte_order_and_say_what_lacks() {
        let bytes = [0, 12, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
        let attr = Attrs::<BigEndian>::new(&bytes).next().unwrap().unwrap();
        assert_eq!(attr.u8(), Ok(1));
        assert_eq!(attr.u16(), Ok(0x0102));
        assert_eq!(attr.u32(), Ok(0x0102_0304));
        assert_eq!(attr.i32(), Ok(0x0102_0304));
        assert_eq!(attr.u64(), Ok(0x0102_0304_0506_0708));
        assert_eq!(attr.get::<[u8; 9]>(), Err(Malformed::Payload { need: 9, have: 8 }));
    }

    #[test]
    fn a_string_ends_at_its_first_nul_or_with_the_payload() {
        for (payload, string) in
            [(&b"lo\0"[..], &b"lo"[..]), (b"lo", b"lo"), (b"", b""), (b"\0x", b""), (b"a\0b\0", b"a")]
        {
            let len = u8::try_from(payload.len() + 4).unwrap();
            let bytes = [&[len, 0, 3, 0], payload].concat();
            assert_eq!(Attrs::<LittleEndian>::new(&bytes).next().unwrap().unwrap().string(), string);
        }
    }

    #[test]
    fn the_last_of_a_kind_counts() {
        let bytes = [5, 0, 1, 0, 1, 0, 0, 0, 5, 0, 1, 0, 2, 0, 0, 0, 4, 0, 2, 0, 3, 0, 1, 0];
        let attrs = Attrs::<LittleEndian>::new(&bytes);
        assert_eq!(attrs.last_of(1).unwrap().u8(), Ok(2));
        assert!(attrs.last_of(3).is_none());
    }
}
