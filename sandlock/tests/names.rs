//! Rules of names and addresses, with a name server, web servers and a local network of its own: what is
//! reached, and every name that the server hears.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
#![expect(unsafe_code, reason = "a network namespace, a mount, an ioctl")]

mod common;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{fs, thread};

use common::{BY_SOCKETCALL, Dir, Ran, agreed, built, run, skip};

/// A name server, on loopback as systemd-resolved's is.
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 53), 53);
/// The net of the machines that names lead to; all of it is this machine.
const WEB: [u8; 3] = [198, 51, 100];

/// The addresses that the name server has, by the first label of a name below `example`.
fn zone(label: &str, round: usize) -> Option<Vec<Ipv4Addr>> {
    let web = |last: usize| Ipv4Addr::new(WEB[0], WEB[1], WEB[2], u8::try_from(last).unwrap());
    Some(match label {
        "web" => vec![web(1)],
        "two" => vec![web(2), Ipv4Addr::new(10, 0, 0, 1)],
        "local" => vec![Ipv4Addr::LOCALHOST],
        "meta" => vec![Ipv4Addr::new(169, 254, 169, 254)],
        "pool" => vec![web(1 + round * 2 % 64), web(2 + round * 2 % 64)],
        "six" => Vec::new(),
        _ => return None,
    })
}

/// A reply with a time to live of a second. Some names get a reply that no server should send.
fn answer(query: &[u8], name: &str, kind: u8, round: usize) -> Option<Vec<u8>> {
    let label = name.split('.').next().unwrap();
    let mut reply = query[..query.len() - 11].to_vec();
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    reply[11] = 0;
    let record = |reply: &mut Vec<u8>, ip: Ipv4Addr| {
        reply[7] += 1;
        reply.extend([&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4], &ip.octets()[..]].concat());
    };
    match (label, zone(label, round)) {
        ("silent", _) => return None,
        ("garbage", _) => return Some(vec![0xff; 40]),
        ("stranger", _) => {
            // Another ID.
            reply[0] ^= 0xff;
            record(&mut reply, Ipv4Addr::new(WEB[0], WEB[1], WEB[2], 9));
        }
        ("other", _) => {
            // Another question.
            reply[13] ^= 1;
            record(&mut reply, Ipv4Addr::new(WEB[0], WEB[1], WEB[2], 9));
        }
        (_, None) => reply[3] |= 3,
        (_, Some(addresses)) if kind == 1 => addresses.into_iter().for_each(|ip| record(&mut reply, ip)),
        _ => {}
    }
    Some(reply)
}

/// The network of a test: every name that its server was queried for.
struct Network(Arc<Mutex<Vec<String>>>);

impl Network {
    /// For this thread and all it makes.
    fn new() -> Result<Self, String> {
        let ask = |what: &str, result: i32| {
            if result == 0 { Ok(()) } else { Err(format!("{what}: {}", std::io::Error::last_os_error())) }
        };
        let flags = libc::CLONE_FS | libc::CLONE_NEWNS | libc::CLONE_NEWNET;
        // SAFETY: no memory is touched.
        ask("unshare", unsafe { libc::unshare(flags) })?;
        let (root, none) = (c"/".as_ptr(), core::ptr::null());
        let private = libc::MS_REC | libc::MS_PRIVATE;
        // SAFETY: the paths are strings, and nothing else is read.
        ask("mount", unsafe { libc::mount(none, root, none, private, none.cast()) })?;
        let dir = Dir::new();
        let file = dir.file("resolv.conf", 0o644, "nameserver 127.0.0.53\noptions timeout:5 attempts:1\n");
        let file = std::ffi::CString::new(file.to_str().unwrap()).unwrap();
        let to = c"/etc/resolv.conf".as_ptr();
        // SAFETY: as above.
        ask("mount", unsafe { libc::mount(file.as_ptr(), to, none, libc::MS_BIND, none.cast()) })?;
        let hosts = dir.file(
            "hosts",
            0o644,
            "127.0.0.1 localhost\n198.51.100.9 listed.example\n127.0.0.2 inner.example\n",
        );
        let (hosts, to) = (std::ffi::CString::new(hosts.to_str().unwrap()).unwrap(), c"/etc/hosts".as_ptr());
        // SAFETY: as above.
        ask("mount", unsafe { libc::mount(hosts.as_ptr(), to, none, libc::MS_BIND, none.cast()) })?;
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        for (name, last) in [("lo", [127, 0, 0, 1]), ("lo:1", [WEB[0], WEB[1], WEB[2], 1])] {
            let mut request = [0u8; 40];
            request[..name.len()].copy_from_slice(name.as_bytes());
            request[16..18].copy_from_slice(&2u16.to_ne_bytes());
            request[20..24].copy_from_slice(&last);
            let mut up = request;
            up[16..18].copy_from_slice(&1u16.to_ne_bytes());
            let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
            // SIOCSIFFLAGS with IFF_UP, SIOCSIFADDR
            for (number, request) in [(0x8914, up), (0x8916, request)] {
                // SAFETY: the kernel reads one ifreq of at most 40 bytes.
                let result = unsafe { libc::ioctl(fd, number, request.as_ptr()) };
                if number == 0x8916 || name == "lo" {
                    ask("ioctl", result)?;
                }
            }
        }
        let log = Arc::new(Mutex::new(Vec::new()));
        let (heard, server) = (Arc::clone(&log), UdpSocket::bind(SERVER).unwrap());
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            for round in 0.. {
                let (len, from) = server.recv_from(&mut buffer).unwrap();
                let query = &buffer[..len];
                let (mut at, mut labels) = (12, Vec::new());
                while query[at] != 0 {
                    let label = &query[at + 1..][..query[at].into()];
                    labels.push(String::from_utf8_lossy(label).to_lowercase());
                    at += label.len() + 1;
                }
                let name = labels.join(".");
                if let Some(reply) = answer(query, &name, query[at + 2], round) {
                    server.send_to(&reply, from).unwrap();
                }
                heard.lock().unwrap().push(name);
            }
        });
        for port in [80, 8080] {
            let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
            thread::spawn(move || listener.incoming().for_each(drop));
        }
        Ok(Self(log))
    }

    /// The names that the server has heard of since the last time.
    fn heard(&self) -> Vec<String> {
        let mut heard = core::mem::take(&mut *self.0.lock().unwrap());
        heard.sort();
        heard.dedup();
        heard
    }
}

/// Runs a test in such a network, in a thread of its own.
fn with_network<T: Copy + Send>(test: T, body: fn(&Network)) {
    if BY_SOCKETCALL {
        return skip(test, "its C library makes sockets by socketcall");
    }
    let result = thread::scope(|scope| {
        let inner = scope.spawn(|| Network::new().map(|network| body(&network)));
        inner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    if let Err(why) = result {
        skip(test, why);
    }
}

fn victim(flags: &str, words: &str) -> Ran {
    let dir = Dir::new();
    let flags = format!("run -r {}{} {flags}", built("victim").display(), agreed());
    let program = built("victim");
    let words = words.split_whitespace().map(str::to_owned);
    let line: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    run(dir.sandlock(line).arg("--").arg(program).args(words))
}

#[test]
fn a_name_of_the_policy_is_reached_and_no_other_is_even_asked_for() {
    with_network(a_name_of_the_policy_is_reached_and_no_other_is_even_asked_for, |network| {
        let dir = Dir::new();
        let control = run(dir.command(built("victim")).args(["reach", "secret.example", "80"]));
        assert_eq!(control.out, "ok no such name\n", "{control:?}");
        assert_eq!(network.heard(), ["secret.example"]);
        for (flags, words, want, heard) in [
            ("", "web.example 80", "no such name", None),
            ("--net-allow web.example", "web.example 80", "198.51.100.1=ok", Some("web.example")),
            ("--net-allow WEB.example.", "web.EXAMPLE 80", "198.51.100.1=ok", Some("web.example")),
            ("--net-allow web.example", "web.example 8080", "198.51.100.1=13", Some("web.example")),
            ("--net-allow web.example:8080", "web.example 8080", "198.51.100.1=ok", Some("web.example")),
            ("--net-allow web.example", "198.51.100.1 80", "198.51.100.1=13", None),
            ("--net-allow web.example", "secret.example 80", "no such name", None),
            ("--net-allow web.example", "web.example.evil 80", "no such name", None),
            ("--net-allow web.example", "a.web.example 80", "no such name", None),
            ("--net-allow *.example", "web.example 80", "198.51.100.1=ok", Some("web.example")),
            ("--net-allow *.example --net-deny web.example", "web.example 80", "no such name", None),
            (
                "--net-allow *.example --net-deny 198.51.100.0/30",
                "web.example 80",
                "198.51.100.1=13",
                Some("web.example"),
            ),
            ("--net-allow :80", "web.example 80", "198.51.100.1=ok", Some("web.example")),
            ("--net-allow :80", "web.example 8080", "198.51.100.1=13", Some("web.example")),
            ("--net-allow :80 --net-deny *.example", "web.example 80", "no such name", None),
            ("--net-allow 198.51.100.0/24:80", "198.51.100.77 80", "198.51.100.77=ok", None),
            ("--net-allow 198.51.100.0/24:80", "web.example 80", "no such name", None),
            ("--net-allow 198.51.100.0/24", "127.0.0.1 80", "127.0.0.1=13", None),
            ("--net-allow 198.51.100.0/24 --net-deny :8080", "198.51.100.77 8080", "198.51.100.77=13", None),
            ("--net-allow localhost:80", "localhost 80", "127.0.0.1=ok", None),
            ("--net-allow ::/0", "198.51.100.1 80", "198.51.100.1=13", None),
            // A name of /etc/hosts is refused at its address, on every port.
            ("--net-allow *.example", "listed.example 80", "198.51.100.9=ok", None),
            ("--net-allow *.example --net-deny listed.example", "listed.example 80", "198.51.100.9=13", None),
            ("--net-allow *.example", "inner.example 80", "127.0.0.2=13", None),
            ("--net-allow *.example --net-allow-private", "inner.example 80", "127.0.0.2=ok", None),
            ("--net-allow inner.example", "inner.example 80", "127.0.0.2=ok", None),
            ("--net-allow * --net-deny localhost", "localhost 8080", "127.0.0.1=13", None),
            ("--net-allow * --net-deny localhost:80", "localhost 8080", "127.0.0.1=ok", None),
            // Where a name leads does not matter as long as a stranger cannot choose this machine.
            ("--net-allow *.example", "local.example 80", "no such name", Some("local.example")),
            ("--net-allow *.example", "meta.example 80", "no such name", Some("meta.example")),
            ("--net-allow *.example", "two.example 80", "198.51.100.2=ok", Some("two.example")),
            (
                "--net-allow *.example --net-allow-private",
                "local.example 80",
                "127.0.0.1=ok",
                Some("local.example"),
            ),
            (
                "--net-allow *.example,127.0.0.0/8:80",
                "local.example 80",
                "127.0.0.1=ok",
                Some("local.example"),
            ),
            ("--net-allow *.example", "six.example 80", "no such name", Some("six.example")),
        ] {
            let ran = victim(flags, &format!("reach {words}"));
            let out = ran.out.trim_start_matches("ok ").trim_end();
            // Where localhost is ::1 too, no server is there.
            let out = out.strip_prefix("::1=111 ").unwrap_or(out);
            assert_eq!(out.trim_end_matches(" ::1=111"), want, "{flags}: {words}: {ran:?}");
            assert_eq!(
                network.heard(),
                heard.map(str::to_owned).into_iter().collect::<Vec<_>>(),
                "{flags}: {words}"
            );
        }
    });
}

#[test]
fn a_pool_that_rotates_is_reached_every_time() {
    with_network(a_pool_that_rotates_is_reached_every_time, |_| {
        let ran = victim("--net-allow pool.example", "reach_often pool.example 80 1000");
        assert_eq!(ran.out, "ok 1000\n", "{ran:?}");
    });
}

#[test]
fn a_name_server_that_misleads_or_is_silent_makes_the_name_fail_in_time() {
    with_network(a_name_server_that_misleads_or_is_silent_makes_the_name_fail_in_time, |network| {
        for name in ["silent", "garbage", "stranger", "other"] {
            let start = Instant::now();
            let ran = victim("--net-allow *.example", &format!("reach {name}.example 80"));
            assert_eq!(ran.out, "ok no such name\n", "{name}: {ran:?}");
            assert!(start.elapsed() < Duration::from_secs(12), "{name}: {:?}", start.elapsed());
            assert_eq!(network.heard(), [format!("{name}.example")]);
        }
        // And no server at all.
        fs::write("/etc/resolv.conf", "nameserver 127.0.0.99\n").unwrap();
        let ran = victim("--net-allow *.example", "reach web.example 80");
        assert_eq!(ran.out, "ok no such name\n", "{ran:?}");
    });
}

#[test]
fn an_address_that_changes_while_it_is_judged_reaches_no_other() {
    with_network(an_address_that_changes_while_it_is_judged_reaches_no_other, |_| {
        let dir = Dir::new();
        let words = ["flip", "198.51.100.1", "198.51.100.2", "80", "2000"];
        let control = run(dir.command(built("victim")).args(words));
        assert!(control.out.ends_with(" of 2000\n"), "{control:?}");
        let ran = victim("--net-allow 198.51.100.1:80", "flip 198.51.100.1 198.51.100.2 80 20000");
        assert_eq!(ran.out, "errno EACCES\n", "{ran:?}");
    });
}

#[test]
fn any_address_leads_a_bound_socket_to_no_address_that_is_denied() {
    with_network(any_address_leads_a_bound_socket_to_no_address_that_is_denied, |_| {
        let dir = Dir::new();
        for (flags, ip) in [
            ("--net-allow 127.0.0.1:80,[::1]:80", "198.51.100.5"),
            ("--net-allow :80 --net-deny 198.51.100.0/24", "198.51.100.5"),
            ("--net-allow :80 --net-deny 127.0.0.0/8", "127.0.0.1"),
        ] {
            let control = run(dir.command(built("victim")).args(["any_of_bound", ip, "80"]));
            assert_eq!(control.out.trim_end(), "ok", "{control:?}");
            let ran = victim(&format!("{flags} --net-allow-bind *"), &format!("any_of_bound {ip} 80"));
            assert_eq!(ran.out, "errno EACCES\n", "{flags}: {ran:?}");
        }
    });
}
