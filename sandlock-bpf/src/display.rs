//! The disassembler: one line for each instruction.

use core::fmt;

use sandlock_sys::Errno;
use sandlock_sys::filter::SockFilter;

use crate::action::{Action, RET_ERRNO};
use crate::arch::Arch;
use crate::decode::{Alu, Cmp, Insn, Operand};
use crate::table::{Error, Test};

/// A program to print, in the manner of the kernel's `bpf_asm`: a conditional jump names its operand, the
/// instruction to go on at if the condition holds, and the one if not.
///
/// Words of `struct seccomp_data` and actions have their names; numbers below 1024, as those of system
/// calls are, print in decimal.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    program: &'a [SockFilter],
    arch: Arch,
}

impl<'a> Listing<'a> {
    /// The listing of a program that runs on `arch`.
    #[must_use]
    pub const fn new(program: &'a [SockFilter], arch: Arch) -> Self {
        Self { program, arch }
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, insn) in self.program.iter().enumerate() {
            write!(f, "{at:4}  ")?;
            let target = |skip: u32| {
                u64::try_from(at).unwrap_or(u64::MAX).saturating_add(1).saturating_add(skip.into())
            };
            match Insn::decode(*insn) {
                Some(Insn::LdAbs(offset)) => writeln!(f, "ld   {}", Word { offset, arch: self.arch }),
                Some(Insn::LdLen) => writeln!(f, "ld   len"),
                Some(Insn::LdxLen) => writeln!(f, "ldx  len"),
                Some(Insn::LdImm(k)) => writeln!(f, "ld   {}", Operand::K(k)),
                Some(Insn::LdxImm(k)) => writeln!(f, "ldx  {}", Operand::K(k)),
                Some(Insn::LdMem(k)) => writeln!(f, "ld   M[{k}]"),
                Some(Insn::LdxMem(k)) => writeln!(f, "ldx  M[{k}]"),
                Some(Insn::St(k)) => writeln!(f, "st   M[{k}]"),
                Some(Insn::Stx(k)) => writeln!(f, "stx  M[{k}]"),
                Some(Insn::Alu(alu, operand)) => writeln!(f, "{:<4} {operand}", alu.name()),
                Some(Insn::Neg) => writeln!(f, "neg"),
                Some(Insn::Tax) => writeln!(f, "tax"),
                Some(Insn::Txa) => writeln!(f, "txa"),
                Some(Insn::Ja(k)) => writeln!(f, "ja   {}", target(k)),
                Some(Insn::Jmp { cmp, operand, jt, jf }) => {
                    let (yes, no) = (target(jt.into()), target(jf.into()));
                    writeln!(f, "{:<4} {operand}, {yes}, {no}", cmp.name())
                }
                Some(Insn::RetK(word)) => writeln!(f, "ret  {}", Action::from_word(word)),
                Some(Insn::RetA) => writeln!(f, "ret  a"),
                None => {
                    let SockFilter { code, jt, jf, k } = insn;
                    writeln!(f, "?    code {code:#x}, jt {jt}, jf {jf}, k {k:#x}")
                }
            }?;
        }
        Ok(())
    }
}

/// A word of `struct seccomp_data`, by name.
struct Word {
    offset: u32,
    arch: Arch,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        let half = if (offset & 4 != 0) == self.arch.big_endian { "low" } else { "high" };
        match (offset, offset & !4) {
            (0, _) => f.write_str("nr"),
            (4, _) => f.write_str("arch"),
            (_, 8) => write!(f, "instruction_pointer.{half}"),
            (_, 16) => write!(f, "args[0].{half}"),
            (_, 24) => write!(f, "args[1].{half}"),
            (_, 32) => write!(f, "args[2].{half}"),
            (_, 40) => write!(f, "args[3].{half}"),
            (_, 48) => write!(f, "args[4].{half}"),
            (_, 56) => write!(f, "args[5].{half}"),
            _ => write!(f, "[{offset}]"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::K(k @ 0..1024) => write!(f, "{k}"),
            Self::K(k) => write!(f, "{k:#x}"),
            Self::X => f.write_str("x"),
        }
    }
}

impl Alu {
    const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Or => "or",
            Self::And => "and",
            Self::Lsh => "lsh",
            Self::Rsh => "rsh",
            Self::Xor => "xor",
        }
    }
}

impl Cmp {
    const fn name(self) -> &'static str {
        match self {
            Self::Jeq => "jeq",
            Self::Jgt => "jgt",
            Self::Jge => "jge",
            Self::Jset => "jset",
        }
    }
}

impl fmt::Display for Action {
    /// The kernel's name without its prefix, the error's symbol, and data where there is any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(word) = *self;
        if let number @ 1..=4095 = word.wrapping_sub(RET_ERRNO) {
            return write!(f, "ERRNO({})", Errno::new(number.cast_signed()));
        }
        let name = match word & 0xffff_0000 {
            0x8000_0000 => "KILL_PROCESS",
            0x0000_0000 => "KILL_THREAD",
            0x0003_0000 => "TRAP",
            RET_ERRNO => "ERRNO",
            0x7fc0_0000 => "USER_NOTIF",
            0x7ff0_0000 => "TRACE",
            0x7ffc_0000 => "LOG",
            0x7fff_0000 => "ALLOW",
            // The kernel installs such a filter, and kills when it returns this.
            _ => return write!(f, "{word:#010x}"),
        };
        match word & 0xffff {
            0 => f.write_str(name),
            data => write!(f, "{name}({data})"),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Test {
    /// As a C expression, but for ranges.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { arg, mask, first, last, inside } = self;
        match *mask {
            u64::MAX => write!(f, "args[{arg}]"),
            0xffff_ffff => write!(f, "args[{arg}].low"),
            mask => write!(f, "(args[{arg}] & {mask:#x})"),
        }?;
        match (first == last, inside) {
            (true, true) => write!(f, " == {first:#x}"),
            (true, false) => write!(f, " != {first:#x}"),
            (false, true) => write!(f, " in {first:#x}..={last:#x}"),
            (false, false) => write!(f, " not in {first:#x}..={last:#x}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the filter has too many instructions"),
            Self::Row(nr) => write!(f, "the row of system call {nr} is out of order, twice there, or of x32"),
        }
    }
}

impl core::error::Error for Error {}
