//! `setup`: installs the programs that the tests run, and the Rust targets that `tidy` builds for.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{
    Outcome,
    command::{cargo, read, run as execute},
    guest::arch::{ARCHES, Arch, USER},
    nightly,
};

/// Where the programs are that every user has. One below a user's home, say, is of no use to a test: neither
/// the unprivileged user nor a sandboxed command can run it.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A package of Debian's, and the program or file that shows that nothing is to be installed.
const PACKAGES: &[(&str, &str)] = &[
    ("gcc", "gcc"),
    // libFuzzer is C++.
    ("g++", "g++"),
    ("libc6-dev", "/usr/include/stdio.h"),
    // What the kernel's selftests are linked with.
    ("libcap-dev", "/usr/include/sys/capability.h"),
    ("linux-libc-dev", "/usr/include/linux/seccomp.h"),
    ("python3", "python3"),
    ("python3-venv", "/var/lib/dpkg/info/python3-venv.list"),
    ("iproute2", "ip"),
    ("sqlite3", "sqlite3"),
    ("strace", "strace"),
    ("redis-server", "redis-server"),
    ("redis-tools", "redis-cli"),
    ("git", "git"),
    ("make", "make"),
    ("curl", "curl"),
    ("iputils-ping", "ping"),
    ("busybox-static", "busybox"),
    ("musl-tools", "musl-gcc"),
    ("bubblewrap", "bwrap"),
    ("golang-go", "go"),
    ("nodejs", "node"),
    // Clients that list interfaces, addresses and routes.
    ("erlang-base", "erl"),
    ("ethtool", "ethtool"),
    ("hostname", "hostname"),
    ("iw", "iw"),
    ("libmnl-dev", "/usr/include/libmnl/libmnl.h"),
    ("libnl-utils", "nl-link-list"),
    ("libnss-myhostname", "/usr/share/doc/libnss-myhostname/copyright"),
    ("net-tools", "ifconfig"),
    ("php-cli", "php"),
    ("postgresql", "/usr/lib/postgresql"),
    ("python3-gi", "/usr/lib/python3/dist-packages/gi"),
    ("python3-ifaddr", "/usr/lib/python3/dist-packages/ifaddr"),
    ("python3-netifaces", "/usr/share/doc/python3-netifaces/copyright"),
    ("python3-psutil", "/usr/lib/python3/dist-packages/psutil"),
    ("python3-pyroute2", "/usr/lib/python3/dist-packages/pyroute2"),
    ("python3-zeroconf", "/usr/lib/python3/dist-packages/zeroconf"),
    ("ruby", "ruby"),
    ("wireguard-tools", "wg"),
];

/// The targets of `tidy`'s builds, and musl's for static programs.
const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-musl",
    "x86_64-unknown-none",
    "thumbv7em-none-eabi",
    "wasm32-unknown-unknown",
    "aarch64-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
];

const COMPONENTS: &[&str] = &["clippy", "rustfmt"];

/// What Miri needs of the nightly compiler.
const NIGHTLY_COMPONENTS: &[&str] = &["miri", "rust-src"];

/// What runs the fuzzers, pinned for what `fuzz` reads of its output and where it puts what it builds.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

pub(crate) fn run(args: &[String]) -> Outcome {
    if !args.is_empty() {
        return Err("setup takes no arguments".into());
    }
    let here = [packages(), targets(), components(), nightly()];
    let guest = |arch| guest(arch).and_then(|()| user(arch));
    let guests = ARCHES.iter().map(|arch| guest(arch).map_err(|e| format!("{}: {e}", arch.name)));
    let faults: Vec<String> = here.into_iter().chain(guests).filter_map(Result::err).collect();
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whether `target`'s standard library is installed.
pub(crate) fn has_target(target: &str) -> bool {
    read(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))
        .is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Installs the packages that the tests here run, or prints how a person can.
pub(crate) fn packages() -> Result<(), String> {
    install(PACKAGES)
}

/// Installs what builds and boots an architecture's tests, or prints how a person can.
pub(crate) fn guest(arch: &Arch) -> Result<(), String> {
    let packages = arch.packages();
    install(&packages.each_ref().map(|(package, proof)| (package.as_str(), proof.as_str())))?;
    if has_target(arch.target) {
        return Ok(());
    }
    execute(Command::new("rustup").args(["--quiet", "target", "add", arch.target]))
}

/// Installs what runs an architecture's programs here, or prints how a person can.
pub(crate) fn user(arch: &Arch) -> Result<(), String> {
    install(&[(USER, arch.user)])
}

/// Installs what `stress` runs, apart from the others, for not every release of Debian has both.
pub(crate) fn stressors() -> Result<(), String> {
    install(&[("stress-ng", "stress-ng"), ("trinity", "trinity")])
}

/// Installs the packages whose proofs are missing.
pub(crate) fn install(packages: &[(&str, &str)]) -> Result<(), String> {
    let missing: Vec<&str> =
        packages.iter().filter(|(_, proof)| !is_there(proof)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_there("apt-get") {
        return Err(format!("no apt-get here; please install {}", missing.join(" ")));
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    if !is_root() {
        return Err(format!(
            "please run: sudo apt-get update && sudo apt-get {} {}",
            install.join(" "),
            missing.join(" ")
        ));
    }
    println!("installing {}", missing.join(" "));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-o", "Dpkg::Use-Pty=0"]);
        command
    };
    execute(apt().arg("update"))?;
    execute(apt().args(install).args(missing))
}

fn targets() -> Result<(), String> {
    let missing: Vec<&&str> = TARGETS.iter().filter(|target| !has_target(target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    execute(Command::new("rustup").args(["target", "add"]).args(missing))
        .map_err(|e| format!("{e}\nwithout these targets, tidy leaves out its builds for them"))
}

fn components() -> Result<(), String> {
    // Without rustup they come with Rust or not at all.
    let Some(rustup) = find("rustup", &env::var("PATH").unwrap_or_default()) else { return Ok(()) };
    execute(Command::new(rustup).args(["--quiet", "component", "add"]).args(COMPONENTS))
}

/// What the nightly compiler needs for fuzzing and Miri, if there is one.
fn nightly() -> Result<(), String> {
    if !nightly::has(None) {
        println!("no nightly compiler, so no fuzzing and no Miri: `rustup toolchain install nightly`");
        return Ok(());
    }
    if !nightly::has(Some("miri")) {
        let mut add = Command::new("rustup");
        execute(
            add.args(["--quiet", "component", "add", "--toolchain", "nightly"]).args(NIGHTLY_COMPONENTS),
        )?;
    }
    if !nightly::has(Some("fuzz")) {
        println!("installing {CARGO_FUZZ}");
        execute(&mut cargo(&["install", "--quiet", "--locked", CARGO_FUZZ]))?;
    }
    Ok(())
}

/// Whether a proof is there: a file if it begins with a slash, else a program.
pub(crate) fn is_there(proof: &str) -> bool {
    if proof.starts_with('/') { Path::new(proof).exists() } else { find(proof, PATH).is_some() }
}

fn find(program: &str, path: &str) -> Option<PathBuf> {
    path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| file.is_file())
}
