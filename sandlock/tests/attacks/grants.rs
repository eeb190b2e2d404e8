//! What the supervisor alone refuses: a port that the kernel chooses, and an abstract socket that no Landlock
//! scope covers.

use std::fs;

use sandlock::{Abi, Outcome, Policy};

use crate::common::{Dir, abi, built, free_port, run, skip, unique};
use crate::compiled;

const LISTEN: &str = include_str!("programs/listen.c");

#[test]
fn a_socket_that_loses_its_port_listens_nowhere_else() {
    let Some(dir) = compiled(a_socket_that_loses_its_port_listens_nowhere_else, LISTEN) else { return };
    // The kernel chooses out of a range, of which one half may be listened on.
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let ends: Vec<u16> = range.split_whitespace().map(|end| end.parse().unwrap()).collect();
    let (port, first, last) =
        (free_port().to_string(), ends[0].to_string(), ends[0].midpoint(ends[1]).to_string());
    let outside = run(dir.command("./guest").args([&port, &first, &last]));
    assert_eq!(outside.ok(), "none refused, some listen elsewhere\n");
    let (to, on) = (format!(":{port}"), format!("{port},{first}-{last}"));
    let flags = ["run", "--net-allow", &to, "--net-allow-bind", &on, "--", "./guest"];
    let inside = run(dir.sandlock(flags).args([&port, &first, &last]));
    assert_eq!(inside.ok(), "some refused, none listen elsewhere\n");
}

#[test]
fn an_abstract_socket_outside_is_out_of_reach_without_a_scope_too() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let test = an_abstract_socket_outside_is_out_of_reach_without_a_scope_too;
    if abi() == 0 {
        return skip(test, "no Landlock");
    }
    let name = format!("sandlock-test-{}", unique());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let (dir, victim) = (Dir::new(), built("victim"));
    let script = format!("{} unix_abstract {name} > said; grep -q \"$0\" said", victim.display());
    run(dir.bare(&script).arg("ok")).ok();
    // Below ABI 6 Landlock has none, so the supervisor decides.
    let version = abi().min(5);
    let mut policy = Policy::base();
    policy.assume_abi(Abi::assume(version)).cwd(&*dir).write(&*dir).read(victim.parent().unwrap());
    for protection in sandlock::PROTECTIONS.iter().filter(|one| one.abi > version) {
        policy.allow_degraded(protection.name).unwrap();
    }
    assert_eq!(policy.run(["sh", "-c", &script, "errno EPERM"]), Ok(Outcome::Exited(0)));
}
