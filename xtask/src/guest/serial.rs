//! What a virtual machine printed on its serial console, taken apart: the output of each program, and how it
//! ended.

/// One program's run in the guest.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    /// `package/target`, or another word.
    pub(crate) name: String,
    /// The user's number.
    pub(crate) user: String,
    pub(crate) output: String,
    /// `ok`, or how the program ended; `None` if the machine ended first.
    pub(crate) status: Option<String>,
}

/// Everything the console showed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Console {
    pub(crate) runs: Vec<Run>,
    /// Whether the machine came to the end of its list.
    pub(crate) done: bool,
    /// The output outside any program's run: the kernel's words, mostly.
    pub(crate) other: String,
}

/// Reads a console, whose lines end as terminals want it.
pub(crate) fn parse(text: &str) -> Console {
    let mut console = Console::default();
    let mut run: Option<Run> = None;
    for line in text.lines().map(|line| line.trim_end_matches('\r')) {
        let words: Vec<&str> = match line.strip_prefix("@@@ ") {
            Some(rest) => rest.split(' ').collect(),
            None => Vec::new(),
        };
        match (words.as_slice(), &mut run) {
            (["begin", name, user], _) => {
                console.runs.extend(run.replace(Run {
                    name: (*name).into(),
                    user: (*user).into(),
                    output: String::new(),
                    status: None,
                }));
            }
            (["end", status, _millis], Some(open)) => {
                open.status = Some((*status).into());
                console.runs.extend(run.take());
            }
            (["done"], None) => console.done = true,
            (_, Some(open)) => add(&mut open.output, line),
            (_, None) => add(&mut console.other, line),
        }
    }
    console.runs.extend(run);
    console
}

fn add(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, user: &str, output: &str, status: Option<&str>) -> Run {
        Run { name: name.into(), user: user.into(), output: output.into(), status: status.map(str::to_owned) }
    }

    #[test]
    fn runs_are_told_apart() {
        let text = "boot\r\n@@@ begin a/b 0\r\none\r\n@@@ two\r\n@@@ end ok 5\r\nbetween\r\n@@@ begin c 65534\r\n\r\n@@@ end signal:_9 7\r\n@@@ done\r\nbye";
        let want = Console {
            runs: vec![
                run("a/b", "0", "one\n@@@ two\n", Some("ok")),
                run("c", "65534", "\n", Some("signal:_9")),
            ],
            done: true,
            other: "boot\nbetween\nbye\n".into(),
        };
        assert_eq!(parse(text), want);
    }

    #[test]
    fn a_machine_that_stops_leaves_its_last_run_open() {
        let want = Console { runs: vec![run("a", "0", "x\nKernel panic\n", None)], ..Console::default() };
        assert_eq!(parse("@@@ begin a 0\nx\nKernel panic"), want);
        assert!(!parse("").done);
    }
}
