//! Code of an attacker in the supervisor and in the guardian of a running sandbox: what it can do there.

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use sandlock_sys::fs::{
    MemfdFlags, Mode, OFlags, Resolve, UnlinkFlags, memfd_create, mkdirat, openat2, unlinkat,
};
use sandlock_sys::process::PidfdFlags;
use sandlock_sys::{BorrowedFd, Errno, Pid, Signal, net, process, signal};

use crate::plan::PrivateTmp;
use crate::{Outcome, Policy};

/// The attack to run in the supervisor at the first call, and in the guardian as soon as it is confined.
static IN_SUPERVISOR: Mutex<Option<Attack>> = Mutex::new(None);
/// For the guardian: what it is to try, and what has worked, a bit for each.
static IN_GUARDIAN: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Where to attack.
#[derive(Debug, Clone, Default)]
struct Attack {
    granted: PathBuf,
    outside: PathBuf,
    port: u16,
    worked: Vec<&'static str>,
}

impl Attack {
    fn run(&mut self) {
        let c = |path: PathBuf| std::ffi::CString::new(path.into_os_string().into_encoded_bytes()).unwrap();
        // By the call that the supervisor may make, so that Landlock is what judges.
        let here = BorrowedFd::CWD;
        let open =
            |path: PathBuf, flags, mode| openat2(here, &c(path), flags, mode, Resolve::empty()).is_ok();
        let (read, write) = (OFlags::empty(), OFlags::CREAT | OFlags::WRONLY);
        let above = process::getppid();
        let tries: [(&'static str, bool); 14] = [
            ("read inside", open(self.granted.join("file"), read, Mode::empty())),
            ("write inside", open(self.granted.join("new"), write, Mode::RWXU)),
            ("read", open(self.outside.join("file"), read, Mode::empty())),
            ("list", open(self.outside.clone(), OFlags::DIRECTORY, Mode::empty())),
            ("write", open(self.outside.join("new"), write, Mode::RWXU)),
            ("remove", unlinkat(here, &c(self.outside.join("victim")), UnlinkFlags::empty()).is_ok()),
            ("link", fs::hard_link(self.outside.join("file"), self.granted.join("link")).is_ok()),
            ("directory", mkdirat(here, &c(self.granted.join("dir")), Mode::RWXU).is_ok()),
            ("tcp", TcpStream::connect(("127.0.0.1", self.port)).is_ok()),
            ("unix", UnixStream::connect(self.outside.join("socket")).is_ok()),
            ("execute", Command::new("/bin/true").status().is_ok()),
            ("thread", std::thread::Builder::new().spawn(|| ()).is_ok()),
            ("signal", signal::kill(above, Signal::NONE).is_ok()),
            ("memory", process::vm_readv(above, 16, &mut [0; 8]) == Err(Errno::EFAULT)),
        ];
        self.worked = tries.iter().filter(|(_, worked)| *worked).map(|(name, _)| *name).collect();
    }
}

/// Called by the supervisor.
pub(crate) fn in_supervisor() {
    if let Some(attack) = &mut *IN_SUPERVISOR.lock().unwrap() {
        attack.run();
    }
}

/// Called by the guardian, which may not allocate or panic.
pub(crate) fn in_guardian() {
    let [wanted, worked] = &IN_GUARDIAN;
    if wanted.load(SeqCst) != 0 {
        worked.store(guardian_tries(), SeqCst);
        wanted.store(0, SeqCst);
    }
}

/// Opening a file, signalling another process, a socket, a memory file, a session of its own.
fn guardian_tries() -> u32 {
    let open = |path| sandlock_sys::fs::open(path, OFlags::empty()).is_ok();
    let tries = [
        open(c"/proc/self/status"),
        open(c"/etc/passwd"),
        open(c"/bin/true"),
        signal::kill(Pid::new(1), Signal::NONE).is_ok(),
        net::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).is_ok(),
        process::pidfd_open(process::getppid(), PidfdFlags::empty()).is_ok(),
        memfd_create(c"x", MemfdFlags::CLOEXEC).is_ok(),
        process::new_session().is_ok(),
    ];
    tries.iter().rev().fold(0, |bits, worked| bits << 1 | u32::from(*worked))
}

#[test]
fn code_of_an_attacker_is_confined_too() {
    if crate::Abi::current().is_err() {
        let skip = b"SKIP launch::tests::code_of_an_attacker_is_confined_too: no Landlock\n";
        return std::io::Write::write_all(&mut std::io::stdout(), skip).unwrap();
    }
    let dir = |name: &str| {
        let dir = PrivateTmp::create(&std::env::temp_dir()).unwrap();
        fs::write(dir.path().join("file"), name).unwrap();
        fs::write(dir.path().join("victim"), name).unwrap();
        dir
    };
    let (granted, outside) = (dir("granted"), dir("outside"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _socket = UnixListener::bind(outside.path().join("socket")).unwrap();
    let mut attack = Attack {
        granted: granted.path().into(),
        outside: outside.path().into(),
        port: listener.local_addr().unwrap().port(),
        worked: Vec::new(),
    };
    // Outside all of it works, for these tests are not confined; root can also read the memory of the
    // processes above.
    attack.run();
    let control = attack.worked.clone();
    assert!(control.len() >= 13, "{control:?}");
    assert_eq!(guardian_tries() & 0b0111_0111, 0b0111_0111);
    for name in ["new", "link"] {
        fs::remove_file(granted.path().join(name)).unwrap();
    }
    fs::remove_dir(granted.path().join("dir")).unwrap();
    fs::write(outside.path().join("victim"), "").unwrap();

    *IN_SUPERVISOR.lock().unwrap() = Some(attack);
    IN_GUARDIAN[0].store(1, SeqCst);
    let mut policy = Policy::base();
    policy.write(granted.path()).connect("1".parse().unwrap());
    // What this kernel lacks is agreed to, and is what an attacker then has.
    let abi = crate::Abi::current().map_or(0, crate::Abi::version);
    for lacks in crate::PROTECTIONS.iter().filter(|one| one.abi > abi) {
        policy.allow_degraded(lacks.name).unwrap();
    }
    let file = granted.path().join("file");
    assert_eq!(policy.run(["chmod".as_ref(), "600".as_ref(), file.as_os_str()]), Ok(Outcome::Exited(0)));
    let attack = IN_SUPERVISOR.lock().unwrap().take().unwrap();
    let has: &[&str] =
        if abi < 6 { &["read inside", "write inside", "signal"] } else { &["read inside", "write inside"] };
    assert_eq!(attack.worked, has);
    let scoped = IN_GUARDIAN[1].load(SeqCst) & if abi < 6 { !8 } else { !0 };
    assert_eq!(scoped, 0);
}
