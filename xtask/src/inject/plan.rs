//! An injection: a role, a call, which time it is made, and what comes of it instead.

use core::fmt;

/// The roles whose calls fail, as the injector names them.
pub(super) const ROLES: [&str; 5] = ["launcher", "supervisor", "guardian", "command", "worker"];

/// Errors that any call may meet: a filter refuses it, it is interrupted, or the machine has no more of
/// something.
const ERRORS: [Fault; 5] = [
    Fault::Error("EPERM", 1),
    Fault::Error("ENOSYS", 38),
    Fault::Error("EINTR", 4),
    Fault::Error("ENOMEM", 12),
    AGAIN,
];
const AGAIN: Fault = Fault::Error("EAGAIN", 11);
/// And what a call that makes a descriptor may meet.
const TOO_MANY: Fault = Fault::Error("EMFILE", 24);
const MAKES_DESCRIPTORS: [&str; 14] = [
    "clone",
    "dup3",
    "eventfd2",
    "ioctl",
    "landlock_create_ruleset",
    "memfd_create",
    "openat2",
    "pidfd_getfd",
    "pidfd_open",
    "recvmsg",
    "seccomp",
    "signalfd4",
    "socket",
    "timerfd_create",
];
/// The calls whose message can be lost: it seems sent, or there seems to be none.
const SENDS: [&str; 2] = ["sendto", "write"];
const RECEIVES: [&str; 3] = ["recvfrom", "recvmsg", "read"];
/// The calls that have no other result.
const NEVER: [&str; 4] = ["exit", "exit_group", "rt_sigreturn", "restart_syscall"];
/// Of a call that is made more often, so many times fail: the first, the last, and some between.
const MOST: u32 = 5;

/// What comes of a call instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// This error.
    Error(&'static str, i32),
    /// The message is lost on the way out.
    Unsent,
    /// There is no message, as at the end of a file.
    Nothing,
    /// SIGKILL to the caller.
    Kill,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Injection {
    pub(super) role: &'static str,
    pub(super) call: String,
    pub(super) number: u32,
    /// Which call of this number it is, from 1.
    pub(super) time: u32,
    pub(super) fault: Fault,
    /// In a short run it comes the sooner, the lower this is.
    rank: usize,
}

/// How often a role makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) role: &'static str,
    pub(super) call: String,
    pub(super) number: u32,
    pub(super) times: u32,
}

/// What `--only` selects: a call or a role, or ROLE/CALL, ROLE/CALL/N, ROLE/CALL/N/FAULT.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Only(Vec<String>);

impl Fault {
    /// The arguments of the injector: the kind, and its value.
    pub(super) fn words(self) -> (&'static str, i32) {
        match self {
            Self::Error(_, errno) => ("error", errno),
            // The third argument is the length.
            Self::Unsent => ("lost", -1),
            Self::Nothing => ("lost", 0),
            Self::Kill => ("kill", 9),
        }
    }

    fn of(call: &str) -> Vec<Self> {
        let one = |when: bool, fault| when.then_some(fault);
        let mut faults = ERRORS.to_vec();
        faults.extend(one(MAKES_DESCRIPTORS.contains(&call), TOO_MANY));
        faults.extend(one(SENDS.contains(&call), Self::Unsent));
        faults.extend(one(RECEIVES.contains(&call), Self::Nothing));
        faults.push(Self::Kill);
        faults
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error(name, _) => name,
            Self::Unsent => "unsent",
            Self::Nothing => "nothing",
            Self::Kill => "SIGKILL",
        })
    }
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.role, self.call, self.time, self.fault)
    }
}

impl Injection {
    /// Whether it is one of those that continuous integration runs: two of each call, and all of the
    /// command's own first ones.
    pub(super) fn is_quick(&self) -> bool {
        self.rank < 2 || (self.role == "command" && self.time == 1)
    }
}

impl Only {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text.split('/').map(str::to_owned).collect();
        let is_number = words.get(2).is_none_or(|word| word.parse::<u32>().is_ok());
        let is_role = words.len() == 1 || words.first().is_some_and(|word| ROLES.contains(&word.as_str()));
        if is_number && is_role && words.len() <= 4 {
            Ok(Self(words))
        } else {
            Err(format!(
                "--only {text}: it is CALL, ROLE, or ROLE/CALL/N/FAULT; the roles are {}",
                ROLES.join(", ")
            ))
        }
    }

    fn selects(&self, injection: &Injection) -> bool {
        if let [word] = &*self.0 {
            return *word == injection.call || word == injection.role;
        }
        let text = injection.to_string();
        self.0.iter().zip(text.split('/')).all(|(want, have)| want == have)
    }

    fn names_a_time(&self) -> bool {
        self.0.len() > 2
    }
}

/// Every injection, what matters most first: each call once, then each once more, with another fault.
pub(super) fn injections(counts: &[Count], only: Option<&Only>, every: bool) -> Vec<Injection> {
    let mut all = Vec::new();
    for (place, count) in counts.iter().filter(|count| !NEVER.contains(&count.call.as_str())).enumerate() {
        let faults = Fault::of(&count.call);
        let times = match only {
            Some(only) if only.names_a_time() => (1..=count.times.saturating_add(9)).collect(),
            _ if every => (1..=count.times).collect(),
            _ => times(count.times),
        };
        for (row, time) in times.iter().enumerate() {
            // Another fault first for each call, and for each time.
            let mut faults = faults.clone();
            let first = place.saturating_add(row).checked_rem(faults.len());
            faults.rotate_left(first.unwrap_or(0));
            for (turn, fault) in faults.iter().enumerate() {
                let rank = turn.saturating_mul(times.len()).saturating_add(row);
                let Count { role, call, number, .. } = count.clone();
                all.push(Injection { role, call, number, time: *time, fault: *fault, rank });
            }
        }
    }
    all.retain(|injection| only.is_none_or(|only| only.selects(injection)));
    all.sort_by_key(|injection| injection.rank);
    all
}

/// Which times of `count` fail: at most [`MOST`], the first, the last, the second, and others evenly.
fn times(count: u32) -> Vec<u32> {
    if count <= MOST {
        return (1..=count).collect();
    }
    vec![
        1,
        count,
        2,
        count.div_euclid(3).saturating_add(1),
        count.saturating_mul(2).div_euclid(3).saturating_add(1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(role: &'static str, call: &str, times: u32) -> Count {
        Count { role, call: call.to_owned(), number: 1, times }
    }

    #[test]
    fn each_call_comes_before_any_comes_again() {
        let counts = [
            count("launcher", "openat2", 90),
            count("guardian", "sendto", 2),
            count("guardian", "exit_group", 1),
        ];
        let all = injections(&counts, None, false);
        assert_eq!(injections(&counts, None, true).len(), 92 * 7);
        assert_eq!(all.len(), 5 * 7 + 2 * 7);
        let first: Vec<&str> = all.iter().take(2).map(|injection| injection.role).collect();
        assert_eq!(first, ["launcher", "guardian"]);
        assert!(all.iter().filter(|injection| injection.is_quick()).count() == 4);
        let lost = all.iter().find(|injection| injection.fault == Fault::Unsent).unwrap();
        assert_eq!(lost.to_string(), format!("guardian/sendto/{}/unsent", lost.time));
    }

    #[test]
    fn times_are_different_and_end_with_the_last() {
        assert_eq!(times(3), [1, 2, 3]);
        for count in 6..200 {
            let mut times = times(count);
            times.sort_unstable();
            times.dedup();
            assert_eq!((times.len(), times.first(), times.last()), (5, Some(&1), Some(&count)));
        }
    }

    #[test]
    fn one_is_selected_by_its_name() {
        let counts = [count("launcher", "openat2", 90), count("guardian", "openat2", 2)];
        let only = |text| injections(&counts, Some(&Only::parse(text).unwrap()), false).len();
        assert_eq!(only("launcher/openat2/77/EMFILE"), 1);
        assert_eq!(only("guardian/openat2"), 14);
        assert_eq!(only("openat2"), 49);
        assert_eq!(only("guardian"), 14);
        assert!(Only::parse("nobody/openat2").is_err());
    }
}
