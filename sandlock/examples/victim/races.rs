//! Races against whoever looks first and lets the kernel act afterwards: memory and descriptors that change while a call waits.

use core::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use libc::{AF_INET, AF_UNIX, SOCK_STREAM};

use crate::call::{Attack, Errno, Result, attack, number, path};
use crate::inet::{inet, peer, socket};
use crate::unix::name;

/// How long each race is run.
const PATIENCE: Duration = Duration::from_millis(1500);

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

/// Connects over and over to an address of which one thread keeps changing one 16-bit word, until `reached` says that the wrong one was.
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
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                words.iter().for_each(|word| shared[at].store(*word, Relaxed));
            }
        });
        let started = Instant::now();
        let mut tries = 0;
        let mut won = Err(Errno::EACCES);
        while started.elapsed() < PATIENCE && won.is_err() {
            tries += 1;
            let socket = socket(domain, SOCK_STREAM, 0)?;
            if sys!("connect", socket, shared.as_ptr().expose_provenance(), address.len()).is_ok()
                && reached(socket)?
            {
                won = Ok(format!("after {tries} tries"));
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
    matches!(sys!("recvfrom", socket, &mut buffer, 16, 0, 0, 0), Ok(len) if buffer[..len].starts_with(greeting))
}

/// The number of a TCP socket is given a unix socket by dup2 while connect waits; the address is flipped between both kinds too.
fn descriptor(allowed: &[u8; 16], wanted: &[u8]) -> Result {
    let stop = AtomicBool::new(false);
    let mut both = [0u8; 110];
    both[..wanted.len()].copy_from_slice(wanted);
    let shared: Vec<AtomicU16> =
        both.chunks(2).map(|two| AtomicU16::new(u16::from_ne_bytes([two[0], two[1]]))).collect();
    let place = socket(AF_INET, SOCK_STREAM, 0)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                let (Ok(tcp), Ok(unix)) = (socket(AF_INET, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_STREAM, 0))
                else {
                    break;
                };
                let _ = sys!("dup3", tcp, place, 0);
                for (at, two) in allowed.chunks(2).enumerate() {
                    shared[at].store(u16::from_ne_bytes([two[0], two[1]]), Relaxed);
                }
                thread::yield_now();
                let _ = sys!("dup3", unix, place, 0);
                for (at, two) in both.chunks(2).enumerate().take(8) {
                    shared[at].store(u16::from_ne_bytes([two[0], two[1]]), Relaxed);
                }
                let _ = sys!("close", tcp);
                let _ = sys!("close", unix);
            }
        });
        let started = Instant::now();
        let mut won = Err(Errno::EACCES);
        while started.elapsed() < PATIENCE && won.is_err() {
            if sys!("connect", place, shared.as_ptr().expose_provenance(), wanted.len()).is_ok() {
                let copy = sys!("fcntl", place, libc::F_DUPFD_CLOEXEC, 0)?;
                // A unix socket that is connected has a peer of family AF_UNIX.
                let mut family = [0u8; 110];
                let named = sys!("getpeername", copy, &mut family, crate::inet::at_len(110));
                if named.is_ok()
                    && u16::from_ne_bytes([family[0], family[1]]) == AF_UNIX as u16
                    && answers(copy, b"secret")
                {
                    won = Ok(String::new());
                }
                let _ = sys!("close", copy);
            }
        }
        stop.store(true, Relaxed);
        won
    })
}
