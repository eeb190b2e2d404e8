//! `sandlock why`: the decision of a policy about one operation, and the flag that would grant it. Nothing is
//! run.

use core::net::IpAddr;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, Command};
use sandlock::{AccessFs, Decision, Errno, Grant, Mechanism, Name, Operation, Plan, PortList};
use sandlock_sys::cap;
use serde_json::json;

use super::complain::{FAILED, complain, print};
use super::fail::{failed, mistaken};
use super::flags::{CWD, Flag, JSON, KEEP_CAPS};
use super::parse::{Typed, with_flags};
use super::words::{part, rights};

/// The operations: the form of each, and an example.
const QUESTIONS: &[(&str, &str)] = &[
    ("read PATH", "read /etc/shadow"),
    ("write PATH", "write src/main.c"),
    ("exec PATH", "exec /usr/bin/gcc"),
    ("connect HOST:PORT", "connect 192.0.2.1:443"),
    ("bind PORT", "bind 8080"),
    ("resolve NAME", "resolve example.org"),
    ("signal PID", "signal 1"),
    ("ioctl N", "ioctl 0x5412"),
    ("syscall NAME [ARG]…", "syscall mount"),
];
pub(crate) const FLAGS: &[Flag] = &[JSON];

/// An answer, as it is printed.
struct Answer {
    verdict: Verdict,
    /// The mechanism on this kernel.
    by: String,
    /// The grants, or the missing one.
    because: Vec<String>,
    /// The flag that would grant it.
    flag: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Allowed,
    Refused(Errno),
    /// The supervisor decides from memory or descriptors.
    Depends,
    NotEnforced,
}

pub(crate) fn command() -> Command {
    let forms: Vec<String> =
        QUESTIONS.iter().map(|(form, example)| format!("  {form:22} sandlock why -w . {example}")).collect();
    let command = Command::new("why")
        .about("Say whether an operation would be allowed, by what, and what would allow it")
        .after_help(format!(
            "Operations, and an example of each:\n{}\n\nExit status: 0 allowed, 1 refused, 125 when that cannot be said: it depends on the arguments, or makes no sense.",
            forms.join("\n")
        ))
        .arg(Arg::new("OPERATION").num_args(1..).required(true).trailing_var_arg(true));
    with_flags(with_flags(command, super::flags::FLAGS), FLAGS)
}

pub(crate) fn why(typed: Typed) -> ExitCode {
    let typed = match typed.with_profiles() {
        Ok(typed) => typed,
        Err(mistake) => return mistaken(&mistake),
    };
    // Nothing is run, and this program is there whatever PATH is.
    let this = std::env::current_exe().unwrap_or_else(|_| "true".into());
    let plan = match typed.policy().and_then(|policy| policy.plan([this])) {
        Ok(plan) => plan,
        Err(error) => return failed(&error, &typed),
    };
    let asked = become_the_command(&typed).and_then(|()| ask(&plan, &typed.command));
    let answer = match asked {
        Ok(answer) => answer,
        Err(why) => {
            complain(&format!("{why}; see `sandlock why --help`"));
            return ExitCode::from(FAILED);
        }
    };
    let question: Vec<String> =
        typed.command.iter().map(|word| word.to_string_lossy().escape_debug().to_string()).collect();
    let question = question.join(" ");
    let verdict = match answer.verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Refused(errno) => format!("refused ({errno})"),
        Verdict::Depends => "depends on the arguments".to_owned(),
        Verdict::NotEnforced => "allowed: NOT ENFORCED on this kernel".to_owned(),
    };
    let text = if typed.last(JSON.long).is_some() {
        let (word, errno) = match answer.verdict {
            Verdict::Allowed => ("allowed", None),
            Verdict::Refused(errno) => ("refused", Some(errno.to_string())),
            Verdict::Depends => ("depends", None),
            Verdict::NotEnforced => ("not-enforced", None),
        };
        let Answer { by, because, flag, .. } = &answer;
        let value = json!({"operation": question, "verdict": word, "errno": errno, "by": by, "because": because, "flag": flag});
        format!("{value}\n")
    } else {
        let because = answer.because.iter().map(|line| format!("  {line}\n"));
        let flag = answer.flag.iter().map(|flag| format!("  to allow it: {flag}\n"));
        format!("{question}: {verdict}, by {}\n{}", answer.by, because.chain(flag).collect::<String>())
    };
    match (print(&text), answer.verdict) {
        (printed, _) if printed != ExitCode::SUCCESS => printed,
        (_, Verdict::Refused(_)) => ExitCode::FAILURE,
        (_, Verdict::Depends) => ExitCode::from(FAILED),
        _ => ExitCode::SUCCESS,
    }
}

/// Takes the directory and the capabilities of the command, which the kernel's answers depend on.
fn become_the_command(typed: &Typed) -> Result<(), String> {
    if let Some(cwd) = typed.last(CWD) {
        std::env::set_current_dir(cwd).map_err(|error| format!("--cwd {}: {error}", cwd.display()))?;
    }
    let kept = if typed.last(KEEP_CAPS).is_some() { !cap::READING_PROCESSES } else { 0 };
    cap::keep_only(kept).map_err(|errno| format!("capset: {errno}"))
}

fn ask(plan: &Plan, words: &[OsString]) -> Result<Answer, String> {
    let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let path = words.get(1).map(Path::new);
    match (texts.as_slice(), path) {
        (["read", _], Some(path)) => {
            let right = if path.is_dir() { AccessFs::READ_DIR } else { AccessFs::READ_FILE };
            Ok(file(plan, path, right, "-r"))
        }
        (["exec", _], Some(path)) => Ok(file(plan, path, AccessFs::EXECUTE | AccessFs::READ_FILE, "-r")),
        (["write", _], Some(path)) => Ok(write(plan, path)),
        (["connect", to], _) => connect(plan, to),
        (["bind", port], _) => {
            let port = number(port.trim_start_matches(':')).and_then(|port| u16::try_from(port).ok());
            let port = port.ok_or("a port is a number from 0, the kernel's choice, to 65535")?;
            let answer = decided(
                &plan.decide(&Operation::BindTcp(port)),
                Some(format!("--net-allow-bind {}", quoted(Path::new(&bind_ports(port))))),
            );
            Ok(if is_privileged(port) {
                answer.outside(Errno::EACCES, "the port needs CAP_NET_BIND_SERVICE")
            } else {
                answer
            })
        }
        (["resolve", name], _) => Ok(resolve(plan, name)),
        (["signal", pid], _) => {
            number(pid).ok_or("a process ID is a number")?;
            let mut answer = decided(&plan.decide(&Operation::Signal), None);
            answer.because.push("processes of the sandbox signal each other, and no other".into());
            Ok(answer)
        }
        (["ioctl", request], _) => {
            let request = number(request).ok_or("a request is a number, such as 0x5412")?;
            Ok(call(plan, Name::ioctl, Some([0, request, 0, 0, 0, 0])))
        }
        (["syscall", name, args @ ..], _) if args.len() <= 6 => {
            let name = Name::parse(name).ok_or_else(|| format!("there is no system call {name}"))?;
            let mut registers = [0; 6];
            for (register, text) in registers.iter_mut().zip(args) {
                *register = number(text).ok_or_else(|| format!("{text}: an argument is a number"))?;
            }
            Ok(call(plan, name, (!args.is_empty()).then_some(registers)))
        }
        _ => Err(format!("{}: this is none of the operations that can be asked about", texts.join(" "))),
    }
}

/// Decimal, or with `0x`; negative as registers have it.
fn number(text: &str) -> Option<u64> {
    match (text.strip_prefix("0x"), text.strip_prefix('-')) {
        (Some(hex), _) => u64::from_str_radix(hex, 16).ok(),
        (_, Some(_)) => text.parse::<i64>().ok().map(i64::cast_unsigned),
        _ => text.parse().ok(),
    }
}

fn granted(grant: &Grant) -> String {
    format!("{}: {} ({})", part(grant.source), grant.path.display(), rights(grant.rights))
}

/// A mechanism in reports.
pub(super) const fn mechanism_name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Landlock => "Landlock",
        Mechanism::Filter => "the seccomp filter",
        Mechanism::Supervisor => "the supervisor",
        Mechanism::Capabilities => "the kernel, without the capabilities that were given up",
        Mechanism::Nothing => "nothing",
        Mechanism::NotAsked => "a grant of everything of the kind",
    }
}

/// The ports that grant listening on one; 0 is the kernel's choice.
pub(super) fn bind_ports(port: u16) -> String {
    if port == 0 { "*".to_owned() } else { port.to_string() }
}

fn decided(decision: &Decision<'_>, flag: Option<String>) -> Answer {
    let name = |mechanism| match mechanism {
        Mechanism::Landlock => {
            format!("Landlock (ABI {})", sandlock::Abi::current().map_or(0, |abi| abi.version()))
        }
        other => mechanism_name(other).to_owned(),
    };
    match decision {
        Decision::Granted(Mechanism::Nothing, _) => Answer {
            verdict: Verdict::NotEnforced,
            by: name(Mechanism::Nothing),
            because: Vec::new(),
            flag: None,
        },
        Decision::Granted(by, grants) => Answer {
            verdict: Verdict::Allowed,
            by: name(*by),
            because: grants.iter().map(|grant| granted(grant)).collect(),
            flag: None,
        },
        Decision::Refused(by, errno) => {
            Answer { verdict: Verdict::Refused(*errno), by: name(*by), because: Vec::new(), flag }
        }
        Decision::ByArgs(row) => Answer {
            verdict: Verdict::Depends,
            by: "the seccomp filter and the supervisor".to_owned(),
            because: vec![row.why.to_owned()],
            flag: None,
        },
    }
}

fn file(plan: &Plan, path: &Path, right: AccessFs, flag: &str) -> Answer {
    let mut answer =
        decided(&plan.decide(&Operation::File(path, right)), Some(format!("{flag} {}", quoted(path))));
    if answer.flag.is_some() {
        answer.because.push(format!("no grant of {} covers it", rights(right)));
    }
    match outside(path, right) {
        Some((Some(errno), why)) => answer.outside(errno, &why),
        other => {
            answer.because.extend(other.map(|(_, why)| why));
            answer
        }
    }
}

/// Whether the port is below `ip_unprivileged_port_start` (ip(7)), and this process has no
/// `CAP_NET_BIND_SERVICE`.
fn is_privileged(port: u16) -> bool {
    const NET_BIND_SERVICE: u32 = 10;
    if cap::permitted().is_ok_and(|caps| caps >> NET_BIND_SERVICE & 1 == 1) {
        return false;
    }
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first = first.ok().and_then(|first| first.trim().parse().ok()).unwrap_or(1024u16);
    (1..first).contains(&port)
}

impl Answer {
    /// An operation that fails without a sandbox too is refused, whatever the grants are.
    fn outside(mut self, errno: Errno, why: &str) -> Self {
        self.because.push(format!("outside of a sandbox too: {why}"));
        if self.verdict == Verdict::Allowed || self.verdict == Verdict::NotEnforced {
            self.verdict = Verdict::Refused(errno);
            self.by = "the kernel, whatever is granted".to_owned();
        }
        self
    }
}

/// A file that is there is written; in a directory, or in that of a file that is not there, one is made.
fn write(plan: &Plan, path: &Path) -> Answer {
    if path.symlink_metadata().is_ok() && !path.is_dir() {
        return file(plan, path, AccessFs::WRITE_FILE, "-w");
    }
    let parent = match path.parent() {
        _ if path.is_dir() => path,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut answer = decided(
        &plan.decide(&Operation::File(parent, AccessFs::MAKE_REG | AccessFs::WRITE_FILE)),
        Some(format!("-w {}", quoted(parent))),
    );
    if answer.flag.is_some() {
        answer.because.push(format!("no grant lets a file be made in {}", parent.display()));
    }
    // A file without a name, which is gone when it is closed.
    let nameless = std::fs::OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(parent);
    match nameless.map_err(|error| (error.raw_os_error().map(Errno::new), error)) {
        Err((Some(errno @ (Errno::EACCES | Errno::ENOENT | Errno::ENOTDIR | Errno::EROFS)), error)) => {
            answer.outside(errno, &error.to_string())
        }
        _ => answer,
    }
}

/// The error of the operation without a sandbox. A missing file has no errno: a command may make it first.
fn outside(path: &Path, right: AccessFs) -> Option<(Option<Errno>, String)> {
    let info = match path.metadata() {
        Ok(info) => info,
        Err(error) => return Some((None, format!("outside of a sandbox too: {error}"))),
    };
    let result = if right.contains(AccessFs::EXECUTE) {
        let is_program = info.is_file() && info.permissions().mode() & 0o111 != 0;
        if is_program { Ok(()) } else { Err(std::io::Error::from_raw_os_error(libc::EACCES)) }
    } else if info.is_dir() {
        path.read_dir().map(drop)
    } else if info.is_file() {
        let is_write = right.contains(AccessFs::WRITE_FILE);
        std::fs::OpenOptions::new().read(!is_write).write(is_write).open(path).map(drop)
    } else {
        Ok(())
    };
    let error = result.err()?;
    Some((error.raw_os_error().map(Errno::new), error.to_string()))
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+,@:".contains(&byte));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn connect(plan: &Plan, to: &str) -> Result<Answer, String> {
    let form = "this is HOST:PORT, such as 192.0.2.1:443, [2001:db8::1]:443 or example.org:443";
    let (host, port) = to.rsplit_once(':').ok_or(form)?;
    let list: PortList = port.parse().map_err(|why| format!("{port}: {why}"))?;
    let port = list.iter().next().filter(|_| list.iter().count() == 1).ok_or(form)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let known = in_hosts(bare);
    let operation = match bare.parse().ok().or(known) {
        Some(address) => Operation::Connect(address, port),
        None if bare.is_empty() => Operation::Connect(IpAddr::from([192, 0, 2, 1]), port),
        None => Operation::ConnectName(bare, port),
    };
    let mut answer = decided(&plan.decide(&operation), Some(format!("--net-allow {host}:{port}")));
    if let Some(address) = known {
        answer.because.push(format!("{bare} is {address} in /etc/hosts"));
    }
    Ok(answer)
}

fn resolve(plan: &Plan, name: &str) -> Answer {
    if let Some(address) = in_hosts(name) {
        return Answer {
            verdict: Verdict::Allowed,
            by: "/etc/hosts".to_owned(),
            because: vec![format!("{name} is {address} there, and needs no name server")],
            flag: None,
        };
    }
    decided(&plan.decide(&Operation::Resolve(name)), Some(format!("--net-allow {name}")))
}

/// The first address of a name in `/etc/hosts`.
fn in_hosts(name: &str) -> Option<IpAddr> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    lines.find_map(|mut words| {
        let address = words.next()?.parse().ok()?;
        words.any(|known| known.eq_ignore_ascii_case(name)).then_some(address)
    })
}

/// A system call: with these registers, or by its name alone.
fn call(plan: &Plan, name: Name, args: Option<[u64; 6]>) -> Answer {
    let operation = args.map_or(Operation::Call(name), |args| Operation::CallWith(name, args));
    let mut answer = decided(&plan.decide(&operation), None);
    let row = sandlock::table::ROWS.iter().find(|row| row.names.contains(&name));
    if let Some(row) = row.filter(|_| answer.because.is_empty()) {
        answer.because.push(row.why.to_owned());
    }
    answer
}

/// The words after `why`, if they can be read at once.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Option<Typed> {
    Typed::parse_with(words, FLAGS).filter(|typed| {
        let first = typed.command.first().map(OsString::as_os_str);
        first.is_some_and(|first| {
            QUESTIONS.iter().any(|(form, _)| form.split(' ').next().map(OsStr::new) == Some(first))
        })
    })
}
