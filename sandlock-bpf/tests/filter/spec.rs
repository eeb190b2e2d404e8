//! Random tables, calls that are likely to distinguish two filters, and an oracle of its own for the tests.

use core::any::Any;
use std::sync::Mutex;

use proptest::prelude::*;
use sandlock_bpf::{Action, Answer, Arch, Case, Row, Table, Test};
use sandlock_sys::Errno;
use sandlock_sys::filter::Data;

pub(crate) const ARCHES: [Arch; 8] = [
    Arch::X86_64,
    Arch::AARCH64,
    Arch::RISCV64,
    Arch::I386,
    Arch::ARM,
    Arch::S390X,
    Arch::PPC64LE,
    Arch::LOONGARCH64,
];

/// A call.
pub(crate) fn data(arch: Arch, nr: u32, args: [u64; 6]) -> Data {
    Data { nr: nr.cast_signed(), arch: arch.audit, instruction_pointer: 0x7fff_1234_5678_9abc, args }
}

/// A test as its constructor was called, so that it can be evaluated without the crate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cond {
    pub(crate) op: Op,
    pub(crate) wide: bool,
    pub(crate) arg: u8,
    pub(crate) a: u64,
    pub(crate) b: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Eq,
    Ne,
    Any,
    Masked,
    Range,
}

impl Cond {
    pub(crate) fn test(self) -> Test {
        let Self { op, wide, arg, a, b } = self;
        let (low_a, low_b) = (a as u32, b as u32);
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

    /// The documentation of the constructors, as code.
    pub(crate) fn holds(self, args: &[u64; 6]) -> bool {
        let keep = if self.wide { u64::MAX } else { 0xffff_ffff };
        let (value, a, b) = (args[self.arg as usize] & keep, self.a & keep, self.b & keep);
        match self.op {
            Op::Eq => value == a,
            Op::Ne => value != a,
            Op::Any => value & a != 0,
            Op::Masked => value & a == b,
            Op::Range => a <= value && value <= b,
        }
    }

    /// Values of the argument around which the condition changes.
    pub(crate) fn edges(self, garbage: u64) -> Vec<u64> {
        let mut edges = Vec::new();
        for value in [self.a, self.b, self.b | !self.a, 0] {
            for near in [value, value.wrapping_add(1), value.wrapping_sub(1)] {
                let low = near & 0xffff_ffff;
                edges.extend([near, low, low | garbage << 32, near ^ 1 << (garbage & 63)]);
                edges.extend([near.wrapping_add(1 << 32), near.wrapping_sub(1 << 32)]);
            }
        }
        edges
    }

    fn holding(self) -> Vec<u64> {
        self.edges(0x0badc0de).into_iter().filter(|edge| self.holds(&[*edge; 6])).collect()
    }
}

/// Keeps a list until the test program ends, in sight of those who look for leaks.
fn keep<T: Sync>(list: Vec<T>) -> &'static [T] {
    static KEPT: Mutex<Vec<&(dyn Any + Sync)>> = Mutex::new(Vec::new());
    let list: &'static Vec<T> = Box::leak(Box::new(list));
    KEPT.lock().unwrap().push(list);
    list
}

/// The amount of something: all of it, or what Miri has time for.
pub(crate) const fn unless_miri<T: Copy>(all: T, few: T) -> T {
    if cfg!(miri) { few } else { all }
}

/// The number of random cases. Failures are printed, not written to a file.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let cases = unless_miri(cases, 2);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) arch: Arch,
    pub(crate) rows: Vec<(u32, Rule)>,
    pub(crate) missing: Action,
    pub(crate) foreign: Action,
    /// Of another architecture.
    pub(crate) compat: Option<Box<Spec>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Always(Action),
    Cases(Vec<(Vec<Cond>, Action)>, Action),
}

impl Rule {
    fn answer(&self) -> Answer<'static> {
        match self {
            Self::Always(action) => Answer::Always(*action),
            Self::Cases(cases, otherwise) => {
                let cases = cases.iter().map(|(when, then)| {
                    let when: Vec<Test> = when.iter().map(|cond| cond.test()).collect();
                    Case { when: keep(when), then: *then }
                });
                Answer::Cases(keep(cases.collect()), *otherwise)
            }
        }
    }

    fn conds(&self) -> impl Iterator<Item = Cond> {
        let cases = match self {
            Self::Always(_) => &[],
            Self::Cases(cases, _) => cases.as_slice(),
        };
        cases.iter().flat_map(|(when, _)| when.iter().copied())
    }
}

impl Spec {
    /// The table; its memory lives as long as the test program.
    pub(crate) fn table(&self) -> Table<'static> {
        let rows: Vec<Row<'static>> =
            self.rows.iter().map(|(nr, rule)| Row { nr: *nr, answer: rule.answer() }).collect();
        let compat = self.compat.as_ref().map(|spec| &keep(vec![spec.table()])[0]);
        Table { arch: self.arch, rows: keep(rows), missing: self.missing, foreign: self.foreign, compat }
    }

    /// The table's action, found without it.
    pub(crate) fn answer(&self, data: &Data) -> Action {
        let nr = data.nr as u32;
        match &self.compat {
            Some(spec) if data.arch != self.arch.audit => return spec.answer(data),
            _ if data.arch != self.arch.audit => return self.foreign,
            _ if self.arch == Arch::X86_64 && (0x4000_0000..u32::MAX).contains(&nr) => return self.foreign,
            _ => {}
        }
        let narrow = [Arch::I386, Arch::ARM].contains(&self.arch);
        let args = data.args.map(|arg| if narrow { arg & 0xffff_ffff } else { arg });
        match self.rows.binary_search_by_key(&nr, |(row, _)| *row).map(|at| &self.rows[at].1) {
            Err(_) => self.missing,
            Ok(Rule::Always(action)) => *action,
            Ok(Rule::Cases(cases, otherwise)) => {
                let mut hits = cases.iter().filter(|(when, _)| when.iter().all(|cond| cond.holds(&args)));
                hits.next().map_or(*otherwise, |(_, then)| *then)
            }
        }
    }

    /// Calls of every number up to 4095 and of every number near a row or special to the kernel; for a row
    /// with conditions, arguments on either side of each.
    pub(crate) fn calls(&self, mut random: u64) -> Vec<Data> {
        let mut calls = self.compat.as_ref().map_or(Vec::new(), |spec| spec.calls(random));
        // xorshift64
        let mut random = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let around = self.rows.iter().flat_map(|(nr, _)| [nr.wrapping_sub(1), *nr, nr.wrapping_add(1)]);
        let all = unless_miri(4096, 64);
        let numbers = (0..all).chain(around.filter(|nr| *nr >= all));
        let special =
            [0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0x4000_0000 + 512, 0x7fff_ffff, 0x8000_0000, u32::MAX];
        for nr in numbers.chain(special) {
            let mut call = |arch: u32, args| {
                calls.push(Data { nr: nr as i32, arch, instruction_pointer: args, args: [args; 6] });
            };
            let any = random();
            call(self.arch.audit, any);
            if any % 16 == 0 {
                call(ARCHES[any as usize / 16 % 8].audit, 0);
                call(self.arch.audit ^ 1 << (any >> 32 & 31), 0);
            }
        }
        for (nr, rule) in &self.rows {
            // For each condition, values with which it holds.
            let conds: Vec<(Cond, Vec<u64>)> = rule.conds().map(|cond| (cond, cond.holding())).collect();
            for (cond, _) in &conds {
                for edge in cond.edges(random()) {
                    let mut args = [0; 6].map(|_| random());
                    // Most of the other conditions hold, so that this one is reached.
                    for (other, holding) in &conds {
                        let pick = random() as usize;
                        if !pick.is_multiple_of(4) && !holding.is_empty() {
                            args[other.arg as usize] = holding[pick % holding.len()];
                        }
                    }
                    args[cond.arg as usize] = edge;
                    calls.push(Data {
                        nr: *nr as i32,
                        arch: self.arch.audit,
                        instruction_pointer: random(),
                        args,
                    });
                }
            }
        }
        calls
    }
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        Action::ALLOW,
        Action::errno(Errno::EPERM),
        Action::errno(Errno::ENOSYS),
        Action::USER_NOTIF,
        Action::KILL_PROCESS,
        Action::LOG,
    ])
}

fn value() -> impl Strategy<Value = u64> {
    let word = prop_oneof![
        3 => 0..4u64,
        2 => (0..32).prop_map(|bit| 1u64 << bit),
        1 => prop::sample::select(vec![0xffff_fffe, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000u64]),
        2 => any::<u32>().prop_map(u64::from),
    ];
    let high = prop_oneof![2 => Just(0), 1 => Just(1), 1 => Just(0xffff_ffffu64), 1 => any::<u32>().prop_map(u64::from)];
    (word, high).prop_map(|(low, high)| high << 32 | low)
}

pub(crate) fn cond() -> impl Strategy<Value = Cond> {
    let op = prop::sample::select(vec![Op::Eq, Op::Ne, Op::Any, Op::Masked, Op::Range]);
    // Few arguments, so that conditions meet on one.
    (op, any::<bool>(), prop_oneof![3 => 0..2u8, 1 => 0..6u8], value(), value(), 0..4u8).prop_map(
        |(op, wide, arg, a, b, order)| match op {
            Op::Masked if order > 0 => Cond { op, wide, arg, a, b: a & b },
            Op::Range if order > 0 => Cond { op, wide, arg, a: a.min(b), b: a.max(b) },
            _ => Cond { op, wide, arg, a, b },
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    // Many start like the case before.
    let case = (0..3usize, prop::collection::vec(cond(), 0..4), action());
    prop_oneof![
        6 => action().prop_map(Rule::Always),
        1 => (prop::collection::vec(case, 0..5), action()).prop_map(|(list, otherwise)| {
            let mut cases: Vec<(Vec<Cond>, Action)> = Vec::new();
            for (alike, own, then) in list {
                let before = cases.last().map_or(&[][..], |(when, _)| when);
                let when = before.iter().take(alike).copied().chain(own).take(4).collect();
                cases.push((when, then));
            }
            Rule::Cases(cases, otherwise)
        }),
    ]
}

/// Two tables, of one byte order and different architectures.
pub(crate) fn pair(rows: core::ops::Range<usize>) -> impl Strategy<Value = Spec> {
    (spec(rows.clone()), spec(rows), any::<bool>()).prop_map(|(mut first, mut second, arm)| {
        let (wide, narrow) = if arm { (Arch::AARCH64, Arch::ARM) } else { (Arch::X86_64, Arch::I386) };
        (first.arch, second.arch) = (wide, narrow);
        first.rows.retain(|(nr, _)| !wide.x32 || *nr < 0x4000_0000);
        Spec { compat: Some(Box::new(second)), ..first }
    })
}

/// Tables of `rows` rows, mostly of adjacent numbers, at times twice the same rule, on any architecture.
pub(crate) fn spec(rows: core::ops::Range<usize>) -> impl Strategy<Value = Spec> {
    let gap = prop_oneof![20 => Just(0u32), 4 => 1..4u32, 1 => 4..400u32, 1 => 0..0x0020_0000u32];
    let row = (gap, any::<prop::sample::Index>(), prop::option::of(rule()));
    let rows = rows.start..unless_miri(rows.end, rows.start + 6);
    let rows = (prop::collection::vec(row, rows), any::<bool>());
    (prop::sample::select(ARCHES.to_vec()), rows, action(), action()).prop_map(
        |(arch, (rows, at_the_end), missing, foreign)| {
            let mut spec = Spec { arch, rows: Vec::new(), missing, foreign, compat: None };
            let mut nr = 0u32;
            for (gap, earlier, rule) in rows {
                let rule = match rule {
                    Some(rule) => rule,
                    None if spec.rows.is_empty() => Rule::Always(missing),
                    None => spec.rows[earlier.index(spec.rows.len())].1.clone(),
                };
                nr += gap;
                spec.rows.push((nr, rule));
                nr += 1;
            }
            if at_the_end && let Some(last) = spec.rows.last_mut() {
                last.0 = if arch.x32 { 0x3fff_ffff } else { u32::MAX };
            }
            spec
        },
    )
}
