//! The kernel's own rules for a filter, so that a program it would refuse is refused here.

use core::fmt;

use sandlock_sys::filter::SockFilter;

use crate::decode::{Alu, Insn, MEMWORDS, Operand};
use crate::definition;
use crate::insn::MAXINSNS;

/// Why the kernel refuses a program, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The instruction, counted from 0.
    pub at: usize,
    /// The violated rule.
    pub kind: FaultKind,
}

/// The rules that an instruction can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// There is none, or there are more than 4096.
    Length,
    /// seccomp knows no such instruction.
    Code,
    /// No word of `struct seccomp_data` starts at this offset.
    Offset,
    /// There are 16 scratch words, and this is none of them.
    Scratch,
    /// On some path to here, nothing was stored in this scratch word.
    Unset,
    /// A division by the constant 0.
    Division,
    /// A shift by 32 bits or more.
    Shift,
    /// A jump out of the program.
    Jump,
    /// The program does not end with a return.
    End,
}

/// Whether the kernel takes this program as a filter.
///
/// The rules are those of `bpf_check_classic()` and `check_load_and_stores()` in `net/core/filter.c`
/// and of `seccomp_check_filter()` in `kernel/seccomp.c`.
///
/// # Errors
///
/// The first fault, rule by rule.
pub fn check(program: &[SockFilter]) -> Result<(), Fault> {
    if program.is_empty() || program.len() > MAXINSNS {
        return Err(Fault { at: program.len(), kind: FaultKind::Length });
    }
    for (at, insn) in program.iter().enumerate() {
        let after = program.len().saturating_sub(at).saturating_sub(1);
        check_insn(*insn, after).map_err(|kind| Fault { at, kind })?;
    }
    check_scratch(program)
}

/// The rules for one instruction that has `after` others behind it.
fn check_insn(insn: SockFilter, after: usize) -> Result<(), FaultKind> {
    let insn = Insn::decode(insn).ok_or(FaultKind::Code)?;
    let (fine, kind) = match insn {
        Insn::LdAbs(k) => (k < definition::SIZE && k & 3 == 0, FaultKind::Offset),
        Insn::LdMem(k) | Insn::LdxMem(k) | Insn::St(k) | Insn::Stx(k) => {
            (usize::try_from(k).is_ok_and(|k| k < MEMWORDS), FaultKind::Scratch)
        }
        Insn::Alu(Alu::Div, Operand::K(k)) => (k != 0, FaultKind::Division),
        Insn::Alu(Alu::Lsh | Alu::Rsh, Operand::K(k)) => (k < 32, FaultKind::Shift),
        Insn::Ja(k) => (usize::try_from(k).is_ok_and(|k| k < after), FaultKind::Jump),
        Insn::Jmp { jt, jf, .. } => (usize::from(jt.max(jf)) < after, FaultKind::Jump),
        _ => (true, FaultKind::Code),
    };
    match insn {
        _ if !fine => Err(kind),
        Insn::RetK(_) | Insn::RetA => Ok(()),
        _ if after == 0 => Err(FaultKind::End),
        _ => Ok(()),
    }
}

/// Whether a scratch word is stored on every path before it is loaded.
fn check_scratch(program: &[SockFilter]) -> Result<(), Fault> {
    // For each instruction, the words that are stored on every jump to it: a bit for each word.
    let mut jumps = [u16::MAX; MAXINSNS];
    let mut stored = 0u16;
    for (at, insn) in program.iter().enumerate() {
        stored &= jumps.get(at).copied().unwrap_or_default();
        let mut jump = |skip: usize| {
            if let Some(target) = jumps.get_mut(at.saturating_add(1).saturating_add(skip)) {
                *target &= stored;
            }
        };
        match Insn::decode(*insn) {
            Some(Insn::St(k) | Insn::Stx(k)) => stored |= 1u16.unbounded_shl(k),
            Some(Insn::LdMem(k) | Insn::LdxMem(k)) if stored & 1u16.unbounded_shl(k) == 0 => {
                return Err(Fault { at, kind: FaultKind::Unset });
            }
            Some(Insn::Ja(k)) => {
                jump(usize::try_from(k).unwrap_or(usize::MAX));
                stored = u16::MAX;
            }
            Some(Insn::Jmp { jt, jf, .. }) => {
                jump(usize::from(jt));
                jump(usize::from(jf));
                stored = u16::MAX;
            }
            // After a return the kernel goes on as if it were none, so a load in dead code can be refused.
            _ => {}
        }
    }
    Ok(())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FaultKind::Length => "a filter has 1 to 4096 instructions",
            FaultKind::Code => "seccomp knows no such instruction",
            FaultKind::Offset => "no word of seccomp_data is at this offset",
            FaultKind::Scratch => "there is no such scratch word",
            FaultKind::Unset => "this scratch word may be unset here",
            FaultKind::Division => "division by zero",
            FaultKind::Shift => "shift by 32 or more",
            FaultKind::Jump => "jump out of the program",
            FaultKind::End => "the last instruction is no return",
        };
        write!(f, "instruction {}: {what}", self.at)
    }
}

impl core::error::Error for Fault {}
