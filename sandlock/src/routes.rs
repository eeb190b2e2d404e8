//! Which handler answers which call: exactly the calls that the table hands over, in this order.

use sandlock_notify::handlers::{
    connect::Connect, interfaces::Interfaces, listen::Listen, memfd::Memfd, metadata::Metadata,
    netlink::Netlink, own::Own,
};
use sandlock_notify::{Handler, Route};
use sandlock_sys::nr::{COMPAT, NATIVE};

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

/// By name: newer architectures lack some of the calls, and those with 64 bits others.
const fn route<'p>(
    name: &str,
    pick: for<'s> fn(&'s mut State<'p>) -> &'s mut dyn Handler,
) -> Route<State<'p>> {
    Route { numbers: Some((number_of(NATIVE, name), number_of(COMPAT, name))), pick }
}

impl State<'_> {
    /// The routes.
    pub(crate) const ROUTES: [Route<Self>; 24] = [
        route("socket", NETLINK),
        route("socket", INTERFACES),
        route("bind", NETLINK),
        route("getsockname", NETLINK),
        route("getpeername", NETLINK),
        route("setsockopt", NETLINK),
        route("getsockopt", NETLINK),
        route("sendto", NETLINK),
        route("connect", NETLINK),
        route("connect", CONNECT),
        route("fcntl", CONNECT),
        route("fcntl64", CONNECT),
        route("ioctl", INTERFACES),
        route("ioctl", CONNECT),
        route("listen", |state| &mut state.listen),
        route("memfd_create", |state| &mut state.memfd),
        route("prlimit64", OWN),
        route("sched_setaffinity", OWN),
        route("sched_setattr", OWN),
        route("sched_setparam", OWN),
        route("sched_setscheduler", OWN),
        route("setpriority", OWN),
        route("ioprio_set", OWN),
        // It knows its calls by name, and of every other one says `ENOSYS`.
        Route { numbers: None, pick: |state| &mut state.metadata },
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
    use sandlock_notify::handlers::metadata;
    use sandlock_sys::nr;
    use std::collections::BTreeSet;

    #[test]
    fn what_the_filter_hands_over_is_what_has_a_handler() {
        for (compat, table) in [(false, NATIVE), (true, COMPAT)] {
            let trapped: BTreeSet<u32> = rows(Facts { sees_unix: false, compat })
                .iter()
                .filter(|row| match row.answer {
                    Answer::Always(action) => action == Action::USER_NOTIF,
                    Answer::Cases(cases, last) => {
                        last == Action::USER_NOTIF || cases.iter().any(|case| case.then == Action::USER_NOTIF)
                    }
                })
                .map(|row| row.nr)
                .collect();
            let metadata = metadata::calls().filter_map(|name| nr::number(table, name));
            let numbers = State::ROUTES.iter().filter_map(|route| route.numbers);
            let routed = numbers.map(|(nr, narrow)| if compat { narrow } else { nr });
            let routed: BTreeSet<u32> = routed.filter(|nr| *nr != u32::MAX).chain(metadata).collect();
            assert_eq!(trapped, routed);
        }
    }
}
