//! From what was asked to what will be done: rules written, the filter compiled. All that can fail with a name fails here.

use std::ffi::{CString, OsString};
use std::path::Path;
use std::sync::Mutex;

use core::time::Duration;

use sandlock_bpf::{Action, Arch, Assembler, Row, Table};
use sandlock_landlock::{
    Abi, AccessFs, AccessNet, PROTECTIONS, Protection, Rights, Ruleset, RulesetFd, Scope,
};
use sandlock_sys::seccomp::SockFilter;
use sandlock_sys::{AsFd, Errno, OwnedFd};

use crate::command;
use crate::error::Error;
use crate::index::{self, rows};
use crate::policy::Policy;
use crate::ports::PortList;
use crate::rules::{Rules, c_path, home, open};
use crate::table::Facts;
use crate::tmp::PrivateTmp;

/// The longest filter we make, in instructions; the kernel's limit is 4096.
const PROGRAM_MAX: usize = 1024;

/// Protections whose loss is made good by the filter and the supervisor, on every kernel.
const OTHERWISE: &[&str] = &["unix-path", "net-udp"];

/// A command, and everything that is needed to start it, as often as one likes: rules and filter are made once.
///
/// All runs of one plan have one private temporary directory, which is removed with the plan.
#[derive(Debug)]
pub struct Plan {
    pub(crate) abi: Abi,
    /// What the caller agreed to go without.
    pub(crate) missing: Vec<&'static Protection>,
    pub(crate) facts: Facts,
    /// What the command enforces on itself; none once it does, for the run is long and the rules are many.
    pub(crate) ruleset: Option<RulesetFd>,
    /// What the supervisor enforces on itself: it may not do for the command what the command may not do.
    pub(crate) own: Option<RulesetFd>,
    /// What the guardian enforces on itself: it can signal what it made, and nobody else.
    pub(crate) cage: Option<RulesetFd>,
    pub(crate) program: Vec<SockFilter>,
    /// The real paths that may be written.
    pub(crate) trees: Vec<Vec<u8>>,
    pub(crate) connect: PortList,
    pub(crate) bind: PortList,
    /// As it was typed.
    pub(crate) name: OsString,
    pub(crate) path: CString,
    pub(crate) argv: Vec<CString>,
    pub(crate) env: Vec<CString>,
    pub(crate) cwd: Option<CString>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) keep_caps: bool,
    /// What the caller may want to know about the rules.
    pub(crate) notes: Vec<String>,
    /// What the rules of the base profile are about. They are closed while the command starts: that takes as long as opening them.
    places: Mutex<Vec<OwnedFd>>,
    /// Held until it is dropped, which removes it.
    pub(crate) tmp: Option<PrivateTmp>,
}

impl Plan {
    pub(crate) fn new(policy: &Policy, command: &[OsString]) -> Result<Self, Error> {
        let (name, arguments) = command.split_first().ok_or(Error::NoCommand)?;
        let abi = match policy.abi {
            Some(abi) => abi,
            None => Abi::current().map_err(Error::NoLandlock)?,
        };
        let missing = missing(abi, &policy.degraded)?;
        let rights = handled(policy);
        let (ruleset, dropped) = Ruleset::handle(rights).best_effort(abi);
        let facts = Facts { sees_unix: !dropped.fs.contains(AccessFs::RESOLVE_UNIX), compat: false };
        let mut rules = Rules {
            ruleset: ruleset.create(abi).map_err(Error::Landlock)?,
            places: Vec::new(),
            trees: Vec::new(),
            notes: Vec::new(),
        };

        let mut env = command::environment(policy)?;
        let cwd = policy.cwd.clone();
        let (path, file) = command::find(name, &env, cwd.as_deref())?;
        let mut tmp = None;
        if policy.base {
            let home = home();
            rules.base(&file, cwd.as_deref(), home.as_deref())?;
            // Absolute, for the command may start elsewhere; an empty TMPDIR is none.
            let parent = std::path::absolute(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
            let made = PrivateTmp::create(&parent).map_err(|errno| Error::Tmp(parent, errno))?;
            rules.write("TMPDIR", made.path())?;
            if !policy.env.iter().any(|(name, _)| name == "TMPDIR") {
                command::set(&mut env, "TMPDIR".into(), made.path().into());
            }
            tmp = Some(made);
            command::without_git_config(&mut env, policy, home.as_deref());
        }
        for path in &policy.read {
            rules.read("-r", path)?;
        }
        for path in &policy.write {
            rules.write("-w", path)?;
        }
        allow_ports(&rules.ruleset, policy)?;

        let scopes = Rights::scoped(Scope::all());
        let net = Rights { net: rights.net, ..Rights::NONE };
        let own = side_ruleset(scopes.union(net), abi)?;
        if let Some(own) = &own {
            allow_ports(own, policy)?;
        }
        Ok(Self {
            abi,
            missing,
            facts,
            ruleset: Some(rules.ruleset),
            own,
            cage: side_ruleset(Rights::scoped(Scope::SIGNAL), abi)?,
            program: filter(facts, if policy.compat { Some(compat_arch()?) } else { None })?,
            trees: rules.trees,
            connect: policy.connect.clone(),
            bind: policy.bind.clone(),
            name: name.clone(),
            path: path.clone(),
            argv: command::strings("CMD", core::iter::once(name).chain(arguments).cloned())?,
            env: command::strings("--env", env.iter().map(|(name, value)| command::join(name, value)))?,
            cwd: cwd.map(|cwd| c_path("--cwd", &cwd)).transpose()?,
            timeout: policy.timeout,
            keep_caps: policy.keep_caps,
            notes: rules.notes,
            places: Mutex::new(rules.places),
            tmp,
        })
    }

    pub(crate) fn close_places(&self) {
        if let Ok(mut places) = self.places.lock() {
            places.clear();
        }
    }

    /// The filter, as the kernel gets it.
    #[must_use]
    pub fn program(&self) -> &[SockFilter] {
        &self.program
    }
}

/// The protections this kernel lacks and nothing else provides; all of them must have been agreed to.
fn missing(abi: Abi, degraded: &[&str]) -> Result<Vec<&'static Protection>, Error> {
    let (agreed, refused): (Vec<_>, Vec<_>) = PROTECTIONS
        .iter()
        .filter(|protection| protection.abi > abi.version() && !OTHERWISE.contains(&protection.name))
        .partition(|protection| degraded.contains(&protection.name));
    if refused.is_empty() { Ok(agreed) } else { Err(Error::Missing(refused)) }
}

/// Everything Landlock can refuse, but for ports that are granted without exception.
fn handled(policy: &Policy) -> Rights {
    let mut net = AccessNet::all();
    net.set(AccessNet::CONNECT_TCP, !policy.connect.is_all());
    net.set(AccessNet::BIND_TCP, !policy.bind.is_all());
    Rights { fs: AccessFs::all(), net, scope: Scope::all() }
}

/// A ruleset of what this ABI has of `rights`, if that is anything.
///
/// Moving between directories is refused by every layer that does not grant it, even by one that is about no files at all
/// (`_LANDLOCK_ACCESS_FS_INITIALLY_DENIED` in `security/landlock`), so these layers grant it everywhere: the command's own is what decides.
fn side_ruleset(rights: Rights, abi: Abi) -> Result<Option<RulesetFd>, Error> {
    let (_, dropped) = Ruleset::handle(rights).best_effort(abi);
    let possible = rights.difference(dropped);
    if possible.is_empty() {
        return Ok(None);
    }
    let all = possible.union(Rights::on_files(AccessFs::REFER));
    let ruleset = Ruleset::handle(all).best_effort(abi).0.create(abi).map_err(Error::Landlock)?;
    let root = open("/", Path::new("/"))?;
    ruleset.allow_path(AccessFs::REFER, root.as_fd()).map_err(Error::Landlock)?;
    Ok(Some(ruleset))
}

fn allow_ports(ruleset: &RulesetFd, policy: &Policy) -> Result<(), Error> {
    for (list, right) in [(&policy.connect, AccessNet::CONNECT_TCP), (&policy.bind, AccessNet::BIND_TCP)] {
        for port in list.iter() {
            ruleset.allow_port(right, port).map_err(Error::Landlock)?;
        }
    }
    Ok(())
}

/// What the kernel's 32-bit programs are, for `--allow-compat`.
fn compat_arch() -> Result<Arch, Error> {
    Arch::COMPAT.ok_or_else(|| {
        let hint =
            "no 32-bit programs of this architecture are known; there are i386 on x86_64, and arm on aarch64";
        Error::Value("--allow-compat", std::env::consts::ARCH.into(), hint)
    })
}

/// The filter of the running architecture, with an arm for the 32-bit programs of another one if there is to be.
pub(crate) fn filter(facts: Facts, compat: Option<Arch>) -> Result<Vec<SockFilter>, Error> {
    let mut asm = Assembler::<PROGRAM_MAX>::new();
    let rows = rows(facts);
    let native = table(Arch::NATIVE, &rows);
    let program = match compat {
        None => native.compile(&mut asm),
        Some(arch) => {
            let rows = index::rows(Facts { compat: true, ..facts });
            Table { compat: Some(&table(arch, &rows)), ..native }.compile(&mut asm)
        }
    };
    program.map(<[_]>::to_vec).map_err(Error::Filter)
}

/// What a filter is made from, and what it must equal.
pub(crate) const fn table<'a>(arch: Arch, rows: &'a [Row<'static>]) -> Table<'a> {
    let (missing, foreign) = (Action::errno(Errno::ENOSYS), Action::KILL_PROCESS);
    Table { arch, rows, missing, foreign, compat: None }
}

/// For messages.
impl Plan {
    /// Whether something is not enforced that would be on a newer kernel.
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        !self.missing.is_empty()
    }

    /// What the caller may want to know about the rules.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::FAMILIES;
    use sandlock_bpf::{Answer, check, constant, run, trace, verify};
    use sandlock_sys::nr;
    use sandlock_sys::seccomp::Data;
    use std::collections::BTreeMap;

    const OLD: Facts = Facts { sees_unix: false, compat: false };
    const NEW: Facts = Facts { sees_unix: true, ..OLD };
    const BOTH: [Facts; 2] = [OLD, NEW];
    const ALL: [(&str, &[(&str, u32)]); 8] = [
        ("x86_64", nr::x86_64::TABLE),
        ("i386", nr::i386::TABLE),
        ("aarch64", nr::aarch64::TABLE),
        ("arm", nr::arm::TABLE),
        ("riscv64", nr::riscv64::TABLE),
        ("s390x", nr::s390x::TABLE),
        ("ppc64le", nr::ppc64le::TABLE),
        ("loongarch64", nr::loongarch64::TABLE),
    ];

    #[test]
    fn every_call_of_every_architecture_is_in_exactly_one_family() {
        let mut seen = BTreeMap::new();
        for name in FAMILIES.iter().flat_map(|family| family.names.split_ascii_whitespace()) {
            *seen.entry(name).or_insert(0) += 1;
        }
        let twice: Vec<_> = seen.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "in several families: {twice:?}");
        for (arch, table) in ALL {
            let none: Vec<_> = table.iter().filter(|(name, _)| !seen.contains_key(name)).collect();
            assert!(none.is_empty(), "{arch}: in no family: {none:?}");
        }
        let unknown: Vec<_> = seen
            .keys()
            .filter(|name| ALL.iter().all(|(_, table)| nr::number(table, name).is_none()))
            .collect();
        assert!(unknown.is_empty(), "no architecture has: {unknown:?}");
    }

    /// What libc calls: Arm has no other.
    const MMAP: &str = if cfg!(target_pointer_width = "32") { "mmap2" } else { "mmap" };

    /// What these facts are about: numbers and architecture.
    fn about(facts: Facts) -> (&'static [(&'static str, u32)], Arch) {
        if facts.compat { (nr::COMPAT, Arch::COMPAT.unwrap()) } else { (nr::NATIVE, Arch::NATIVE) }
    }

    fn answers(name: &str, args: [u64; 6], facts: Facts) -> Action {
        let (numbers, arch) = about(facts);
        let nr = nr::number(numbers, name).unwrap().cast_signed();
        let data = Data { nr, arch: arch.audit, args, ..Data::default() };
        let rows = rows(facts);
        let by_table = table(arch, &rows).answer(&data);
        let alone = if facts.compat { None } else { Some(filter(facts, None).unwrap()) };
        for program in alone.into_iter().chain([filter(facts, Arch::COMPAT).unwrap()]) {
            assert_eq!(run(&program, &data).unwrap(), by_table.word(), "{name} {args:x?}");
        }
        by_table
    }

    /// Flags of clone(2), with a stack that would be refused as flags.
    const fn clone_flags(flags: u64) -> [u64; 6] {
        const STACK: u64 = 0x1000_8000;
        if cfg!(target_arch = "s390x") { [STACK, flags, 0, 0, 0, 0] } else { [flags, STACK, 0, 0, 0, 0] }
    }

    #[test]
    fn arguments_decide_as_the_table_says_and_high_halves_do_not_matter() {
        const GARBAGE: u64 = 0xdead_beef_0000_0000;
        let errno = Action::errno;
        let compat = Arch::COMPAT.map(|_| Facts { compat: true, ..OLD });
        for (name, args, want) in [
            ("ioctl", [0, 0x5412, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("ioctl", [0, GARBAGE | 0x5412, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("ioctl", [0, 0x541c, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("ioctl", [0, 0x5401, 0, 0, 0, 0], Action::ALLOW),
            ("ioctl", [0, 0x8912, 0, 0, 0, 0], Action::USER_NOTIF),
            ("ioctl", [0, 0x8971, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("ioctl", [0, 0x890f, 0, 0, 0, 0], Action::ALLOW),
            ("socket", [1, 1, 0, 0, 0, 0], Action::ALLOW),
            ("socket", [1, 2, 0, 0, 0, 0], Action::USER_NOTIF),
            ("socket", [1, 3, 0, 0, 0, 0], errno(Errno::EACCES)),
            ("socket", [2, 0x80801, 6, 0, 0, 0], Action::ALLOW),
            ("socket", [GARBAGE | 2, GARBAGE | 1, GARBAGE, 0, 0, 0], Action::ALLOW),
            ("socket", [2, 1, 262, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
            ("socket", [10, 1, 132, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
            ("socket", [2, 1, 256, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
            ("socket", [2, 2, 0, 0, 0, 0], errno(Errno::EACCES)),
            ("socket", [2, 3, 1, 0, 0, 0], errno(Errno::EPERM)),
            ("socket", [2, 10, 3, 0, 0, 0], errno(Errno::EPERM)),
            ("socket", [16, 3, 0, 0, 0, 0], Action::USER_NOTIF),
            ("socket", [16, 0x80802, 0, 0, 0, 0], Action::USER_NOTIF),
            ("socket", [16, 3, 4, 0, 0, 0], Action::USER_NOTIF),
            ("socket", [16, 3, GARBAGE | 16, 0, 0, 0], Action::USER_NOTIF),
            ("socket", [16, 2, 15, 0, 0, 0], Action::USER_NOTIF),
            ("socket", [16, 3, 12, 0, 0, 0], errno(Errno::EPROTONOSUPPORT)),
            ("socket", [17, 3, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
            ("socket", [38, 5, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
            ("socket", [40, 1, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
            ("socket", [43, 1, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
            ("socketpair", [1, 2, 0, 0, 0, 0], errno(Errno::EACCES)),
            ("socketpair", [30, 1, 0, 0, 0, 0], errno(Errno::EAFNOSUPPORT)),
            ("sendto", [3, 1, 20, 0, 0, 0], Action::USER_NOTIF),
            ("sendto", [3, 1, 21, 0, 0, 0], Action::ALLOW),
            ("sendto", [3, 1, 20, 0, 1 << 40, 0], Action::ALLOW),
            ("sendto", [3, 1, 20, 0x2000_0000, 9, 16], errno(Errno::EOPNOTSUPP)),
            ("sendmsg", [3, 1, 0x2000_4000, 0, 0, 0], errno(Errno::EOPNOTSUPP)),
            ("sendmmsg", [3, 1, 1, GARBAGE | 0x2000_0000, 0, 0], errno(Errno::EOPNOTSUPP)),
            ("sendmmsg", [3, 1, 0x2000_0000, 0, 0, 0], Action::ALLOW),
            ("clone", clone_flags(0x1000_0000), errno(Errno::EPERM)),
            ("clone", clone_flags(0x8011), errno(Errno::EPERM)),
            ("clone", clone_flags(0x3d_0f00), Action::ALLOW),
            ("clone3", [0; 6], errno(Errno::ENOSYS)),
            ("unshare", [0x80, 0, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("unshare", [0x400, 0, 0, 0, 0, 0], Action::ALLOW),
            ("personality", [0xffff_ffff, 0, 0, 0, 0, 0], Action::ALLOW),
            ("personality", [0x4_0000, 0, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("prctl", [4, 0, 0, 0, 0, 0], errno(Errno::EPERM)),
            ("prctl", [4, 1, 0, 0, 0, 0], Action::ALLOW),
            ("prctl", [15, 0, 0, 0, 0, 0], Action::ALLOW),
            ("prlimit64", [0, 7, 0, 0, 0, 0], Action::ALLOW),
            ("prlimit64", [1, 7, 0, 0, 0, 0], Action::USER_NOTIF),
            ("setpriority", [0, 0, 5, 0, 0, 0], Action::ALLOW),
            ("setpriority", [0, 9, 5, 0, 0, 0], Action::USER_NOTIF),
            ("setpriority", [2, 0, 5, 0, 0, 0], errno(Errno::EPERM)),
            ("ioprio_set", [3, 0, 5, 0, 0, 0], errno(Errno::EPERM)),
            ("memfd_create", [1, 1, 0, 0, 0, 0], Action::USER_NOTIF),
            ("memfd_create", [1, 0x10, 0, 0, 0, 0], errno(Errno::EACCES)),
            ("memfd_create", [1, 9, 0, 0, 0, 0], Action::ALLOW),
            ("getsockopt", [3, 1, 3, 0, 0, 0], Action::USER_NOTIF),
            ("getsockopt", [3, 1, 4, 0, 0, 0], Action::ALLOW),
            ("setsockopt", [3, 270, 11, 0, 0, 0], Action::USER_NOTIF),
            ("setsockopt", [3, 6, 31, 0, 0, 0], errno(Errno::ENOPROTOOPT)),
        ] {
            let fits = args.iter().all(|arg| *arg < 1 << 32 || arg & GARBAGE != 0);
            if fits || cfg!(target_pointer_width = "64") {
                assert_eq!(answers(name, args, OLD), want, "{name} {args:x?}");
            }
            // The 32-bit call is the same, but that only half of each register counts.
            if let Some(facts) = compat
                && fits
            {
                assert_eq!(answers(name, args, facts), want, "{name} {args:x?}");
                assert_eq!(answers(name, args.map(|arg| arg | GARBAGE), facts), want, "{name} {args:x?}");
            }
        }
        assert_eq!(answers("socket", [1, 2, 0, 0, 0, 0], NEW), Action::ALLOW);
        assert_eq!(answers("socketpair", [1, 2, 0, 0, 0, 0], NEW), Action::ALLOW);
        assert_eq!(answers("socket", [2, 2, 0, 0, 0, 0], NEW), errno(Errno::EACCES));
        if let Some(facts) = compat {
            // FS_IOC32_SETVERSION and EXT4_IOC32_SETVERSION; a call that the native table has not.
            for request in [0x4004_7602, 0x4004_6604] {
                assert_eq!(answers("ioctl", [0, request, 0, 0, 0, 0], facts), errno(Errno::EPERM));
            }
            assert_eq!(answers("fcntl64", [0, 4, 0, 0, 0, 0], facts), Action::USER_NOTIF);
            assert_eq!(answers("chown32", [0; 6], facts), Action::USER_NOTIF);
        }
    }

    #[test]
    fn the_requests_that_are_refused_have_the_numbers_of_this_architecture() {
        use linux_raw_sys::ioctl::*;
        for request in [
            TIOCSTI,
            TIOCLINUX,
            TIOCSETD,
            TIOCCONS,
            FS_IOC_SETFLAGS,
            FS_IOC32_SETFLAGS,
            FS_IOC_FSSETXATTR,
            FS_IOC_ENABLE_VERITY,
            FS_IOC_SETVERSION,
            EXT4_IOC_SETVERSION,
            FS_IOC_SET_ENCRYPTION_POLICY,
            FAT_IOCTL_SET_ATTRIBUTES,
            BTRFS_IOC_SNAP_CREATE,
            BTRFS_IOC_SNAP_CREATE_V2,
            BTRFS_IOC_SUBVOL_CREATE,
            BTRFS_IOC_SUBVOL_CREATE_V2,
            BTRFS_IOC_SNAP_DESTROY,
            BTRFS_IOC_SNAP_DESTROY_V2,
            BTRFS_IOC_SUBVOL_SETFLAGS,
        ] {
            let args = [0, request.into(), 0, 0, 0, 0];
            assert_eq!(answers("ioctl", args, BOTH[0]), Action::errno(Errno::EPERM), "{request:#x}");
        }
        for (request, want) in
            [(FIONBIO, Action::USER_NOTIF), (SIOCGIFCONF, Action::USER_NOTIF), (TCGETS, Action::ALLOW)]
        {
            assert_eq!(answers("ioctl", [0, request.into(), 0, 0, 0, 0], BOTH[0]), want, "{request:#x}");
        }
    }

    #[test]
    fn the_filter_equals_the_table_for_every_number_and_passes_the_kernels_rules() {
        for (facts, arch) in BOTH.into_iter().flat_map(|facts| [(facts, None), (facts, Arch::COMPAT)]) {
            let program = filter(facts, arch).unwrap();
            check(&program).unwrap();
            let (rows, others) = (rows(facts), rows(Facts { compat: true, ..facts }));
            let others = arch.map(|arch| table(arch, &others));
            let table = Table { compat: others.as_ref(), ..table(Arch::NATIVE, &rows) };
            // For every number and every value of every argument, by enumeration of the program's paths.
            verify(&table, &program).unwrap();
            let numbers = (0..=4095).chain([0x4000_0000, 0x4000_0001, 0x7fff_ffff, -1, i32::MIN]);
            for nr in numbers {
                for arch in [sandlock_sys::filter::AUDIT_ARCH, 0x4000_0003, 0x4000_0028, 0] {
                    for args in [[0; 6], [u64::MAX; 6], [1, 2, 3, 4, 5, 6]] {
                        let data = Data { nr, arch, args, ..Data::default() };
                        assert_eq!(run(&program, &data).unwrap(), table.answer(&data).word(), "{data:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_allowed_without_a_look_is_answered_by_the_kernels_bitmap() {
        let compat = Arch::COMPAT.map(|_| Facts { compat: true, ..OLD });
        for facts in BOTH.into_iter().chain(compat) {
            let (numbers, arch) = about(facts);
            let program = filter(facts, compat.and(Arch::COMPAT)).unwrap();
            for row in rows(facts) {
                let constant = constant(&program, arch, row.nr);
                match row.answer {
                    Answer::Always(action) => assert_eq!(constant, Some(action), "{}", row.nr),
                    Answer::Cases(..) => assert_eq!(constant, None, "{}", row.nr),
                }
            }
            for hot in [
                "read",
                "write",
                if facts.compat { "mmap2" } else { MMAP },
                "futex",
                "close",
                "openat",
                "recvfrom",
                "recvmsg",
                "wait4",
                // Without these nobody gets back from a signal, or into a call that one interrupted.
                "rt_sigreturn",
                "restart_syscall",
                "exit_group",
            ] {
                let nr = nr::number(numbers, hot).unwrap();
                assert_eq!(constant(&program, arch, nr), Some(Action::ALLOW), "{hot}");
            }
        }
    }

    #[test]
    fn what_is_hot_takes_few_instructions() {
        let program = filter(OLD, None).unwrap();
        // s390x has the longest: the numbers of its families lie scattered.
        assert!(program.len() <= 320, "{}", program.len());
        for name in ["read", "write", MMAP, "futex"] {
            let nr = nr::number(nr::NATIVE, name).unwrap().cast_signed();
            let data = Data { nr, arch: sandlock_sys::filter::AUDIT_ARCH, ..Data::default() };
            let steps = trace(&program, &data).unwrap().steps;
            println!("{name}: {steps} of {} instructions", program.len());
            assert!(steps <= 16, "{name}: {steps}");
        }
    }

    #[test]
    fn where_32_bit_programs_are_not_known_it_is_said() {
        let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
        match compat_arch() {
            Ok(arch) => assert!(known && arch.audit != Arch::NATIVE.audit),
            Err(error) => assert!(!known && error.to_string().starts_with("--allow-compat "), "{error}"),
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
