//! The filters of the usual policies, compiled when sandlock is built, so that a start does not wait for
//! that. Each is proved equal to its table here too: a filter that differs does not build.
//!
//! Numbers of system calls and of ioctl requests are the machine's that compiles this file. For another one,
//! and for the policies that are left out, the filter is compiled when it is needed, by the same code.

use core::fmt::Write as _;
use std::{env, error, fs, path::Path};

use sandlock_bpf::{Arch, verify};
use sandlock_sys::filter::SockFilter;
use src::table::Features;
use src::table::filter::{Rows, compile, table};

#[expect(dead_code, unreachable_pub, unused_imports, reason = "only the filters are made here")]
#[path = "src"]
mod src {
    pub(super) mod table;
}

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo::rerun-if-changed=src/table.rs");
    println!("cargo::rerun-if-changed=src/table");
    // A static binary relocates itself at each start: some 3,000 words, a fiftieth of which in short form.
    if env::var("CARGO_CFG_TARGET_ENV")? == "musl" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let mut text = String::from("&[");
    if env::var("CARGO_CFG_TARGET_ARCH")? == env::consts::ARCH {
        for features in (0..=Features::all().bits()).filter_map(Features::from_bits).filter(is_usual) {
            let program = compile(features, None).map_err(|error| format!("{features:?}: {error}"))?;
            let rows = Rows::new(features);
            verify(&table(Arch::NATIVE, &rows.rows()), &program)
                .map_err(|error| format!("{features:?}: {error:?}"))?;
            writeln!(text, "({}, &{}),", features.bits(), source(&program))?;
        }
    }
    text.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("filters.rs"), text)?;
    Ok(())
}

/// The features without a flag that changes them, on any kernel.
fn is_usual(features: &Features) -> bool {
    features.contains(Features::TRACING)
        && !features
            .intersects(Features::DEVICES | Features::COMPAT | Features::POSIX_SHM | Features::OBSERVED)
}

fn source(program: &[SockFilter]) -> String {
    let lines = program.iter().map(|line| {
        format!("SockFilter {{ code: {}, jt: {}, jf: {}, k: {} }}", line.code, line.jt, line.jf, line.k)
    });
    format!("[{}]", lines.collect::<Vec<_>>().join(","))
}
