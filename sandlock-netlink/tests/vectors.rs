//! The kernel's own answers: ours are the same, byte for byte, but for what differs from run to run.

mod kernel;

use sandlock_netlink::View;

/// Answers that are not the kernel's, and why.
const NOT_EQUAL: &[(&str, &str)] = &[
    ("control newlink_type_dumpflags", "the fixture's socket is root's: EEXIST; a guest's is not: EPERM"),
    ("control setlink_noop_ack", "root may set a link"),
    ("control setlink_noop_ack_capack", "root may set a link"),
    ("control setlink_noop_ack_extack", "root may set a link"),
    ("control ack_success_plain", "root may set a link"),
    ("control ack_success_cap", "root may set a link"),
    ("control ack_success_ext", "root may set a link"),
    ("control ack_success_capext", "root may set a link"),
];

#[test]
fn the_answers_are_the_kernels() {
    let cases = kernel::cases(include_str!("fixtures/kernel.txt"));
    assert_eq!(cases.len(), 1246);
    let mut wrong = Vec::new();
    let mut differ = 0;
    for case in &cases {
        let difference = kernel::difference(case, &kernel::ours(&View::LOOPBACK, case), &case.replies);
        let expected = NOT_EQUAL.iter().find(|(name, _)| *name == case.name);
        match (difference, expected) {
            (None, None) => {}
            (Some(_), Some((name, why))) => {
                differ += 1;
                println!("not equal: {name}: {why}");
            }
            (Some(difference), None) => wrong.push(difference),
            (None, Some(_)) => wrong.push(format!("{}: equal, and listed as not", case.name)),
        }
    }
    println!("{} of {} answers are the kernel's", cases.len() - differ - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
