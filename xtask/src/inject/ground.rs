//! The place of a run: a folder that is granted beside one that is not, listeners and a process outside, and
//! what became of them.

use core::time::Duration;
use std::{
    collections::BTreeMap,
    fs,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            net::{SocketAddr, UnixListener},
            process::CommandExt as _,
        },
    },
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread,
};

use crate::{command, stress};

use super::plan::{Count, Injection, ROLES};

/// The time limit of the sandbox, in seconds.
const LIMIT: &str = "2";
/// After so many milliseconds a run hangs: its time limit, and three seconds.
const HANGS: &str = "5000";

/// Removed when dropped.
pub(super) struct Ground {
    folder: PathBuf,
    injector: PathBuf,
    sandlock: PathBuf,
    bystander: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    path: UnixListener,
    name: UnixListener,
    /// A port that is free: the sandbox's.
    granted: u16,
}

/// The observations of a run.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// What the injector has written.
    pub(super) log: String,
    /// What the command has printed.
    pub(super) output: String,
    /// The output of it and of sandlock.
    pub(super) errors: String,
    /// The changes outside, of which none is allowed.
    pub(super) changes: Vec<String>,
    /// The private directories that remain.
    pub(super) directories: Vec<String>,
}

impl Run {
    /// Why nothing could be traced.
    pub(super) fn refused(&self) -> Option<&str> {
        self.log.lines().find_map(|line| line.strip_prefix("refused "))
    }

    /// How often each role makes each call.
    pub(super) fn counts(&self, names: &BTreeMap<u32, String>) -> Vec<Count> {
        let lines = self.log.lines().filter_map(|line| {
            let mut words = line.strip_prefix("calls ")?.split(' ');
            let role = words.next()?;
            let role = ROLES.into_iter().find(|known| *known == role)?;
            let number = words.next()?.parse().ok()?;
            let times = words.next()?.parse().ok()?;
            let call = names.get(&number).cloned().unwrap_or_else(|| number.to_string());
            Some(Count { role, call, number, times })
        });
        lines.collect()
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let log = self.log.lines().filter(|line| !line.starts_with('#') && !line.starts_with("calls "));
        let lines = [("injector", log.collect::<Vec<_>>().join("\n")), ("stdout", self.output.clone())];
        let lines = lines.into_iter().chain([("stderr", self.errors.clone())]);
        let lines = lines.flat_map(|(whose, text)| {
            text.lines().map(|line| format!("    {whose}: {line}")).collect::<Vec<_>>()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Ground {
    pub(super) fn new(name: &str) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("sandlock-inject-{}-{name}", process::id()));
        explain(&folder, fs::create_dir(&folder))?;
        for name in ["granted", "outside", "tmp"] {
            explain(&folder, fs::create_dir(folder.join(name)))?;
        }
        let built = command::target("inject")?;
        explain(&built, fs::copy(built.join("probe"), folder.join("granted/probe")).map(drop))?;
        let outside = folder.join("outside");
        explain(&outside, fs::write(outside.join("file"), "as it was\n"))?;
        let path = explain(&outside, UnixListener::bind(outside.join("socket")))?;
        let name = SocketAddr::from_abstract_name(outside.as_os_str().as_encoded_bytes());
        let name = explain(&outside, name.and_then(|name| UnixListener::bind_addr(&name)))?;
        let listen = || TcpListener::bind("127.0.0.1:0").map_err(|e| format!("127.0.0.1: {e}"));
        let tcp = listen()?;
        let granted = listen()?.local_addr().map_err(|e| e.to_string())?.port();
        let udp = UdpSocket::bind(tcp.local_addr().map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        for result in [tcp.set_nonblocking(true), udp.set_nonblocking(true), path.set_nonblocking(true)] {
            explain(&outside, result)?;
        }
        explain(&outside, name.set_nonblocking(true))?;
        let bystander = Command::new("sleep").arg("infinity").process_group(0).spawn();
        let bystander = bystander.map_err(|e| format!("sleep: {e}"))?;
        while !stress::portrait(bystander.id()).iter().any(|line| line.contains("(sleeping)")) {
            thread::sleep(Duration::from_millis(10));
        }
        let absolute = |path: PathBuf| explain(&path, fs::canonicalize(&path));
        let injector = absolute(built.join("injector"))?;
        let sandlock = absolute(command::target("release")?.join("sandlock"))?;
        Ok(Self { folder, injector, sandlock, bystander, tcp, udp, path, name, granted })
    }

    /// How many forbidden things the probe does without a sandbox.
    pub(super) fn control(&self) -> Result<usize, String> {
        let port = self.port()?;
        // A file, which does not wait for the processes that the probe leaves behind.
        let path = self.folder.join("stdout");
        // A shell between: the probe does what it can to its maker too.
        let status = Command::new("sh")
            .args(["-c", "./probe \"$@\"; :", "sh"])
            .args(self.arguments(port))
            .current_dir(self.folder.join("granted"))
            .stdin(Stdio::null())
            .stdout(explain(&path, fs::File::create(&path))?)
            .stderr(Stdio::null())
            .process_group(0)
            .status();
        status.map_err(|e| format!("probe: {e}"))?;
        let text = explain(&path, fs::read_to_string(&path))?;
        Ok(text.lines().filter(|line| line.starts_with("ESCAPE")).count())
    }

    /// The probe in a sandbox, without one of its calls.
    pub(super) fn run(&self, injection: Option<&Injection>, trace: bool) -> Result<Run, String> {
        let before = self.outside()?;
        let log = self.folder.join("log");
        let [output, errors] = ["stdout", "stderr"].map(|name| self.folder.join(name));
        let create = |path: &PathBuf| explain(path, fs::File::create(path));
        let (role, number, time, (kind, value)) = match injection {
            Some(injection) => {
                (injection.role, injection.number.to_string(), injection.time, injection.fault.words())
            }
            None => ("launcher", "-1".to_owned(), 0, ("none", 0)),
        };
        let ports = format!(":{}", self.granted);
        let mut command = Command::new(&self.injector);
        command
            .arg(&log)
            .args([HANGS, role, &number, &time.to_string(), kind, &value.to_string()])
            .args([if trace { "1" } else { "0" }, "--"])
            .arg(&self.sandlock)
            .args(["run", "-t", LIMIT, "-w", ".", "--net-allow", &ports])
            .args(["--net-allow-bind", &self.granted.to_string(), "--", "./probe"])
            .args(self.arguments(self.port()?))
            .env("TMPDIR", self.folder.join("tmp"))
            .current_dir(self.folder.join("granted"))
            .stdin(Stdio::null())
            .stdout(create(&output)?)
            .stderr(create(&errors)?);
        command.status().map_err(|e| format!("injector: {e}"))?;
        let read = |path: &PathBuf| {
            explain(path, fs::read(path)).map(|text| String::from_utf8_lossy(&text).into_owned())
        };
        let mut run =
            Run { log: read(&log)?, output: read(&output)?, errors: read(&errors)?, ..Run::default() };
        let after = self.outside()?;
        run.changes = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other)
            .map(|(one, other)| format!("outside: {one}, then {other}"))
            .collect();
        run.changes
            .extend((before.len() != after.len()).then(|| format!("outside: {before:?}, then {after:?}")));
        run.changes.extend(
            self.arrived().into_iter().map(|what| format!("outside: something arrived at the {what}")),
        );
        run.directories = self.refill()?;
        Ok(run)
    }

    fn port(&self) -> Result<u16, String> {
        self.tcp.local_addr().map(|address| address.port()).map_err(|e| e.to_string())
    }

    fn arguments(&self, port: u16) -> [String; 5] {
        let process = self.bystander.id().to_string();
        let outside = self.folder.join("outside").display().to_string();
        [outside, port.to_string(), self.granted.to_string(), process.clone(), process]
    }

    fn outside(&self) -> Result<Vec<String>, String> {
        let mut lines = stress::listing(&self.folder.join("outside"))?;
        // The number of queued signals is the user's, not the process's.
        let portrait = stress::portrait(self.bystander.id()).into_iter();
        lines.extend(portrait.filter(|line| !line.starts_with("SigQ:")));
        Ok(lines)
    }

    fn arrived(&self) -> Vec<&'static str> {
        let mut arrived = Vec::new();
        arrived.extend(self.tcp.accept().is_ok().then_some("port"));
        arrived.extend(self.udp.recv(&mut [0]).is_ok().then_some("datagram port"));
        arrived.extend(self.path.accept().is_ok().then_some("path"));
        arrived.extend(self.name.accept().is_ok().then_some("abstract name"));
        arrived
    }

    /// Removes what the probe has left, and what there is of private directories, which it returns.
    fn refill(&self) -> Result<Vec<String>, String> {
        let granted = self.folder.join("granted");
        for name in ["link", "mine", "mine.socket"] {
            let _ = fs::remove_file(granted.join(name));
        }
        let tmp = self.folder.join("tmp");
        let entries = explain(&tmp, fs::read_dir(&tmp))?.flatten();
        let left: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        for path in &left {
            explain(path, fs::remove_dir_all(path))?;
        }
        Ok(left.iter().map(|path| path.display().to_string()).collect())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.bystander.kill().and_then(|()| self.bystander.wait());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn explain<T>(path: &Path, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("{}: {e}", path.display()))
}
