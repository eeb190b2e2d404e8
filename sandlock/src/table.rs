//! The policy of system calls. One row decides each call; the filter, the dispatch, the listings and the
//! documents are read from the rows.

pub(crate) mod filter;
mod ioctls;
mod own;
mod rows;
mod sockets;
#[cfg(test)]
mod tests;

use bitflags::bitflags;
use sandlock_bpf::Test;
use sandlock_sys::Errno;
use sandlock_sys::nr::Name;

pub(crate) use filter::{compile, compile_own};
pub(crate) use own::{GUARDIAN, SUPERVISOR};
pub use rows::ROWS;

bitflags! {
    /// What the decisions depend on besides the call: abilities of the running kernel, and what the policy
    /// asks for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Features: u8 {
        /// Landlock judges unix sockets by path (ABI 9).
        const UNIX_SEEN = 1;
        /// The calls are those of 32-bit programs on a 64-bit kernel.
        const COMPAT = 2;
        /// Landlock scopes signals to the sandbox (ABI 6).
        const SCOPED = 4;
        /// The policy grants writing to a device.
        const DEVICES = 8;
        /// The policy lets processes of the sandbox trace each other.
        const TRACING = 16;
        /// POSIX shared memory and semaphores are the sandbox's own.
        const POSIX_SHM = 32;
        /// Refused calls, and calls that Landlock may refuse, are handed over for a report.
        const OBSERVED = 64;
    }
}

/// System calls that get the same decision: every generation, width and legacy form of one operation.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The calls. Every call of every architecture is in exactly one row.
    pub names: &'static [Name],
    /// Who decides, and what.
    pub rule: Rule,
    /// The reason, for `explain`.
    pub why: &'static str,
}

/// Who decides about the calls of a row.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// The kernel: Landlock where files, ports or signals are concerned, its own rules otherwise.
    Allow,
    /// The filter: the call fails with this error.
    Refuse(Errno),
    /// The supervisor: the first of these handlers that does not pass answers.
    Ask(&'static [Handler]),
    /// The filter, from the registers: the first case that holds, else the last decision.
    ByArgs(&'static [Case], Then),
}

/// One way to call: the decision if all tests hold, on kernels and in policies with the right features.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub(crate) tests: &'static [Test],
    pub(crate) then: Then,
    pub(crate) with: Features,
    pub(crate) without: Features,
}

/// What a case decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The kernel decides.
    Allow,
    /// The kernel decides, and Landlock may refuse.
    Observe,
    /// The call fails with this error.
    Refuse(Errno),
    /// The call returns 0, and nothing is done.
    Ignore,
    /// The supervisor's handler answers.
    Ask(Handler),
}

/// A handler of the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// Emulated netlink sockets.
    Netlink,
    /// Interface requests by ioctl, and the datagram sockets they are asked on.
    Interfaces,
    /// connect(2) on behalf.
    Connect,
    /// listen(2) on behalf.
    Listen,
    /// Calls that name a process by number.
    ProcessIds,
    /// memfd_create(2).
    Memfd,
    /// Mode, owner, times and attributes of files.
    Metadata,
    /// POSIX shared memory and semaphores.
    PosixShm,
    /// System V shared memory, semaphores and message queues.
    SystemV,
    /// Process groups, and requests that change a terminal.
    Terminal,
}

impl Handler {
    /// Every handler.
    pub const ALL: [Self; 10] = [
        Self::Netlink,
        Self::Interfaces,
        Self::Connect,
        Self::Listen,
        Self::ProcessIds,
        Self::Memfd,
        Self::Metadata,
        Self::PosixShm,
        Self::SystemV,
        Self::Terminal,
    ];
}

impl Case {
    /// Only where all of these features are there.
    pub(crate) const fn with(self, features: Features) -> Self {
        Self { with: self.with.union(features), ..self }
    }

    /// Only where none of these features is there.
    pub(crate) const fn without(self, features: Features) -> Self {
        Self { without: self.without.union(features), ..self }
    }

    /// Whether it holds for some arguments only.
    pub(crate) const fn has_tests(&self) -> bool {
        !self.tests.is_empty()
    }

    pub(crate) const fn applies(&self, features: Features) -> bool {
        features.contains(self.with) && !features.intersects(self.without)
    }
}

const fn case(tests: &'static [Test], then: Then) -> Case {
    Case { tests, then, with: Features::empty(), without: Features::empty() }
}

const fn row(names: &'static [Name], rule: Rule, why: &'static str) -> Row {
    Row { names, rule, why }
}

/// The row of a call.
pub(crate) fn row_of(name: Name) -> Option<&'static Row> {
    ROWS.get(usize::from(*ROW_OF.get(name.index())?))
}

/// The decision of the rows about a call: the filter's without [`Features::OBSERVED`].
pub(crate) fn decide(name: Name, args: &[u64; 6], features: Features) -> Then {
    let (cases, last) = parts(row_of(name));
    let holds = |case: &&Case| case.applies(features) && case.tests.iter().all(|test| test.holds(args));
    cases.iter().find(holds).map_or(last, |case| case.then)
}

/// The cases of a row, and the decision if none holds. Every call has a row, and a row that asks has a
/// handler.
fn parts(row: Option<&'static Row>) -> (&'static [Case], Then) {
    match row.map(|row| &row.rule) {
        Some(Rule::Allow) => (&[], Then::Allow),
        Some(Rule::Refuse(errno)) => (&[], Then::Refuse(*errno)),
        Some(Rule::Ask([first, ..])) => (&[], Then::Ask(*first)),
        Some(Rule::ByArgs(cases, last)) => (cases, *last),
        Some(Rule::Ask([])) | None => (&[], Then::Refuse(Errno::ENOSYS)),
    }
}

/// The handlers of a call, in the order of dispatch.
pub(crate) fn handlers(name: Name) -> impl Iterator<Item = Handler> {
    let (list, cases, last): (&[Handler], &[Case], Then) = match row_of(name).map(|row| &row.rule) {
        Some(Rule::Ask(handlers)) => (handlers, &[], Then::Allow),
        Some(Rule::ByArgs(cases, last)) => (&[], cases, *last),
        _ => (&[], &[], Then::Allow),
    };
    let by_args = cases.iter().map(|case| case.then).chain([last]).filter_map(|then| match then {
        Then::Ask(handler) => Some(handler),
        _ => None,
    });
    let mut before = None;
    list.iter().copied().chain(by_args).filter(move |handler| {
        let is_new = before != Some(*handler);
        before = Some(*handler);
        is_new
    })
}

/// For each call, by [`Name::index`], the place of its row. A call that is in no row, or in two, does not
/// compile.
const ROW_OF: [u16; Name::ALL.len()] = row_numbers();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where a fault is an error"
)]
const fn row_numbers() -> [u16; Name::ALL.len()] {
    let mut numbers = [u16::MAX; Name::ALL.len()];
    let mut row = 0;
    while row < ROWS.len() {
        let names = ROWS[row].names;
        let mut at = 0;
        while at < names.len() {
            let name = names[at].index();
            assert!(numbers[name] == u16::MAX, "a system call is in two rows of the table");
            #[expect(clippy::as_conversions, reason = "there are fewer rows than calls")]
            let number = row as u16;
            numbers[name] = number;
            at += 1;
        }
        row += 1;
    }
    let mut name = 0;
    while name < numbers.len() {
        assert!(numbers[name] != u16::MAX, "a system call is in no row of the table");
        name += 1;
    }
    numbers
}
