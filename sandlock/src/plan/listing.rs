//! The parts of a plan that reports print.

use sandlock_sys::seccomp::SockFilter;

use super::{Grant, Plan};

impl Plan {
    /// Whether something is not enforced that would be on a newer kernel.
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        !self.report.missing.is_empty()
    }

    /// The file rules, in the order they were added.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.report.grants
    }

    /// What the caller should know: what programs expect and is not granted.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.report.warnings
    }

    /// What the caller may want to know about the rules.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.report.notes
    }

    /// The filter, as the kernel gets it.
    #[must_use]
    pub fn program(&self) -> &[SockFilter] {
        &self.start.program
    }
}
