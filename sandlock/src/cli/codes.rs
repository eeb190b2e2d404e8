//! The codes of messages, which stay when the words change, and the text of `sandlock explain E003`.

/// A mistake in the words that were typed.
pub(super) const TYPED: &str = "E001";
/// A profile, or a file that is named beside one.
pub(super) const PROFILE: &str = "E002";

/// The codes with a text each: when the message comes, and what helps. Those from E003 on are
/// [`Error::code`](sandlock::Error::code)'s.
const TEXTS: &[(&str, &str)] = &[
    (
        TYPED,
        "The command line cannot be read: a flag that there is not, a value that is missing, or no command.\n\
         The message names the word, and the one that is meant if another tool has it. Flags come before the command,\n\
         which is typed as it is; `--` ends the flags. `sandlock run --help` lists all of them.",
    ),
    (
        PROFILE,
        "A profile, a report, or the file of a flag cannot be used.\n\
         A mistake in a profile is shown with its line and column. A file that another user could change is refused, for\n\
         it grants: `chmod go-w FILE` mends that. `sandlock profile check NAME` tries a profile without running anything.",
    ),
    (
        "E003",
        "A path of the policy is not there.\n\
         Nothing is granted for a name that may appear later: Landlock rules are about files that exist. Make the file\n\
         or the directory first, grant the directory above it, or leave the flag out.",
    ),
    (
        "E004",
        "A path of the policy cannot be opened, or is nothing that can be granted.\n\
         The user who starts sandlock needs the permission to find it. Pipes, sockets, namespace files and a process's\n\
         own directories of /proc are no grants. With EMFILE, `ulimit -n` is too low.",
    ),
    (
        "E005",
        "A value means nothing to its flag; the message says what would do.\n\
         Ports are 80, 80,443 or 8000-8010; machines are names, *.names, addresses or networks, with :PORTS behind them;\n\
         times are seconds or 90s, 5m, 1h.",
    ),
    ("E006", "There is no command to run. Example: sandlock run -w . -- make"),
    (
        "E007",
        "The command is not found (exit status 127).\n\
         It is looked up in the PATH that the command will have, from the directory that it starts in. A name with a\n\
         slash is a path.",
    ),
    (
        "E008",
        "The command is there and cannot be executed (exit status 126).\n\
         It lacks the permission, the policy does not grant it or the interpreter in its first line, or it is a program\n\
         of another machine. -r grants the directory that it is installed in.",
    ),
    (
        "E009",
        "The kernel has no Landlock, or it is turned off.\n\
         It needs Linux 5.13 and `landlock` among the modules of /sys/kernel/security/lsm; where it is missing, the kernel\n\
         parameter lsm=landlock,... adds it. There is no sandbox without it.",
    ),
    (
        "E010",
        "The kernel is too old for a protection that sandlock insists on.\n\
         `sandlock check` lists the protections and since when there are each. --allow-degraded NAME runs without one;\n\
         SECURITY.md says what is open then.",
    ),
    (
        "E011",
        "There is a supervisor above already, and the kernel has room for one.\n\
         This is a command in another sandbox, or in a container or a WSL that supervises calls. Start sandlock outside.",
    ),
    (
        "E012",
        "A call that sandlock itself makes was refused.\n\
         EMFILE and EAGAIN are limits (ulimit -n, ulimit -u). EPERM, EACCES and ENOSYS are a filter above, such as a\n\
         container's seccomp profile, which must allow the call that is named. `sandlock check` tries each of them.",
    ),
    (
        "E013",
        "The private directory cannot be made.\n\
         It is made in TMPDIR, else in /tmp, and needs a directory in which the user may write, with room in it.\n\
         --base none has none.",
    ),
    (
        "E014",
        "The filter of system calls could not be built. This is a mistake in sandlock: please report it.",
    ),
    (
        "E015",
        "A process of sandlock's own was killed from outside, and everything in the sandbox with it.\n\
         The kernel does that when memory is short (`dmesg` says so), and so can the user and root.",
    ),
    (
        "E016",
        "The process that started sandlock has ended, and --die-with-parent asks for the end of the sandbox then.",
    ),
];

/// The text about a code, if there is such a code.
pub(super) fn text(code: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

/// Whether a word can be no command, and is a code.
pub(super) fn is_code(word: &str) -> bool {
    word.strip_prefix('E')
        .is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandlock::{Errno, Error};

    #[test]
    fn every_code_has_one_text() {
        let mut codes: Vec<&str> = TEXTS.iter().map(|(code, _)| *code).collect();
        let numbers = (1..=codes.len()).map(|number| format!("E{number:03}"));
        assert!(numbers.eq(codes.iter().copied()) && codes.iter().all(|code| is_code(code)));
        codes.dedup();
        for error in [
            Error::Path(sandlock::Source::Read, "/no".into(), Errno::ENOENT),
            Error::NoCommand,
            Error::NotFound("no".into(), Errno::ENOENT),
            Error::Orphaned,
        ] {
            assert!(text(error.code()).is_some(), "{error}");
        }
        assert!(text("E000").is_none() && !is_code("E01") && !is_code("Exit") && !is_code("E0123"));
    }
}
