//! Filters of hand-written tables: what they answer, how long they are, and where they stop fitting.

use crate::spec::{ARCHES, data, unless_miri};
use sandlock_bpf::{
    Action, Answer, Arch, Assembler, Case, Error, Listing, MAXINSNS, Row, Table, Test, check, constant, run,
    trace,
};
use sandlock_sys::Errno;
use sandlock_sys::filter::SockFilter;
use sandlock_sys::nr::{self, s390x, x86_64};

const ALLOW: Action = Action::ALLOW;
const KILL: Action = Action::KILL_PROCESS;
const NOTIFY: Action = Action::USER_NOTIF;
const EPERM: Action = Action::errno(Errno::EPERM);
const ENOSYS: Action = Action::errno(Errno::ENOSYS);

const fn always(nr: u32, action: Action) -> Row<'static> {
    Row { nr, answer: Answer::Always(action) }
}

const fn cases(nr: u32, cases: &'static [Case<'static>], otherwise: Action) -> Row<'static> {
    Row { nr, answer: Answer::Cases(cases, otherwise) }
}

const fn table<'a>(arch: Arch, rows: &'a [Row<'a>]) -> Table<'a> {
    Table { arch, rows, missing: ENOSYS, foreign: KILL, compat: None }
}

/// The program, which the kernel would take.
fn compile(table: &Table<'_>) -> Vec<SockFilter> {
    let mut asm = Box::new(Assembler::<MAXINSNS>::new());
    let program = table.compile(&mut asm).unwrap();
    assert_eq!(check(program), Ok(()));
    program.to_vec()
}

/// The program and the table both answer `want`.
#[track_caller]
fn assert_answer(table: &Table<'_>, program: &[SockFilter], nr: u32, args: [u64; 6], want: Action) {
    let call = data(table.arch, nr, args);
    assert_eq!(table.answer(&call), want, "the table: {nr} {args:x?}");
    let word = run(program, &call).unwrap();
    assert_eq!(
        Action::from_word(word),
        want,
        "the filter: {nr} {args:x?}\n{}",
        Listing::new(program, table.arch)
    );
}

/// A condition on one argument, values with which it holds, and values with which it does not.
const TESTS: &[(Test, &[u64], &[u64])] = &[
    (Test::eq32(0, 2), &[2, 0xdead_beef_0000_0002], &[0, 1, 3, 0x0000_0002_0000_0000]),
    (Test::ne32(0, 2), &[0, 1, 3, 0x0000_0002_0000_0000], &[2, 0xdead_beef_0000_0002]),
    (Test::any32(0, 0x11), &[1, 0x10, 0x11, u64::MAX], &[0, 0xee, 0x0000_0011_0000_0000]),
    (Test::any32(0, 0), &[], &[0, u64::MAX]),
    (Test::masked32(0, 0xf, 1), &[1, 0x11, 0xffff_ffff_ffff_fff1], &[0, 2, 0x1_0000_0000]),
    (Test::masked32(0, 0xf, 0x10), &[], &[0, 0x10, u64::MAX]),
    (Test::masked32(0, 0, 0), &[0, u64::MAX], &[]),
    (Test::range32(0, 2, 4), &[2, 3, 4, 0xffff_ffff_0000_0004], &[0, 1, 5, u64::MAX, 0x3_0000_0000]),
    (Test::range32(0, 0, u32::MAX), &[0, u64::MAX], &[]),
    (Test::range32(0, 4, 2), &[], &[0, 2, 3, 4, u64::MAX]),
    (
        Test::range32(0, 0x8000_0000, u32::MAX),
        &[0x8000_0000, u64::MAX],
        &[0, 0x7fff_ffff, 0x8000_0000_0000_0000],
    ),
    (Test::eq64(0, 0x1_0000_0002), &[0x1_0000_0002], &[2, 0x1_0000_0000, 0x2_0000_0001, 0x1_0000_0003]),
    (Test::ne64(0, 0x1_0000_0002), &[2, 0x1_0000_0000, 0x2_0000_0002, 0x1_0000_0003], &[0x1_0000_0002]),
    (Test::any64(0, 0x8000_0000_0000_0001), &[1, 1 << 63, u64::MAX], &[0, !(1 << 63 | 1)]),
    (
        Test::masked64(0, 0xff00_0000_00ff, 0x0100_0000_0002),
        &[0x0100_0000_0002, 0xffff_01aa_aaaa_aa02],
        &[0, 2],
    ),
    (Test::masked64(0, 1, 1 << 32), &[], &[0, 1, 1 << 32, u64::MAX]),
    (
        Test::range64(0, 0x1_ffff_fffe, 0x3_0000_0001),
        &[0x1_ffff_fffe, 0x1_ffff_ffff, 0x2_0000_0000, 0x2_ffff_ffff, 0x3_0000_0000, 0x3_0000_0001],
        &[0, 2, 0x1_ffff_fffd, 0x3_0000_0002, 0x4_0000_0000, 0xffff_fffe, u64::MAX],
    ),
    (
        Test::range64(0, 5, 0x1_0000_0004),
        &[5, 6, u32::MAX as u64, 1 << 32, 0x1_0000_0004],
        &[0, 4, 0x1_0000_0005],
    ),
    (Test::range64(0, 0, 0x7fff_ffff), &[0, 0x7fff_ffff], &[0x8000_0000, 1 << 32, u64::MAX]),
    (Test::range64(0, 1 << 40, u64::MAX), &[1 << 40, u64::MAX], &[0, (1 << 40) - 1]),
    (Test::range64(0, 1 << 32, 1), &[], &[0, 1, 1 << 32, u64::MAX]),
];

#[test]
fn each_test_has_the_width_it_says_in_either_byte_order() {
    for arch in [Arch::AARCH64, Arch::S390X] {
        for (test, holds, fails) in TESTS {
            let case = [Case { when: &[*test], then: ALLOW }];
            let rows = [Row { nr: 7, answer: Answer::Cases(&case, EPERM) }];
            let table = table(arch, &rows);
            let program = compile(&table);
            for value in *holds {
                assert_answer(&table, &program, 7, [*value; 6], ALLOW);
            }
            for value in *fails {
                assert_answer(&table, &program, 7, [*value; 6], EPERM);
            }
        }
    }
}

#[test]
fn the_first_case_that_holds_decides() {
    const INET: Test = Test::eq32(0, 2);
    const STREAM: Test = Test::masked32(1, 0xf, 1);
    const CLONE: &[Case<'_>] = &[Case { when: &[Test::any64(0, 0x7e02_0000)], then: EPERM }];
    const SOCKET: &[Case<'_>] = &[
        Case { when: &[Test::eq32(0, 16)], then: NOTIFY },
        Case { when: &[INET, STREAM, Test::eq32(2, 262)], then: EPERM },
        Case { when: &[INET, STREAM], then: ALLOW },
        Case { when: &[], then: Action::errno(Errno::EAFNOSUPPORT) },
        Case { when: &[INET], then: KILL },
    ];
    let x86 = [always(0, ALLOW), always(1, ALLOW), cases(41, SOCKET, KILL), cases(56, CLONE, ALLOW)];
    let z = [always(3, ALLOW), always(4, ALLOW), cases(120, CLONE, ALLOW), cases(359, SOCKET, KILL)];
    assert_eq!((x86_64::SOCKET, x86_64::CLONE, s390x::SOCKET, s390x::CLONE), (41, 56, 359, 120));
    for (arch, rows, write, socket, clone) in [(Arch::X86_64, x86, 1, 41, 56), (Arch::S390X, z, 4, 359, 120)]
    {
        let table = table(arch, &rows);
        let program = compile(&table);
        let garbage = 0x5555_5555_0000_0000;
        for (nr, args, want) in [
            (write, [u64::MAX; 6], ALLOW),
            (socket, [garbage | 16, 3, 0, 0, 0, 0], NOTIFY),
            (socket, [2, 1, 0, 0, 0, 0], ALLOW),
            (socket, [garbage | 2, garbage | 0o2000001, garbage | 6, 0, 0, 0], ALLOW),
            (socket, [2, 1, garbage | 262, 0, 0, 0], EPERM),
            (socket, [2, 2, 0, 0, 0, 0], Action::errno(Errno::EAFNOSUPPORT)),
            (socket, [0; 6], Action::errno(Errno::EAFNOSUPPORT)),
            (clone, [0x0100_0000, 0, 0, 0, 0, 0], ALLOW),
            (clone, [0x1000_0000, 0, 0, 0, 0, 0], EPERM),
            (clone, [0x7e02_0000 << 32, 0, 0, 0, 0, 0], ALLOW),
            (socket + 1, [0; 6], ENOSYS),
            (0xffff_fffe, [0; 6], if arch.x32 { KILL } else { ENOSYS }),
            (0xffff_ffff, [0; 6], ENOSYS),
        ] {
            assert_answer(&table, &program, nr, args, want);
        }
    }
}

#[test]
fn what_neighbours_test_alike_is_tested_once() {
    const STREAM: Test = Test::masked32(1, 0xf, 1);
    const DGRAM: Test = Test::masked32(1, 0xf, 2);
    const fn of(when: &'static [Test], then: Action) -> Case<'static> {
        Case { when, then }
    }
    const SOCKET: &[Case<'_>] = &[
        of(&[Test::eq32(0, 2), STREAM, Test::eq32(2, 0)], ALLOW),
        of(&[Test::eq32(0, 2), STREAM, Test::eq32(2, 6)], ALLOW),
        of(&[Test::eq32(0, 2), STREAM], ENOSYS),
        of(&[Test::eq32(0, 2), DGRAM], NOTIFY),
        of(&[Test::eq32(0, 2)], EPERM),
        of(&[Test::eq32(0, 10), STREAM, Test::eq32(2, 0)], ALLOW),
        of(&[Test::eq32(0, 10), STREAM, Test::eq32(2, 6)], ALLOW),
        of(&[Test::eq32(0, 10), STREAM], ENOSYS),
        of(&[Test::eq32(0, 10), DGRAM], NOTIFY),
        of(&[Test::eq32(0, 10)], EPERM),
    ];
    const LD_ABS: u16 = 0x20;
    const AND_K: u16 = 0x54;
    let rows = [cases(41, SOCKET, KILL)];
    let program = compile(&table(Arch::X86_64, &rows));
    let operands =
        |code| -> Vec<u32> { program.iter().filter(|insn| insn.code == code).map(|insn| insn.k).collect() };
    // arch, nr, args[0], args[1] and args[2], once each: the second family's code is the first's.
    assert_eq!(operands(LD_ABS), [4, 0, 16, 24, 32], "{}", Listing::new(&program, Arch::X86_64));
    assert_eq!(operands(AND_K), [0xf]);
}

#[test]
fn a_foreign_call_is_answered_as_foreign() {
    let rows = [always(0, ALLOW), always(0x3fff_ffff, ALLOW)];
    let table = table(Arch::X86_64, &rows);
    let program = compile(&table);
    for arch in ARCHES.into_iter().filter(|arch| *arch != Arch::X86_64) {
        assert_eq!(run(&program, &data(arch, 0, [0; 6])), Ok(KILL.word()));
    }
    for (nr, want) in [
        (0x3fff_fffe, ENOSYS),
        (0x3fff_ffff, ALLOW),
        (0x4000_0000, KILL),
        (0x4000_0001, KILL),
        (0x7fff_ffff, KILL),
        (0x8000_0000, KILL),
        (u32::MAX - 1, KILL),
        (u32::MAX, ENOSYS),
    ] {
        assert_answer(&table, &program, nr, [0; 6], want);
    }
}

#[test]
fn rows_must_be_in_order() {
    let mut asm = Assembler::<64>::new();
    let mut error = |arch, numbers: &[u32]| {
        let rows: Vec<_> = numbers.iter().map(|nr| always(*nr, ALLOW)).collect();
        table(arch, &rows).compile(&mut asm).err()
    };
    assert_eq!(error(Arch::X86_64, &[0, 1, 5]), None);
    assert_eq!(error(Arch::X86_64, &[0, 5, 1]), Some(Error::Row(1)));
    assert_eq!(error(Arch::X86_64, &[0, 5, 5]), Some(Error::Row(5)));
    assert_eq!(error(Arch::X86_64, &[0, 0x4000_0000]), Some(Error::Row(0x4000_0000)));
    assert_eq!(error(Arch::AARCH64, &[0, 0x4000_0000, u32::MAX]), None);
    assert_eq!(error(Arch::AARCH64, &[u32::MAX, u32::MAX]), Some(Error::Row(u32::MAX)));
}

#[test]
fn every_call_of_every_architecture_is_decided_in_a_few_steps() {
    let tables = [
        nr::x86_64::TABLE,
        nr::aarch64::TABLE,
        nr::riscv64::TABLE,
        nr::i386::TABLE,
        nr::arm::TABLE,
        nr::s390x::TABLE,
        nr::ppc64le::TABLE,
        nr::loongarch64::TABLE,
    ];
    for (arch, calls) in ARCHES.into_iter().zip(tables) {
        let mut numbers: Vec<u32> = calls.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        // The worst case: no two neighbours have the same answer.
        let actions = [ALLOW, EPERM, NOTIFY];
        let rows: Vec<_> =
            numbers.iter().zip(actions.iter().cycle()).map(|(nr, action)| always(*nr, *action)).collect();
        let table = table(arch, &rows);
        let program = compile(&table);
        for row in rows.iter().step_by(unless_miri(1, 50)) {
            let call = data(arch, row.nr, [u64::MAX; 6]);
            let run = trace(&program, &call).unwrap();
            assert_eq!(
                (run.word, constant(&program, arch, row.nr)),
                (table.answer(&call).word(), Some(table.answer(&call)))
            );
            // arch: 2, nr: 1, the search: log2 of some 500 runs, a far jump on the way, and the return.
            assert!(run.steps <= 2 + 1 + 9 + 2 + 1, "{} steps for {}", run.steps, row.nr);
        }
    }
}

#[test]
fn a_run_of_equal_answers_is_one_leaf() {
    let rows: Vec<_> = (0..300).map(|nr| always(nr, ALLOW)).collect();
    let program = compile(&table(Arch::X86_64, &rows));
    // ld arch, jeq, ld nr, three comparisons (300, x32, -1), and three returns.
    assert_eq!(program.len(), 9, "{}", Listing::new(&program, Arch::X86_64));
}

#[test]
fn an_exception_takes_one_comparison_and_has_a_limit() {
    let rows = |exceptions: u32| -> Vec<_> {
        (0..300)
            .map(|nr| always(nr, if nr % 10 == 5 && nr < exceptions * 10 { EPERM } else { ALLOW }))
            .collect()
    };
    let compiled = |exceptions| compile(&table(Arch::X86_64, &rows(exceptions)));
    let without = compiled(0).len();
    for (exceptions, more) in [(1, 2), (2, 3), (4, 5), (5, 7), (20, 25)] {
        assert_eq!(compiled(exceptions).len(), without + more, "{exceptions}");
    }
    let program = compiled(30);
    for row in rows(30) {
        let run = trace(&program, &data(Arch::X86_64, row.nr, [0; 6])).unwrap();
        assert!(run.steps <= 3 + 4 + 4 + 1, "{} steps for {}", run.steps, row.nr);
    }
}

#[test]
fn equal_cases_share_their_code() {
    const CASES: &[Case<'_>] = &[
        Case { when: &[Test::eq32(0, 2), Test::range64(1, 5, 1 << 40)], then: NOTIFY },
        Case { when: &[Test::eq32(0, 10)], then: ALLOW },
    ];
    let length = |count: u32| {
        let rows: Vec<_> = (0..count).map(|nr| cases(nr * 2, CASES, EPERM)).collect();
        compile(&table(Arch::RISCV64, &rows)).len()
    };
    // Two more runs take two more comparisons, or one where the first is an exception in the second.
    for count in 1..unless_miri(60, 4) {
        assert!((1..=2).contains(&(length(count + 1) - length(count))), "{count}");
    }
    // Out of reach, one in some hundred needs a `ja` as well.
    let many = unless_miri(1000, 150);
    assert!(length(many) < length(1) + (many as usize - 1) * 2 + 40, "{}", length(many));
}

/// A table of `count` calls, each of which is decided by an argument in its own way.
fn with_distinct_cases(count: u32, check: impl FnOnce(&Table<'_>)) {
    let tests: Vec<[Test; 1]> = (0..count).map(|nr| [Test::eq32(3, nr + 5000)]).collect();
    let cases: Vec<[Case<'_>; 1]> = tests.iter().map(|when| [Case { when, then: ALLOW }]).collect();
    let rows: Vec<_> =
        cases.iter().zip(0..).map(|(case, nr)| Row { nr, answer: Answer::Cases(case, EPERM) }).collect();
    check(&table(Arch::PPC64LE, &rows));
}

#[test]
fn jumps_beyond_255_instructions_arrive() {
    let mut lengths = Vec::new();
    let counts =
        if cfg!(miri) { vec![1, 82, 83, 84, 200] } else { (1..=140).chain([200, 300, 500, 900]).collect() };
    for count in counts {
        with_distinct_cases(count, |table| {
            let program = compile(table);
            for nr in (0..=count).step_by(unless_miri(1, 20)) {
                let want = if nr < count { [ALLOW, EPERM] } else { [ENOSYS; 2] };
                assert_answer(table, &program, nr, [0, 0, 0, u64::from(nr + 5000), 0, 0], want[0]);
                assert_answer(table, &program, nr, [0, 0, 0, u64::from(nr + 5001), 0, 0], want[1]);
            }
            lengths.push((program.len(), program.iter().filter(|insn| insn.code == 0x05).count()));
        });
    }
    // Every length around the reach of a conditional jump was there, and far jumps in the long ones only.
    assert!(lengths.iter().any(|(len, _)| (253..=259).contains(len)), "{lengths:?}");
    assert!(lengths.iter().all(|(len, far)| *len > 256 || *far == 0), "{lengths:?}");
    assert!(lengths.last().is_some_and(|(_, far)| *far > 0), "{lengths:?}");
}

#[test]
fn a_filter_fits_or_is_an_error() {
    // A call takes three instructions.
    const ROOM: usize = unless_miri(MAXINSNS, 300);
    let full = unless_miri(1350, 97);
    let mut longest = 0;
    let mut refused = 0;
    for count in (full - 5..full + 5).chain([full * 2]) {
        with_distinct_cases(count, |table| {
            let mut asm = Box::new(Assembler::<ROOM>::new());
            match table.compile(&mut asm) {
                Ok(program) => {
                    assert_eq!((check(program), refused), (Ok(()), 0));
                    longest = program.len();
                    for nr in [0, 1, count / 2, count - 1] {
                        assert_answer(table, program, nr, [0, 0, 0, u64::from(nr + 5000), 0, 0], ALLOW);
                    }
                }
                Err(error) => {
                    assert_eq!(error, Error::TooLong);
                    refused += 1;
                }
            }
        });
    }
    assert!((ROOM - 4..=ROOM).contains(&longest) && refused > 2, "{longest} {refused}");
}

#[test]
fn each_architecture_has_its_own_numbers_and_a_narrow_one_half_registers() {
    const WIDE: &[Case] = &[Case { when: &[Test::eq64(0, 20)], then: ALLOW }];
    let (rows, others) =
        ([cases(3, WIDE, EPERM), always(5, ALLOW)], [always(3, NOTIFY), cases(5, WIDE, EPERM)]);
    let narrow = table(Arch::I386, &others);
    let both = Table { compat: Some(&narrow), ..table(Arch::X86_64, &rows) };
    let program = compile(&both);
    let garbage = 0xdead_beef_0000_0000;
    for (arch, nr, arg, want) in [
        (Arch::X86_64, 3, 20, ALLOW),
        (Arch::X86_64, 3, garbage | 20, EPERM),
        (Arch::X86_64, 5, 0, ALLOW),
        (Arch::X86_64, 6, 0, ENOSYS),
        (Arch::X86_64, 0x4000_0003, 20, KILL),
        (Arch::I386, 3, 20, NOTIFY),
        (Arch::I386, 5, 20, ALLOW),
        (Arch::I386, 5, garbage | 20, ALLOW),
        (Arch::I386, 5, garbage | 21, EPERM),
        (Arch::I386, 6, 0, ENOSYS),
        (Arch::I386, 0x4000_0003, 20, ENOSYS),
        (Arch::AARCH64, 5, 0, KILL),
        (Arch::ARM, 5, 0, KILL),
    ] {
        assert_eq!(
            run(&program, &data(arch, nr, [arg, 0, 0, 0, 0, 0])),
            Ok(want.word()),
            "{arch:?} {nr} {arg:#x}"
        );
    }
    assert_eq!(constant(&program, Arch::X86_64, 5), Some(ALLOW));
    assert_eq!(constant(&program, Arch::I386, 3), Some(NOTIFY));
    let wrong = [always(5, ALLOW), always(5, ALLOW)];
    let narrow = table(Arch::I386, &wrong);
    let both = Table { compat: Some(&narrow), ..table(Arch::X86_64, &rows) };
    assert_eq!(both.compile(&mut Assembler::<64>::new()), Err(Error::Row(5)));
}

#[test]
fn an_assembler_is_as_good_as_new_after_an_error() {
    let mut asm = Assembler::<16>::new();
    with_distinct_cases(20, |table| assert_eq!(table.compile(&mut asm), Err(Error::TooLong)));
    let rows = [always(5, ALLOW)];
    let table = table(Arch::I386, &rows);
    let program = table.compile(&mut asm).unwrap();
    assert_answer(&table, program, 5, [0; 6], ALLOW);
    assert_eq!(Assembler::<0>::new().ret(ALLOW), Assembler::<1>::new().ret(ALLOW));
}

#[test]
fn code_can_be_written_by_hand() {
    let mut asm = Assembler::<512>::new();
    let deny = asm.ret(EPERM);
    let allow = asm.ret(ALLOW);
    assert_eq!(asm.ret(EPERM), deny);
    assert_eq!(asm.if_eq(1, allow, allow), allow, "nothing to decide");
    assert_eq!(asm.load(sandlock_bpf::Field::NR, deny), deny, "nothing to load");
    // A chain that is longer than a jump reaches: any number above 400 is allowed, any other one denied.
    let mut entry = deny;
    for k in 1..=400 {
        entry = asm.if_gt(k, allow, entry);
    }
    let entry = asm.load(sandlock_bpf::Field::NR, entry);
    let program = asm.finish(entry).unwrap();
    assert_eq!(check(program), Ok(()));
    assert!(
        program.iter().filter(|insn| **insn == SockFilter { code: 6, jt: 0, jf: 0, k: ALLOW.word() }).count()
            > 1
    );
    for (nr, want) in [(0, EPERM), (1, EPERM), (2, ALLOW), (401, ALLOW)] {
        assert_eq!(run(program, &data(Arch::NATIVE, nr, [0; 6])), Ok(want.word()), "{nr}");
    }
    let small = Assembler::<1>::new();
    assert!(small.finish(entry).is_none(), "a label of another assembler");
}

#[test]
fn actions_print_by_name() {
    for (action, want) in [
        (KILL, "KILL_PROCESS"),
        (Action::KILL_THREAD, "KILL_THREAD"),
        (Action::TRAP, "TRAP"),
        (EPERM, "ERRNO(EPERM)"),
        (NOTIFY, "USER_NOTIF"),
        (Action::TRACE, "TRACE"),
        (Action::LOG, "LOG"),
        (ALLOW, "ALLOW"),
        (Action::from_word(0x0003_0005), "TRAP(5)"),
        (Action::from_word(0x0005_0000), "ERRNO"),
        (Action::from_word(0x0005_1000), "ERRNO(4096)"),
        (Action::from_word(0x1234_0000), "0x12340000"),
    ] {
        assert_eq!(action.to_string(), want);
        assert_eq!(Action::from_word(action.word()), action);
    }
}

#[test]
fn tests_print_what_they_ask() {
    for (test, want) in [
        (Test::eq64(0, 16), "args[0] == 0x10"),
        (Test::ne32(1, 2), "args[1].low != 0x2"),
        (Test::any32(2, 0x7e), "(args[2] & 0x7e) != 0x0"),
        (Test::masked32(3, 0xf, 1), "(args[3] & 0xf) == 0x1"),
        (Test::range64(5, 2, 10), "args[5] in 0x2..=0xa"),
        (Test::range32(5, 2, 10), "args[5].low in 0x2..=0xa"),
    ] {
        assert_eq!(test.to_string(), want);
    }
}
