//! What a program in a sandbox may not do by way of a terminal, each with the same program outside as the
//! control.

use crate::on_a_terminal;

/// Where the programs of these tests run: `INSIDE` runs a Python program in the sandbox, `OUTSIDE` without
/// one.
const BOTH: &str = r#"
PYTHON = ['/usr/bin/python3', '-c']
INSIDE, OUTSIDE = [SANDLOCK, 'run', '--'] + PYTHON, PYTHON
COMMON = """
import errno, fcntl, os, pty, signal, struct, sys, termios, time
def tried(name, call, *args):
    try: call(*args); what = 'done'
    except (OSError, termios.error) as e: what = errno.errorcode[e.args[0]]
    os.write(2, ('<%s %s>' % (name, what)).encode())
"""
def child(program):
    """A process whose group is its own, as a shell makes them for a job in the background."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0); os.execv('/bin/sleep', ['sleep', '100'])
    # Whichever is first; after its execve the parent's is refused.
    try: os.setpgid(pid, pid)
    except PermissionError: pass
    return pid
def session(body):
    """A session leader on a new terminal that does this, with what it has printed as the result; the terminal's master is `m` after it."""
    global m
    m, slave = os.openpty()
    if os.fork() == 0:
        os.close(m); os.setsid(); fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3): os.dup2(slave, fd)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try: body()
        except BaseException as e: os.write(2, ('<%r>' % e).encode())
        os.write(2, b'<left>'); time.sleep(0.2); os._exit(0)
    os.close(slave)
def job(words, program, *, stdio=None, front=True, ignore=False):
    """Runs a job to its end, or its stop, and tells its status."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        if front: os.tcsetpgrp(0, os.getpid())
        if not ignore: signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        if stdio is not None: [os.dup2(os.open(stdio, os.O_RDWR), fd) for fd in range(2)]
        os.execv(words[0], words + [COMMON + program])
    try: os.setpgid(pid, pid)
    except OSError: pass
    status = os.waitpid(pid, os.WUNTRACED)[1]
    os.tcsetpgrp(0, os.getpid())
    return pid, status
def state(pid): return open('/proc/%d/stat' % pid).read().rsplit(') ', 1)[1][0]
"#;

#[track_caller]
fn attack<T>(test: T, script: &str) {
    on_a_terminal(test, &[], &format!("{BOTH}\n{script}"));
}

#[test]
fn nothing_types_into_the_terminal_or_shuts_it() {
    attack(
        nothing_types_into_the_terminal_or_shuts_it,
        r#"
program = """
tried('typed', fcntl.ioctl, 0, 0x5412, b'x')
tried('excl', fcntl.ioctl, 0, termios.TIOCEXCL)
tried('driver', fcntl.ioctl, 0, 0x5423, struct.pack('i', 0))
tried('console', fcntl.ioctl, 0, 0x541d)
tried('keyboard', fcntl.ioctl, 0, 0x4b45, 4)
tried('size', fcntl.ioctl, 0, termios.TIOCSWINSZ, struct.pack('HHHH', 9, 9, 0, 0))
"""
session(lambda: job(INSIDE, program))
text = until(m, b'<left>')
for want in (b'<typed EPERM>', b'<excl EPERM>', b'<driver EPERM>', b'<console EPERM>', b'<keyboard ENOTTY>', b'<size EPERM>'):
    assert want in text, text
session(lambda: job(OUTSIDE, program))
text = until(m, b'<left>')
for want in (b'<excl done>', b'<driver done>', b'<size done>'): assert want in text, text
# Where the kernel still has it.
assert b'<typed done>' in text or b'<typed EIO>' in text, text
"#,
    );
}

#[test]
fn a_group_outside_is_not_joined_signalled_or_put_in_front() {
    attack(
        a_group_outside_is_not_joined_signalled_or_put_in_front,
        r#"
def body(words, give_up):
    victim = child('sleep')
    program = """
victim = %d
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGTTIN, signal.SIG_DFL)
    tried('join', os.setpgid, 0, victim)
    if os.getpgid(0) == victim: os.read(os.open('/dev/tty', os.O_RDWR), 1)
    os._exit(0)
time.sleep(0.5); os.kill(pid, 9)
tried('front', fcntl.ioctl, 0, termios.TIOCSPGRP, struct.pack('i', victim))
tried('session', lambda: os.setpgid(pid, os.getsid(0)))
for how in (os.setpgid, lambda a, b: os.setpgid(0, 1), lambda a, b: os.setpgid(a, os.getppid())):
    if %d: tried('other', how, 0, os.getppid())
""" % (victim, give_up)
    job(words, program)
    os.write(2, b'<victim %s>' % state(victim).encode())
    os.kill(victim, 9)
session(lambda: body(INSIDE, 1))
text = until(m, b'<left>')
assert b'<front EPERM>' in text and b'<join EPERM>' in text and b'<victim S>' in text, text
assert text.count(b'<other EPERM>') == 3 and b'<session EPERM>' in text, text
session(lambda: body(OUTSIDE, 0))
text = until(m, b'<left>')
assert b'<front done>' in text and b'<join done>' in text and b'<victim T>' in text, text
"#,
    );
}

#[test]
fn a_command_without_a_terminal_has_none_by_its_other_name() {
    attack(
        a_command_without_a_terminal_has_none_by_its_other_name,
        r#"
program = """
tried('tty', os.open, '/dev/tty', os.O_RDWR)
for ctty in (os.getsid(0), os.getppid()): tried('name', open, '/proc/%d/fd/0' % ctty)
"""
for words, want in ((INSIDE, b'<tty ENXIO>'), (OUTSIDE, b'<tty done>')):
    for front in (False, True):
        def body():
            # Not even standard error.
            out = os.open(os.environ.get('TMPDIR', '.') + '/out', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                if front: os.tcsetpgrp(0, os.getpid())
                for fd in range(3): os.dup2(out, fd)
                os.execv(words[0], words + [COMMON + program])
            os.waitpid(pid, 0); os.tcsetpgrp(0, os.getpid()); os.lseek(out, 0, 0); os.write(2, os.read(out, 9999))
        session(body)
        text = until(m, b'<left>')
        assert want in text, text
"#,
    );
}

#[test]
fn a_terminal_in_the_background_is_not_changed() {
    attack(
        a_terminal_in_the_background_is_not_changed,
        r#"
program = """
a = termios.tcgetattr(2)
def quiet():
    b = termios.tcgetattr(2); b[3] &= ~termios.ECHO; termios.tcsetattr(2, termios.TCSANOW, b)
tried('echo', quiet)
tried('flow', termios.tcflow, 2, termios.TCOOFF)
tried('flush', termios.tcflush, 2, termios.TCIFLUSH)
tried('front', os.tcsetpgrp, 2, os.getpgid(0))
if os.fork() == 0:
    os.setsid()
    tried('echo', quiet); tried('flow', termios.tcflow, 2, termios.TCOOFF)
    os._exit(0)
os.wait(); os.write(2, b'<kept %d>' % (termios.tcgetattr(2) == a))
tried('on', termios.tcflow, 2, termios.TCOON)
"""
# One that is deaf to SIGTTOU fails; the kernel would let it.
session(lambda: job(INSIDE, program, front=False, ignore=True, stdio='/dev/null'))
text = until(m, b'<left>')
assert text.count(b'<echo EIO>') == 2 and text.count(b'<flow EIO>') == 2 and b'<kept 1>' in text, text
assert b'<flush EIO>' in text and b'<front EIO>' in text and b' done>' not in text, text
# One that hears it stops.
def body():
    pid, status = job(INSIDE, program, front=False)
    os.write(2, b'<stopped %d>' % os.WIFSTOPPED(status)); os.kill(pid, 9)
session(body)
text = until(m, b'<left>')
assert b'<stopped 1>' in text and b'<echo' not in text, text
session(lambda: job(OUTSIDE, program.replace('TCOOFF', 'TCOON'), front=False, ignore=True, stdio='/dev/null'))
text = until(m, b'<left>')
assert text.count(b'<echo done>') == 2 and text.count(b'<flow done>') == 2 and b'<kept 0>' in text, text
"#,
    );
}

#[test]
fn what_was_changed_while_it_was_lent_is_as_before() {
    attack(
        what_was_changed_while_it_was_lent_is_as_before,
        r#"
changes = """
import tty
def deep():
    tty.setraw(2); os.write(2, b'<raw>'); termios.tcflow(2, termios.TCOOFF)
"""
ends = {
    'as it ends': 'deep()',
    'killed': 'deep(); os.kill(os.getpid(), 9)',
    'in a session of its own': 'pid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: os.setsid(); deep()',
    'too late': 'deep(); time.sleep(100)',
}
def ends_with(words, end, *flags, stdio=None):
    def body():
        before = termios.tcgetattr(2)
        words_ = words[:2] + list(flags) + words[2:] if words is INSIDE else words
        pid, status = job(words_, changes + end, stdio=stdio)
        fcntl.fcntl(2, fcntl.F_SETFL, os.O_NONBLOCK)
        try: os.write(2, b'<open>')
        except BlockingIOError: termios.tcflow(2, termios.TCOON); os.write(2, b'<shut>')
        os.write(2, b'<same %d>' % (termios.tcgetattr(2) == before))
    session(body)
    return until(m, b'<left>')
for name, end in ends.items():
    flags = ['-t', '1'] if name == 'too late' else []
    for stdio in (None, '/dev/null'):
        text = ends_with(INSIDE, end, *flags, stdio=stdio)
        # One that has left the session does not stop for a terminal that is lent to those who do.
        assert (b'<raw>' in text) != (stdio is not None and 'session' in name), (name, stdio, text)
        assert b'<open>' in text and b'<same 1>' in text, (name, stdio, text)
text = ends_with(OUTSIDE, ends['as it ends'])
assert b'<raw>' in text and b'<shut>' in text and b'<same 0>' in text, text
"#,
    );
}

#[test]
fn a_message_does_not_wait_for_a_terminal_that_is_held() {
    attack(
        a_message_does_not_wait_for_a_terminal_that_is_held,
        r#"
# The master's user has pressed Ctrl-S, and a pipe that is standard error is full.
def body():
    r, w = os.pipe(); fcntl.fcntl(w, 1031, 4096); os.write(w, b'x' * 4096)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 2); os.execv(SANDLOCK, [SANDLOCK, 'run', '-t', '0.5', '--', 'sleep', '100'])
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(2, b'<status %d in time %d>' % (status, time.monotonic() - started < 5))
session(body)
text = until(m, b'<left>', seconds=30)
assert b'<status 124 in time 1>' in text, text
"#,
    );
}

#[test]
fn new_pseudo_terminals_work_and_their_number_is_bounded() {
    attack(
        new_pseudo_terminals_work_and_their_number_is_bounded,
        r#"
program = """
pid, master = pty.fork()
if pid == 0:
    # A session and a terminal of its own: all of it is the kernel's business.
    tried('ctty', open, '/dev/tty')
    a = termios.tcgetattr(0); a[3] &= ~termios.ECHO; tried('change', termios.tcsetattr, 0, termios.TCSANOW, a)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0); signal.signal(signal.SIGTTOU, signal.SIG_IGN); os.tcsetpgrp(0, os.getpgid(0)); os._exit(7)
    os.waitpid(job, 0); os._exit(3)
text = b''
while True:
    try: part = os.read(master, 999)
    except OSError: break
    if not part: break
    text += part
os.write(2, text + b'<child %d>' % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
os.close(master)
held = []
def more():
    while len(held) < 200: held.append(os.openpty())
tried('many', more); os.write(2, b'<held %d>' % len(held))
for pair in held: [os.close(fd) for fd in pair]
tried('again', os.openpty)
"""
session(lambda: job(INSIDE, program))
text = until(m, b'<left>')
for want in (b'<ctty done>', b'<change done>', b'<child 3>', b'<held 64>', b'<again done>'):
    assert want in text, text
session(lambda: job(OUTSIDE, program))
text = until(m, b'<left>')
assert b'<child 3>' in text and b'<many done>' in text and b'<held 200>' in text, text
"#,
    );
}

#[test]
fn what_is_typed_signals_nobody_outside() {
    attack(
        what_is_typed_signals_nobody_outside,
        r#"
# The owner of a terminal's signals is its foreground, unless another is named.
program = """
def by_flag(): fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
def by_request(): fcntl.ioctl(0, 0x5452, struct.pack('i', 1))
fcntl.fcntl(0, 10, signal.SIGSTOP)
tried('asked', %s)
time.sleep(1)
"""
def body(words, how):
    victim = child('sleep'); os.tcsetpgrp(0, victim)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0); os.execv(words[0], words + [COMMON + program % how])
    os.waitpid(job, os.WUNTRACED)
    os.write(2, b'<victim %s>' % state(victim).encode())
    os.kill(victim, 9); os.tcsetpgrp(0, os.getpid())
for words, want in ((INSIDE, b'<victim S>'), (OUTSIDE, b'<victim T>')):
    for how in ('by_flag', 'by_request'):
        session(lambda: body(words, how))
        asked = until(m, b'<asked'); time.sleep(0.3); os.write(m, b'x\n')
        text = asked + until(m, b'<left>')
        assert want in text, (how, text)
        assert words is INSIDE or b'<asked done>' in text, text
"#,
    );
}
