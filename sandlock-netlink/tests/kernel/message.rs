//! Requests and messages of answers that can be edited.

/// The first message of a request, of its protocol.
pub(crate) struct Request<'a> {
    pub(crate) protocol: i32,
    pub(crate) bytes: &'a mut [u8],
}

impl Request<'_> {
    pub(crate) fn half(&self, at: usize) -> u16 {
        self.bytes.get(at..at + 2).map_or(0, |half| u16::from_ne_bytes(half.try_into().unwrap()))
    }

    /// The type, where rtnetlink is asked.
    pub(crate) fn kind(&self) -> u16 {
        if self.protocol == 0 { self.half(4) } else { 0 }
    }

    /// Whether it is rtnetlink's, and this is a message of that type.
    pub(crate) fn is_told(&self, message: &Message, kind: u16) -> bool {
        self.protocol == 0 && message.kind == kind
    }

    pub(crate) fn family(&self) -> Option<u8> {
        self.bytes.get(16).copied()
    }

    /// Gives each attribute behind a header of `size` bytes the type that `rename` has for it.
    pub(crate) fn rename(&mut self, size: usize, mut rename: impl FnMut(u16) -> u16) {
        let mut at = 16 + size;
        while at + 4 <= self.bytes.len() && self.half(at) >= 4 {
            let kind = self.half(at + 2);
            let flags = kind & 0xc000;
            let renamed = rename(kind & 0x3fff) | flags;
            self.bytes[at + 2..at + 4].copy_from_slice(&renamed.to_ne_bytes());
            at += usize::from(self.half(at)).next_multiple_of(4);
        }
    }

    /// Becomes one of a type that there is not.
    pub(crate) fn become_unknown(&mut self) {
        if self.family().is_some() {
            self.bytes[4..6].copy_from_slice(&999u16.to_ne_bytes());
        }
    }
}

/// A type that no policy has.
pub(crate) const UNKNOWN: u16 = 999;

/// One message of an answer.
#[derive(Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) kind: u16,
    flags: u16,
    rest: [u8; 8],
    pub(crate) body: Vec<u8>,
}

/// The messages of a datagram; `None` where it is cut.
pub(crate) fn split(mut datagram: &[u8]) -> Option<Vec<Message>> {
    let mut messages = Vec::new();
    while let [l0, l1, l2, l3, k0, k1, f0, f1, after @ ..] = datagram {
        let len = usize::try_from(u32::from_ne_bytes([*l0, *l1, *l2, *l3])).unwrap();
        messages.push(Message {
            kind: u16::from_ne_bytes([*k0, *k1]),
            flags: u16::from_ne_bytes([*f0, *f1]),
            rest: after.get(..8)?.try_into().unwrap(),
            body: datagram.get(16..len)?.to_vec(),
        });
        datagram = datagram.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(messages)
}

/// The datagram of messages.
pub(crate) fn join(messages: &[Message]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for message in messages {
        let len = u32::try_from(16 + message.body.len()).unwrap();
        datagram.extend(len.to_ne_bytes());
        datagram.extend([message.kind.to_ne_bytes(), message.flags.to_ne_bytes()].concat());
        datagram.extend([&message.rest[..], &message.body].concat());
        datagram.resize(datagram.len().next_multiple_of(4), 0);
    }
    datagram
}

/// Types with their payloads.
pub(crate) type Attrs = Vec<(u16, Vec<u8>)>;

fn attrs(mut bytes: &[u8]) -> Attrs {
    let mut attrs = Vec::new();
    while let [l0, l1, k0, k1, ..] = bytes {
        let len = usize::from(u16::from_ne_bytes([*l0, *l1]));
        let Some(payload) = bytes.get(4..len) else { break };
        attrs.push((u16::from_ne_bytes([*k0, *k1]), payload.to_vec()));
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    attrs
}

fn bytes(attrs: &Attrs) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, payload) in attrs {
        let len = u16::try_from(4 + payload.len()).unwrap();
        bytes.extend([&len.to_ne_bytes()[..], &kind.to_ne_bytes(), payload].concat());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

impl Message {
    /// Edits what follows `size` bytes of it.
    pub(crate) fn attrs(&mut self, size: usize, edit: impl FnOnce(&mut Attrs)) {
        let mut all = attrs(self.body.get(size..).unwrap_or_default());
        edit(&mut all);
        self.body.truncate(size);
        self.body.extend(bytes(&all));
    }

    /// Edits the attributes in a nest, if it is there.
    pub(crate) fn nest(&mut self, size: usize, path: &[u16], edit: &mut dyn FnMut(&mut Attrs)) {
        fn inner(all: &mut Attrs, path: &[u16], edit: &mut dyn FnMut(&mut Attrs)) {
            let [first, rest @ ..] = path else { return edit(all) };
            for (_, payload) in all.iter_mut().filter(|(kind, _)| kind & 0x3fff == *first) {
                let mut nested = attrs(payload);
                inner(&mut nested, rest, edit);
                *payload = bytes(&nested);
            }
        }
        self.attrs(size, |all| inner(all, path, edit));
    }

    /// Takes attributes away.
    pub(crate) fn drop(&mut self, size: usize, kinds: &[u16]) {
        self.attrs(size, |all| all.retain(|(kind, _)| !kinds.contains(&(kind & 0x3fff))));
    }

    /// Replaces bytes wherever they are.
    pub(crate) fn replace(&mut self, old: &[u8], new: &[u8]) {
        for at in 0..self.body.len().saturating_sub(old.len() - 1) {
            if self.body[at..].starts_with(old) {
                self.body[at..at + old.len()].copy_from_slice(new);
            }
        }
    }

    /// Replaces the text of an error.
    pub(crate) fn says(&mut self, old: &str, new: &str) {
        let [old, new] = [old, new].map(|text| bytes(&vec![(1, [text.as_bytes(), &[0]].concat())]));
        if let Some(at) = self.body.windows(old.len()).position(|window| window == old) {
            self.body.splice(at..at + old.len(), new);
        }
    }

    /// An attribute of eight bytes with this value becomes one with another.
    pub(crate) fn replace_wide(&mut self, kind: u16, old: u64, new: u64) {
        let [old, new] = [old, new].map(|value| bytes(&vec![(kind, value.to_ne_bytes().to_vec())]));
        self.replace(&old, &new);
    }

    /// Becomes an error, with the whole request.
    pub(crate) fn refuse(&mut self, errno: i32, request: &Request<'_>) {
        (self.kind, self.flags) = (2, 0);
        self.body = [&errno.wrapping_neg().to_ne_bytes(), &*request.bytes].concat();
        self.body.resize(self.body.len().next_multiple_of(4), 0);
    }

    pub(crate) fn is_error(&self) -> bool {
        self.kind == 2
    }

    pub(crate) fn is_end(&self) -> bool {
        self.kind == 3
    }

    /// Removes all but the number of an error.
    pub(crate) fn forget_why(&mut self) {
        if self.is_end() {
            self.body.truncate(4);
        } else if self.is_error() {
            // The number, and the request, as long as its header gives.
            let len = self.body.get(4..8).map_or(0, |len| u32::from_ne_bytes(len.try_into().unwrap()));
            self.body.truncate(4 + usize::try_from(len).unwrap().next_multiple_of(4));
        }
        self.flags &= !0x200;
    }
}
