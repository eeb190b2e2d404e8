//! The Landlock and seccomp calls of a C program, made by `sandlock-sys`: as far as its types can express
//! them.
#![expect(unsafe_code, reason = "a C program's pointers")]

use core::ffi::{c_int, c_long, c_ulong};
use core::mem::forget;
use std::collections::BTreeMap;
use std::sync::Mutex;

use sandlock_sys::filter::SockFilter;
use sandlock_sys::landlock::{self, AccessFs, AccessNet, RestrictFlags, RulesetFd, Scope};
use sandlock_sys::prctl::{self, NoNewPrivs};
use sandlock_sys::seccomp::{self, FilterFlags, ListenerFd, Notif};
use sandlock_sys::{AsFd, BorrowedFd, Errno, OwnedFd};

unsafe extern "C" {
    // Not dup(2), which a selftest hands to its own supervisor.
    fn fcntl(fd: c_int, command: c_int, _: c_long) -> c_int;
    #[link_name = "prctl"]
    fn ask(option: c_int, _: c_long, _: c_long, _: c_long, _: c_long) -> c_int;
}

const PR_SET_SECCOMP: c_int = 22;
const SECCOMP_MODE_FILTER: c_long = 2;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const PR_GET_NO_NEW_PRIVS: c_int = 39;
const F_DUPFD_CLOEXEC: c_int = 1030;

/// The values made here, by the number that the program has.
static RULESETS: Mutex<BTreeMap<i32, RulesetFd>> = Mutex::new(BTreeMap::new());

/// A pointer that may be followed: the programs' wrong ones are null, small, or all ones.
fn at<T: Copy>(address: c_long) -> Option<T> {
    let address = usize::try_from(address).ok().filter(|address| *address > 0xffff)?;
    // SAFETY: the program passes it to the kernel as a T.
    Some(unsafe { core::ptr::with_exposed_provenance::<T>(address).read_unaligned() })
}

fn put<T>(address: c_long, value: T) -> Option<()> {
    let address = usize::try_from(address).ok().filter(|address| *address > 0xffff)?;
    // SAFETY: as above.
    unsafe { core::ptr::with_exposed_provenance_mut::<T>(address).write_unaligned(value) };
    Some(())
}

/// 0 or more, or an errno.
type Answer = Result<c_long, Errno>;

fn nothing(result: Result<(), Errno>) -> Answer {
    result.map(|()| 0)
}

/// Only what a thread has that set the bit already: setting it again changes nothing.
fn privs() -> Option<NoNewPrivs> {
    // SAFETY: a question without memory.
    let is_set = unsafe { ask(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) } == 1;
    if is_set { prctl::set_no_new_privs().ok() } else { None }
}

fn create_ruleset(attr: c_long, size: c_long, flags: c_long) -> Option<Answer> {
    match (attr, size, flags) {
        (0, 0, 1) => return Some(landlock::abi().map(c_long::from)),
        (0, 0, 2) => return Some(landlock::errata().map(c_long::from)),
        (_, 8 | 16 | 24, 0) => {}
        _ => return None,
    }
    let word = |offset: c_long| if offset < size { at::<u64>(attr.checked_add(offset)?) } else { Some(0) };
    let (fs, net, scope) = (word(0)?, word(8)?, word(16)?);
    let (fs, net, scope) = (AccessFs::from_bits(fs)?, AccessNet::from_bits(net)?, Scope::from_bits(scope)?);
    Some(landlock::create_ruleset(fs, net, scope).map(|ruleset| {
        let number = ruleset.as_fd().as_raw();
        // A number that comes again was closed by the program.
        RULESETS.lock().unwrap().insert(number, ruleset).map(forget);
        number.into()
    }))
}

fn add_rule(ruleset: c_long, kind: c_long, attr: c_long, flags: c_long) -> Option<Answer> {
    let rulesets = RULESETS.lock().unwrap();
    let ruleset = rulesets.get(&i32::try_from(ruleset).ok()?)?;
    let allowed: u64 = at(attr)?;
    match (kind, flags) {
        (1, 0) => {
            let parent: i32 = at(attr.checked_add(8)?)?;
            if parent < 0 {
                return None;
            }
            // SAFETY: the kernel is asked about the number, whatever it is.
            let parent = unsafe { BorrowedFd::from_raw(parent) };
            Some(nothing(landlock::add_path_beneath(ruleset, AccessFs::from_bits(allowed)?, parent)))
        }
        (2, 0) => {
            let port = u16::try_from(at::<u64>(attr.checked_add(8)?)?).ok()?;
            Some(nothing(landlock::add_net_port(ruleset, AccessNet::from_bits(allowed)?, port)))
        }
        _ => None,
    }
}

fn restrict_self(ruleset: c_long, flags: c_long) -> Option<Answer> {
    let rulesets = RULESETS.lock().unwrap();
    let ruleset = rulesets.get(&i32::try_from(ruleset).ok()?)?;
    let flags = RestrictFlags::from_bits(u32::try_from(flags).ok()?)?;
    Some(nothing(landlock::restrict_self(ruleset, flags, &privs()?)))
}

fn filter(flags: c_long, fprog: c_long) -> Option<Answer> {
    let flags = FilterFlags::from_bits(u32::try_from(flags).ok()?)?;
    if flags & (FilterFlags::TSYNC | FilterFlags::TSYNC_ESRCH) == FilterFlags::TSYNC {
        // The kernel answers with the ID of a thread that could not follow; ours has a word for that, and no
        // number.
        return None;
    }
    let len: u16 = at(fprog)?;
    let start: c_long = at(fprog.checked_add(8)?)?;
    at::<u8>(start)?;
    let start = core::ptr::with_exposed_provenance::<SockFilter>(usize::try_from(start).ok()?);
    // SAFETY: the program has so many instructions there.
    let program = unsafe { core::slice::from_raw_parts(start, len.into()) };
    let privs = privs()?;
    if flags.contains(FilterFlags::NEW_LISTENER) {
        let made = seccomp::set_mode_filter_listener(program, flags - FilterFlags::NEW_LISTENER, &privs);
        return Some(made.map(|listener| listener.into_fd().into_raw().into()));
    }
    Some(nothing(seccomp::set_mode_filter(program, flags, &privs)))
}

fn secure(operation: c_long, flags: c_long, argument: c_long) -> Option<Answer> {
    match (operation, flags) {
        (1, _) => filter(flags, argument),
        (2, 0) => Some(if seccomp::action_available(at(argument)?) { Ok(0) } else { Err(Errno::EOPNOTSUPP) }),
        (3, 0) => match seccomp::notif_sizes() {
            Ok(sizes) => put(argument, sizes).map(|()| Ok(0)),
            Err(errno) => Some(Err(errno)),
        },
        _ => None,
    }
}

/// The older way to a filter, which has no flags, and the bit that it needs.
fn attribute(option: c_int, args: [c_long; 4]) -> Option<Answer> {
    match (option, args) {
        (PR_SET_SECCOMP, [SECCOMP_MODE_FILTER, fprog, ..]) => filter(0, fprog),
        (PR_SET_NO_NEW_PRIVS, [1, 0, 0, 0]) => Some(nothing(prctl::set_no_new_privs().map(drop))),
        _ => None,
    }
}

fn control(fd: c_int, request: c_ulong, argument: c_long) -> Option<Answer> {
    // SAFETY: a duplicate, which no other code has.
    let copy = unsafe { OwnedFd::from_raw(Some(fcntl(fd, F_DUPFD_CLOEXEC, 0)).filter(|fd| *fd >= 0)?) };
    let listener = ListenerFd::check(copy).ok()?;
    match request & 0xff {
        0 if at::<[u8; size_of::<Notif>()]>(argument)? == [0; size_of::<Notif>()] => {
            match seccomp::notif_recv(&listener) {
                Ok(notif) => put(argument, notif).map(|()| Ok(0)),
                Err(errno) => Some(Err(errno)),
            }
        }
        1 => {
            let [id, val]: [u64; 2] = at(argument)?;
            let [error, flags]: [i32; 2] = at(argument.checked_add(16)?)?;
            match (val.cast_signed(), error, flags) {
                (0, ..0, 0) => {
                    Some(nothing(seccomp::notif_send_errno(&listener, id, Errno::new(error.wrapping_neg()))))
                }
                (val, 0, 0) => Some(nothing(seccomp::notif_send_value(&listener, id, val))),
                (0, 0, 1) => Some(nothing(seccomp::notif_send_continue(&listener, id))),
                _ => None,
            }
        }
        2 => Some(nothing(seccomp::notif_id_valid(&listener, at(argument)?))),
        4 if argument == 1 => Some(nothing(seccomp::sync_wake_up(&listener))),
        _ => None,
    }
}

fn store(answer: Option<Answer>, result: *mut c_long) -> c_int {
    let Some(answer) = answer else { return 0 };
    let value = answer.unwrap_or_else(|errno| c_long::from(errno.get().wrapping_neg()));
    // SAFETY: the C side's own variable.
    unsafe { result.write(value) };
    1
}

/// Makes a Landlock or seccomp call; 0 if our types cannot express it.
///
/// # Safety
///
/// `args` points to six words, `result` to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandlock_oracle_call(nr: c_long, args: *const c_long, result: *mut c_long) -> c_int {
    // SAFETY: the caller's contract.
    let [a, b, c, d, ..] = unsafe { args.cast::<[c_long; 6]>().read() };
    let answer = match nr {
        444 => create_ruleset(a, b, c),
        445 => add_rule(a, b, c, d),
        446 => restrict_self(a, b),
        _ => secure(a, b, c),
    };
    store(answer, result)
}

/// Makes a prctl that is about filters; 0 if our types cannot express it.
///
/// # Safety
///
/// `args` points to four words, `result` to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandlock_oracle_prctl(
    option: c_int,
    args: *const c_long,
    result: *mut c_long,
) -> c_int {
    // SAFETY: the caller's contract.
    store(attribute(option, unsafe { args.cast::<[c_long; 4]>().read() }), result)
}

/// Makes an ioctl on a listener; 0 if our types cannot express it.
///
/// # Safety
///
/// `result` points to one word.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandlock_oracle_ioctl(
    fd: c_int,
    request: c_ulong,
    argument: c_long,
    result: *mut c_long,
) -> c_int {
    store(control(fd, request, argument), result)
}
