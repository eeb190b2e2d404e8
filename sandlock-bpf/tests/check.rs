//! Which programs the kernel takes: each of its rules, from either side.

use sandlock_bpf::{Fault, FaultKind, MAXINSNS, check, run, trace};
use sandlock_sys::filter::{Data, SockFilter};

/// The codes of the list in `seccomp_check_filter()`.
const CODES: [u16; 41] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x14, 0x15, 0x16, 0x1c, 0x1d, 0x20, 0x24, 0x25,
    0x2c, 0x2d, 0x34, 0x35, 0x3c, 0x3d, 0x44, 0x45, 0x4c, 0x4d, 0x54, 0x5c, 0x60, 0x61, 0x64, 0x6c, 0x74,
    0x7c, 0x80, 0x81, 0x84, 0x87, 0xa4, 0xac,
];

const RET: SockFilter = insn(0x06, 0, 0, 0x7fff_0000);

const fn insn(code: u16, jt: u8, jf: u8, k: u32) -> SockFilter {
    SockFilter { code, jt, jf, k }
}

#[test]
fn exactly_the_codes_of_seccomp_are_taken() {
    // All that the rules know are in the first 256; an interpreter of the test has no time for the others.
    let last = if cfg!(miri) { 0x00ff } else { u16::MAX };
    for code in 0..=last {
        // The load of a scratch word needs it stored, and no operand of 1 to 3 is wrong for any code but LD
        // ABS.
        let k = if code == 0x20 { 4 } else { 1 };
        let program = [insn(0x02, 0, 0, 1), insn(code, 0, 0, k), RET, RET];
        let want = if CODES.contains(&code) { Ok(()) } else { Err(Fault { at: 1, kind: FaultKind::Code }) };
        assert_eq!(check(&program), want, "{code:#x}");
        assert_eq!(run(&program, &Data::default()).is_ok(), want.is_ok(), "{code:#x}");
    }
}

#[test]
fn a_program_has_1_to_4096_instructions() {
    assert_eq!(check(&[]), Err(Fault { at: 0, kind: FaultKind::Length }));
    assert_eq!(check(&[RET; 1]), Ok(()));
    assert_eq!(check(&[RET; MAXINSNS]), Ok(()));
    assert_eq!(check(&[RET; MAXINSNS + 1]), Err(Fault { at: 4097, kind: FaultKind::Length }));
}

#[test]
fn each_bad_program_is_refused_for_its_fault() {
    const ST3: SockFilter = insn(0x02, 0, 0, 3);
    const STX3: SockFilter = insn(0x03, 0, 0, 3);
    const LD3: SockFilter = insn(0x60, 0, 0, 3);
    const LDX3: SockFilter = insn(0x61, 0, 0, 3);
    let jeq = |jt, jf| insn(0x15, jt, jf, 0);
    let ja = |k| insn(0x05, 0, 0, k);
    let alu = |code, k| insn(code, 0, 0, k);
    let good: &[&[SockFilter]] = &[
        &[insn(0x20, 0, 0, 60), RET],
        &[insn(0x16, 0, 0, 0)],
        &[ja(1), RET, RET],
        &[ja(0), RET],
        &[jeq(1, 0), RET, RET],
        &[jeq(0, 1), RET, RET],
        &[insn(0x1d, 1, 1, 0), RET, RET],
        &[insn(0x02, 0, 0, 15), insn(0x60, 0, 0, 15), RET],
        &[ST3, LD3, LDX3, STX3, RET],
        // Stored on both ways.
        &[jeq(0, 2), ST3, ja(1), STX3, LD3, RET],
        // A shift or a division by the constant that still works, and by X whatever that is.
        &[alu(0x34, 1), alu(0x64, 31), alu(0x74, 31), alu(0x3c, 0), alu(0x6c, 0), RET],
        // Unreachable instructions may jump anywhere within the program.
        &[RET, ja(0), RET],
    ];
    for program in good {
        assert_eq!(check(program), Ok(()), "{program:?}");
        assert!(run(program, &Data::default()).is_ok(), "{program:?}");
    }
    let bad: &[(&[SockFilter], usize, FaultKind)] = &[
        (&[insn(0x20, 0, 0, 64), RET], 0, FaultKind::Offset),
        (&[insn(0x20, 0, 0, 2), RET], 0, FaultKind::Offset),
        (&[insn(0x20, 0, 0, 61), RET], 0, FaultKind::Offset),
        // SKF_AD_OFF: what a packet filter may load there.
        (&[insn(0x20, 0, 0, 0xffff_f000), RET], 0, FaultKind::Offset),
        (&[insn(0x28, 0, 0, 0), RET], 0, FaultKind::Code),
        (&[insn(0x30, 0, 0, 0), RET], 0, FaultKind::Code),
        (&[insn(0x40, 0, 0, 0), RET], 0, FaultKind::Code),
        (&[insn(0xb1, 0, 0, 0), RET], 0, FaultKind::Code),
        (&[insn(0x94, 0, 0, 1), RET], 0, FaultKind::Code),
        (&[insn(0x0e, 0, 0, 0)], 0, FaultKind::Code),
        (&[insn(0x02, 0, 0, 16), RET], 0, FaultKind::Scratch),
        (&[insn(0x03, 0, 0, u32::MAX), RET], 0, FaultKind::Scratch),
        (&[insn(0x60, 0, 0, 16), RET], 0, FaultKind::Scratch),
        (&[alu(0x34, 0), RET], 0, FaultKind::Division),
        (&[alu(0x64, 32), RET], 0, FaultKind::Shift),
        (&[alu(0x74, u32::MAX), RET], 0, FaultKind::Shift),
        (&[ja(1), RET], 0, FaultKind::Jump),
        (&[RET, ja(0)], 1, FaultKind::Jump),
        (&[ja(u32::MAX), RET], 0, FaultKind::Jump),
        (&[jeq(1, 0), RET], 0, FaultKind::Jump),
        (&[jeq(0, 1), RET], 0, FaultKind::Jump),
        (&[insn(0x2d, 255, 0, 0), RET], 0, FaultKind::Jump),
        (&[RET, insn(0x20, 0, 0, 0)], 1, FaultKind::End),
        (&[insn(0x07, 0, 0, 0)], 0, FaultKind::End),
        (&[LD3, RET], 0, FaultKind::Unset),
        (&[LDX3, RET], 0, FaultKind::Unset),
        (&[insn(0x02, 0, 0, 2), LD3, RET], 1, FaultKind::Unset),
        // Stored on one way of two.
        (&[jeq(0, 1), ST3, LD3, RET], 2, FaultKind::Unset),
        (&[jeq(0, 2), ST3, ja(0), LD3, RET], 3, FaultKind::Unset),
        // The kernel does not know that nothing gets here.
        (&[RET, LD3, RET], 1, FaultKind::Unset),
    ];
    for (program, at, kind) in bad {
        assert_eq!(check(program), Err(Fault { at: *at, kind: *kind }), "{program:?}");
    }
}

#[test]
fn a_run_counts_its_instructions_and_stops_at_what_it_cannot_execute() {
    let call = Data { nr: -1, arch: 7, instruction_pointer: 0, args: [0; 6] };
    // 7 + 64, by way of X, scratch memory and a jump.
    let sum = [
        insn(0x81, 0, 0, 0),
        insn(0x03, 0, 0, 15),
        insn(0x20, 0, 0, 4),
        insn(0x07, 0, 0, 0),
        insn(0x05, 0, 0, 1),
        RET,
        insn(0x60, 0, 0, 15),
        insn(0x0c, 0, 0, 0),
        insn(0x16, 0, 0, 0),
    ];
    assert_eq!(trace(&sum, &call).map(|run| (run.word, run.steps)), Ok((71, 8)));
    // Division by an X of 0 ends the program with 0.
    assert_eq!(run(&[insn(0x3c, 0, 0, 0), RET], &call), Ok(0));
    for (program, at, kind) in [
        (&[insn(0x05, 0, 0, 0x7fff_ffff), RET], 0x8000_0000, FaultKind::Jump),
        (&[insn(0x60, 0, 0, 3), RET], 0, FaultKind::Unset),
        (&[insn(0x60, 0, 0, 99), RET], 0, FaultKind::Scratch),
        (&[insn(0x07, 0, 0, 0), insn(0x20, 0, 0, 64)], 1, FaultKind::Offset),
        (&[insn(0x07, 0, 0, 0), insn(0x07, 0, 0, 0)], 2, FaultKind::Jump),
        (&[insn(0xff, 0, 0, 0), RET], 0, FaultKind::Code),
    ] {
        assert_eq!(run(program, &call), Err(Fault { at, kind }), "{program:?}");
    }
    let fault = Fault { at: 3, kind: FaultKind::Jump };
    assert_eq!(fault.to_string(), "instruction 3: jump out of the program");
}
