//! The base profile: what a program of this machine needs in order to run at all, and nothing that is a person's.

use core::ffi::CStr;
use std::path::Path;

/// Read, list, execute: what the system has installed.
pub(crate) const SYSTEM: &[&CStr] = &[
    c"/usr",
    c"/opt",
    c"/nix/store",
    c"/gnu/store",
    // A narrow /etc, see below.
    c"/etc/alternatives",
    c"/etc/crypto-policies",
    c"/etc/fonts",
    c"/etc/java-11-openjdk",
    c"/etc/java-17-openjdk",
    c"/etc/java-21-openjdk",
    c"/etc/java-25-openjdk",
    c"/etc/ld.so.conf.d",
    c"/etc/perl",
    c"/etc/pki/tls/certs",
    c"/etc/pki/ca-trust/extracted",
    c"/etc/profile.d",
    c"/etc/python3",
    c"/etc/ssl/certs",
    c"/etc/terminfo",
    c"/etc/vim",
    // Of the hardware: how many processors and what kind, for run-times that size themselves.
    c"/sys/devices/system/cpu",
    c"/sys/devices/system/node",
    c"/sys/kernel/mm/transparent_hugepage",
];

/// The same, unless they are links into `/usr`, which is in [`SYSTEM`].
pub(crate) const MERGED: &[&CStr] = &[c"/bin", c"/sbin", c"/lib", c"/lib64"];

/// Read and execute, all of them files: how names, locales, certificates and the linker are set up; no passwords, no keys, not even for root.
pub(crate) const FILES: &[&CStr] = &[
    c"/etc/bash.bashrc",
    c"/etc/gai.conf",
    c"/etc/gitconfig",
    c"/etc/group",
    c"/etc/host.conf",
    c"/etc/hostname",
    c"/etc/hosts",
    c"/etc/inputrc",
    c"/etc/ld.so.cache",
    c"/etc/ld.so.conf",
    c"/etc/ld.so.preload",
    c"/etc/locale.alias",
    c"/etc/locale.conf",
    c"/etc/localtime",
    c"/etc/magic",
    c"/etc/mime.types",
    c"/etc/nsswitch.conf",
    c"/etc/os-release",
    c"/etc/passwd",
    c"/etc/profile",
    c"/etc/protocols",
    c"/etc/resolv.conf",
    c"/etc/services",
    c"/etc/ssl/cert.pem",
    c"/etc/ssl/openssl.cnf",
    c"/etc/timezone",
];

/// Read and list, without executing.
pub(crate) const PROC: &CStr = c"/proc";

/// Read and write: devices that hold nobody's data.
pub(crate) const DEVICES: &[&CStr] =
    &[c"/dev/null", c"/dev/zero", c"/dev/full", c"/dev/random", c"/dev/urandom"];

/// The same, and ioctl: the caller's own terminal, and new ones.
pub(crate) const TERMINALS: &[&CStr] = &[c"/dev/tty", c"/dev/ptmx"];

/// Folders that hold more than a program's own files: being in one of them is no reason to read all of it.
const NOT_AS_CWD: &[&str] = &[
    "/home",
    "/var",
    "/boot",
    "/root",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/mnt",
    "/media",
    "/srv",
    "/usr/local",
];
/// The same, with everything below.
const NOT_BELOW: &[&str] = &["/etc", "/dev", "/sys", "/run", "/proc"];

/// Whether the current directory may be read without being named: not when it holds a home directory, is the system's, or hidden in a home.
pub(crate) fn is_readable_cwd(cwd: &Path, home: Option<&Path>) -> bool {
    let holds_home =
        home.is_some_and(|home| home.starts_with(cwd)) || cwd.parent() == Some(Path::new("/home"));
    let is_top = cwd.parent().is_none();
    let is_system = NOT_AS_CWD.iter().any(|folder| cwd == Path::new(folder))
        || NOT_BELOW.iter().any(|folder| cwd.starts_with(folder));
    let is_hidden = cwd.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
    !holds_home && !is_top && !is_system && !is_hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_read_and_a_home_is_not() {
        for (cwd, want) in [
            ("/home/u/project", true),
            ("/home/u", false),
            ("/home", false),
            ("/", false),
            ("/etc", false),
            ("/etc/ssl", false),
            ("/srv/build", true),
            ("/var", false),
            ("/var/lib/build", true),
            ("/tmp", false),
            ("/tmp/build", true),
            ("/home/other", false),
            ("/home/u/.ssh", false),
            ("/sys/kernel", false),
            ("/run/user/1000", false),
        ] {
            assert_eq!(is_readable_cwd(Path::new(cwd), Some(Path::new("/home/u"))), want, "{cwd}");
        }
        assert!(!is_readable_cwd(Path::new("/home/u"), None));
    }
}
