//! Whose process it is: a walk up the parents until the sandbox's first process is met, or not.

/// How far up the walk goes. A chain that is longer is somebody's attempt to make it long.
const DEEPEST: usize = 64;

/// Whether `id` descends from `ancestor`, where `parent` says who made whom (0: nobody, or unknown).
pub(super) fn descends(ancestor: i32, id: i32, parent: impl Fn(i32) -> i32) -> bool {
    let mut at = id;
    for _ in 0..DEEPEST {
        match parent(at) {
            up if up == ancestor => return true,
            ..=1 => return false,
            up => at = up,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_descendants_descend() {
        let parent = |id| match id {
            30 => 20,
            20 => 10,
            10 => 5,
            5 => 1,
            99 => 98,
            98 => 1,
            _ => 0,
        };
        for (id, want) in [
            (30, true),
            (20, true),
            (10, false),
            (5, false),
            (99, false),
            (1, false),
            (0, false),
            (-7, false),
        ] {
            assert_eq!(descends(10, id, parent), want, "{id}");
        }
    }

    #[test]
    fn a_loop_or_a_chain_without_end_is_no_and_ends() {
        assert!(!descends(10, 7, |_| 7));
        assert!(!descends(-1, 1 << 20, |id| id - 1));
    }
}
