//! Attacks on the supervisor and its calls: each is a program that works outside and fails inside.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod grants;
mod netlink;
mod outer;
mod residuals;
mod results;
mod signals;
mod sleeps;
mod waits;

use common::{Dir, has, run};

/// A directory with the program `guest`, which is this C source compiled; `None`, and a skip, where there is
/// no compiler.
#[track_caller]
fn compiled<T: Copy>(test: T, source: &str) -> Option<Dir> {
    if !has(test, &["cc"]) {
        return None;
    }
    let dir = Dir::new();
    compile(&dir, "guest", source);
    Some(dir)
}

/// Compiles a program.
#[track_caller]
fn compile(dir: &Dir, name: &str, source: &str) {
    let file = format!("{name}.c");
    dir.file(&file, 0o644, source);
    run(dir.command("cc").args(["-O1", "-pthread", "-o", name, &file])).ok();
}
