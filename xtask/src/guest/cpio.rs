//! An initramfs: a cpio archive in the format that the kernel calls "newc".

/// The type bits of a file's mode, from `linux/stat.h`.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Folder,
    File,
    Link,
    /// A character device: major and minor number.
    Device(u32, u32),
}

/// An archive that grows.
#[derive(Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
}

impl Cpio {
    /// Adds `path`, without a leading slash: for a link, `data` is where it points. Root owns it.
    pub(crate) fn add(&mut self, path: &str, kind: Kind, mode: u32, data: &[u8]) -> Result<(), String> {
        let (bits, major, minor) = match kind {
            Kind::Folder => (0o040_000, 0, 0),
            Kind::File => (0o100_000, 0, 0),
            Kind::Link => (0o120_000, 0, 0),
            Kind::Device(major, minor) => (0o020_000, major, minor),
        };
        let size = u32::try_from(data.len()).map_err(|_| format!("{path} is too large for an archive"))?;
        let name = u32::try_from(path.len()).ok().and_then(|len| len.checked_add(1));
        let name = name.ok_or_else(|| format!("{path} is too long a path"))?;
        self.entries = self.entries.saturating_add(1);
        // The magic, then: inode, mode, uid, gid, links, mtime, size, device, device number, name, check.
        let fields = [self.entries, bits | mode, 0, 0, 1, 0, size, 0, 0, major, minor, name, 0];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08x}").bytes()));
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(data);
        self.align();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>, String> {
        self.add("TRAILER!!!", Kind::File, 0, &[])?;
        Ok(self.bytes)
    }

    /// Names and contents begin at multiples of four.
    fn align(&mut self) {
        let len = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(len, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_header_a_name_and_its_content() {
        let mut cpio = Cpio::default();
        cpio.add("ab", Kind::File, 0o755, b"hello").unwrap();
        cpio.add("c", Kind::Device(5, 1), 0o600, b"").unwrap();
        let bytes = String::from_utf8(cpio.finish().unwrap()).unwrap();
        let file = "070701 00000001 000081ed 00000000 00000000 00000001 00000000 00000005 \
                    00000000 00000000 00000000 00000000 00000003 00000000 ab\0\0\0\0 hello\0\0\0";
        let device = "070701 00000002 00002180 00000000 00000000 00000001 00000000 00000000 \
                      00000000 00000000 00000005 00000001 00000002 00000000 c\0";
        let end = "070701 00000003 00008000 00000000 00000000 00000001 00000000 00000000 \
                   00000000 00000000 00000000 00000000 0000000b 00000000 TRAILER!!!\0";
        let want: String = [file, device, end].map(|part| part.replace(' ', "")).concat();
        assert_eq!(bytes.trim_end_matches('\0'), want.trim_end_matches('\0'));
        assert!(bytes.len().is_multiple_of(4));
    }
}
