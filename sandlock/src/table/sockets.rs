//! The families, types and protocols of socket(2) and socketpair(2).

use sandlock_bpf::Test;
use sandlock_sys::Errno;

use super::Handler::Netlink;
use super::{Case, Features, Then, case};

const SOCK_TYPE_MASK: u32 = 0xf;
const STREAM: Test = Test::masked32(1, SOCK_TYPE_MASK, 1);
const DGRAM: Test = Test::masked32(1, SOCK_TYPE_MASK, 2);
const SEQPACKET: Test = Test::masked32(1, SOCK_TYPE_MASK, 5);
const UNIX: Test = Test::eq32(0, 1);
const INET: Test = Test::eq32(0, 2);
const INET6: Test = Test::eq32(0, 10);
const NETLINK: Test = Test::eq32(0, 16);
const TCP: Test = Test::eq32(2, 6);
const UDP: Test = Test::eq32(2, 17);
/// Also `NETLINK_ROUTE`.
const DEFAULT: Test = Test::eq32(2, 0);
const SOCK_DIAG: Test = Test::eq32(2, 4);
const XFRM: Test = Test::eq32(2, 6);
const NETFILTER: Test = Test::eq32(2, 12);
const KOBJECT_UEVENT: Test = Test::eq32(2, 15);
const GENERIC: Test = Test::eq32(2, 16);
/// For any other family.
pub(super) const NO_FAMILY: Then = Then::Refuse(Errno::EAFNOSUPPORT);
const NO_PROTOCOL: Then = Then::Refuse(Errno::EPROTONOSUPPORT);

/// Families, types and protocols that are left of socket(2). ICMP, MPTCP, SCTP and SMC are closed here
/// because Landlock does not see where they go; the errno is the one that makes programs fall back. The first
/// row is for where Landlock sees whom a unix socket talks to (ABI 9). What starts alike stands together, and
/// shares its tests in the filter.
pub(super) const SOCKETS: &[Case] = &[
    case(&[UNIX], Then::Allow).with(Features::UNIX_SEEN),
    case(&[UNIX, STREAM], Then::Allow),
    case(&[UNIX, SEQPACKET], Then::Allow),
    // A datagram socket names its peer in a send, in memory: without Landlock's help only a trap for each
    // could judge that. The supervisor makes one that cannot, and so those of IPv4 and IPv6.
    case(&[UNIX, DGRAM], Then::Ask(Netlink)),
    case(&[UNIX], Then::Refuse(Errno::EACCES)),
    case(&[INET, STREAM, DEFAULT], Then::Allow),
    case(&[INET, STREAM, TCP], Then::Allow),
    case(&[INET, STREAM], NO_PROTOCOL),
    case(&[INET, DGRAM, DEFAULT], Then::Ask(Netlink)),
    case(&[INET, DGRAM, UDP], Then::Ask(Netlink)),
    case(&[INET, DGRAM], Then::Refuse(Errno::EACCES)),
    case(&[INET], Then::Refuse(Errno::EPERM)),
    case(&[INET6, STREAM, DEFAULT], Then::Allow),
    case(&[INET6, STREAM, TCP], Then::Allow),
    case(&[INET6, STREAM], NO_PROTOCOL),
    case(&[INET6, DGRAM, DEFAULT], Then::Ask(Netlink)),
    case(&[INET6, DGRAM, UDP], Then::Ask(Netlink)),
    case(&[INET6, DGRAM], Then::Refuse(Errno::EACCES)),
    case(&[INET6], Then::Refuse(Errno::EPERM)),
    // These are emulated; of the other protocols the target learns that they are not built in.
    case(&[NETLINK, DEFAULT], Then::Ask(Netlink)),
    case(&[NETLINK, SOCK_DIAG], Then::Ask(Netlink)),
    case(&[NETLINK, XFRM], Then::Ask(Netlink)),
    case(&[NETLINK, NETFILTER], Then::Ask(Netlink)),
    case(&[NETLINK, KOBJECT_UEVENT], Then::Ask(Netlink)),
    case(&[NETLINK, GENERIC], Then::Ask(Netlink)),
    case(&[NETLINK], NO_PROTOCOL),
];
/// The remaining forms of socketpair(2).
pub(super) const PAIRS: &[Case] = &[
    case(&[UNIX], Then::Allow).with(Features::UNIX_SEEN),
    case(&[UNIX, STREAM], Then::Allow),
    case(&[UNIX, SEQPACKET], Then::Allow),
    // Its ends can send to any other name.
    case(&[UNIX], Then::Refuse(Errno::EACCES)),
];
