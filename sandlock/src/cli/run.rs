//! `sandlock run`: from the arguments to a policy, and from how it ended to an exit status.

use core::time::Duration;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use sandlock::{Error, Home, Outcome, Policy, PortList, Source};

use sandlock_sys::Signal;
use sandlock_sys::signal::{self, SigSet};

use super::complain::complain;

/// What `sandlock run` takes.
#[derive(Debug, Args)]
#[command(
    about = "Run a command in a sandbox",
    long_about = "Run a command in a sandbox.\n\n\
                  Without flags the command can read and execute what the system has installed, /etc as far as any\n\
                  user may, /proc and the current directory; it can write to a private TMPDIR that is removed at the end; it\n\
                  has no network and no way to touch a process outside. Each flag grants something more.",
    after_help = "Exit status: the command's own; 128 + N when signal N killed it; 124 when it timed out;\n\
                  125 when sandlock failed, 126 when the command cannot be executed, 127 when it is not there."
)]
pub(crate) struct Options {
    /// Grant reading, listing and executing PATH and everything below it (repeatable)
    #[arg(short = 'r', long = "fs-read", value_name = "PATH")]
    read: Vec<OsString>,
    /// Grant changing PATH and everything below it too (repeatable)
    #[arg(short = 'w', long = "fs-write", value_name = "PATH")]
    write: Vec<OsString>,
    /// What to start from: the base profile, or nothing at all
    #[arg(long, value_name = "PROFILE", default_value = "default")]
    base: Base,
    /// Grant TCP connections to ports, of any address: :80, :80,443, :8000-8010 or :* (repeatable)
    #[arg(long, value_name = ":PORTS")]
    net_allow: Vec<String>,
    /// Grant listening on TCP ports: 80, 80,443, 8000-8010 or * (repeatable)
    #[arg(long, value_name = "PORTS")]
    net_allow_bind: Vec<String>,
    /// Kill everything in the sandbox after SECS seconds (fractions allowed)
    #[arg(short = 't', long, value_name = "SECS", allow_hyphen_values = true)]
    timeout: Option<String>,
    /// Set a variable, or pass on one that is withheld because it may be a secret (repeatable)
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,
    /// Keep only PATH, HOME, USER, LOGNAME, SHELL, TERM, LANG, LC_* and TZ of the environment
    #[arg(long)]
    clean_env: bool,
    /// The command's home: private (empty, removed at the end), keep (yours, of which nothing more can be
    /// read), or a directory that stays
    #[arg(long, value_name = "private|keep|PATH", default_value = "private", hide_default_value = true)]
    home: OsString,
    /// Start the command in DIR
    #[arg(long, value_name = "DIR")]
    cwd: Option<OsString>,
    /// Keep processes of the sandbox from tracing each other, as debuggers do
    #[arg(long)]
    no_ptrace: bool,
    /// Give the command POSIX shared memory and semaphores of its own in place of those in /dev/shm
    #[arg(long)]
    shm: bool,
    /// Pass on the open descriptor N too, such as a jobserver's (repeatable)
    #[arg(long, value_name = "N")]
    keep_fd: Vec<i32>,
    /// Kill everything in the sandbox when the process that started sandlock ends
    #[arg(long)]
    die_with_parent: bool,
    /// Run without a protection that this kernel lacks; `sandlock check` names them (repeatable)
    #[arg(long, value_name = "NAME")]
    allow_degraded: Vec<String>,
    /// Let 32-bit programs run too: i386 on x86_64, arm on aarch64; they are killed otherwise
    #[arg(long)]
    allow_compat: bool,
    /// Keep the capabilities that sandlock itself has (root's, as a rule)
    #[arg(long)]
    keep_caps: bool,
    /// Say nothing but why the command could not be started
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say first what is enforced, and by what
    #[arg(short, long)]
    verbose: bool,
    /// The command and its arguments
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Base {
    /// Read and execute the system, write a private TMPDIR
    Default,
    /// Nothing
    None,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let (quiet, verbose) = (options.quiet, options.verbose);
    // From here on a signal waits for the supervisor's loop: an end in between would leave the private
    // directory behind.
    let ends = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];
    let _ = signal::set_mask(ends.iter().fold(SigSet::EMPTY, |set, signal| set.with(*signal)));
    let plan = match policy(options).and_then(|policy| policy.plan(&options.command)) {
        Ok(plan) => plan,
        Err(error) => return failed(&error),
    };
    if !quiet && (verbose || plan.is_degraded()) {
        let lines = plan.receipt();
        lines.iter().filter(|line| verbose || line.by.is_none()).for_each(|line| complain(&line.to_string()));
    }
    if !quiet {
        plan.warnings().iter().for_each(|warning| complain(warning));
    }
    if verbose {
        plan.notes().iter().for_each(|note| complain(note));
    }
    match plan.run_here() {
        Ok(ended) => {
            if !quiet {
                let command = options.command.first().map(|name| name.display().to_string());
                told(&command.unwrap_or_default(), ended.outcome, options);
            }
            if ended.processes {
                complain(
                    "processes of the sandbox are left: they were killed, and sleep in the kernel until a file system answers",
                );
            }
            if let Some(directory) = ended.directory {
                complain(&format!(
                    "the private temporary directory {} could not be removed",
                    directory.display()
                ));
            }
            ExitCode::from(ended.outcome.status())
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> ExitCode {
    complain(&error.with_flags().to_string());
    ExitCode::from(error.status())
}

/// Reports how the command ended, except for SIGINT and SIGQUIT (the user's) and SIGPIPE.
fn told(command: &str, outcome: Outcome, options: &Options) {
    match outcome {
        Outcome::Exited(_) | Outcome::Killed(libc::SIGINT | libc::SIGPIPE | libc::SIGQUIT) => {}
        Outcome::Killed(signal) => complain(&format!("{command} was killed by {}", name(signal))),
        Outcome::TimedOut => {
            let limit = options.timeout.as_deref().unwrap_or_default();
            complain(&format!("{command} was killed after {limit} s, its time limit (-t)"));
        }
    }
}

/// A signal as people call it.
fn name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        // The filter's answer to a call of another architecture.
        libc::SIGSYS => {
            "SIGSYS (it made a system call of another architecture; for 32-bit programs there is --allow-compat)"
        }
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// From the text of the arguments to their meaning.
pub(crate) fn policy(options: &Options) -> Result<Policy, Error> {
    let mut policy = match options.base {
        Base::Default => Policy::base(),
        Base::None => Policy::none(),
    };
    for path in &options.read {
        policy.read(path);
    }
    for path in &options.write {
        policy.write(path);
    }
    for spec in &options.net_allow {
        let ports = spec
            .strip_prefix(':')
            .ok_or("this form is :PORTS, as in :443; rules by address are not there yet");
        policy.connect(
            ports.and_then(str::parse::<PortList>).map_err(|hint| value(Source::Connect, spec, hint))?,
        );
    }
    for spec in &options.net_allow_bind {
        policy.bind(spec.parse::<PortList>().map_err(|hint| value(Source::Bind, spec, hint))?);
    }
    if let Some(text) = &options.timeout {
        policy.timeout(seconds(text).map_err(|hint| value(Source::Timeout, text, hint))?);
    }
    for variable in &options.env {
        match split(variable) {
            Some((name, text)) => policy.env(name, text),
            None => policy.pass_env(variable),
        };
    }
    policy.home(match options.home.to_str() {
        Some("private") => Home::Private,
        Some("keep") => Home::Keep,
        _ => Home::At((&options.home).into()),
    });
    if options.clean_env {
        policy.clean_env();
    }
    for number in &options.keep_fd {
        policy.keep_fd(*number);
    }
    policy.streams();
    if options.no_ptrace {
        policy.no_ptrace();
    }
    if options.shm {
        policy.shm();
    }
    if options.die_with_parent {
        policy.die_with_parent();
    }
    if let Some(cwd) = &options.cwd {
        policy.cwd(cwd);
    }
    for name in &options.allow_degraded {
        policy.allow_degraded(name)?;
    }
    if options.allow_compat {
        policy.allow_compat();
    }
    if options.keep_caps {
        policy.keep_caps();
    }
    Ok(policy)
}

fn value(source: Source, value: &str, hint: &'static str) -> Error {
    Error::Value(source, value.into(), hint)
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    /// Ten years: a longer time is a mistake.
    const LONGEST: f64 = 10.0 * 365.0 * 86400.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a time limit is a number of seconds above 0, such as 30 or 0.5"),
    }
}

/// `NAME=VALUE`
fn split(variable: &std::ffi::OsStr) -> Option<(OsString, OsString)> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = variable.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    let (name, text) = bytes.split_at_checked(at)?;
    Some((OsString::from_vec(name.to_vec()), OsString::from_vec(text.get(1..)?.to_vec())))
}
