//! The measurements of this crate, beside the least that reading can cost.
#![expect(unsafe_code, reason = "an allocator that counts")]
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};
use std::alloc::System;
use std::time::Instant;

use sandlock_netlink::rtnetlink::{
    IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IfAddrMsg, IfInfoMsg, RTM_NEWADDR, RTM_NEWLINK,
};
use sandlock_netlink::{
    Addr, Link, LittleEndian, MessageFlags, Messages, REPLY_MAX, Socket, View, Writer, respond,
};

/// The system's allocator, which counts.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: all is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is this one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is this one's.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A name, the least nanoseconds of one run, and its allocations.
pub(crate) type Row = (&'static str, f64, f64);

/// Measures `f`: the best of 30 rounds of a few milliseconds.
pub(crate) fn measure(name: &'static str, mut f: impl FnMut()) -> Row {
    const RUNS: u32 = 20_000;
    let mut best = f64::INFINITY;
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..30 {
        let start = Instant::now();
        (0..RUNS).for_each(|_| f());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS));
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    (name, best, allocations as f64 / (30.0 * f64::from(RUNS)))
}

pub(crate) fn print(rows: &[Row]) {
    for (name, nanoseconds, allocations) in rows {
        println!("{name:<48} {nanoseconds:>8.1} ns {allocations:>6.1} allocations");
    }
}

/// The answer for `lo`, and a datagram with its two addresses.
pub(crate) fn samples() -> [Vec<u8>; 2] {
    let mut buf = [0; REPLY_MAX];
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    let flags = MessageFlags::MULTI;
    writer.message(RTM_NEWLINK, flags, 1, 2, |body| Link::LOOPBACK.write(false, 3, body)).unwrap();
    let link = writer.as_bytes().to_vec();
    let mut writer = Writer::<LittleEndian>::new(&mut buf);
    for addr in View::LOOPBACK.addrs {
        writer.message(RTM_NEWADDR, flags, 1, 2, |body| addr.write(3, body)).unwrap();
    }
    [link, writer.as_bytes().to_vec()]
}

/// All attributes, lengths and types, by the loop that one would write for it.
fn by_hand(message: &[u8], header: usize) -> u32 {
    let mut sum = 0;
    let mut rest = &message[header..];
    while rest.len() >= 4 {
        let len = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
        let kind = u16::from_le_bytes([rest[2], rest[3]]);
        sum += u32::from(kind) + u32::from(rest.get(4).copied().unwrap_or(0));
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    sum
}

pub(crate) fn ours() -> Vec<Row> {
    let [link, addrs] = samples();
    let mut buf = [0; REPLY_MAX];
    let mut scratch = [0; REPLY_MAX];
    let get_link = [20, 0, 0, 0, 18, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut get_addr = get_link;
    get_addr[4] = 22;
    let socket = Socket::new(4242);
    let mut answer = |name, request: [u8; 20]| {
        measure(name, || {
            let mut sum = 0;
            respond::<LittleEndian>(
                &View::LOOPBACK,
                &socket,
                black_box(&request),
                &mut scratch,
                &mut |datagram| {
                    sum += datagram.len();
                },
            );
            black_box(sum);
        })
    };
    let answers = [
        answer("answer GETLINK dump of lo (NEWLINK, DONE)", get_link),
        answer("answer GETADDR dump of lo (2 NEWADDR, DONE)", get_addr),
    ];
    let mut rows = vec![
        measure("by hand: NEWLINK, all attributes", || {
            black_box(by_hand(black_box(&link), 32));
        }),
        measure("read NEWLINK, all attributes", || {
            let message = Messages::<LittleEndian>::new(black_box(&link)).next().unwrap().unwrap();
            let (_, attrs) = message.body::<IfInfoMsg<LittleEndian>>().unwrap();
            let sum = attrs
                .flatten()
                .map(|attr| u32::from(attr.kind()) + u32::from(attr.payload().first().copied().unwrap_or(0)));
            black_box(sum.sum::<u32>());
        }),
        measure("read NEWLINK, all attributes and three fields", || {
            let message = Messages::<LittleEndian>::new(black_box(&link)).next().unwrap().unwrap();
            let (info, attrs) = message.body::<IfInfoMsg<LittleEndian>>().unwrap();
            let mut fields = (info.index.get(), &[][..], 0, &[][..]);
            for attr in attrs.flatten() {
                match attr.kind() {
                    IFLA_IFNAME => fields.1 = attr.string(),
                    IFLA_MTU => fields.2 = attr.u32().unwrap(),
                    IFLA_ADDRESS => fields.3 = attr.payload(),
                    _ => {}
                }
            }
            black_box(fields);
        }),
        measure("read NEWLINK as a Link", || {
            let message = Messages::<LittleEndian>::new(black_box(&link)).next().unwrap().unwrap();
            black_box(Link::read(message).unwrap());
        }),
        measure("read 2 NEWADDR, all attributes", || {
            for message in Messages::<LittleEndian>::new(black_box(&addrs)).flatten() {
                let (_, attrs) = message.body::<IfAddrMsg<LittleEndian>>().unwrap();
                black_box(attrs.flatten().map(|attr| u32::from(attr.kind())).sum::<u32>());
            }
        }),
        measure("read 2 NEWADDR as Addrs", || {
            for message in Messages::<LittleEndian>::new(black_box(&addrs)).flatten() {
                black_box(Addr::read(message).unwrap());
            }
        }),
        measure("write NEWLINK, 38 attributes", || {
            let mut writer = Writer::<LittleEndian>::new(&mut buf);
            let link = black_box(&Link::LOOPBACK);
            writer
                .message(RTM_NEWLINK, MessageFlags::MULTI, 1, 2, |body| link.write(false, 3, body))
                .unwrap();
            black_box(writer.as_bytes());
        }),
        measure("write NEWADDR", || {
            let mut writer = Writer::<LittleEndian>::new(&mut buf);
            let addr = black_box(&Addr::LOCALHOST4);
            writer.message(RTM_NEWADDR, MessageFlags::MULTI, 1, 2, |body| addr.write(3, body)).unwrap();
            black_box(writer.as_bytes());
        }),
    ];
    rows.extend(answers);
    rows
}
