//! The command as execve(2) takes it: which file, which arguments, which environment.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sandlock_sys::Errno;

use crate::error::Error;
use crate::policy::Policy;
use crate::rules::real;

/// What a clean environment keeps: where programs are, who the user is, how the terminal and the language work.
const KEPT: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ"];
/// Where programs are when nobody says: confstr(_CS_PATH).
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(crate) type Environment = Vec<(OsString, OsString)>;

/// The variables, in the order they came; a later one of the same name replaces an earlier one.
pub(crate) fn environment(policy: &Policy) -> Result<Environment, Error> {
    let mut env: Environment = std::env::vars_os()
        .filter(|(name, _)| {
            !policy.clean_env || KEPT.iter().any(|kept| name == kept) || name.as_bytes().starts_with(b"LC_")
        })
        .collect();
    for (name, value) in &policy.env {
        if name.is_empty() || name.as_bytes().contains(&b'=') {
            return Err(Error::Value("--env", name.clone(), "a variable is given as NAME=VALUE"));
        }
        set(&mut env, name.clone(), value.clone());
    }
    Ok(env)
}

pub(crate) fn set(env: &mut Environment, name: OsString, value: OsString) {
    match env.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => env.push((name, value)),
    }
}

/// Tells git that there is no configuration of the user's when it may not be read. Git asks access(2) first, which Landlock does not see, and
/// gives up when the open then fails; the file itself may hold credentials, so it is not granted.
pub(crate) fn without_git_config(env: &mut Environment, policy: &Policy, home: Option<&Path>) {
    const VARIABLE: &str = "GIT_CONFIG_GLOBAL";
    let Some(home) = home else { return };
    let is_granted = |file: &Path| {
        let rules = policy.read.iter().chain(&policy.write);
        rules.filter_map(|rule| real(rule)).any(|rule| file.starts_with(rule))
    };
    let files = [home.join(".gitconfig"), home.join(".config/git/config")];
    let closed = files.iter().any(|file| file.exists() && !is_granted(file));
    if closed && !env.iter().any(|(name, _)| name == VARIABLE) {
        set(env, VARIABLE.into(), "/dev/null".into());
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
    flag: &'static str,
    words: impl IntoIterator<Item = OsString>,
) -> Result<Vec<CString>, Error> {
    words
        .into_iter()
        .map(|word| {
            CString::new(word.into_vec()).map_err(|error| {
                Error::Value(flag, OsString::from_vec(error.into_vec()), "it has a NUL in it")
            })
        })
        .collect()
}

/// The file that execvp(3) would execute: what to pass to execve from the command's working directory, and where that is from ours.
pub(crate) fn find(name: &OsStr, env: &Environment, cwd: Option<&Path>) -> Result<(CString, PathBuf), Error> {
    let here = |path: &Path| match cwd {
        Some(cwd) => cwd.join(path),
        None => path.to_owned(),
    };
    let not_found = |errno| Error::NotFound(name.to_owned(), errno);
    let found = |path: PathBuf| {
        let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| not_found(Errno::EINVAL))?;
        Ok((text, here(&path)))
    };
    if name.is_empty() {
        return Err(not_found(Errno::ENOENT));
    }
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match look(&here(&path)) {
            Ok(()) => found(path),
            Err(Errno::EACCES) => Err(Error::NotExecutable(name.to_owned(), Errno::EACCES)),
            Err(errno) => Err(not_found(errno)),
        };
    }
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let mut worst = Errno::ENOENT;
    for dir in std::env::split_paths(path.unwrap_or(OsStr::new(PATH))) {
        // An empty entry is the working directory.
        let candidate = if dir.as_os_str().is_empty() { Path::new(".").join(name) } else { dir.join(name) };
        match look(&here(&candidate)) {
            Ok(()) => return found(candidate),
            Err(Errno::EACCES) => worst = Errno::EACCES,
            Err(_) => {}
        }
    }
    match worst {
        Errno::EACCES => Err(Error::NotExecutable(name.to_owned(), worst)),
        _ => Err(not_found(worst)),
    }
}

/// Whether there is a file that somebody may execute; whether the command may, the kernel says.
fn look(path: &Path) -> Result<(), Errno> {
    match std::fs::metadata(path) {
        Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => Err(Errno::EACCES),
        Err(error) => Err(Errno::new(error.raw_os_error().unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(value: &str) -> Environment {
        vec![("PATH".into(), value.into())]
    }

    #[test]
    fn a_command_is_found_as_execvp_finds_it() {
        let sh = find(OsStr::new("sh"), &path("/nowhere:/bin"), None).unwrap();
        assert_eq!(sh.0.to_bytes(), b"/bin/sh");
        for (name, env, want) in [
            ("no-such-command", "/bin", 127),
            ("/no/such", "/bin", 127),
            ("", "/bin", 127),
            ("/etc/passwd", "/bin", 126),
            ("/etc", "/bin", 126),
            ("passwd", "/etc", 126),
        ] {
            assert_eq!(find(OsStr::new(name), &path(env), None).unwrap_err().status(), want, "{name}");
        }
    }

    #[test]
    fn a_relative_command_starts_where_the_command_starts() {
        let (text, file) = find(OsStr::new("./sh"), &path(""), Some(Path::new("/bin"))).unwrap();
        assert_eq!((text.to_bytes(), file.as_path()), (&b"./sh"[..], Path::new("/bin/./sh")));
    }

    #[test]
    fn an_environment_has_no_name_twice() {
        let mut policy = Policy::none();
        policy.env("HOME", "/a").env("HOME", "/b").env("NEW", "x");
        let env = environment(&policy).unwrap();
        let homes: Vec<_> = env.iter().filter(|(name, _)| name == "HOME").collect();
        assert_eq!(homes, [&("HOME".into(), "/b".into())]);
        for bad in ["", "A=B"] {
            let mut policy = Policy::none();
            policy.env(bad, "x");
            assert!(environment(&policy).is_err());
        }
    }
}
