//! The sockets that a client is given: their addresses and options, sharing, many of them, floods.

use std::path::Path;

use crate::both;
use crate::common::{Dir, PYTHON, Ran, has, run};

/// Runs a program in the base profile.
fn inside(dir: &Dir, words: &[&str]) -> Ran {
    run(&mut both::inside(dir, words))
}

/// The properties of an emulated socket: addresses, options, sharing, many of them, floods.
const SOCKETS: &str = r#"
import array, os, socket, struct, sys, threading
ROUTE = 0
def open_(): return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE)
def dump(kind, seq=7): return struct.pack('=IHHIIB3x', 20, kind, 0x301, seq, 0, 0)
def types(data):
    found = []
    while len(data) >= 16:
        length, kind, _, seq, pid = struct.unpack('=IHHII', data[:16])
        found.append((kind, seq, pid)); data = data[(length + 3) & ~3:]
    return found
def ask(sock):
    sock.send(dump(18)); found = []
    while not found or found[-1][0] != 3: found += types(sock.recv(65536))
    return found

# A port of one's own choice is honoured, by name and in every answer.
one = open_(); one.bind((4242, 0))
assert one.getsockname()[0] == 4242, one.getsockname()
assert {pid for _, _, pid in ask(one)} == {4242}
try: open_().bind((4242, 0)); assert False
except OSError as e: assert e.errno == 98, e
# It is free as soon as its socket is closed.
held = open_(); held.bind((4343, 0))
for _ in range(20): again = open_(); held.close(); again.bind((4343, 0)); held = again
# One that is chosen for us is our process's, and the next socket has another.
two, three = open_(), open_()
two.bind((0, 0)); three.bind((0, 0))
assert two.getsockname()[0] == os.getpid() and three.getsockname()[0] not in (0, os.getpid())
# The same without a bind, by the first request.
four = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 16); assert four.getsockname()[0] == 0
four.send(struct.pack('=IHHIIBBH', 20, 16, 1, 7, 0, 99, 1, 0)); four.recv(4096)
assert four.getsockname()[0] == os.getpid(), four.getsockname()
four.close()
# It says what it is.
assert one.getsockopt(socket.SOL_SOCKET, 39) == 16 and one.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == 3
one.setsockopt(270, 11, 1); assert one.getsockopt(270, 11) == 1
# dup, fork and SCM_RIGHTS: the same socket.
copy = socket.socket(fileno=os.dup(one.fileno()), family=16, type=3, proto=0)
assert copy.getsockname()[0] == 4242 and ask(copy)
if os.fork() == 0:
    assert one.getsockname()[0] == 4242 and ask(one); os._exit(0)
assert os.wait()[1] == 0
a, b = socket.socketpair()
a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [one.fileno()]))])
_, ancillary, _, _ = b.recvmsg(1, 64)
got = struct.unpack('=i', ancillary[0][2][:4])[0]
got = socket.socket(fileno=got, family=16, type=3, proto=0)
assert got.getsockname()[0] == 4242 and ask(got)
# Past an execve, where it is not closed.
if os.fork() == 0:
    os.set_inheritable(one.fileno(), True)
    name = 'import socket, sys; assert socket.socket(fileno=int(sys.argv[1]), family=16, type=3).getsockname()[0] == 4242'
    os.execv(sys.executable, [sys.executable, '-c', name, str(one.fileno())])
assert os.wait()[1] == 0
# Threads share it, and each can have one of its own.
def work():
    for _ in range(20): done.append(ask(open_()) and one.getsockname()[0] == 4242)
done = []; workers = [threading.Thread(target=work) for _ in range(8)]
for worker in workers: worker.start()
for worker in workers: worker.join()
assert done == [True] * 160, done
# Three hundred one after another, and too many at once: the surplus fails and does not wait.
for _ in range(300): s = open_(); assert ask(s); s.close()
many = []; surplus = []
for _ in range(300):
    try: many.append(open_())
    except OSError as e: surplus.append(e.errno)
assert surplus and set(surplus) == {105} and len(many) >= 200, (len(many), surplus)
assert ask(many[0]) and ask(one)
del many
assert ask(open_()) and ask(one)
# It can be connected to the kernel and to nobody else; a second bind is one to the same port.
one.connect((0, 0)); assert one.getpeername() == (0, 0), one.getpeername()
for peer in ((5, 0), (0, 1)):
    try: one.connect(peer); assert False
    except OSError as e: assert e.errno == 1, e
one.bind((4242, 1)); assert one.getsockname() == (4242, 1)
try: one.bind((4243, 0)); assert False
except OSError as e: assert e.errno == 22, e
# Groups are joined, listed, and stay silent.
one.setsockopt(270, 1, 35); assert struct.unpack('=II', one.getsockopt(270, 9, 8)) == (1, 4)
try: one.setsockopt(270, 1, 400); assert False
except OSError as e: assert e.errno == 22, e
one.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1); one.setsockopt(270, 3, 1)
one.setblocking(False)
try: one.recv(1); assert False
except BlockingIOError: pass
one.setblocking(True); assert ask(one)
# The other netlinks that there are: sockets, devices, families by name.
def first(protocol, kind, body, flags=0x301):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, protocol); sock.bind((0, 0))
    assert sock.getsockopt(socket.SOL_SOCKET, 38) == protocol and sock.getsockname()[0] == os.getpid()
    sock.send(struct.pack('=IHHII', 16 + len(body), kind, flags, 9, 0) + body)
    return types(sock.recv(65536))
assert first(4, 20, struct.pack('=BB2xI48x', 2, 6, 0xffffffff)) == [(3, 9, os.getpid())]
assert first(16, 16, b'\3\1\0\0')[0] == (16, 9, os.getpid())
events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 15); events.bind((0, 1))
try: events.recv(1); assert False
except BlockingIOError: pass
# Others are not built in.
for protocol in (1, 2, 9, 10, 21, 31, 32):
    try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol); assert False
    except OSError as e: assert e.errno == 93, e
try: socket.socket(socket.AF_NETLINK, socket.SOCK_STREAM, 0); assert False
except OSError as e: assert e.errno == 94, e
# Nobody reads what this asks for, and garbage is no request; the next one is answered all the same.
flood = open_(); flood.setblocking(False)
for _ in range(10000):
    try: flood.send(dump(18))
    except BlockingIOError: pass
try: flood.send(os.urandom(60000))
except BlockingIOError: pass
assert ask(open_())
print('all of it')
"#;

#[test]
fn emulated_sockets_are_shared_named_bounded_and_survive_a_flood() {
    if !has(emulated_sockets_are_shared_named_bounded_and_survive_a_flood, &["python3"]) {
        return;
    }
    assert!(Path::new(PYTHON).exists());
    assert_eq!(inside(&Dir::new(), &[PYTHON, "-c", SOCKETS]).ok(), "all of it\n");
}

/// One process floods the supervisor with requests whose answers it never reads; another goes on as if alone.
const FLOOD: &str = r#"
import os, socket, struct, time
request = struct.pack('=IHHIIB3x', 20, 18, 0x301, 7, 0, 0)
def flood(seconds):
    """As many requests as can be sent in this time, but ten thousand at least."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); sent = 0; end = time.monotonic() + seconds
    while sent < 10000 or time.monotonic() < end: sock.send(request); sent += 1
    return sent
if os.fork() == 0:
    flood(1); os._exit(0)
turns = 0; longest = 0
while os.waitpid(-1, os.WNOHANG)[0] == 0:
    started = time.monotonic()
    assert socket.if_nameindex() == [(1, 'lo')]
    turns += 1; longest = max(longest, time.monotonic() - started)
print('all of it' if turns >= 20 and longest < 2 else (turns, longest))
"#;

#[test]
fn a_flood_stalls_nobody() {
    if has(a_flood_stalls_nobody, &["python3"]) {
        assert_eq!(inside(&Dir::new(), &[PYTHON, "-c", FLOOD]).ok(), "all of it\n");
    }
}
