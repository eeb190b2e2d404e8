//! The verifier proves every compiled filter, and no damaged one.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sandlock_bpf::{
    Action, Answer, Arch, Assembler, Case, Counterexample, Error, Fault, FaultKind, Field, Label, Listing,
    MAXINSNS, Row, Table, Test, check, run, verify,
};
use sandlock_sys::filter::SockFilter;

use crate::equivalence::{difference, mutants, varied};
use crate::spec::{self, Spec, unless_miri};

/// There is a proof, or a call for which the program really returns another action.
fn is_decided(
    spec: &Spec,
    table: &Table<'_>,
    program: &[SockFilter],
    seed: u64,
) -> Result<bool, TestCaseError> {
    match verify(table, program) {
        Ok(proof) => {
            prop_assert!(proof.paths > 0);
            prop_assert_eq!(difference(spec, program, &spec.calls(seed)), None);
            Ok(true)
        }
        Err(Counterexample::Differs { data, table: want, program: got }) => {
            prop_assert_ne!(want, got);
            prop_assert_eq!(spec.answer(&data), want);
            prop_assert_eq!(run(program, &data), Ok(got.word()));
            Ok(false)
        }
        Err(other) => Err(TestCaseError::fail(other.to_string())),
    }
}

proptest! {
    #![proptest_config(spec::config(64))]

    #[test]
    fn every_compiled_filter_is_proved(spec in spec::spec(0..120)) {
        let table = spec.table();
        let mut asm = Box::new(Assembler::<MAXINSNS>::new());
        if let Ok(program) = table.compile(&mut asm) {
            let proof = verify(&table, program);
            prop_assert!(proof.is_ok(), "{:?}\n{}", proof, Listing::new(program, spec.arch));
        }
    }

    #[test]
    fn every_filter_of_two_tables_is_proved(spec in spec::pair(1..60), seed in 1u64..) {
        let table = spec.table();
        let mut asm = Box::new(Assembler::<MAXINSNS>::new());
        if let Ok(program) = table.compile(&mut asm) {
            prop_assert!(is_decided(&spec, &table, program, seed)?);
        }
    }

    #[test]
    fn a_filter_of_another_table_is_told_from_its_own(
        spec in prop_oneof![spec::spec(1..20), spec::pair(1..12)],
        at in any::<prop::sample::Index>(),
        mutant in any::<prop::sample::Index>(),
        seed in 1u64..,
    ) {
        let table = spec.table();
        let mut asm = Box::new(Assembler::<MAXINSNS>::new());
        let mut program = table.compile(&mut asm).unwrap().to_vec();
        let at = at.index(program.len());
        let mutants: Vec<_> = mutants(program[at]).collect();
        program[at] = mutants[mutant.index(mutants.len())];
        if check(&program).is_ok() {
            is_decided(&spec, &table, &program, seed)?;
        }
    }
}

#[test]
fn any_damage_is_found_or_makes_no_difference() {
    for arch in unless_miri(&[Arch::X86_64, Arch::S390X][..], &[Arch::S390X]) {
        let spec = varied(*arch);
        let table = spec.table();
        let mut asm = Box::new(Assembler::<MAXINSNS>::new());
        let program = table.compile(&mut asm).unwrap();
        let calls = spec.calls(7);
        assert!(verify(&table, program).is_ok());
        let (mut found, mut harmless) = (0, 0);
        for (at, insn) in program.iter().enumerate().step_by(unless_miri(1, 25)) {
            for mutant in mutants(*insn).take(unless_miri(usize::MAX, 1)) {
                let mut damaged = program.to_vec();
                damaged[at] = mutant;
                match verify(&table, &damaged) {
                    Ok(_) => {
                        assert_eq!(difference(&spec, &damaged, &calls), None, "{at}: {mutant:?}");
                        harmless += 1;
                    }
                    Err(Counterexample::Differs { data, program, .. }) => {
                        assert_eq!(run(&damaged, &data), Ok(program.word()));
                        assert_ne!(spec.answer(&data), program);
                        found += 1;
                    }
                    Err(other) => panic!("{at}: {mutant:?}: {other}"),
                }
            }
        }
        assert!(found > unless_miri(250, 1) && harmless < 8, "{found} {harmless}");
    }
}

const DENY: Action = Action::KILL_PROCESS;

/// Call 16 is allowed with this argument, nothing else is.
fn only<'a>(arch: Arch, row: &'a [Row<'a>; 1]) -> Table<'a> {
    Table { arch, rows: row, missing: DENY, foreign: DENY, compat: None }
}

const fn row<'a>(cases: &'a [Case<'a>]) -> [Row<'a>; 1] {
    [Row { nr: 16, answer: Answer::Cases(cases, DENY) }]
}

/// The usual start of a filter, by hand.
fn prologue(asm: &mut Assembler<64>, arch: Arch, x32: bool, by_nr: Label) -> Label {
    let deny = asm.ret(DENY);
    let native = if x32 { asm.if_ge(0x4000_0000, deny, by_nr) } else { by_nr };
    let native = asm.load(Field::NR, native);
    let by_arch = asm.if_eq(arch.audit, native, deny);
    asm.load(Field::ARCH, by_arch)
}

/// The call that a verifier finds for a program which is wrong about it.
#[track_caller]
fn refuted(table: &Table<'_>, program: &[SockFilter]) -> sandlock_sys::filter::Data {
    match verify(table, program) {
        Err(Counterexample::Differs { data, table: want, program: got }) => {
            assert_eq!((table.answer(&data), run(program, &data)), (want, Ok(got.word())));
            data
        }
        other => panic!("{other:?}\n{}", Listing::new(program, table.arch)),
    }
}

#[test]
fn the_mistakes_of_other_filters_are_found() {
    for arch in [Arch::X86_64, Arch::S390X] {
        let mut asm = Assembler::<64>::new();
        let case = [Case { when: &[Test::eq64(1, 0x5412)], then: Action::ALLOW }];
        let row16 = row(&case);
        let wide = only(arch, &row16);
        let mut filter = |x32: bool, code: &dyn Fn(&mut Assembler<64>, Label, Label) -> Label| {
            asm.clear();
            let (deny, allow) = (asm.ret(DENY), asm.ret(Action::ALLOW));
            let code = code(&mut asm, allow, deny);
            let by_nr = asm.if_eq(16, code, deny);
            let entry = prologue(&mut asm, arch, x32, by_nr);
            asm.finish(entry).unwrap().to_vec()
        };

        let right = filter(arch.x32, &|asm, allow, deny| {
            let low = asm.if_eq(0x5412, allow, deny);
            let low = asm.load(Field::low(arch, 1), low);
            let high = asm.if_eq(0, low, deny);
            asm.load(Field::high(arch, 1), high)
        });
        assert!(verify(&wide, &right).is_ok());

        // The high half of a 64-bit argument is not looked at.
        let half = filter(arch.x32, &|asm, allow, deny| {
            let low = asm.if_eq(0x5412, allow, deny);
            asm.load(Field::low(arch, 1), low)
        });
        assert!(refuted(&wide, &half).args[1] > u64::from(u32::MAX));

        // The high half of a 32-bit argument is, and makes an allowed call fail (or, in a deny list, a denied
        // one pass).
        let case = [Case { when: &[Test::eq32(1, 0x5412)], then: Action::ALLOW }];
        let row16 = row(&case);
        let narrow = only(arch, &row16);
        assert!(verify(&narrow, &half).is_ok());
        assert!(refuted(&narrow, &right).args[1] > u64::from(u32::MAX));

        // The halves are exchanged, as on a machine of the other byte order.
        let exchanged = filter(arch.x32, &|asm, allow, deny| {
            let low = asm.if_eq(0x5412, allow, deny);
            asm.load(Field::high(arch, 1), low)
        });
        refuted(&narrow, &exchanged);
    }
}

#[test]
fn a_filter_without_its_prologue_is_refuted() {
    let arch = Arch::X86_64;
    let rows = [Row { nr: 16, answer: Answer::Always(DENY) }];
    let table = Table { arch, rows: &rows, missing: Action::ALLOW, foreign: DENY, compat: None };
    let mut asm = Assembler::<64>::new();
    let (deny, allow) = (asm.ret(DENY), asm.ret(Action::ALLOW));
    let by_nr = asm.if_eq(16, deny, allow);
    let entry = prologue(&mut asm, arch, false, by_nr);
    let no_x32 = refuted(&table, asm.finish(entry).unwrap());
    assert!(no_x32.arch == arch.audit && no_x32.nr.cast_unsigned() >= 0x4000_0000);
    let entry = asm.load(Field::NR, by_nr);
    assert_ne!(refuted(&table, asm.finish(entry).unwrap()).arch, arch.audit);
    // Nothing loaded: A starts as 0, so that this one allows everything.
    refuted(&table, asm.finish(by_nr).unwrap());
}

#[test]
fn what_cannot_be_proved_says_why() {
    let case = [Case { when: &[], then: Action::ALLOW }];
    let row16 = row(&case);
    let table = only(Arch::RISCV64, &row16);
    let insn = |code, k| SockFilter { code, jt: 0, jf: 0, k };
    let kill = insn(0x06, DENY.word());
    let fault = Fault { at: 0, kind: FaultKind::Length };
    assert_eq!(verify(&table, &[]), Err(Counterexample::Program(fault)));
    for code in [0x00, 0x02, 0x04, 0x07, 0x16, 0x1d, 0x5c, 0x80, 0x87] {
        let unknown = Err(Counterexample::Unknown { at: 1 });
        assert_eq!(verify(&table, &[insn(0x20, 4), insn(code, 1), kill, kill]), unknown, "{code:#x}");
    }
    let twice = [row16[0], row16[0]];
    let table = Table { rows: &twice, ..table };
    assert_eq!(verify(&table, &[kill]), Err(Counterexample::Table(Error::Row(16))));

    // More conditions on one call than there is room for: no proof, rather than one that skips some. Finding
    // out takes Miri an hour.
    if cfg!(miri) {
        return;
    }
    let tests: Vec<[Test; 1]> = (0..300).map(|value| [Test::eq64(0, value * 2)]).collect();
    let cases: Vec<Case<'_>> = tests.iter().map(|when| Case { when, then: Action::ALLOW }).collect();
    let row16 = row(&cases);
    let mut asm = Box::new(Assembler::<MAXINSNS>::new());
    let table = only(Arch::RISCV64, &row16);
    assert_eq!(verify(&table, table.compile(&mut asm).unwrap()), Err(Counterexample::TooHard));
}
