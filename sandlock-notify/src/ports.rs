//! A set of TCP ports: the meaning of Landlock's rules, for the calls that Landlock does not see.

/// Ports by ranges, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports<'p> {
    /// Every port, and the kernel's choice.
    All,
    /// These.
    Listed(&'p [(u16, u16)]),
}

impl Ports<'_> {
    /// Whether `port` is one of them. No list has port 0: it stands for the kernel's choice.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Listed(ranges) => {
                port != 0 && ranges.iter().any(|(first, last)| (*first..=*last).contains(&port))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_belong_to_the_range_and_zero_to_no_list() {
        let some = Ports::Listed(&[(80, 80), (0, 3), (65535, 65535)]);
        for (port, want) in [
            (80, true),
            (79, false),
            (81, false),
            (0, false),
            (1, true),
            (3, true),
            (4, false),
            (65535, true),
        ] {
            assert_eq!(some.contains(port), want, "{port}");
        }
        assert!(!Ports::Listed(&[]).contains(80));
        assert!(Ports::All.contains(0));
    }
}
