//! Calls with invalid arguments, whose errnos are compared.

use core::ffi::c_long;
use core::fmt::Write as _;

use sandlock_sys::nr;

use crate::call::{Attack, attack, raw};

/// Registers of invalid calls. Each row lets another check of the kernel fail first.
const WORDS: [[usize; 6]; 10] = [
    [0; 6],
    [usize::MAX; 6],
    [usize::MAX, 0, 0, 0, 0, 0],
    [0, usize::MAX, 0, 0, 0, 0],
    [0, 0, usize::MAX, 0, 0, 0],
    [usize::MAX, 1, 1, 1, 1, 1],
    [1; 6],
    [8; 6],
    [0, 8, 8, 8, 8, 8],
    [8, 0, 0, 0, 0, 8],
];

pub(crate) const ATTACKS: &[Attack] =
    &[attack("nonsense", "makes each CALL with invalid arguments, as an ordinary user", |calls| {
        // Root's, as far as there is one: inside it has no capabilities to begin with.
        let _ = sys!("setgroups", 0, 0);
        let _ = sys!("setresgid", 65534, 65534, 65534);
        let _ = sys!("setresuid", 65534, 65534, 65534);
        let mut text = String::new();
        for call in calls {
            let Some(number) = nr::Name::parse(call).and_then(|name| nr::number(nr::NATIVE, name)) else {
                continue;
            };
            let _ = write!(text, "{call}");
            for words in WORDS {
                let _ = match raw(number as c_long, &words) {
                    Ok(_) => write!(text, " ok"),
                    Err(errno) => write!(text, " {errno}"),
                };
            }
            text.push('\n');
        }
        Ok(text)
    })];
