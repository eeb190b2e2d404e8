//! What was wrong with bytes that should have been a message or an attribute.

use core::fmt;

/// Why bytes could not be read as asked.
///
/// All sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes are left than a header has.
    Header {
        /// What the header takes.
        need: usize,
        /// What is left.
        have: usize,
    },
    /// A header's length field is smaller than the header itself or larger than what is left.
    Length {
        /// What the field says.
        len: usize,
        /// What is left, the header included.
        have: usize,
    },
    /// A payload is too short for the type it was read as.
    Payload {
        /// What the type takes.
        need: usize,
        /// What the payload has.
        have: usize,
    },
    /// An attribute lacks without which the message means nothing, or it says nothing.
    Missing {
        /// The attribute's type.
        kind: u16,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { need, have } => write!(f, "{have} bytes left for a header of {need}"),
            Self::Length { len, have } => write!(f, "a length of {len} with {have} bytes left"),
            Self::Payload { need, have } => write!(f, "{have} bytes of payload for a type of {need}"),
            Self::Missing { kind } => write!(f, "no attribute of type {kind}"),
        }
    }
}

impl core::error::Error for Malformed {}
