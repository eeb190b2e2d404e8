//! The kernel's own answers: ours are the same, byte for byte, but for what differs from run to run.

mod kernel;

use sandlock_netlink::rtnetlink::{AF_INET, AF_INET6, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE};
use sandlock_netlink::{Addr, Link, LittleEndian, Message, MessageFlags, Messages, Route, Rule, View};

#[test]
fn the_answers_are_the_kernels() {
    let cases = kernel::cases(include_str!("fixtures/kernel.txt"));
    assert_eq!(cases.len(), 1693);
    let ours = |case: &kernel::Case| kernel::ours(&View::LOOPBACK, case);
    let wrong: Vec<_> =
        cases.iter().filter_map(|case| kernel::difference(case, &ours(case), &case.replies)).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a message is an object of a type that we have: no answer to a lookup of a route, and no link of a
/// family.
fn is_represented(message: &Message<LittleEndian>) -> bool {
    let family = message.payload().first().copied().unwrap_or_default();
    match message.kind() {
        RTM_NEWLINK => family == 0,
        RTM_NEWROUTE => matches!(family, AF_INET | AF_INET6) && message.flags().contains(MessageFlags::MULTI),
        RTM_NEWADDR | RTM_NEWRULE => true,
        _ => false,
    }
}

#[test]
fn the_kernels_objects_are_read_whole() {
    let mut objects = 0;
    for case in kernel::cases(include_str!("fixtures/kernel.txt")).iter().filter(|case| case.protocol == 0) {
        let whole = case.replies.iter().filter(|reply| reply.len() < case.room);
        let messages = whole.flat_map(|reply| Messages::<LittleEndian>::new(reply)).map_while(Result::ok);
        for message in messages.filter(|message| is_represented(message)) {
            objects += 1;
            let unread = match message.kind() {
                RTM_NEWLINK => Link::read(message).err(),
                RTM_NEWADDR => Addr::read(message).err(),
                RTM_NEWROUTE => Route::read(message).err(),
                _ => Rule::read(message).err(),
            };
            assert_eq!(unread, None, "{}: {:?}", case.name, message.payload());
        }
    }
    assert!(objects > 300, "{objects}");
}

#[test]
fn a_recording_keeps_what_is_right_and_replaces_what_is_not() {
    let text = include_str!("fixtures/kernel.txt");
    let (same, changed) = kernel::record::record(text, |case| case.replies.clone());
    assert!(same == text && changed.is_empty(), "{changed:?}");
    let damaged = text.replacen("\n< ", "\n< 00", 1);
    let mut answers = kernel::cases(text).into_iter().map(|case| case.replies);
    let (repaired, changed) = kernel::record::record(&damaged, |_| answers.next().unwrap());
    assert!(repaired == text, "{changed:?}");
    assert_eq!(changed.len(), 1);
}

#[test]
fn a_difference_is_shown_by_attribute() {
    let mut cases = kernel::cases(include_str!("fixtures/kernel.txt"));
    let is_link = |case: &&mut kernel::Case| {
        case.replies.first().is_some_and(|reply| reply.len() == 1468 && case.replies.len() == 2)
    };
    let case = cases.iter_mut().find(is_link).unwrap();
    let ours = case.replies.clone();
    let at = ours[0].windows(8).position(|bytes| bytes == [8, 0, 4, 0, 0, 0, 1, 0]).unwrap();
    case.replies[0][at + 4] = 1;
    let difference = kernel::difference(case, &ours, &case.replies).unwrap();
    let (_, changes) = difference.split_once("datagram 0").unwrap();
    let (_, changes) = changes.split_once("datagram 0").unwrap();
    let lines: Vec<_> =
        changes.lines().filter(|line| line.starts_with("  -") || line.starts_with("  +")).collect();
    assert_eq!(lines, ["  -   IFLA_MTU 65536 (0x10000)", "  +   IFLA_MTU 65537 (0x10001)"], "{difference}");
}
