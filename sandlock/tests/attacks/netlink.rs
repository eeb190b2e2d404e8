//! Emulated netlink sockets: nothing that is sent to one, and nothing that another process takes, keeps
//! others from their answers.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::common::{Dir, PYTHON, has, run};
use crate::compiled;

const RIGHTS: &str = include_str!("programs/rights.c");

#[test]
fn descriptors_that_are_sent_to_the_kernel_hold_up_nobody() {
    let Some(dir) = compiled(descriptors_that_are_sent_to_the_kernel_hold_up_nobody, RIGHTS) else { return };
    let outside = run(&mut dir.command("./guest"));
    assert!(outside.ok().ends_with("many calls, in time\n") && !outside.out.contains("kept"), "{outside:?}");
    let inside = run(&mut dir.sandlock(["run", "-t", "50", "--", "./guest"]));
    assert_eq!(inside, outside);
}

/// Takes abstract names for sockets of each kind: of one byte and more, padded and not.
const TAKES: &str = "
import socket, sys
held = []
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    for number in range(256):
        for name in (bytes([number]), bytes([number]) + bytes(8), b'%05x' % number):
            one = socket.socket(socket.AF_UNIX, kind)
            try: one.bind(b'\\0' + name); held.append(one)
            except OSError: pass
print(len(held) > 0, flush=True)
sys.stdin.read()
";

/// Opens as many netlink sockets as there can be, of each protocol that there is.
const OPENS: &str = "
import socket
held = [socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) for _ in range(9) for protocol in (0, 4, 6, 12, 15, 16)]
print(len(held), socket.if_nameindex()[0])
";

#[test]
fn names_that_one_sandbox_takes_are_missed_by_no_other() {
    if !has(names_that_one_sandbox_takes_are_missed_by_no_other, &["python3"]) {
        return;
    }
    let dir = Dir::new();
    let inside = |program| dir.sandlock(["run", "-t", "50", "--", PYTHON, "-c", program]);
    // Held by a process of another sandbox, and by one of none.
    let mut outside = dir.command(PYTHON);
    outside.args(["-c", TAKES]);
    for mut taker in [inside(TAKES), outside] {
        let mut taker = taker.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(taker.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "True\n");
        assert_eq!(run(&mut inside(OPENS)).ok(), "54 (1, 'lo')\n");
        drop(taker.stdin.take());
        assert!(taker.wait().unwrap().success());
    }
}
