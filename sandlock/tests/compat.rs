//! Programs of a narrower architecture, which the same kernel runs: killed by their first call, or let run
//! under a table of their own numbers.

#![cfg(all(feature = "cli", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use common::{Dir, Ran, run, skip};
use sandlock_sys::nr;

/// Where the program's data is, of which the first bytes are the headers that the kernel reads.
const DATA: u32 = 0x1_0000 + HEADERS;
/// `Elf32_Ehdr` and one `Elf32_Phdr`.
const HEADERS: u32 = 52 + 32;

/// An argument of a call.
#[derive(Clone, Copy)]
enum Arg {
    /// A number.
    Is(i32),
    /// The address of a byte of the program's data.
    At(u32),
    /// What the first call returned.
    First,
}
use Arg::{At, First, Is};

/// A call by name, and its arguments.
type Call<'a> = (&'a str, &'a [Arg]);

/// Code that makes calls until one fails, and exits with its errno, or with 0; and where in it the beginning
/// is.
#[cfg(target_arch = "x86_64")]
fn code(calls: &[Call<'_>]) -> (u16, Vec<u8>, u32) {
    // neg eax; mov ebx, eax; mov eax, 1; int 0x80
    let exit = b"\xf7\xd8\x89\xc3\xb8\x01\0\0\0\xcd\x80".to_vec();
    let mut code = exit.clone();
    for (index, (name, args)) in calls.iter().enumerate() {
        // ebx, ecx, edx, esi, edi, ebp
        for (arg, register) in args.iter().zip([3u8, 1, 2, 6, 7, 5]) {
            match arg {
                First => code.extend([0x8b, register << 3 | 4, 0x24]),
                Is(_) | At(_) => code.extend([&[0xb8 | register][..], &arg.word().to_le_bytes()].concat()),
            }
        }
        code.extend([&b"\xb8"[..], &number(name).to_le_bytes(), b"\xcd\x80"].concat());
        // cmp eax, -4095; jae exit
        code.extend(b"\x3d\x01\xf0\xff\xff\x0f\x83");
        let back = u32::try_from(code.len() + 4).unwrap();
        code.extend(back.wrapping_neg().to_le_bytes());
        if index == 0 {
            // push eax
            code.push(0x50);
        }
    }
    // xor eax, eax; and the exit once more.
    code.extend([b"\x31\xc0", &exit[..]].concat());
    (3, code, u32::try_from(exit.len()).unwrap())
}

/// The same of 32-bit Arm.
#[cfg(target_arch = "aarch64")]
fn code(calls: &[Call<'_>]) -> (u16, Vec<u8>, u32) {
    // movw, movt
    let load = |register: u32, word: u32| {
        [(0xe300_0000, word & 0xffff), (0xe340_0000, word >> 16)]
            .map(|(code, half)| code | (half >> 12) << 16 | register << 12 | half & 0xfff)
    };
    // rsb r0, r0, #0; mov r7, #1; svc 0
    let exit = [0xe260_0000, 0xe3a0_7001, 0xef00_0000u32];
    let mut code = exit.to_vec();
    for (index, (name, args)) in calls.iter().enumerate() {
        for (arg, register) in args.iter().zip(0u32..) {
            match arg {
                // mov rN, r8
                First => code.push(0xe1a0_0008 | register << 12),
                Is(_) | At(_) => code.extend(load(register, arg.word())),
            }
        }
        code.extend(load(7, number(name)));
        // svc 0; cmn r0, #4096; bhi exit
        code.extend([0xef00_0000, 0xe370_0a01]);
        let back = u32::try_from(code.len() + 2).unwrap().wrapping_neg();
        code.push(0x8a00_0000 | back & 0xff_ffff);
        if index == 0 {
            // mov r8, r0
            code.push(0xe1a0_8000);
        }
    }
    // mov r0, #0
    code.push(0xe3a0_0000);
    code.extend(exit);
    (40, code.iter().flat_map(|word| word.to_le_bytes()).collect(), 12)
}

impl Arg {
    fn word(self) -> u32 {
        match self {
            Is(number) => number.cast_unsigned(),
            At(offset) => DATA + offset,
            First => unreachable!("it is in a register"),
        }
    }
}

fn number(name: &str) -> u32 {
    nr::number(nr::COMPAT, nr::Name::parse(name).unwrap()).unwrap()
}

/// An executable of 32 bits: its headers, data, and code.
fn executable(data: &[u8], calls: &[Call<'_>]) -> Vec<u8> {
    let (machine, code, start) = code(calls);
    let mut data = data.to_vec();
    data.resize(data.len().next_multiple_of(4), 0);
    let code_at = DATA + u32::try_from(data.len()).unwrap();
    let (at, len) = (DATA - HEADERS, HEADERS + u32::try_from(data.len() + code.len()).unwrap());
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // e_type, e_machine; e_version, e_entry, e_phoff, e_shoff, e_flags (EABI 5, which x86 has no use for);
    // e_ehsize and the rest.
    file.extend([2, machine].map(u16::to_le_bytes).as_flattened());
    file.extend([1, code_at + start, 52, 0, 0x0500_0000].map(u32::to_le_bytes).as_flattened());
    file.extend([52u16, 32, 1, 40, 0, 0].map(u16::to_le_bytes).as_flattened());
    // PT_LOAD, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, PF_R | PF_W | PF_X, p_align.
    file.extend([1, 0, at, at, len, len, 7, 0x1_0000].map(u32::to_le_bytes).as_flattened());
    [file, data, code].concat()
}

/// The same calls without a sandbox and in one.
fn both(flags: &[&str], data: &[u8], calls: &[Call<'_>]) -> (Dir, Ran, Ran) {
    let dir = Dir::new();
    dir.file("narrow", 0o755, executable(data, calls));
    let outside = run(&mut dir.bare("exec ./narrow"));
    let inside = run(&mut dir.sandlock([&["run", "-q", "-w", "."], flags, &["--", "./narrow"]].concat()));
    (dir, outside, inside)
}

/// Whether this kernel runs such programs at all; if not, `test` skips.
fn runs_them<T>(test: T) -> bool {
    let runs = both(&[], b"", &[("getpid", &[])]).1.code == 0;
    if !runs {
        skip(test, "this kernel runs no program of 32 bits");
    }
    runs
}

const ALLOW: &[&str] = &["--allow-compat"];

#[test]
fn compat_programs_are_killed_unless_they_are_allowed() {
    if !runs_them(compat_programs_are_killed_unless_they_are_allowed) {
        return;
    }
    let dir = Dir::new();
    // Its status is the descriptor's number, as an errno: EBADF.
    dir.file("narrow", 0o755, executable(b"", &[("close", &[Is(77)])]));
    assert_eq!(run(&mut dir.bare("./narrow")).code, 9);
    // By SIGSYS.
    assert_eq!(run(&mut dir.sandboxed(&["-w", "."], "exec ./narrow")).code, 128 + 31);
    assert_eq!(run(&mut dir.sandboxed(&["-w", "."], "./narrow; echo $?")).ok(), "159\n");
    assert_eq!(run(&mut dir.sandboxed(&["-w", ".", "--allow-compat"], "exec ./narrow")).code, 9);
    assert_eq!(run(&mut dir.sandboxed(&["-w", ".", "--allow-compat"], "./narrow; echo $?")).ok(), "9\n");
}

#[test]
fn compat_calls_are_refused_as_native_ones_are() {
    if !runs_them(compat_calls_are_refused_as_native_ones_are) {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
    let address = [2, 0, high, low, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let outside = Dir::new();
    outside.file("file", 0o600, "secret");
    let path = [outside.join("file").to_str().unwrap().as_bytes(), b"\0"].concat();
    let ours = i32::try_from(std::process::id()).unwrap();
    let cwd = Is(libc::AT_FDCWD);
    let (eperm, eacces, enosys) = (libc::EPERM, libc::EACCES, libc::ENOSYS);
    // Before that Landlock knows of no signals, as the caller has agreed to.
    let signals = if sandlock::Abi::current().is_ok_and(|abi| abi.version() >= 6) { eperm } else { 0 };
    let rows: [(&[u8], &[Call<'_>], bool, i32); 21] = [
        (b"", &[("socket", &[Is(2), Is(2), Is(1)])], false, eacces),
        (b"", &[("socket", &[Is(40), Is(1), Is(0)])], false, libc::EAFNOSUPPORT),
        (&address, &[("socket", &[Is(2), Is(1), Is(0)]), ("connect", &[First, At(0), Is(16)])], true, eacces),
        (b"", &[("socket", &[Is(2), Is(1), Is(0)]), ("listen", &[First, Is(1)])], true, eacces),
        (b"", &[("socket", &[Is(16), Is(3), Is(10)])], false, libc::EPROTONOSUPPORT),
        (b"", &[("unshare", &[Is(0x1000_0000)])], false, eperm),
        (b"", &[("personality", &[Is(0x4_0006)])], true, libc::EINVAL),
        (b"", &[("ptrace", &[Is(0)])], true, eperm),
        (b"", &[("mount", &[Is(8), Is(8), Is(8), Is(0), Is(0)])], false, eperm),
        (b"", &[("ioctl", &[Is(0), Is(0x5412), Is(0)])], false, eperm),
        (b"", &[("ioctl", &[Is(0), Is(0x4004_7602), Is(0)])], false, eperm),
        (b"", &[("clone3", &[Is(0), Is(0)])], false, enosys),
        (b"", &[("io_uring_setup", &[Is(0), Is(0)])], false, enosys),
        (b"", &[("kill", &[Is(ours), Is(0)])], true, signals),
        (b"", &[("setpriority", &[Is(0), Is(ours), Is(0)])], true, eperm),
        (b"", &[("prlimit64", &[Is(ours), Is(7), Is(0), Is(0)])], true, eperm),
        (&path, &[("openat", &[cwd, At(0), Is(1), Is(0)])], true, eacces),
        (&path, &[("chmod", &[At(0), Is(0o600)])], true, eacces),
        (&path, &[("chown32", &[At(0), Is(-1), Is(-1)])], true, eacces),
        (&path, &[("utimensat", &[cwd, At(0), Is(0), Is(0)])], true, eacces),
        (&path, &[("utimensat_time64", &[cwd, At(0), Is(0), Is(0)])], true, eacces),
    ];
    let granted = ["--allow-compat", "-r", outside.text()];
    let mut wrong = String::new();
    for (data, calls, works, errno) in rows {
        let (_, bare, boxed) = both(&granted, data, calls);
        if (works && bare.code != 0) || boxed.code != errno {
            wrong +=
                &format!("{}: outside {bare:?}, inside not {errno}: {boxed:?}\n", calls.last().unwrap().0);
        }
    }
    // The calls of all sockets and of System V by one number.
    if cfg!(target_arch = "x86_64") {
        for (calls, errno) in
            [(("socketcall", &[Is(1), At(0)][..]), enosys), (("ipc", &[Is(24)]), libc::EINVAL)]
        {
            assert_eq!(both(ALLOW, b"", &[calls]).2.code, errno);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn compat_structures_are_read_as_they_are_laid_out() {
    if !runs_them(compat_structures_are_read_as_they_are_laid_out) {
        return;
    }
    let cwd = Is(libc::AT_FDCWD);
    let (narrow, wide) = ([1i32, 0, 2, 0].map(i32::to_ne_bytes), [3i64, 0, 4, 0].map(i64::to_ne_bytes));
    let data = [b"narrow\0\0", narrow.as_flattened(), wide.as_flattened()].concat();
    for (call, mtime) in [("utimensat", 2), ("utimensat_time64", 4)] {
        let times = At(if mtime == 2 { 8 } else { 24 });
        let (dir, bare, boxed) = both(ALLOW, &data, &[(call, &[cwd, At(0), times, Is(0)])]);
        assert_eq!((bare.code, boxed.code), (0, 0), "{call}: {boxed:?}");
        assert_eq!(fs::metadata(dir.join("narrow")).unwrap().mtime(), mtime, "{call}");
    }
    let (dir, _, boxed) = both(ALLOW, &data, &[("fchmodat", &[cwd, At(0), Is(0o711)])]);
    assert_eq!(boxed.code, 0, "{boxed:?}");
    assert_eq!(fs::metadata(dir.join("narrow")).unwrap().permissions().mode() & 0o777, 0o711);

    // An `ifconf` of two words, and room for one `ifreq` of 32 bytes and what must stay as it is.
    let ifconf = [32, DATA + 8].map(u32::to_ne_bytes);
    let data = [ifconf.as_flattened(), &[b'-'; 40]].concat();
    let socket = ("socket", &[Is(2), Is(1), Is(0)][..]);
    let written = ("write", &[Is(1), At(0), Is(48)][..]);
    let (_, bare, boxed) = both(ALLOW, &data, &[socket, ("ioctl", &[First, Is(0x8912), At(0)]), written]);
    assert!(bare.code == 0 && boxed.code == 0 && boxed.out.get(8..10) == Some("lo"), "{boxed:?}");
    assert!(boxed.out.ends_with("\0--------") && boxed.out.starts_with(' '), "{boxed:?}");

    // An `ifreq` by name is answered with the index, and no further than it goes.
    let data = [&b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], &[b'-'; 32]].concat();
    let calls = [socket, ("ioctl", &[First, Is(0x8933), At(0)]), written];
    let (_, bare, boxed) = both(ALLOW, &data, &calls);
    assert!(bare.code == 0 && boxed.code == 0, "{boxed:?}");
    assert_eq!(
        boxed.out.as_bytes()[16..],
        [[1, 0, 0, 0], [0; 4], [0; 4], [0; 4], *b"----", *b"----", *b"----", *b"----"].concat()
    );
}

#[test]
fn compat_programs_have_the_emulated_network() {
    if !runs_them(compat_programs_have_the_emulated_network) {
        return;
    }
    // A sockaddr_nl; a dump of links; how long a name may be; room.
    let (len, [kind, flags]) = (20u32.to_ne_bytes(), [18u16, 0x301].map(u16::to_ne_bytes));
    let data =
        [&[16u8, 0][..], &[0; 10], &len, &kind, &flags, &[0; 12], &12u32.to_ne_bytes(), &[b'-'; 16]].concat();
    assert_eq!(data.len(), 12 + 20 + 4 + 16);
    let calls: &[Call<'_>] = &[
        ("socket", &[Is(16), Is(3), Is(0)]),
        ("bind", &[First, At(0), Is(12)]),
        ("getsockname", &[First, At(36), At(32)]),
        ("write", &[Is(1), At(32), Is(6)]),
        ("sendto", &[First, At(12), Is(20), Is(0), Is(0), Is(0)]),
        // MSG_DONTWAIT: the answer is there when send returns.
        ("recvfrom", &[First, At(12), Is(20), Is(0x40), Is(0), Is(0)]),
        ("write", &[Is(1), At(16), Is(2)]),
    ];
    for compat in [true, false] {
        let (_, bare, boxed) = both(if compat { ALLOW } else { &[] }, &data, calls);
        assert_eq!(bare.code, 0, "{bare:?}");
        if compat {
            // A name of 12 bytes, AF_NETLINK; RTM_NEWLINK.
            assert_eq!((boxed.code, &*boxed.out), (0, "\x0c\0\0\0\x10\0\x10\0"), "{boxed:?}");
        } else {
            assert_eq!(boxed.code, 128 + 31, "{boxed:?}");
        }
    }
}
