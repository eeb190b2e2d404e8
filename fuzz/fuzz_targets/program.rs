//! Any instructions: what the kernel's rules let through runs to its end for every call, and the
//! disassembler, the verifier and the model of the kernel's bitmap predict nothing that the run does not.
#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use sandlock_bpf::{
    Action, Answer, Arch, Counterexample, Listing, Row, Table, check, constant, run, trace, verify,
};
use sandlock_sys::filter::{Data, SockFilter};

const ROWS: &[Row<'static>] = &[Row { nr: 1, answer: Answer::Always(Action::USER_NOTIF) }];

fuzz_target!(|bytes: &[u8]| {
    let Some(([number, arg], bytes)) = bytes.split_first_chunk() else { return };
    let program: Vec<SockFilter> = bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|[c0, c1, jt, jf, k @ ..]| SockFilter {
            code: u16::from_le_bytes([*c0, *c1]),
            jt: *jt,
            jf: *jf,
            k: u32::from_le_bytes(*k),
        })
        .collect();
    let taken = check(&program);
    for arch in [Arch::X86_64, Arch::S390X] {
        let table =
            Table { arch, rows: ROWS, missing: Action::ALLOW, foreign: Action::KILL_PROCESS, compat: None };
        let proof = verify(&table, &program);
        match proof {
            Err(Counterexample::Program(fault)) => assert_eq!(taken, Err(fault)),
            _ => assert_eq!(taken, Ok(())),
        }
        if let Err(Counterexample::Differs { data, table: want, program: got }) = proof {
            assert_eq!((table.answer(&data), run(&program, &data)), (want, Ok(got.word())));
            assert_ne!(want, got);
        }
        for nr in [0, 1, i32::from(*number), -1] {
            let known = constant(&program, arch, nr.cast_unsigned());
            for arg in [0, u64::from(*arg), u64::MAX, u64::from(*arg) << 32] {
                let call = Data { nr, arch: arch.audit, instruction_pointer: arg, args: [arg; 6] };
                let ran = trace(&program, &call);
                match (taken, ran) {
                    (Ok(()), Err(fault)) => panic!("{fault}"),
                    (_, Ok(run)) => {
                        assert!((1..=program.len()).contains(&run.steps));
                        assert!(known.is_none_or(|known| known == Action::from_word(run.word)));
                        assert!(proof.is_err() || run.word == table.answer(&call).word());
                    }
                    // What it stops at is there, or it jumped out.
                    (Err(_), Err(_)) => {}
                }
            }
        }
        let mut text = String::new();
        write!(text, "{}", Listing::new(&program, arch)).expect("a string takes it");
        assert!(program.is_empty() || text.lines().count() >= program.len());
    }
});
