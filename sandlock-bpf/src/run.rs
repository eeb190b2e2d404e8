//! The interpreter: what a filter returns for a call, and after how many instructions.

use sandlock_sys::filter::{Data, SockFilter};

use crate::action::Action;
use crate::arch::Arch;
use crate::check::{Fault, FaultKind};
use crate::decode::{Alu, Insn, MEMWORDS, Operand};
use crate::definition;

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
    let mut machine = Machine { words: definition::words(data), a: 0, x: 0, scratch: [None; MEMWORDS] };
    let (mut at, mut steps) = (0usize, 0usize);
    loop {
        let fault = |kind| Fault { at, kind };
        let insn = *program.get(at).ok_or(fault(FaultKind::Jump))?;
        let insn = Insn::decode(insn).ok_or(fault(FaultKind::Code))?;
        steps = steps.saturating_add(1);
        match machine.execute(insn).map_err(fault)? {
            Then::Skip(count) => at = at.saturating_add(1).saturating_add(count),
            Then::Return(word) => return Ok(Run { word, steps }),
        }
    }
}

struct Machine {
    words: [u32; 16],
    a: u32,
    x: u32,
    scratch: [Option<u32>; MEMWORDS],
}

/// What an instruction does after its work.
enum Then {
    Skip(usize),
    Return(u32),
}

impl Machine {
    fn execute(&mut self, insn: Insn) -> Result<Then, FaultKind> {
        match insn {
            Insn::LdAbs(offset) => self.a = self.word(offset).ok_or(FaultKind::Offset)?,
            Insn::LdLen => self.a = definition::SIZE,
            Insn::LdxLen => self.x = definition::SIZE,
            Insn::LdImm(k) => self.a = k,
            Insn::LdxImm(k) => self.x = k,
            Insn::LdMem(k) => self.a = self.scratch(k)?.ok_or(FaultKind::Unset)?,
            Insn::LdxMem(k) => self.x = self.scratch(k)?.ok_or(FaultKind::Unset)?,
            Insn::St(k) => *self.scratch(k)? = Some(self.a),
            Insn::Stx(k) => *self.scratch(k)? = Some(self.x),
            Insn::Alu(alu, operand) => match alu.apply(self.a, operand.value(self.x)) {
                Some(value) => self.a = value,
                None => return Ok(Then::Return(0)),
            },
            Insn::Neg => self.a = self.a.wrapping_neg(),
            Insn::Tax => self.x = self.a,
            Insn::Txa => self.a = self.x,
            Insn::Ja(k) => return Ok(Then::Skip(usize::try_from(k).unwrap_or(usize::MAX))),
            Insn::Jmp { cmp, operand, jt, jf } => {
                let holds = cmp.holds(self.a, operand.value(self.x));
                return Ok(Then::Skip(usize::from(if holds { jt } else { jf })));
            }
            Insn::RetK(word) => return Ok(Then::Return(word)),
            Insn::RetA => return Ok(Then::Return(self.a)),
        }
        Ok(Then::Skip(0))
    }

    fn word(&self, offset: u32) -> Option<u32> {
        let offsets = (0..definition::SIZE).step_by(4);
        self.words.iter().zip(offsets).find(|(_, at)| *at == offset).map(|(word, _)| *word)
    }

    fn scratch(&mut self, k: u32) -> Result<&mut Option<u32>, FaultKind> {
        usize::try_from(k).ok().and_then(|k| self.scratch.get_mut(k)).ok_or(FaultKind::Scratch)
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
