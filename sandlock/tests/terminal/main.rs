//! The terminal: a command in a sandbox has it as if there were none, and the shell has it back afterwards.

#![cfg(feature = "cli")]

mod attacks;
#[path = "../common/mod.rs"]
mod common;

use common::{Dir, PYTHON, built, has, run};

/// Starts a program on a terminal of its own, as the leader of a job of a session, types into it, and prints
/// the events.
const TERMINAL: &str = r#"
import fcntl, os, pty, select, signal, struct, sys, termios, time

def start(words, stdout=None):
    """A program in the foreground of a new terminal, started by a session leader that does job control as a shell would."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
    shell = os.fork()
    if shell == 0:
        os.close(master); os.setsid(); fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3): os.dup2(slave, fd)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        before = termios.tcgetattr(0)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0); os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            if stdout is not None: os.dup2(stdout, 1)
            os.execv(words[0], words)
        status = os.waitpid(job, os.WUNTRACED)[1]
        while os.WIFSTOPPED(status):
            ours = os.tcgetpgrp(0) == job or os.tcgetpgrp(0) == os.getpid()
            os.tcsetpgrp(0, os.getpid())
            os.write(2, b'<stopped %d>' % ours)
            time.sleep(0.3)
            os.tcsetpgrp(0, job); os.kill(-job, signal.SIGCONT)
            status = os.waitpid(job, os.WUNTRACED)[1]
        os.tcsetpgrp(0, os.getpid())
        same = termios.tcgetattr(0) == before
        os.write(2, b'<ended %d settings %s>' % (os.waitstatus_to_exitcode(status), b'kept' if same else b'lost'))
        time.sleep(0.2); os._exit(0)
    os.close(slave)
    return master

seen = b''
def until(master, *words, seconds=20):
    """Reads until all of the words were seen since the last time."""
    global seen
    end = time.monotonic() + seconds
    while not all(word in seen for word in words):
        if time.monotonic() > end: sys.exit('waited for %r, saw %r' % (words, seen))
        if select.select([master], [], [], 0.1)[0]:
            try: seen += os.read(master, 65536)
            except OSError: break
    if not all(word in seen for word in words): sys.exit('wanted %r, saw %r' % (words, seen))
    text, seen = seen, b''
    return text

def lead(*words):
    """A program as the leader of a session on a new terminal: nobody is above it who could let it go on after a stop."""
    master, slave = os.openpty()
    if os.fork() == 0:
        os.close(master); os.setsid(); fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3): os.dup2(slave, fd)
        os.execvpe(words[0], words, dict(os.environ, PS1='$ '))
    os.close(slave)
    return master

def bash():
    """A person's shell."""
    master = lead('bash', '--norc', '--noprofile', '--noediting', '-i')
    until(master, b'$ ')
    return master

def type_(master, text): os.write(master, text.encode() + b'\n')

SANDLOCK = sys.argv[1]
# Asks for a line. What is typed to start it does not have its words: the terminal echoes that.
ASKS = SANDLOCK + " run -- sh -c 'echo re''ady; read line; echo got $line'"
def run(script, *flags, **more): return start([SANDLOCK, 'run', *flags, '--', 'sh', '-c', script], **more)
"#;

#[track_caller]
fn on_a_terminal<T>(test: T, needs: &[&str], script: &str) {
    if !has(test, &[&["python3"], needs].concat()) {
        return;
    }
    let dir = Dir::new();
    let program = format!("{TERMINAL}\n{script}\nprint('as it should be')");
    let sandlock = built("sandlock");
    assert_eq!(run(dir.command(PYTHON).args(["-c", &program]).arg(sandlock)).ok(), "as it should be\n");
}

#[test]
fn the_command_is_in_the_foreground_and_sees_the_window() {
    on_a_terminal(
        the_command_is_in_the_foreground_and_sees_the_window,
        &[],
        r#"
m = run("test -t 0 && test -t 1 && stty size && ps -o stat= -p $$")
until(m, b'30 100', b'+', b'<ended 0 settings kept>')
m = run("trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done")
until(m, b'ready')
fcntl.ioctl(m, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 77, 0, 0))
until(m, b'33 77', b'<ended 3 settings kept>')
"#,
    );
}

#[test]
fn a_failure_says_once_how_to_learn_why() {
    on_a_terminal(
        a_failure_says_once_how_to_learn_why,
        &[],
        r#"
m = run("exit 3")
text = until(m, b'<ended 3 settings kept>')
assert text.count(b'sandlock: ') == 1 and b'sandlock: sh ended with status 3; `sandlock run --why` reports' in text, text
m = run("kill -TERM $$")
text = until(m, b'<ended 143 settings kept>')
assert text.count(b'sandlock: ') == 1 and b'`sandlock run --why` reports' in text, text
for flag, count in ('-q', 0), ('--why', 1):
    m = run("exit 3", flag)
    text = until(m, b'<ended 3 settings kept>')
    assert text.count(b'sandlock: ') == count and b'ended with status' not in text, text
m = run("exit 0")
assert b'sandlock: ' not in until(m, b'<ended 0 settings kept>')
"#,
    );
}

#[test]
fn control_c_and_control_z_do_what_they_do() {
    on_a_terminal(
        control_c_and_control_z_do_what_they_do,
        &[],
        r#"
m = run("echo ready; sleep 100; echo not here")
# A moment for the shell: dash forgets a SIGINT that comes while it forks.
until(m, b'ready'); time.sleep(1); os.write(m, b"\x03")
assert b'not here' not in until(m, b'<ended 130 settings kept>')
m = run("echo ready; read line; echo got $line; exit 4")
until(m, b'ready'); os.write(m, b'\x1a')
until(m, b'<stopped 1>'); time.sleep(0.5); os.write(m, b'hello\n')
until(m, b'got hello', b'<ended 4 settings kept>')
"#,
    );
}

#[test]
fn settings_that_a_killed_command_left_are_put_right() {
    on_a_terminal(
        settings_that_a_killed_command_left_are_put_right,
        &[],
        r#"
m = run("stty raw -echo; echo ready; kill -KILL $$")
until(m, b'ready', b'<ended 137 settings kept>')
m = run("stty raw -echo; echo ready; sleep 100", '-t', '0.5')
until(m, b'ready', b'<ended 124 settings kept>')
"#,
    );
}

#[test]
fn in_a_pipeline_the_terminal_can_still_be_read() {
    on_a_terminal(
        in_a_pipeline_the_terminal_can_still_be_read,
        &[],
        r#"
r, w = os.pipe()
m = run("echo ready >&2; read line; echo got $line", stdout=w)
until(m, b'ready'); os.write(m, b'hello\n')
until(m, b'<ended 0 settings kept>')
assert os.read(r, 100) == b'got hello\n'
m = run("echo ready >&2; sleep 100", stdout=w)
until(m, b'ready'); time.sleep(1); os.write(m, b"\x03")
until(m, b'<ended 130')
"#,
    );
}

#[test]
fn a_job_is_stopped_and_comes_back() {
    on_a_terminal(
        a_job_is_stopped_and_comes_back,
        &["bash"],
        r#"
m = bash()
type_(m, ASKS); until(m, b'ready')
os.write(m, b'\x1a'); until(m, b'Stopped')
type_(m, 'fg'); until(m, b'run --'); time.sleep(0.3)
type_(m, 'hello'); until(m, b'got hello')
# In the background it leaves the terminal to the shell, and its output comes all the same.
type_(m, SANDLOCK + " run -- sh -c 'sleep 1; echo ov''er' &")
type_(m, 'echo $((6 * 7))'); until(m, b'42')
until(m, b'over')
"#,
    );
}

#[test]
fn a_job_from_the_background_gets_the_terminal() {
    on_a_terminal(
        a_job_from_the_background_gets_the_terminal,
        &["bash"],
        r#"
# Started there.
waits = SANDLOCK + " run -- sh -c 'echo re''ady; sleep 1; read line; echo got $line; exit 4'"
m = bash()
type_(m, waits + ' &'); until(m, b'ready')
type_(m, 'fg'); time.sleep(2)
type_(m, 'hello'); until(m, b'got hello')
type_(m, 'echo status $?'); until(m, b'status 4')
# Started there, and stopped by its wish to read.
m = bash()
type_(m, waits + ' &'); until(m, b'ready'); time.sleep(2)
type_(m, 'jobs'); until(m, b'Stopped')
type_(m, 'fg'); until(m, b'run --'); time.sleep(0.3)
type_(m, 'hello'); until(m, b'got hello')
# Sent there.
m = bash()
# A moment, as above: a child that is stopped while dash waits for it to execute holds dash, with or without a sandbox.
type_(m, waits); until(m, b'ready'); time.sleep(0.3)
os.write(m, b'\x1a'); until(m, b'Stopped')
type_(m, 'bg'); type_(m, 'fg'); time.sleep(2)
type_(m, 'hello'); until(m, b'got hello')
# In front, the keys work.
m = bash()
type_(m, waits + ' &'); until(m, b'ready')
type_(m, 'fg'); until(m, b'run --'); time.sleep(0.3)
os.write(m, b'\x1a'); until(m, b'Stopped')
type_(m, 'fg'); until(m, b'run --'); time.sleep(0.3)
os.write(m, b'\x03'); time.sleep(0.3)
type_(m, 'echo status $?'); until(m, b'status 130')
"#,
    );
}

#[test]
fn without_a_shell_control_z_does_nothing() {
    on_a_terminal(
        without_a_shell_control_z_does_nothing,
        &[],
        r#"
script = "echo ready >&2; sleep 2; echo over"
inside = SANDLOCK + " run -- sh -c '" + script + "'"
for words in (script, 'exec ' + inside, inside + ' | cat'):
    m = lead('sh', '-c', words)
    until(m, b'ready'); time.sleep(0.3); os.write(m, b'\x1a')
    until(m, b'over', seconds=12)
"#,
    );
}

#[test]
fn a_terminal_that_is_gone_leaves_nobody() {
    on_a_terminal(
        a_terminal_that_is_gone_leaves_nobody,
        &["bash"],
        r#"
def there(number):
    """The processes that have this among their arguments."""
    def words(pid):
        try: return open('/proc/%s/cmdline' % pid).read()
        except OSError: return ''
    return [int(pid) for pid in os.listdir('/proc') if pid.isdigit() and number in words(pid)]
number = '7%d' % os.getpid()
for script, typed in (
    ("echo re''ady; sleep %s", ''),
    ("echo re''ady; sleep %s", ' &'),
    # Stopped by its wish to read.
    ("echo re''ady; read line; sleep %s", ' &'),
):
    number += '1'
    m = bash()
    type_(m, SANDLOCK + " run -- sh -c '" + script % number + "'" + typed); until(m, b'ready'); time.sleep(0.5)
    assert len(there(number)) >= 2
    os.close(m)
    end = time.monotonic() + 5
    while there(number) and time.monotonic() < end: time.sleep(0.05)
    left = there(number)
    for pid in left: os.kill(pid, signal.SIGKILL)
    assert not left, '%d are left of: %s%s' % (len(left), script, typed)
"#,
    );
}

#[test]
fn a_shell_in_the_sandbox_has_jobs() {
    on_a_terminal(
        a_shell_in_the_sandbox_has_jobs,
        &["bash"],
        r#"
m = run("exec bash --norc --noprofile --noediting -i")
type_(m, 'sleep 100'); time.sleep(0.5)
os.write(m, b'\x1a'); until(m, b'Stopped')
type_(m, 'fg'); time.sleep(0.3)
os.write(m, b'\x03'); time.sleep(0.3)
type_(m, 'echo status $?'); until(m, b'status 130')
type_(m, 'sleep 100 &'); type_(m, 'exit 9')
until(m, b'<ended 9 settings kept>')
"#,
    );
}

#[test]
fn programs_for_the_whole_screen_work() {
    on_a_terminal(
        programs_for_the_whole_screen_work,
        &["vi"],
        r#"
os.environ['TERM'] = 'xterm'
m = run("vi $TMPDIR/new")
until(m, b'~'); os.write(m, b'ihello\x1b:wq\r')
until(m, b'<ended 0 settings kept>')
if os.path.exists('/usr/bin/htop'):
    m = run("htop")
    until(m, b'Load average'); os.write(m, b'q')
    until(m, b'<ended 0 settings kept>')
"#,
    );
}
