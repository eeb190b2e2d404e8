//! The virtualized things, one folder each. Handlers are leaves: none imports another.

pub mod connect;
pub mod interfaces;
pub mod listen;
pub mod memfd;
pub mod metadata;
pub mod netlink;
pub mod posix_shm;
pub mod process_ids;
pub mod system_v;
pub mod terminal;

/// The network that every guest is shown, by whatever call it asks.
pub(crate) const VIEW: &sandlock_netlink::View<'static> = &sandlock_netlink::View::LOOPBACK;
