//! The architectures that are tested: what Rust, gcc, Debian and qemu call each, and the machine qemu makes.

/// An architecture that sandlock runs on.
pub(crate) struct Arch {
    /// Our name for it: the kernel's or Rust's, whichever is common.
    pub(crate) name: &'static str,
    /// Rust's target.
    pub(crate) target: &'static str,
    /// What the names of its compiler and its compiler's packages begin with.
    pub(crate) gnu: &'static str,
    /// Debian's name, in which busybox is fetched.
    pub(crate) debian: &'static str,
    /// From which kernel on, whose Debian's, in which flavour: the last row that applies counts.
    pub(crate) kernels: &'static [(&'static str, &'static str, &'static str)],
    /// qemu's program, and the package it is in.
    pub(crate) qemu: (&'static str, &'static str),
    /// qemu's program that runs a program of it here, in the package [`USER`]: it has no Landlock and no
    /// notifications.
    pub(crate) user: &'static str,
    /// The machine.
    pub(crate) machine: &'static [&'static str],
    /// Its serial console, as the kernel's command line has it, and what else it needs there: on a busy host
    /// the timer of an emulated PC is too late for the kernel's check.
    pub(crate) console: &'static str,
    /// The packages of its C library for static programs.
    pub(crate) libc: &'static str,
}

/// The package of qemu's user mode.
pub(crate) const USER: &str = "qemu-user-static";

/// Without cmpxchg16b: after it qemu 7.2 has wrong flags now and then when a 32-bit program made the call,
/// and the kernel dies of a double fault. Without page tables of five levels, which no test needs and few
/// machines have. And one processor's turn at a time: Linux on x86 changes its own code while it runs, and
/// with real threads the emulator lets another processor run into the breakpoint that stands there meanwhile.
const PC: &[&str] = &["-accel", "tcg,thread=single", "-machine", "q35", "-cpu", "max,-cx16,-la57"];

pub(crate) const ARCHES: &[Arch] = &[
    Arch {
        name: "x86_64",
        target: "x86_64-unknown-linux-gnu",
        gnu: "x86_64-linux-gnu",
        debian: "amd64",
        kernels: &[("5.10", "amd64", "cloud-amd64")],
        qemu: ("qemu-system-x86_64", "qemu-system-x86"),
        user: "qemu-x86_64-static",
        machine: PC,
        console: "ttyS0 no_timer_check",
        libc: "libc6-dev",
    },
    Arch {
        name: "i686",
        target: "i686-unknown-linux-gnu",
        gnu: "i686-linux-gnu",
        debian: "i386",
        // Debian builds no kernel for it since 6.12: what runs there is a 64-bit kernel.
        kernels: &[("5.10", "i386", "686-pae"), ("6.12", "amd64", "cloud-amd64")],
        qemu: ("qemu-system-x86_64", "qemu-system-x86"),
        user: "qemu-i386-static",
        machine: PC,
        console: "ttyS0 no_timer_check",
        libc: "libc6-dev-i386-cross",
    },
    Arch {
        name: "aarch64",
        target: "aarch64-unknown-linux-gnu",
        gnu: "aarch64-linux-gnu",
        debian: "arm64",
        kernels: &[("5.10", "arm64", "cloud-arm64")],
        qemu: ("qemu-system-aarch64", "qemu-system-arm"),
        user: "qemu-aarch64-static",
        machine: &["-machine", "virt", "-cpu", "cortex-a57"],
        console: "ttyAMA0",
        libc: "libc6-dev-arm64-cross",
    },
    Arch {
        name: "armv7",
        target: "armv7-unknown-linux-gnueabihf",
        gnu: "arm-linux-gnueabihf",
        debian: "armhf",
        kernels: &[("5.10", "armhf", "armmp")],
        qemu: ("qemu-system-arm", "qemu-system-arm"),
        user: "qemu-arm-static",
        machine: &["-machine", "virt,highmem=off", "-cpu", "cortex-a15"],
        console: "ttyAMA0",
        libc: "libc6-dev-armhf-cross",
    },
    Arch {
        name: "riscv64",
        target: "riscv64gc-unknown-linux-gnu",
        gnu: "riscv64-linux-gnu",
        debian: "riscv64",
        kernels: &[("6.12", "riscv64", "riscv64")],
        qemu: ("qemu-system-riscv64", "qemu-system-misc"),
        user: "qemu-riscv64-static",
        machine: &["-machine", "virt", "-bios", "default"],
        console: "ttyS0",
        libc: "libc6-dev-riscv64-cross",
    },
    Arch {
        name: "s390x",
        target: "s390x-unknown-linux-gnu",
        gnu: "s390x-linux-gnu",
        debian: "s390x",
        kernels: &[("6.1", "s390x", "s390x")],
        qemu: ("qemu-system-s390x", "qemu-system-misc"),
        user: "qemu-s390x-static",
        machine: &["-machine", "s390-ccw-virtio", "-cpu", "max"],
        console: "ttyS0",
        libc: "libc6-dev-s390x-cross",
    },
    Arch {
        name: "ppc64le",
        target: "powerpc64le-unknown-linux-gnu",
        gnu: "powerpc64le-linux-gnu",
        debian: "ppc64el",
        kernels: &[("6.1", "ppc64el", "powerpc64le")],
        qemu: ("qemu-system-ppc64", "qemu-system-ppc"),
        user: "qemu-ppc64le-static",
        machine: &[
            "-machine",
            "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
            "-cpu",
            "power9",
        ],
        console: "hvc0",
        libc: "libc6-dev-ppc64el-cross",
    },
];

impl Arch {
    /// The variables by which cargo links static programs for this architecture.
    pub(crate) fn environment(&self) -> [(String, String); 2] {
        let upper = self.target.to_uppercase().replace('-', "_");
        let variable = |what: &str| format!("CARGO_TARGET_{upper}_{what}");
        [
            (variable("LINKER"), format!("{}-gcc", self.gnu)),
            (variable("RUSTFLAGS"), "-Ctarget-feature=+crt-static -Crelocation-model=static".into()),
        ]
    }

    /// Debian's packages for building and booting, each with the program or file that proves it is there.
    pub(crate) fn packages(&self) -> [(String, String); 3] {
        let (qemu, package) = self.qemu;
        let cross = self.gnu != "x86_64-linux-gnu";
        let root = if cross { format!("/usr/{}/lib", self.gnu) } else { format!("/usr/lib/{}", self.gnu) };
        [
            (format!("gcc-{}", self.gnu.replace('_', "-")), format!("{}-gcc", self.gnu)),
            (self.libc.into(), format!("{root}/libc.a")),
            (package.into(), qemu.into()),
        ]
    }
}
