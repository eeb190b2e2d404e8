//! Races against a check that is made before the kernel acts: memory and descriptors that change
//! while a call waits.

use core::ffi::c_long;
use core::sync::atomic::{
    AtomicBool, AtomicU16, AtomicU32,
    Ordering::{Relaxed, SeqCst},
};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use libc::{AF_INET, AF_UNIX, SOCK_STREAM};

use crate::call::{Attack, Errno, Result, attack, number, path};
use crate::inet::{inet, peer, socket};
use crate::unix::name;

/// In how many calls the other thread must have changed something while they ran: a race that was not run was
/// not lost.
const ROUNDS: u32 = 2000;
/// After this long it is over all the same.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const ATTACKS: &[Attack] = &[
    attack("race_port", "connects to an ALLOWED port while another thread writes PORT over it", |args| {
        let (allowed, wanted) = (number::<u16>(args, 0), number::<u16>(args, 1));
        let address = inet(allowed);
        race(&address, [allowed.to_be(), wanted.to_be()], 1, AF_INET, |socket| Ok(peer(socket)? == wanted))
    }),
    attack("race_family", "connects to PORT under a family that another thread flips", |args| {
        let wanted = number::<u16>(args, 0);
        let address = inet(wanted);
        let families = [libc::AF_UNSPEC as u16, AF_INET as u16];
        race(&address, families, 0, AF_INET, |socket| Ok(peer(socket)? == wanted))
    }),
    attack(
        "race_path",
        "connects to GRANTED while another thread writes PATH over it (both of one length)",
        |args| {
            // The paths differ in their last two bytes only.
            let (granted, wanted) = (name(&path(args, 0)), name(&path(args, 1)));
            assert_eq!(granted.len(), wanted.len());
            let mut address = [0u8; 110];
            address[..granted.len()].copy_from_slice(&granted);
            // Without the NUL, which is not needed, and aligned to the two bytes that are written.
            let end = granted.len() - 1;
            assert_eq!(end % 2, 0, "a path of an even length");
            let word = |address: &[u8]| u16::from_ne_bytes([address[end - 2], address[end - 1]]);
            let words = [word(&granted), word(&wanted)];
            race(&address[..end], words, end / 2 - 1, AF_UNIX, |socket| Ok(answers(socket, b"secret")))
        },
    ),
    attack(
        "race_descriptor",
        "connects a TCP socket to an ALLOWED port while another thread puts a unix socket under its number",
        |args| {
            let address = name(&path(args, 1));
            let allowed = inet(number(args, 0));
            descriptor(&allowed, &address)
        },
    ),
];

/// Connects over and over to an address of which one thread keeps changing one 16-bit word, until `reached`
/// reports that the wrong one was.
fn race(
    address: &[u8],
    words: [u16; 2],
    at: usize,
    domain: i32,
    reached: impl Fn(usize) -> Result<bool>,
) -> Result {
    let shared: Vec<AtomicU16> = address
        .chunks(2)
        .map(|two| AtomicU16::new(u16::from_ne_bytes([two[0], *two.get(1).unwrap_or(&0)])))
        .collect();
    let (stop, turns) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                words.iter().for_each(|word| shared[at].store(*word, Relaxed));
                turns.fetch_add(1, Relaxed);
            }
        });
        let started = Instant::now();
        let (mut rounds, mut won) = (0, Err(Errno::EACCES));
        while rounds < ROUNDS && started.elapsed() < PATIENCE && won.is_err() {
            let socket = socket(domain, SOCK_STREAM, 0)?;
            let turn = turns.load(Relaxed);
            let connected = sys!("connect", socket, shared.as_ptr().expose_provenance(), address.len());
            rounds += u32::from(turns.load(Relaxed) != turn);
            if connected.is_ok() && reached(socket)? {
                won = Ok(format!("after {rounds} rounds"));
            }
            let _ = sys!("close", socket);
        }
        stop.store(true, Relaxed);
        won
    })
}

/// Whether the server at the other end greets with this.
fn answers(socket: usize, greeting: &[u8]) -> bool {
    let mut buffer = [0u8; 16];
    // A server that sends nothing has not answered.
    let _ = sys!(
        "setsockopt",
        socket,
        libc::SOL_SOCKET,
        libc::SO_RCVTIMEO,
        &[0 as c_long, 200_000],
        2 * size_of::<c_long>()
    );
    matches!(sys!("recvfrom", socket, &mut buffer, 16, 0, 0, 0), Ok(len) if buffer[..len].starts_with(greeting))
}

/// The number of a TCP socket is given a unix socket by dup3 while another thread connects whatever it names;
/// the address changes with it. Each unix socket is asked itself, a turn later, so that no connect goes
/// unseen.
fn descriptor(allowed: &[u8; 16], wanted: &[u8]) -> Result {
    let mut path = [0u8; 110];
    path[..wanted.len()].copy_from_slice(wanted);
    let words = |bytes: &[u8]| -> Vec<u16> {
        bytes.chunks(2).map(|two| u16::from_ne_bytes([two[0], two[1]])).collect()
    };
    let (port, path) = (words(allowed), words(&path));
    let shared: Vec<AtomicU16> = path.iter().map(|word| AtomicU16::new(*word)).collect();
    // The family is the last to become AF_INET and the first to be something else: no other host is ever
    // asked.
    let write = |address: &[u16]| {
        shared[0].store(AF_UNIX as u16, SeqCst);
        shared.iter().zip(address).skip(1).for_each(|(shared, word)| shared.store(*word, SeqCst));
        shared[0].store(address[0], SeqCst);
    };
    // A server that is behind with its work must not make the connects wait.
    let socket = |domain| socket(domain, SOCK_STREAM | libc::SOCK_NONBLOCK, 0);
    let place = socket(AF_INET)?;
    let (stop, turns, rounds) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let len = wanted.len().max(allowed.len());
            while !stop.load(Relaxed) {
                let turn = turns.load(Relaxed);
                let _ = sys!("connect", place, shared.as_ptr().expose_provenance(), len);
                rounds.fetch_add(u32::from(turns.load(Relaxed) != turn), Relaxed);
            }
        });
        let started = Instant::now();
        let mut won = Err(Errno::EACCES);
        let mut last = socket(AF_UNIX)?;
        while rounds.load(Relaxed) < ROUNDS && started.elapsed() < PATIENCE && won.is_err() {
            // On one processor the other thread runs only where this one lets it: once with each of the two.
            let (tcp, unix) = (socket(AF_INET)?, socket(AF_UNIX)?);
            sys!("dup3", tcp, place, 0)?;
            write(&port);
            turns.fetch_add(1, Relaxed);
            thread::yield_now();
            sys!("dup3", unix, place, 0)?;
            write(&path[..8]);
            turns.fetch_add(1, Relaxed);
            thread::yield_now();
            if sys!("getpeername", last, &mut [0u8; 110], crate::inet::at_len(110)).is_ok()
                && sys!("fcntl", last, libc::F_SETFL, 0).is_ok()
                && answers(last, b"secret")
            {
                won = Ok(format!("after {} rounds", rounds.load(Relaxed)));
            }
            let _ = sys!("close", tcp);
            let _ = sys!("close", last);
            last = unix;
        }
        stop.store(true, Relaxed);
        won
    })
}
