//! What the running kernel has of seccomp, asked of the kernel itself.

use sandlock_bpf::Action;
use sandlock_sys::seccomp;

/// Each feature: its name, whether the kernel has it, what it is for, whether there is no sandbox without it.
#[must_use]
pub fn kernel_features() -> [(&'static str, bool, &'static str, bool); 2] {
    let has = |action: Action| seccomp::action_available(action.word());
    [
        ("seccomp-filter", has(Action::KILL_PROCESS), "system calls, by number and registers", true),
        (
            "seccomp-notify",
            has(Action::USER_NOTIF) && seccomp::notif_sizes().is_ok(),
            "calls that the supervisor answers",
            true,
        ),
    ]
}
