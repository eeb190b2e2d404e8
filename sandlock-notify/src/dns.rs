//! DNS messages, RFC 1035: the question of a client, the answer of a name server, and the reply to the
//! client. Bytes in and bytes out.
//!
//! A reply is written anew, from nothing but the question and the addresses that may be known: no other byte
//! of a name server's answer reaches the client.

/// The longest name, in characters, without the last point.
pub const NAME_MAX: usize = 253;
/// The longest message that every client has room for, with EDNS and without.
pub const REPLY_MAX: usize = 512;
/// `struct dns_header`
const HEADER: usize = 12;
/// The name with its first length and its end, the type and the class.
const QUESTION_MAX: usize = NAME_MAX + 2 + 4;
/// A question, and a record without data: `OPT` (RFC 6891).
pub const QUERY_MAX: usize = HEADER + QUESTION_MAX + OPT.len();
/// The root, type `OPT`, room for 1232 bytes of an answer, no extended flags, no data.
const OPT: [u8; 11] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];
/// A record with the name of the question, of class `IN`.
const RECORD: usize = 12;
/// The most records of an answer that are looked at.
const RECORDS_MAX: u16 = 256;

/// Types of records.
pub const A: u16 = 1;
/// An address of IPv6.
pub const AAAA: u16 = 28;
/// `IN`
const INTERNET: u16 = 1;

/// The `RCODE` of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u16);

impl Code {
    /// The name is there, with or without an address.
    pub const NO_ERROR: Self = Self(0);
    /// The question makes no sense.
    pub const FORM_ERR: Self = Self(1);
    /// The name servers do not answer.
    pub const SERV_FAIL: Self = Self(2);
    /// There is no such name.
    pub const NX_DOMAIN: Self = Self(3);
}

/// A question for one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    id: u16,
    /// Whether the client wants recursion (`RD`).
    recursion: bool,
    /// The type of the wanted records.
    pub kind: u16,
    class: u16,
    wire: [u8; QUESTION_MAX],
    len: usize,
}

impl Question {
    /// Reads a query. `None`: it is none, and gets no reply.
    #[must_use]
    pub fn read(query: &[u8]) -> Option<Result<Self, [u8; HEADER]>> {
        let header = query.first_chunk::<HEADER>()?;
        let [id, flags, questions, answers, ..] = words(header);
        // QR, and OPCODE.
        if flags & 0x8000 != 0 {
            return None;
        }
        let mut question =
            Self { id, recursion: flags & 0x0100 != 0, kind: 0, class: 0, wire: [0; QUESTION_MAX], len: 0 };
        let is_plain = flags & 0x7800 == 0 && questions == 1 && answers == 0;
        let rest = query.get(HEADER..).unwrap_or_default();
        match name_len(rest).and_then(|len| Some((len, rest.get(len..)?.first_chunk::<4>()?))) {
            Some((len, [a, b, c, d])) if is_plain => {
                (question.kind, question.class) =
                    (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                question.len = len.saturating_add(4);
                question.wire.get_mut(..question.len)?.copy_from_slice(rest.get(..question.len)?);
                Some(Ok(question))
            }
            _ => {
                let mut reply = [0; HEADER];
                question.header(&mut reply, Code::FORM_ERR, [0; 4]);
                Some(Err(reply))
            }
        }
    }

    /// Writes the name in lower case, with points; no name of a host has other characters than letters,
    /// digits, hyphens and underscores, and of any other there is none.
    #[must_use]
    pub fn name<'b>(&self, text: &'b mut [u8; NAME_MAX]) -> Option<&'b [u8]> {
        let mut rest = self.wire.get(..self.len)?;
        let mut len = 0usize;
        while let Some((label, after)) = split_label(rest) {
            if label.is_empty() {
                return text.get(..len);
            }
            if len != 0 {
                *text.get_mut(len)? = b'.';
                len = len.saturating_add(1);
            }
            let to = text.get_mut(len..len.saturating_add(label.len()))?;
            for (to, from) in to.iter_mut().zip(label) {
                if !from.is_ascii_alphanumeric() && !matches!(from, b'-' | b'_') {
                    return None;
                }
                *to = from.to_ascii_lowercase();
            }
            len = len.saturating_add(label.len());
            rest = after;
        }
        None
    }

    /// Whether the question is about records of the internet.
    #[must_use]
    pub const fn is_internet(&self) -> bool {
        self.class == INTERNET
    }

    /// Writes the query to a name server, under an ID of its own; returns its length.
    #[must_use]
    pub fn query(&self, id: u16, to: &mut [u8; QUERY_MAX]) -> usize {
        let asked = Self { id, recursion: true, ..*self };
        let mut header = [0; HEADER];
        // RD; one question and one additional record.
        asked.write(&mut header, 0x0100, [1, 0, 0, 1]);
        let wire = self.wire.get(..self.len).unwrap_or_default();
        let parts = [&header[..], wire, &OPT];
        let mut len = 0usize;
        for part in parts {
            if let Some(to) = to.get_mut(len..).and_then(|rest| rest.get_mut(..part.len())) {
                to.copy_from_slice(part);
                len = len.saturating_add(part.len());
            }
        }
        len
    }

    /// Reads a name server's answer to [`query`](Self::query). `None`: it answers something else.
    #[must_use]
    pub fn answer<'a>(&self, id: u16, answer: &'a [u8]) -> Option<(Code, Addresses<'a>)> {
        let [got, flags, questions, records, ..] = words(answer.first_chunk::<HEADER>()?);
        let end = HEADER.saturating_add(self.len);
        let is_same = answer.get(HEADER..end)?.eq_ignore_ascii_case(self.wire.get(..self.len)?);
        if got != id || flags & 0xf800 != 0x8000 || questions != 1 || !is_same {
            return None;
        }
        let code = match Code(flags & 0xf) {
            known @ (Code::NO_ERROR | Code::NX_DOMAIN) => known,
            _ => Code::SERV_FAIL,
        };
        let count = if code == Code::NO_ERROR { records.min(RECORDS_MAX) } else { 0 };
        Some((code, Addresses { rest: answer.get(end..)?, count, kind: self.kind }))
    }

    /// Writes the reply with as many of these addresses as there is room for; returns its length. `seconds`:
    /// how long they may be remembered.
    #[must_use]
    pub fn reply<'a>(
        &self,
        code: Code,
        seconds: u32,
        addresses: impl Iterator<Item = &'a [u8]>,
        to: &mut [u8; REPLY_MAX],
    ) -> usize {
        let mut len = HEADER.saturating_add(self.len);
        if let (Some(to), Some(wire)) = (to.get_mut(HEADER..len), self.wire.get(..self.len)) {
            to.copy_from_slice(wire);
        }
        let mut count = 0u16;
        for address in addresses {
            let Some(room) = to.get_mut(len..).and_then(|rest| rest.split_at_mut_checked(RECORD)) else {
                break;
            };
            let (Some(data), [ttl_1, ttl_2, ttl_3, ttl_4]) =
                (room.1.get_mut(..address.len()), seconds.to_be_bytes())
            else {
                break;
            };
            let [kind_1, kind_2] = self.kind.to_be_bytes();
            let size = u8::try_from(address.len()).unwrap_or(0);
            // The name is the one at the end of the header.
            let record = [0xc0, 12, kind_1, kind_2, 0, 1, ttl_1, ttl_2, ttl_3, ttl_4, 0, size];
            room.0.copy_from_slice(&record);
            data.copy_from_slice(address);
            count = count.saturating_add(1);
            len = len.saturating_add(RECORD).saturating_add(address.len());
        }
        if let Some(header) = to.first_chunk_mut() {
            self.header(header, code, [1, count, 0, 0]);
        }
        len
    }

    /// The header of a reply: `QR`, `RD` as it came, `RA`.
    fn header(&self, to: &mut [u8; HEADER], code: Code, counts: [u16; 4]) {
        let recursion = if self.recursion { 0x0100 } else { 0 };
        self.write(to, 0x8080 | recursion | code.0, counts);
    }

    fn write(&self, to: &mut [u8; HEADER], flags: u16, [a, b, c, d]: [u16; 4]) {
        let words = [self.id, flags, a, b, c, d];
        for (to, word) in to.as_chunks_mut::<2>().0.iter_mut().zip(words) {
            *to = word.to_be_bytes();
        }
    }
}

/// The addresses of an answer that have the type of the question, each with the seconds it may be
/// remembered, whichever name of a chain of `CNAME` they are of.
#[derive(Debug, Clone)]
pub struct Addresses<'a> {
    rest: &'a [u8],
    count: u16,
    kind: u16,
}

impl<'a> Iterator for Addresses<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(left) = self.count.checked_sub(1) {
            self.count = left;
            let after = self.rest.get(name_len(self.rest)?..)?;
            let [a, b, c, d, e, f, g, h, i, j] = *after.first_chunk()?;
            let (data, rest) = after.get(10..)?.split_at_checked(u16::from_be_bytes([i, j]).into())?;
            self.rest = rest;
            let size = match self.kind {
                A => 4,
                AAAA => 16,
                _ => continue,
            };
            let [kind, class] = [[a, b], [c, d]].map(u16::from_be_bytes);
            if kind == self.kind && class == INTERNET && data.len() == size {
                return Some((u32::from_be_bytes([e, f, g, h]), data));
            }
        }
        None
    }
}

/// The six words of a header.
fn words(header: &[u8; HEADER]) -> [u16; 6] {
    let mut words = [0; 6];
    for (word, bytes) in words.iter_mut().zip(header.as_chunks().0) {
        *word = u16::from_be_bytes(*bytes);
    }
    words
}

/// The longest label. The length of one has two bits more, and with both it is a pointer.
const LABEL_MAX: u8 = 63;
const POINTER: u8 = 0xc0;

/// The first label, without its length, and the rest behind it.
fn split_label(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    if *len <= LABEL_MAX { rest.split_at_checked((*len).into()) } else { None }
}

/// How long a name is, with its end: an empty label, or a pointer to the rest. In a question a pointer has
/// nothing to point at.
fn name_len(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    loop {
        match rest {
            [POINTER..=u8::MAX, _, ..] => return bytes.len().checked_sub(rest.len())?.checked_add(2),
            _ => {
                let (label, after) = split_label(rest)?;
                rest = after;
                if label.is_empty() {
                    let len = bytes.len().checked_sub(rest.len())?;
                    return (len <= NAME_MAX.saturating_add(2)).then_some(len);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A query with this name, as labels.
    fn query(labels: &[&[u8]], kind: u16) -> Vec<u8> {
        let mut query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        for label in labels {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend(*label);
        }
        query.push(0);
        query.extend([kind.to_be_bytes(), INTERNET.to_be_bytes()].concat());
        query
    }

    fn question(labels: &[&[u8]], kind: u16) -> Question {
        Question::read(&query(labels, kind)).unwrap().unwrap()
    }

    fn name(labels: &[&[u8]]) -> Option<Vec<u8>> {
        question(labels, A).name(&mut [0; NAME_MAX]).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_name_is_what_a_host_may_be_called() {
        assert_eq!(name(&[b"wWw", b"Example", b"org"]).unwrap(), b"www.example.org");
        assert_eq!(name(&[b"_443", b"a-b", b"x"]).unwrap(), b"_443.a-b.x");
        assert_eq!(name(&[]).unwrap(), b"");
        // A label with a point in it is another name than it seems.
        for odd in [&b"a.b"[..], b"a\0", b"a b", b"\xff", b"a/", b"a\\"] {
            assert_eq!(name(&[odd, b"example", b"org"]), None, "{odd:?}");
        }
        let longest = [&[b'a'; 63][..], &[b'a'; 63], &[b'a'; 63], &[b'a'; 61]];
        assert_eq!(name(&longest).unwrap().len(), NAME_MAX);
    }

    #[test]
    fn what_is_no_question_is_not_taken_for_one() {
        let good = query(&[b"a", b"org"], A);
        assert!(Question::read(&good).unwrap().is_ok());
        // A response, and less than a header, get no reply: two servers would answer each other for ever.
        let mut response = good.clone();
        response[2] |= 0x80;
        assert!(Question::read(&response).is_none());
        assert!(Question::read(&good[..11]).is_none());
        let longer = query(&[&[b'a'; 63], &[b'a'; 63], &[b'a'; 63], &[b'a'; 62]], A);
        let changes: [(&[u8], usize, u8); 4] =
            [(&good, 2, 0x28), (&good, 5, 2), (&good, 7, 1), (&good, 12, 64)];
        let changed = changes.map(|(from, at, to)| {
            let mut bytes = from.to_vec();
            bytes[at] = to;
            bytes
        });
        let cut = (12..good.len()).map(|len| good[..len].to_vec());
        for bad in changed.into_iter().chain(cut).chain([longer]) {
            let reply = Question::read(&bad).unwrap().unwrap_err();
            assert_eq!(reply[..2], *b"\x12\x34");
            assert_eq!(reply[3] & 0xf, 1, "{bad:?}");
        }
    }

    /// An answer with these records after the question.
    fn answer(to: &[u8], flags: u16, records: &[(&[u8], u16, u32, &[u8])]) -> Vec<u8> {
        let mut answer = to.to_vec();
        answer[2..4].copy_from_slice(&flags.to_be_bytes());
        answer[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
        answer[10..12].fill(0);
        for (name, kind, ttl, data) in records {
            let parts = [*name, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes()];
            answer.extend(parts.concat());
            answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            answer.extend(*data);
        }
        answer
    }

    #[test]
    fn addresses_are_found_behind_aliases_and_nothing_else_is() {
        let asked = question(&[b"www", b"example", b"org"], A);
        let mut buffer = [0; QUERY_MAX];
        let len = asked.query(0xabcd, &mut buffer);
        let sent = &buffer[..len - OPT.len()];
        assert_eq!(buffer[..12], *b"\xab\xcd\x01\0\0\x01\0\0\0\0\0\x01");
        let records: [(&[u8], u16, u32, &[u8]); 5] = [
            (b"\xc0\x0c", 5, 60, b"\x01x\xc0\x10"),
            (b"\x01x\xc0\x10", A, 30, &[192, 0, 2, 1]),
            (b"\x01x\xc0\x10", A, 30, &[192, 0, 2]),
            (b"\x01x\xc0\x10", AAAA, 30, &[0x20; 16]),
            (b"\0", A, 0x8000_0000, &[192, 0, 2, 2]),
        ];
        let whole = answer(sent, 0x8180, &records);
        let (code, found) = asked.answer(0xabcd, &whole).unwrap();
        let want: [(u32, &[u8]); 2] = [(30, &[192, 0, 2, 1]), (0x8000_0000, &[192, 0, 2, 2])];
        assert_eq!((code, found.collect::<Vec<_>>()), (Code::NO_ERROR, want.to_vec()));
        // Wherever it is cut, it has no more, and no panic.
        for len in 0..whole.len() {
            let found = asked.answer(0xabcd, &whole[..len]).map_or(0, |(_, found)| found.count());
            assert!(found <= 2 && (len > sent.len() || found == 0), "{len}");
        }
        // Another ID, a query, another question.
        assert!(asked.answer(0xabce, &whole).is_none());
        assert!(asked.answer(0xabcd, &answer(sent, 0x0100, &records)).is_none());
        let mut other = whole.clone();
        other[13] = b'v';
        assert!(asked.answer(0xabcd, &other).is_none());
        // A name that is not there has no address, whatever the answer says.
        for (flags, want) in [(0x8183, Code::NX_DOMAIN), (0x8182, Code::SERV_FAIL), (0x8185, Code::SERV_FAIL)]
        {
            let refused = answer(sent, flags, &records);
            let (code, found) = asked.answer(0xabcd, &refused).unwrap();
            assert_eq!((code, found.count()), (want, 0));
        }
    }

    #[test]
    fn a_reply_has_the_question_and_the_addresses_there_is_room_for() {
        let asked = question(&[b"eXample", b"org"], A);
        let mut reply = [0; REPLY_MAX];
        let one: [&[u8]; 1] = [&[192, 0, 2, 1]];
        let len = asked.reply(Code::NO_ERROR, 7, one.into_iter(), &mut reply);
        let want = [
            &b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0"[..],
            &query(&[b"eXample", b"org"], A)[12..],
            b"\xc0\x0c\0\x01\0\x01\0\0\0\x07\0\x04\xc0\0\x02\x01",
        ];
        assert_eq!(reply[..len], want.concat());
        let many: [&[u8]; 100] = [&[0x20; 16]; 100];
        let len = question(&[b"a"], AAAA).reply(Code::NO_ERROR, 7, many.into_iter(), &mut reply);
        assert_eq!((len, reply[7]), (12 + 7 + 17 * 28, 17));
        let len = asked.reply(Code::NX_DOMAIN, 0, core::iter::empty(), &mut reply);
        assert_eq!((len, reply[3], reply[7]), (12 + 17, 0x83, 0));
    }
}
