//! Hand-written numbers and layouts equal those of the kernel's headers, as bindgen reads them.
#![cfg(target_os = "linux")]

use core::mem::{offset_of, size_of};

use bitflags::Flags;
use linux_raw_sys::{errno, if_arp, net, netlink};
use sandlock_netlink::rtnetlink::{self, IfAddrMsg, IfInfoMsg, LinkFlags};
use sandlock_netlink::{Errno, ErrnoTable, MessageFlags, MessageHeader};

#[test]
fn numbers_are_the_kernels() {
    macro_rules! same {
        ($ours:ident, $kernels:ident: $($name:ident)*) => {
            $(assert_eq!($ours::$name as u32, $kernels::$name as u32, stringify!($name));)*
        };
    }
    use netlink::rt_scope_t as scope;
    same!(rtnetlink, netlink: RTM_NEWLINK RTM_GETLINK RTM_NEWADDR RTM_GETADDR);
    // The header rounds the types up to whole groups of four.
    #[expect(clippy::as_conversions, reason = "bindgen's enums convert by nothing else")]
    let last = netlink::__RTM_MAX as u32 | 3;
    assert_eq!(u32::from(rtnetlink::RTM_MAX), last);
    same!(rtnetlink, netlink: IFLA_ADDRESS IFLA_BROADCAST IFLA_IFNAME IFLA_MTU IFLA_TXQLEN IFLA_ALT_IFNAME);
    same!(rtnetlink, netlink: IFA_ADDRESS IFA_LOCAL IFA_LABEL IFA_F_PERMANENT);
    same!(rtnetlink, scope: RT_SCOPE_UNIVERSE RT_SCOPE_LINK RT_SCOPE_HOST);
    same!(rtnetlink, net: AF_UNSPEC AF_INET AF_BRIDGE AF_INET6);
    same!(rtnetlink, if_arp: ARPHRD_LOOPBACK);
    use sandlock_netlink as ours;
    same!(ours, netlink: NLMSG_NOOP NLMSG_ERROR NLMSG_DONE NLMSG_MIN_TYPE NLA_F_NESTED NLA_F_NET_BYTEORDER);
}

#[test]
fn flags_are_the_kernels() {
    macro_rules! same {
        ($ours:ident, $prefix:literal, $kernels:expr) => {
            for flag in $ours::FLAGS.iter().filter(|flag| flag.is_named()) {
                let name = flag.name();
                let kernels =
                    $kernels.iter().find(|(kernels, _)| kernels.strip_prefix($prefix) == Some(name));
                assert_eq!(Some(u32::from(flag.value().bits())), kernels.map(|(_, bits)| *bits), "{name}");
            }
        };
    }
    macro_rules! table {
        ($kernels:path: $($name:ident)*) => {{ use $kernels as kernels; [$((stringify!($name), kernels::$name as u32)),*] }};
    }
    let message = table!(netlink: NLM_F_REQUEST NLM_F_MULTI NLM_F_ACK NLM_F_DUMP_INTR NLM_F_DUMP_FILTERED
        NLM_F_ROOT NLM_F_MATCH NLM_F_DUMP NLM_F_CAPPED NLM_F_ACK_TLVS);
    same!(MessageFlags, "NLM_F_", message);
    let link = table!(net::net_device_flags: IFF_UP IFF_BROADCAST IFF_LOOPBACK IFF_POINTOPOINT IFF_RUNNING
        IFF_NOARP IFF_PROMISC IFF_MULTICAST IFF_LOWER_UP);
    same!(LinkFlags, "IFF_", link);
}

#[test]
fn errnos_are_the_kernels() {
    for (ours, kernels) in [
        (Errno::EPERM, errno::EPERM),
        (Errno::EBUSY, errno::EBUSY),
        (Errno::ENODEV, errno::ENODEV),
        (Errno::EINVAL, errno::EINVAL),
        (Errno::EMSGSIZE, errno::EMSGSIZE),
        (Errno::EOPNOTSUPP, errno::EOPNOTSUPP),
    ] {
        assert_eq!(u32::try_from(ErrnoTable::NATIVE.number(ours)), Ok(kernels), "{ours:?}");
    }
}

#[test]
fn layouts_are_the_kernels() {
    macro_rules! same {
        ($ours:ident, $kernels:ident: $($field:ident = $name:ident)*) => {
            assert_eq!(size_of::<$ours>(), size_of::<netlink::$kernels>());
            $(assert_eq!(offset_of!($ours, $field), offset_of!(netlink::$kernels, $name), stringify!($name));)*
        };
    }
    same!(MessageHeader, nlmsghdr:
        len = nlmsg_len kind = nlmsg_type flags = nlmsg_flags seq = nlmsg_seq port = nlmsg_pid);
    same!(IfInfoMsg, ifinfomsg:
        family = ifi_family kind = ifi_type index = ifi_index flags = ifi_flags change = ifi_change);
    same!(IfAddrMsg, ifaddrmsg:
        family = ifa_family prefix_len = ifa_prefixlen flags = ifa_flags scope = ifa_scope index = ifa_index);
}
