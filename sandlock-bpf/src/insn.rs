//! Classic BPF instructions by the kernel's names (`linux/bpf_common.h`), as far as seccomp takes them.

/// `BPF_MAXINSNS`: the most instructions a program may have.
pub const MAXINSNS: usize = 4096;

pub(crate) const LD: u16 = 0x00;
pub(crate) const ALU: u16 = 0x04;
const JMP: u16 = 0x05;
pub(crate) const RET: u16 = 0x06;

const ABS: u16 = 0x20;

/// `BPF_LD | BPF_W | BPF_ABS`: load the word at offset `k`.
pub(crate) const LD_ABS: u16 = LD | ABS;
/// `BPF_ALU | BPF_AND | BPF_K`
pub(crate) const AND_K: u16 = ALU | 0x50;
/// `BPF_JMP | BPF_JA`
pub(crate) const JA: u16 = JMP;
/// `BPF_JMP | BPF_JEQ | BPF_K`
pub(crate) const JEQ_K: u16 = JMP | 0x10;
/// `BPF_JMP | BPF_JGT | BPF_K`
pub(crate) const JGT_K: u16 = JMP | 0x20;
/// `BPF_JMP | BPF_JGE | BPF_K`
pub(crate) const JGE_K: u16 = JMP | 0x30;
/// `BPF_JMP | BPF_JSET | BPF_K`
pub(crate) const JSET_K: u16 = JMP | 0x40;
/// `BPF_RET | BPF_K`
pub(crate) const RET_K: u16 = RET;
