//! The filters that requests for sockets bring: `inet_diag_bc_audit` (`net/ipv4/inet_diag.c`).

use zerocopy::{ByteOrder, U16};

use crate::Errno;

/// The size of a `struct inet_diag_bc_op`, in whose multiples a filter is cut.
const OP: usize = 4;

/// Where the operations of a filter begin, a bit for each: only there a jump may end.
struct Starts([u64; 256]);

impl Starts {
    fn of(code: &[u8]) -> Self {
        let (mut starts, mut at) = (Self([0; 256]), 0);
        loop {
            if let Some(word) = starts.0.get_mut(at >> 8) {
                *word |= 1u64.rotate_left(Self::bit(at));
            }
            match code.get(at.wrapping_add(1)).map(|yes| usize::from(*yes)) {
                Some(yes) if yes >= OP && yes.is_multiple_of(OP) => at = at.saturating_add(yes),
                _ => return starts,
            }
        }
    }

    fn bit(at: usize) -> u32 {
        u32::try_from(at.wrapping_shr(2) & 63).unwrap_or(0)
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at >> 8).is_some_and(|word| word & 1u64.rotate_left(Self::bit(at)) != 0)
    }
}

/// Whether the kernel takes a filter.
pub(super) fn audit<O: ByteOrder>(code: &[u8]) -> Result<(), Errno> {
    let starts = Starts::of(code);
    let mut at = 0usize;
    if code.len() < OP {
        return Err(Errno::EINVAL);
    }
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        // INET_DIAG_BC_MARK_COND needs CAP_NET_ADMIN.
        if rest.first() == Some(&10) {
            return Err(Errno::EPERM);
        }
        let [op, yes, no0, no1, operand @ ..] = rest else { return Err(Errno::EINVAL) };
        let (yes, no) = (usize::from(*yes), usize::from(U16::<O>::from_bytes([*no0, *no1]).get()));
        let needed = match *op {
            // NOP, JMP, AUTO
            0 | 1 | 6 => Some(0),
            // S_GE, S_LE, D_GE, D_LE, S_EQ, D_EQ: a port follows; DEV_COND: an index
            2..=5 | 9 | 11 | 12 => Some(4),
            // S_COND, D_COND: `struct inet_diag_hostcond`, and an address of its family
            7 | 8 => match operand {
                [0, 0, ..] => Some(8),
                [2, 0..=32, ..] => Some(12),
                [10, 0..=128, ..] => Some(24),
                _ => None,
            },
            // CGROUP_COND
            13 => Some(8),
            _ => None,
        };
        let needed = needed.filter(|needed| *needed <= operand.len()).ok_or(Errno::EINVAL)?;
        let fits = |to: usize| {
            let most = rest.len().saturating_add(OP);
            (needed.saturating_add(OP)..=most).contains(&to) && to.is_multiple_of(OP)
        };
        let jumps = *op == 0 || fits(no) && (no >= rest.len() || starts.has(at.saturating_add(no)));
        if !jumps || !fits(yes) {
            return Err(Errno::EINVAL);
        }
        at = at.saturating_add(yes);
    }
    if at == code.len() { Ok(()) } else { Err(Errno::EINVAL) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use zerocopy::{BigEndian, LittleEndian};

    const EINVAL: Result<(), Errno> = Err(Errno::EINVAL);

    #[test]
    fn only_filters_whose_jumps_end_at_an_operation_are_taken() {
        for (code, result) in [
            (&[][..], EINVAL),
            (&[0, 4, 0], EINVAL),
            (&[0, 4, 0, 0], Ok(())),
            // To nowhere, on the spot, beyond the end by more than an operation.
            (&[0, 5, 0, 0], EINVAL),
            (&[0, 0, 0, 0], EINVAL),
            (&[0, 12, 0, 0], EINVAL),
            // A port, and what follows if it is another: the end, one past it, its own operand.
            (&[2, 8, 8, 0, 0, 0, 22, 0], Ok(())),
            (&[2, 8, 12, 0, 0, 0, 22, 0], Ok(())),
            (&[2, 8, 16, 0, 0, 0, 22, 0], EINVAL),
            (&[2, 8, 8, 0], EINVAL),
            (&[1, 4, 8, 0, 2, 8, 8, 0, 0, 0, 22, 0], EINVAL),
            (&[1, 4, 12, 0, 2, 8, 8, 0, 0, 0, 22, 0], Ok(())),
            // Addresses, of a family and of the length that they give.
            (&[7, 12, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0], Ok(())),
            (&[7, 12, 16, 0, 0, 1, 0, 0, 0, 0, 0, 0], EINVAL),
            (&[8, 16, 20, 0, 2, 32, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1], Ok(())),
            (&[8, 16, 20, 0, 2, 33, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1], EINVAL),
            (&[8, 16, 20, 0, 10, 32, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1], EINVAL),
            (&[14, 4, 8, 0], EINVAL),
            // A mark needs a capability, unless the filter has a fault before it.
            (&[10], EINVAL),
            (&[0, 4, 0, 0, 10], Err(Errno::EPERM)),
            (&[0, 5, 0, 0, 10], EINVAL),
        ] {
            assert_eq!(audit::<LittleEndian>(code), result, "{code:?}");
        }
        assert_eq!(audit::<BigEndian>(&[2, 8, 0, 12, 0, 0, 0, 22]), Ok(()));
    }

    #[test]
    fn the_longest_filter_is_read_in_one_pass() {
        let mut code = vec![0; 65_528];
        for op in code.chunks_mut(4) {
            op.copy_from_slice(&[1, 4, 4, 0]);
        }
        assert_eq!(audit::<LittleEndian>(&code), Ok(()));
        code[65_524..].copy_from_slice(&[1, 4, 12, 0]);
        assert_eq!(audit::<LittleEndian>(&code), EINVAL);
    }
}
