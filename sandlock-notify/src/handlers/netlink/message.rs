//! What the calls that send and receive point to: `struct msghdr`, `struct iovec` and control messages, in
//! the target's word size.

use sandlock_netlink::Errno as NetlinkErrno;
use sandlock_sys::{Errno, Pid, Result, Uid, process};

use crate::call::Word;
use crate::target::read_exact;
use crate::{Target, UserAddr};

/// The longest address of any family: `sizeof(struct sockaddr_storage)`.
pub(super) const NAME_MAX: i32 = 128;
/// How many vectors a message can have (`UIO_MAXIOV`).
pub(super) const VECTORS_MAX: u64 = 1024;
/// How many of them are copied at once.
const VECTORS_AT_ONCE: usize = 16;
/// How much of the control messages is looked at; the kernel has room for more (`net.core.optmem_max`), and
/// no sender of netlink needs it.
const CONTROL_MAX: usize = 512;
/// Words of a `struct msghdr`; of a `struct mmsghdr` there is one more.
const WORDS: usize = 7;

/// A result of the model.
pub(super) type Modelled = core::result::Result<(), NetlinkErrno>;

/// The `int` at a place.
fn int(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A message: a `struct msghdr`, or the arguments of a call without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The address of the structure, if there is one.
    at: Option<UserAddr>,
    word: Word,
    pub(super) name: UserAddr,
    /// 0 where there is no name.
    pub(super) name_len: i32,
    pub(super) buffers: Buffers,
    control: UserAddr,
    control_len: u64,
}

impl Header {
    /// A message with no name and no control message.
    pub(super) const fn of(buffers: Buffers, word: Word) -> Self {
        Self { at: None, word, name: UserAddr(0), name_len: 0, buffers, control: UserAddr(0), control_len: 0 }
    }

    pub(super) fn read(target: &dyn Target, at: UserAddr, word: Word) -> Result<Self> {
        let mut bytes = [0; WORDS * 8];
        let bytes = bytes.get_mut(..word.0.saturating_mul(WORDS)).ok_or(Errno::EINVAL)?;
        read_exact(target, at, bytes)?;
        Self::parse(bytes, at, word).ok_or(Errno::EINVAL)
    }

    fn parse(bytes: &[u8], at: UserAddr, word: Word) -> Option<Self> {
        let name = UserAddr(word.get(bytes, 0)?);
        let name_len = match int(bytes, word.0)? {
            _ if name.is_null() => 0,
            len => Some(len.min(NAME_MAX)).filter(|len| *len >= 0)?,
        };
        Some(Self {
            at: Some(at),
            word,
            name,
            name_len,
            buffers: Buffers::Many(UserAddr(word.get(bytes, 2)?), word.get(bytes, 3)?, word),
            control: UserAddr(word.get(bytes, 4)?),
            control_len: word.get(bytes, 5)?,
        })
    }

    /// Message number `index` of an array of `struct mmsghdr`, and where the length of what it carried goes.
    pub(super) fn nth(messages: UserAddr, index: u64, word: Word) -> Option<(UserAddr, UserAddr)> {
        let header = u64::try_from(word.0.checked_mul(WORDS)?).ok()?;
        let whole = u64::try_from(word.0.checked_mul(WORDS.checked_add(1)?)?).ok()?;
        let at = messages.0.checked_add(index.checked_mul(whole)?)?;
        Some((UserAddr(at), UserAddr(at.checked_add(header)?)))
    }

    /// Reports in the target's header this name, no control message, and these flags.
    pub(super) fn received(&self, target: &dyn Target, name: &[u8], flags: i32) -> Result<()> {
        let Some(at) = self.at else { return Ok(()) };
        let field = |words: usize| at.plus(words.wrapping_mul(self.word.0));
        if !self.name.is_null() {
            let room = usize::try_from(self.name_len).unwrap_or(0);
            let len = i32::try_from(name.len()).unwrap_or(0).to_ne_bytes();
            target.write_both([(self.name, name.get(..room).unwrap_or(name)), (field(1), &len)])?;
        }
        let none = [0; 8];
        let none = none.get(..self.word.0).unwrap_or_default();
        target.write_both([(field(5), none), (field(6), &flags.to_ne_bytes())])
    }

    /// `scm_send` (`net/core/scm.c`) of its control messages.
    pub(super) fn control(&self, target: &dyn Target, process: impl FnOnce() -> Pid) -> Result<Modelled> {
        let len =
            usize::try_from(self.control_len).ok().filter(|len| *len <= CONTROL_MAX).ok_or(Errno::ENOBUFS)?;
        if self.control.is_null() || len == 0 {
            return Ok(Ok(()));
        }
        let mut bytes = [0; CONTROL_MAX];
        let bytes = bytes.get_mut(..len).ok_or(Errno::ENOBUFS)?;
        read_exact(target, self.control, bytes)?;
        Ok(check_control(bytes, self.word, (process(), process::getuid())))
    }
}

/// The control messages of a send: none may carry descriptors, and credentials must be the caller's own, its
/// process and its user.
fn check_control(mut rest: &[u8], word: Word, (process, user): (Pid, Uid)) -> Modelled {
    let invalid = NetlinkErrno::EINVAL;
    let header = word.0.saturating_add(8);
    while rest.len() >= header {
        let len = word.get(rest, 0).and_then(|len| usize::try_from(len).ok()).ok_or(invalid)?;
        let data = rest.get(header..len).ok_or(invalid)?;
        let (level, kind) = (int(rest, word.0), int(rest, word.0.saturating_add(4)));
        if level == Some(libc::SOL_SOCKET) {
            if kind != Some(libc::SCM_CREDENTIALS) || data.len() != 12 {
                return Err(invalid);
            }
            let given = (int(data, 0).map(Pid::new), int(data, 4).map(i32::cast_unsigned).map(Uid::new));
            if given != (Some(process), Some(user)) {
                return Err(NetlinkErrno::EPERM);
            }
        }
        let next = len.checked_next_multiple_of(word.0).unwrap_or(len);
        rest = rest.get(next..).unwrap_or_default();
    }
    Ok(())
}

/// The memory that a call reads from or writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buffers {
    /// One buffer, and its length.
    One(UserAddr, u64),
    /// An array of `struct iovec`, and how many there are.
    Many(UserAddr, u64, Word),
}

impl Buffers {
    /// Copies from them until `into` is full: how much was copied, and how much there is.
    pub(super) fn gather(self, target: &dyn Target, into: &mut [u8]) -> Result<(usize, usize)> {
        let (mut copied, mut total) = (0usize, 0usize);
        self.each(target, |from, len| {
            total = total.checked_add(len).ok_or(Errno::EINVAL)?;
            let room = into.get_mut(copied..).unwrap_or_default();
            let part = room.get_mut(..len.min(room.len())).unwrap_or_default();
            copied = copied.saturating_add(part.len());
            read_exact(target, from, part)
        })?;
        Ok((copied, total))
    }

    /// Copies `bytes` into them, as many as they have room for: how many those were.
    pub(super) fn scatter(self, target: &dyn Target, bytes: &[u8]) -> Result<usize> {
        let mut rest = bytes;
        self.each(target, |to, len| {
            let (part, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            rest = after;
            if part.is_empty() { Ok(()) } else { target.write(to, part) }
        })?;
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    fn each(self, target: &dyn Target, mut with: impl FnMut(UserAddr, usize) -> Result<()>) -> Result<()> {
        let (mut at, mut count, word) = match self {
            Self::One(at, len) => return with(at, length(len)?),
            Self::Many(at, count, word) => (at, count, word),
        };
        if count > VECTORS_MAX {
            return Err(Errno::EMSGSIZE);
        }
        let size = word.0.saturating_mul(2);
        let mut vectors = [0; VECTORS_AT_ONCE * 16];
        while count != 0 {
            let some = usize::try_from(count).unwrap_or(usize::MAX).min(VECTORS_AT_ONCE);
            let bytes = vectors.get_mut(..some.saturating_mul(size)).unwrap_or_default();
            read_exact(target, at, bytes)?;
            for vector in bytes.chunks_exact(size) {
                let (base, len) = (word.get(vector, 0), word.get(vector, 1));
                with(UserAddr(base.unwrap_or(0)), length(len.unwrap_or(0))?)?;
            }
            at = at.plus(bytes.len());
            count = count.saturating_sub(u64::try_from(some).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

/// A length that is not negative as a `ssize_t`; more than 2 GiB is never moved at once (`MAX_RW_COUNT`).
fn length(len: u64) -> Result<usize> {
    let len = i64::try_from(len).map_err(|_| Errno::EINVAL)?;
    usize::try_from(len.min(i32::MAX.into())).map_err(|_| Errno::EINVAL)
}

/// Longs of 32 bits come before ones of 64 in the words of a guest: in this order only here.
#[cfg(target_endian = "little")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Image;
    use std::{vec, vec::Vec};

    const WIDE: Word = Word(8);
    const NARROW: Word = Word(4);

    /// Words of one size, one after the other.
    fn words(word: Word, values: &[u64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_ne_bytes()[..word.0].to_vec()).collect()
    }

    #[test]
    fn a_header_is_read_in_either_word_size() {
        for word in [WIDE, NARROW] {
            let name = Image::BASE + u64::try_from(word.0 * 7).unwrap();
            let header = |name, len| words(word, &[name, len, 0x3000, 2, 0x4000, 24, 0]);
            let read = |bytes: &[u8]| Header::read(&Image::new(bytes), UserAddr(Image::BASE), word);
            let image = Image::new(&[header(name, 4), vec![0xee; 8]].concat());
            let read_header = Header::read(&image, UserAddr(Image::BASE), word).unwrap();
            assert_eq!((read_header.name, read_header.name_len), (UserAddr(name), 4));
            assert_eq!(read_header.buffers, Buffers::Many(UserAddr(0x3000), 2, word));
            assert_eq!((read_header.control, read_header.control_len), (UserAddr(0x4000), 24));
            read_header.received(&image, b"12345", 0x20).unwrap();
            let after = words(word, &[name, 5, 0x3000, 2, 0x4000, 0, 0x20]);
            assert_eq!(image.0.into_inner(), [&after[..], b"1234\xee\xee\xee\xee"].concat());
            // As the kernel has it: no name has no length, and none is longer than any address or negative.
            let minus = u64::from(u32::MAX);
            assert_eq!(read(&header(0, minus)).unwrap().name_len, 0);
            assert_eq!(read(&header(name, 1000)).unwrap().name_len, NAME_MAX);
            assert_eq!(read(&header(name, minus)), Err(Errno::EINVAL));
        }
        assert_eq!(Header::nth(UserAddr(100), 2, WIDE), Some((UserAddr(228), UserAddr(284))));
        assert_eq!(Header::nth(UserAddr(100), 2, NARROW), Some((UserAddr(164), UserAddr(192))));
        assert_eq!(Header::nth(UserAddr(u64::MAX), 1, WIDE), None);
    }

    #[test]
    fn vectors_are_gathered_and_scattered_in_order() {
        for word in [WIDE, NARROW] {
            let size = u64::try_from(word.0 * 2).unwrap();
            let data = Image::BASE + 3 * size;
            let memory = [words(word, &[data, 3, data, 0, data + 3, 4]), b"abcdefg".to_vec()].concat();
            let buffers = Buffers::Many(UserAddr(Image::BASE), 3, word);
            let mut into = [0; 16];
            assert_eq!(buffers.gather(&Image::new(&memory), &mut into), Ok((7, 7)));
            assert_eq!(&into[..8], b"abcdefg\0");
            assert_eq!(buffers.gather(&Image::new(&memory), &mut into[..5]), Ok((5, 7)));
            for (bytes, written) in [(&b"12345"[..], 5), (b"123456789", 7), (b"", 0)] {
                let image = Image::new(&memory);
                assert_eq!(buffers.scatter(&image, bytes), Ok(written));
                let memory = image.0.into_inner();
                let text = &memory[memory.len() - 7..];
                assert_eq!((&text[..written], &text[written..]), (&bytes[..written], &b"abcdefg"[written..]));
            }
        }
        let image = Image::default();
        assert_eq!(Buffers::Many(UserAddr(0), 1025, WIDE).gather(&image, &mut []), Err(Errno::EMSGSIZE));
        assert_eq!(Buffers::Many(UserAddr(0), 1, WIDE).gather(&image, &mut []), Err(Errno::EFAULT));
        assert_eq!(Buffers::One(UserAddr(0), 1 << 63).gather(&image, &mut []), Err(Errno::EINVAL));
    }

    #[test]
    fn control_messages_carry_no_descriptors_and_no_credentials_of_others() {
        let message = |word: Word, kind: u64, data: &[u32]| {
            let len = u64::try_from(word.0 + 8 + data.len() * 4).unwrap();
            let mut bytes = [words(word, &[len]), words(NARROW, &[1, kind])].concat();
            bytes.extend(data.iter().flat_map(|value| value.to_ne_bytes()));
            bytes.resize(bytes.len().next_multiple_of(word.0), 0);
            bytes
        };
        for word in [WIDE, NARROW] {
            let check = |bytes: &[u8]| check_control(bytes, word, (Pid::new(7), Uid::new(1000)));
            let own = message(word, 2, &[7, 1000, 1000]);
            assert_eq!(check(&own), Ok(()));
            assert_eq!(check(&message(word, 2, &[8, 1000, 1000])), Err(NetlinkErrno::EPERM));
            assert_eq!(check(&message(word, 2, &[7, 0, 1000])), Err(NetlinkErrno::EPERM));
            assert_eq!(check(&message(word, 2, &[7])), Err(NetlinkErrno::EINVAL));
            assert_eq!(check(&[own.clone(), message(word, 1, &[3])].concat()), Err(NetlinkErrno::EINVAL));
            // Another level is not looked at; a length that leads nowhere is refused, and a message that is
            // too short is none.
            let mut other = message(word, 1, &[3]);
            other[word.0] = 9;
            assert_eq!(check(&other), Ok(()));
            for len in [0, 1, 15, 1 << 20] {
                let mut wrong = own.clone();
                wrong[..word.0].copy_from_slice(&words(word, &[len]));
                assert_eq!(check(&wrong), Err(NetlinkErrno::EINVAL), "{len}");
            }
            assert_eq!(check(&own[..word.0]), Ok(()));
        }
    }
}
