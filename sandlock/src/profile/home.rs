//! A home of the command's own: what the user's is, what stands for it, and the little of it that goes in.

use core::ffi::CStr;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sandlock_sys::{Uid, process};

use crate::plan::real;

/// Variables that are below a home, and where.
pub(super) const HOMES: [(&str, &str); 5] = [
    ("HOME", ""),
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
    ("XDG_STATE_HOME", ".local/state"),
];
/// Variables for what goes with the command.
pub(super) const TEMPORARY: [(&str, &str); 3] = [("TMPDIR", ""), ("TMPPREFIX", "zsh"), ("TMUX_TMPDIR", "")];
/// The same, if they are there.
pub(super) const ALSO_TEMPORARY: [&str; 3] = ["TMP", "TEMP", "TEMPDIR"];
/// Where programs keep what they could make again. Below the user's home, which is not there, they are left
/// out, so that the command's own is taken.
pub(super) const CACHES: &[&str] = &[
    "BUNDLE_PATH",
    "CCACHE_DIR",
    "COMPOSER_HOME",
    "DENO_DIR",
    "GEM_HOME",
    "GOCACHE",
    "GOENV",
    "GOPATH",
    "GOMODCACHE",
    "GRADLE_USER_HOME",
    "HISTFILE",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "MPLCONFIGDIR",
    "NODE_REPL_HISTORY",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_USERCONFIG",
    "NUGET_PACKAGES",
    "PIPX_HOME",
    "PIP_CACHE_DIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHON_HISTORY",
    "SCCACHE_DIR",
    "UV_CACHE_DIR",
    "YARN_CACHE_FOLDER",
    "npm_config_cache",
    "npm_config_userconfig",
];

/// The environment's `HOME`, as the kernel spells it; without it, the user's in /etc/passwd.
pub(super) fn home() -> Option<PathBuf> {
    let home = match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => home_in(&std::fs::read("/etc/passwd").ok()?, process::getuid())?,
    };
    Some(real(&home).unwrap_or(home))
}

/// The home directory of a user in the text of passwd(5).
fn home_in(passwd: &[u8], uid: Uid) -> Option<PathBuf> {
    let mut users = passwd.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':'));
    let uid = uid.to_string();
    let home = users.find_map(|mut fields| {
        let found = fields.by_ref().nth(2)? == uid.as_bytes();
        fields.nth(2).filter(|_| found)
    })?;
    Some(PathBuf::from(OsStr::from_bytes(home)))
}

/// The user's own configuration of git; the later file counts. `config`: `XDG_CONFIG_HOME`.
pub(super) fn git_configs(home: &Path, config: Option<&OsStr>) -> Vec<PathBuf> {
    let config = config.map_or_else(|| home.join(".config"), PathBuf::from);
    vec![config.join("git/config"), home.join(".gitconfig")]
}

/// The user's name and address as git has them, for a `.gitconfig` of the command's own. Nothing else of the
/// user's goes in: it may name credentials, or programs that git runs.
pub(super) fn git_identity(files: &[PathBuf]) -> Option<Vec<u8>> {
    let (mut name, mut email) = (None, None);
    for text in files.iter().filter_map(|file| text(file)) {
        name = value(&text, "name").or(name);
        email = value(&text, "email").or(email);
    }
    let line = |key, value: Option<String>| Some(format!("\t{key} = {}\n", value?));
    let lines: String = [line("name", name), line("email", email)].into_iter().flatten().collect();
    (!lines.is_empty()).then(|| ["[user]\n", &lines].concat().into_bytes())
}

/// The text of a file of settings: none of a file that is not regular, or longer than settings are.
pub(super) fn text(path: &Path) -> Option<String> {
    let is_settings = |file: &Metadata| file.is_file() && file.len() <= 1 << 16;
    path.metadata().ok().filter(is_settings)?;
    let mut text = String::new();
    File::open(path).ok()?.take(1 << 16).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The last value of a key in the section `user` of a git-config(1) file, as it is written there.
fn value(text: &str, key: &str) -> Option<String> {
    let mut is_user = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            is_user = section.split(']').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("user"));
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_user) else { continue };
        // A value that goes on in the next line would take that line along.
        if name.trim().eq_ignore_ascii_case(key) && !value.ends_with('\\') {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

/// The variable that names another file instead.
pub(super) const GIT_CONFIG_GLOBAL: &str = "GIT_CONFIG_GLOBAL";
/// The name of that file.
pub(super) const GIT_CONFIG: &CStr = c".gitconfig";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_gits_configuration_only_the_user_goes_in() {
        let text = "[core]\n\teditor = vi\n[User]\n\tName = \"A B\" # me\n\temail=a@b\n\tsigningkey = K\n\
            [credential]\n\thelper = store\n\tname = x\n[user]\n\temail = c@d\\\n";
        assert_eq!(value(text, "name").as_deref(), Some("\"A B\" # me"));
        assert_eq!(value(text, "email").as_deref(), Some("a@b"));
        assert_eq!(value("name = x\n[user \"y\"]\nname = z\n", "name"), None);
    }

    #[test]
    fn a_home_is_found_by_its_user() {
        let passwd =
            b"root:x:0:0:root:/root:/bin/sh\nbad\n\nbob:x:1000:1000:Bob,,,:/data/bob:/bin/sh\nx:x:7:7\n";
        for (uid, want) in [(0, Some("/root")), (1000, Some("/data/bob")), (7, None), (100, None)] {
            assert_eq!(home_in(passwd, Uid::new(uid)), want.map(PathBuf::from), "{uid}");
        }
    }
}
