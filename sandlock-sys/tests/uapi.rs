//! The numbers and layouts of the sources, against two oracles: the kernel's headers, and the `linux-raw-sys`
//! crate, which is made from them.
//!
//! The sources are read as text: so private constants and structures are checked too, and so is the next one,
//! without a word here.

#![expect(clippy::unwrap_used, clippy::as_conversions, reason = "tests")]

#[path = "uapi/oracle.rs"]
mod oracle;
#[path = "uapi/source.rs"]
mod source;

use std::collections::BTreeMap;
use std::io::{self, Write};

use oracle::Answer;
use sandlock_sys::{ioctl, net, nr};

/// Values that the sources write otherwise than as one literal below one name, or assert without the kernel's
/// name.
const WRITTEN_OTHERWISE: [(&str, u64); 21] = [
    ("sizeof(struct __user_cap_data_struct)", 12),
    ("_IOC_WRITE", ioctl::WRITE as u64),
    ("_IOC_READ | _IOC_WRITE", ioctl::READ_WRITE as u64),
    ("SECCOMP_IOCTL_NOTIF_RECV", ioc(ioctl::READ_WRITE, 0, 80)),
    ("SECCOMP_IOCTL_NOTIF_SEND", ioc(ioctl::READ_WRITE, 1, 24)),
    ("SECCOMP_IOCTL_NOTIF_ID_VALID", ioc(ioctl::WRITE, 2, 8)),
    ("SECCOMP_IOCTL_NOTIF_ADDFD", ioc(ioctl::WRITE, 3, 24)),
    // `SECCOMP_IOCTL_NOTIF_SET_FLAGS` as the header makes it, which may be older than the name.
    ("SECCOMP_IOW(4, __u64)", ioc(ioctl::WRITE, 4, 8)),
    ("SO_RCVTIMEO_OLD", net::SO_RCVTIMEO as u64),
    ("SO_SNDTIMEO_OLD", net::SO_SNDTIMEO as u64),
    ("FIONBIO", ioctl::FIONBIO as u64),
    ("TCGETS", ioctl::TCGETS as u64),
    ("TCSETS", ioctl::TCSETS as u64),
    ("TIOCGPGRP", ioctl::TIOCGPGRP as u64),
    ("TIOCSPGRP", ioctl::TIOCSPGRP as u64),
    ("_IOC_NONE", ioctl::NONE as u64),
    ("TCXONC", ioctl::TCXONC as u64),
    ("TIOCSWINSZ", ioctl::TIOCSWINSZ as u64),
    ("TIOCGPTN", ioctl::TIOCGPTN as u64),
    ("TIOCGPTPEER", ioctl::TIOCGPTPEER as u64),
    ("sizeof(struct termios)", ioctl::TERMIOS as u64),
];

const fn ioc(dir: u32, nr: u8, size: usize) -> u64 {
    ioctl::ioc(dir, b'!', nr, size) as u64
}

/// What the headers of a kernel a few years old have not, and `linux-raw-sys` has not yet. From
/// `linux/landlock.h` and `asm-generic/socket.h` of Linux 7.3.
const NEWEST: [(&str, u64); 6] = [
    ("LANDLOCK_RESTRICT_SELF_TSYNC", 1 << 3),
    ("LANDLOCK_RESTRICT_SELF_NO_NEW_PRIVS", 1 << 4),
    ("LANDLOCK_ACCESS_FS_RESOLVE_UNIX", 1 << 16),
    ("LANDLOCK_ACCESS_NET_BIND_UDP", 1 << 2),
    ("LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP", 1 << 3),
    ("SO_PASSRIGHTS", 83),
];

/// Values that no header has: the states of a handoff, the room for a request, and the size of two `struct
/// __user_cap_data_struct`.
const OURS: [&str; 9] =
    ["BUSY", "CHANGE_MAX", "DONE", "EXECVE_MARK", "IDLE", "QUIT", "READY", "TAKEN", "[Half; 2]"];

/// A structure that grows with the ABI: the size is that of the version we speak, so only the offsets must
/// equal the header's.
const GROWS: &str = "sizeof(struct landlock_ruleset_attr)";

/// Prints past libtest, which shows what a test prints only when it fails.
fn say(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[test]
fn every_number_and_layout_is_an_oracles() {
    let test = "every_number_and_layout_is_an_oracles";
    let Some(sources) = source::read() else {
        return say(&format!("SKIP {test}: the sources are not here"));
    };
    let mut found = source::Found::default();
    sources.iter().for_each(|text| found.scan(text));
    assert_eq!(found.nameless.iter().map(String::as_str).collect::<Vec<_>>(), OURS);
    assert!(found.claims.len() >= 80, "the scan lost its way: {:?}", found.claims);
    for (expression, value) in WRITTEN_OTHERWISE {
        assert_eq!(found.claims.insert(expression.into(), value), None, "{expression} can be read now");
    }
    for (expression, value) in NEWEST {
        assert_eq!(found.claims[expression], value, "{expression}");
    }
    assert_eq!(found.claims.remove(GROWS), Some(24));

    let crate_says: BTreeMap<_, _> = oracle::linux_raw_sys().into_iter().collect();
    let header = oracle::headers(&found.claims);
    let (mut lacking, mut unknown) = (Vec::new(), Vec::new());
    for (expression, value) in &found.claims {
        let from_crate = crate_says.get(expression.as_str());
        assert!(from_crate.is_none_or(|theirs| theirs == value), "{expression}: {value}, {from_crate:?}");
        let from_header = header.as_ref().map(|header| &header[expression]);
        assert_ne!(from_header, Some(&Answer::Differs), "{expression} is not {value} in the header");
        if from_header == Some(&Answer::Unknown) {
            lacking.push(expression.as_str());
        }
        if from_crate.is_none() && from_header != Some(&Answer::Equal) {
            unknown.push(expression.as_str());
        }
    }
    if header.is_none() {
        return say(&format!(
            "SKIP {test}: no C compiler with the kernel's headers, so linux-raw-sys alone was asked"
        ));
    }
    unknown.retain(|expression| NEWEST.iter().all(|(newest, _)| newest != expression));
    assert_eq!(unknown, [""; 0], "no oracle knows these");
    say(&format!(
        "{test}: {} checked; the headers here lack {}: {}",
        found.claims.len(),
        lacking.len(),
        lacking.join(", ")
    ));
}

#[test]
fn every_system_call_has_the_headers_number() {
    let test = "every_system_call_has_the_headers_number";
    let claims = nr::NATIVE.iter().map(|(name, number)| (format!("__NR_{name}"), u64::from(*number)));
    let claims: BTreeMap<_, _> = claims.collect();
    let (Some(header), Some(names)) = (oracle::headers(&claims), oracle::header_calls()) else {
        return say(&format!("SKIP {test}: no C compiler with the kernel's headers"));
    };
    let of =
        |answer| header.iter().filter(move |(_, given)| **given == answer).map(|(name, _)| name.as_str());
    assert_eq!(of(Answer::Differs).collect::<Vec<_>>(), [""; 0], "other numbers than the header's");
    let unlisted = names.iter().filter(|name| numbered(name).is_none());
    assert_eq!(unlisted.collect::<Vec<_>>(), [""; 0], "calls that only the header has");
    let equal = of(Answer::Equal).count();
    assert!(equal > 290, "{equal}");
    let newer = of(Answer::Unknown).collect::<Vec<_>>().join(", ");
    say(&format!("{test}: {equal} checked; the header lacks {newer}"));
}

/// The number of the running architecture's call of this name.
fn numbered(name: &str) -> Option<u32> {
    nr::number(nr::NATIVE, nr::Name::parse(name)?)
}

/// What the sources call by its 64-bit name.
fn native(name: &str) -> &str {
    match name {
        "clock_gettime" if cfg!(target_pointer_width = "32") => "clock_gettime64",
        "getresuid" if cfg!(target_pointer_width = "32") => "getresuid32",
        "getuid" if cfg!(target_pointer_width = "32") => "getuid32",
        "mmap" if cfg!(target_pointer_width = "32") => "mmap2",
        "ppoll" if cfg!(target_pointer_width = "32") => "ppoll_time64",
        "timerfd_settime" if cfg!(target_pointer_width = "32") => "timerfd_settime64",
        "utimensat" if cfg!(target_pointer_width = "32") => "utimensat_time64",
        _ => name,
    }
}

#[test]
fn every_system_call_made_has_the_crates_number() {
    let test = "every_system_call_made_has_the_crates_number";
    let crate_says: BTreeMap<_, _> = oracle::linux_raw_sys_calls().into_iter().collect();
    for (name, number) in &crate_says {
        assert_eq!(numbered(name), Some(*number), "{name}");
    }
    let Some(sources) = source::read() else {
        return say(&format!("SKIP {test}: the sources are not here, to look for further calls"));
    };
    let mut found = source::Found::default();
    sources.iter().for_each(|text| found.scan(text));
    let mut made: Vec<_> = found.calls.iter().map(|name| native(name)).collect();
    made.sort_unstable();
    assert_eq!(made, crate_says.into_keys().collect::<Vec<_>>(), "the calls listed are the calls made");
}
