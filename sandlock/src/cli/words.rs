//! Grants in plain words.

use sandlock::{AccessFs, Source};

/// A part of a policy in plain words, or its flag.
pub(crate) const fn part(source: Source) -> &'static str {
    match source {
        Source::Base => "base profile",
        Source::Toolchain => "toolchain of PATH",
        Source::Cwd => "project",
        Source::Tmp => "private directory",
        Source::Command => "the command and its streams",
        source => source.flag(),
    }
}

/// A grant's rights in the words of the command line.
pub(crate) fn rights(rights: AccessFs) -> &'static str {
    let may = |right: AccessFs| rights.intersects(right);
    match (may(AccessFs::WRITE_FILE | AccessFs::MAKE_REG), may(AccessFs::EXECUTE), may(AccessFs::READ_FILE)) {
        (true, true, _) => "read, execute, write",
        (true, false, true) => "read, write",
        (true, false, false) => "write",
        (false, true, _) => "read, execute",
        (false, false, _) => "read",
    }
}
