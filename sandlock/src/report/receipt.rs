//! The receipt of a plan: its restrictions, and what enforces each.

use core::fmt;

use super::decide::Mechanism;
use crate::plan::Plan;
use crate::policy::PortList;
use crate::table::Features;

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforcement {
    /// What the command may and may not do.
    pub what: String,
    /// The mechanism; `None` where there is none on this kernel and the caller agreed to that.
    pub by: Option<String>,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(by) => write!(f, "{}: {by}", self.what),
            None => write!(f, "{}: NOT ENFORCED on this kernel", self.what),
        }
    }
}

impl Plan {
    /// What this plan will enforce, by what.
    #[must_use]
    pub fn receipt(&self) -> Vec<Enforcement> {
        let abi = self.report.abi.version();
        let landlock = format!("Landlock (ABI {abi})");
        let line = |what: &str, by: &str| Enforcement { what: what.to_owned(), by: Some(by.to_owned()) };
        let mut lines = vec![
            line("files", &landlock),
            line("mode, owner, times and attributes of files", "supervisor (on behalf, under write grants)"),
            line("system calls", &format!("seccomp filter ({} instructions)", self.start.program.len())),
            line(
                "TCP connections",
                if self.connects_by() == Mechanism::Supervisor {
                    "supervisor (connect on behalf, by address and port)"
                } else if self.watch.connect.is_all() {
                    "all granted"
                } else {
                    &landlock
                },
            ),
            line(
                "listening on TCP ports",
                if self.watch.bind.is_all() {
                    "all granted"
                } else if abi >= 4 {
                    &landlock
                } else {
                    "supervisor (listen)"
                },
            ),
            line(
                "names",
                match (&*self.watch.servers, self.watch.connect == PortList::NONE) {
                    ([], _) => "supervisor (none is resolved)",
                    (_, true) => "supervisor (only those of the rules are resolved)",
                    (_, false) => "supervisor (all are resolved)",
                },
            ),
            line("UDP", "supervisor (datagram sockets that cannot send)"),
            line("raw and other sockets", "seccomp filter (none can be made)"),
            line("network interfaces", "supervisor (emulated: lo only)"),
            line(
                "unix sockets by path",
                if self.watch.features.contains(Features::UNIX_SEEN) {
                    &landlock
                } else {
                    "supervisor (connect on behalf; datagram sockets closed)"
                },
            ),
            line(
                "processes outside",
                "Landlock (signals, ptrace), seccomp filter and supervisor (limits, priorities)",
            ),
            line("capabilities", if self.start.keep_caps { "kept, as asked" } else { "given up" }),
        ];
        if let Some(timeout) = self.start.timeout {
            lines.push(line(&format!("time ({} s)", timeout.as_secs_f64()), "guardian"));
        }
        lines.extend(self.report.missing.iter().map(|protection| Enforcement {
            what: format!("{} ({})", protection.name, protection.what),
            by: None,
        }));
        lines
    }
}
