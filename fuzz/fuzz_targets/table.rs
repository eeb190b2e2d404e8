//! Any table, alone or with a second one for the calls of another architecture: the kernel takes its filter,
//! which returns the tables' actions and is proved to; what the verifier reports of a damaged one is true.
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
    first: Half,
    /// For another architecture.
    second: Option<Half>,
    /// An instruction, and what becomes of it.
    damage: (u16, Damage),
    calls: Vec<(u32, [u64; 6])>,
}

#[derive(Debug, Arbitrary)]
struct Half {
    arch: u8,
    missing: u8,
    foreign: u8,
    rows: Vec<(Gap, Rule)>,
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

    /// The meaning of the constructors, as code.
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
    fn cases(&self) -> &[(Vec<Cond>, u8)] {
        match self {
            Self::Always(_) => &[],
            Self::Cases(cases, _) => cases,
        }
    }

    /// The table's action, found without it.
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

/// A table's content, for a [`Table`] to borrow from.
struct Spec {
    arch: Arch,
    missing: Action,
    foreign: Action,
    rules: Vec<(u32, Rule)>,
    /// Of each rule the tests of each case.
    tests: Vec<Vec<Vec<Test>>>,
}

/// Of each rule the cases.
type Cases<'a> = Vec<Vec<Case<'a>>>;

impl From<Half> for Spec {
    fn from(half: Half) -> Self {
        let arch = ARCHES[usize::from(half.arch) % ARCHES.len()];
        let mut rules: Vec<(u32, Rule)> = Vec::new();
        let mut next = Some(0u32);
        // So few that the proof is a short one.
        for (gap, mut rule) in half.rows.into_iter().take(20) {
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
        let tests = |(when, _): &(Vec<Cond>, u8)| when.iter().map(|cond| cond.test()).collect();
        let tests = rules.iter().map(|(_, rule)| rule.cases().iter().map(tests).collect()).collect();
        Self { arch, missing: pick(half.missing), foreign: pick(half.foreign), rules, tests }
    }
}

impl Spec {
    fn cases(&self) -> Cases<'_> {
        let rules = self.rules.iter().zip(&self.tests);
        rules
            .map(|((_, rule), tests)| {
                let cases = rule.cases().iter().zip(tests);
                cases.map(|((_, then), when)| Case { when, then: pick(*then) }).collect()
            })
            .collect()
    }

    fn rows<'a>(&self, cases: &'a Cases<'a>) -> Vec<Row<'a>> {
        let answer = |rule: &Rule, cases: &'a Vec<_>| match rule {
            Rule::Always(action) => Answer::Always(pick(*action)),
            Rule::Cases(_, otherwise) => Answer::Cases(cases, pick(*otherwise)),
        };
        let rules = self.rules.iter().zip(cases);
        rules.map(|((nr, rule), cases)| Row { nr: *nr, answer: answer(rule, cases) }).collect()
    }

    fn table<'a>(&self, rows: &'a [Row<'a>], compat: Option<&'a Table<'a>>) -> Table<'a> {
        Table { arch: self.arch, rows, missing: self.missing, foreign: self.foreign, compat }
    }

    /// The table's action for a call of its architecture, found without it.
    fn answer(&self, call: &Data) -> Action {
        let nr = call.nr.cast_unsigned();
        match self.rules.binary_search_by_key(&nr, |(nr, _)| *nr) {
            _ if self.arch.x32 && (0x4000_0000..u32::MAX).contains(&nr) => self.foreign,
            // Of a 32-bit program the kernel takes the low halves of the registers.
            Ok(at) if [Arch::I386, Arch::ARM].contains(&self.arch) => {
                self.rules[at].1.answer(&call.args.map(|arg| arg & u64::from(u32::MAX)))
            }
            Ok(at) => self.rules[at].1.answer(&call.args),
            Err(_) => self.missing,
        }
    }
}

fuzz_target!(|input: Input| {
    let Input { first, second, damage, calls: more } = input;
    let mut specs = vec![Spec::from(first)];
    specs.extend(second.map(Spec::from).filter(|second| second.arch != specs[0].arch));
    let cases: Vec<Cases<'_>> = specs.iter().map(Spec::cases).collect();
    let rows: Vec<Vec<Row<'_>>> = specs.iter().zip(&cases).map(|(spec, cases)| spec.rows(cases)).collect();
    let compat = specs.get(1).map(|spec| spec.table(&rows[1], None));
    let table = specs[0].table(&rows[0], compat.as_ref());

    let mut small = Assembler::<128>::new();
    let mut asm = Box::new(Assembler::<MAXINSNS>::new());
    let program = table.compile(&mut asm).expect("so few rows fit").to_vec();
    match table.compile(&mut small) {
        Ok(same) => assert_eq!(same, program),
        Err(error) => assert!(error == Error::TooLong && program.len() > 128),
    }
    assert_eq!(check(&program), Ok(()));

    let calls: Vec<Data> = specs.iter().flat_map(|spec| calls_of(spec.arch, &spec.rules, &more)).collect();
    for call in &calls {
        let spec = specs.iter().find(|spec| spec.arch.audit == call.arch);
        let want = spec.map_or(specs[specs.len() - 1].foreign, |spec| spec.answer(call));
        assert_eq!(table.answer(call), want, "the table: {call:x?}");
        assert_eq!(run(&program, call), Ok(want.word()), "the filter: {call:x?}");
    }
    for (spec, rows) in specs.iter().zip(&rows) {
        for row in rows {
            if let Answer::Always(action) = row.answer {
                assert_eq!(constant(&program, spec.arch, row.nr), Some(action));
            }
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
        for (when, _) in rule.cases() {
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

/// The same filter with one instruction damaged: the verifier's report of it is true.
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
