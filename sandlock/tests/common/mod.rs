//! What the tests of the command share: finding it, running it for a bounded time, directories that vanish,
//! processes by their arguments.

#![allow(dead_code, reason = "each test program uses some of it")]
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

use core::fmt::Display;
use core::ops::Deref;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use core::{any, fmt};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Instant;
use std::{env, fs, process, thread};

use sandlock_sys::filter::SockFilter;
use sandlock_sys::seccomp::{self, FilterFlags};
use sandlock_sys::{Pid, Signal, nr, prctl, signal};

/// Where programs are that every user has, and that the base profile lets a command execute.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The Python of the system: an interpreter below a user's home is out of a sandbox's reach.
pub(crate) const PYTHON: &str = "/usr/bin/python3";
/// What takes longer hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Reports that the test function `test` did not run. Not with `println!`, which is shown only when a test
/// fails.
pub(crate) fn skip<T>(_test: T, why: impl Display) {
    // The path from the root of this program, as libtest has it.
    let name = any::type_name::<T>().split_once("::").unwrap().1;
    io::stdout().write_all(format!("SKIP {name}: {why}\n").as_bytes()).unwrap();
}

/// Whether all of these programs are here; if not, `test` skips.
pub(crate) fn has<T>(test: T, programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| which(program).is_none()).collect();
    if !missing.is_empty() {
        skip(test, format_args!("not installed: {missing:?}"));
    }
    missing.is_empty()
}

/// The file that a program's name, or path, means.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    env::split_paths(PATH).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A program that cargo built: the command itself, or an example.
pub(crate) fn built(name: &str) -> PathBuf {
    if let Some(folder) = env::var_os("SANDLOCK_TEST_BIN_DIR") {
        return Path::new(&folder).join(name);
    }
    if let Some(path) = env::var_os(format!("CARGO_BIN_EXE_{name}")) {
        return path.into();
    }
    // This is …/debug/deps/test-0123456789abcdef.
    let here = env::current_exe().unwrap();
    let debug = here.parent().and_then(Path::parent).unwrap();
    [debug.join(name), debug.join("examples").join(name)].into_iter().find(|path| path.is_file()).unwrap()
}

/// The running kernel's Landlock ABI; nought without.
pub(crate) fn abi() -> u32 {
    sandlock::Abi::current().map_or(0, sandlock::Abi::version)
}

/// Whether a target gets nought in place of every value and descriptor that a supervisor answers, as was seen
/// on powerpc with Linux 7.2: errors arrive there, and nothing else does.
pub(crate) fn loses_values() -> bool {
    if !cfg!(target_arch = "powerpc64") {
        return false;
    }
    let insn = |code, jt, jf, k| SockFilter { code, jt, jf, k };
    // Load the number; USER_NOTIF for getpgid(2), ALLOW for any other.
    let filter = [
        insn(0x20, 0, 0, 0),
        insn(0x15, 0, 1, nr::GETPGID),
        insn(0x06, 0, 0, 0x7fc0_0000),
        insn(0x06, 0, 0, 0x7fff_0000),
    ];
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        let target = scope.spawn(move || {
            let privs = prctl::set_no_new_privs().unwrap();
            let listener = seccomp::set_mode_filter_listener(&filter, FilterFlags::empty(), &privs).unwrap();
            send.send(listener).unwrap();
            sandlock_sys::process::process_group(Pid::SELF)
        });
        let listener = receive.recv().unwrap();
        let notif = seccomp::notif_recv(&listener).unwrap();
        seccomp::notif_send_value(&listener, notif.id, 4242).unwrap();
        target.join().unwrap() == Ok(Pid::new(0))
    })
}

/// Whether programs make sockets by the one call for all of that, which is refused: glibc's do there.
pub(crate) const BY_SOCKETCALL: bool = cfg!(any(target_arch = "x86", target_arch = "s390x"));

/// The flags of `run` that agree to what this kernel lacks: none on one that has every protection which `run`
/// insists on.
pub(crate) fn agreed() -> String {
    let version = abi();
    // Without the others something else judges.
    let insists = |name| !["net-udp", "unix-path"].contains(&name);
    let lacks = sandlock::PROTECTIONS.iter().filter(|one| one.abi > version && insists(one.name));
    lacks.map(|one| format!(" --allow-degraded {}", one.name)).collect()
}

/// A number that no other call in this process got, behind the process's own.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}{:04}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An empty directory, removed with its contents.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        let path = env::temp_dir().canonicalize().unwrap().join(format!("sandlock-test-dir-{}", unique()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A program that starts here, with nothing to read and an environment of a few harmless variables.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0).stdin(Stdio::null()).env_clear().envs([
            ("PATH", PATH),
            ("HOME", "/nonexistent"),
            ("TERM", "xterm"),
            ("LC_ALL", "C"),
        ]);
        command
    }

    /// `sandlock` with these arguments, here. On a kernel that lacks a protection it runs without, for that
    /// is agreed to.
    pub(crate) fn sandlock<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(built("sandlock"));
        for arg in args {
            command.arg(&arg);
            let is_planned = ["run", "why", "explain", "learn"].iter().any(|name| arg.as_ref() == *name);
            if is_planned && command.get_args().count() == 1 {
                command.args(agreed().split_whitespace());
            }
        }
        command
    }

    /// `sandlock run` with these flags, and a shell script as the command.
    pub(crate) fn sandboxed(&self, flags: &[&str], script: &str) -> Command {
        self.sandlock([&["run"], flags, &["--", "sh", "-c", script]].concat())
    }

    /// The same script without a sandbox: the control of a test.
    pub(crate) fn bare(&self, script: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-c", script]);
        command
    }

    /// Writes a file, executable if it is to be.
    pub(crate) fn file(&self, name: &str, mode: u32, text: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.join(name);
        // Written by a process of its own: a descriptor of ours that is open for writing would be inherited
        // by what other tests start just now, and the file could not be executed as long as they have it
        // (ETXTBSY).
        let mut cat =
            self.command("sh").args(["-c", "cat > \"$0\""]).arg(&path).stdin(Stdio::piped()).spawn().unwrap();
        cat.stdin.take().unwrap().write_all(text.as_ref()).unwrap();
        assert!(cat.wait().unwrap().success());
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// As an argument.
    pub(crate) fn text(&self) -> &str {
        self.to_str().unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A failure leaves a directory in /tmp, which is no failure of the test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Deref for Dir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

/// What a command printed, and how it ended.
#[derive(PartialEq, Eq)]
pub(crate) struct Ran {
    /// Its status; what a shell makes of it if a signal killed it.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.out, self.err)
    }
}

impl Ran {
    /// That it succeeded; what it printed.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }

    /// That it failed, as it has to.
    #[track_caller]
    pub(crate) fn refused(&self) -> &Self {
        assert!(self.code != 0 && self.code < 124, "not refused: {self:?}");
        self
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ran {
    finish(start(command))
}

/// Starts a command whose output is to be read.
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end of a child and of all that holds its output open.
#[track_caller]
pub(crate) fn finish(child: Child) -> Ran {
    use std::os::unix::process::ExitStatusExt;
    let Output { status, stdout, stderr } = output(child);
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code, out: text(stdout), err: text(stderr) }
}

/// The same, as bytes. A child that takes too long is killed, and the test has failed.
#[track_caller]
pub(crate) fn output(child: Child) -> Output {
    let pid = pid(&child);
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    match receive.recv_timeout(LIMIT) {
        Ok(output) => {
            let mut output = output.unwrap();
            // On a kernel that lacks something `run` first reports that; `kernel.rs` tests it.
            while let Some(end) = output.stderr.iter().position(|byte| *byte == b'\n')
                && output.stderr.get(..end).unwrap().ends_with(b": NOT ENFORCED on this kernel")
            {
                output.stderr.drain(..=end);
            }
            output
        }
        Err(_) => {
            let _ = signal::kill(pid, Signal::KILL);
            panic!("process {pid} still runs, or its output is still open, after {LIMIT:?}");
        }
    }
}

pub(crate) fn pid(child: &Child) -> Pid {
    Pid::new(child.id().try_into().unwrap())
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    const PATIENCE: Duration = Duration::from_secs(15);
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "not so after {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The processes whose arguments are exactly these.
pub(crate) fn processes(args: &[&str]) -> Vec<Pid> {
    let wanted: Vec<u8> = args.iter().flat_map(|arg| [arg.as_bytes(), b"\0"].concat()).collect();
    all().filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|found| found == wanted)).collect()
}

/// Every process.
pub(crate) fn all() -> impl Iterator<Item = Pid> {
    let numbers = fs::read_dir("/proc").unwrap();
    numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid::new))
}

/// A process as `/proc/PID/stat` has it: its name, state and parent.
pub(crate) fn stat(pid: Pid) -> Option<(String, char, Pid)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (start, end) = text.rsplit_once(") ")?;
    let mut fields = end.split(' ');
    let (state, parent) = (fields.next()?.parse().ok()?, Pid::new(fields.next()?.parse().ok()?));
    Some((start.split_once('(')?.1.to_owned(), state, parent))
}

/// The children of a process.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    all().filter(|pid| stat(*pid).is_some_and(|(_, _, of)| of == parent)).collect()
}

/// A TCP port without a listener.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
