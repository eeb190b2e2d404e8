//! 32-bit calls out of a 64-bit program, which x86 has by `int 0x80`: other numbers, and only half of each
//! register counts.

use crate::call::{Attack, Errno, Result, attack};

pub(crate) const ATTACKS: &[Attack] = &[attack(
    "int80",
    "makes the call NAME of 32-bit x86 with ARGs: numbers, or @TEXT; the half that does not count is garbage",
    |args| call(&args[0], &args[1..]),
)];

#[cfg(not(target_arch = "x86_64"))]
fn call(_: &str, _: &[String]) -> Result {
    Err(Errno::ENOSYS)
}

#[cfg(target_arch = "x86_64")]
fn call(name: &str, args: &[String]) -> Result {
    use sandlock_sys::nr::{self, Name};
    let number = Name::parse(name).and_then(|name| nr::number(nr::i386::TABLE, name)).ok_or(Errno::ENOSYS)?;
    let mut words = [0; 5];
    for (word, arg) in words.iter_mut().zip(args) {
        let low = match arg.strip_prefix('@') {
            Some(text) => low_copy(text)?,
            None => arg.parse().unwrap(),
        };
        *word = crate::call::with_garbage(low);
    }
    let [a, b, c, d, e] = words;
    let result: i64;
    // SAFETY: an attack passes memory of its own, or means to be refused; r8 to r11 are what the entry may
    // clobber. rbx is LLVM's own.
    unsafe {
        core::arch::asm!(
            "xchg {a}, rbx", "int 0x80", "xchg {a}, rbx", a = inout(reg) a => _,
            inlateout("rax") i64::from(number) => result, in("rcx") b, in("rdx") c, in("rsi") d, in("rdi") e,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    match i32::try_from(result).unwrap_or(result as i32) {
        errno @ -4095..=-1 => Err(Errno::new(-errno)),
        value => Ok(value.to_string()),
    }
}

/// Where 32 bits reach.
#[cfg(target_arch = "x86_64")]
fn low_copy(text: &str) -> Result<u32> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let at = sys!("mmap", 0, 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)?;
    let bytes: Vec<u8> = text.bytes().chain([0]).collect();
    // SAFETY: the mapping is new and longer than any path that a test has.
    unsafe {
        core::ptr::copy_nonoverlapping(
            bytes.as_ptr(),
            core::ptr::with_exposed_provenance_mut(at),
            bytes.len(),
        )
    };
    Ok(u32::try_from(at).unwrap())
}
