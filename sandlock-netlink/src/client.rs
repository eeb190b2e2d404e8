//! A dump as its client sees it: the request, and the objects in the datagrams of the answer.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;

use zerocopy::{ByteOrder, I32, Immutable, IntoBytes, NativeEndian};

use crate::{
    Full, Malformed, Message, MessageError, MessageFlags, Messages, NLMSG_DONE, NLMSG_ERROR, NLMSG_MIN_TYPE,
    Writer,
};

/// `NLMSG_OVERRUN`: messages were dropped.
pub const NLMSG_OVERRUN: u16 = 4;

/// The reason why an answer is not the whole dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpError {
    /// The kernel failed with this errno, a positive number of its architecture.
    Failed(i32),
    /// The objects changed during the dump, and the answer may lack some: `NLM_F_DUMP_INTR`. Ask again.
    Interrupted,
    /// The kernel dropped messages: `NLMSG_OVERRUN`. Ask again.
    Overrun,
    /// A datagram is malformed.
    Malformed(Malformed),
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(errno) => write!(f, "the kernel failed with errno {errno}"),
            Self::Interrupted => f.write_str("the objects changed during the dump"),
            Self::Overrun => f.write_str("the kernel dropped messages"),
            Self::Malformed(malformed) => fmt::Display::fmt(malformed, f),
        }
    }
}

impl Error for DumpError {}

impl From<Malformed> for DumpError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// A dump that a client reads, from the request to `NLMSG_DONE`.
///
/// The caller sends the request and receives the datagrams. Answers to other requests are skipped.
///
/// ```
/// use sandlock_netlink::rtnetlink::{AF_INET, IfAddrMsg, RTM_GETADDR};
/// use sandlock_netlink::{Addr, DumpReader, NativeEndian, REPLY_MAX, Socket, View, respond};
///
/// let (mut dump, mut buf) = (DumpReader::<NativeEndian>::new(1), [0; 64]);
/// let header: IfAddrMsg = IfAddrMsg { family: AF_INET, ..IfAddrMsg::default() };
/// let request = dump.request(RTM_GETADDR, &header, &mut buf)?;
///
/// let mut addrs = Vec::new();
/// // Instead of send(2), and of recv(2) until `dump.is_done()`:
/// respond::<NativeEndian>(&View::LOOPBACK, &Socket::new(7), request, &mut [0; REPLY_MAX], &mut |datagram| {
///     for message in dump.messages(datagram) {
///         addrs.push(Addr::read(message.unwrap()).unwrap());
///     }
/// });
/// assert!(dump.is_done());
/// assert_eq!(addrs, [Addr::LOCALHOST4]);
/// # Ok::<(), sandlock_netlink::Full>(())
/// ```
#[derive(Clone, Debug)]
pub struct DumpReader<O: ByteOrder = NativeEndian> {
    seq: u32,
    is_interrupted: bool,
    is_done: bool,
    order: PhantomData<O>,
}

impl<O: ByteOrder> DumpReader<O> {
    /// A dump whose request has the sequence number `seq`.
    pub const fn new(seq: u32) -> Self {
        Self { seq, is_interrupted: false, is_done: false, order: PhantomData }
    }

    /// Writes the request: a message of type `kind` with the header of its family.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn request<'b, T>(&self, kind: u16, header: &T, buf: &'b mut [u8]) -> Result<&'b [u8], Full>
    where
        T: IntoBytes + Immutable,
    {
        let mut writer = Writer::<O>::new(&mut *buf);
        let flags = MessageFlags::REQUEST | MessageFlags::DUMP;
        writer.message(kind, flags, self.seq, 0, |body| body.put(header))?;
        let len = writer.as_bytes().len();
        Ok(buf.get(..len).unwrap_or_default())
    }

    /// The objects in the next datagram of the answer. After an error the dump is done.
    pub fn messages<'r, 'd>(&'r mut self, datagram: &'d [u8]) -> DumpMessages<'r, 'd, O> {
        DumpMessages { dump: self, messages: Messages::new(datagram) }
    }

    /// Whether the answer is complete, or ended with an error: no further datagram belongs to it.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether a message is an object of the dump; an error if the dump ends with one.
    fn is_object(&mut self, message: &Message<O>) -> Result<bool, DumpError> {
        if message.header().seq.get() != self.seq {
            return Ok(false);
        }
        self.is_interrupted |= message.flags().contains(MessageFlags::DUMP_INTR);
        let status = match message.kind() {
            NLMSG_DONE => message.body::<I32<O>>()?.0.get(),
            NLMSG_ERROR => match message.body::<MessageError<O>>()?.0.error.get() {
                0 => return Ok(false),
                errno => errno,
            },
            NLMSG_OVERRUN => return Err(DumpError::Overrun),
            kind => return Ok(kind >= NLMSG_MIN_TYPE),
        };
        self.is_done = true;
        match status {
            0 if self.is_interrupted => Err(DumpError::Interrupted),
            0 => Ok(false),
            errno => Err(DumpError::Failed(errno.wrapping_neg())),
        }
    }
}

/// The objects in one datagram of a dump.
#[derive(Debug)]
pub struct DumpMessages<'r, 'd, O: ByteOrder = NativeEndian> {
    dump: &'r mut DumpReader<O>,
    messages: Messages<'d, O>,
}

impl<'d, O: ByteOrder + 'd> Iterator for DumpMessages<'_, 'd, O> {
    type Item = Result<&'d Message<O>, DumpError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.dump.is_done {
            let message = match self.messages.next()? {
                Ok(message) => message,
                Err(malformed) => {
                    self.dump.is_done = true;
                    return Some(Err(malformed.into()));
                }
            };
            match self.dump.is_object(message) {
                Ok(false) => {}
                Ok(true) => return Some(Ok(message)),
                Err(error) => {
                    self.dump.is_done = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, LittleEndian};
    use std::vec::Vec;

    type Item = Result<u16, DumpError>;

    /// Adds a message of the dump with the number 5.
    fn add(writer: &mut Writer<'_, LittleEndian>, kind: u16, flags: MessageFlags, word: i32) {
        let body =
            |body: &mut Body<'_, LittleEndian>| body.put(&[word, 0, 0, 0, 0].map(I32::<LittleEndian>::new));
        writer.message(kind, flags, 5, 0, body).unwrap();
    }

    fn read(datagram: &[u8]) -> (Vec<Item>, bool) {
        let mut dump = DumpReader::<LittleEndian>::new(5);
        let items = dump.messages(datagram).map(|message| message.map(Message::kind)).collect();
        (items, dump.is_done())
    }

    #[test]
    fn a_dump_ends_with_its_status() {
        let none = MessageFlags::empty();
        for (kind, flags, word, end, is_done) in [
            (NLMSG_DONE, none, 0, None, true),
            (NLMSG_DONE, MessageFlags::DUMP_INTR, 0, Some(DumpError::Interrupted), true),
            (NLMSG_DONE, none, -19, Some(DumpError::Failed(19)), true),
            (NLMSG_ERROR, none, -1, Some(DumpError::Failed(1)), true),
            (NLMSG_OVERRUN, none, 0, Some(DumpError::Overrun), true),
            (NLMSG_ERROR, none, 0, None, false),
            (1, none, 0, None, false),
        ] {
            let mut buf = [0; 256];
            let mut writer = Writer::new(&mut buf);
            add(&mut writer, 16, none, 1);
            add(&mut writer, kind, flags, word);
            let want: Vec<Item> = [Ok(16)].into_iter().chain(end.map(Err)).collect();
            assert_eq!(read(writer.as_bytes()), (want, is_done), "{kind} {word}");
        }
    }

    #[test]
    fn an_interruption_is_remembered_until_the_end() {
        let mut buf = [0; 256];
        let mut writer = Writer::new(&mut buf);
        add(&mut writer, 16, MessageFlags::DUMP_INTR, 1);
        add(&mut writer, 16, MessageFlags::empty(), 1);
        add(&mut writer, NLMSG_DONE, MessageFlags::empty(), 0);
        assert_eq!(read(writer.as_bytes()), ([Ok(16), Ok(16), Err(DumpError::Interrupted)].to_vec(), true));
    }

    #[test]
    fn other_answers_are_skipped_and_bytes_that_are_none_end_the_dump() {
        let mut buf = [0; 256];
        let mut writer = Writer::<LittleEndian>::new(&mut buf);
        writer.message(NLMSG_DONE, MessageFlags::empty(), 4, 0, |body| body.put(&[0u8; 4])).unwrap();
        add(&mut writer, 16, MessageFlags::empty(), 1);
        let datagram = [writer.as_bytes(), &[1, 2, 3]].concat();
        let malformed = DumpError::Malformed(Malformed::Header { need: 16, have: 3 });
        assert_eq!(read(&datagram), ([Ok(16), Err(malformed)].to_vec(), true));
    }
}
