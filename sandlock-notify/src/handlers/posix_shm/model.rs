//! From a path below `/dev/shm` to a name in the private directory.

use core::ffi::CStr;

/// Where libc has shared memory and semaphores.
const SHM: &[u8] = b"/dev/shm/";
/// How the name of such a file begins in the private directory.
const PREFIX: &[u8] = b".shm-";
/// Room for the longest path, and its NUL.
pub(super) const ROOM: usize = SHM.len() + 256;

/// The name, written over the path. `None`: the path does not lead to an entry of `/dev/shm`, or it is longer
/// than a name can be.
pub(super) fn private_name(path: &mut [u8; ROOM]) -> Option<&CStr> {
    let name = CStr::from_bytes_until_nul(path.strip_prefix(SHM)?).ok()?.to_bytes();
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return None;
    }
    let (_, text) = path.split_at_mut_checked(SHM.len().checked_sub(PREFIX.len())?)?;
    text.get_mut(..PREFIX.len())?.copy_from_slice(PREFIX);
    CStr::from_bytes_until_nul(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn only_entries_of_dev_shm_have_a_private_name() {
        let longest = "x".repeat(255);
        for (path, want) in [
            ("/dev/shm/x", Some(".shm-x")),
            ("/dev/shm/sem.x", Some(".shm-sem.x")),
            ("/dev/shm/...", Some(".shm-...")),
            ("/dev/shm/ ", Some(".shm- ")),
            (&format!("/dev/shm/{longest}"), Some(&*format!(".shm-{longest}"))),
            ("/dev/shm/", None),
            ("/dev/shm", None),
            ("/dev/shm/.", None),
            ("/dev/shm/..", None),
            ("/dev/shm//x", None),
            ("/dev/shm/a/b", None),
            ("/dev/shm/../x", None),
            ("//dev/shm/x", None),
            ("dev/shm/x", None),
            ("/dev/shmx", None),
            (&format!("/dev/shm/{longest}x"), None),
            ("", None),
        ] {
            let mut buffer = [0; ROOM];
            let len = path.len().min(ROOM);
            buffer[..len].copy_from_slice(&path.as_bytes()[..len]);
            let got = private_name(&mut buffer).map(|name| name.to_str().unwrap());
            assert_eq!(got, want, "{path}");
        }
        assert_eq!(private_name(&mut [b'/'; ROOM]), None);
    }
}
