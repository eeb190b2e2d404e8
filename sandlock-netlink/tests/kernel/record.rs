//! The recorder of the fixture: asks a kernel again, and keeps every answer that is still right.

use core::fmt::Write;

use sandlock_netlink::View;

use super::{Case, cases, difference, hex, ours, unhex};

/// The text of a fixture with the answers that `ask` returns, and the names of the cases that have other ones
/// now.
///
/// A case without an answer gets one: a new case is its name, its options and its requests.
pub(crate) fn record(text: &str, mut ask: impl FnMut(&Case) -> Vec<Vec<u8>>) -> (String, Vec<String>) {
    let (mut recorded, mut changed) = (String::new(), Vec::new());
    let links: Vec<_> = ["lo", "skip"]
        .iter()
        .map(|name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            (*name, unhex(line.unwrap_or_default()))
        })
        .collect();
    let mut blocks = text.split_inclusive('\n').fold(vec![String::new()], |mut blocks, line| {
        if line.starts_with("case ") {
            blocks.push(String::new());
        }
        *blocks.last_mut().unwrap() += line;
        blocks
    });
    recorded += &blocks.remove(0);
    for (block, case) in blocks.into_iter().zip(cases(text)) {
        let replies = ask(&case);
        // Where a reply is cut, only ours shows where its times are.
        let ours = ours(&View::LOOPBACK, &case);
        let is_ours = |replies: &[Vec<u8>]| difference(&case, &ours, replies).is_none();
        let is_same = difference(&case, &case.replies, &replies).is_none();
        if is_same || (is_ours(&case.replies) && is_ours(&replies)) {
            recorded += &block;
            continue;
        }
        changed.push(case.name.clone());
        let (mut comments, mut rest) = (String::new(), String::new());
        for line in block.lines().filter(|line| !line.starts_with("< ")) {
            // What follows the last request belongs to the next case.
            let after = comments.is_empty() && !line.is_empty() && !line.starts_with('#');
            let _ok = writeln!(if after { &mut rest } else { &mut comments }, "{line}");
        }
        for reply in &replies {
            let same = links.iter().find(|(_, link)| {
                let whole = [reply.get(..16).unwrap_or_default(), link].concat();
                reply.len() == whole.len()
                    && difference(&case, &[whole], core::slice::from_ref(reply)).is_none()
            });
            let _ok = match same {
                Some((name, _)) => writeln!(rest, "< {}@{name}", hex(&reply[..16])),
                None => writeln!(rest, "< {}", hex(reply)),
            };
        }
        recorded += &(rest + &comments);
    }
    (recorded, changed)
}
