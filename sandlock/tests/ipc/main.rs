//! Shared memory and semaphores of the sandbox's own.

#![cfg(feature = "cli")]

#[path = "../common/mod.rs"]
mod common;
mod posix;
mod system_v;

use common::{Dir, run};

/// Compiles a program that is linked statically.
fn compile(dir: &Dir, compiler: &str, name: &str, source: &str) {
    let file = format!("{name}.c");
    dir.file(&file, 0o644, source);
    run(dir.command(compiler).args(["-O1", "-static", "-pthread", "-o", name, &file])).ok();
}
