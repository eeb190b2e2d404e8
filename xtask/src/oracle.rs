//! `oracle`: the kernel's own selftests of Landlock and seccomp, once as they are and once with their calls
//! made by sandlock-sys.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use crate::{
    Outcome,
    command::{self, cargo, run as execute},
    guest::Cache,
};

/// Whose selftests.
const KERNEL: &str = "6.12";
/// Our side: a library of the calls, and what redirects a C program's to it.
const OURS: &str = "sandlock-sys/tests/selftests";
/// Each program's source below `tools/testing/selftests`, without `.c`.
const PROGRAMS: [&str; 8] = [
    "seccomp/seccomp_bpf",
    "landlock/base_test",
    "landlock/fs_test",
    "landlock/net_test",
    "landlock/ptrace_test",
    "landlock/scoped_abstract_unix_test",
    "landlock/scoped_signal_test",
    "landlock/scoped_test",
];
/// Headers of that kernel which the machine's own may be older than.
const HEADERS: [&str; 5] = ["landlock", "seccomp", "prctl", "fs", "fcntl"];
/// Seconds after which a program hangs.
const LIMIT: &str = "180";

/// How a test ended, by its name.
type Results = BTreeMap<String, String>;

pub(crate) fn run(args: &[String]) -> Outcome {
    if !args.is_empty() {
        return Err("oracle takes no arguments".into());
    }
    let folder = command::target("selftests")?;
    let folder = fs::canonicalize(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let sources = Cache::open()?.sources(KERNEL)?;
    println!("selftests of Linux {}", sources.version);
    unpack(&folder, &sources.path)?;
    let library = library(&folder)?;

    println!("{:36}{:>7}{:>7}{:>7}{:>9}{:>9}", "", "tests", "passed", "equal", "through", "past us");
    let mut faults = Vec::new();
    for program in PROGRAMS {
        let [alone, ours] = [None, Some(&*library)].map(|library| {
            let binary = build(&folder, program, library)?;
            let counts = folder.join("counts");
            fs::write(&counts, [0; 16]).map_err(|e| format!("{}: {e}", counts.display()))?;
            let results = results(&folder, &binary, &counts)?;
            let counts = fs::read(&counts).map_err(|e| e.to_string())?;
            let word = |at: usize| counts.get(at..)?.first_chunk().copied().map(u64::from_ne_bytes);
            Ok::<_, String>((results, word(0).unwrap_or(0), word(8).unwrap_or(0)))
        });
        let ((alone, ..), (ours, through, past)) = (alone?, ours?);
        let passed = ours.values().filter(|how| *how == "ok").count();
        let equal = alone.iter().filter(|(name, how)| ours.get(*name) == Some(how)).count();
        println!("{program:36}{:>7}{passed:>7}{equal:>7}{through:>9}{past:>9}", alone.len());
        if alone.is_empty() || through == 0 {
            faults.push(format!("{program}: it ran no test, or made no call through us"));
        }
        for name in alone.keys().chain(ours.keys().filter(|name| !alone.contains_key(*name))) {
            let [alone, ours] = [&alone, &ours].map(|results| results.get(name).map_or("missing", |how| how));
            if alone != ours {
                faults.push(format!("{program}: {name}: {alone} alone, {ours} through sandlock-sys"));
            }
        }
    }
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

/// The parts of the kernel's sources that are needed, its headers as the C library wants them.
fn unpack(folder: &Path, archive: &Path) -> Result<(), String> {
    let wanted = ["landlock", "seccomp", "clone3"].map(|part| format!("*/tools/testing/selftests/{part}"));
    let headers = HEADERS.map(|name| format!("*/include/uapi/linux/{name}.h"));
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--xz", "--strip-components=1", "--wildcards", "--file"]).arg(archive);
    tar.arg("--directory")
        .arg(folder)
        .args(wanted)
        .args(headers)
        .arg("*/tools/testing/selftests/kselftest*.h");
    execute(&mut tar)?;
    let linux = folder.join("headers/linux");
    fs::create_dir_all(&linux).map_err(|e| format!("{}: {e}", linux.display()))?;
    for name in HEADERS {
        let file = format!("{name}.h");
        let path = folder.join("include/uapi/linux").join(&file);
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        // As `make headers_install` has it.
        let text =
            text.replace("#include <linux/compiler.h>\n", "").replace("__user ", "").replace(" __user", "");
        fs::write(linux.join(&file), text).map_err(|e| format!("{file}: {e}"))?;
    }
    Ok(())
}

fn library(folder: &Path) -> Result<PathBuf, String> {
    let manifest = format!("{OURS}/Cargo.toml");
    execute(cargo(&["build", "--quiet", "--manifest-path", &manifest]).env("CARGO_TARGET_DIR", folder))?;
    Ok(folder.join("debug/libsandlock_oracle.a"))
}

/// One program, as it is or with our library.
fn build(folder: &Path, program: &str, library: Option<&Path>) -> Result<PathBuf, String> {
    let selftests = folder.join("tools/testing/selftests");
    let name = program.rsplit('/').next().unwrap_or(program);
    let place = folder.join(if library.is_some() { "through" } else { "alone" });
    fs::create_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    let mut cc = Command::new("cc");
    cc.args(["-w", "-O2", "-D_GNU_SOURCE="]);
    let mut include = |path: PathBuf| {
        cc.arg("-I").arg(path);
    };
    include(folder.join("headers"));
    include(selftests.clone());
    if program.starts_with("landlock") {
        // Not for the others: its filter.h is another one.
        include(folder.join("tools/include"));
    }
    cc.arg("-o").arg(place.join(name)).arg(selftests.join(format!("{program}.c")));
    if let Some(library) = library {
        cc.args(["-Wl,--wrap=syscall,--wrap=prctl,--wrap=ioctl", &format!("{OURS}/redirect.c")]).arg(library);
    }
    execute(cc.args(["-lcap", "-lpthread", "-ldl", "-lm"]))?;
    // What some of them execute.
    let helper = selftests.join("landlock/true.c");
    execute(Command::new("cc").args(["-w", "-O2", "-static", "-o"]).arg(place.join("true")).arg(helper))?;
    Ok(place.join(name))
}

/// Runs it, mounts and all, in a mount namespace of its own, and reads its TAP.
fn results(folder: &Path, binary: &Path, counts: &Path) -> Result<Results, String> {
    let place = binary.parent().unwrap_or(folder);
    let output = Command::new("timeout")
        .args([LIMIT, "unshare", "--mount"])
        .arg(binary)
        .env("ORACLE_COUNTS", counts)
        .current_dir(place)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", binary.display()))?;
    if output.status.code() == Some(124) {
        return Err(format!("{}: still running after {LIMIT} s", binary.display()));
    }
    Ok(tap(&String::from_utf8_lossy(&output.stdout)))
}

/// `ok 1 NAME` and `not ok 2 NAME`, with what comes after `#`.
fn tap(text: &str) -> Results {
    let lines = text.lines().filter_map(|line| {
        let (how, rest) = match line.strip_prefix("not ok ") {
            Some(rest) => ("not ok", rest),
            None => ("ok", line.strip_prefix("ok ")?),
        };
        let (_, name) = rest.split_once(' ')?;
        let (name, note) = name.split_once(" # ").unwrap_or((name, ""));
        let how = if note.starts_with("SKIP") { "skipped" } else { how };
        Some((name.trim().to_owned(), how.to_owned()))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::tap;

    #[test]
    fn results_are_read() {
        let text = "TAP version 13\n1..3\n# RUN global.one ...\nok 1 global.one\nnot ok 2 a.b.c\nok 3 d # SKIP no kernel\nok\n";
        let want = [("a.b.c", "not ok"), ("d", "skipped"), ("global.one", "ok")];
        assert!(tap(text).iter().map(|(name, how)| (&**name, &**how)).eq(want));
    }
}
