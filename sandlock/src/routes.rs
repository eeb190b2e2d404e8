//! Which handler answers which call: exactly the calls that the table hands over, in this order.

use sandlock_notify::handlers::{connect::Connect, listen::Listen, memfd::Memfd, netlink::Netlink, own::Own};
use sandlock_notify::{Handler, Route};
use sandlock_sys::nr;

/// A handler each, and their state.
pub(crate) struct State<'p> {
    pub(crate) netlink: Netlink,
    pub(crate) connect: Connect<'p>,
    pub(crate) listen: Listen<'p>,
    pub(crate) own: Own,
    pub(crate) memfd: Memfd,
}

type Pick = for<'s, 'p> fn(&'s mut State<'p>) -> &'s mut dyn Handler;

const NETLINK: Pick = |state| &mut state.netlink;
const OWN: Pick = |state| &mut state.own;

impl State<'_> {
    /// The routes.
    pub(crate) const ROUTES: [Route<Self>; 18] = [
        Route::new(nr::SOCKET, NETLINK),
        Route::new(nr::BIND, NETLINK),
        Route::new(nr::GETSOCKNAME, NETLINK),
        Route::new(nr::GETPEERNAME, NETLINK),
        Route::new(nr::SETSOCKOPT, NETLINK),
        Route::new(nr::GETSOCKOPT, NETLINK),
        Route::new(nr::SENDTO, NETLINK),
        Route::new(nr::CONNECT, NETLINK),
        Route::new(nr::CONNECT, |state| &mut state.connect),
        Route::new(nr::LISTEN, |state| &mut state.listen),
        Route::new(nr::MEMFD_CREATE, |state| &mut state.memfd),
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
        let routed: BTreeSet<u32> = State::ROUTES.iter().map(|route| route.nr).collect();
        assert_eq!(trapped, routed);
    }
}
