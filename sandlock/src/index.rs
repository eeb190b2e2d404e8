//! The table by number, for the running architecture: worked out by the compiler, so that no start-up searches names.

use sandlock_bpf::Row;
use sandlock_sys::nr::NATIVE;

use crate::table::{FAMILIES, Facts};

/// A number, and which family of [`FAMILIES`] its call is in; sorted by number.
type Entry = (u32, usize);

const INDEX: [Entry; NATIVE.len()] = sorted(index());

/// The rows of the filter.
pub(crate) fn rows(facts: Facts) -> Vec<Row<'static>> {
    let row = |(nr, family): &Entry| {
        let answer = FAMILIES.get(*family)?.class.answer(facts);
        Some(Row { nr: *nr, answer })
    };
    let mut rows = Vec::with_capacity(INDEX.len());
    rows.extend(INDEX.iter().filter_map(row));
    rows
}

/// The number of the call `name`, or one that no call has where this architecture lacks it.
pub(crate) const fn number_of(name: &str) -> u32 {
    match number(name.as_bytes(), 0, name.len()) {
        Some(nr) => nr,
        None => u32::MAX,
    }
}

/// In the order of the families. A call of this architecture that is in no family, or in two, does not compile.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where a fault is an error"
)]
const fn index() -> [Entry; NATIVE.len()] {
    let mut entries = [(0, 0); NATIVE.len()];
    let mut len = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        let names = FAMILIES[family].names.as_bytes();
        let (mut start, mut end) = (0, 0);
        while end <= names.len() {
            if end == names.len() || names[end] == b' ' {
                if let Some(nr) = number(names, start, end) {
                    entries[len] = (nr, family);
                    len += 1;
                }
                start = end + 1;
            }
            end += 1;
        }
        family += 1;
    }
    assert!(
        len == NATIVE.len(),
        "a system call of this architecture is in no family of the table, or in two"
    );
    entries
}

/// The number of the call whose name is `names[start..end]`, by binary search: [`NATIVE`] is sorted by name.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where a fault is an error"
)]
const fn number(names: &[u8], start: usize, end: usize) -> Option<u32> {
    let (mut low, mut high) = (0, NATIVE.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let candidate = NATIVE[middle].0.as_bytes();
        let mut at = 0;
        while at < candidate.len() && start + at < end && candidate[at] == names[start + at] {
            at += 1;
        }
        let (candidate_ends, name_ends) = (at == candidate.len(), start + at == end);
        if candidate_ends && name_ends {
            return Some(NATIVE[middle].1);
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
        for (nr, family) in INDEX {
            let name = nr::name(NATIVE, nr).unwrap();
            assert!(FAMILIES[family].names.split(' ').any(|known| known == name), "{name}");
        }
        assert!(INDEX.is_sorted_by_key(|(nr, _)| *nr));
    }
}
