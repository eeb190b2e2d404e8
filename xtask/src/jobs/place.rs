//! A home with a project in it, made anew for each run, and the comparison of two runs.

use core::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::Instant,
};

use super::table::Job;
use crate::{command::run as execute, setup};

/// `nobody`, who owns nothing and has a line in /etc/passwd, as many programs want.
const NOBODY: u32 = 65534;

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The most lines that are shown of an output that differs.
const SHOWN: usize = 12;

/// What the comparison of a job came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Same,
    /// For the reason that the row gives.
    Differs(&'static str),
    NotRun(String),
    Fault(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Differs(why) => write!(f, "differs: {why}"),
            Self::NotRun(why) => write!(f, "NOT RUN: {why}"),
            Self::Fault(what) => write!(f, "FAULT: {what}"),
        }
    }
}

/// How a command ended, and what it printed.
#[derive(Debug, PartialEq)]
struct Ran {
    status: String,
    out: String,
    err: String,
}

/// The folder in which it happens, removed when dropped.
pub(super) struct Place {
    folder: PathBuf,
    as_root: bool,
    /// The user of the jobs, unless it is the one who runs this.
    user: Option<u32>,
    /// What stands before a command that runs inside.
    sandbox: Vec<String>,
    /// The number of the next job's folder.
    next: AtomicUsize,
}

impl Place {
    pub(super) fn new(name: &str, as_root: bool, sandlock: &Path) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("{name}-{}", process::id()));
        explain(&folder, fs::create_dir(&folder))?;
        explain(&folder, fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)))?;
        // As any user has it.
        let installed = folder.join("sandlock");
        let sandbox = [&*installed.to_string_lossy(), "run", "-w", "."].map(str::to_owned).to_vec();
        let user = (!as_root && setup::is_root()).then_some(NOBODY);
        let place = Self { folder, as_root, user, sandbox, next: AtomicUsize::new(0) };
        explain(sandlock, fs::copy(sandlock, &installed))?;
        Ok(place)
    }

    pub(super) fn user(&self) -> Option<u32> {
        self.user
    }

    pub(super) fn fixtures(&self) -> PathBuf {
        self.folder.join("fixtures")
    }

    /// Runs a job outside and then inside, each in a home of its own with the same path.
    pub(super) fn compare(&self, job: &Job) -> Verdict {
        if let Some(why) = job.not_as_root.filter(|_| self.as_root) {
            return Verdict::NotRun(why.to_owned());
        }
        // Short, for a socket's path has at most 107 bytes.
        let base = self.folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let flags = job.flags.iter().chain(&["--"]).map(|flag| (*flag).to_owned());
        let inside: Vec<String> = self.sandbox.iter().cloned().chain(flags).collect();
        let both =
            self.run(job, &base, &[]).and_then(|outside| Ok((outside, self.run(job, &base, &inside)?)));
        both.map_or_else(Verdict::Fault, |(outside, inside)| verdict(job, self.as_root, &outside, &inside))
    }

    fn run(&self, job: &Job, base: &Path, sandbox: &[String]) -> Result<Ran, String> {
        let (home, temporary) = (base.join("home"), base.join("tmp"));
        let project = home.join("project");
        let work = project.join(job.dir);
        for folder in [base, &home, &temporary, &project] {
            explain(folder, fs::create_dir(folder))?;
            explain(folder, chown(folder, self.user, self.user))?;
        }
        let ran = (|| {
            let shell = ["sh", "-e", "-c"].map(str::to_owned);
            let setup = self.timed(job, base, &project, &shell, &job.setup)?;
            if setup.status != "0" {
                return Err(format!("its setup ended with {}\n{}{}", setup.status, setup.out, setup.err));
            }
            let shell = ["sh", "-c"].map(str::to_owned);
            self.timed(job, base, &work, &[sandbox, &shell].concat(), &job.run)
        })();
        // Some programs take every right from what they keep.
        let _ = execute(Command::new("chmod").args(["-Rf", "u+rwX"]).arg(base).stderr(Stdio::null()));
        explain(base, fs::remove_dir_all(base))?;
        let ran = ran?;
        let text = |text: &str| normal(text, job, &home, &temporary);
        Ok(Ran { status: ran.status, out: text(&ran.out), err: text(&ran.err) })
    }

    /// Runs a script to its end, or to the end of its time.
    fn timed(
        &self,
        job: &Job,
        base: &Path,
        dir: &Path,
        shell: &[String],
        script: &str,
    ) -> Result<Ran, String> {
        let home = base.join("home");
        let file = |name| {
            let path = base.join(name);
            let file = explain(&path, fs::File::create(&path))?;
            explain(&path, chown(&path, self.user, self.user)).map(|()| (path, file))
        };
        let ((out_path, out), (err_path, err)) = (file("out")?, file("err")?);
        let path = job.path.iter().map(|dir| home.join(dir).display().to_string());
        let path: Vec<String> = path.chain([setup::PATH.to_owned()]).collect();
        let (program, args) = shell.split_first().ok_or("no shell")?;
        let mut command = Command::new(program);
        command
            .args(args)
            .arg(script)
            .env_clear()
            .env("PATH", path.join(":"))
            .env("HOME", &home)
            .env("TMPDIR", base.join("tmp"))
            .env("FIXTURES", self.fixtures())
            .env("USER", if self.as_root { "root" } else { "nobody" })
            .env("LOGNAME", if self.as_root { "root" } else { "nobody" })
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let mut child = command.spawn().map_err(|e| format!("{program} in {}: {e}", dir.display()))?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                break status.code().map_or_else(|| status.to_string(), |code| code.to_string());
            }
            if started.elapsed() > LIMIT {
                // The supervisor takes the sandbox with it; outside, the group is all there is.
                let group = format!("-{}", child.id());
                execute(Command::new("kill").args(["-KILL", "--", &group]))?;
                child.wait().map_err(|e| e.to_string())?;
                break format!("nothing after {} s", LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(10));
        };
        let read = |path: &Path| explain(path, fs::read(path));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        // A report of sandlock about changed files is no output of the command.
        let is_own = |line: &&str| line.starts_with("sandlock: ") && line.contains(", and acts later,");
        let err = text(read(&err_path)?);
        let err = err.split_inclusive('\n').filter(|line| !is_own(line)).collect();
        Ok(Ran { status, out: text(read(&out_path)?), err })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // If it fails, the folder only takes space.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn verdict(job: &Job, as_root: bool, outside: &Ran, inside: &Ran) -> Verdict {
    match job.reason(as_root) {
        _ if outside.status != "0" => {
            let shown = shown(&format!("{}{}", outside.out, outside.err));
            Verdict::Fault(format!("it ends with {} outside{shown}", outside.status))
        }
        None if outside == inside => Verdict::Same,
        Some(why) if outside != inside => Verdict::Differs(why),
        Some(why) => Verdict::Fault(format!("it differs no more, and its row says: {why}")),
        None => {
            let mut what = String::new();
            for (name, outside, inside) in [
                ("status", &outside.status, &inside.status),
                ("output", &outside.out, &inside.out),
                ("messages", &outside.err, &inside.err),
            ] {
                if outside != inside {
                    let (outside, inside) = apart(outside, inside);
                    what += &format!(
                        "\n  {name} outside:{}\n  {name} inside:{}",
                        shown(&outside),
                        shown(&inside)
                    );
                }
            }
            Verdict::Fault(format!("it differs{what}"))
        }
    }
}

/// Two texts from their first difference on.
fn apart(one: &str, other: &str) -> (String, String) {
    let same = one.lines().zip(other.lines()).take_while(|(one, other)| one == other).count();
    let rest = |text: &str| text.lines().skip(same).map(|line| format!("{line}\n")).collect();
    (rest(one), rest(other))
}

/// The first lines of a text, indented.
fn shown(text: &str) -> String {
    text.lines().take(SHOWN).map(|line| format!("\n    {line}")).collect()
}

/// A text without what differs between any two runs. A home of the command's own is a home.
fn normal(text: &str, job: &Job, home: &Path, temporary: &Path) -> String {
    let text = own_home(&text.replace(&*temporary.to_string_lossy(), "/tmp"));
    let text = text.replace(&*home.to_string_lossy(), "~");
    let kept = text.lines().filter(|line| !job.without.iter().any(|without| line.contains(without)));
    let lines: String = kept.map(|line| format!("{line}\n")).collect();
    if !job.has_numbers {
        return lines;
    }
    let mut letters: Vec<char> =
        lines.chars().map(|letter| if letter.is_ascii_digit() { '#' } else { letter }).collect();
    letters.dedup_by(|one, other| *one == '#' && *other == '#');
    letters.into_iter().collect()
}

/// The text with `~` for each `/tmp/sandlock-0123456789abcdef`.
fn own_home(text: &str) -> String {
    const START: &str = "/tmp/sandlock-";
    let mut parts = text.split(START);
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_at_checked(16) {
            Some((name, rest)) if name.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                normal.push('~');
                normal.push_str(rest);
            }
            _ => normal.extend([START, part]),
        }
    }
    normal
}

fn explain<T>(path: &Path, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{super::table::parse, *};

    /// The verdict on a job for which a variable is the sandbox.
    fn with_a_variable(folder: &str, job: &'static str) -> Verdict {
        let mut place = Place::new(folder, false, Path::new("/bin/true")).unwrap();
        place.sandbox = ["sh", "-c", "export INSIDE=yes; exec \"$@\""].map(str::to_owned).to_vec();
        place.compare(&parse("test", job).unwrap()[0])
    }

    #[test]
    fn a_job_that_differs_is_reported() {
        let is_fault = |folder, job, why: &str| {
            let verdict = with_a_variable(folder, job);
            assert!(matches!(&verdict, Verdict::Fault(what) if what.contains(why)), "{job}: {verdict}");
        };
        is_fault("jobs-out", "out\nrun: echo ${INSIDE-no}", "output inside:\n    yes");
        is_fault("jobs-err", "err\nrun: echo ${INSIDE-no} >&2", "messages outside:\n    no");
        is_fault("jobs-status", "status\nrun: test -z \"$INSIDE\"", "status inside:\n    1");
        is_fault("jobs-fails", "outside\nrun: exit 3", "it ends with 3 outside");
        is_fault("jobs-stale", "a reason that is none\nrun: echo x\ndiffers: it is a test", "no more");
        is_fault("jobs-setup", "a setup\nsetup: false\nrun: echo x", "its setup ended with 1");
        let reason = "a reason\nrun: echo ${INSIDE-no}\ndiffers: it is a test";
        assert_eq!(with_a_variable("jobs-reason", reason), Verdict::Differs("it is a test"));
    }

    #[test]
    fn what_a_row_names_is_no_difference() {
        let same = |folder, job| assert_eq!(with_a_variable(folder, job), Verdict::Same, "{job}");
        same("jobs-same", "files\nsetup: echo x > f\nrun: cat f; pwd");
        same("jobs-number", "numbers\nrun: echo $$ a1\nvaries: numbers");
        same("jobs-line", "lines\nrun: echo x; echo ${INSIDE-no} of it\nwithout: of it");
        let home = "home\nrun: test $INSIDE && echo $TMPDIR/sandlock-0123456789abcdef/x || echo ~/x";
        same("jobs-home", home);
    }

    #[test]
    fn only_a_home_of_the_commands_own_is_a_home() {
        assert_eq!(own_home("a /tmp/sandlock-0123456789abcdef/x b"), "a ~/x b");
        assert_eq!(own_home("/tmp/sandlock-x /tmp/sandlock-"), "/tmp/sandlock-x /tmp/sandlock-");
    }
}
