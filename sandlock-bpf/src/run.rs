//! The interpreter: what a filter returns for a call, and after how many instructions.

use sandlock_sys::seccomp::{Data, SockFilter};

use crate::action::Action;
use crate::arch::Arch;
use crate::check::{Fault, FaultKind};
use crate::field;
use crate::insn::{Alu, Insn, MEMWORDS, Operand};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The word that was returned.
    pub word: u32,
    /// The number of instructions that were executed, the return included.
    pub steps: usize,
}

/// What the program returns for this call.
///
/// The two words of an argument are in the order of the machine that `data.arch` names, whatever the host is.
///
/// # Errors
///
/// The instruction that cannot be executed; there is none in a program that [`check`](crate::check) takes.
pub fn run(program: &[SockFilter], data: &Data) -> Result<u32, Fault> {
    trace(program, data).map(|run| run.word)
}

/// The same as [`run`], counting. Jumps go forward only, so the count is at most the program's length.
///
/// # Errors
///
/// As [`run`].
pub fn trace(program: &[SockFilter], data: &Data) -> Result<Run, Fault> {
    let words = field::words(data);
    let (mut a, mut x, mut mem) = (0, 0, [None; MEMWORDS]);
    let (mut at, mut steps) = (0usize, 0usize);
    loop {
        let fault = |kind| Fault { at, kind };
        let insn = *program.get(at).ok_or(fault(FaultKind::Jump))?;
        let insn = Insn::decode(insn).ok_or(fault(FaultKind::Code))?;
        let slot = |k| usize::try_from(k).ok().filter(|k| *k < MEMWORDS).ok_or(fault(FaultKind::Scratch));
        steps = steps.saturating_add(1);
        let mut skip = 0;
        match insn {
            Insn::LdAbs(k) => a = word(&words, k).ok_or(fault(FaultKind::Offset))?,
            Insn::LdLen => a = field::SIZE,
            Insn::LdxLen => x = field::SIZE,
            Insn::LdImm(k) => a = k,
            Insn::LdxImm(k) => x = k,
            Insn::LdMem(k) => a = mem.get(slot(k)?).copied().flatten().ok_or(fault(FaultKind::Unset))?,
            Insn::LdxMem(k) => x = mem.get(slot(k)?).copied().flatten().ok_or(fault(FaultKind::Unset))?,
            Insn::St(k) => *mem.get_mut(slot(k)?).ok_or(fault(FaultKind::Scratch))? = Some(a),
            Insn::Stx(k) => *mem.get_mut(slot(k)?).ok_or(fault(FaultKind::Scratch))? = Some(x),
            Insn::Alu(alu, operand) => match alu.apply(a, operand.value(x)) {
                Some(value) => a = value,
                None => return Ok(Run { word: 0, steps }),
            },
            Insn::Neg => a = a.wrapping_neg(),
            Insn::Tax => x = a,
            Insn::Txa => a = x,
            Insn::Ja(k) => skip = usize::try_from(k).unwrap_or(usize::MAX),
            Insn::Jmp { cmp, operand, jt, jf } => {
                skip = usize::from(if cmp.holds(a, operand.value(x)) { jt } else { jf });
            }
            Insn::RetK(k) => return Ok(Run { word: k, steps }),
            Insn::RetA => return Ok(Run { word: a, steps }),
        }
        at = at.saturating_add(1).saturating_add(skip);
    }
}

/// What the program returns for every call of this number, if it can be known without looking at an
/// argument; the kernel does not run a filter for the calls for which this is `ALLOW`.
///
/// It can be known if the path reads nothing but `nr` and `arch` and consists of the few instructions
/// that `seccomp_is_const_allow()` in `kernel/seccomp.c` follows.
#[must_use]
pub fn constant(program: &[SockFilter], arch: Arch, nr: u32) -> Option<Action> {
    let (mut a, mut at) = (0, 0usize);
    loop {
        let mut skip = 0;
        match Insn::decode(*program.get(at)?)? {
            Insn::LdAbs(0) => a = nr,
            Insn::LdAbs(4) => a = arch.audit,
            Insn::Alu(Alu::And, Operand::K(k)) => a &= k,
            Insn::Ja(k) => skip = usize::try_from(k).ok()?,
            Insn::Jmp { cmp, operand: Operand::K(k), jt, jf } => {
                skip = usize::from(if cmp.holds(a, k) { jt } else { jf });
            }
            Insn::RetK(word) => return Some(Action::from_word(word)),
            _ => return None,
        }
        at = at.checked_add(1)?.checked_add(skip)?;
    }
}

impl Operand {
    fn value(self, x: u32) -> u32 {
        match self {
            Self::K(k) => k,
            Self::X => x,
        }
    }
}

fn word(words: &[u32; 16], offset: u32) -> Option<u32> {
    words.iter().zip((0..field::SIZE).step_by(4)).find(|(_, at)| *at == offset).map(|(word, _)| *word)
}
