//! Scopes: what may not cross the border of a domain, and may inside it.

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use sandlock_landlock::{Rights, Ruleset, Scope};
use sandlock_sys::{Errno, Pid, Signal, signal};

use crate::{abi_with, outcome, restricted, unique};

/// An abstract unix socket that listens.
fn listener() -> (UnixListener, SocketAddr) {
    let address = SocketAddr::from_abstract_name(unique()).unwrap();
    (UnixListener::bind_addr(&address).unwrap(), address)
}

#[test]
fn abstract_unix_socket() {
    let rights = Rights::scoped(Scope::ABSTRACT_UNIX_SOCKET);
    let Some(abi) = abi_with(abstract_unix_socket, rights) else { return };
    let ruleset = Ruleset::handle(rights).create(abi).unwrap();
    let (_outside, address) = listener();
    let connect = |address: &SocketAddr| outcome(UnixStream::connect_addr(address));
    assert_eq!(connect(&address), Ok(()));
    assert_eq!(restricted(&ruleset, || connect(&address)), Err(Errno::EPERM));
    let inside = || {
        let (_inside, address) = listener();
        connect(&address)
    };
    assert_eq!(restricted(&ruleset, inside), Ok(()));
}

/// A process that lives or at least is not waited for yet: either can be asked with signal 0.
fn child() -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "no such test"]).stdout(Stdio::null()).spawn().unwrap()
}

fn ask(child: &Child) -> Result<(), Errno> {
    signal::kill(Pid::new(child.id().try_into().unwrap()), Signal::NONE)
}

#[test]
fn signals() {
    let rights = Rights::scoped(Scope::SIGNAL);
    let Some(abi) = abi_with(signals, rights) else { return };
    let ruleset = Ruleset::handle(rights).create(abi).unwrap();
    let mut outside = child();
    assert_eq!(ask(&outside), Ok(()));
    assert_eq!(restricted(&ruleset, || ask(&outside)), Err(Errno::EPERM));
    let inside = || {
        let mut inside = child();
        let asked = ask(&inside);
        inside.wait().unwrap();
        asked
    };
    assert_eq!(restricted(&ruleset, inside), Ok(()));
    outside.wait().unwrap();
}
