//! The decision of a plan about one operation, with the grants and the mechanism that make it. Nothing is
//! tried.

use core::net::IpAddr;
use core::time::Duration;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sandlock_bpf::{Arch, Table, run, verify};
use sandlock_landlock::{AccessFs, AccessNet, Rights};
use sandlock_notify::egress::{Egress, mapped, of_ip};
use sandlock_sys::Errno;
use sandlock_sys::filter::{AUDIT_ARCH, Data};
use sandlock_sys::nr::{NATIVE, Name, number};

use crate::plan::{self, Grant, Plan};
use crate::policy::{Host, PortList, Reach};
use crate::table::filter::{Rows, table};
use crate::table::{Features, Row, Rule, Then, row_of};

/// An operation of a command.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// A use of a file that takes these rights. What a directory must allow (making, removing) is asked of
    /// the directory.
    File(&'a Path, AccessFs),
    /// A TCP connection to this port of this address.
    Connect(IpAddr, u16),
    /// A TCP connection to this port of the machine that has this name, wherever that is.
    ConnectName(&'a str, u16),
    /// The question for the addresses of a name.
    Resolve(&'a str),
    /// Listening on this TCP port.
    BindTcp(u16),
    /// A system call, by name.
    Call(Name),
    /// The same with these registers.
    CallWith(Name, [u64; 6]),
    /// A signal to a process outside.
    Signal,
}

/// The decision about an operation.
#[derive(Debug)]
pub enum Decision<'p> {
    /// It is granted, by these file rules if it is about a file.
    Granted(Mechanism, Vec<&'p Grant>),
    /// It fails with this error.
    Refused(Mechanism, Errno),
    /// The arguments decide, by the cases of this row or in the supervisor.
    ByArgs(&'static Row),
}

/// What enforces a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Landlock, in the kernel.
    Landlock,
    /// The seccomp filter.
    Filter,
    /// The supervisor, on behalf.
    Supervisor,
    /// The kernel: the capability for it was given up at the start.
    Capabilities,
    /// Nothing: this kernel has no restriction of this kind, and the caller agreed to that.
    Nothing,
    /// A grant of everything of the kind: nothing is restricted.
    NotAsked,
}

impl Plan {
    /// What this plan decides about an operation, on the kernel that it was made for.
    #[must_use]
    pub fn decide(&self, operation: &Operation<'_>) -> Decision<'_> {
        match *operation {
            Operation::File(path, rights) => self.decide_file(path, rights),
            Operation::Connect(address, port) => self.decide_connect(address, port),
            Operation::ConnectName(name, port) => self.decide_machine(name, port),
            Operation::Resolve(name) => self.decide_name(name),
            Operation::BindTcp(port) => self.decide_bind(port),
            Operation::Call(name) => decide_call(name, self.watch.features),
            Operation::CallWith(name, args) => self.decide_registers(name, args),
            Operation::Signal => decide_signal(self.watch.features),
        }
    }

    /// Proves that the filter decides every call as the table does: the number of its paths.
    ///
    /// # Errors
    ///
    /// The call that it decides otherwise, or why there is no proof.
    pub fn verify(&self) -> Result<usize, String> {
        let (native, narrow) =
            (Rows::new(self.watch.features), Rows::new(self.watch.features.union(Features::COMPAT)));
        let (native, narrow) = (native.rows(), narrow.rows());
        let arm = self.report.compat.map(|arch| table(arch, &narrow));
        let table = Table { compat: arm.as_ref(), ..table(Arch::NATIVE, &native) };
        let proof = verify(&table, &self.start.program);
        proof.map(|proof| proof.paths).map_err(|why| format!("{why:?}"))
    }

    /// The decision of the filter.
    fn decide_registers(&self, name: Name, args: [u64; 6]) -> Decision<'_> {
        let (Some(row), Some(number)) = (row_of(name), number(NATIVE, name)) else {
            return Decision::Refused(Mechanism::Filter, Errno::ENOSYS);
        };
        let data = Data { nr: number.cast_signed(), arch: AUDIT_ARCH, args, ..Data::default() };
        // SECCOMP_RET_ACTION_FULL, SECCOMP_RET_DATA
        match run(&self.start.program, &data).map(|word| (word & 0xffff_0000, word & 0xffff)) {
            Ok((0x7fff_0000, _)) => Decision::Granted(Mechanism::Filter, Vec::new()),
            Ok((0x0005_0000, errno @ 1..)) => {
                Decision::Refused(Mechanism::Filter, Errno::new(errno.cast_signed()))
            }
            _ => Decision::ByArgs(row),
        }
    }

    fn decide_file(&self, path: &Path, rights: AccessFs) -> Decision<'_> {
        let wanted = rights.intersection(self.report.handled.fs);
        if wanted.is_empty() {
            return Decision::Granted(Mechanism::Nothing, Vec::new());
        }
        let file = real_or_new(path);
        let covers = |grant: &Grant| plan::real(&grant.path).is_some_and(|top| file.starts_with(top));
        let adds = self.report.grants.iter().filter(|grant| grant.rights.intersects(wanted));
        by_grants(adds.filter(|grant| covers(grant)), wanted)
    }

    fn decide_connect(&self, address: IpAddr, port: u16) -> Decision<'_> {
        let by = self.connects_by();
        if self.is_about_ports() {
            return by_list(&self.watch.connect, by == Mechanism::Landlock, port);
        }
        match Egress::new(&self.watch.rules()).allows(&of_ip(address), port, Duration::ZERO) {
            true => Decision::Granted(by, Vec::new()),
            false => Decision::Refused(by, Errno::EACCES),
        }
    }

    /// The mechanism that judges connections: Landlock where it sees ports and no rule is about machines.
    pub(super) fn connects_by(&self) -> Mechanism {
        let is_seen = self.report.abi.version() >= 4;
        if self.is_about_ports() && is_seen { Mechanism::Landlock } else { Mechanism::Supervisor }
    }

    fn is_about_ports(&self) -> bool {
        self.watch.egress.iter().all(|(allows, rule)| *allows && rule.host == Host::Every)
    }

    fn decide_name(&self, name: &str) -> Decision<'_> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if Egress::new(&self.watch.rules()).resolves(name.as_bytes()) {
            Decision::Granted(Mechanism::Supervisor, Vec::new())
        } else {
            Decision::Refused(Mechanism::Supervisor, Errno::ENOENT)
        }
    }

    fn decide_machine(&self, name: &str, port: u16) -> Decision<'_> {
        // One of those that no machine has (RFC 5737).
        let address = mapped([192, 0, 2, 1]);
        let rules = self.watch.rules();
        let egress = Egress::new(&rules);
        match self.decide_name(name) {
            Decision::Granted(..) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let leads_there = egress.learn(name.as_bytes(), &address, 1, Duration::ZERO);
                if leads_there && egress.allows(&address, port, Duration::ZERO) {
                    Decision::Granted(self.connects_by(), Vec::new())
                } else {
                    Decision::Refused(self.connects_by(), Errno::EACCES)
                }
            }
            refused => refused,
        }
    }

    fn decide_bind(&self, port: u16) -> Decision<'_> {
        by_list(&self.watch.bind, self.report.handled.net.contains(AccessNet::BIND_TCP), port)
    }

    /// The same decisions, without the file system.
    #[must_use]
    pub fn judge(&self) -> Judge {
        let real = |grant: &Grant| Some((plan::real(&grant.path)?, grant.clone()));
        Judge {
            grants: self.report.grants.iter().filter_map(real).collect(),
            writable: self.watch.writable.clone(),
            handled: self.report.handled,
            connect: self.watch.connect.clone(),
            egress: self.watch.egress.clone(),
            bind: self.watch.bind.clone(),
            features: self.watch.features,
        }
    }
}

/// The decisions of a plan about real paths, ports and signals. It needs no file system, whose answers can
/// take any time.
#[derive(Debug)]
pub struct Judge {
    /// Each with its real path.
    grants: Vec<(PathBuf, Grant)>,
    writable: Vec<Vec<u8>>,
    handled: Rights,
    connect: PortList,
    /// Whether each rule of machines allows.
    egress: Vec<(bool, Reach)>,
    bind: PortList,
    features: Features,
}

impl Judge {
    /// As [`Plan::decide`], of a real path.
    #[must_use]
    pub fn decide(&self, operation: &Operation<'_>) -> Decision<'_> {
        let is_seen = |right| self.handled.net.contains(right);
        match *operation {
            Operation::File(path, rights) => {
                let wanted = rights.intersection(self.handled.fs);
                if wanted.is_empty() {
                    return Decision::Granted(Mechanism::Nothing, Vec::new());
                }
                let covers = self.grants.iter().filter(|(top, _)| is_below(path, top));
                by_grants(covers.map(|(_, grant)| grant), wanted)
            }
            // Where a rule is about machines the supervisor answers, and nothing is to be predicted.
            Operation::Connect(_, port) | Operation::ConnectName(_, port) => {
                by_list(&self.connect, is_seen(AccessNet::CONNECT_TCP), port)
            }
            Operation::Resolve(_) => Decision::Granted(Mechanism::Nothing, Vec::new()),
            Operation::BindTcp(port) => by_list(&self.bind, is_seen(AccessNet::BIND_TCP), port),
            Operation::Call(name) | Operation::CallWith(name, _) => decide_call(name, self.features),
            Operation::Signal => decide_signal(self.features),
        }
    }

    /// Whether the rules let a name resolve.
    #[must_use]
    pub fn resolves(&self, name: &str) -> bool {
        let rules: Vec<_> = self.egress.iter().map(|(allows, rule)| rule.as_rule(*allows, false)).collect();
        Egress::new(&rules).resolves(name.as_bytes())
    }

    /// Whether a file is granted, as [`decide`](Self::decide) has it, without naming the grants.
    #[must_use]
    pub fn is_granted(&self, path: &Path, rights: AccessFs) -> bool {
        let covers = self.grants.iter().filter(|(top, _)| is_below(path, top));
        let granted = covers.fold(AccessFs::empty(), |sum, (_, grant)| sum.union(grant.rights));
        granted.contains(rights.intersection(self.handled.fs))
    }

    /// Whether the supervisor changes the metadata of a file, by its real path.
    #[must_use]
    pub fn may_change(&self, path: &Path) -> bool {
        self.writable.iter().any(|top| path.starts_with(OsStr::from_bytes(top)))
    }
}

/// Whether a path lies at or below another, both as the kernel spells them.
fn is_below(path: &Path, top: &Path) -> bool {
    let (path, top) = (path.as_os_str().as_bytes(), top.as_os_str().as_bytes());
    let rest = path.strip_prefix(top.strip_suffix(b"/").unwrap_or(top));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The decision of Landlock, by these grants that cover the file.
fn by_grants<'g>(grants: impl Iterator<Item = &'g Grant>, wanted: AccessFs) -> Decision<'g> {
    let grants: Vec<&Grant> = grants.filter(|grant| grant.rights.intersects(wanted)).collect();
    let granted = grants.iter().fold(AccessFs::empty(), |sum, grant| sum.union(grant.rights));
    if granted.contains(wanted) {
        Decision::Granted(Mechanism::Landlock, grants)
    } else {
        Decision::Refused(Mechanism::Landlock, Errno::EACCES)
    }
}

/// The decision about a port.
fn by_list<'p>(list: &PortList, is_seen: bool, port: u16) -> Decision<'p> {
    let by = if is_seen { Mechanism::Landlock } else { Mechanism::Supervisor };
    match (list.is_all(), list.as_ports().contains(port)) {
        (true, _) => Decision::Granted(Mechanism::NotAsked, Vec::new()),
        (false, true) => Decision::Granted(by, Vec::new()),
        (false, false) => Decision::Refused(by, Errno::EACCES),
    }
}

fn decide_signal<'p>(features: Features) -> Decision<'p> {
    if features.contains(Features::SCOPED) {
        Decision::Refused(Mechanism::Landlock, Errno::EPERM)
    } else {
        Decision::Granted(Mechanism::Nothing, Vec::new())
    }
}

impl Row {
    /// Whether the supervisor is asked, with some features and some arguments.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        match &self.rule {
            Rule::Ask(_) => true,
            Rule::ByArgs(cases, last) => {
                let mut all = cases.iter().map(|case| case.then).chain([*last]);
                all.any(|then| matches!(then, Then::Ask(_)))
            }
            Rule::Allow | Rule::Refuse(_) => false,
        }
    }
}

fn decide_call<'p>(name: Name, features: Features) -> Decision<'p> {
    let refused = |errno| Decision::Refused(Mechanism::Filter, errno);
    let granted = Decision::Granted(Mechanism::Filter, Vec::new());
    let Some(row) = row_of(name) else { return refused(Errno::ENOSYS) };
    let then = match &row.rule {
        Rule::Allow => Then::Allow,
        Rule::Refuse(errno) => Then::Refuse(*errno),
        Rule::Ask(_) => return Decision::ByArgs(row),
        Rule::ByArgs(cases, last) => match cases.iter().find(|case| case.applies(features)) {
            Some(case) if case.has_tests() => return Decision::ByArgs(row),
            Some(case) => case.then,
            None => *last,
        },
    };
    match then {
        Then::Allow | Then::Observe => granted,
        Then::Refuse(errno) => refused(errno),
        Then::Ignore | Then::Ask(_) => Decision::ByArgs(row),
    }
}

/// The path as the kernel spells it; of a file that is not there yet, as far as it is there, and the rest.
fn real_or_new(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|top| {
        let from = if top.as_os_str().is_empty() { Path::new(".") } else { top };
        Some(plan::real(from)?.join(path.strip_prefix(top).ok()?))
    });
    // Joined with nothing, a path ends with a slash, which is none of a name.
    there.map_or_else(|| path.to_owned(), |path| path.components().collect())
}
