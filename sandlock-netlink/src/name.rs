//! The name of a link.

/// The name of a link: 1 to 15 bytes without a NUL, as `IFNAMSIZ` has it.
///
/// A link message without a name crashes many of its readers, so there is no empty one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IfName {
    bytes: [u8; 15],
    len: u8,
}

impl IfName {
    /// `lo`.
    pub const LO: Self = Self { bytes: *b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0", len: 2 };

    /// `None`: empty, longer than 15 bytes, or with a NUL.
    pub fn new(name: &[u8]) -> Option<Self> {
        let len = u8::try_from(name.len()).ok().filter(|len| *len > 0)?;
        let mut bytes = [0; 15];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        (!name.contains(&0)).then_some(Self { bytes, len })
    }

    /// The bytes, without NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_to_fifteen_bytes_and_no_nul() {
        assert_eq!(IfName::new(b"lo"), Some(IfName::LO));
        assert_eq!(IfName::new(b"exactly-fifteen").unwrap().as_bytes(), b"exactly-fifteen");
        for bad in [&b""[..], b"sixteen-bytes-xx", b"a\0", &[b'x'; 300]] {
            assert_eq!(IfName::new(bad), None);
        }
    }
}
