//! The reasons why bytes are no message or attribute.

/// Why bytes could not be read as asked.
///
/// All sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes are left than a header has.
    Header {
        /// What the header takes.
        need: usize,
        /// The bytes that are left.
        have: usize,
    },
    /// A header's length field is smaller than the header itself or larger than the rest of the bytes.
    Length {
        /// The field's value.
        len: usize,
        /// The bytes that are left, the header included.
        have: usize,
    },
    /// A payload is too short for the type it was read as.
    Payload {
        /// What the type takes.
        need: usize,
        /// What the payload has.
        have: usize,
    },
    /// A required attribute is missing, or has no usable value.
    Missing {
        /// The attribute's type.
        kind: u16,
    },
    /// The message is of a family that the type does not represent.
    Family {
        /// `AF_*`.
        family: u8,
    },
    /// The message has a part that the type does not represent.
    Unrepresented {
        /// The attribute's type; 0: a field of the header.
        kind: u16,
    },
}
