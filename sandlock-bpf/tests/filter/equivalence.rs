//! A compiled filter returns its table's actions, for random tables and calls at their edges.

use crate::spec::{self, Cond, Op, Rule, Spec, unless_miri};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sandlock_bpf::{Action, Answer, Arch, Assembler, Error, Listing, MAXINSNS, Table, check, constant, run};
use sandlock_sys::Errno;
use sandlock_sys::filter::{Data, SockFilter};

/// The first of the calls for which a program does not return the table's action.
pub(crate) fn difference(spec: &Spec, program: &[SockFilter], calls: &[Data]) -> Option<Data> {
    calls.iter().find(|call| run(program, call) != Ok(spec.answer(call).word())).copied()
}

fn is_equivalent(spec: &Spec, seed: u64) -> Result<usize, TestCaseError> {
    let table = spec.table();
    let mut asm = Box::new(Assembler::<MAXINSNS>::new());
    let program = match table.compile(&mut asm) {
        Ok(program) => program,
        Err(error) => {
            prop_assert_eq!(error, Error::TooLong);
            return Ok(MAXINSNS + 1);
        }
    };
    prop_assert_eq!(check(program), Ok(()));
    let calls = spec.calls(seed);
    for call in &calls {
        prop_assert_eq!(table.answer(call), spec.answer(call), "the table, {:?}", call);
    }
    prop_assert_eq!(difference(spec, program, &calls), None);
    Ok(program.len())
}

/// Whether the kernel can remember the answer: exactly if no argument matters to it.
fn constants_are_known(table: &Table<'_>, program: &[SockFilter]) -> Result<(), TestCaseError> {
    let row = |nr| table.rows.iter().find(|row| row.nr == nr).map(|row| row.answer);
    for nr in (0..unless_miri(4096, 64)).chain(table.rows.iter().map(|row| row.nr)) {
        match row(nr) {
            None => prop_assert_eq!(constant(program, table.arch, nr), Some(table.missing)),
            Some(Answer::Always(action)) => prop_assert_eq!(constant(program, table.arch, nr), Some(action)),
            Some(Answer::Cases(..)) => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(spec::config(128))]

    #[test]
    fn small_tables(spec in spec::spec(0..12), seed in 1u64..) {
        is_equivalent(&spec, seed)?;
    }

    #[test]
    fn large_tables(spec in spec::spec(0..400), seed in 1u64..) {
        is_equivalent(&spec, seed)?;
    }

    #[test]
    fn two_tables_in_one_filter(spec in spec::pair(0..200), seed in 1u64..) {
        is_equivalent(&spec, seed)?;
        // And it is the two filters in one.
        let compile = |table: Table<'_>| {
            let mut asm = Box::new(Assembler::<MAXINSNS>::new());
            table.compile(&mut asm).map(<[_]>::to_vec)
        };
        let Table { compat, ..  } = spec.table();
        let one = compile(Table { compat: None, ..spec.table() });
        if let (Ok(both), Ok(one), Ok(other)) = (compile(spec.table()), one, compile(*compat.unwrap())) {
            for call in spec.calls(seed) {
                let alone = if call.arch == spec.arch.audit { &one } else { &other };
                prop_assert_eq!(run(&both, &call), run(alone, &call), "{:?}", call);
            }
        }
    }

    #[test]
    fn what_needs_no_argument_reads_none(spec in spec::spec(0..200)) {
        let mut asm = Box::new(Assembler::<MAXINSNS>::new());
        let table = spec.table();
        if let Ok(program) = table.compile(&mut asm) {
            constants_are_known(&table, program)?;
        }
    }

    #[test]
    fn a_small_assembler_is_too_small_or_right(spec in spec::spec(0..40), seed in 1u64..) {
        let table = spec.table();
        let mut large = Box::new(Assembler::<MAXINSNS>::new());
        let mut small = Box::new(Assembler::<64>::new());
        match (table.compile(&mut large), table.compile(&mut small)) {
            (Ok(all), Ok(program)) => prop_assert_eq!(all, program),
            (Ok(all), Err(error)) => {
                prop_assert_eq!(error, Error::TooLong);
                prop_assert!(all.len() > 64, "{} instructions fit", all.len());
            }
            (Err(error), _) => prop_assert!(false, "{error}"),
        }
        prop_assert!(is_equivalent(&spec, seed)? > 0);
    }
}

/// Every way to damage one instruction a little.
pub(crate) fn mutants(insn: SockFilter) -> impl Iterator<Item = SockFilter> {
    let SockFilter { code, jt, jf, k } = insn;
    let mutants = match code {
        // A word next to the right one.
        0x20 => vec![SockFilter { k: k ^ 4, ..insn }],
        // Another action.
        0x06 => vec![SockFilter { k: k ^ 1, ..insn }, SockFilter { k: 0x7ffc_0000, ..insn }],
        0x05 => vec![SockFilter { k: k + 1, ..insn }, SockFilter { k: k - 1, ..insn }],
        0x54 => vec![SockFilter { k: k ^ 1, ..insn }, SockFilter { k: k | k << 1, ..insn }],
        // Another number, the jumps exchanged, another comparison.
        _ => vec![
            SockFilter { k: k ^ 1, ..insn },
            SockFilter { k: k.wrapping_add(1), ..insn },
            SockFilter { jt: jf, jf: jt, ..insn },
            SockFilter { code: if code == 0x35 { 0x25 } else { 0x35 }, ..insn },
        ],
    };
    mutants.into_iter().filter(move |mutant| *mutant != insn)
}

/// A table whose filter has every kind of instruction that the compiler writes.
pub(crate) fn varied(arch: Arch) -> Spec {
    use Op::{Any, Eq, Masked, Ne, Range};
    let cond = |op, wide, arg, a, b| Cond { op, wide, arg, a, b };
    let errno = |number| Action::errno(Errno::new(number));
    let mut rows = vec![(0, Rule::Always(Action::ALLOW)), (1, Rule::Always(Action::ALLOW))];
    for nr in 2..unless_miri(30, 4) {
        let when = vec![cond(Eq, nr % 2 == 0, 1, u64::from(nr) << 31, 0)];
        rows.push((nr, Rule::Cases(vec![(when, errno(2))], Action::ALLOW)));
    }
    for (nr, when) in [
        (200, cond(Range, true, 0, 0x1_0000_0003, 0x5_0000_0009)),
        (202, cond(Range, false, 3, 7, 70)),
        (203, cond(Masked, true, 4, 0xff_0000_00f0, 0x17_0000_0050)),
        (300, cond(Masked, false, 5, 0xf, 3)),
        (400, cond(Any, true, 2, 0x0000_0800_7e02_0000, 0)),
        (401, cond(Ne, false, 2, 16, 0)),
    ] {
        rows.push((
            nr,
            Rule::Cases(
                vec![(vec![when], Action::USER_NOTIF), (vec![cond(Eq, false, 0, 0x77, 0)], errno(1))],
                errno(13),
            ),
        ));
    }
    Spec { arch, rows, missing: errno(38), foreign: Action::KILL_PROCESS, compat: None }
}

/// The tests above can fail: there is no instruction that they do not depend on.
#[test]
fn damage_to_any_instruction_is_noticed() {
    for arch in unless_miri(&[Arch::X86_64, Arch::S390X][..], &[Arch::X86_64]) {
        let spec = varied(*arch);
        let mut asm = Box::new(Assembler::<MAXINSNS>::new());
        let program = spec.table().compile(&mut asm).unwrap();
        for code in [0x05, 0x06, 0x15, 0x20, 0x25, 0x35, 0x45, 0x54] {
            assert!(program.iter().any(|insn| insn.code == code), "{code:#x}");
        }
        let calls = spec.calls(1);
        assert_eq!(difference(&spec, program, &calls), None);
        for (at, insn) in program.iter().enumerate().step_by(unless_miri(1, 30)) {
            // Some damage makes no difference, as `jgt 4` or `jgt 5` where 5 was ruled out before.
            let noticed = mutants(*insn).any(|mutant| {
                let mut damaged = program.to_vec();
                damaged[at] = mutant;
                difference(&spec, &damaged, &calls).is_some()
            });
            assert!(noticed, "{at}:\n{}", Listing::new(program, *arch));
        }
    }
}
