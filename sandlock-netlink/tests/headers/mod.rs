//! The headers that a responder's answers begin with, for tests that parse them.

/// The size of the header that messages of a type begin with.
pub(crate) fn header_len(kind: u16) -> usize {
    match kind {
        16 => 16,
        20 | 56 | 58 => 8,
        24 | 28 | 32 | 72 | 92 => 12,
        36 => 20,
        50 | 64 | 80 | 88 => 4,
        kind => panic!("an answer of type {kind}"),
    }
}
