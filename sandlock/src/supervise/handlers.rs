//! The handlers of one sandbox, and their state.

use sandlock_notify::Handler as Answers;
use sandlock_notify::handlers::{
    connect::Connect, interfaces::Interfaces, listen::Listen, memfd::Memfd, metadata::Metadata,
    netlink::Netlink, posix_shm::PosixShm, process_ids::ProcessIds, system_v::SystemV, terminal::Terminal,
};

use crate::table::Handler;

/// A handler each.
pub(crate) struct Handlers<'p> {
    pub(crate) netlink: Netlink<'p>,
    pub(crate) interfaces: Interfaces,
    pub(crate) connect: Connect<'p>,
    pub(crate) listen: Listen<'p>,
    pub(crate) process_ids: ProcessIds,
    pub(crate) memfd: Memfd,
    pub(crate) metadata: Metadata,
    pub(crate) posix_shm: PosixShm,
    pub(crate) system_v: SystemV<'p>,
    pub(crate) terminal: Terminal<'p>,
}

impl Handlers<'_> {
    /// The handler that a row of the table names.
    pub(crate) fn pick(&mut self, handler: Handler) -> &mut dyn Answers {
        match handler {
            Handler::Netlink => &mut self.netlink,
            Handler::Interfaces => &mut self.interfaces,
            Handler::Connect => &mut self.connect,
            Handler::Listen => &mut self.listen,
            Handler::ProcessIds => &mut self.process_ids,
            Handler::Memfd => &mut self.memfd,
            Handler::Metadata => &mut self.metadata,
            Handler::PosixShm => &mut self.posix_shm,
            Handler::SystemV => &mut self.system_v,
            Handler::Terminal => &mut self.terminal,
        }
    }
}
