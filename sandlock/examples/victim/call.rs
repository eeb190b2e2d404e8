//! System calls by the kernel's name, their arguments as they stand in registers, and what an attack is.

use core::ffi::{CStr, c_long};
use std::ffi::CString;

pub(crate) use sandlock_sys::Errno;
use sandlock_sys::nr;

pub(crate) type Result<T = String> = core::result::Result<T, Errno>;

/// One attack: its name, what it does, and how. An error is the refusal.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&[String]) -> Result,
}

pub(crate) const fn attack(name: &'static str, what: &'static str, run: fn(&[String]) -> Result) -> Attack {
    Attack { name, what, run }
}

/// What fits into a register: numbers (an `int` with its sign), and what there are pointers to.
pub(crate) trait Word {
    fn word(&self) -> usize;
}

macro_rules! numbers {
    ($($number:ty)*) => { $(impl Word for $number {
        fn word(&self) -> usize {
            *self as usize
        }
    })* };
}
numbers!(i32 u32 i64 u64 isize usize u16);

impl Word for &CStr {
    fn word(&self) -> usize {
        self.as_ptr().expose_provenance()
    }
}

impl Word for &CString {
    fn word(&self) -> usize {
        self.as_ptr().expose_provenance()
    }
}

impl<T> Word for &[T] {
    fn word(&self) -> usize {
        self.as_ptr().expose_provenance()
    }
}

impl<T, const N: usize> Word for &[T; N] {
    fn word(&self) -> usize {
        self.as_ptr().expose_provenance()
    }
}

impl<T, const N: usize> Word for &mut [T; N] {
    fn word(&self) -> usize {
        self.as_ptr().expose_provenance()
    }
}

/// The same for a structure.
pub(crate) fn at<T>(value: &T) -> usize {
    (&raw const *value).expose_provenance()
}

/// The same for a structure that the kernel fills.
pub(crate) fn at_mut<T>(value: &mut T) -> usize {
    (&raw mut *value).expose_provenance()
}

/// `sys!("connect", fd, &address, 16)`
macro_rules! sys {
    ($name:expr $(, $arg:expr)* $(,)?) => {
        $crate::call::call($name, &[$($crate::call::Word::word(&$arg)),*])
    };
}

/// The call of this name; one that this architecture has not is one that the kernel has not.
pub(crate) fn call(name: &str, args: &[usize]) -> Result<usize> {
    raw(
        nr::Name::parse(name).and_then(|name| nr::number(nr::NATIVE, name)).ok_or(Errno::ENOSYS)? as c_long,
        args,
    )
}

/// The call of this number.
pub(crate) fn raw(number: c_long, args: &[usize]) -> Result<usize> {
    let mut words = [0; 6];
    words[..args.len()].copy_from_slice(args);
    let [a, b, c, d, e, f] = words;
    // SAFETY: an attack passes memory of its own, or means to be refused.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => Err(Errno::new(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))),
        value => Ok(value as usize),
    }
}

/// What the kernel ignores where it takes an `int`.
pub(crate) const fn with_garbage(low: u32) -> u64 {
    0xdead_beef_0000_0000 | low as u64
}

/// A success that has nothing to tell.
pub(crate) fn done<T>(result: Result<T>) -> Result {
    result.map(|_| String::new())
}

/// The attempt did not reach its goal: the errno is no kernel's refusal, but the answer of the attempt.
pub(crate) fn check(worked: bool, otherwise: Errno) -> Result {
    if worked { Ok(String::new()) } else { Err(otherwise) }
}

/// Argument `index` as a C string.
pub(crate) fn path(args: &[String], index: usize) -> CString {
    CString::new(args[index].as_bytes()).unwrap()
}

/// Argument `index` as a number.
pub(crate) fn number<T: core::str::FromStr<Err = core::num::ParseIntError>>(
    args: &[String],
    index: usize,
) -> T {
    args[index].parse().unwrap()
}

/// Argument `index` as a process: a number, or `parent`, `grandparent` for those who made this one.
pub(crate) fn process(args: &[String], index: usize) -> i32 {
    let parent = std::os::unix::process::parent_id() as i32;
    match args[index].as_str() {
        "parent" => parent,
        "grandparent" => parent_of(parent).unwrap(),
        number => number.parse().unwrap(),
    }
}

/// Who made process `id`, by `/proc`.
pub(crate) fn parent_of(id: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A child on the same stack; s390x has the flags second.
pub(crate) fn clone(flags: i32) -> Result<usize> {
    if cfg!(target_arch = "s390x") { sys!("clone", 0, flags) } else { sys!("clone", flags, 0) }
}

/// What `act` returns in a child that ends with it: 0 stands for success, an errno for a failure.
pub(crate) fn in_child(act: impl FnOnce() -> Result<()>) -> Result<()> {
    let child = clone(libc::SIGCHLD)?;
    if child == 0 {
        let status = act().map_or_else(Errno::get, |()| 0);
        let _ = sys!("exit_group", status);
    }
    let mut status = 0i32;
    sys!("wait4", child, at_mut(&mut status), 0, 0)?;
    match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
        (true, 0) => Ok(()),
        (true, errno) => Err(Errno::new(errno)),
        (false, _) => Err(Errno::EINTR),
    }
}

/// A file descriptor of a call's result.
pub(crate) fn open(path: &CStr, flags: i32) -> Result<usize> {
    sys!("openat", libc::AT_FDCWD, path, flags | libc::O_CLOEXEC, 0o600)
}
