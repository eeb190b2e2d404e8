//! The protections by name: what a person may agree to do without on an old kernel. The rights are those of
//! `security/landlock/limits.h` of each release.

use crate::access::{AccessFs, AccessNet, Rights, Scope};

/// Something that a later ABI version protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    /// Its name on the command line.
    pub name: &'static str,
    /// The ABI version it needs.
    pub abi: u32,
    /// The rights it consists of.
    pub rights: Rights,
    /// One line for people.
    pub what: &'static str,
}

/// Every protection that not every kernel with Landlock has, oldest first. What ABI 1 restricts is not here:
/// without it there is no sandbox at all.
pub const PROTECTIONS: &[Protection] = &[
    Protection {
        name: "fs-refer",
        abi: 2, // Linux 5.19
        rights: Rights::on_files(AccessFs::REFER),
        what: "moving files between directories needs a write grant on both; without, nothing can be moved",
    },
    Protection {
        name: "fs-truncate",
        abi: 3, // Linux 6.2
        rights: Rights::on_files(AccessFs::TRUNCATE),
        what: "cutting a file short needs a write grant",
    },
    Protection {
        name: "net-tcp",
        abi: 4, // Linux 6.7
        rights: Rights::on_ports(AccessNet::BIND_TCP.union(AccessNet::CONNECT_TCP)),
        what: "binding or connecting to a TCP port needs a grant",
    },
    Protection {
        name: "fs-ioctl-dev",
        abi: 5, // Linux 6.10
        rights: Rights::on_files(AccessFs::IOCTL_DEV),
        what: "ioctl on a device needs a grant",
    },
    Protection {
        name: "signal-scope",
        abi: 6, // Linux 6.12
        rights: Rights::scoped(Scope::SIGNAL),
        what: "processes outside get no signal",
    },
    Protection {
        name: "abstract-unix-socket-scope",
        abi: 6, // Linux 6.12
        rights: Rights::scoped(Scope::ABSTRACT_UNIX_SOCKET),
        what: "abstract unix sockets made outside cannot be reached",
    },
    Protection {
        name: "unix-path",
        abi: 9, // Linux 7.1
        rights: Rights::on_files(AccessFs::RESOLVE_UNIX),
        what: "reaching a unix socket by its path needs a grant",
    },
    Protection {
        name: "net-udp",
        abi: 10, // Linux 7.2
        rights: Rights::on_ports(AccessNet::BIND_UDP.union(AccessNet::CONNECT_SEND_UDP)),
        what: "binding or sending to a UDP port needs a grant",
    },
];
