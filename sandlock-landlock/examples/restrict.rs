//! A program that restricts itself: it reads the system, writes one directory, and nothing else.
//!
//! `cargo run --package sandlock-landlock --example restrict`

use sandlock_landlock::{Abi, AccessFs, Rights, Ruleset};
use sandlock_sys::{Errno, fs, prctl};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let (ruleset, dropped) = Ruleset::handle(Rights::on_files(AccessFs::all())).best_effort(Abi::current()?);
    println!("this kernel cannot restrict: {dropped}");
    let ruleset = ruleset.create(Abi::current()?)?;
    ruleset.allow_paths(AccessFs::READ, &[c"/usr", c"/lib", c"/proc"])?;
    ruleset.allow_paths(AccessFs::READ | AccessFs::WRITE, &[c"/tmp"])?;
    let _enforced = ruleset.restrict_self(&prctl::set_no_new_privs()?)?;
    assert_eq!(fs::open(c"/etc/passwd", fs::OFlags::empty()), Err(Errno::EACCES));
    println!("/etc/passwd cannot be read any more");
    Ok(())
}
