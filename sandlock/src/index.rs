//! The table by number, for the running architecture and its 32-bit programs: worked out by the compiler, so that no start-up searches names.

use sandlock_bpf::Row;
use sandlock_sys::nr::{COMPAT, NATIVE};

use crate::table::{FAMILIES, Facts};

/// A number, and which family of [`FAMILIES`] its call is in; sorted by number.
type Entry = (u32, usize);

const INDEX: [Entry; NATIVE.len()] = sorted(index(NATIVE));
const COMPAT_INDEX: [Entry; COMPAT.len()] = sorted(index(COMPAT));

/// The rows of a filter, or of its arm for 32-bit programs.
pub(crate) fn rows(facts: Facts) -> Vec<Row<'static>> {
    let row = |(nr, family): &Entry| {
        let answer = FAMILIES.get(*family)?.class.answer(facts);
        Some(Row { nr: *nr, answer })
    };
    let index: &[Entry] = if facts.compat { &COMPAT_INDEX } else { &INDEX };
    let mut rows = Vec::with_capacity(index.len());
    rows.extend(index.iter().filter_map(row));
    rows
}

/// The number of the call `name` in [`NATIVE`] or [`COMPAT`], or one that no call has where there is none.
pub(crate) const fn number_of(table: &[(&str, u32)], name: &str) -> u32 {
    match number(table, name.as_bytes(), 0, name.len()) {
        Some(nr) => nr,
        None => u32::MAX,
    }
}

/// In the order of the families. A call of the architecture that is in no family, or in two, does not compile.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where a fault is an error"
)]
const fn index<const N: usize>(table: &[(&str, u32)]) -> [Entry; N] {
    let mut entries = [(0, 0); N];
    let mut len = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        let names = FAMILIES[family].names.as_bytes();
        let (mut start, mut end) = (0, 0);
        while end <= names.len() {
            if end == names.len() || names[end] == b' ' {
                if let Some(nr) = number(table, names, start, end) {
                    entries[len] = (nr, family);
                    len += 1;
                }
                start = end + 1;
            }
            end += 1;
        }
        family += 1;
    }
    assert!(len == N, "a system call of this architecture is in no family of the table, or in two");
    entries
}

/// The number of the call whose name is `names[start..end]`, by binary search in a table sorted by name.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where a fault is an error"
)]
const fn number(table: &[(&str, u32)], names: &[u8], start: usize, end: usize) -> Option<u32> {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let candidate = table[middle].0.as_bytes();
        let mut at = 0;
        while at < candidate.len() && start + at < end && candidate[at] == names[start + at] {
            at += 1;
        }
        let (candidate_ends, name_ends) = (at == candidate.len(), start + at == end);
        if candidate_ends && name_ends {
            return Some(table[middle].1);
        }
        if candidate_ends || (!name_ends && candidate[at] < names[start + at]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    None
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where a fault is an error"
)]
const fn sorted<const N: usize>(mut entries: [Entry; N]) -> [Entry; N] {
    let mut next = 1;
    while next < N {
        let mut at = next;
        while at > 0 && entries[at - 1].0 > entries[at].0 {
            entries.swap(at - 1, at);
            at -= 1;
        }
        next += 1;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock_sys::nr;

    #[test]
    fn every_number_has_the_family_that_names_it() {
        for (index, table) in [(&INDEX[..], NATIVE), (&COMPAT_INDEX[..], COMPAT)] {
            for (nr, family) in index {
                let name = nr::name(table, *nr).unwrap();
                assert!(FAMILIES[*family].names.split(' ').any(|known| known == name), "{name}");
            }
            assert!(index.is_sorted_by_key(|(nr, _)| *nr));
        }
    }
}
