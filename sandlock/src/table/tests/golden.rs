//! The policy and its filters as text, compared with the files in `golden/`, so that a reviewer sees what a
//! change of one row does. `cargo xtask audit --bless` writes them anew. They are those of x86_64; elsewhere
//! the same rows make other numbers.

use core::fmt::Write as _;

use sandlock_bpf::{Arch, Listing};
use sandlock_sys::Errno;
use sandlock_sys::nr::Name;

use crate::table::filter::{compile, compile_own};
use crate::table::{Case, Features, GUARDIAN, ROWS, Row, Rule, SUPERVISOR, Then};

/// Compares a text with a golden file, or writes the file when `SANDLOCK_BLESS` is set.
fn compare(file: &str, golden: &str, text: &str) {
    if std::env::var_os("SANDLOCK_BLESS").is_some() {
        let path = format!("{}/src/table/golden/{file}", env!("CARGO_MANIFEST_DIR"));
        return std::fs::write(path, text).expect("the sources can be written");
    }
    let (ours, theirs): (Vec<_>, Vec<_>) = (text.lines().collect(), golden.lines().collect());
    let differ = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    let line = differ.unwrap_or(ours.len().min(theirs.len()));
    assert_eq!(
        (ours.get(line), ours.len()),
        (theirs.get(line), theirs.len()),
        "line {} of {file}; if this is meant, `cargo xtask audit --bless` writes it anew",
        line.saturating_add(1)
    );
}

fn then(then: Then) -> String {
    match then {
        Then::Allow => "allow".into(),
        Then::Observe => "allow, and observe".into(),
        Then::Refuse(errno) => format!("{errno}"),
        Then::Ignore => "ignore".into(),
        Then::Ask(handler) => format!("ask {handler:?}"),
    }
}

fn case(case: &Case) -> String {
    let tests: Vec<String> = case.tests.iter().map(|test| format!("{test}")).collect();
    let features = |word: &str, features: Features| {
        let names: Vec<String> =
            features.iter_names().map(|(name, _)| name.to_lowercase().replace('_', "-")).collect();
        if names.is_empty() { String::new() } else { format!(", {word} {}", names.join(" and ")) }
    };
    let (with, without) = (features("with", case.with), features("without", case.without));
    format!("if {}: {}{with}{without}", tests.join(" and "), then(case.then))
}

/// Every call of these rows, in alphabetical order, and its decision.
fn policy(rows: &[Row]) -> String {
    let mut calls: Vec<(Name, &Row)> =
        rows.iter().flat_map(|row| row.names.iter().map(move |name| (*name, row))).collect();
    calls.sort_by_key(|(name, _)| name.as_str());
    let mut text = String::new();
    for (name, row) in calls {
        let _ = writeln!(text, "{name}:{}", rule_text(&row.rule));
    }
    text
}

fn rule_text(rule: &Rule) -> String {
    match rule {
        Rule::Allow => " allow".into(),
        Rule::Refuse(errno) => format!(" {errno}"),
        Rule::Ask(handlers) => format!(" ask {handlers:?}"),
        Rule::ByArgs(cases, last) => {
            // A case that never applies fills a list up.
            let cases = cases.iter().filter(|case| !case.with.intersects(case.without));
            let cases: String = cases.map(|one| format!("\n    {}", case(one))).collect();
            format!("{cases}\n    else {}", then(*last))
        }
    }
}

#[test]
fn the_policy_is_the_golden_one() {
    compare("policy.txt", include_str!("../golden/policy.txt"), &policy(ROWS));
    compare("supervisor.txt", include_str!("../golden/supervisor.txt"), &policy(SUPERVISOR));
    compare("guardian.txt", include_str!("../golden/guardian.txt"), &policy(GUARDIAN));
}

/// Each row, and each of its cases, made to allow and to refuse: a reviewer sees every one of them.
#[test]
fn what_decides_otherwise_is_seen() {
    let golden = include_str!("../golden/policy.txt");
    let thens = [Then::Allow, Then::Refuse(Errno::EPERM), Then::Refuse(Errno::ENOSYS)];
    let mut flipped = 0usize;
    for (at, row) in ROWS.iter().enumerate() {
        let rules = [Rule::Allow, Rule::Refuse(Errno::EPERM), Rule::Refuse(Errno::ENOSYS)];
        let mut rules: Vec<Rule> =
            rules.into_iter().filter(|rule| rule_text(rule) != rule_text(&row.rule)).collect();
        if let Rule::ByArgs(cases, last) = row.rule {
            let applies = |case: &Case| !case.with.intersects(case.without);
            for (number, one) in cases.iter().enumerate().filter(|(_, one)| applies(one)) {
                for then in thens.into_iter().filter(|then| *then != one.then) {
                    let mut cases = cases.to_vec();
                    cases[number].then = then;
                    rules.push(Rule::ByArgs(cases.leak(), last));
                }
            }
            let others = thens.into_iter().filter(|then| *then != last);
            rules.extend(others.map(|then| Rule::ByArgs(cases, then)));
        }
        for rule in rules {
            let mut rows = ROWS.to_vec();
            rows[at].rule = rule;
            assert_ne!(policy(&rows), golden, "{}: {rule:?}", row.names[0]);
            flipped = flipped.wrapping_add(1);
        }
    }
    println!("{flipped} changes of one decision, all of them seen");
    assert!(flipped > 400, "{flipped}");
}

#[test]
fn the_filters_are_the_golden_ones() {
    let list = |program: &[_]| format!("{}", Listing::new(program, Arch::NATIVE));
    let old = compile(Features::empty(), Arch::COMPAT).unwrap();
    compare("filter-oldest.txt", include_str!("../golden/filter-oldest.txt"), &list(&old));
    let newest = Features::all().difference(Features::COMPAT | Features::DEVICES);
    let new = compile(newest.difference(Features::OBSERVED), None).unwrap();
    compare("filter-newest.txt", include_str!("../golden/filter-newest.txt"), &list(&new));
    let observed = compile(newest, None).unwrap();
    compare("filter-observed.txt", include_str!("../golden/filter-observed.txt"), &list(&observed));
    let own = compile_own(SUPERVISOR, true).unwrap();
    compare("filter-supervisor.txt", include_str!("../golden/filter-supervisor.txt"), &list(&own));
}
