//! The base profile: what a program of this machine needs in order to run at all, and nothing that is a person's.

use std::path::Path;

/// Read, list, execute: what the system has installed.
pub(crate) const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/opt",
    "/nix/store",
    "/gnu/store",
    // A narrow /etc, see below.
    "/etc/alternatives",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/java-11-openjdk",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/java-25-openjdk",
    "/etc/ld.so.conf.d",
    "/etc/perl",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/profile.d",
    "/etc/python3",
    "/etc/ssl/certs",
    "/etc/terminfo",
    "/etc/vim",
    // Of the hardware: how many processors and what kind, for run-times that size themselves.
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Read and execute, all of them files: how names, locales, certificates and the linker are set up; no passwords, no keys, not even for root.
pub(crate) const FILES: &[&str] = &[
    "/etc/bash.bashrc",
    "/etc/gai.conf",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/profile",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// Read and list, without executing.
pub(crate) const PROC: &str = "/proc";

/// Read and write: devices that hold nobody's data.
pub(crate) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// The same, and ioctl: the caller's own terminal, and new ones.
pub(crate) const TERMINALS: &[&str] = &["/dev/tty", "/dev/ptmx"];

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
