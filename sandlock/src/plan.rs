//! From a policy to a plan: rules written, the filter compiled. All that can fail with a name fails here.

use std::borrow::Cow;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use core::net::SocketAddr;
use core::time::Duration;

use sandlock_bpf::Arch;
use sandlock_landlock::{
    Abi, AccessFs, AccessNet, PROTECTIONS, Protection, Rights, Ruleset, RulesetFd, Scope,
};
use sandlock_notify::egress::Rule;
use sandlock_sys::fs::{self, OFlags};
use sandlock_sys::process::{PidFd, PidfdFlags};
use sandlock_sys::seccomp::{self, FilterFlags, SockFilter};
use sandlock_sys::{AsFd, Errno, OwnedFd, Pid, prctl, process};

use crate::error::{Error, Step};
use crate::policy::{Host, Policy, PortList, Reach, Source};
use crate::table::{self, Features};

mod command;
mod extra;
mod filters;
mod grants;
mod listing;
mod place;
mod rules;
mod tmp;

pub(crate) use command::{Environment, find, set};
pub(crate) use extra::{Extra, Private};
pub use grants::Grant;
pub(crate) use place::{Place, identity, real};
use rules::Rules;
pub(crate) use tmp::PrivateTmp;

/// Protections whose loss is made good by the filter and the supervisor, on every kernel.
const OTHERWISE: &[&str] = &["unix-path", "net-udp"];

/// A command, and everything that is needed to start it, as often as one likes: rules and filter are made
/// once.
///
/// All runs of one plan have one private temporary directory, which is removed with the plan.
#[derive(Debug)]
pub struct Plan {
    pub(crate) start: Start,
    pub(crate) watch: Watch,
    pub(crate) report: Report,
    /// Held until it is dropped, which removes it.
    pub(crate) tmp: Option<PrivateTmp>,
}

/// What the launch needs.
#[derive(Debug)]
pub(crate) struct Start {
    /// As it was typed.
    pub(crate) name: OsString,
    pub(crate) path: CString,
    pub(crate) argv: Vec<CString>,
    pub(crate) env: Vec<CString>,
    /// Where the command starts, if that was given: the directory, and its name for messages.
    pub(crate) cwd: Option<(OwnedFd, PathBuf)>,
    /// The rulesets; none once they are enforced, for the run is long and the rules are many.
    pub(crate) rulesets: Option<Rulesets>,
    /// The command's filter.
    pub(crate) program: Cow<'static, [SockFilter]>,
    /// The guardian's filter.
    pub(crate) guardian_program: Vec<SockFilter>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) keep_caps: bool,
    /// Descriptors that the command gets besides the standard ones: the numbers, in ascending order, and
    /// duplicates.
    pub(crate) kept_fds: Vec<(i32, OwnedFd)>,
    /// The files that the rules of the base profile are about. They are closed while the command starts: that
    /// takes as long as opening them.
    pub(crate) files: Mutex<Vec<OwnedFd>>,
}

/// What each of the three processes enforces on itself, and so on all it makes.
#[derive(Debug)]
pub(crate) struct Rulesets {
    /// The command: the policy.
    pub(crate) command: RulesetFd,
    /// The supervisor: what the policy grants, and the little that it needs besides.
    pub(crate) supervisor: RulesetFd,
    /// The guardian: it can signal what it made, and nothing else. None where the kernel scopes no signals.
    pub(crate) guardian: Option<RulesetFd>,
}

/// What the supervisor needs.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) features: Features,
    /// The real paths at and below which files may be changed.
    pub(crate) writable: Vec<Vec<u8>>,
    /// The TCP ports of every machine.
    pub(crate) connect: PortList,
    /// The rules of machines, these ports among them: whether each allows.
    pub(crate) egress: Vec<(bool, Reach)>,
    pub(crate) private_names: bool,
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) bind: PortList,
    pub(crate) is_timed: bool,
    /// The private directory, where POSIX shared memory is in it.
    pub(crate) private: Option<OwnedFd>,
    /// The process without which there is to be no sandbox.
    pub(crate) parent: Option<PidFd>,
}

/// What reports need.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) abi: Abi,
    /// What Landlock restricts on this kernel, for this policy.
    pub(crate) handled: Rights,
    /// The architecture of the 32-bit programs that may run too.
    pub(crate) compat: Option<Arch>,
    /// What the caller agreed to go without.
    pub(crate) missing: Vec<&'static Protection>,
    pub(crate) grants: Vec<Grant>,
    /// What the caller may want to know about the rules.
    pub(crate) notes: Vec<String>,
    /// What the caller should know.
    pub(crate) warnings: Vec<String>,
}

/// What every plan stands on, looked at first.
#[derive(Debug)]
pub(crate) struct Ground {
    root: OwnedFd,
    pub(crate) abi: Abi,
    missing: Vec<&'static Protection>,
}

impl Ground {
    pub(crate) fn of(policy: &Policy) -> Result<Self, Error> {
        let root = fs::open(c"/", OFlags::PATH).map_err(|errno| refused("openat2", errno))?;
        let abi = match policy.abi {
            Some(abi) => abi,
            None => Abi::current().map_err(Error::NoLandlock)?,
        };
        Ok(Self { root, abi, missing: missing(abi, &policy.degraded)? })
    }
}

impl Plan {
    pub(crate) fn new(
        Ground { root, abi, missing }: Ground,
        policy: &Policy,
        extra: Extra,
        command: &[OsString],
    ) -> Result<Self, Error> {
        let (name, arguments) = command.split_first().ok_or(Error::NoCommand)?;
        // The supervisor connects for the command.
        let mut reach = policy.connect.clone();
        extra.egress.iter().filter(|(allows, _)| *allows).for_each(|(_, rule)| reach.extend(&rule.ports));
        let rights = handled(&policy.connect, &policy.bind);
        let (ruleset, dropped) = Ruleset::handle(rights).best_effort(abi);
        let mut features = Features::empty();
        // With rules of machines the supervisor judges every connect, and so unix sockets too.
        let is_seen = !dropped.fs.contains(AccessFs::RESOLVE_UNIX) && extra.egress.is_empty();
        features.set(Features::UNIX_SEEN, is_seen);
        features.set(Features::TRACING, !policy.no_ptrace);
        features.set(Features::OBSERVED, policy.observed);
        features.set(Features::SCOPED, !dropped.scope.contains(Scope::SIGNAL));
        let supervisor = Ruleset::handle(handled(&reach, &policy.bind)).best_effort(abi).0;
        let create = |ruleset: Ruleset| ruleset.create(abi).map_err(Error::Landlock);
        let mut rules = Rules::new([create(ruleset)?, create(supervisor)?]);

        let (path, file) = command::find(name, &extra.env, extra.at())?;
        let Extra {
            names,
            places,
            command: is_granted,
            streams,
            kept_fds,
            mut egress,
            servers,
            private,
            mut env,
            cwd,
            write,
            notes,
            warnings,
        } = extra;
        (rules.notes, rules.warnings) = (notes, warnings);
        rules.names(&names)?;
        if is_granted {
            let real = Path::new(OsStr::from_bytes(path.to_bytes()));
            let real = cwd.as_ref().map_or_else(|| real.to_owned(), |cwd| cwd.real.join(real));
            rules.allow(Source::Command, AccessFs::READ, real, file.as_fd())?;
        }
        if streams {
            rules.standard()?;
        }
        for (source, rights, place) in places {
            rules.allow(source, rights, &place.real, place.fd.as_fd())?;
        }
        let mut tmp = None;
        if let Some(private) = private {
            let made =
                PrivateTmp::create(&private.parent).map_err(|errno| Error::Tmp(private.parent, errno))?;
            rules.private(&made)?;
            for (name, below) in private.variables {
                command::set(&mut env, name.into(), made.below(below));
            }
            for (name, text) in private.files {
                made.write(name, &text).map_err(|errno| Error::Tmp(made.path().into(), errno))?;
            }
            tmp = Some(made);
        }
        policy.read.iter().try_for_each(|path| rules.read(path))?;
        policy.write.iter().try_for_each(|path| rules.write(path))?;
        if let Some(home) = write {
            rules.write_place(Source::Home, &home.real.clone(), home)?;
        }
        features.set(Features::DEVICES, rules.devices);
        let private = tmp.as_ref().filter(|_| policy.shm && !rules.grants.iter().any(Grant::has_shm));
        let again = |tmp: &PrivateTmp| tmp.again().map_err(|errno| Error::Tmp(tmp.path().into(), errno));
        let private = private.map(again).transpose()?;
        features.set(Features::POSIX_SHM, private.is_some());
        for (ruleset, connect) in rules.rulesets.iter().zip([&policy.connect, &reach]) {
            allow_ports(ruleset, AccessNet::CONNECT_TCP, connect)?;
            allow_ports(ruleset, AccessNet::BIND_TCP, &policy.bind)?;
        }
        rules.supervisor()?;
        let Rules { rulesets: [command, supervisor], files, writable, grants, notes, warnings, .. } = rules;
        if policy.connect != PortList::NONE {
            egress.push((true, Reach { host: Host::Every, ports: policy.connect.clone() }));
        }
        let parent = if policy.die_with_parent { Some(parent()?) } else { None };
        let compat = if policy.compat { Some(compat_arch()?) } else { None };
        Ok(Self {
            start: Start {
                name: name.clone(),
                path,
                argv: command::strings(Source::Command, core::iter::once(name).chain(arguments).cloned())?,
                env: command::strings(
                    Source::Env,
                    env.iter().map(|(name, value)| command::join(name, value)),
                )?,
                cwd: cwd.map(|cwd| (cwd.fd, cwd.real)),
                rulesets: Some(Rulesets { command, supervisor, guardian: guardian_ruleset(abi, &root)? }),
                program: filters::program(features, compat).map_err(Error::Filter)?,
                guardian_program: table::compile_own(table::GUARDIAN, false).map_err(Error::Filter)?,
                timeout: policy.timeout,
                keep_caps: policy.keep_caps,
                kept_fds,
                files: Mutex::new(files),
            },
            watch: Watch {
                features,
                writable,
                connect: policy.connect.clone(),
                egress,
                private_names: policy.private_names,
                servers,
                bind: policy.bind.clone(),
                is_timed: policy.timeout.is_some(),
                private,
                parent,
            },
            report: Report {
                abi,
                handled: rights.difference(dropped),
                compat,
                missing,
                grants,
                notes,
                warnings,
            },
            tmp,
        })
    }
}

impl Watch {
    /// The rules of machines, as the supervisor takes them.
    pub(crate) fn rules(&self) -> Vec<Rule<'_>> {
        self.egress.iter().map(|(allows, rule)| rule.as_rule(*allows, self.private_names)).collect()
    }
}

impl Start {
    pub(crate) fn close_files(&self) {
        if let Ok(mut files) = self.files.lock() {
            files.clear();
        }
    }
}

/// Why the first call of all is refused. A sandbox of ours refuses it too, and there cannot be one in
/// another.
fn refused(call: &'static str, errno: Errno) -> Error {
    let above = std::thread::spawn(|| {
        let privs = prctl::set_no_new_privs()?;
        // BPF_RET | BPF_K, SECCOMP_RET_ALLOW
        let allow = [SockFilter { code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }];
        seccomp::set_mode_filter_listener(&allow, FilterFlags::empty(), &privs).map(drop)
    });
    match above.join() {
        Ok(Err(Errno::EBUSY)) => Error::Step(Step::Filter, Errno::EBUSY),
        _ => Error::Refused(call, errno),
    }
}

/// The caller's parent.
fn parent() -> Result<PidFd, Error> {
    let parent = process::getppid();
    if parent == Pid::default() {
        let hint =
            "the caller's parent is in another PID namespace, so that its end cannot be seen from here";
        return Err(Error::Value(Source::Parent, "".into(), hint));
    }
    process::pidfd_open(parent, PidfdFlags::empty()).map_err(|errno| Error::Step(Step::Pidfd, errno))
}

/// The protections this kernel lacks and nothing else provides; all of them must have been agreed to.
fn missing(abi: Abi, degraded: &[&str]) -> Result<Vec<&'static Protection>, Error> {
    let (agreed, refused): (Vec<_>, Vec<_>) = PROTECTIONS
        .iter()
        .filter(|protection| !abi.has(protection) && !OTHERWISE.contains(&protection.name))
        .partition(|protection| degraded.contains(&protection.name));
    if refused.is_empty() { Ok(agreed) } else { Err(Error::Missing(refused)) }
}

/// Everything Landlock can refuse, but for ports that are granted without exception, and for UDP: no socket
/// of it can send.
fn handled(connect: &PortList, bind: &PortList) -> Rights {
    let mut net = AccessNet::empty();
    net.set(AccessNet::CONNECT_TCP, !connect.is_all());
    net.set(AccessNet::BIND_TCP, !bind.is_all());
    Rights { fs: AccessFs::all(), net, scope: Scope::all() }
}

/// The ruleset that scopes signals to what the guardian makes, if this ABI can.
///
/// Moving between directories is refused by every layer that does not grant it, even by one that is about no
/// files at all (`_LANDLOCK_ACCESS_FS_INITIALLY_DENIED` in `security/landlock`), so this layer grants it
/// everywhere: the command's own is what decides.
fn guardian_ruleset(abi: Abi, root: &OwnedFd) -> Result<Option<RulesetFd>, Error> {
    let rights = Rights::scoped(Scope::SIGNAL);
    let (_, dropped) = Ruleset::handle(rights).best_effort(abi);
    if !dropped.is_empty() {
        return Ok(None);
    }
    let all = rights.union(Rights::on_files(AccessFs::REFER));
    let ruleset = Ruleset::handle(all).best_effort(abi).0.create(abi).map_err(Error::Landlock)?;
    ruleset.allow_path(AccessFs::REFER, root.as_fd()).map_err(Error::Landlock)?;
    Ok(Some(ruleset))
}

fn allow_ports(ruleset: &RulesetFd, right: AccessNet, list: &PortList) -> Result<(), Error> {
    let mut ports = list.iter().filter(|_| !list.is_all());
    ports.try_for_each(|port| ruleset.allow_port(right, port)).map_err(Error::Landlock)
}

/// What the kernel's 32-bit programs are, for `--allow-compat`.
fn compat_arch() -> Result<Arch, Error> {
    Arch::COMPAT.ok_or_else(|| {
        let hint =
            "no 32-bit programs of this architecture are known; there are i386 on x86_64, and arm on aarch64";
        Error::Value(Source::Compat, std::env::consts::ARCH.into(), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_32_bit_programs_are_not_known_it_is_said() {
        let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
        match compat_arch() {
            Ok(arch) => assert!(known && arch.audit != Arch::NATIVE.audit),
            Err(error) => assert!(!known && error.to_string().starts_with("allow_compat "), "{error}"),
        }
    }

    #[test]
    fn an_old_kernel_needs_an_agreement_for_each_thing_it_lacks() {
        let names = |result: Result<Vec<&'static Protection>, Error>| match result {
            Ok(list) => (true, list.iter().map(|protection| protection.name).collect::<Vec<_>>()),
            Err(Error::Missing(list)) => (false, list.iter().map(|protection| protection.name).collect()),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(names(missing(Abi::assume(6), &[])), (true, vec![]));
        let both = ["signal-scope", "abstract-unix-socket-scope"];
        assert_eq!(names(missing(Abi::assume(5), &[])), (false, both.to_vec()));
        assert_eq!(names(missing(Abi::assume(5), &both)), (true, both.to_vec()));
        assert_eq!(names(missing(Abi::assume(5), &both[..1])), (false, both[1..].to_vec()));
        assert_eq!(names(missing(Abi::assume(3), &both)), (false, vec!["net-tcp", "fs-ioctl-dev"]));
    }
}
