//! The verifier on the filters that are shipped, each instruction of them altered: no wrong one is proved.

use std::collections::BTreeSet;

use sandlock_bpf::{Arch, Counterexample, run, verify};
use sandlock_sys::filter::SockFilter;

use crate::table::filter::{Rows, table};
use crate::table::{Features, compile};

/// The codes that compiled filters are made of, and returns of A, loads of constants, scratch memory and
/// register X.
const CODES: [u16; 13] = [0x00, 0x02, 0x05, 0x06, 0x07, 0x15, 0x16, 0x20, 0x25, 0x35, 0x45, 0x54, 0x5c];

/// One instruction, altered once: another code, operand or jump.
fn mutants(insn: SockFilter) -> Vec<SockFilter> {
    let SockFilter { code, jt, jf, k } = insn;
    let is_jump = [0x15, 0x25, 0x35, 0x45].contains(&code);
    let codes = CODES.map(|code| SockFilter { code, ..insn });
    let words = [k ^ 1, k.wrapping_add(1), k.wrapping_sub(1), k ^ 0x8000_0000, 0, u32::MAX, k ^ 4, k << 1];
    let words = words.map(|k| SockFilter { k, ..insn });
    let mut mutants: Vec<SockFilter> = codes.into_iter().chain(words).collect();
    if is_jump {
        let jumps = [(jf, jt), (jt, jt), (jf, jf)];
        let near = [1, 255].map(|by| [(jt.wrapping_add(by), jf), (jt, jf.wrapping_add(by))]);
        mutants.extend(jumps.iter().chain(near.iter().flatten()).map(|(jt, jf)| SockFilter {
            jt: *jt,
            jf: *jf,
            ..insn
        }));
    }
    mutants.retain(|mutant| *mutant != insn);
    mutants.sort_by_key(|insn| (insn.code, insn.jt, insn.jf, insn.k));
    mutants.dedup();
    mutants
}

/// Each number, with the architecture; numbers that no call has, and other architectures.
fn numbers() -> Vec<(u32, u32)> {
    let native = Arch::NATIVE.audit;
    let special = [0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let ours = (0..600).chain(special).map(|nr| (nr, native));
    let others = [native ^ 1, native ^ 0x8000_0000, native - 1, native + 1, Arch::I386.audit, 0, u32::MAX];
    ours.chain(others.iter().flat_map(|arch| [0, 1, 59, u32::MAX].map(|nr| (nr, *arch)))).collect()
}

/// The words of a call, as far as they are known.
type Words = [Option<u32>; 16];

/// The first word of the arguments.
const ARGS: usize = 4;

/// For each instruction whether it was executed, and whether a word of an argument was in A then.
type Seen = Vec<(bool, bool)>;

/// What a filter returns for these words, or the word that it has to know first. It is an interpreter of what
/// compiled filters are made of, and nothing of `sandlock-bpf`.
fn outcome(program: &[SockFilter], words: &Words, seen: &mut Seen) -> Result<u32, usize> {
    let (mut at, mut a, mut of_argument) = (0usize, 0, false);
    loop {
        let SockFilter { code, jt, jf, k } = program[at];
        seen[at].0 = true;
        seen[at].1 |= of_argument;
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        let word = usize::try_from(k).unwrap();
        let skip = match code {
            0x05 => word,
            0x06 => return Ok(k),
            0x15 => jump(a == k),
            0x25 => jump(a > k),
            0x35 => jump(a >= k),
            0x45 => jump(a & k != 0),
            _ => 0,
        };
        match code {
            0x20 => (a, of_argument) = (words[word / 4].ok_or(word / 4)?, word / 4 >= ARGS),
            0x54 => a &= k,
            0x05 | 0x15 | 0x25 | 0x35 | 0x45 => {}
            // No filter of ours returns that.
            _ => return Ok(u32::MAX),
        }
        at = at.wrapping_add(1).wrapping_add(skip);
    }
}

/// The values that distinguish these programs' tests of words of arguments: those next to each number that
/// they compare with, each bit of each mask, and what two of them come to together.
fn values(programs: &[&[SockFilter]], seen: &Seen) -> Vec<u32> {
    let used = programs.iter().flat_map(|program| program.iter().zip(seen).filter(|(_, seen)| seen.1));
    let used: Vec<(bool, u32)> = used.map(|(insn, _)| ([0x45, 0x54].contains(&insn.code), insn.k)).collect();
    let masks: BTreeSet<u32> = used.iter().filter(|(mask, _)| *mask).map(|(_, k)| *k).collect();
    let mut values = BTreeSet::from([0, u32::MAX]);
    values.extend(used.iter().flat_map(|(_, k)| [k.wrapping_sub(1), *k, k.wrapping_add(1)]));
    for mask in &masks {
        values.extend((0..32).map(|bit| 1 << bit).filter(|bit| mask & bit != 0));
        values.extend(used.iter().flat_map(|(_, k)| [k | !mask, k & !mask, k & mask]));
    }
    values.into_iter().collect()
}

/// A call for which the programs differ, if there is one with the words that are known, and any of `values`
/// in every other word that one of them loads.
fn difference(
    programs: &[&[SockFilter]],
    words: &mut Words,
    values: &[u32],
    seen: &mut Seen,
) -> Option<Words> {
    let outcomes: Vec<_> = programs.iter().map(|program| outcome(program, words, seen)).collect();
    let Some(word) = outcomes.iter().find_map(|outcome| outcome.err()) else {
        return outcomes.iter().any(|outcome| *outcome != outcomes[0]).then_some(*words);
    };
    let found = values.iter().find_map(|value| {
        words[word] = Some(*value);
        difference(programs, words, values, seen)
    });
    words[word] = None;
    found
}

/// The same for every call of this number and architecture, and which instructions were executed.
fn compare(programs: &[&[SockFilter]], nr: u32, arch: u32) -> (Option<Words>, Seen) {
    let mut seen = vec![(false, false); programs[0].len()];
    loop {
        let before = seen.clone();
        let mut words = [None; 16];
        words[..2].copy_from_slice(&[Some(nr), Some(arch)]);
        let found = difference(programs, &mut words, &values(programs, &before), &mut seen);
        // With more values there are more ways.
        if found.is_some() || seen == before {
            return (found, seen);
        }
    }
}

/// What became of the mutants of one filter.
#[derive(Debug, Default)]
struct Score {
    /// The kernel would not take it.
    refused: usize,
    /// The verifier has a call for which it returns another action.
    refuted: usize,
    /// An instruction that the compiler never writes, so that there is no proof.
    unknown: usize,
    /// Proved, and no difference is found in another way either.
    equivalent: usize,
}

#[test]
fn every_mutant_of_a_shipped_filter_is_caught_or_makes_no_difference() {
    // Without optimization all of it takes minutes, in an emulated machine hours: then it is one filter, and
    // every seventh instruction is altered in one way, its neighbours in others.
    let kernels: &[Features] =
        if cfg!(debug_assertions) { &[Features::empty()] } else { &[Features::empty(), Features::UNIX_SEEN] };
    for features in kernels {
        let program = compile(*features, None).unwrap();
        let rows = Rows::new(*features);
        let rows = rows.rows();
        let table = table(Arch::NATIVE, &rows);
        let seen = |(nr, arch)| (nr, arch, compare(&[&program], nr, arch).1);
        let numbers: Vec<_> = numbers().into_iter().map(seen).collect();
        let (mut score, mut proved, mut refuted) = (Score::default(), Vec::new(), Vec::new());
        let mut all = 0usize;
        let step = if cfg!(debug_assertions) { 7 } else { 1 };
        for (at, insn) in program.iter().enumerate().step_by(step) {
            let mut mutants = mutants(*insn);
            if cfg!(debug_assertions) {
                mutants = vec![mutants[at % mutants.len()]];
            }
            for mutant in mutants {
                let mut damaged = program.clone();
                damaged[at] = mutant;
                all = all.wrapping_add(1);
                let count = match verify(&table, &damaged) {
                    Err(Counterexample::Program(_)) => &mut score.refused,
                    Err(Counterexample::Differs { data, program, .. }) => {
                        // It is a call for which they really differ.
                        assert_eq!(run(&damaged, &data), Ok(program.word()), "{at}: {mutant:?}");
                        assert_ne!(table.answer(&data), program, "{at}: {mutant:?}");
                        refuted.push((at, mutant));
                        &mut score.refuted
                    }
                    Err(Counterexample::Unknown { .. }) => &mut score.unknown,
                    Err(other) => panic!("{at}: {mutant:?}: {other}"),
                    Ok(_) => {
                        proved.push((at, mutant));
                        &mut score.equivalent
                    }
                };
                *count = count.wrapping_add(1);
            }
        }
        // Up to the altered instruction they are one program, so that only calls that get there can differ.
        let compare = |at: usize, mutant: SockFilter| {
            let mut damaged = program.clone();
            damaged[at] = mutant;
            let mut there = numbers.iter().filter(|(.., seen)| seen[at].0);
            there.find_map(|(nr, arch, _)| compare(&[&program, &damaged], *nr, *arch).0)
        };
        for (at, mutant) in &proved {
            assert_eq!(compare(*at, *mutant), None, "{at}: {mutant:?}");
        }
        // The comparison can find something: every seventh of those that the verifier refutes.
        let wrong = || refuted.iter().step_by(7);
        let found = wrong().filter(|(at, mutant)| compare(*at, *mutant).is_some()).count();
        println!("{found} of {} wrong ones are found by comparison", wrong().count());
        assert_eq!(found, wrong().count());
        let caught = score.refused.wrapping_add(score.refuted).wrapping_add(score.unknown);
        assert_eq!(caught.wrapping_add(score.equivalent), all);
        println!("{} instructions, {all} mutants, {caught} caught: {score:?}", program.len());
        assert!(score.refuted > all / 3 && score.equivalent < all / 10, "{score:?}");
    }
}
