//! Any table: its filter is one that the kernel takes, says what the table says, and is proved to; of a damaged one the verifier knows
//! what it does.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sandlock_bpf::{
    Action, Answer, Arch, Assembler, Case, Counterexample, Error, MAXINSNS, Row, Table, Test, check,
    constant, run, verify,
};
use sandlock_sys::Errno;
use sandlock_sys::filter::{Data, SockFilter};

const ARCHES: [Arch; 8] = [
    Arch::X86_64,
    Arch::AARCH64,
    Arch::RISCV64,
    Arch::I386,
    Arch::ARM,
    Arch::S390X,
    Arch::PPC64LE,
    Arch::LOONGARCH64,
];

const ACTIONS: [Action; 6] = [
    Action::ALLOW,
    Action::USER_NOTIF,
    Action::KILL_PROCESS,
    Action::errno(Errno::EPERM),
    Action::errno(Errno::ENOSYS),
    Action::LOG,
];

#[derive(Debug, Arbitrary)]
struct Input {
    arch: u8,
    missing: u8,
    foreign: u8,
    rows: Vec<(Gap, Rule)>,
    /// An instruction, and what becomes of it.
    damage: (u16, Damage),
    calls: Vec<(u32, [u64; 6])>,
}

#[derive(Debug, Arbitrary)]
enum Gap {
    None,
    Some(u8),
    Far(u32),
}

#[derive(Debug, Arbitrary)]
enum Rule {
    Always(u8),
    Cases(Vec<(Vec<Cond>, u8)>, u8),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Cond {
    op: Op,
    wide: bool,
    arg: u8,
    a: u64,
    b: u64,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Op {
    Eq,
    Ne,
    Any,
    Masked,
    Range,
}

#[derive(Debug, Arbitrary)]
enum Damage {
    Code(u16),
    True(u8),
    False(u8),
    K(u32),
    Bit(u8),
}

impl Cond {
    fn arg(self) -> u8 {
        self.arg % 6
    }

    fn test(self) -> Test {
        let Self { op, wide, a, b, .. } = self;
        let (arg, low_a, low_b) = (self.arg(), a as u32, b as u32);
        match (op, wide) {
            (Op::Eq, false) => Test::eq32(arg, low_a),
            (Op::Ne, false) => Test::ne32(arg, low_a),
            (Op::Any, false) => Test::any32(arg, low_a),
            (Op::Masked, false) => Test::masked32(arg, low_a, low_b),
            (Op::Range, false) => Test::range32(arg, low_a, low_b),
            (Op::Eq, true) => Test::eq64(arg, a),
            (Op::Ne, true) => Test::ne64(arg, a),
            (Op::Any, true) => Test::any64(arg, a),
            (Op::Masked, true) => Test::masked64(arg, a, b),
            (Op::Range, true) => Test::range64(arg, a, b),
        }
    }

    /// What the constructors say, as code.
    fn holds(self, args: &[u64; 6]) -> bool {
        let keep = if self.wide { u64::MAX } else { u64::from(u32::MAX) };
        let (value, a, b) = (args[usize::from(self.arg())] & keep, self.a & keep, self.b & keep);
        match self.op {
            Op::Eq => value == a,
            Op::Ne => value != a,
            Op::Any => value & a != 0,
            Op::Masked => value & a == b,
            Op::Range => a <= value && value <= b,
        }
    }
}

impl Rule {
    /// What the table has to say, found without it.
    fn answer(&self, args: &[u64; 6]) -> Action {
        match self {
            Self::Always(action) => pick(*action),
            Self::Cases(cases, otherwise) => {
                let hit = cases.iter().find(|(when, _)| when.iter().all(|cond| cond.holds(args)));
                pick(hit.map_or(*otherwise, |(_, then)| *then))
            }
        }
    }
}

fn pick(action: u8) -> Action {
    ACTIONS[usize::from(action) % ACTIONS.len()]
}

fuzz_target!(|input: Input| {
    let Input { arch, missing, foreign, mut rows, damage, calls } = input;
    let arch = ARCHES[usize::from(arch) % ARCHES.len()];
    let (missing, foreign) = (pick(missing), pick(foreign));
    // So few that the proof is a short one.
    rows.truncate(20);
    let mut rules: Vec<(u32, Rule)> = Vec::new();
    let mut next = Some(0u32);
    for (gap, mut rule) in rows {
        let gap = match gap {
            Gap::None => 0,
            Gap::Some(gap) => gap.into(),
            Gap::Far(gap) => gap,
        };
        let Some(nr) = next.and_then(|next| next.checked_add(gap)) else { break };
        if arch.x32 && nr >= 0x4000_0000 {
            break;
        }
        if let Rule::Cases(cases, _) = &mut rule {
            cases.truncate(3);
            cases.iter_mut().for_each(|(when, _)| when.truncate(3));
        }
        rules.push((nr, rule));
        next = nr.checked_add(1);
    }

    let tests: Vec<Vec<Vec<Test>>> = rules
        .iter()
        .map(|(_, rule)| match rule {
            Rule::Always(_) => Vec::new(),
            Rule::Cases(cases, _) => {
                cases.iter().map(|(when, _)| when.iter().map(|cond| cond.test()).collect()).collect()
            }
        })
        .collect();
    let cases: Vec<Vec<Case<'_>>> = rules
        .iter()
        .zip(&tests)
        .map(|((_, rule), tests)| match rule {
            Rule::Always(_) => Vec::new(),
            Rule::Cases(cases, _) => {
                cases.iter().zip(tests).map(|((_, then), when)| Case { when, then: pick(*then) }).collect()
            }
        })
        .collect();
    let rows: Vec<Row<'_>> = rules
        .iter()
        .zip(&cases)
        .map(|((nr, rule), cases)| Row {
            nr: *nr,
            answer: match rule {
                Rule::Always(action) => Answer::Always(pick(*action)),
                Rule::Cases(_, otherwise) => Answer::Cases(cases, pick(*otherwise)),
            },
        })
        .collect();
    let table = Table { arch, rows: &rows, missing, foreign, compat: None };

    let mut small = Assembler::<128>::new();
    let mut asm = Box::new(Assembler::<MAXINSNS>::new());
    let program = table.compile(&mut asm).expect("so few rows fit").to_vec();
    match table.compile(&mut small) {
        Ok(same) => assert_eq!(same, program),
        Err(error) => assert!(error == Error::TooLong && program.len() > 128),
    }
    assert_eq!(check(&program), Ok(()));

    let calls = calls_of(arch, &rules, &calls);
    for call in &calls {
        let nr = call.nr.cast_unsigned();
        let want = match rules.binary_search_by_key(&nr, |(nr, _)| *nr) {
            _ if call.arch != arch.audit || (arch.x32 && nr >= 0x4000_0000) => foreign,
            // Of a 32-bit program the kernel takes the low halves of the registers.
            Ok(at) if [Arch::I386, Arch::ARM].contains(&arch) => {
                rules[at].1.answer(&call.args.map(|arg| arg & u64::from(u32::MAX)))
            }
            Ok(at) => rules[at].1.answer(&call.args),
            Err(_) => missing,
        };
        assert_eq!(table.answer(call), want, "the table: {call:x?}");
        assert_eq!(run(&program, call), Ok(want.word()), "the filter: {call:x?}");
    }
    for row in &rows {
        if let Answer::Always(action) = row.answer {
            assert_eq!(constant(&program, arch, row.nr), Some(action));
        }
    }
    match verify(&table, &program) {
        Ok(_) | Err(Counterexample::TooHard) => {}
        Err(wrong) => panic!("{wrong}"),
    }
    damaged(&table, program, damage, &calls);
});

/// Calls with each number, near it, and special to the kernel; with arguments at the edges of its conditions.
fn calls_of(arch: Arch, rules: &[(u32, Rule)], more: &[(u32, [u64; 6])]) -> Vec<Data> {
    let call = |nr: u32, args| Data { nr: nr.cast_signed(), arch: arch.audit, instruction_pointer: 1, args };
    let special = [0, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let mut calls: Vec<Data> = special.iter().map(|nr| call(*nr, [0; 6])).collect();
    calls.extend(more.iter().take(16).map(|(nr, args)| call(*nr, *args)));
    calls.extend(ARCHES.map(|other| Data { arch: other.audit, ..call(1, [1; 6]) }));
    for (nr, rule) in rules {
        calls.extend([nr.wrapping_sub(1), *nr, nr.wrapping_add(1)].map(|nr| call(nr, [0; 6])));
        calls.extend(more.iter().take(4).map(|(_, args)| call(*nr, *args)));
        let Rule::Cases(cases, _) = rule else { continue };
        for (when, _) in cases {
            // All conditions of a case at their edges at once, so that the later ones are reached.
            for delta in [0, 1, u64::MAX, 1 << 32, 1 << 63] {
                let mut args = [0; 6];
                for cond in when {
                    args[usize::from(cond.arg())] = cond.a;
                }
                calls.push(call(*nr, args));
                for cond in when {
                    for edge in [cond.a, cond.b] {
                        let mut args = args;
                        args[usize::from(cond.arg())] = edge.wrapping_add(delta);
                        calls.push(call(*nr, args));
                    }
                }
            }
        }
    }
    calls
}

/// The same filter with one instruction damaged: what the verifier says of it is so.
fn damaged(table: &Table<'_>, mut program: Vec<SockFilter>, (at, damage): (u16, Damage), calls: &[Data]) {
    let at = usize::from(at) % program.len();
    let insn = &mut program[at];
    match damage {
        Damage::Code(code) => insn.code = code,
        Damage::True(jt) => insn.jt = jt,
        Damage::False(jf) => insn.jf = jf,
        Damage::K(k) => insn.k = k,
        Damage::Bit(bit) => insn.k ^= 1 << (bit % 32),
    }
    match verify(table, &program) {
        Ok(_) => {
            for call in calls {
                assert_eq!(run(&program, call), Ok(table.answer(call).word()), "proved: {call:x?}");
            }
        }
        Err(Counterexample::Differs { data, table: want, program: got }) => {
            assert_ne!(want, got);
            assert_eq!(table.answer(&data), want);
            assert_eq!(run(&program, &data), Ok(got.word()));
        }
        Err(Counterexample::Program(fault)) => assert_eq!(check(&program), Err(fault)),
        Err(Counterexample::Unknown { at }) => assert!(at < program.len()),
        Err(Counterexample::TooHard) => {}
        Err(Counterexample::Table(error)) => panic!("{error}"),
    }
}
