//! A sandbox that is tried out: `sandlock check` starts one as `run` does, and a part of sandlock in it tries
//! every operation that must fail.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use clap::Args;
use sandlock_sys::{AsFd, Pid, Signal, net, process, signal};

/// What the part inside takes: where to try.
#[derive(Debug, Args)]
pub(crate) struct Options {
    directory: PathBuf,
    port: u16,
    process: i32,
}

/// The last line of the part inside.
const END: &str = "all was tried";

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// The message of a `run` that did not start.
    pub(crate) error: Option<String>,
    /// The protections that are not kept, and the operation that was possible.
    pub(crate) broken: Vec<(String, String)>,
}

/// Tries a sandbox. `agreed`: what the kernel lacks.
pub(crate) fn run<'a>(agreed: impl Iterator<Item = &'a str>) -> Trial {
    let directory = std::env::temp_dir().join(format!("sandlock-check-{}", process::getpid()));
    let tried = outside(&directory, agreed);
    let _ = fs::remove_dir_all(&directory);
    tried.unwrap_or_else(|error| Trial { error: Some(error.to_string()), ..Trial::default() })
}

fn outside<'a>(directory: &Path, agreed: impl Iterator<Item = &'a str>) -> io::Result<Trial> {
    fs::create_dir(directory)?;
    fs::write(directory.join("file"), "")?;
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    let _by_path = UnixListener::bind(directory.join("socket"))?;
    let _by_name = UnixListener::bind_addr(&abstract_name(directory)?)?;
    let this = std::env::current_exe()?;
    let mut run = Command::new(&this);
    run.args(["run", "-q"]);
    agreed.for_each(|name| _ = run.args(["--allow-degraded", name]));
    let numbers = [tcp.local_addr()?.port().to_string(), process::getpid().to_string()];
    let ran = run.arg("--").arg(&this).arg("try-inside").arg(directory).args(numbers).output()?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let broken =
        text.lines().filter_map(|line| line.split_once(": ")).map(|(name, what)| (name.into(), what.into()));
    let error = (text.lines().last() != Some(END)).then(|| {
        let said = String::from_utf8_lossy(&ran.stderr);
        said.lines().last().unwrap_or("it ended without a word").trim_start_matches("sandlock: ").to_owned()
    });
    Ok(Trial { error, broken: broken.collect() })
}

/// The part inside: a line for each thing that works and must not.
pub(crate) fn inside(options: &Options) -> ExitCode {
    let Options { directory, port, process } = options;
    let answers = net::socket(libc::AF_NETLINK, libc::SOCK_RAW, 0)
        .and_then(|socket| net::getsockname(socket.as_fd(), &mut [0; 12]));
    let by_name = abstract_name(directory).and_then(|name| UnixStream::connect_addr(&name));
    let sent = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", ("127.0.0.1", *port)));
    for (name, works, what) in [
        ("landlock", File::open(directory.join("file")).is_ok(), "a file outside can be read"),
        ("landlock", fs::write(directory.join("file"), "").is_ok(), "a file outside can be written"),
        ("net-tcp", TcpStream::connect(("127.0.0.1", *port)).is_ok(), "a TCP port outside can be reached"),
        ("net-udp", sent.is_ok(), "a datagram can be sent"),
        (
            "signal-scope",
            signal::kill(Pid::new(*process), Signal::NONE).is_ok(),
            "a process outside can be signalled",
        ),
        ("abstract-unix-socket-scope", by_name.is_ok(), "an abstract unix socket outside can be reached"),
        (
            "unix-path",
            UnixStream::connect(directory.join("socket")).is_ok(),
            "a unix socket outside can be reached",
        ),
        ("seccomp-notify", answers != Ok(12), "the supervisor's answers do not arrive"),
    ] {
        if works {
            println!("{name}: {what}");
        }
    }
    println!("{END}");
    ExitCode::SUCCESS
}

fn abstract_name(directory: &Path) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(AsRef::<OsStr>::as_ref(directory).as_encoded_bytes())
}
