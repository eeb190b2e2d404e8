//! Instructions taken apart, for those who read a program: the checks, the listing, the interpreter and the
//! verifier.

use sandlock_sys::filter::SockFilter;

use crate::insn::{ALU, JA, JEQ_K, JGE_K, JGT_K, JSET_K, LD, LD_ABS, RET, RET_K};

/// `BPF_MEMWORDS`: the number of scratch words.
pub(crate) const MEMWORDS: usize = 16;

const LDX: u16 = 0x01;
const ST: u16 = 0x02;
const STX: u16 = 0x03;
const MISC: u16 = 0x07;

const IMM: u16 = 0x00;
const MEM: u16 = 0x60;
const LEN: u16 = 0x80;

/// The operand is register X instead of `k`.
const X: u16 = 0x08;
/// The value returned is register A instead of `k`.
const A: u16 = 0x10;

const LD_IMM: u16 = LD | IMM;
const LD_MEM: u16 = LD | MEM;
const LD_LEN: u16 = LD | LEN;
const LDX_IMM: u16 = LDX | IMM;
const LDX_MEM: u16 = LDX | MEM;
const LDX_LEN: u16 = LDX | LEN;
const NEG: u16 = ALU | 0x80;
const RET_A: u16 = RET | A;
const TAX: u16 = MISC;
const TXA: u16 = MISC | 0x80;

/// An instruction that seccomp accepts, taken apart. Operands may still be wrong: that is
/// [`check`](crate::check)'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Insn {
    /// A = the word of `seccomp_data` at this offset.
    LdAbs(u32),
    /// A = the size of `seccomp_data`.
    LdLen,
    LdImm(u32),
    LdMem(u32),
    LdxLen,
    LdxImm(u32),
    LdxMem(u32),
    St(u32),
    Stx(u32),
    Alu(Alu, Operand),
    Neg,
    Tax,
    Txa,
    Ja(u32),
    Jmp {
        cmp: Cmp,
        operand: Operand,
        jt: u8,
        jf: u8,
    },
    RetK(u32),
    RetA,
}

/// The second operand of arithmetic and of comparisons; the first is A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    K(u32),
    X,
}

/// What an arithmetic instruction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Or,
    And,
    Lsh,
    Rsh,
    Xor,
}

/// What a conditional jump asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cmp {
    Jeq,
    Jgt,
    Jge,
    Jset,
}

impl Insn {
    /// Takes an instruction apart; none if seccomp refuses the code.
    pub(crate) fn decode(SockFilter { code, jt, jf, k }: SockFilter) -> Option<Self> {
        Some(match code {
            LD_ABS => Self::LdAbs(k),
            LD_LEN => Self::LdLen,
            LD_IMM => Self::LdImm(k),
            LD_MEM => Self::LdMem(k),
            LDX_LEN => Self::LdxLen,
            LDX_IMM => Self::LdxImm(k),
            LDX_MEM => Self::LdxMem(k),
            ST => Self::St(k),
            STX => Self::Stx(k),
            NEG => Self::Neg,
            TAX => Self::Tax,
            TXA => Self::Txa,
            JA => Self::Ja(k),
            RET_K => Self::RetK(k),
            RET_A => Self::RetA,
            _ => {
                let operand = if code & X == 0 { Operand::K(k) } else { Operand::X };
                match code & !X {
                    JEQ_K => Self::Jmp { cmp: Cmp::Jeq, operand, jt, jf },
                    JGT_K => Self::Jmp { cmp: Cmp::Jgt, operand, jt, jf },
                    JGE_K => Self::Jmp { cmp: Cmp::Jge, operand, jt, jf },
                    JSET_K => Self::Jmp { cmp: Cmp::Jset, operand, jt, jf },
                    alu => Self::Alu(Alu::decode(alu)?, operand),
                }
            }
        })
    }
}

impl Alu {
    fn decode(code: u16) -> Option<Self> {
        Some(match code ^ ALU {
            0x00 => Self::Add,
            0x10 => Self::Sub,
            0x20 => Self::Mul,
            0x30 => Self::Div,
            0x40 => Self::Or,
            0x50 => Self::And,
            0x60 => Self::Lsh,
            0x70 => Self::Rsh,
            0xa0 => Self::Xor,
            _ => return None,
        })
    }

    /// The result; none for a division by zero, at which the kernel ends the program with 0.
    pub(crate) fn apply(self, a: u32, b: u32) -> Option<u32> {
        Some(match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::Mul => a.wrapping_mul(b),
            Self::Div => a.checked_div(b)?,
            Self::Or => a | b,
            Self::And => a & b,
            // Five bits of the count, as eBPF's 32-bit shifts.
            Self::Lsh => a.wrapping_shl(b),
            Self::Rsh => a.wrapping_shr(b),
            Self::Xor => a ^ b,
        })
    }
}

impl Cmp {
    pub(crate) fn holds(self, a: u32, b: u32) -> bool {
        match self {
            Self::Jeq => a == b,
            Self::Jgt => a > b,
            Self::Jge => a >= b,
            Self::Jset => a & b != 0,
        }
    }
}
