//! The flags of `run`: one table, from which parsing, help, manual pages and completions are made.

use core::time::Duration;
use std::ffi::{OsStr, OsString};

use sandlock::{Error, Home, Policy, PortList, Reach, Source};

/// A flag.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) short: Option<char>,
    pub(crate) long: &'static str,
    /// Words of other tools that mean the same.
    pub(crate) aliases: &'static [&'static str],
    /// The name of its value in help; a switch has none. With a bracket before it the value is attached with
    /// `=`, or left out.
    pub(crate) takes: Option<&'static str>,
    /// Its section and key in a profile; a flag about messages has none.
    pub(crate) key: Option<(&'static str, &'static str)>,
    /// Its heading in help.
    pub(crate) group: &'static str,
    pub(crate) help: &'static str,
    pub(crate) set: Set,
}

/// The effect of a flag.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Set {
    /// Turns something on.
    Switch(fn(&mut Policy)),
    /// Adds its value to the policy, or puts it in the place of an earlier one.
    Value(fn(&mut Policy, &OsStr) -> Result<(), Error>),
    /// Nothing of the policy: looked up by name.
    Other,
}

/// A flag with its value, which a profile or the command line gave.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) flag: &'static Flag,
    pub(crate) value: OsString,
    /// The profile, and the number of its line.
    pub(crate) at: Option<(String, usize)>,
}

impl Given {
    /// Whether it is the same flag with the same value, wherever that was given.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.flag.long == other.flag.long && self.value == other.value
    }
}

const FILES: &str = "Files";
const NETWORK: &str = "Network";
const ENVIRONMENT: &str = "Environment";
const PROCESS: &str = "Processes and time";
const KERNEL: &str = "Kernel";
const MESSAGES: &str = "Profiles and messages";

/// The flag for the grants that a policy starts with.
pub(crate) const BASE: &str = "base";
pub(crate) const PROFILE: &str = "profile";
pub(crate) const READ: &str = "fs-read";
pub(crate) const WRITE: &str = "fs-write";
pub(crate) const HOME: &str = "home";
pub(crate) const NET_ALLOW: &str = "net-allow";
pub(crate) const NET_ALLOW_BIND: &str = "net-allow-bind";
pub(crate) const SHM: &str = "shm";
pub(crate) const STRICT_LATER: &str = "strict-later";
pub(crate) const RECEIPT: &str = "receipt";
pub(crate) const CWD: &str = "cwd";
pub(crate) const KEEP_CAPS: &str = "keep-caps";
pub(crate) const QUIET: &str = "quiet";
pub(crate) const VERBOSE: &str = "verbose";
pub(crate) const TIMEOUT: &str = "timeout";
pub(crate) const WHY: &str = "why";

/// All flags, in the order of help.
pub(crate) const FLAGS: &[Flag] = &[
    Flag {
        short: Some('r'),
        long: READ,
        aliases: &["allow-read", "allow-fs-read", "read"],
        takes: Some("PATH"),
        key: Some(("filesystem", "read")),
        group: FILES,
        help: "Grant reading, listing and executing PATH and everything below it (repeatable)",
        set: Set::Value(|policy, path| {
            policy.read(path);
            Ok(())
        }),
    },
    Flag {
        short: Some('w'),
        long: WRITE,
        aliases: &["allow-write", "allow-fs-write", "write"],
        takes: Some("PATH"),
        key: Some(("filesystem", "write")),
        group: FILES,
        help: "Grant changing PATH and everything below it too (repeatable)",
        set: Set::Value(|policy, path| {
            policy.write(path);
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: HOME,
        aliases: &[],
        takes: Some("private|keep|PATH"),
        key: Some(("filesystem", "home")),
        group: FILES,
        help: "The command's home: private (empty, removed at the end), keep (yours), or a directory that stays",
        set: Set::Value(|policy, home| {
            policy.home(match home.to_str() {
                Some("private") => Home::Private,
                Some("keep") => Home::Keep,
                _ => Home::At(home.into()),
            });
            Ok(())
        }),
    },
    Flag {
        short: Some('C'),
        long: CWD,
        aliases: &["chdir", "cd"],
        takes: Some("DIR"),
        key: Some(("program", "cwd")),
        group: FILES,
        help: "Start the command in DIR",
        set: Set::Value(|policy, directory| {
            policy.cwd(directory);
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: STRICT_LATER,
        aliases: &[],
        takes: None,
        key: Some(("filesystem", "strict_later")),
        group: FILES,
        help: "Exit with 123 if the command changed a file that acts later, such as a git hook",
        set: Set::Other,
    },
    Flag {
        short: None,
        long: BASE,
        aliases: &[],
        takes: Some("default|none"),
        key: Some(("filesystem", "base")),
        group: FILES,
        help: "Start from what every user may read, the project and toolchains, or from nothing at all",
        set: Set::Other,
    },
    Flag {
        short: None,
        long: NET_ALLOW,
        aliases: &["allow-net", "connect-tcp"],
        takes: Some("HOST[:PORTS]"),
        key: Some(("network", "allow")),
        group: NETWORK,
        help: "Grant TCP connections by name, address, network or port: example.org, *.example.org:443, 10.0.0.0/8:80,8000-8010, :443, or * (repeatable)",
        set: Set::Value(|policy, spec| {
            for reach in reaches(Source::Connect, spec, &PortList::of_web())? {
                policy.allow(reach);
            }
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: "net-deny",
        aliases: &["deny-net"],
        takes: Some("HOST[:PORTS]"),
        key: Some(("network", "deny")),
        group: NETWORK,
        help: "Refuse names, addresses, networks or ports that another rule grants (repeatable)",
        set: Set::Value(|policy, spec| {
            for reach in reaches(Source::Deny, spec, &PortList::ALL)? {
                policy.deny(reach);
            }
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: "net-allow-private",
        aliases: &[],
        takes: None,
        key: Some(("network", "allow_private")),
        group: NETWORK,
        help: "Let granted names lead to addresses of this machine and of local networks",
        set: Set::Switch(|policy| _ = policy.private_names()),
    },
    Flag {
        short: None,
        long: NET_ALLOW_BIND,
        aliases: &["bind-tcp"],
        takes: Some("PORTS"),
        key: Some(("network", "allow_bind")),
        group: NETWORK,
        help: "Grant listening on TCP ports: 80, 80,443, 8000-8010 or * (repeatable)",
        set: Set::Value(|policy, spec| {
            let text = utf8(Source::Bind, spec)?;
            let ports = text.strip_prefix(':').unwrap_or(text).parse::<PortList>();
            policy.bind(ports.map_err(|hint| value(Source::Bind, spec, hint))?);
            Ok(())
        }),
    },
    Flag {
        short: Some('e'),
        long: "env",
        aliases: &["allow-env"],
        takes: Some("NAME[=VALUE]"),
        key: Some(("environment", "set")),
        group: ENVIRONMENT,
        help: "Set a variable, or pass on one that is withheld because it may be a secret (repeatable)",
        set: Set::Value(|policy, variable| {
            match split(variable) {
                Some((name, text)) => policy.env(name, text),
                None => policy.pass_env(variable),
            };
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: "clean-env",
        aliases: &[],
        takes: None,
        key: Some(("environment", "clean")),
        group: ENVIRONMENT,
        help: "Keep only PATH, HOME, USER, LOGNAME, SHELL, TERM, LANG, LC_* and TZ of the environment",
        set: Set::Switch(|policy| _ = policy.clean_env()),
    },
    Flag {
        short: Some('t'),
        long: TIMEOUT,
        aliases: &[],
        takes: Some("TIME"),
        key: Some(("limits", "timeout")),
        group: PROCESS,
        help: "Kill everything in the sandbox after TIME: seconds (fractions allowed), or 90s, 5m, 1h",
        set: Set::Value(|policy, text| {
            let after = text.to_str().ok_or(TIME).and_then(duration);
            policy.timeout(after.map_err(|hint| value(Source::Timeout, text, hint))?);
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: "no-ptrace",
        aliases: &[],
        takes: None,
        key: Some(("limits", "no_ptrace")),
        group: PROCESS,
        help: "Keep processes of the sandbox from tracing each other, as debuggers do",
        set: Set::Switch(|policy| _ = policy.no_ptrace()),
    },
    Flag {
        short: None,
        long: SHM,
        aliases: &[],
        takes: None,
        key: Some(("filesystem", "shm")),
        group: PROCESS,
        help: "Give the command POSIX shared memory and semaphores of its own, in place of those in /dev/shm",
        set: Set::Switch(|policy| _ = policy.shm()),
    },
    Flag {
        short: None,
        long: "keep-fd",
        aliases: &[],
        takes: Some("N"),
        key: Some(("program", "keep_fd")),
        group: PROCESS,
        help: "Pass on the open descriptor N too, such as a jobserver's (repeatable)",
        set: Set::Value(|policy, number| {
            let parsed = number.to_str().and_then(|number| number.parse().ok());
            let hint = "a descriptor is a number, such as 3";
            policy.keep_fd(parsed.ok_or_else(|| value(Source::KeepFd, number, hint))?);
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: "die-with-parent",
        aliases: &[],
        takes: None,
        key: Some(("program", "die_with_parent")),
        group: PROCESS,
        help: "Kill everything in the sandbox when the process that started sandlock ends",
        set: Set::Switch(|policy| _ = policy.die_with_parent()),
    },
    Flag {
        short: None,
        long: "allow-degraded",
        aliases: &[],
        takes: Some("NAME"),
        key: Some(("kernel", "allow_degraded")),
        group: KERNEL,
        help: "Run without a protection that this kernel lacks; `sandlock check` names them (repeatable)",
        set: Set::Value(|policy, name| {
            policy.allow_degraded(utf8(Source::Degraded, name)?)?;
            Ok(())
        }),
    },
    Flag {
        short: None,
        long: "allow-compat",
        aliases: &[],
        takes: None,
        key: Some(("kernel", "allow_compat")),
        group: KERNEL,
        help: "Let 32-bit programs run too: i386 on x86_64, arm on aarch64; they are killed otherwise",
        set: Set::Switch(|policy| _ = policy.allow_compat()),
    },
    Flag {
        short: None,
        long: KEEP_CAPS,
        aliases: &[],
        takes: None,
        key: Some(("kernel", "keep_caps")),
        group: KERNEL,
        help: "Keep the capabilities that sandlock itself has (root's, as a rule)",
        set: Set::Switch(|policy| _ = policy.keep_caps()),
    },
    Flag {
        short: Some('p'),
        long: PROFILE,
        aliases: &["profile-file"],
        takes: Some("NAME"),
        key: None,
        group: MESSAGES,
        help: "Start from this profile too, a name or a file's path; flags add to it (repeatable)",
        set: Set::Other,
    },
    Flag {
        short: None,
        long: RECEIPT,
        aliases: &[],
        takes: Some("FILE"),
        key: None,
        group: MESSAGES,
        help: "Write the grants and the mechanism of each restriction to FILE, as JSON, before the command starts",
        set: Set::Other,
    },
    Flag {
        short: None,
        long: WHY,
        aliases: &[],
        takes: Some("[FILE"),
        key: None,
        group: MESSAGES,
        help: "Report what was refused, the likely cause of a failure first, and the flag that allows it; as JSON lines to FILE meanwhile",
        set: Set::Other,
    },
    Flag {
        short: Some('q'),
        long: QUIET,
        aliases: &[],
        takes: None,
        key: None,
        group: MESSAGES,
        help: "Say nothing but why the command could not be started",
        set: Set::Other,
    },
    Flag {
        short: Some('v'),
        long: VERBOSE,
        aliases: &[],
        takes: None,
        key: None,
        group: MESSAGES,
        help: "Report each restriction and its mechanism first",
        set: Set::Other,
    },
];

impl Flag {
    /// The name of its value, and whether that can be left out.
    pub(crate) fn value(&self) -> Option<(&'static str, bool)> {
        self.takes.map(|name| (name.trim_start_matches('['), name.starts_with('[')))
    }
}

/// Of the commands that only say something.
pub(crate) const JSON: Flag = Flag {
    short: None,
    long: "json",
    aliases: &[],
    takes: None,
    key: None,
    group: MESSAGES,
    help: "Print JSON",
    set: Set::Other,
};

/// Flags of other tools that mean something else here, or nothing, and the flags of sandlock for them.
pub(crate) const FOREIGN: &[(&str, &str)] = &[
    ("--ro", "-r PATH grants reading, and executing too"),
    ("--rox", "-r PATH grants reading and executing"),
    ("--rw", "-w PATH grants changing, and reading and executing too"),
    ("--rwx", "-w PATH grants changing, and reading and executing too"),
    ("--ro-bind", "paths keep their names here: -r PATH, with one path"),
    ("--bind", "paths keep their names here: -w PATH, with one path"),
    ("--dev-bind", "paths keep their names here: -w PATH, with one path"),
    ("--volume", "paths keep their names here: -w PATH, or -r PATH"),
    ("--mount", "paths keep their names here: -w PATH, or -r PATH"),
    ("--whitelist", "-r PATH grants reading, -w PATH changing"),
    ("--read-only", "everything that is not granted with -w cannot be changed"),
    ("--read-write", "-w PATH"),
    ("--tmpfs", "a private TMPDIR is always there"),
    ("--private", "a private home is the default; --home PATH is one that stays"),
    ("--private-tmp", "a private TMPDIR is the default"),
    ("--proc", "/proc is there without a flag"),
    ("--dev", "the harmless devices are there without a flag; -w /dev/NAME grants another"),
    ("--setenv", "-e NAME=VALUE"),
    ("--unsetenv", "-e NAME= makes it empty; --clean-env removes all but ten"),
    ("--rmenv", "-e NAME= makes it empty; --clean-env removes all but ten"),
    ("--deny-env", "secrets are withheld by default; --clean-env removes all but ten"),
    ("--clearenv", "--clean-env, which keeps PATH, HOME and eight more"),
    ("--unshare-net", "no network is the default"),
    ("--unshare-all", "no network and no way to other processes is the default"),
    ("--net", "no network is the default; --net-allow example.org or --net-allow :443 grants some"),
    ("--network", "no network is the default; --net-allow example.org or --net-allow :443 grants some"),
    ("--unrestricted-network", "--net-allow ':*'"),
    ("--allow-all", "there is no such flag: a sandbox that grants everything is none"),
    ("--allow-run", "whatever can be read can be executed: -r PATH"),
    ("--best-effort", "--allow-degraded NAME, for each protection that may be missing"),
    ("--ignore-missing", "a path that is not there is left out by the caller"),
    ("--chroot", "there is no other root here; -r PATH grants reading"),
    ("--workdir", "-C DIR"),
    ("--user", "the command runs as the caller"),
    ("--uid", "the command runs as the caller"),
    ("--gid", "the command runs as the caller"),
    ("--cap-add", "--keep-caps keeps all that the caller has"),
    ("--cap-drop", "capabilities are given up without a flag"),
    ("--new-session", "the command has a process group of its own, and the terminal is guarded"),
    ("--seccomp", "a filter is always there; it is the same for every command"),
    ("--rlimit-as", "ulimit -v in the shell that starts sandlock"),
    ("--debug", "-v reports each restriction"),
    ("--dry-run", "`sandlock explain` says what a policy grants; nothing is run then"),
    ("--deny", "paths that are not granted are refused; holes in a grant are not there yet"),
    ("--fs-deny", "paths that are not granted are refused; holes in a grant are not there yet"),
    ("--deny-read", "paths that are not granted are refused; holes in a grant are not there yet"),
    ("--deny-write", "paths that are not granted are refused; holes in a grant are not there yet"),
    ("--blacklist", "paths that are not granted are refused; holes in a grant are not there yet"),
    ("--fs-mount", "paths keep their names here: -w PATH, or -r PATH"),
    ("--unrestricted-filesystem", "-w / grants all that the user may change"),
    ("--http-allow", "rules are of hosts and ports: --net-allow example.org:443"),
    ("--dns", "the name servers of /etc/resolv.conf are asked, and --net-allow NAME says for which names"),
    ("--publish", "--net-allow-bind 8080 grants listening"),
    ("--memory", "a limit of memory is not there yet; `ulimit -v` in the shell that starts sandlock"),
    ("--max-memory", "a limit of memory is not there yet; `ulimit -v` in the shell that starts sandlock"),
    ("-m", "a limit of memory is not there yet; `ulimit -v` in the shell that starts sandlock"),
    ("--pids-limit", "a limit of processes is not there yet; `ulimit -u` in the shell that starts sandlock"),
    (
        "--max-processes",
        "a limit of processes is not there yet; `ulimit -u` in the shell that starts sandlock",
    ),
    ("-P", "a limit of processes is not there yet; `ulimit -u` in the shell that starts sandlock"),
    ("--cpus", "a limit of processors is not there yet; taskset(1) before sandlock chooses some"),
    ("--cpu", "a limit of processors is not there yet; taskset(1) before sandlock chooses some"),
    ("--max-cpu", "a limit of processors is not there yet; taskset(1) before sandlock chooses some"),
    ("-c", "the command is typed as it is, behind --: sandlock run -- sh -c 'COMMAND'"),
    ("--time_limit", "-t 30s"),
    ("--rm", "nothing is left of a sandbox"),
    ("--name", "a sandbox has no name"),
    ("--interactive", "standard input and the terminal are the caller's"),
    ("--tty", "standard input and the terminal are the caller's"),
    ("-i", "standard input and the terminal are the caller's"),
    ("-d", "a sandbox ends with its command; the shell's & puts it in the background"),
    ("--privileged", "there is no such flag: a sandbox that grants everything is none"),
    ("-A", "there is no such flag: a sandbox that grants everything is none"),
    ("--no-sandbox", "there is no such flag: a sandbox that grants everything is none"),
    ("--security-opt", "a filter is always there; it is the same for every command"),
    ("--caps.drop", "capabilities are given up without a flag"),
    ("--nonewprivs", "no program gets more privileges, without a flag"),
    ("--noroot", "the command runs as the caller, without capabilities"),
    ("--noprofile", "--base none starts from nothing"),
    ("--entrypoint", "the command is typed as it is, behind --"),
    ("--env-file", "-e NAME=VALUE, or [environment] of a profile"),
    ("-R", "-r PATH"),
    ("-W", "-w PATH"),
    ("-N", "--net-allow :443"),
    ("-E", "-e NAME"),
    ("-S", "a filter is always there; it is the same for every command"),
    ("-u", "the command runs as the caller"),
    ("-g", "the command runs as the caller"),
    ("--sandbox", "-p agent is a profile for a coding agent"),
    ("--settings", "-p NAME is a profile"),
    ("--args", "-p FILE is a profile; flags are typed"),
    ("--unshare-pid", "processes outside cannot be signalled or traced without a flag"),
    ("--log-level", "-v reports each restriction"),
    ("--trace", "`sandlock why` says whether something is refused"),
    ("--allow-ffi", "whatever can be read can be executed: -r PATH"),
    ("--allow-sys", "reading about the machine needs no flag"),
];

const TIME: &str = "a time limit is a number of seconds above 0, such as 30 or 0.5, or 90s, 5m, 1h";

fn value(source: Source, value: &OsStr, hint: &'static str) -> Error {
    Error::Value(source, value.into(), hint)
}

/// The rules of a list; a mistake names the item that it is in.
fn reaches(source: Source, text: &OsStr, of_name: &PortList) -> Result<Vec<Reach>, Error> {
    Reach::parse_list(utf8(source, text)?, of_name)
        .map_err(|(item, hint)| value(source, OsStr::new(item), hint))
}

fn utf8(source: Source, text: &OsStr) -> Result<&str, Error> {
    let hint = "this is not UTF-8 text; see `sandlock run --help`";
    text.to_str().ok_or_else(|| value(source, text, hint))
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    /// Ten years: a longer time is a mistake.
    const LONGEST: f64 = 10.0 * 365.0 * 86400.0;
    let (number, unit) = match text.as_bytes() {
        [.., b's'] => (text.strip_suffix('s'), 1.0),
        [.., b'm'] => (text.strip_suffix('m'), 60.0),
        [.., b'h'] => (text.strip_suffix('h'), 3600.0),
        _ => (Some(text), 1.0),
    };
    match number.and_then(|number| number.parse::<f64>().ok()).map(|number| number * unit) {
        Some(seconds) if seconds > 0.0 && seconds <= LONGEST => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(TIME),
    }
}

/// `NAME=VALUE`
fn split(variable: &OsStr) -> Option<(OsString, OsString)> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = variable.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    let (name, text) = bytes.split_at_checked(at)?;
    Some((OsString::from_vec(name.to_vec()), OsString::from_vec(text.get(1..)?.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_two_things() {
        let mut words: Vec<String> = FOREIGN.iter().map(|(word, _)| (*word).to_owned()).collect();
        for flag in FLAGS {
            words.extend(flag.short.map(|short| format!("-{short}")));
            words.extend([flag.long].iter().chain(flag.aliases).map(|long| format!("--{long}")));
            let is_switch = matches!(flag.set, Set::Switch(_));
            assert!(flag.takes.is_none() || !is_switch, "{}: a switch takes nothing", flag.long);
        }
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, want) in [("30", 30.0), ("0.5", 0.5), ("90s", 90.0), ("5m", 300.0), ("1.5h", 5400.0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(want)), "{text}");
        }
        for text in ["", "s", "m", "0", "-1", "nan", "inf", "1e99", "5d", "5 m", "9999999h", "5ms"] {
            assert_eq!(duration(text), Err(TIME), "{text}");
        }
    }
}
