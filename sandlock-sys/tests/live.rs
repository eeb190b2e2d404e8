//! Each module against the running kernel: the result of a call, seen through another call or the standard
//! library.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "live/caps.rs"]
mod caps;
#[path = "live/files.rs"]
mod files;
#[path = "live/ipc.rs"]
mod ipc;
#[path = "live/landlock.rs"]
mod landlock;
#[path = "live/processes.rs"]
mod processes;
#[path = "live/seccomp.rs"]
mod seccomp;
#[path = "live/signals.rs"]
mod signals;
#[path = "live/sockets.rs"]
mod sockets;

use core::any;
use core::fmt::Display;
use core::ops::Deref;
use core::sync::atomic::{AtomicU32, Ordering};
use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

use sandlock_sys::OwnedFd;
use sandlock_sys::fs::OFlags;

/// Reports that the test function `test` did not run. Not with `println!`, which is shown only when a test
/// fails.
fn skip<T>(_test: T, why: impl Display) {
    // The path from the root of this program, as libtest has it.
    let name = any::type_name::<T>().trim_start_matches("live::");
    io::stdout().write_all(format!("SKIP {name}: {why}\n").as_bytes()).unwrap();
}

/// What `act` returns on a thread that ends afterwards, with whatever `act` did to it.
fn in_thread<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(act).join().unwrap())
}

/// The value of `field` in the status of the calling thread.
fn status(field: &str) -> String {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":\t"));
    line.unwrap().to_owned()
}

fn c_path(path: impl AsRef<Path>) -> CString {
    CString::new(path.as_ref().as_os_str().as_bytes()).unwrap()
}

/// An empty directory, removed with its contents.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("sandlock-sys-{}-{number}", process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn fd(&self) -> OwnedFd {
        sandlock_sys::fs::open(&c_path(&self.0), OFlags::DIRECTORY).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A failure leaves a directory in /tmp, which is no failure of the test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Deref for Dir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}
