//! Escapes: each attack of the `victim` works outside, where the machine and the user allow, and fails inside
//! with the errno that names the reason.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command};
use std::thread;

use common::{Dir, Ran, abi, built, loses_values, run, unique};

/// What the control must show.
#[derive(Clone, Copy, PartialEq)]
enum Outside {
    /// It works.
    Works,
    /// It works for root; another user is refused outside too.
    Root,
    /// This machine may lack what it needs: the test checks the inside only.
    Unknown,
}
use Outside::{Root, Unknown, Works};

/// An attack with its arguments, what the control must show, more flags of `sandlock run`, and the one line
/// (or death) inside.
type Row = (&'static str, Outside, &'static str, &'static str);

/// What an attack can aim at: `{in}` may be written, `{out}` not even read; servers; a process.
struct Stage {
    inside: Dir,
    outside: Dir,
    port: u16,
    allowed: u16,
    name: String,
    /// Named `d` in each directory, and abstract: a send to them succeeds outside.
    _datagrams: Vec<UnixDatagram>,
    bystander: Child,
    _servers: Vec<Server>,
}

/// A listening socket whose thread greets every client that connects, until dropped.
struct Server(UnixStream);

impl Server {
    fn new<S: Write + Send>(
        listener: OwnedFd,
        accept: impl Fn() -> std::io::Result<S> + Send + 'static,
        greeting: &'static [u8],
    ) -> Self {
        thread::spawn(move || {
            while let Ok(mut stream) = accept() {
                // A client that has gone again is none of our business.
                let _ = stream.write_all(greeting);
            }
        });
        // shutdown(2) is the same for every stream socket.
        Self(listener.into())
    }

    fn tcp() -> (Self, u16) {
        // Both families, so that every spelling of the loopback address is answered.
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = listener.try_clone().unwrap().into();
        (Self::new(own, move || Ok(listener.accept()?.0), b"secret"), port)
    }

    fn unix(listener: UnixListener, greeting: &'static [u8]) -> Self {
        let own = listener.try_clone().unwrap().into();
        Self::new(own, move || Ok(listener.accept()?.0), greeting)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its thread's accept(2) fails, and the thread ends.
        self.0.shutdown(Shutdown::Both).unwrap();
    }
}

/// `name`, made longer by one if its path would have an odd length otherwise.
fn even(dir: &Dir, name: &str) -> String {
    if dir.join(name).as_os_str().len().is_multiple_of(2) { name.to_owned() } else { format!("x{name}") }
}

impl Stage {
    fn new() -> Self {
        let (inside, outside) = (Dir::new(), Dir::new());
        let ((tcp, port), (other, allowed)) = (Server::tcp(), Server::tcp());
        let mut servers = vec![tcp, other];
        for (dir, greeting) in [(&inside, &b"public"[..]), (&outside, b"secret")] {
            dir.file("file", 0o600, greeting);
            servers.push(Server::unix(UnixListener::bind(dir.join("s")).unwrap(), greeting));
        }
        // Two paths of one even length that differ in their last two bytes, for the race between them.
        for (name, greeting) in [("ga", &b"public"[..]), ("so", b"secret")] {
            let listener = UnixListener::bind(outside.join(even(&outside, name))).unwrap();
            servers.push(Server::unix(listener, greeting));
        }
        let name = format!("sandlock-test-{}", unique());
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        servers.push(Server::unix(listener, b"secret"));
        let address = SocketAddr::from_abstract_name(format!("{name}-d")).unwrap();
        let datagrams = vec![
            UnixDatagram::bind(inside.join("d")).unwrap(),
            UnixDatagram::bind(outside.join("d")).unwrap(),
            UnixDatagram::bind_addr(&address).unwrap(),
        ];
        // A group of its own, for attacks on whole groups.
        let bystander = {
            use std::os::unix::process::CommandExt;
            Command::new("/bin/sleep")
                .arg("600")
                .process_group(0)
                .env("SECRET", "in-the-environment")
                .spawn()
                .unwrap()
        };
        Self { inside, outside, port, allowed, name, _datagrams: datagrams, bystander, _servers: servers }
    }

    fn fill(&self, text: &str) -> Vec<String> {
        text.split_whitespace()
            .map(|word| {
                word.replace("{in}", self.inside.text())
                    .replace("{out}", self.outside.text())
                    .replace("{port}", &self.port.to_string())
                    .replace("{allowed}", &self.allowed.to_string())
                    .replace("{granted}", &format!("{}/{}", self.outside.text(), even(&self.outside, "ga")))
                    .replace("{secret}", &format!("{}/{}", self.outside.text(), even(&self.outside, "so")))
                    .replace("{name}", &self.name)
                    .replace("{pid}", &self.bystander.id().to_string())
            })
            .collect()
    }

    /// The attack without a sandbox.
    fn bare(&self, attack: &str) -> Ran {
        run(self.inside.command(built("victim")).args(self.fill(attack)))
    }

    /// The attack in one.
    fn boxed(&self, flags: &str, attack: &str) -> Ran {
        let victim = built("victim").to_string_lossy().into_owned();
        let mut words = self.fill(&format!("run -q -t 30 -w {{in}} {flags} -- {victim}"));
        words.extend(self.fill(attack));
        run(&mut self.inside.sandlock(words))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // An attack may have ended it already.
        let _ = self.bystander.kill();
        let _ = self.bystander.wait();
    }
}

fn is_root() -> bool {
    sandlock_sys::process::getuid().get() == 0
}

/// An attack's line, outside and inside, where there is nothing to attack: newer architectures never had
/// the oldest calls, and older kernels have not the newest.
const ABSENT: &str = "errno ENOSYS";

/// What an attack comes to where the supervisor judges unix sockets by path, and where Landlock does: then
/// datagram sockets are for all programs.
fn by_path(supervisor: &'static str, landlock: &'static str) -> &'static str {
    if abi() < 9 { supervisor } else { landlock }
}

/// What an attack comes to that is given a descriptor, and where the kernel loses it.
fn with_descriptor(given: &'static str, lost: &'static str) -> &'static str {
    if loses_values() { lost } else { given }
}

/// Every row that does not go as it must, at once.
fn attack(rows: &[Row]) {
    let mut wrong = String::new();
    for (attack, outside, flags, inside) in rows {
        if *outside == Works || (*outside == Root && is_root()) {
            let ran = Stage::new().bare(attack);
            if ran.out.trim_end() != ABSENT && (ran.code != 0 || !ran.out.starts_with("ok")) {
                wrong += &format!("{attack}: outside it should work: {ran:?}\n");
            }
        }
        let stage = Stage::new();
        let ran = stage.boxed(flags, attack);
        let line = match ran.code {
            0 => ran.out.trim_end().to_owned(),
            code => format!("status {code}"),
        };
        if line == ABSENT && Stage::new().bare(attack).out.trim_end() == ABSENT {
            continue;
        }
        if line != *inside {
            wrong += &format!("{attack}: inside it should be {inside:?}, and is {line:?}: {ran:?}\n");
        }
        for dir in [&stage.outside, &stage.inside] {
            // Nothing outside has changed, whatever the victim's result.
            let names = fs::read_dir(&**dir).unwrap().count();
            if dir.text() == stage.outside.text()
                && (names != 5 || fs::read(dir.join("file")).unwrap() != b"secret")
            {
                wrong += &format!("{attack}: something outside has changed\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn tcp_and_its_relatives() {
    attack(&[
        ("tcp_connect {port}", Works, "", "errno EACCES"),
        ("tcp_connect {allowed}", Works, "--net-allow :{allowed}", "ok"),
        ("tcp_connect {port}", Works, "--net-allow :{allowed}", "errno EACCES"),
        ("tcp6_connect {port}", Works, "--net-allow :{allowed}", "errno EACCES"),
        ("tcp6_connect {allowed}", Works, "--net-allow :{allowed}", "ok"),
        ("tcp_connect_mapped {port}", Works, "", "errno EACCES"),
        ("tcp_connect_long {port}", Works, "", "errno EACCES"),
        ("tcp_bind", Works, "", "errno EACCES"),
        // The port has a listener already, which is reported only to a process that may bind it.
        ("tcp_bind_port {port}", Unknown, "", "errno EACCES"),
        ("tcp_bind_port {port}", Unknown, "--net-allow-bind {port}", "errno EADDRINUSE"),
        ("tcp_listen", Works, "", "errno EACCES"),
        ("tcp_listen", Works, "--net-allow-bind 7777", "errno EACCES"),
        ("tcp_listen_used {allowed}", Works, "--net-allow :{allowed}", "errno EACCES"),
        ("mptcp_connect {port}", Unknown, "", "errno EPROTONOSUPPORT"),
        ("mptcp6_connect {port}", Unknown, "", "errno EPROTONOSUPPORT"),
        ("mptcp_bind", Unknown, "", "errno EPROTONOSUPPORT"),
        ("mptcp_listen", Unknown, "", "errno EPROTONOSUPPORT"),
        ("smc_protocol {port}", Unknown, "", "errno EPROTONOSUPPORT"),
        ("sctp_stream {port}", Unknown, "", "errno EPROTONOSUPPORT"),
        ("fastopen_sendto {port}", Works, "", "errno EOPNOTSUPP"),
        ("fastopen_garbage {port}", Works, "", "errno EOPNOTSUPP"),
        ("fastopen_more {port}", Works, "", "errno EOPNOTSUPP"),
        ("fastopen_sendmsg {port}", Works, "", "errno EOPNOTSUPP"),
        ("fastopen_sendmmsg {port}", Works, "", "errno EOPNOTSUPP"),
        ("fastopen_option {port}", Works, "", "errno ENOPROTOOPT"),
        ("fastopen_elsewhere {allowed} {port}", Unknown, "--net-allow :{allowed}", "errno ENOPROTOOPT"),
        ("udp_send {port}", Works, "--net-allow :{port}", "errno EPIPE"),
        ("udp6_send {port}", Works, "", "errno EPIPE"),
        ("udp_sweep", Works, "--net-allow *", "errno EPIPE"),
        ("udp6_sweep", Works, "--net-allow *", "errno EPIPE"),
        ("udplite_send", Unknown, "", "errno EACCES"),
        // Newer kernels want a capability for it.
        ("source_route", Unknown, "--net-allow *", "errno EPERM"),
        ("source6_route", Works, "--net-allow *", "errno EPERM"),
        ("bind_to_device lo", Works, "--net-allow *", "ok"),
        ("bind_to_index 1", Works, "--net-allow *", "ok"),
        ("bind_to_index 0", Works, "--net-allow *", "ok"),
        ("multicast", Works, "--net-allow *", "errno ENODEV"),
        ("upper_layer {allowed}", Works, "--net-allow :{allowed}", "errno ENOPROTOOPT"),
    ]);
}

/// By another device, packets for a granted address of this machine would leave it.
#[test]
fn a_socket_is_bound_to_no_device_but_lo() {
    let devices = fs::read_dir("/sys/class/net").into_iter().flatten().filter_map(Result::ok);
    let mut devices = devices.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let Some(other) = devices.find(|name| name != "lo") else {
        return common::skip(a_socket_is_bound_to_no_device_but_lo, "there is no device but lo");
    };
    let index = fs::read_to_string(format!("/sys/class/net/{other}/ifindex")).unwrap();
    for attack in [format!("bind_to_device {other}"), format!("bind_to_index {}", index.trim())] {
        assert_eq!(Stage::new().bare(&attack).ok(), "ok \n", "{attack}");
        assert_eq!(Stage::new().boxed("--net-allow *", &attack).out, "errno ENODEV\n", "{attack}");
    }
}

#[test]
fn socket_families() {
    attack(&[
        ("icmp_socket", Unknown, "", "errno EACCES"),
        ("raw_socket", Root, "", "errno EPERM"),
        ("raw6_socket", Root, "", "errno EPERM"),
        ("packet_socket", Root, "", "errno EAFNOSUPPORT"),
        ("sock_packet", Root, "", "errno EPERM"),
        ("xdp_socket", Unknown, "", "errno EAFNOSUPPORT"),
        ("alg_socket", Unknown, "", "errno EAFNOSUPPORT"),
        ("vsock_socket", Unknown, "", "errno EAFNOSUPPORT"),
        ("smc_socket", Unknown, "", "errno EAFNOSUPPORT"),
        ("sctp_seqpacket", Unknown, "", "errno EPERM"),
        ("l2tp_socket", Unknown, "", "errno EACCES"),
        ("family_garbage", Root, "", "errno EAFNOSUPPORT"),
        ("netlink_diag", Works, "", with_descriptor("errno ENOENT", "errno ENOTSOCK")),
        ("netlink_others", Works, "", "errno EPROTONOSUPPORT"),
        // The kernel takes a raw unix socket for one of datagrams.
        ("socket_sweep", Works, "", by_path("errno EAFNOSUPPORT", "ok 1/3/0 1/3/1")),
        ("socketpair_dgram", Works, "", by_path("errno EACCES", "ok")),
        ("socketpair_tipc", Unknown, "", "errno EAFNOSUPPORT"),
        ("interfaces", Unknown, "", "errno ENODEV"),
        ("interface_index", Unknown, "", "errno ENODEV"),
        ("interface_count", Unknown, "", "errno ENODEV"),
        ("interface_change", Root, "", "errno EPERM"),
    ]);
}

#[test]
fn unix_sockets() {
    attack(&[
        // Granted sockets work, by every spelling.
        ("unix_connect {in}/s", Works, "", "ok"),
        ("unix_relative {in} s", Works, "", "ok"),
        ("unix_connect {granted}", Works, "-w {granted}", "ok"),
        ("unix_connect {secret}", Works, "-w {granted}", "errno EACCES"),
        ("unix_connect {out}/s", Works, "", "errno EACCES"),
        ("unix_connect {out}/s", Works, "-r {out}", "errno EACCES"),
        ("unix_relative {out} s", Works, "", "errno EACCES"),
        ("unix_relative {in} ../../{out}/s", Works, "", "errno EACCES"),
        ("unix_proc_root {out}/s", Works, "", by_path("errno ELOOP", "errno EACCES")),
        ("unix_proc_cwd {out} s", Works, "", by_path("errno ELOOP", "errno EACCES")),
        ("unix_proc_fd {out}/s", Works, "", by_path("errno ELOOP", "errno EACCES")),
        ("unix_link {out}/s {in}/mine", Works, "", "errno EXDEV"),
        ("unix_rename {out}/s {in}/mine", Works, "", "errno EACCES"),
        ("unix_symlink {out}/s {in}/mine", Works, "", "errno EACCES"),
        // Such a socket can be had. It cannot send at all, or where Landlock lets it.
        ("unix_dgram {out}/d", Works, "", by_path("errno EPIPE", "errno EACCES")),
        ("unix_dgram {in}/d", Works, "", by_path("errno EPIPE", "ok")),
        ("unix_dgram_message {out}/d", Works, "", by_path("errno EPIPE", "errno EACCES")),
        ("unix_dgram_connect {out}/d", Works, "", "errno EACCES"),
        ("unix_dgram_abstract {name}-d", Works, "", by_path("errno EPIPE", "errno EPERM")),
        ("unix_abstract {name}", Works, "", "errno EPERM"),
        ("unix_own_abstract own-{name}", Works, "", "ok"),
        ("unix_bind {in}/new", Works, "", "ok"),
        ("unix_bind {out}/new", Works, "", "errno EACCES"),
        // The kernel looks at the kind before it asks Landlock.
        ("unix_seqpacket {out}/s", Unknown, "", by_path("errno EACCES", "errno EPROTOTYPE")),
        ("unix_seqpacket {in}/s", Unknown, "", "errno EPROTOTYPE"),
        // What the supervisor cannot look into is not let through.
        ("unix_unreadable {out}/s {in}/copy", Works, "", by_path("errno EPERM", "errno EACCES")),
        ("unix_connect {in}/file", Unknown, "", "errno ECONNREFUSED"),
        ("unix_connect {in}/none", Unknown, "", "errno ENOENT"),
    ]);
}

#[test]
fn races() {
    attack(&[
        ("race_port {allowed} {port}", Works, "--net-allow :{allowed}", "errno EACCES"),
        ("race_family {port}", Works, "--net-allow :{allowed}", "errno EACCES"),
        ("race_path {granted} {secret}", Works, "-w {granted}", "errno EACCES"),
        ("race_descriptor {allowed} {out}/s", Works, "--net-allow :{allowed}", "errno EACCES"),
    ]);
}

#[test]
fn processes_outside() {
    const ATTACKS: [(&str, &str); 24] = [
        ("kill", "EPERM"),
        ("kill_term", "EPERM"),
        ("kill_group", "EPERM"),
        ("tgkill", "EPERM"),
        ("tkill", "EPERM"),
        ("sigqueue", "EPERM"),
        ("pidfd_signal", "EPERM"),
        ("prlimit_set", "EPERM"),
        ("prlimit_get", "EPERM"),
        ("setpriority", "EPERM"),
        ("setpriority_group", "EPERM"),
        ("setaffinity", "EPERM"),
        ("setscheduler", "EPERM"),
        ("setparam", "EPERM"),
        ("setattr", "EPERM"),
        ("ioprio", "EPERM"),
        ("vm_read", "EPERM"),
        ("vm_write", "EPERM"),
        ("ptrace", "EPERM"),
        ("getfd", "EPERM"),
        ("madvise", "EACCES"),
        ("proc_mem", "EACCES"),
        ("proc_environ", "EACCES"),
        ("proc_root", "EACCES"),
    ];
    for (name, errno) in ATTACKS {
        let line = format!("errno {errno}");
        let bystander = format!("{name} {{pid}}");
        let control = if name == "madvise" { Unknown } else { Works };
        let (bystander, line): (&'static str, &'static str) = (bystander.leak(), line.leak());
        attack(&[(bystander, control, "", line)]);
        // The supervisor and the guardian are as far away: `parent` is the guardian, `grandparent` the
        // supervisor.
        for maker in ["parent", "grandparent"] {
            if name.ends_with("_group") {
                // They lead no group of that number.
                continue;
            }
            attack(&[(format!("{name} {maker}").leak(), Unknown, "", line)]);
        }
    }
}

#[test]
fn processes_by_other_ways() {
    attack(&[
        ("setpriority_user", Works, "", "errno EPERM"),
        ("own_child", Works, "", "ok"),
        ("proc_fd {pid}", Unknown, "", "errno EACCES"),
        ("proc_mem 1", Unknown, "", "errno EACCES"),
        ("proc_environ 1", Unknown, "", "errno EACCES"),
        ("proc_root 1", Unknown, "", "errno EACCES"),
        ("clone_parent", Works, "", "errno EPERM"),
        ("hide", Unknown, "", "errno EPROTONOSUPPORT"),
        ("ptracer", Works, "--no-ptrace", "errno EPERM"),
        ("namespace", Unknown, "", "errno EPERM"),
        ("namespace_clone", Unknown, "", "errno EPERM"),
        ("namespace_clone3", Unknown, "", "errno ENOSYS"),
        ("namespace_time", Unknown, "", "errno EPERM"),
        ("setns", Root, "", "errno EPERM"),
    ]);
    // Data that arrives signals the owner of a socket; the sender learns nothing, so only the bystander
    // can report it.
    let mut stage = Stage::new();
    assert!(
        stage.boxed("", "sigio {pid}").out.starts_with("errno EPERM")
            || stage.bystander.try_wait().unwrap().is_none()
    );
    assert!(stage.bystander.try_wait().unwrap().is_none(), "it was signalled");
    stage.bare("sigio {pid}").ok();
    assert!(!stage.bystander.wait().unwrap().success());
}

/// Calls that fail with `EPERM` outside too, for a user without capabilities and with valid arguments.
const FOR_ROOT: &[&str] = &[
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "fchroot",
    "move_mount",
    "open_tree",
    "open_tree_attr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "setns",
    "swapon",
    "swapoff",
    "reboot",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "acct",
    "syslog",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "clock_settime",
    "clock_settime64",
    "clock_adjtime",
    "clock_adjtime64",
    "adjtimex",
    "stime",
    "vhangup",
    "ioperm",
    "iopl",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "open_by_handle_at",
];

/// A refused call with invalid arguments fails as it does outside, or as on a kernel without the call.
#[test]
fn refusals_look_like_the_kernels() {
    let refused = |row: &&sandlock::table::Row| matches!(row.rule, sandlock::table::Rule::Refuse(_));
    let names = sandlock::table::ROWS.iter().filter(refused).flat_map(|row| row.names);
    // Outside these could make objects that stay.
    let names = names.map(|name| name.as_str()).filter(|name| !["msgget", "semget", "shmget"].contains(name));
    let words = ["nonsense"].into_iter().chain(names).collect::<Vec<_>>().join(" ");
    let (outside, inside) = (Stage::new().bare(&words), Stage::new().boxed("", &words));
    let lines = |ran: &Ran| -> Vec<Vec<String>> {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        ran.out.trim_start_matches("ok").lines().map(words).collect()
    };
    let (outside, inside) = (lines(&outside), lines(&inside));
    assert!(inside.len() == outside.len() && inside.len() > 50, "{inside:?}");
    let mut wrong = String::new();
    for (outside, inside) in outside.iter().zip(&inside).filter(|(outside, _)| outside.len() > 1) {
        let (name, errno) = (&inside[0], &inside[1]);
        let is_roots = errno == "EPERM" && FOR_ROOT.contains(&name.as_str());
        let is_known = is_roots || errno == "ENOSYS" || outside[1..].contains(errno);
        if inside[1..].iter().any(|other| other != errno) {
            wrong += &format!("{name} has no one errno: {inside:?}\n");
        } else if !is_known {
            wrong += &format!("{name}: {errno} inside, and outside one of {:?}\n", &outside[1..]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Where x32 is, a number that may be its is the end.
const OUT_OF_RANGE: &str = if cfg!(target_arch = "x86_64") { "status 159" } else { ABSENT };

#[test]
fn numbers_and_surfaces() {
    attack(&[
        // s390x takes the lower 16 bits, before the filter and the kernel see them: mkdir(NULL).
        ("x32", Unknown, "", if cfg!(target_arch = "s390x") { "errno EFAULT" } else { OUT_OF_RANGE }),
        ("minus_one", Unknown, "", OUT_OF_RANGE),
        ("beyond", Unknown, "", "errno ENOSYS"),
        ("int80 getpid", Unknown, "", "status 159"),
        ("clone3", Works, "", "errno ENOSYS"),
        ("tiocsti", Unknown, "", "errno EPERM"),
        ("tiocsti_garbage", Unknown, "", "errno EPERM"),
        ("tioclinux", Works, "", "errno EPERM"),
        ("tiocsetd", Works, "", "errno EPERM"),
        ("bpf", Root, "", "errno EPERM"),
        ("perf", Unknown, "", "errno EPERM"),
        ("userfaultfd", Unknown, "", "errno EPERM"),
        ("memfd_secret", Unknown, "", "errno ENOSYS"),
        ("io_uring", Works, "", "errno ENOSYS"),
        ("keyctl", Works, "", "errno ENOSYS"),
        ("add_key", Works, "", "errno ENOSYS"),
        ("request_key", Works, "", "errno ENOSYS"),
        ("clock", Works, "", "errno EPERM"),
        ("timeofday", Works, "", "errno EPERM"),
        ("adjtimex", Works, "", "errno EPERM"),
        ("hostname", Root, "", "errno EPERM"),
        ("reboot", Root, "", "errno EPERM"),
        ("kexec", Unknown, "", "errno EPERM"),
        ("module", Unknown, "", "errno EPERM"),
        ("swapon", Root, "", "errno EPERM"),
        ("syslog", Root, "", "errno EPERM"),
        ("quotactl", Unknown, "", "errno ENOSYS"),
        ("mount", Works, "", "errno EPERM"),
        ("umount", Root, "", "errno EPERM"),
        ("fsopen", Root, "", "errno EPERM"),
        ("open_tree", Root, "", "errno EPERM"),
        ("mount_setattr", Root, "", "errno EPERM"),
        ("pivot_root", Root, "", "errno EPERM"),
        ("chroot", Root, "", "errno EPERM"),
        ("handle", Works, "", "errno ENOSYS"),
        ("open_handle", Root, "", "errno EPERM"),
        ("fanotify", Works, "", "errno ENOSYS"),
        ("shm", Works, "", "errno EINVAL"),
        ("msg", Works, "", "errno EINVAL"),
        ("sem", Works, "", "errno EINVAL"),
        ("ipc", Works, "", "errno EINVAL"),
        ("socketcall", Works, "", "errno ENOSYS"),
        ("mq_open", Works, "", "errno ENOSYS"),
        ("mq_unlink", Works, "", "errno ENOSYS"),
        ("ioport", Unknown, "", "errno EPERM"),
        ("filter_allows", Unknown, "", "errno EPROTONOSUPPORT"),
        ("filter_listener", Works, "", "errno EBUSY"),
        ("landlock_allows {out}/file", Works, "", "errno EACCES"),
    ]);
}

/// Elsewhere there are none.
#[cfg(target_arch = "x86_64")]
#[test]
fn compat_calls_of_a_64_bit_program() {
    if Stage::new().bare("int80 getpid").code != 0 {
        return common::skip(compat_calls_of_a_64_bit_program, "this kernel has no 32-bit calls");
    }
    const FLAG: &str = "--allow-compat -r {out}";
    attack(&[
        // What its number is to a 64-bit program: access, vmsplice, wait4, nothing, read, prlimit64,
        // settimeofday.
        ("int80 mount 8 8 8 0 0", Unknown, FLAG, "errno EPERM"),
        ("int80 unshare 268435456", Unknown, FLAG, "errno EPERM"),
        ("int80 chroot @/", Root, FLAG, "errno EPERM"),
        ("int80 socket 2 2 1", Unknown, FLAG, "errno EACCES"),
        ("int80 socket 17 3 0", Root, FLAG, "errno EAFNOSUPPORT"),
        ("int80 ipc 24 0 14 0 0", Unknown, FLAG, "errno EINVAL"),
        ("int80 socketcall 1 8", Unknown, FLAG, "errno ENOSYS"),
        ("int80 ptrace 16 {pid} 0 0", Works, FLAG, "errno EPERM"),
        ("int80 prctl 4 2 0 0 0", Unknown, FLAG, "errno EINVAL"),
        ("int80 ioctl 0 21522 0", Unknown, FLAG, "errno EPERM"),
        ("int80 ioctl 0 1074034178 0", Unknown, FLAG, "errno EPERM"),
        ("int80 io_uring_setup 0 0", Unknown, FLAG, "errno ENOSYS"),
        ("int80 clone3 0 0", Unknown, FLAG, "errno ENOSYS"),
        ("int80 kill {pid} 0", Works, FLAG, "errno EPERM"),
        ("int80 setpriority 0 {pid} 19", Works, FLAG, "errno EPERM"),
        ("int80 prlimit64 {pid} 7 0 0", Works, FLAG, "errno EPERM"),
        // Landlock, and what the supervisor performs: pointers are half registers too.
        ("int80 open @{out}/file 1", Works, FLAG, "errno EACCES"),
        ("int80 truncate64 @{out}/file 0 0", Works, FLAG, "errno EACCES"),
        ("int80 chmod @{out}/file 384", Works, FLAG, "errno EACCES"),
        ("int80 chown @{out}/file 65535 65535", Works, FLAG, "errno EACCES"),
        ("int80 chown32 @{out}/file 4294967295 4294967295", Works, FLAG, "errno EACCES"),
        ("int80 utime @{out}/file 0", Works, FLAG, "errno EACCES"),
        ("int80 utimensat_time64 4294967196 @{out}/file 0 0", Works, FLAG, "errno EACCES"),
        ("int80 setxattr @{out}/file @user.x @x 1 0", Unknown, FLAG, "errno EACCES"),
        ("int80 chmod @{in}/file 384", Works, FLAG, "ok 0"),
        ("int80 chown @{in}/file 65535 65535", Works, FLAG, "ok 0"),
        ("int80 utime @{in}/file 0", Works, FLAG, "ok 0"),
        ("int80 prctl 4 1 0 0 0", Works, FLAG, "ok 0"),
        ("int80 prlimit64 0 7 0 0", Works, FLAG, "ok 0"),
    ]);
    // The same calls, without the flag; and the same numbers by x32, with it.
    attack(&[
        ("int80 chmod @{in}/file 384", Works, "", "status 159"),
        ("x32", Unknown, "--allow-compat", "status 159"),
    ]);
}

#[test]
fn files_outside() {
    attack(&[
        ("read {in}/file", Works, "", "ok public"),
        ("read {out}/file", Works, "-r {out}", "ok secret"),
        ("read {out}/file", Works, "", "errno EACCES"),
        ("read /etc/shadow", Root, "", "errno EACCES"),
        ("list_dir {out}", Works, "", "errno EACCES"),
        ("write {out}/file", Works, "-r {out}", "errno EACCES"),
        ("append {out}/file", Works, "-r {out}", "errno EACCES"),
        ("truncate_open {out}/file", Works, "-r {out}", "errno EACCES"),
        ("truncate {out}/file", Works, "-r {out}", "errno EACCES"),
        ("creat {out}", Works, "-r {out}", "errno EACCES"),
        ("create {out}", Works, "-r {out}", "errno EACCES"),
        ("openat2 {out}", Works, "-r {out}", "errno ENOSYS"),
        ("tmpfile {out}", Works, "-r {out}", "errno EACCES"),
        ("mkdir {out}", Works, "-r {out}", "errno EACCES"),
        ("symlink {out}", Works, "-r {out}", "errno EACCES"),
        ("mkfifo {out}", Works, "-r {out}", "errno EACCES"),
        ("unlink {out}/file", Works, "-r {out}", "errno EACCES"),
        ("rename {out}/file {in}/mine", Works, "-r {out}", "errno EACCES"),
        ("rename {in}/file {out}/mine", Works, "-r {out}", "errno EACCES"),
        ("exchange {out}/file {in}/file", Works, "-r {out}", "errno EACCES"),
        ("link {out}/file {in}/mine", Works, "-r {out}", "errno EXDEV"),
        ("rename {in}/file {in}/mine", Works, "", "ok"),
        ("through_symlink {out}/file {in}/mine", Works, "", "errno EACCES"),
        ("through_root {out}/file", Works, "", "errno EACCES"),
        ("pinned {out}/file", Works, "", "errno EACCES"),
        ("upgraded {out}/file", Works, "-r {out}", "errno EACCES"),
        ("flags {out}/file", Unknown, "-r {out}", "errno EPERM"),
        ("device {in}", Root, "", "errno EPERM"),
        ("capabilities", Root, "", "errno EPERM"),
    ]);
    if is_root() {
        attack(&[("device {in}", Works, "--keep-caps", "ok")]);
    }
}

#[test]
fn metadata_of_what_is_only_readable() {
    const ATTACKS: [&str; 17] = [
        "chmod",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "chmod_pinned",
        "chown",
        "lchown",
        "fchown",
        "fchownat",
        "utime",
        "utimes",
        "futimesat",
        "utimensat",
        "futimens",
        "setxattr",
        "fsetxattr",
        "removexattr",
    ];
    for name in ATTACKS {
        // Granted, it works, and has its effect where that can be seen.
        attack(&[(format!("{name} {{out}}/file").leak(), Works, "-r {out}", "errno EACCES")]);
        let stage = Stage::new();
        let ran = stage.boxed("", &format!("{name} {{in}}/file"));
        if ran.out.trim_end() == ABSENT && stage.bare(&format!("{name} {{in}}/file")).out == ran.out {
            continue;
        }
        assert!(ran.ok().starts_with("ok"), "{name}: {ran:?}");
        let file = fs::metadata(stage.inside.join("file")).unwrap();
        if name.contains("chmod") {
            assert_eq!(file.permissions().mode() & 0o777, 0o777, "{name}");
        }
        if ["utime", "utimes", "futimesat"].contains(&name) {
            assert_eq!(file.mtime(), 1, "{name}");
        }
    }
    attack(&[
        ("chmod_symlink {out}/file {in}/link", Works, "-r {out}", "errno EACCES"),
        ("chmod_dotdot {in} {out}/file", Works, "-r {out}", "errno EACCES"),
        ("chmod {out}", Works, "", "errno EACCES"),
        ("chmod /proc/self/root{out}/file", Works, "", "errno ELOOP"),
        ("setxattrat {in}/file", Unknown, "", "errno ENOSYS"),
    ]);
}

#[test]
fn programs_with_set_id_bits() {
    for (how, inside) in [
        ("open", "errno EPERM"),
        ("creat", "errno EPERM"),
        ("openat2", "errno ENOSYS"),
        ("mknod", "errno EPERM"),
        ("tmpfile", "errno EPERM"),
        ("chmod", "errno EPERM"),
        ("fchmod", "errno EPERM"),
    ] {
        for how in [how.to_owned(), format!("{how}_group")] {
            attack(&[(format!("set_id {{in}} {how}").leak(), Works, "", inside)]);
        }
    }
}

#[test]
fn execution_without_a_path() {
    attack(&[
        ("memfd", Works, "", with_descriptor("errno EACCES", "errno EBADF")),
        ("memfd_exec", Works, "", "errno EACCES"),
        ("memfd_again", Works, "", with_descriptor("errno EACCES", "errno EBADF")),
        ("memfd_chmod", Works, "", with_descriptor("errno EPERM", "errno EBADF")),
    ]);
}

#[test]
fn descriptors_left_open() {
    let stage = Stage::new();
    let (victim, sandlock) = (built("victim"), built("sandlock"));
    let open = format!("exec 9<{}/file; exec", stage.outside.text());
    let bare = run(&mut stage.inside.bare(&format!("{open} {} inherited", victim.display())));
    assert_eq!(bare.ok(), "ok secret\n");
    let boxed = run(&mut stage.inside.bare(&format!(
        "{open} {} run -- {} inherited",
        sandlock.display(),
        victim.display()
    )));
    assert_eq!(boxed.ok(), "errno EBADF\n");
}

#[test]
fn a_sandbox_in_a_sandbox_says_why_it_cannot_be() {
    let dir = Dir::new();
    let sandlock = built("sandlock");
    let inner = sandlock.to_string_lossy();
    let ran =
        run(&mut dir.sandlock(["run", "-w", ".", "--", &inner, "run", "-w", ".", "--", "touch", "marker"]));
    assert!(ran.code == 125 && ran.err.lines().count() == 1 && ran.err.contains("EBUSY"), "{ran:?}");
    assert!(!dir.join("marker").exists());
    // As it would be without the outer one.
    run(&mut dir.sandlock(["run", "-w", ".", "--", "touch", "marker"])).ok();
    assert!(dir.join("marker").exists());
}
