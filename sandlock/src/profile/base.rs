//! The base profile: what a program of this machine needs in order to run at all, and nothing that is a
//! person's.

use core::ffi::CStr;

use sandlock_landlock::AccessFs;
use sandlock_sys::fs;
use sandlock_sys::{BorrowedFd, Uid, process};

/// Read, list, execute: what the system has installed, and what it has noted about that.
const SYSTEM: &[&CStr] = &[
    c"/usr",
    c"/opt",
    c"/nix/store",
    c"/gnu/store",
    // Packages, fonts, certificates.
    c"/var/cache/fontconfig",
    c"/var/lib/apt",
    c"/var/lib/ca-certificates",
    c"/var/lib/dpkg",
    c"/var/lib/gems",
    c"/var/lib/pacman/local",
    c"/var/lib/rpm",
    // What links below /usr lead to.
    c"/var/lib/aspell",
    c"/var/lib/ghostscript",
    c"/var/lib/texmf",
    c"/var/usrlocal",
    // Of the hardware: how many processors and what kind, for run-times that size themselves.
    c"/sys/devices/system",
    c"/sys/kernel/mm/transparent_hugepage",
];

/// The same, unless they are links into `/usr`, which is in [`SYSTEM`].
const MERGED: &[&CStr] = &[c"/bin", c"/sbin", c"/lib", c"/lib64"];

/// Read, list, execute, for a user whom the files' own permissions keep from secrets. A rule for the
/// directory also holds for a file that replaces another while the command runs.
const ETC: &[&CStr] = &[c"/etc"];

/// The same for root, who may read everything: how names, locales, certificates, shells and the linker are
/// set up; no passwords, no keys, nothing about who may log in.
const ETC_OF_ROOT: &[&CStr] = &[
    c"/etc/alternatives",
    c"/etc/bash_completion.d",
    c"/etc/chromium.d",
    c"/etc/crypto-policies",
    c"/etc/dpkg",
    c"/etc/emacs",
    c"/etc/fish",
    c"/etc/fonts",
    c"/etc/gdb",
    c"/etc/glvnd",
    c"/etc/groff",
    c"/etc/ImageMagick-6",
    c"/etc/java-11-openjdk",
    c"/etc/java-17-openjdk",
    c"/etc/java-21-openjdk",
    c"/etc/java-25-openjdk",
    c"/etc/ld.so.conf.d",
    c"/etc/lynx",
    c"/etc/maven",
    c"/etc/mercurial",
    c"/etc/perl",
    c"/etc/php",
    c"/etc/pki/tls/certs",
    c"/etc/pki/ca-trust/extracted",
    c"/etc/profile.d",
    c"/etc/python3",
    c"/etc/R",
    c"/etc/ssl/certs",
    c"/etc/subversion",
    c"/etc/terminfo",
    c"/etc/vim",
    c"/etc/vulkan",
    c"/etc/xml",
    c"/etc/zsh",
];

/// Read and execute, all of them files, for root.
const ETC_FILES_OF_ROOT: &[&CStr] = &[
    c"/etc/bash.bashrc",
    c"/etc/debian_version",
    c"/etc/environment",
    c"/etc/ethertypes",
    c"/etc/gai.conf",
    c"/etc/gitconfig",
    c"/etc/group",
    c"/etc/host.conf",
    c"/etc/hostname",
    c"/etc/hosts",
    c"/etc/inputrc",
    c"/etc/issue",
    c"/etc/ld.so.cache",
    c"/etc/ld.so.conf",
    c"/etc/ld.so.preload",
    c"/etc/locale.alias",
    c"/etc/locale.conf",
    c"/etc/localtime",
    c"/etc/lsb-release",
    c"/etc/magic",
    c"/etc/manpath.config",
    c"/etc/mime.types",
    c"/etc/nanorc",
    c"/etc/networks",
    c"/etc/nsswitch.conf",
    c"/etc/os-release",
    c"/etc/papersize",
    c"/etc/passwd",
    c"/etc/pip.conf",
    c"/etc/profile",
    c"/etc/protocols",
    c"/etc/redhat-release",
    c"/etc/resolv.conf",
    c"/etc/rpc",
    c"/etc/sbclrc",
    c"/etc/screenrc",
    c"/etc/services",
    c"/etc/shells",
    c"/etc/ssh/ssh_config",
    c"/etc/ssl/cert.pem",
    c"/etc/ssl/openssl.cnf",
    c"/etc/timezone",
    c"/etc/tmux.conf",
    c"/etc/wgetrc",
];

/// Read and list, without executing.
const PROC: &CStr = c"/proc";

/// Read and write: devices that hold no user's data.
const DEVICES: &[&CStr] = &[c"/dev/null", c"/dev/zero", c"/dev/full", c"/dev/random", c"/dev/urandom"];

/// The same, and ioctl: the caller's own terminal, and new ones.
const TERMINALS: &[&CStr] = &[c"/dev/tty", c"/dev/ptmx"];

/// The grants of the profile. What of it this machine does not have is skipped when they are opened.
/// `has_caps`: the command keeps capabilities, by which it may read what its user may not.
pub(super) fn grants(has_caps: bool) -> impl Iterator<Item = (&'static CStr, AccessFs)> {
    // Requests too: what such a device does not know is ENOTTY, as outside.
    let devices = AccessFs::READ_FILE | AccessFs::WRITE_FILE | AccessFs::IOCTL_DEV;
    let (etc, etc_files) = match has_caps || is_root() {
        true => (ETC_OF_ROOT, ETC_FILES_OF_ROOT),
        false => (ETC, &[][..]),
    };
    let merged = MERGED.iter().filter(|path| !is_below_usr(path));
    let directories = SYSTEM.iter().chain(etc).chain(merged).map(|path| (*path, AccessFs::READ));
    directories
        .chain(etc_files.iter().map(|path| (*path, AccessFs::EXECUTE | AccessFs::READ_FILE)))
        .chain([(PROC, AccessFs::READ_FILE | AccessFs::READ_DIR)])
        .chain(DEVICES.iter().chain(TERMINALS).map(move |path| (*path, devices)))
}

/// Whether the command is root or can become it. Where that cannot be asked, it is taken to be.
fn is_root() -> bool {
    process::getresuid().map_or(true, |ids| ids.contains(&Uid::new(0)))
}

/// Whether it is a link into /usr and needs no rule of its own: looking costs a fourth of one.
fn is_below_usr(path: &CStr) -> bool {
    let mut target = [0; 16];
    let target = fs::readlinkat(BorrowedFd::CWD, path, &mut target);
    target.is_ok_and(|target| target.strip_prefix(b"usr/").is_some_and(|name| !name.contains(&b'/')))
}
