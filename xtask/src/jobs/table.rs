//! The jobs: a text file for each group, and in it a paragraph for each job.
//!
//! A paragraph starts with the job's name; each further line is `KEY: VALUE`. Lines with four spaces before
//! them continue the value. A line that starts with `#` is a comment.

/// Each group and its file.
const GROUPS: &[(&str, &str)] = &[
    ("shells", include_str!("shells.txt")),
    ("editors", include_str!("editors.txt")),
    ("languages", include_str!("languages.txt")),
    ("packages", include_str!("packages.txt")),
    ("toolchains", include_str!("toolchains.txt")),
    ("compilers", include_str!("compilers.txt")),
    ("vcs", include_str!("vcs.txt")),
    ("databases", include_str!("databases.txt")),
    ("browsers", include_str!("browsers.txt")),
    ("media", include_str!("media.txt")),
    ("archives", include_str!("archives.txt")),
    ("debuggers", include_str!("debuggers.txt")),
    ("system", include_str!("system.txt")),
];

/// One command, and what it takes to run it.
#[derive(Default)]
pub(super) struct Job {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    /// Programs, or files by their whole path.
    pub(super) needs: Vec<&'static str>,
    /// Makes what the command finds in the home and in the project, as a shell takes it.
    pub(super) setup: String,
    /// As a shell takes it. Outside, it must succeed.
    pub(super) run: String,
    /// The current directory, below the project.
    pub(super) dir: &'static str,
    /// Directories below the home that `PATH` begins with.
    pub(super) path: Vec<&'static str>,
    /// Flags of `sandlock run` beside `-w .`: of the network, where the job is about the network.
    pub(super) flags: Vec<&'static str>,
    /// Whether numbers are no part of the comparison, because process IDs or times are printed.
    pub(super) has_numbers: bool,
    /// Lines with one of these are no part of the comparison.
    pub(super) without: Vec<&'static str>,
    /// Why it ends otherwise inside.
    pub(super) differs: Option<&'static str>,
    /// The same, where it is so for root only.
    pub(super) differs_for_root: Option<&'static str>,
    /// Why root does not run it.
    pub(super) not_as_root: Option<&'static str>,
}

impl Job {
    /// The reason that this user's run differs for.
    pub(super) fn reason(&self, as_root: bool) -> Option<&'static str> {
        self.differs.or(self.differs_for_root.filter(|_| as_root))
    }

    /// Takes a line after the name.
    fn set(&mut self, line: &'static str) -> Option<()> {
        let (key, value) = line.split_once(": ")?;
        let words = || value.split(' ').collect();
        match key {
            "needs" => self.needs = words(),
            "path" => self.path = words(),
            "flags" => self.flags = words(),
            "setup" => value.clone_into(&mut self.setup),
            "run" => value.clone_into(&mut self.run),
            "dir" => self.dir = value,
            "without" => self.without.push(value),
            "varies" if value == "numbers" => self.has_numbers = true,
            "differs" => self.differs = Some(value),
            "differs for root" => self.differs_for_root = Some(value),
            "not as root" => self.not_as_root = Some(value),
            _ => return None,
        }
        Some(())
    }
}

/// Every job, in the order of the groups.
pub(super) fn jobs() -> Result<Vec<Job>, String> {
    let groups = GROUPS.iter().map(|(group, text)| parse(group, text));
    Ok(groups.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The jobs of a file.
pub(super) fn parse(group: &'static str, text: &'static str) -> Result<Vec<Job>, String> {
    let mut jobs: Vec<Job> = Vec::new();
    // The script that goes on in an indented line.
    let (mut in_paragraph, mut in_setup) = (false, false);
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let refuse = || format!("{group}.txt:{}: {line}", at.saturating_add(1));
        if line.is_empty() {
            in_paragraph = false;
        } else if !in_paragraph {
            jobs.push(Job { group, name: line, ..Job::default() });
            in_paragraph = true;
        } else {
            let job = jobs.last_mut().ok_or_else(refuse)?;
            if let Some(more) = line.strip_prefix("    ") {
                let script = if in_setup { &mut job.setup } else { &mut job.run };
                script.push('\n');
                script.push_str(more);
            } else {
                job.set(line).ok_or_else(refuse)?;
                in_setup = line.starts_with("setup:");
            }
        }
    }
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_paragraph_is_a_job() {
        let text = "# Words.\n\nfirst: one\nneeds: a b\nsetup: x\n    y\nrun: cat <<E\n    z\n    E\n\nsecond\nrun: t\n";
        let jobs = parse("g", text).unwrap();
        let [first, second] = jobs.as_slice() else { panic!("{}", jobs.len()) };
        assert_eq!((first.name, &*first.setup, &*first.run), ("first: one", "x\ny", "cat <<E\nz\nE"));
        assert_eq!((first.needs.as_slice(), second.name, &*second.run), (&["a", "b"][..], "second", "t"));
        assert!(parse("g", "first\nwrong: x\n").is_err_and(|why| why == "g.txt:2: wrong: x"));
    }

    #[test]
    fn there_are_enough_jobs_and_each_has_a_command_and_a_name_of_its_own() {
        let jobs = jobs().unwrap();
        assert!(jobs.len() >= 140, "{}", jobs.len());
        let mut seen = BTreeSet::new();
        assert!(jobs.iter().all(|job| seen.insert(job.name) && !job.run.is_empty()));
    }

    #[test]
    fn no_job_has_more_than_its_project_the_network_and_memory_of_its_own() {
        for job in jobs().unwrap() {
            for flag in job.flags.iter().filter(|flag| flag.starts_with('-')) {
                assert!(flag.starts_with("--net-") || *flag == "--shm", "{}: {flag}", job.name);
            }
        }
    }

    #[test]
    fn a_reason_has_words() {
        let jobs = jobs().unwrap();
        let reasons = jobs.iter().flat_map(|job| [job.differs, job.differs_for_root, job.not_as_root]);
        assert!(reasons.flatten().all(|why| why.contains(' ')));
    }
}
