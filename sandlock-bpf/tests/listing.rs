//! The disassembler prints the listings in `golden/`.

use sandlock_bpf::{Action, Answer, Arch, Assembler, Case, Listing, Row, Table, Test};
use sandlock_sys::Errno;
use sandlock_sys::filter::SockFilter;
use sandlock_sys::nr::{s390x, x86_64};

const SOCKET: Answer<'_> = Answer::Cases(
    &[
        Case { when: &[Test::eq32(0, 1)], then: Action::ALLOW },
        Case { when: &[Test::eq32(0, 16), Test::eq32(2, 0)], then: Action::USER_NOTIF },
        Case { when: &[Test::range32(0, 2, 10), Test::masked32(1, 0xf, 1)], then: Action::ALLOW },
    ],
    Action::errno(Errno::EAFNOSUPPORT),
);
const CLONE: Answer<'_> = Answer::Cases(
    &[Case { when: &[Test::any64(0, 0x7e02_0080)], then: Action::errno(Errno::EPERM) }],
    Action::ALLOW,
);
const LSEEK: Answer<'_> = Answer::Cases(
    &[Case { when: &[Test::range64(1, 0x10, 0x3_0000_0000)], then: Action::ALLOW }],
    Action::errno(Errno::EINVAL),
);

const fn row<'a>(nr: u32, answer: Answer<'a>) -> Row<'a> {
    Row { nr, answer }
}

fn listing(arch: Arch, rows: &[Row<'_>]) -> String {
    let missing = Action::errno(Errno::ENOSYS);
    let mut asm = Assembler::<64>::new();
    let table = Table { arch, rows, missing, foreign: Action::KILL_PROCESS, compat: None };
    table.compile(&mut asm).map(|program| Listing::new(program, arch).to_string()).expect("a short table")
}

#[test]
fn a_filter() {
    let allow = Answer::Always(Action::ALLOW);
    let rows = [
        row(x86_64::READ, allow),
        row(x86_64::WRITE, allow),
        row(x86_64::LSEEK, LSEEK),
        row(x86_64::SOCKET, SOCKET),
        row(x86_64::CLONE, CLONE),
    ];
    assert_eq!(listing(Arch::X86_64, &rows), include_str!("golden/x86_64.txt"));
    let rows = [
        row(s390x::READ, allow),
        row(s390x::WRITE, allow),
        row(s390x::LSEEK, LSEEK),
        row(s390x::CLONE, CLONE),
        row(s390x::SOCKET, SOCKET),
    ];
    assert_eq!(listing(Arch::S390X, &rows), include_str!("golden/s390x.txt"));
}

#[test]
fn every_instruction() {
    let alu = [
        0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0xa4,
        0xac,
    ];
    let rest =
        [0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x16];
    let more = [0x60, 0x61, 0x80, 0x81, 0x84, 0x87, 0x28, 0xffff];
    let codes =
        alu.iter().chain(&rest).chain(&more).map(|code| SockFilter { code: *code, jt: 1, jf: 2, k: 5 });
    let fields = (0..=64).step_by(4).map(|k| SockFilter { code: 0x20, jt: 0, jf: 0, k });
    let program: Vec<_> = codes.chain(fields).collect();
    assert_eq!(Listing::new(&program, Arch::X86_64).to_string(), include_str!("golden/insn.txt"));
}
