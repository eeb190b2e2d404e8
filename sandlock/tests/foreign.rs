//! A program of a narrower architecture, which the same kernel runs: no filter of ours knows its numbers, so its first call is its end.

#![cfg(all(feature = "cli", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

mod common;

use common::{Dir, run, skip};

/// `EM_386` or `EM_ARM`, and code that calls `exit(7)`.
#[cfg(target_arch = "x86_64")]
const PROGRAM: (u16, &[u8]) = (3, b"\xbb\x07\0\0\0\xb8\x01\0\0\0\xcd\x80");
#[cfg(target_arch = "aarch64")]
const PROGRAM: (u16, &[u8]) = (40, b"\x07\0\xa0\xe3\x01\x70\xa0\xe3\0\0\0\xef");

/// An executable of 32 bits: `Elf32_Ehdr`, one `Elf32_Phdr`, and the code.
fn executable() -> Vec<u8> {
    const AT: u32 = 0x1_0000;
    const HEADERS: u32 = 52 + 32;
    let (machine, code) = PROGRAM;
    let len = HEADERS + u32::try_from(code.len()).unwrap();
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // e_type, e_machine; e_version, e_entry, e_phoff, e_shoff, e_flags (EABI 5, which x86 has no use for); e_ehsize and the rest.
    file.extend([2, machine].map(u16::to_le_bytes).as_flattened());
    file.extend([1, AT + HEADERS, 52, 0, 0x0500_0000].map(u32::to_le_bytes).as_flattened());
    file.extend([52u16, 32, 1, 40, 0, 0].map(u16::to_le_bytes).as_flattened());
    // PT_LOAD, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, PF_R | PF_X, p_align.
    file.extend([1, 0, AT, AT, len, len, 5, 0x1_0000].map(u32::to_le_bytes).as_flattened());
    file.extend(code);
    file
}

#[test]
fn a_program_of_32_bits_is_killed() {
    let dir = Dir::new();
    dir.file("narrow", 0o755, executable());
    let outside = run(&mut dir.bare("./narrow"));
    if outside.code == 126 {
        return skip(a_program_of_32_bits_is_killed, "this kernel runs no program of 32 bits");
    }
    assert_eq!(outside.code, 7, "{outside:?}");
    // By SIGSYS.
    assert_eq!(run(&mut dir.sandboxed(&["-w", "."], "exec ./narrow")).code, 128 + 31);
    assert_eq!(run(&mut dir.sandboxed(&["-w", "."], "./narrow; echo $?")).ok(), "159\n");
}
