//! The verifier on the filters that are shipped, each instruction of them altered: no wrong one is proved.

use std::collections::BTreeSet;

use sandlock_bpf::{Arch, Counterexample, run, verify};
use sandlock_sys::filter::{Data, SockFilter};

use crate::index::rows;
use crate::plan::{filter, table};
use crate::table::Facts;

/// The codes that compiled filters are made of, and returns of A, loads of constants, scratch memory and register X.
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

/// Calls of each number, with each constant of the program, and what is next to it, in each half of each argument.
fn calls(program: &[SockFilter]) -> Vec<Data> {
    let call = |nr, args| Data { nr, arch: Arch::NATIVE.audit, instruction_pointer: 0, args };
    let words: BTreeSet<u64> = program
        .iter()
        .filter(|insn| insn.code & 7 != 6)
        .flat_map(|insn| [insn.k, insn.k.wrapping_add(1)])
        .map(u64::from)
        .collect();
    let numbers = (0..600).chain([0x3fff_ffff, 0x4000_0000, i32::MAX, i32::MIN, -1]);
    let mut calls: Vec<Data> =
        numbers.flat_map(|nr| [[0; 6], [u64::MAX; 6]].map(|args| call(nr, args))).collect();
    let with_cases = rows(Facts { sees_unix: false, compat: false });
    let with_cases = with_cases.iter().filter(|row| matches!(row.answer, sandlock_bpf::Answer::Cases(..)));
    for nr in with_cases.map(|row| row.nr.cast_signed()) {
        calls.extend(words.iter().flat_map(|word| [*word, word << 32]).map(|word| call(nr, [word; 6])));
    }
    calls.extend([0, 1, !0].map(|flip| Data { arch: Arch::NATIVE.audit ^ flip, ..call(1, [0; 6]) }));
    calls
}

/// What became of the mutants of one filter.
#[derive(Debug, Default)]
struct Score {
    /// The kernel would not take it.
    refused: usize,
    /// The verifier has a call for which it says something else.
    refuted: usize,
    /// Not one that the compiler writes, so that there is no proof.
    unknown: usize,
    /// Proved, and the interpreter finds no difference either.
    equivalent: usize,
}

#[test]
fn every_mutant_of_a_shipped_filter_is_caught_or_makes_no_difference() {
    // Unoptimised all of it takes minutes: then it is one filter, and each instruction is altered in one way, its neighbours in others.
    let kernels: &[bool] = if cfg!(debug_assertions) { &[false] } else { &[false, true] };
    for sees_unix in kernels {
        let facts = Facts { sees_unix: *sees_unix, compat: false };
        let program = filter(facts, None).unwrap();
        let rows = rows(facts);
        let table = table(Arch::NATIVE, &rows);
        let mut calls = calls(&program);
        let (mut score, mut proved) = (Score::default(), Vec::new());
        let mut all = 0usize;
        for (at, insn) in program.iter().enumerate() {
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
                        // It is a call for which they really differ; and it tells other mutants apart too.
                        assert_eq!(run(&damaged, &data), Ok(program.word()), "{at}: {mutant:?}");
                        assert_ne!(table.answer(&data), program, "{at}: {mutant:?}");
                        calls.push(data);
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
        let answers: Vec<_> = calls.iter().map(|call| run(&program, call)).collect();
        for (at, mutant) in &proved {
            let mut damaged = program.clone();
            damaged[*at] = *mutant;
            for (call, answer) in calls.iter().zip(&answers) {
                assert_eq!(run(&damaged, call), *answer, "{at}: {mutant:?}: {call:x?}");
            }
        }
        println!("{} instructions, {all} mutants, {} calls: {score:?}", program.len(), calls.len());
        assert!(score.refuted > all / 3 && score.equivalent < all / 10, "{score:?}");
    }
}
