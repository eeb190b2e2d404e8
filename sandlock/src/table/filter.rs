//! The filter of a feature set, compiled from the rows.

use sandlock_bpf::{Action, Answer, Arch, Assembler, Table};
use sandlock_sys::filter::SockFilter;
use sandlock_sys::nr::{COMPAT, NATIVE, number};
use sandlock_sys::{Errno, nr::Name};

use super::{Features, Row, Then, parts, row_of};

/// The longest filter we make, in instructions; the kernel's limit is 4096.
const PROGRAM_MAX: usize = 1024;

/// The rows of one filter, or of its arm for 32-bit programs, as the compiler takes them.
pub(crate) struct Rows {
    /// The cases that apply, of all calls together.
    cases: Vec<sandlock_bpf::Case<'static>>,
    /// Each call's number, its cases' place among [`cases`](Self::cases), and the decision if none holds; by
    /// ascending number.
    calls: Vec<(u32, core::ops::Range<usize>, Action)>,
}

impl Rows {
    /// The rows of the running architecture's calls, or of its 32-bit programs' with [`Features::COMPAT`].
    pub(crate) fn new(features: Features) -> Self {
        let numbers: &[(Name, u32)] = if features.contains(Features::COMPAT) { COMPAT } else { NATIVE };
        let mut rows = Self { cases: Vec::new(), calls: Vec::with_capacity(numbers.len()) };
        for (name, number) in numbers {
            rows.add(*number, row_of(*name), features);
        }
        rows
    }

    /// The rows of the running architecture's calls that are among these.
    fn only(own: &'static [Row]) -> Self {
        let mut rows = Self { cases: Vec::new(), calls: Vec::new() };
        for row in own {
            row.names
                .iter()
                .filter_map(|name| number(NATIVE, *name))
                .for_each(|number| rows.add(number, Some(row), Features::empty()));
        }
        rows.calls.sort_by_key(|(number, ..)| *number);
        rows
    }

    /// A fork is never handed over to be observed: one that waits can fail with `EINTR`, which no program
    /// expects.
    fn add(&mut self, number: u32, row: Option<&'static Row>, features: Features) {
        let start = self.cases.len();
        let is_fork = row.is_some_and(|row| row.names.contains(&Name::clone3));
        let action = |then| action(then, features.contains(Features::OBSERVED) && !is_fork);
        let (cases, last) = parts(row);
        let apply = || cases.iter().filter(|case| case.applies(features));
        // One without a test holds always, and what follows it never.
        let tested = apply().take_while(|case| case.has_tests());
        self.cases
            .extend(tested.map(|case| sandlock_bpf::Case { when: case.tests, then: action(case.then) }));
        let last = apply().find(|case| !case.has_tests()).map_or(last, |case| case.then);
        self.calls.push((number, start..self.cases.len(), action(last)));
    }

    /// The rows as a table's.
    pub(crate) fn rows(&self) -> Vec<sandlock_bpf::Row<'_>> {
        let row = |(nr, cases, last): &(u32, core::ops::Range<usize>, Action)| {
            let answer = match self.cases.get(cases.clone()) {
                Some(cases @ [_, ..]) => Answer::Cases(cases, *last),
                _ => Answer::Always(*last),
            };
            sandlock_bpf::Row { nr: *nr, answer }
        };
        self.calls.iter().map(row).collect()
    }
}

/// `is_seen`: calls that may be refused are observed.
const fn action(then: Then, is_seen: bool) -> Action {
    match then {
        Then::Observe | Then::Refuse(_) if is_seen => Action::USER_NOTIF,
        Then::Allow | Then::Observe => Action::ALLOW,
        Then::Refuse(errno) => Action::errno(errno),
        Then::Ignore => Action::IGNORE,
        Then::Ask(_) => Action::USER_NOTIF,
    }
}

/// The filter of the running architecture, with an arm for the 32-bit programs of another one if there is to
/// be.
pub(crate) fn compile(
    features: Features,
    compat: Option<Arch>,
) -> Result<Vec<SockFilter>, sandlock_bpf::Error> {
    let mut asm = Assembler::<PROGRAM_MAX>::new();
    let native = Rows::new(features);
    let native = native.rows();
    let native = table(Arch::NATIVE, &native);
    let program = match compat {
        None => native.compile(&mut asm),
        Some(arch) => {
            let rows = Rows::new(features.union(Features::COMPAT));
            Table { compat: Some(&table(arch, &rows.rows())), ..native }.compile(&mut asm)
        }
    };
    program.map(<[_]>::to_vec)
}

/// The filter of a process of ours: what none of these rows is about is refused. `often`: the process makes
/// calls so often that it pays when the kernel finds out beforehand which of them are always allowed. That
/// takes it as long as all the rest of installing a filter.
pub(crate) fn compile_own(own: &'static [Row], often: bool) -> Result<Vec<SockFilter>, sandlock_bpf::Error> {
    /// Loads the last argument, which makes the answer of any call unknown to it.
    const OPAQUE: SockFilter = SockFilter { code: 0x20, jt: 0, jf: 0, k: 56 };
    let mut asm = Assembler::<PROGRAM_MAX>::new();
    let rows = Rows::only(own);
    let rows = rows.rows();
    let table = Table { missing: Action::errno(Errno::EPERM), ..table(Arch::NATIVE, &rows) };
    let program = table.compile(&mut asm)?;
    Ok(if often { program.to_vec() } else { [&[OPAQUE], program].concat() })
}

/// The definition that a filter is compiled from and verified against.
pub(crate) const fn table<'a>(arch: Arch, rows: &'a [sandlock_bpf::Row<'a>]) -> Table<'a> {
    let (missing, foreign) = (Action::errno(Errno::ENOSYS), Action::KILL_PROCESS);
    Table { arch, rows, missing, foreign, compat: None }
}
