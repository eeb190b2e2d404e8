//! The standing of a process that wants to change the caller's terminal.

/// What becomes of the request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is carried out.
    May,
    /// It fails.
    MayNot,
    /// The process stops, as a background process does (SIGTTOU), and asks again when it goes on.
    Stops,
}

/// By whether the terminal is lent to the sandbox, whether the process's group is in its foreground, and
/// whether the process ignores or blocks SIGTTOU. The kernel lets such a process change the terminal from the
/// background; here that means another group of the same sandbox.
pub(super) const fn standing(is_lent: bool, is_in_front: bool, ignores: bool) -> Standing {
    match (is_lent, is_in_front, ignores) {
        (true, true, _) | (true, false, true) => Standing::May,
        (false, _, true) => Standing::MayNot,
        (_, _, false) => Standing::Stops,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_is_not_lent_is_not_changed() {
        for front in [false, true] {
            assert_eq!(standing(false, front, true), Standing::MayNot);
            assert_eq!(standing(false, front, false), Standing::Stops);
        }
        assert_eq!(standing(true, true, false), Standing::May);
        assert_eq!(standing(true, false, true), Standing::May);
        assert_eq!(standing(true, false, false), Standing::Stops);
    }
}
