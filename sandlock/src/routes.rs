//! Which handler answers which call: exactly the calls that the table hands over, in this order.

use sandlock_notify::handlers::{
    connect::Connect, interfaces::Interfaces, listen::Listen, memfd::Memfd, metadata::Metadata,
    netlink::Netlink, own::Own,
};
use sandlock_notify::{Handler, Route};
use sandlock_sys::nr;

use crate::index::number_of;

/// A handler each, and their state.
pub(crate) struct State<'p> {
    pub(crate) netlink: Netlink,
    pub(crate) interfaces: Interfaces,
    pub(crate) connect: Connect<'p>,
    pub(crate) listen: Listen<'p>,
    pub(crate) own: Own,
    pub(crate) memfd: Memfd,
    pub(crate) metadata: Metadata<'p>,
}

type Pick = for<'s, 'p> fn(&'s mut State<'p>) -> &'s mut dyn Handler;

const NETLINK: Pick = |state| &mut state.netlink;
const INTERFACES: Pick = |state| &mut state.interfaces;
const CONNECT: Pick = |state| &mut state.connect;
const OWN: Pick = |state| &mut state.own;
const METADATA: Pick = |state| &mut state.metadata;

impl State<'_> {
    /// The routes.
    pub(crate) const ROUTES: [Route<Self>; 45] = [
        Route::new(nr::SOCKET, NETLINK),
        Route::new(nr::SOCKET, INTERFACES),
        Route::new(nr::BIND, NETLINK),
        Route::new(nr::GETSOCKNAME, NETLINK),
        Route::new(nr::GETPEERNAME, NETLINK),
        Route::new(nr::SETSOCKOPT, NETLINK),
        Route::new(nr::GETSOCKOPT, NETLINK),
        Route::new(nr::SENDTO, NETLINK),
        Route::new(nr::CONNECT, NETLINK),
        Route::new(nr::CONNECT, CONNECT),
        Route::new(nr::FCNTL, CONNECT),
        Route::new(number_of("fcntl64"), CONNECT),
        Route::new(nr::IOCTL, INTERFACES),
        Route::new(nr::IOCTL, CONNECT),
        Route::new(nr::LISTEN, |state| &mut state.listen),
        Route::new(nr::MEMFD_CREATE, |state| &mut state.memfd),
        // By name: newer architectures lack some of them, and those with 64 bits others.
        Route::new(number_of("chmod"), METADATA),
        Route::new(number_of("fchmod"), METADATA),
        Route::new(number_of("fchmodat"), METADATA),
        Route::new(number_of("fchmodat2"), METADATA),
        Route::new(number_of("chown"), METADATA),
        Route::new(number_of("lchown"), METADATA),
        Route::new(number_of("fchown"), METADATA),
        Route::new(number_of("fchownat"), METADATA),
        Route::new(number_of("chown32"), METADATA),
        Route::new(number_of("lchown32"), METADATA),
        Route::new(number_of("fchown32"), METADATA),
        Route::new(number_of("utime"), METADATA),
        Route::new(number_of("utimes"), METADATA),
        Route::new(number_of("futimesat"), METADATA),
        Route::new(number_of("utimensat"), METADATA),
        Route::new(number_of("utimensat_time64"), METADATA),
        Route::new(number_of("setxattr"), METADATA),
        Route::new(number_of("lsetxattr"), METADATA),
        Route::new(number_of("fsetxattr"), METADATA),
        Route::new(number_of("removexattr"), METADATA),
        Route::new(number_of("lremovexattr"), METADATA),
        Route::new(number_of("fremovexattr"), METADATA),
        Route::new(nr::PRLIMIT64, OWN),
        Route::new(nr::SCHED_SETAFFINITY, OWN),
        Route::new(nr::SCHED_SETATTR, OWN),
        Route::new(nr::SCHED_SETPARAM, OWN),
        Route::new(nr::SCHED_SETSCHEDULER, OWN),
        Route::new(nr::SETPRIORITY, OWN),
        Route::new(nr::IOPRIO_SET, OWN),
    ];

    /// Tells every handler that a target is gone.
    pub(crate) fn forget(&mut self, id: u64) {
        for route in &Self::ROUTES {
            (route.pick)(self).forget(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::rows;
    use crate::table::Facts;
    use sandlock_bpf::{Action, Answer};
    use std::collections::BTreeSet;

    #[test]
    fn what_the_filter_hands_over_is_what_has_a_handler() {
        let trapped: BTreeSet<u32> = rows(Facts { sees_unix: false })
            .iter()
            .filter(|row| match row.answer {
                Answer::Always(action) => action == Action::USER_NOTIF,
                Answer::Cases(cases, last) => {
                    last == Action::USER_NOTIF || cases.iter().any(|case| case.then == Action::USER_NOTIF)
                }
            })
            .map(|row| row.nr)
            .collect();
        let routed: BTreeSet<u32> =
            State::ROUTES.iter().map(|route| route.nr).filter(|nr| *nr != u32::MAX).collect();
        assert_eq!(trapped, routed);
    }
}
