//! The policy: what a command may do, as it was asked for. Nothing is opened or checked here;
//! [`Plan`](crate::Plan) does that.

mod ports;
mod source;

use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use sandlock_landlock::Abi;

use crate::error::Error;

pub use ports::{Host, PortList, Reach};
pub use source::Source;

/// The rights of a command. Everything that is not granted here is refused.
///
/// ```no_run
/// use sandlock::{Outcome, Policy};
///
/// let mut policy = Policy::base();
/// policy.read("/opt/tool").write("out").connect("443".parse()?);
/// match policy.run(["make", "-j4"])? {
///     Outcome::Exited(0) => println!("built"),
///     other => println!("failed: {other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Policy {
    pub(crate) base: bool,
    pub(crate) read: Vec<PathBuf>,
    pub(crate) write: Vec<PathBuf>,
    pub(crate) connect: PortList,
    /// Further rules of machines: whether each allows.
    pub(crate) egress: Vec<(bool, Reach)>,
    pub(crate) private_names: bool,
    pub(crate) bind: PortList,
    /// Without a value: the caller's.
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) clean_env: bool,
    pub(crate) home: Home,
    /// In ascending order.
    pub(crate) kept_fds: Vec<i32>,
    pub(crate) die_with_parent: bool,
    pub(crate) no_ptrace: bool,
    pub(crate) shm: bool,
    pub(crate) streams: bool,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) keep_caps: bool,
    pub(crate) degraded: Vec<&'static str>,
    pub(crate) compat: bool,
    pub(crate) observed: bool,
    pub(crate) abi: Option<Abi>,
}

/// The home of a command. Whichever it is, the command reads only the granted part of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Home {
    /// The private directory: empty, but for the user's name and address for git; removed at the end.
    #[default]
    Private,
    /// The user's: `HOME` and its like are passed on.
    Keep,
    /// A directory that stays, made if it is not there.
    At(PathBuf),
}

impl Policy {
    /// The base profile: read and execute what the system has installed, `/etc` as far as any user may, the
    /// toolchains of `PATH`, the project around the current directory, the harmless devices, `/proc`; write
    /// to a private directory that is home and temporary directory, and is removed at the end; no network, no
    /// secrets of the environment, nothing else.
    pub fn base() -> Self {
        Self { base: true, ..Self::default() }
    }

    /// Nothing at all: not even the command itself can be read without a rule for it.
    pub fn none() -> Self {
        Self::default()
    }

    /// Grants reading, listing and executing a file, or everything below a directory. A relative path starts
    /// at the current directory.
    pub fn read(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.read.push(path.into());
        self
    }

    /// Grants changing too: writing, making, moving, removing, and connecting to unix sockets there.
    pub fn write(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.write.push(path.into());
        self
    }

    /// Grants TCP connections to these ports, of any address.
    pub fn connect(&mut self, ports: PortList) -> &mut Self {
        self.connect.extend(&ports);
        self
    }

    /// Grants TCP connections to some ports of some machines. Names are resolved for the command, and where
    /// they lead is where it may connect.
    pub fn allow(&mut self, reach: Reach) -> &mut Self {
        match reach.host {
            Host::Every => self.connect.extend(&reach.ports),
            _ => self.egress.push((true, reach)),
        }
        self
    }

    /// Refuses them, whatever else grants them.
    pub fn deny(&mut self, reach: Reach) -> &mut Self {
        self.egress.push((false, reach));
        self
    }

    /// Lets granted names lead to addresses that only this machine or a local network has.
    pub const fn private_names(&mut self) -> &mut Self {
        self.private_names = true;
        self
    }

    /// Grants listening on these TCP ports.
    pub fn bind(&mut self, ports: PortList) -> &mut Self {
        self.bind.extend(&ports);
        self
    }

    /// Sets a variable of the command's environment.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Passes a variable of the caller's on, though it may be a secret.
    pub fn pass_env(&mut self, name: impl Into<OsString>) -> &mut Self {
        self.env.push((name.into(), None));
        self
    }

    /// The command's home, with the base profile.
    pub fn home(&mut self, home: Home) -> &mut Self {
        self.home = home;
        self
    }

    /// Starts with an environment of `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `TERM`, `LANG`, `LC_*` and
    /// `TZ` only.
    pub const fn clean_env(&mut self) -> &mut Self {
        self.clean_env = true;
        self
    }

    /// Passes an open descriptor on to the command, by its number, with all that it is open for.
    pub fn keep_fd(&mut self, number: i32) -> &mut Self {
        if number > 2 && !self.kept_fds.contains(&number) {
            self.kept_fds.push(number);
            self.kept_fds.sort_unstable();
        }
        self
    }

    /// Ends everything in the sandbox when the calling process's parent ends. If that has happened before the
    /// plan is made, the process that has adopted the caller is meant.
    pub const fn die_with_parent(&mut self) -> &mut Self {
        self.die_with_parent = true;
        self
    }

    /// With the base profile, grants opening by name (`/dev/stdout`) what the caller's standard descriptors
    /// are open on, as far as they are: for a command that has them too.
    pub const fn streams(&mut self) -> &mut Self {
        self.streams = true;
        self
    }

    /// Closes ptrace(2), process_vm_readv(2) and their like, by which processes of the sandbox look into each
    /// other otherwise.
    pub const fn no_ptrace(&mut self) -> &mut Self {
        self.no_ptrace = true;
        self
    }

    /// With the base profile, POSIX shared memory and semaphores of the command's own, in the private
    /// directory, unless the policy grants `/dev/shm`.
    pub const fn shm(&mut self) -> &mut Self {
        self.shm = true;
        self
    }

    /// The directory that the command starts in.
    pub fn cwd(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.cwd = Some(path.into());
        self
    }

    /// After this long everything in the sandbox is killed.
    pub const fn timeout(&mut self, after: Duration) -> &mut Self {
        self.timeout = Some(after);
        self
    }

    /// Keeps the capabilities of the caller, which are given up otherwise.
    pub const fn keep_caps(&mut self) -> &mut Self {
        self.keep_caps = true;
        self
    }

    /// Agrees to run without a [protection](sandlock_landlock::PROTECTIONS) that this kernel does not have.
    ///
    /// # Errors
    ///
    /// No protection has this name.
    pub fn allow_degraded(&mut self, name: &str) -> Result<&mut Self, Error> {
        let known = sandlock_landlock::PROTECTIONS.iter().find(|protection| protection.name == name);
        let hint = "there is no protection of this name; `sandlock check` lists them";
        let known = known.ok_or_else(|| Error::Value(Source::Degraded, name.into(), hint))?;
        self.degraded.push(known.name);
        Ok(self)
    }

    /// Lets 32-bit programs run too, which are killed otherwise: those of i386 on x86_64, and of arm on
    /// aarch64. The same rules hold for them.
    pub const fn allow_compat(&mut self) -> &mut Self {
        self.compat = true;
        self
    }

    /// Hands refused calls, and calls that Landlock may refuse, to the observer of
    /// [`Plan::run_observed`](crate::Plan::run_observed). Nothing is decided otherwise.
    pub const fn observe(&mut self) -> &mut Self {
        self.observed = true;
        self
    }

    /// Plans as for a kernel of this Landlock ABI, which must not be newer than the running one's: for tests
    /// of what older kernels do.
    pub const fn assume_abi(&mut self, abi: Abi) -> &mut Self {
        self.abi = Some(abi);
        self
    }
}
