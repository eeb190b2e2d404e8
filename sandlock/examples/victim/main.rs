//! The attacks that a sandbox must withstand, one for each subcommand, made of raw system calls only.
//!
//! `victim ATTACK [ARG…]` tries one and prints one line: `ok DETAIL` when it worked, `errno NAME` when it was
//! refused. An attack that is killed prints nothing. `victim list` prints all names.

#![expect(
    unsafe_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "an attacker's program: it may fail in any way, and there is nothing to protect in it"
)]

#[macro_use]
mod call;

mod files;
mod inet;
mod kernel;
mod narrow;
mod nonsense;
mod processes;
mod races;
mod sockets;
mod unix;

use std::io::Write;
use std::process::ExitCode;

use call::Attack;

const ATTACKS: [&[Attack]; 9] = [
    inet::ATTACKS,
    sockets::ATTACKS,
    unix::ATTACKS,
    races::ATTACKS,
    processes::ATTACKS,
    kernel::ATTACKS,
    narrow::ATTACKS,
    nonsense::ATTACKS,
    files::ATTACKS,
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut attacks = ATTACKS.iter().copied().flatten();
    let line = match words.split_first() {
        Some((word, _)) if word == "list" => {
            attacks.map(|attack| format!("{:24} {}", attack.name, attack.what)).collect::<Vec<_>>().join("\n")
        }
        Some((word, args)) => match attacks.find(|attack| attack.name == word) {
            Some(attack) => match (attack.run)(args) {
                Ok(detail) => format!("ok {detail}"),
                Err(errno) => format!("errno {errno}"),
            },
            None => return usage(),
        },
        None => return usage(),
    };
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: victim ATTACK [ARG…]; `victim list` tells the attacks");
    ExitCode::from(2)
}
