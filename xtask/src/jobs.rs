//! `jobs`: ordinary commands, each outside and inside a sandbox, which must end alike.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::{process::ExitCode, sync::Mutex, thread, time::Instant};

use crate::{
    Outcome,
    command::{self, cargo, run as execute},
    setup,
};
use fixtures::Fixtures;
use place::{Place, Verdict};
use table::Job;

mod fixtures;
mod place;
mod table;

/// A program, and Debian's package that has it, where their names differ.
const PACKAGES: &[(&str, &str)] = &[
    ("/usr/bin/convert", "imagemagick"),
    ("/var/lib/dpkg/info/python3-venv.list", "python3-venv"),
    ("7z", "p7zip-full"),
    ("bundle", "bundler"),
    ("bwrap", "bubblewrap"),
    ("ci", "rcs"),
    ("dot", "graphviz"),
    ("emacs", "emacs-nox"),
    ("erl", "erlang-base"),
    ("exiftool", "libimage-exiftool-perl"),
    ("fc-list", "fontconfig"),
    ("gem", "ruby"),
    ("go", "golang-go"),
    ("gpg", "gnupg"),
    ("groff", "groff-base"),
    ("gs", "ghostscript"),
    ("guile", "guile-3.0"),
    ("hg", "mercurial"),
    ("initdb", "postgresql"),
    ("inotifywait", "inotify-tools"),
    ("ip", "iproute2"),
    ("javac", "default-jdk-headless"),
    ("libtoolize", "libtool"),
    ("lua", "lua5.4"),
    ("man", "man-db"),
    ("msgfmt", "gettext"),
    ("musl-gcc", "musl-tools"),
    ("mvn", "maven"),
    ("nginx", "nginx-light"),
    ("ninja", "ninja-build"),
    ("node", "nodejs"),
    ("ocaml", "ocaml-nox"),
    ("pdftotext", "poppler-utils"),
    ("php", "php-cli"),
    ("pip3", "python3-pip"),
    ("ps", "procps"),
    ("redis-cli", "redis-tools"),
    ("rsvg-convert", "librsvg2-bin"),
    ("script", "bsdutils"),
    ("sponge", "moreutils"),
    ("ssh-keygen", "openssh-client"),
    ("svn", "subversion"),
    ("tclsh", "tcl"),
    ("xmllint", "libxml2-utils"),
];

pub(crate) fn run(args: &[String]) -> Outcome {
    let (mut third, mut only, mut list, mut as_root) = (None, None, false, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // The same third each time, so that a failure can be had again.
            "--ci" => third = Some(1),
            "--third" => {
                let number = args.next().and_then(|number| number.parse().ok());
                third = Some(number.filter(|number| (1..=3).contains(number)).ok_or("--third takes 1 to 3")?);
            }
            "--only" => only = Some(args.next().ok_or("--only takes a part of a name")?),
            "--root" => as_root = true,
            "--list" => list = true,
            _ => return Err(format!("jobs has no {arg}; see `cargo xtask jobs --help`")),
        }
    }
    if as_root && !setup::is_root() {
        return Err("only root runs them as root".into());
    }
    let is_chosen = |job: &Job| only.is_none_or(|part| job.name.contains(part) || job.group == part);
    let jobs: Vec<Job> = of_third(table::jobs()?, third).filter(is_chosen).collect();
    if list {
        for Job { group, name, run, .. } in &jobs {
            println!("{group:12}{name:42} {}", run.lines().next().unwrap_or_default());
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(why) = install(&jobs) {
        println!("NOT INSTALLED: {why}");
    }
    execute(&mut cargo(&["build", "--quiet", "--package", "sandlock"]))?;
    let place = Place::new("sandlock-jobs", as_root, &command::target("debug")?.join("sandlock"))?;
    let fixtures = Fixtures::new(&place.fixtures(), place.user(), &jobs)?;
    let verdicts = compare_all(&place, &fixtures, &jobs);
    let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count();
    let faults = count(|verdict| matches!(verdict, Verdict::Fault(_)));
    let not_run = count(|verdict| matches!(verdict, Verdict::NotRun(_)));
    println!(
        "{} jobs as {}: {} end alike, {} differ for a reason, {not_run} not run, {faults} faults",
        verdicts.len(),
        if as_root { "root" } else { "a user" },
        count(|verdict| matches!(verdict, Verdict::Same)),
        count(|verdict| matches!(verdict, Verdict::Differs(_))),
    );
    if faults > 0 {
        return Err(format!("{faults} jobs are at fault"));
    }
    // Nothing is shown by jobs that did not run.
    if not_run > verdicts.len() / 2 {
        return Err(format!("{not_run} jobs were not run"));
    }
    Ok(ExitCode::SUCCESS)
}

/// All of them, or each third one.
fn of_third(jobs: Vec<Job>, third: Option<usize>) -> impl Iterator<Item = Job> {
    let is_in = move |at: usize| third.is_none_or(|third| at % 3 == third.wrapping_sub(1));
    jobs.into_iter().enumerate().filter(move |(at, _)| is_in(*at)).map(|(_, job)| job)
}

/// Installs the packages of these jobs.
fn install(jobs: &[Job]) -> Result<(), String> {
    let package = |program: &'static str| {
        PACKAGES.iter().find(|(name, _)| *name == program).map_or(program, |row| row.1)
    };
    let programs = jobs.iter().flat_map(|job| &job.needs);
    let mut wanted: Vec<_> = programs.map(|program| (package(program), *program)).collect();
    wanted.sort_unstable();
    wanted.dedup_by_key(|(package, _)| *package);
    setup::install(&wanted)
}

/// Runs them, as many at a time as there are processors, and prints the line of each when it has ended.
fn compare_all(place: &Place, fixtures: &Fixtures, jobs: &[Job]) -> Vec<Verdict> {
    let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let started = Instant::now();
            let verdict = match missing(job, fixtures) {
                Some(why) => Verdict::NotRun(why),
                None => place.compare(job),
            };
            let seconds = started.elapsed().as_secs_f32();
            println!("{:12}{:42}{seconds:>6.1} s  {verdict}", job.group, job.name);
            verdicts.lock().into_iter().for_each(|mut verdicts| verdicts.push(verdict.clone()));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    verdicts.into_inner().unwrap_or_default()
}

/// What the machine lacks for a job.
fn missing(job: &Job, fixtures: &Fixtures) -> Option<String> {
    let programs: Vec<&str> = job.needs.iter().copied().filter(|need| !setup::is_there(need)).collect();
    let programs = (!programs.is_empty()).then(|| format!("not installed: {}", programs.join(" ")));
    programs.or_else(|| fixtures.missing(&job.setup))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_third_has_some_of_each_group_and_the_thirds_are_all() {
        let names = |third| of_third(table::jobs().unwrap(), third).map(|job| job.name);
        let thirds: Vec<&str> = (1..=3).flat_map(|third| names(Some(third))).collect();
        assert_eq!(thirds.len(), names(None).count());
        assert_eq!(thirds.into_iter().collect::<BTreeSet<_>>(), names(None).collect());
        let groups = |third| -> BTreeSet<&str> {
            of_third(table::jobs().unwrap(), third).map(|job| job.group).collect()
        };
        for third in 1..=3 {
            assert_eq!(groups(Some(third)), groups(None));
        }
    }
}
