//! Texts of errors and names, for people.

use core::error::Error;
use core::fmt::{Debug, Display, Formatter, Result};

use crate::view::Namespaces;
use crate::{Errno, Full, IfName, Malformed};

/// The kernel's name of the error.
impl Display for Errno {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Debug::fmt(self, f)
    }
}

impl Error for Errno {}

impl Display for Malformed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Header { need, have } => write!(f, "{have} bytes left for a header of {need}"),
            Self::Length { len, have } => write!(f, "a length of {len} with {have} bytes left"),
            Self::Payload { need, have } => write!(f, "{have} bytes of payload for a type of {need}"),
            Self::Missing { kind } => write!(f, "no attribute of type {kind}"),
            Self::Family { family } => write!(f, "family {family} is not represented"),
            Self::Unrepresented { kind: 0 } => f.write_str("a field of the header is not represented"),
            Self::Unrepresented { kind } => write!(f, "the attribute of type {kind} is not represented"),
        }
    }
}

impl Error for Malformed {}

impl Display for Full {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("no room for the message")
    }
}

impl Error for Full {}

impl Display for IfName {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl Debug for IfName {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "\"{self}\"")
    }
}

impl Debug for Namespaces<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if *self == Namespaces::UNKNOWN { "Namespaces::UNKNOWN" } else { "Namespaces(..)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_errno_is_an_error_with_the_kernels_name() {
        let error: &dyn Error = &Errno::ENETUNREACH;
        assert_eq!(error.to_string(), "ENETUNREACH");
    }

    #[test]
    fn a_name_is_shown_without_control_characters() {
        assert_eq!(IfName::new(b"e\x1b0").unwrap().to_string(), r"e\x1b0");
    }
}
