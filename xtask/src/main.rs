//! The work on sandlock: `cargo xtask TASK`, one file for each task.

use std::{env, path::Path, process::ExitCode};

pub(crate) use command::Outcome;

mod api;
mod arrows;
mod audit;
mod bench;
mod ci;
mod circles;
mod codegen;
mod codegen_netlink;
mod command;
mod deny;
mod dist;
mod executables;
mod fuzz;
mod guest;
mod inject;
mod install;
mod jobs;
mod libtest;
mod miri;
mod msrv;
mod native;
mod nightly;
mod oracle;
mod package;
mod record;
mod setup;
mod skips;
mod source;
mod stage;
mod stress;
mod test;
mod tidy;
mod verdict;

/// A task of `cargo xtask`: what its help prints, and what runs it.
struct Task {
    name: &'static str,
    /// One line of `cargo xtask help`.
    about: &'static str,
    /// Each option or operand, and its one line of `cargo xtask TASK --help`. Other options are refused.
    options: &'static [(&'static str, &'static str)],
    run: fn(&[String]) -> Outcome,
}

const TASKS: &[Task] = &[
    Task {
        name: "ci",
        about: "run every check of CI, up to the first that fails",
        options: &[("--quick", "what to run before every commit: no virtual machines, no release builds")],
        run: ci::run,
    },
    Task {
        name: "install",
        about: "build the static sandlock of this machine, and install it in /usr/local/bin or ~/.local/bin",
        options: &[("--to DIR", "install it in this folder")],
        run: install::run,
    },
    Task {
        name: "setup",
        about: "install the programs and Rust targets that tests and checks need",
        options: &[],
        run: setup::run,
    },
    Task {
        name: "test",
        about: "run every test here (as root: also as an unprivileged user), or in virtual machines",
        options: &[
            ("--filter SUBSTR", "only tests whose name contains SUBSTR"),
            ("--arch A,B|all", "in virtual machines of these architectures"),
            ("--kernel K,L|newest|all", "in virtual machines with these kernels, of x86_64 without --arch"),
            ("--matrix", "every architecture with every kernel"),
            ("--user", "only what never reaches the kernel, in qemu's user mode"),
            ("--shell", "no tests, but a console in the virtual machine"),
            ("--ci", "the selection of CI; a skip outside xtask/src/skips.rs is a failure"),
            ("--no-skips", "every skip is a failure"),
        ],
        run: test::run,
    },
    Task {
        name: "tidy",
        about: "check what the compiler does not; count lines and unsafe blocks",
        options: &[],
        run: tidy::run,
    },
    Task {
        name: "audit",
        about: "compare AUDIT.md with the sources; link the layers without an allocator",
        options: &[
            ("--bless", "write AUDIT.md and the golden files of the policy anew"),
            ("--quick", "only compare: link nothing"),
        ],
        run: audit::run,
    },
    Task {
        name: "msrv",
        about: "build with the oldest compiler that rust-version allows, if it is installed",
        options: &[],
        run: msrv::run,
    },
    Task {
        name: "deny",
        about: "check licences, sources and advisories of the dependencies with cargo-deny",
        options: &[("--ci", "a missing cargo-deny is reported, and no failure")],
        run: deny::run,
    },
    Task {
        name: "package",
        about: "pack and build each crate as a registry would get it",
        options: &[("--quick", "pack only: build nothing")],
        run: package::run,
    },
    Task {
        name: "codegen",
        about: "generate sandlock-sys/src/nr and the numbers of rtnetlink from their tables",
        options: &[("--check", "write nothing; fail if a generated file differs")],
        run: codegen::run,
    },
    Task {
        name: "fuzz",
        about: "feed hostile bytes to every parser",
        options: &[
            ("TARGET…", "only these targets of fuzz/fuzz_targets"),
            ("--seconds N", "run each target for N seconds"),
            ("--ci", "a missing nightly compiler is reported, and no failure"),
        ],
        run: fuzz::run,
    },
    Task {
        name: "miri",
        about: "interpret the tests that make no system call",
        options: &[
            ("--quick", "only what takes a minute"),
            ("--ci", "the same; a missing nightly compiler is reported, and no failure"),
        ],
        run: miri::run,
    },
    Task {
        name: "stress",
        about: "run stress-ng and trinity in sandboxes (as root)",
        options: &[
            ("--seconds N", "run each load for N seconds"),
            ("--classes", "every class of stress-ng"),
            ("--ci", "a missing program is reported, and no failure"),
        ],
        run: stress::run,
    },
    Task {
        name: "jobs",
        about: "run ordinary commands outside and inside a sandbox, and compare how they end",
        options: &[
            ("--third N", "only each third command, from the Nth on"),
            ("--only PART", "only the commands with this in their names, or of this group"),
            ("--root", "as root, and not as an unprivileged user"),
            ("--list", "run nothing, and print the commands"),
            ("--ci", "the selection of CI: the first third"),
        ],
        run: jobs::run,
    },
    Task {
        name: "record",
        about: "record the running kernel's answers for the tests of sandlock-netlink anew (as root)",
        options: &[],
        run: record::run,
    },
    Task {
        name: "inject",
        about: "let each call of every process of sandlock fail in a run of its own",
        options: &[
            ("--only CALL | ROLE[/CALL[/N[/FAULT]]]", "only these failures"),
            ("--seconds N", "stop after N seconds"),
            ("--every", "each call every time it is made, and not at most five times"),
            ("--verbose", "print how each run ends"),
            ("--ci", "the selection of CI"),
        ],
        run: inject::run,
    },
    Task {
        name: "oracle",
        about: "run the kernel's selftests of Landlock and seccomp, alone and through sandlock-sys (as root)",
        options: &[],
        run: oracle::run,
    },
    Task {
        name: "bench",
        about: "measure what a sandbox costs, beside other sandboxes",
        options: &[
            ("NAME…", "only these sections; a wrong name prints the list"),
            ("--rounds N", "repeat each short measurement N times"),
            ("--bless", "write BENCHMARKS.md"),
        ],
        run: bench::run,
    },
    Task {
        name: "dist",
        about: "build static releases, and check each on a kernel of its architecture",
        options: &[("A,B", "only these architectures")],
        run: dist::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    task(&args).unwrap_or_else(|error| {
        eprintln!("xtask: {error}");
        ExitCode::FAILURE
    })
}

fn task(args: &[String]) -> Outcome {
    // Every path in the tasks starts at the root of the workspace.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or("run it as `cargo xtask`")?;
    let root = Path::new(&manifest).parent().ok_or("xtask has no folder above it")?;
    env::set_current_dir(root).map_err(|e| format!("chdir {}: {e}", root.display()))?;

    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => print(&overview()),
        ["help", name] => print(&find(name)?.help()),
        [name, rest @ ..] => {
            let task = find(name)?;
            if rest.iter().any(|word| matches!(*word, "--help" | "-h")) {
                return print(&task.help());
            }
            if let Some(option) = rest.iter().find(|word| word.starts_with('-') && !task.takes(word)) {
                return Err(format!("{name} has no {option}\n\n{}", task.help()));
            }
            (task.run)(args.get(1..).unwrap_or_default())
        }
    }
}

fn find(name: &str) -> Result<&'static Task, String> {
    let task = TASKS.iter().find(|task| task.name == name);
    task.ok_or_else(|| format!("there is no task {name}\n\n{}", overview()))
}

impl Task {
    fn takes(&self, option: &str) -> bool {
        self.options.iter().any(|(usage, _)| usage.split(' ').next() == Some(option))
    }

    fn help(&self) -> String {
        let Self { name, about, options, .. } = self;
        let operands = if options.is_empty() { "" } else { " [OPTION…]" };
        format!("{about}\n\ncargo xtask {name}{operands}{}", aligned(options))
    }
}

fn overview() -> String {
    let tasks: Vec<_> = TASKS.iter().map(|task| (task.name, task.about)).collect();
    format!("the work on sandlock\n\ncargo xtask TASK, or TASK --help{}", aligned(&tasks))
}

/// A line for each row, whose second columns begin below each other.
fn aligned(rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or_default();
    rows.iter().map(|(left, right)| format!("\n  {left:width$}  {right}")).collect()
}

fn print(help: &str) -> Outcome {
    println!("{help}");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_option_in_the_help_is_in_the_sources_of_its_task() {
        for task in TASKS {
            let paths = [format!("src/{}.rs", task.name), format!("src/{}/mod.rs", task.name)];
            let text = paths.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap();
            for (usage, _) in task.options.iter().filter(|(usage, _)| usage.starts_with('-')) {
                let option = usage.split(' ').next().unwrap();
                assert!(text.contains(&format!("\"{option}\"")), "{}: {option}", task.name);
            }
        }
    }

    #[test]
    fn help_fits_in_110_columns() {
        for help in TASKS.iter().map(Task::help).chain([overview()]) {
            for line in help.lines() {
                assert!(line.chars().count() <= 110, "{line}");
            }
        }
    }

    #[test]
    fn unknown_tasks_and_options_are_refused() {
        assert!(find("test").is_ok_and(|test| test.takes("--filter") && !test.takes("SUBSTR")));
        assert!(find("nope").is_err());
    }
}
