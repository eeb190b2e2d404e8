//! The shortest use: one command, one result.
//!
//! `cargo run --example hello`

use sandlock::{Outcome, Policy};

fn main() -> Result<(), sandlock::Error> {
    let outcome =
        Policy::base().run(["sh", "-c", "echo it runs; cat /etc/shadow || echo and reads no secrets"])?;
    assert_eq!(outcome, Outcome::Exited(0));
    Ok(())
}
