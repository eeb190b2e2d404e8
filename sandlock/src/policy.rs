//! What was asked: the library's public face. Nothing is opened or checked here; [`Plan`](crate::Plan) does that.

use core::time::Duration;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use sandlock_landlock::Abi;

use crate::error::Error;
use crate::plan::Plan;
use crate::ports::PortList;
use crate::supervise::Outcome;

/// What a command may do. Everything that is not said here is refused.
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
#[derive(Debug, Clone)]
#[must_use]
pub struct Policy {
    pub(crate) base: bool,
    pub(crate) read: Vec<PathBuf>,
    pub(crate) write: Vec<PathBuf>,
    pub(crate) connect: PortList,
    pub(crate) bind: PortList,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) clean_env: bool,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) keep_caps: bool,
    pub(crate) degraded: Vec<&'static str>,
    pub(crate) compat: bool,
    pub(crate) abi: Option<Abi>,
}

impl Policy {
    /// The base profile: read and execute what the system has installed, a narrow `/etc`, the current directory, the harmless devices, `/proc`;
    /// write to a private temporary directory that is removed at the end; no network, nothing else.
    pub fn base() -> Self {
        let mut policy = Self::none();
        policy.base = true;
        policy
    }

    /// Nothing at all: not even the command itself can be read until a rule says so.
    pub const fn none() -> Self {
        Self {
            base: false,
            read: Vec::new(),
            write: Vec::new(),
            connect: PortList::NONE,
            bind: PortList::NONE,
            env: Vec::new(),
            clean_env: false,
            cwd: None,
            timeout: None,
            keep_caps: false,
            degraded: Vec::new(),
            compat: false,
            abi: None,
        }
    }

    /// Grants reading, listing and executing a file, or everything below a directory. A relative path starts at the current directory.
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

    /// Grants listening on these TCP ports.
    pub fn bind(&mut self, ports: PortList) -> &mut Self {
        self.bind.extend(&ports);
        self
    }

    /// Sets a variable of the command's environment.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Starts with an environment of `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `TERM`, `LANG`, `LC_*` and `TZ` only.
    pub const fn clean_env(&mut self) -> &mut Self {
        self.clean_env = true;
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
        match known {
            Some(protection) => self.degraded.push(protection.name),
            None => {
                return Err(Error::Value(
                    "--allow-degraded",
                    name.into(),
                    "there is no protection of this name; `sandlock check` lists them",
                ));
            }
        }
        Ok(self)
    }

    /// Lets 32-bit programs run too, which are killed otherwise: those of i386 on x86_64, and of arm on aarch64. The same rules hold for them.
    pub const fn allow_compat(&mut self) -> &mut Self {
        self.compat = true;
        self
    }

    /// Plans as for a kernel of this Landlock ABI, which must not be newer than the running one's: for tests of what older kernels do.
    pub const fn assume_abi(&mut self, abi: Abi) -> &mut Self {
        self.abi = Some(abi);
        self
    }

    /// Opens, checks and prepares everything for `command`: its name or path, then its arguments.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn plan<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Result<Plan, Error> {
        let command: Vec<OsString> = command.into_iter().map(|word| word.as_ref().to_owned()).collect();
        Plan::new(self, &command)
    }

    /// Runs `command` to its end, on a thread of its own that is confined with it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the command from starting, named.
    pub fn run<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Result<Outcome, Error> {
        self.plan(command)?.run()
    }
}
