//! The running kernel, asked in a network namespace of its own: it answers as we do.
#![cfg(all(target_os = "linux", target_endian = "little", target_pointer_width = "64"))]
#![expect(clippy::unwrap_used, clippy::as_conversions, clippy::indexing_slicing, reason = "tests")]

mod kernel;
#[path = "kernel/live.rs"]
mod live;

use kernel::random::Random;
use kernel::releases::{self, KNOWN, OURS, Release};
use kernel::requests::{DUMP, attributes, both, details, every_type, lookups, other_protocols};
use kernel::sockets::TAKEN;
use kernel::{Case, PORT, PROTOCOLS, sockets};
use live::{Kernel, in_namespace, in_namespace_that_is_down, namespace};
use sandlock_netlink::rtnetlink::{
    LinkFlags, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK,
};
use sandlock_netlink::{
    Attr, Attrs, Link, LittleEndian, Message, Messages, Namespaces, REPLY_MAX, Socket, View, publish,
};

/// What the kernel shows in a new namespace, and this process's own numbers.
const VIEW: View<'static> = View { namespaces: Namespaces::new(&namespace), ..View::LOOPBACK };

/// What the kernel shows where `lo` was never up.
const DOWN: View<'static> = View {
    links: &[Link { flags: LinkFlags::LOOPBACK, qdisc: b"noop", ..Link::LOOPBACK }],
    addrs: &[],
    routes: &[],
    ..VIEW
};

/// The running kernel's version, and its first two numbers.
fn release() -> (String, Release) {
    let version = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers =
        version.split(|other: char| !other.is_ascii_digit()).map_while(|number| number.parse().ok());
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (version.trim().into(), release)
}

/// Whether a dump is refused at once with this errno.
fn refuses(protocol: i32, kind: u16, family: u8, errno: i32) -> bool {
    let mut payload = vec![0; 56];
    payload[0] = family;
    if protocol == 0 {
        payload.truncate(8);
    } else {
        payload[1] = 6; // TCP
    }
    let [case, _] = both("", protocol, kind, DUMP, &payload);
    Kernel::answer(&case)
        .iter()
        .any(|reply| reply.get(16..20) == Some(&errno.wrapping_neg().to_ne_bytes()[..]))
}

/// All cases that are listed, of the longest lists every so many.
fn every_case(step: usize) -> Vec<Case> {
    let mut cases = kernel::cases(include_str!("fixtures/kernel.txt"));
    cases.extend(every_type().into_iter().step_by(step));
    cases.extend(lookups());
    cases.extend(details());
    cases.extend(attributes().into_iter().step_by(step));
    cases.extend(other_protocols());
    cases
}

#[test]
fn the_kernel_answers_as_we_do() {
    let (version, release) = release();
    if !(KNOWN[0]..=KNOWN[1]).contains(&release) {
        println!("SKIP the_kernel_answers_as_we_do: {version} is not of a release whose answers are known");
        return;
    }
    if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        println!(
            "SKIP the_kernel_answers_as_we_do: on other architectures kernels may align what has eight bytes"
        );
        return;
    }
    // Other kernels run in emulated machines, which take a minute for a fifth of the long lists. The lists
    // repeat themselves after powers of 2 and 3.
    let cases = every_case(if release == OURS { 1 } else { 5 });
    let (mut wrong, mut explained) = (Vec::new(), 0);
    let ours = |case: &Case| kernel::ours(&VIEW, case);
    let mut lacks = 0;
    let asked = in_namespace(|| {
        let changes = releases::between(release, refuses);
        // A kernel may have no module of XFRM or netfilter.
        let there_are: Vec<i32> = PROTOCOLS.into_iter().filter(|of| Kernel::open(*of, 0).is_ok()).collect();
        for case in &cases {
            if !there_are.contains(&case.protocol) {
                lacks += 1;
                continue;
            }
            let kernels = Kernel::answer(case);
            let own = ours(case);
            if kernel::difference(case, &own, &kernels).is_none() && changes.is_empty() {
                continue;
            }
            let [changed, seen] = releases::explained(&changes, case, ours, &kernels);
            match kernel::difference(case, &changed, &seen) {
                None if changed == own && seen == kernels => {}
                None => explained += 1,
                difference => wrong.extend(difference),
            }
        }
        changes.iter().for_each(|change| println!("{version}: {}", change.why));
    });
    match asked {
        Err(why) => println!("SKIP the_kernel_answers_as_we_do: {why}"),
        Ok(()) => {
            let same = cases.len() - wrong.len() - explained - lacks;
            println!(
                "{version}: of {} answers {same} are equal, {explained} after these changes, {lacks} need a module",
                cases.len()
            );
            assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        }
    }
}

#[test]
fn the_recorded_answers_are_the_kernels() {
    let (version, release) = release();
    if release != OURS {
        println!("SKIP the_recorded_answers_are_the_kernels: {version} is not the release that was recorded");
        return;
    }
    let text = include_str!("fixtures/kernel.txt");
    let mut result = (String::new(), Vec::new());
    match in_namespace(|| result = kernel::record::record(text, Kernel::answer)) {
        Err(why) => println!("SKIP the_recorded_answers_are_the_kernels: {why}"),
        // `cargo xtask record` sets this.
        Ok(()) if std::env::var_os("NETLINK_RECORD").is_some() => {
            std::fs::write("tests/fixtures/kernel.txt", result.0).unwrap();
            println!("{version}: {} cases have another answer: {:?}", result.1.len(), result.1);
        }
        Ok(()) => assert_eq!(result.1, [""; 0], "if the kernel is right: cargo xtask record"),
    }
}

#[test]
fn the_kernel_answers_as_we_do_where_lo_is_down() {
    let (version, release) = release();
    let test = "the_kernel_answers_as_we_do_where_lo_is_down";
    if release != OURS {
        println!("SKIP {test}: {version} is not the release whose answers ours are");
        return;
    }
    let (cases, mut wrong) = (every_case(5), Vec::new());
    let asked = in_namespace_that_is_down(|| {
        let difference =
            |case: &Case| kernel::difference(case, &kernel::ours(&DOWN, case), &Kernel::answer(case));
        wrong.extend(cases.iter().filter_map(difference));
    });
    match asked {
        Err(why) => println!("SKIP {test}: {why}"),
        Ok(()) => {
            wrong.sort_by_key(String::len);
            let shown = wrong.len().min(20);
            assert!(
                wrong.is_empty(),
                "{} of {} wrong, such as:\n{}",
                wrong.len(),
                cases.len(),
                wrong[..shown].join("\n")
            );
        }
    }
}

/// Our notifications of a change, as a socket that has joined every group receives them.
fn published(old: &View<'_>, new: &View<'_>) -> Vec<Vec<u8>> {
    let socket = Socket { groups: u64::MAX, ..Socket::new(PORT) };
    let mut notifications = Vec::new();
    let mut emit = |_: u32, datagram: &[u8]| notifications.push(datagram.to_vec());
    publish::<LittleEndian>(old, new, &socket, &mut [0; REPLY_MAX], &mut emit);
    notifications
}

#[test]
fn the_kernel_notifies_of_a_link_that_goes_up_and_down_as_we_do() {
    let test = "the_kernel_notifies_of_a_link_that_goes_up_and_down_as_we_do";
    let (version, release) = release();
    if release != OURS {
        println!("SKIP {test}: {version} is not the release whose notifications ours are");
        return;
    }
    let mut kernels = [Vec::new(), Vec::new()];
    let prepare = || {
        let socket = Kernel::open(0, PORT).unwrap();
        socket.join(&[
            RTNLGRP_LINK,
            RTNLGRP_IPV4_IFADDR,
            RTNLGRP_IPV4_ROUTE,
            RTNLGRP_IPV6_IFADDR,
            RTNLGRP_IPV6_ROUTE,
        ]);
        for (is_up, received) in [true, false].into_iter().zip(&mut kernels) {
            live::set_up(1, is_up);
            received.extend(core::iter::from_fn(|| socket.receive(65536)));
        }
    };
    if let Err(why) = live::in_new_namespace(prepare, || ()) {
        println!("SKIP {test}: {why}");
        return;
    }
    // The addresses of IPv4 and the routes to them stay.
    let links = [Link { flags: LinkFlags::LOOPBACK, ..Link::LOOPBACK }];
    let now_down = View { links: &links, addrs: &VIEW.addrs[..1], routes: &VIEW.routes[..2], ..VIEW };
    let mut ours = [published(&DOWN, &VIEW), published(&VIEW, &now_down)];
    // The kernel sends each address with its routes, we all addresses first.
    for up in [&mut ours[0], &mut kernels[0]] {
        up.sort_by_key(|datagram| datagram[4..36].to_vec());
    }
    for (ours, kernels) in ours.iter().zip(&kernels) {
        assert_eq!(kernel::difference(&Case::new("lo"), ours, kernels), None);
    }
}

/// A number from the environment, for longer runs by hand, or this one.
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Compares our answers with the kernel's in `NETLINK_CASES` cases, or else in this many, with numbers drawn
/// from `NETLINK_SEED`; `difference` describes how one differs.
fn compare_random(
    test: &str,
    often: u64,
    protocols: &[i32],
    difference: impl Fn(&mut Random, i32) -> Option<String> + Sync,
) {
    let (version, release) = release();
    if release != OURS {
        println!("SKIP {test}: {version} is not the release whose answers ours are");
        return;
    }
    let (often, seed) = (number("NETLINK_CASES", often), number("NETLINK_SEED", 1));
    let mut wrong = Vec::new();
    let asked = in_namespace(|| {
        let mut random = Random::new(seed);
        for protocol in protocols {
            wrong.extend((0..often).filter_map(|_| difference(&mut random, *protocol)));
        }
    });
    match asked {
        Err(why) => println!("SKIP {test}: {why}"),
        Ok(()) => {
            // The shortest are the easiest to understand.
            wrong.sort_by_key(String::len);
            let shown = wrong.len().min(20);
            assert!(wrong.is_empty(), "{} wrong, such as:\n{}", wrong.len(), wrong[..shown].join("\n"));
        }
    }
}

/// Whether an answer depends on this machine: on its sockets of netlink, on its families of generic netlink,
/// on descriptors that other threads open and close.
fn is_of_this_machine(case: &Case, kernels: &[Vec<u8>]) -> bool {
    let messages = |datagrams: &[Vec<u8>], is_it: &dyn Fn(&Message<LittleEndian>) -> bool| {
        datagrams.iter().flat_map(|datagram| Messages::new(datagram)).map_while(Result::ok).any(is_it)
    };
    match case.protocol {
        0 => messages(&case.requests, &|request| {
            let attrs = request.after(4).map(Attrs::<LittleEndian>::new).unwrap_or(Attrs::new(&[]));
            let opened = |attr: &Attr<LittleEndian>| attr.kind() == 3 && matches!(attr.u32(), Ok(3..=255));
            request.kind() == 90 && attrs.map_while(Result::ok).any(opened)
        }),
        4 => messages(kernels, &|reply| reply.kind() == 20 && reply.payload().starts_with(&[16])),
        16 => {
            messages(&case.requests, &|request| (17..999).contains(&request.kind()))
                || messages(kernels, &|reply| {
                    let attrs = reply.after(4).map(Attrs::<LittleEndian>::new);
                    let id = attrs.ok().and_then(|attrs| attrs.last_of(1)).and_then(|id| id.u16().ok());
                    reply.kind() == 16 && id != Some(16)
                })
        }
        _ => false,
    }
}

#[test]
fn the_kernel_answers_as_we_do_to_calls_on_a_socket() {
    let test = "the_kernel_answers_as_we_do_to_calls_on_a_socket";
    compare_random(test, 3000, &PROTOCOLS, |random, protocol| {
        let _other = Kernel::open(protocol, TAKEN).unwrap();
        let calls = random.calls();
        let kernels = Kernel::calls(protocol, &calls);
        let ours = sockets::ours(protocol, std::process::id(), &calls);
        (ours != kernels).then(|| format!("{protocol} {calls:?}\n  ours: {ours:?}\n  kernel's: {kernels:?}"))
    });
}

/// How our answer to a case differs from the kernel's.
fn compare(case: &Case) -> Option<String> {
    let kernels = Kernel::answer(case);
    if is_of_this_machine(case, &kernels) {
        return None;
    }
    kernel::difference(case, &kernel::ours(&VIEW, case), &kernels)
}

#[test]
fn the_kernel_answers_as_we_do_to_requests_drawn_at_random() {
    let test = "the_kernel_answers_as_we_do_to_requests_drawn_at_random";
    compare_random(test, 60_000, &[0], |random, protocol| compare(&random.case(protocol)));
    compare_random(test, 5000, &PROTOCOLS, |random, protocol| compare(&random.case(protocol)));
}

#[test]
fn the_kernel_answers_as_we_do_to_requests_with_some_bytes_changed() {
    let test = "the_kernel_answers_as_we_do_to_requests_with_some_bytes_changed";
    let cases = every_case(1);
    compare_random(test, 30_000, &[0], |random, _| compare(&random.changed(&cases)));
}
