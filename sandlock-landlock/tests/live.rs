//! Every right against the running kernel: what it covers succeeds without a ruleset, fails under one, and
//! succeeds under one with a rule.
//!
//! Landlock restricts a thread, so each restriction is made on a thread of its own. A test that needs a newer
//! ABI checks that strict creation reports that, and prints `SKIP`.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "live/domains.rs"]
mod domains;
#[path = "live/files.rs"]
mod files;
#[path = "live/ports.rs"]
mod ports;
#[path = "live/scopes.rs"]
mod scopes;

use core::any;
use core::fmt::Display;
use core::ops::Deref;
use core::sync::atomic::{AtomicU32, Ordering};
use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

use sandlock_landlock::{Abi, Error, Rights, Ruleset, RulesetFd};
use sandlock_sys::fs::OFlags;
use sandlock_sys::{Errno, OwnedFd, prctl};

/// Reports that the test function `test` did not run. Not with `println!`, which is shown only when a test
/// fails.
fn skip<T>(_test: T, why: impl Display) {
    // The path from the root of this program, as libtest has it.
    let name = any::type_name::<T>().trim_start_matches("live::");
    io::stdout().write_all(format!("SKIP {name}: {why}\n").as_bytes()).unwrap();
}

/// The kernel's ABI, if it can restrict `rights`; if not, `test` skips.
fn abi_with<T>(test: T, rights: Rights) -> Option<Abi> {
    let abi = match Abi::current() {
        Ok(abi) => abi,
        Err(errno) => {
            assert!([Errno::ENOSYS, Errno::EOPNOTSUPP].contains(&errno), "{errno}");
            skip(test, format_args!("no Landlock here ({errno})"));
            return None;
        }
    };
    let missing = rights.difference(abi.rights());
    if missing.is_empty() {
        return Some(abi);
    }
    assert_eq!(Ruleset::handle(rights).create(abi).unwrap_err(), Error::Unsupported(missing));
    skip(test, format_args!("ABI {} cannot restrict {missing}, and strict creation said so", abi.version()));
    None
}

/// What `act` returns on a new thread that is restricted by `ruleset`.
fn restricted<T: Send>(ruleset: &RulesetFd, act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let restricted = scope.spawn(|| {
            let _enforced = ruleset.restrict_self(&prctl::set_no_new_privs().unwrap()).unwrap();
            act()
        });
        restricted.join().unwrap()
    })
}

/// The result of a call of the standard library, without its value.
fn outcome<T>(result: io::Result<T>) -> Result<(), Errno> {
    result.map(drop).map_err(|error| Errno::new(error.raw_os_error().expect("an error of the kernel")))
}

/// A descriptor to name `path` in a rule.
fn place(path: impl AsRef<Path>) -> OwnedFd {
    let path = CString::new(path.as_ref().as_os_str().as_bytes()).unwrap();
    sandlock_sys::fs::open(&path, OFlags::PATH).unwrap()
}

/// A number no other call in this process got, and the process's own.
fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("sandlock-landlock-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An empty directory, removed with its contents.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        let path = env::temp_dir().join(unique());
        fs::create_dir(&path).unwrap();
        Self(path)
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
