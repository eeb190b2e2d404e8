//! The command as execve(2) takes it: which file, which arguments, which environment.

use core::ffi::CStr;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use sandlock_sys::fs::{self, FileType, Mode, OFlags, Resolve};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd};

use crate::error::Error;
use crate::policy::Source;

/// Where programs are without `PATH`: confstr(_CS_PATH).
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(crate) type Environment = Vec<(OsString, OsString)>;

pub(crate) fn set(env: &mut Environment, name: OsString, value: OsString) {
    match env.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => env.push((name, value)),
    }
}

/// `NAME=VALUE`, with room for the NUL after it: there are many of them, and none is copied again.
pub(crate) fn join(name: &OsStr, value: &OsStr) -> OsString {
    let room = name.len().saturating_add(value.len()).saturating_add(2);
    let mut text = OsString::with_capacity(room);
    [name, OsStr::new("="), value].iter().for_each(|part| text.push(part));
    text
}

/// As C strings.
pub(crate) fn strings(
    source: Source,
    words: impl IntoIterator<Item = OsString>,
) -> Result<Vec<CString>, Error> {
    words
        .into_iter()
        .map(|word| {
            CString::new(word.into_vec()).map_err(|error| {
                Error::Value(source, OsString::from_vec(error.into_vec()), "it has a NUL in it")
            })
        })
        .collect()
}

/// The file that execvp(3) would execute: what to pass to execve from the command's working directory `cwd`,
/// and the file itself.
pub(crate) fn find(
    name: &OsStr,
    env: &Environment,
    cwd: BorrowedFd<'_>,
) -> Result<(CString, OwnedFd), Error> {
    let not_found = |errno| Error::NotFound(name.to_owned(), errno);
    let look = |path: &Path| {
        let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
        let file = pin(cwd, &text)?;
        Ok((text, file))
    };
    if name.is_empty() {
        return Err(not_found(Errno::ENOENT));
    }
    if name.as_bytes().contains(&b'/') {
        return look(Path::new(name)).map_err(|errno| match errno {
            Errno::EACCES => Error::NotExecutable(name.to_owned(), errno),
            errno if is_about_us(errno) => Error::Refused("openat2, statx", errno),
            errno => not_found(errno),
        });
    }
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let mut worst = Errno::ENOENT;
    for dir in std::env::split_paths(path.unwrap_or(OsStr::new(PATH))) {
        // An empty entry is the working directory.
        let candidate = if dir.as_os_str().is_empty() { Path::new(".").join(name) } else { dir.join(name) };
        match look(&candidate) {
            Ok(found) => return Ok(found),
            Err(Errno::EACCES) => worst = Errno::EACCES,
            Err(errno) if is_about_us(errno) => return Err(Error::Refused("openat2, statx", errno)),
            Err(_) => {}
        }
    }
    match worst {
        Errno::EACCES => Err(Error::NotExecutable(name.to_owned(), worst)),
        _ => Err(not_found(worst)),
    }
}

/// Whether an error is no evidence about the file that was looked for.
const fn is_about_us(errno: Errno) -> bool {
    matches!(errno, Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EPERM | Errno::ENOSYS)
}

/// A file with an execute bit; whether the command may execute it, the kernel decides.
fn pin(cwd: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd, Errno> {
    let file = fs::openat2(cwd, path, OFlags::PATH, Mode::empty(), Resolve::empty())?;
    let info = fs::info(file.as_fd())?;
    let is_program = info.kind == FileType::Regular && info.mode.intersects(Mode::XUGO);
    if is_program { Ok(file) } else { Err(Errno::EACCES) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(value: &str) -> Environment {
        vec![("PATH".into(), value.into())]
    }

    #[test]
    fn a_command_is_found_as_execvp_finds_it() {
        let sh = find(OsStr::new("sh"), &path("/nowhere:/bin"), BorrowedFd::CWD).unwrap();
        assert_eq!(sh.0.to_bytes(), b"/bin/sh");
        for (name, env, want) in [
            ("no-such-command", "/bin", 127),
            ("/no/such", "/bin", 127),
            ("", "/bin", 127),
            ("/etc/passwd", "/bin", 126),
            ("/etc", "/bin", 126),
            ("passwd", "/etc", 126),
        ] {
            assert_eq!(
                find(OsStr::new(name), &path(env), BorrowedFd::CWD).unwrap_err().status(),
                want,
                "{name}"
            );
        }
    }

    #[test]
    fn a_relative_command_starts_where_the_command_starts() {
        let bin = fs::open(c"/bin", OFlags::PATH).unwrap();
        let (text, file) = find(OsStr::new("./sh"), &path(""), bin.as_fd()).unwrap();
        let sh = fs::open(c"/bin/sh", OFlags::PATH).unwrap();
        assert_eq!(text.to_bytes(), b"./sh");
        assert_eq!(fs::info(file.as_fd()).unwrap().identity, fs::info(sh.as_fd()).unwrap().identity);
    }
}
