//! What can fail before anything is restricted.

use sandlock_sys::Errno;

use crate::access::Rights;

/// Why there is no ruleset, or no such rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The ABI cannot restrict these.
    Unsupported(Rights),
    /// landlock_create_ruleset(2) failed. `ENOMSG`: nothing is handled, so nothing would be restricted.
    Create(Errno),
    /// A path of a rule cannot be opened.
    Open(Errno),
    /// landlock_add_rule(2) failed. `EBADFD`: the descriptor is a pipe, a socket or the like, which no rule
    /// can name.
    AddRule(Errno),
}
