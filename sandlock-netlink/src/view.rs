//! The network that a guest is shown.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rtnetlink::{LinkFlags, RT_SCOPE_LINK, RTN_BROADCAST};
use crate::sock_diag::Sockets;
use crate::{Addr, Errno, Link, Neigh, Route, Rule};

/// How answers are shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// As the kernel's: every attribute, several messages in a datagram, every request.
    #[default]
    Kernel,
    /// The least that getifaddrs(3) and its like do with: links and addresses only, five and three
    /// attributes, one message in each datagram.
    Minimal,
}

/// The name that a request for the number of a namespace (`RTM_GETNSID`) gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetnsOf {
    /// A process or thread: `NETNSA_PID`.
    Process(u32),
    /// A file descriptor of the guest's: `NETNSA_FD`.
    Descriptor(u32),
}

/// A lookup of the processes and descriptors that a guest can name.
#[derive(Clone, Copy)]
pub struct Namespaces<'a>(Option<&'a (dyn Fn(NetnsOf) -> Result<(), Errno> + Sync)>);

impl<'a> Namespaces<'a> {
    /// Processes up to `PID_MAX_LIMIT` and descriptors up to the default limit are in the guest's own
    /// namespace; there are no others.
    pub const UNKNOWN: Self = Self(None);

    /// Asks `find`, which succeeds for a process or descriptor of the guest's own namespace. It fails with
    /// [`Errno::ESRCH`] if the process does not exist, with [`Errno::EBADF`] if the descriptor is not open,
    /// and with [`Errno::EINVAL`] if the descriptor is not of a network namespace.
    pub const fn new(find: &'a (dyn Fn(NetnsOf) -> Result<(), Errno> + Sync)) -> Self {
        Self(Some(find))
    }

    /// `get_net_ns_by_pid`, `get_net_ns_by_fd` (`net/core/net_namespace.c`).
    pub(crate) fn find(self, of: NetnsOf) -> Result<(), Errno> {
        match (self.0, of) {
            // A `pid_t` is an `int`.
            (_, NetnsOf::Process(pid)) if !(1..=PID_MAX_LIMIT).contains(&pid) => Err(Errno::ESRCH),
            (Some(find), _) => find(of),
            (None, NetnsOf::Descriptor(fd)) if fd >= NR_OPEN => Err(Errno::EBADF),
            (None, _) => Ok(()),
        }
    }
}

/// `PID_MAX_LIMIT` (`include/linux/threads.h`), as large as it is on any machine.
const PID_MAX_LIMIT: u32 = 4 * 1024 * 1024;
/// The default of `sysctl_nr_open` (`fs/file.c`).
const NR_OPEN: u32 = 1024 * 1024;

impl PartialEq for Namespaces<'_> {
    /// Whether both ask the same function.
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(one), Some(other)) => core::ptr::addr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Namespaces<'_> {}

/// All that a guest is shown, in the order of the dumps.
///
/// More may be added: build it with `..View::EMPTY` or `..View::LOOPBACK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// How answers are shaped.
    pub style: Style,
    /// The links.
    pub links: &'a [Link<'a>],
    /// The addresses: first those of IPv4.
    pub addrs: &'a [Addr],
    /// The routes: by table, main before local, and within it by destination.
    pub routes: &'a [Route],
    /// The rules, of each family by priority.
    pub rules: &'a [Rule],
    /// The neighbours.
    pub neighs: &'a [Neigh<'a>],
    /// The sockets that `NETLINK_SOCK_DIAG` lists.
    pub sockets: Sockets<'a>,
    /// The lookup of processes and descriptors that requests name.
    pub namespaces: Namespaces<'a>,
    /// When all this was made, in hundredths of a second since the machine was started.
    pub since: u32,
}

impl View<'static> {
    /// No network at all.
    pub const EMPTY: Self = Self {
        style: Style::Kernel,
        links: &[],
        addrs: &[],
        routes: &[],
        rules: Rule::DEFAULT,
        neighs: &[],
        sockets: Sockets::NONE,
        namespaces: Namespaces::UNKNOWN,
        since: 0,
    };

    /// A network namespace's own `lo`, up, with 127.0.0.1 and ::1: what a sandbox shows.
    pub const LOOPBACK: Self = Self {
        links: &[Link::LOOPBACK],
        addrs: &[Addr::LOCALHOST4, Addr::LOCALHOST6],
        routes: &LOOPBACK_ROUTES,
        ..Self::EMPTY
    };

    /// The same in the least words.
    pub const MINIMAL: Self = Self {
        style: Style::Minimal,
        links: &[Link {
            flags: LinkFlags::UP.union(LinkFlags::LOOPBACK).union(LinkFlags::RUNNING),
            ..Link::LOOPBACK
        }],
        ..Self::LOOPBACK
    };
}

const LOCALHOST4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The routes that `lo` has, once it is up.
pub(crate) const LOOPBACK_ROUTES: [Route; 4] = [
    Route::local4(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8, 1, LOCALHOST4),
    Route::local4(LOCALHOST4, 32, 1, LOCALHOST4),
    Route {
        scope: RT_SCOPE_LINK,
        kind: RTN_BROADCAST,
        ..Route::local4(IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255)), 32, 1, LOCALHOST4)
    },
    Route::local6(IpAddr::V6(Ipv6Addr::LOCALHOST), 1),
];

impl<'a> View<'a> {
    /// The link with an index.
    pub fn link(&self, index: u32) -> Option<&'a Link<'a>> {
        self.links.iter().find(|link| link.index == index)
    }

    /// The link with a name.
    pub(crate) fn link_named(&self, name: &[u8]) -> Option<&'a Link<'a>> {
        self.links.iter().find(|link| link.name.as_bytes() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_process_or_descriptor_has_a_number_that_none_can_have() {
        let refuse = |_| Err(Errno::EINVAL);
        let known = Namespaces::new(&refuse);
        for (of, unknown, asked) in [
            (NetnsOf::Process(0), Err(Errno::ESRCH), Err(Errno::ESRCH)),
            (NetnsOf::Process(1), Ok(()), Err(Errno::EINVAL)),
            (NetnsOf::Process(4_194_305), Err(Errno::ESRCH), Err(Errno::ESRCH)),
            (NetnsOf::Process(u32::MAX), Err(Errno::ESRCH), Err(Errno::ESRCH)),
            (NetnsOf::Descriptor(0), Ok(()), Err(Errno::EINVAL)),
            (NetnsOf::Descriptor(1_048_576), Err(Errno::EBADF), Err(Errno::EINVAL)),
        ] {
            assert_eq!((Namespaces::UNKNOWN.find(of), known.find(of)), (unknown, asked), "{of:?}");
        }
    }

    #[test]
    fn views_are_equal_that_ask_the_same_function() {
        let (one, other) = (|_| Ok(()), |_| Err(Errno::EINVAL));
        let view = |namespaces| View { namespaces, ..View::LOOPBACK };
        assert_eq!(view(Namespaces::new(&one)), view(Namespaces::new(&one)));
        assert_ne!(view(Namespaces::new(&one)), view(Namespaces::UNKNOWN));
        assert_ne!(view(Namespaces::UNKNOWN), view(Namespaces::new(&other)));
        assert_eq!(View::LOOPBACK, view(Namespaces::UNKNOWN));
    }
}
