//! `inject`: every call of every process of `sandlock run` fails once, and the sandbox must hold, end, and
//! name the failure.
//!
//! A clean run under ptrace(2) counts the calls of each role. Then each injection is a run of its own with
//! one call that fails.

use core::time::Duration;
use std::{
    collections::BTreeMap,
    fs,
    process::{Command, ExitCode},
    sync::Mutex,
    thread,
    time::Instant,
};

use crate::{
    Outcome,
    command::{self, cargo, run as execute},
};
use ground::Ground;
use plan::{Injection, Only};
use verdict::Class;

mod ground;
mod plan;
mod verdict;

/// Where the numbers of the calls have names.
const NAMES: &str = "sandlock-sys/src/nr/x86_64.rs";
/// The least number of forbidden things that a probe without a sandbox can do; root can do more.
const CONTROL: usize = 20;
/// What continuous integration takes at most; the quick ones take 20 s on two processors.
const CI_SECONDS: u64 = 60;
/// The columns of the table.
const CLASSES: [(Class, &str); 6] = [
    (Class::AsUsual, "as usual"),
    (Class::Message, "message"),
    (Class::TimedOut, "timed out"),
    (Class::Killed, "killed"),
    (Class::NotReached, "not reached"),
    (Class::Violation, "VIOLATION"),
];

/// What the command line asks.
#[derive(Default)]
struct Options {
    ci: bool,
    /// Whether each call fails every time it is made, and not at most five times.
    every: bool,
    /// Whether the end of each run is printed.
    verbose: bool,
    seconds: Option<u64>,
    only: Option<Only>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--ci" => options.ci = true,
                "--every" => options.every = true,
                "--verbose" => options.verbose = true,
                "--seconds" => {
                    options.seconds = Some(value()?.parse().map_err(|_| "--seconds wants a number")?);
                }
                "--only" => options.only = Some(Only::parse(value()?)?),
                _ => return Err(format!("inject has no {arg}; see `cargo xtask inject --help`")),
            }
        }
        Ok(options)
    }
}

/// An injection, how it is classed, and the faults that were found.
type Judged = (Injection, Class, Vec<String>);

pub(crate) fn run(args: &[String]) -> Outcome {
    let options = Options::parse(args)?;
    if let Err(why) = build() {
        if !options.ci {
            return Err(why);
        }
        println!("NOT RUN: {why}");
        return Ok(ExitCode::SUCCESS);
    }
    let names = names(&fs::read_to_string(NAMES).map_err(|e| format!("{NAMES}: {e}"))?);
    let control = Ground::new("control")?.control()?;
    if control < CONTROL {
        return Err(format!("without a sandbox the probe does {control} forbidden things, not {CONTROL}"));
    }
    let clean = Ground::new("clean")?.run(None, false)?;
    if let Some(why) = clean.refused() {
        println!("NOT RUN: ptrace(2) is refused: {why}");
        return if options.ci { Ok(ExitCode::SUCCESS) } else { Err("nothing was injected".into()) };
    }
    let (class, faults) = verdict::judge(&clean, None);
    if class != Class::AsUsual || !faults.is_empty() {
        return Err(format!("without an injection: {class:?} {faults:?}\n{}", clean.text()));
    }
    let mut injections = plan::injections(&clean.counts(&names), options.only.as_ref(), options.every);
    if options.ci {
        injections.retain(Injection::is_quick);
    }
    if let [only] = &*injections {
        return single(only, &names);
    }
    let started = Instant::now();
    let planned = injections.len();
    let limit = options.seconds.or(options.ci.then_some(CI_SECONDS)).map(Duration::from_secs);
    let results = all(injections, limit, options.verbose)?;
    print(&results);
    let timed_out = results.iter().filter(|(_, class, _)| *class == Class::TimedOut);
    timed_out.for_each(|(injection, ..)| println!("the time limit ended {injection}"));
    let missed = planned.saturating_sub(results.len());
    println!(
        "{} injections in {} s, {missed} left out for want of time",
        results.len(),
        started.elapsed().as_secs()
    );
    let faults: Vec<String> = results
        .iter()
        .filter(|(_, class, _)| *class == Class::Violation)
        .map(|(injection, _, faults)| {
            format!("{injection}: {}\n    cargo xtask inject --only {injection}", faults.join("; "))
        })
        .collect();
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(faults.join("\n")) }
}

/// Builds the injector, the probe and sandlock.
fn build() -> Result<(), String> {
    if !cfg!(target_arch = "x86_64") {
        return Err("the injector knows the registers of x86_64 only".into());
    }
    let folder = command::target("inject")?;
    for name in ["injector", "probe"] {
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-w", "-o"]).arg(folder.join(name)).arg(format!("xtask/inject/{name}.c"));
        execute(&mut cc)?;
    }
    execute(&mut cargo(&["build", "--quiet", "--release", "--package", "sandlock"]))
}

/// The names of the calls by their numbers, from a generated module.
fn names(source: &str) -> BTreeMap<u32, String> {
    let lines = source.lines().filter_map(|line| {
        let (name, number) = line.strip_prefix("pub const ")?.split_once(": u32 = ")?;
        Some((number.strip_suffix(';')?.parse().ok()?, name.to_lowercase()))
    });
    lines.collect()
}

/// Runs all injections, one for each processor at a time.
fn all(injections: Vec<Injection>, limit: Option<Duration>, verbose: bool) -> Result<Vec<Judged>, String> {
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    let waiting = Mutex::new(injections.into_iter());
    let next = || {
        let is_over = limit.is_some_and(|limit| started.elapsed() >= limit);
        waiting.lock().ok()?.next().filter(|_| !is_over)
    };
    let lane = |number: usize| -> Result<Vec<Judged>, String> {
        let ground = Ground::new(&number.to_string())?;
        let mut results = Vec::new();
        while let Some(injection) = next() {
            let run = ground.run(Some(&injection), false)?;
            let (class, faults) = verdict::judge(&run, Some(&injection));
            if verbose {
                println!("{injection}: {class:?}: {}", run.errors.lines().next().unwrap_or_default());
            }
            if class == Class::Violation {
                println!("{injection}: {}\n{}", faults.join("; "), run.text());
            }
            results.push((injection, class, faults));
        }
        Ok(results)
    };
    let lane = &lane;
    let results: Vec<_> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|number| scope.spawn(move || lane(number))).collect();
        lanes.into_iter().map(|lane| lane.join().map_err(|_| "a lane panicked".to_owned())).collect()
    });
    let mut all = Vec::new();
    for lane in results {
        all.extend(lane??);
    }
    all.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    Ok(all)
}

/// One injection, with all that was seen.
fn single(injection: &Injection, names: &BTreeMap<u32, String>) -> Outcome {
    let run = Ground::new("single")?.run(Some(injection), true)?;
    let (class, faults) = verdict::judge(&run, Some(injection));
    run.log.lines().for_each(|line| println!("{}", with_name(line, names)));
    println!("{}\n{injection}: {class:?} {}", run.text(), faults.join("; "));
    Ok(if class == Class::Violation { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A line of the trace, `# role pid NR#N(…)`, with the name of the call.
fn with_name(line: &str, names: &BTreeMap<u32, String>) -> String {
    let mut words: Vec<String> = line.splitn(4, ' ').map(str::to_owned).collect();
    if let Some(word) = words.get_mut(3)
        && let Some((number, rest)) = word.split_once('#')
        && let Some(name) = number.parse().ok().and_then(|number| names.get(&number))
    {
        *word = format!("{name}#{rest}");
    }
    words.join(" ")
}

fn print(results: &[Judged]) {
    let mut rows: BTreeMap<(&str, &str), BTreeMap<Class, usize>> = BTreeMap::new();
    let mut sums: BTreeMap<Class, usize> = BTreeMap::new();
    for (injection, class, _) in results {
        let row = rows.entry((injection.role, &injection.call)).or_default();
        for counts in [row, &mut sums] {
            let count = counts.entry(*class).or_default();
            *count = count.saturating_add(1);
        }
    }
    let line = |name: &str, counts: &BTreeMap<Class, usize>| {
        let cells = CLASSES.iter().map(|(class, _)| counts.get(class).copied().unwrap_or(0));
        let cells: String = cells.map(|count| format!("{count:>12}")).collect();
        println!("{name:36}{:>9}{cells}", counts.values().sum::<usize>());
    };
    let heads: String = CLASSES.iter().map(|(_, name)| format!("{name:>12}")).collect();
    println!("{:36}{:>9}{heads}", "", "injected");
    rows.iter().for_each(|((role, call), counts)| line(&format!("{role} {call}"), counts));
    line("all", &sums);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_names() {
        let names = names("//! X\npub const READ: u32 = 0;\npub const OPENAT2: u32 = 437;\n");
        assert_eq!(names.get(&437).map(String::as_str), Some("openat2"));
        assert_eq!(with_name("# worker 12 437#3(0x1 0x2 0x3)", &names), "# worker 12 openat2#3(0x1 0x2 0x3)");
        assert_eq!(with_name("# worker 12 = 0", &names), "# worker 12 = 0");
    }

    #[test]
    fn unknown_arguments_are_refused() {
        let parse =
            |args: &[&str]| Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert!(parse(&["--ci", "--seconds", "3", "--only", "sendto"]).unwrap().only.is_some());
        assert!(
            parse(&["--seconds"]).is_err() && parse(&["--only", "a/b/c"]).is_err() && parse(&["x"]).is_err()
        );
    }
}
