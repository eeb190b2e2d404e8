//! `stress`: stress-ng and trinity in a sandbox, and what they may neither break, leave behind nor reach.

use core::time::Duration;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitCode, Stdio},
    thread,
    time::Instant,
};

use crate::{
    Outcome,
    command::{self, cargo, run as execute},
    setup,
};

/// A user and a group that own nothing, like `nobody`, and that no other process has: all theirs is the
/// sandbox's. Debian gives no user a number from these, and another run of this task has another one.
fn stranger() -> u32 {
    60_000_u32.saturating_add(process::id() % 5_000)
}

/// The status of the command after its load has ended, in whatever way: the sandbox must return the same.
const STATUS: i32 = 42;

/// stress-ng: one of each at the same time. Their calls are answered by the supervisor, or refused by the
/// filter, or end many processes.
const QUICK: &str = "--chmod --chown --utime --xattr --inode-flags --memfd --sock --sockabuse --sockpair --udp --netdev --netlink-task \
    --rlimit --nice --ioprio --schedpolicy --kill --pidfd --ptrace --clone --fork --vfork --exec --daemon --zombie --session --enosys \
    --sysinval --sysbadaddr --seccomp --landlock --io-uring --procfs --dev-shm";

/// The classes of stress-ng but two: `gpu` is one that needs a device, `security` is one that needs AppArmor.
/// Each stressor of each, one after another, for a second.
const CLASSES: [&str; 12] = [
    "cpu",
    "cpu-cache",
    "device",
    "filesystem",
    "interrupt",
    "io",
    "memory",
    "network",
    "os",
    "pipe",
    "scheduler",
    "vm",
];

/// Every TCP port: its servers and clients talk to one another, and the supervisor makes their connections.
const PORTS: &[&str] = &["--net-allow", ":*", "--net-allow-bind", "*"];

/// Without the descriptors that it never has enough of where sockets, counters and devices are refused: it
/// would not begin. It still tries to make them. `/proc` it would read for a minute first.
const TRINITY: &str = "trinity -q -l off -C 4 -V victims --disable-fds=pseudo,perf,drm,sockets";

/// What bounds the load, which the policy does not: address space and files in units of 1024 and 512 bytes,
/// and processes.
const LIMITS: &str = "ulimit -v 4000000; ulimit -f 2097152; ulimit -p 400";

/// What every user may write to.
const SHARED: [&str; 5] = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"];

/// How much more the supervisor may hold after the load than before: the descriptors of the thread that asked
/// last and of eight workers, and memory in KiB that was not touched before.
const MORE: Held = Held { descriptors: 9, memory: 1024 };

/// And while it answers: descriptors for 64 emulated sockets and 64 deferred calls, for what it began with,
/// and for an answer.
const MOST: Held = Held { descriptors: 160, memory: 8192 };

/// What runs in a sandbox.
struct Load {
    name: String,
    /// Flags of `sandlock run`.
    flags: &'static [&'static str],
    command: String,
    /// When it should have ended by itself, in seconds.
    seconds: u64,
}

/// Descriptors of the supervisor, and its resident memory in KiB.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    descriptors: u64,
    memory: u64,
}

/// What a load came to.
struct Ran {
    before: Held,
    most: Held,
    after: Held,
    work: u64,
    seconds: f32,
    faults: Vec<String>,
}

pub(crate) fn run(args: &[String]) -> Outcome {
    let (mut seconds, mut classes, mut ci) = (5, false, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--ci" => ci = true,
            "--classes" => classes = true,
            "--seconds" => {
                let number = args.next().and_then(|number| number.parse().ok());
                seconds = number
                    .filter(|number| (1..=86_400).contains(number))
                    .ok_or("--seconds wants a number")?;
            }
            _ => return Err(format!("stress has no {arg}; see `cargo xtask stress --help`")),
        }
    }
    let ready =
        if setup::is_root() { setup::stressors() } else { Err("only root becomes another user".into()) };
    if let Err(why) = ready {
        if !ci {
            return Err(why);
        }
        println!("NOT RUN: {why}");
        return Ok(ExitCode::SUCCESS);
    }
    let place = Place::new()?;
    println!("{:22}{:>9}{:>9}{:>22}{:>22}", "", "seconds", "work", "descriptors", "resident KiB");
    let mut faults = Vec::new();
    for load in loads(seconds, classes) {
        let Ran { before, most, after, work, seconds, faults: found } = place.run(&load)?;
        let three = |of: fn(&Held) -> u64| format!("{} … {} … {}", of(&before), of(&most), of(&after));
        let (descriptors, memory) = (three(|held| held.descriptors), three(|held| held.memory));
        println!("{:22}{seconds:>9.1}{work:>9}{descriptors:>22}{memory:>22}", load.name);
        faults.extend(found.iter().map(|fault| format!("{}: {fault}", load.name)));
    }
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

fn loads(seconds: u64, classes: bool) -> Vec<Load> {
    let stress = |name: &str, what: &str, seconds| Load {
        name: format!("stress-ng {name}"),
        flags: PORTS,
        command: format!("stress-ng --temp-path . --oomable --metrics-brief {what}"),
        seconds,
    };
    let trinity = |name: &str, flags, what: &str| Load {
        name: format!("trinity {name}"),
        flags,
        command: format!("timeout -s INT -k 30 {seconds} {TRINITY} {what}"),
        seconds,
    };
    let quick: String = QUICK.split_whitespace().map(|stressor| format!("{stressor} 1 ")).collect();
    let mut loads = vec![stress("(some)", &format!("{quick} --timeout {seconds}"), seconds)];
    if classes {
        // The longest has 230 stressors, and some take longer to end than to run.
        let class = |class: &&str| stress(class, &format!("--class {class} --sequential 1 --timeout 1"), 600);
        loads.extend(CLASSES.iter().map(class));
    }
    loads.push(trinity("64-bit", &[], "-a64"));
    // The filter kills 32-bit calls otherwise.
    loads.push(trinity("32-bit", &["--allow-compat"], "-a32"));
    loads
}

/// The folder in which it happens, removed when dropped.
struct Place {
    folder: PathBuf,
    /// A process of the stranger's outside every sandbox.
    bystander: Child,
}

impl Place {
    fn new() -> Result<Self, String> {
        execute(&mut cargo(&["build", "--quiet", "--release", "--package", "sandlock"]))?;
        let binary = command::target("release")?.join("sandlock");
        let folder = std::env::temp_dir().join(format!("sandlock-stress-{}", process::id()));
        explain(&folder, fs::create_dir(&folder))?;
        explain(&folder, fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)))?;
        explain(&binary, fs::copy(&binary, folder.join("sandlock")).map(drop))?;
        // Beside the granted folder, one that is not granted but that the stranger could change.
        for name in ["granted", "other", "other/folder"] {
            let path = folder.join(name);
            explain(&path, fs::create_dir(&path))?;
            explain(&path, chown(&path, Some(stranger()), Some(stranger())))?;
        }
        for name in ["other/file", "other/folder/file"] {
            let path = folder.join(name);
            explain(&path, fs::write(&path, "as it was\n"))?;
            explain(&path, chown(&path, Some(stranger()), Some(stranger())))?;
        }
        let mut sleep = Command::new("sleep");
        let bystander = sleep.arg("infinity").uid(stranger()).gid(stranger()).spawn();
        let bystander = bystander.map_err(|e| format!("sleep: {e}"))?;
        Ok(Self { folder, bystander })
    }

    fn run(&self, load: &Load) -> Result<Ran, String> {
        self.refill()?;
        let log = self.folder.join("log");
        let output = explain(&log, fs::File::create(&log))?;
        let error = explain(&log, output.try_clone())?;
        let before = (listing(&self.folder.join("other"))?, strangers(), portrait(self.bystander.id()));
        let started = Instant::now();
        // It holds still before and after, so that what the supervisor holds can be compared.
        let script = format!("{LIMITS}; sleep 1; {}; sleep 1; exit {STATUS}", load.command);
        let mut child = Command::new(self.folder.join("sandlock"))
            .args(["run", "--quiet", "-w", "."])
            .args(load.flags)
            .args(["--", "sh", "-c", &script])
            .env_clear()
            .env("PATH", setup::PATH)
            .current_dir(self.folder.join("granted"))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(error)
            .uid(stranger())
            .gid(stranger())
            .spawn()
            .map_err(|e| format!("sandlock: {e}"))?;

        let mut ran = Ran {
            before: Held::default(),
            most: Held::default(),
            after: Held::default(),
            work: 0,
            seconds: 0.0,
            faults: vec![],
        };
        let deadline = Duration::from_secs(load.seconds.saturating_mul(2).saturating_add(60));
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                break Some(status);
            }
            if started.elapsed() > deadline {
                break None;
            }
            if let Some(held) = Held::of(child.id()) {
                if started.elapsed() < Duration::from_millis(900) {
                    ran.before = held;
                }
                ran.after = held;
                ran.most = ran.most.or_more(held);
            }
            thread::sleep(Duration::from_millis(50));
        };
        ran.seconds = started.elapsed().as_secs_f32();
        ran.faults.extend(match status {
            None => {
                // The supervisor takes the sandbox with it.
                child.kill().and_then(|()| child.wait()).map_err(|e| e.to_string())?;
                Some(format!("still running after {} s", deadline.as_secs()))
            }
            Some(status) if status.code() == Some(STATUS) => None,
            Some(status) => Some(format!("{status} instead of the command's {STATUS}")),
        });
        let text = String::from_utf8_lossy(&explain(&log, fs::read(&log))?).into_owned();
        ran.work = work(&text);
        if !ran.faults.is_empty() || ran.work == 0 {
            let last: Vec<&str> = text.lines().rev().take(10).collect();
            ran.faults.extend(last.iter().rev().map(|line| format!("it said: {line}")));
        }
        let after = (listing(&self.folder.join("other"))?, strangers(), portrait(self.bystander.id()));
        let mut check = |ok: bool, fault: String| ran.faults.extend((!ok).then_some(fault));
        check(ran.work > 0, "it did nothing".into());
        check(
            ran.after.within(ran.before, MORE),
            format!("the supervisor kept {:?}, of {:?}", ran.after, ran.before),
        );
        check(ran.most.within(Held::default(), MOST), format!("the supervisor held {:?}", ran.most));
        check(
            after.0 == before.0,
            format!("files that were not granted: {:?}, then {:?}", before.0, after.0),
        );
        check(after.2 == before.2, format!("a process outside: {:?}, then {:?}", before.2, after.2));
        for left in after.1.difference(&before.1) {
            check(false, format!("left behind: {left}"));
        }
        Ok(ran)
    }

    /// An empty folder with a file to work on, for a load may have taken every right from it.
    fn refill(&self) -> Result<(), String> {
        let granted = self.folder.join("granted");
        explain(&granted, fs::remove_dir_all(&granted))?;
        for path in [granted.clone(), granted.join("victims")] {
            explain(&path, fs::create_dir(&path))?;
            explain(&path, chown(&path, Some(stranger()), Some(stranger())))?;
        }
        let victim = granted.join("victims/file");
        explain(&victim, fs::write(&victim, "work on this\n"))?;
        explain(&victim, chown(&victim, Some(stranger()), Some(stranger())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.bystander.kill().and_then(|()| self.bystander.wait());
        // If it fails, the folder only takes space.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Held {
    fn of(process: u32) -> Option<Self> {
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let memory = memory.split_whitespace().next()?.parse().ok()?;
        Some(Self { descriptors: u64::try_from(descriptors).ok()?, memory })
    }

    fn or_more(self, other: Self) -> Self {
        Self { descriptors: self.descriptors.max(other.descriptors), memory: self.memory.max(other.memory) }
    }

    fn within(self, start: Self, more: Self) -> bool {
        self.descriptors <= start.descriptors.saturating_add(more.descriptors)
            && self.memory <= start.memory.saturating_add(more.memory)
    }
}

/// How many stressors did something, or how many calls the fuzzer made.
fn work(text: &str) -> u64 {
    let stressors = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("stress-ng: metrc: [")?;
        let operations: u64 = rest.split_whitespace().nth(2)?.parse().ok()?;
        (operations > 0).then_some(())
    });
    let calls = text.rsplit_once("[main] Ran ").and_then(|(_, after)| after.split(' ').next()?.parse().ok());
    calls.unwrap_or_else(|| u64::try_from(stressors.count()).unwrap_or(u64::MAX))
}

/// Everything below `folder`, with what shows any change.
pub(crate) fn listing(folder: &Path) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let about = explain(&folder, fs::symlink_metadata(&folder))?;
        lines.push(line(&folder, &about));
        for entry in explain(&folder, fs::read_dir(&folder))? {
            let path = explain(&folder, entry)?.path();
            let about = explain(&path, fs::symlink_metadata(&path))?;
            if about.is_dir() { folders.push(path) } else { lines.push(line(&path, &about)) }
        }
    }
    lines.sort();
    Ok(lines)
}

/// The time of its last change is one that no process can set.
fn line(path: &Path, about: &fs::Metadata) -> String {
    let (mode, size, owner) = (about.mode(), about.size(), about.uid());
    format!("{} {mode:o} {owner} {size} {}.{}", path.display(), about.ctime(), about.ctime_nsec())
}

/// Processes of the stranger's, and files where every user may write.
fn strangers() -> BTreeSet<String> {
    let entries = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_theirs = |path: &Path| fs::symlink_metadata(path).is_ok_and(|about| about.uid() == stranger());
    let processes = entries("/proc").filter(|entry| {
        let is_process = entry.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_digit());
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:\t")).unwrap_or_default();
        is_process && uid.split('\t').next() == Some(&stranger().to_string())
    });
    let files = SHARED.iter().flat_map(|folder| entries(folder)).filter(|entry| is_theirs(&entry.path()));
    processes.chain(files).map(|entry| entry.path().display().to_string()).collect()
}

/// What a process outside could be made to differ in.
pub(crate) fn portrait(process: u32) -> Vec<String> {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let status = read("status");
    let kept = ["State:", "PPid:", "TracerPid:", "Cpus_allowed:", "Sig", "Shd", "NoNewPrivs:"];
    let lines = status.lines().filter(|line| kept.iter().any(|kept| line.starts_with(kept)));
    let mut portrait: Vec<String> = lines.map(str::to_owned).collect();
    // From the process group on: priority and niceness among them, what it has used not.
    let stat = read("stat");
    let words: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    portrait
        .extend([2, 3, 15, 16, 37, 38].iter().filter_map(|at| words.get(*at).map(|word| (*word).to_owned())));
    portrait.extend([read("limits"), read("oom_score_adj"), read("timerslack_ns")]);
    portrait
}

fn explain<T>(path: &Path, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted() {
        assert_eq!(
            work("[main] futex: 0\n[main] Ran 5556 syscalls. Successes: 1205  Failures: 4347\n"),
            5556
        );
        assert_eq!(work("[main] Reserved 10 futexes.\n"), 0);
        let stress = "stress-ng: metrc: [7] stressor  bogo ops real time\nstress-ng: metrc: [7] (secs) (secs)\n\
            stress-ng: metrc: [7] chmod   1409   1.00\nstress-ng: metrc: [7] kill      0   1.00\n";
        assert_eq!(work(stress), 1);
    }

    #[test]
    fn what_is_held_is_compared() {
        let held = |descriptors, memory| Held { descriptors, memory };
        assert!(held(19, 2000).within(held(10, 1000), MORE));
        assert!(!held(20, 1000).within(held(10, 1000), MORE));
        assert!(!held(10, 3000).within(held(10, 1000), MORE));
    }

    #[test]
    fn a_change_shows() {
        let folder = std::env::temp_dir().join(format!("sandlock-listing-{}", process::id()));
        fs::create_dir(&folder).unwrap();
        let empty = listing(&folder).unwrap();
        fs::write(folder.join("a"), "a").unwrap();
        let one = listing(&folder).unwrap();
        fs::set_permissions(folder.join("a"), fs::Permissions::from_mode(0o640)).unwrap();
        let other = listing(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(empty != one && one != other);
    }

    #[test]
    fn a_process_that_changes_shows() {
        let mut sleep = Command::new("sleep").arg("60").spawn().unwrap();
        thread::sleep(Duration::from_millis(300));
        let before = portrait(sleep.id());
        assert_eq!(before, portrait(sleep.id()));
        execute(
            Command::new("renice").args(["-n", "5", "-p", &sleep.id().to_string()]).stdout(Stdio::null()),
        )
        .unwrap();
        let after = portrait(sleep.id());
        sleep.kill().and_then(|()| sleep.wait()).unwrap();
        assert_ne!(before, after);
    }
}
