//! What an emulated netlink socket is called and which options it knows: `struct sockaddr_nl` and netlink(7), without a system call.

use sandlock_sys::{Errno, Result};

/// `size_of::<struct sockaddr_nl>()`
pub const NAME_LEN: usize = 12;
/// `SOL_NETLINK` of `linux/socket.h`.
pub const SOL_NETLINK: i32 = 270;
/// `NETLINK_CAP_ACK` of `linux/netlink.h`.
pub const CAP_ACK: i32 = 10;

/// Add or drop a group, and what else of netlink(7) is an action or takes no plain flag.
const ACTIONS: [i32; 2] = [1, 2];
/// `NETLINK_PKTINFO`, `BROADCAST_ERROR`, `NO_ENOBUFS`, `LISTEN_ALL_NSID`, `CAP_ACK`, `EXT_ACK`, `GET_STRICT_CHK`.
const FLAGS: [i32; 7] = [3, 4, 5, 8, CAP_ACK, 11, 12];

/// What is known of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// `SOCK_RAW` or `SOCK_DGRAM`, as asked for.
    pub kind: i32,
    /// `nl_pid`; 0 until it is bound.
    pub port: u32,
    /// `nl_groups`. They never deliver anything.
    pub groups: u32,
    /// The flags that are on, bit n for option n.
    options: u32,
}

impl State {
    /// A fresh socket.
    pub const fn new(kind: i32) -> Self {
        Self { kind, port: 0, groups: 0, options: 0 }
    }

    /// `setsockopt(SOL_NETLINK)`: groups are joined and stay silent.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT`: the kernel would not know it either.
    pub fn set_option(&mut self, name: i32, on: bool) -> Result<()> {
        if ACTIONS.contains(&name) {
            return Ok(());
        }
        let bit = flag(name)?;
        if on {
            self.options |= bit
        } else {
            self.options &= !bit
        }
        Ok(())
    }

    /// `getsockopt(SOL_NETLINK)`
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT`: not a flag.
    pub fn option(&self, name: i32) -> Result<bool> {
        flag(name).map(|bit| self.options & bit != 0)
    }

    /// Its `struct sockaddr_nl`.
    pub fn name(&self) -> [u8; NAME_LEN] {
        name(self.port, self.groups)
    }
}

fn flag(name: i32) -> Result<u32> {
    if FLAGS.contains(&name) { Ok(1u32.rotate_left(name.cast_unsigned())) } else { Err(Errno::ENOPROTOOPT) }
}

/// A `struct sockaddr_nl`: family, padding, port, groups.
pub fn name(port: u32, groups: u32) -> [u8; NAME_LEN] {
    let [f0, f1] = u16::try_from(libc::AF_NETLINK).unwrap_or(0).to_ne_bytes();
    let [p0, p1, p2, p3] = port.to_ne_bytes();
    let [g0, g1, g2, g3] = groups.to_ne_bytes();
    [f0, f1, 0, 0, p0, p1, p2, p3, g0, g1, g2, g3]
}

/// Reads a `struct sockaddr_nl`: port and groups.
///
/// # Errors
///
/// `EINVAL`: too short, or another family.
pub fn parse_name(bytes: &[u8]) -> Result<(u32, u32)> {
    match bytes {
        [f0, f1, _, _, p0, p1, p2, p3, g0, g1, g2, g3, ..]
            if i32::from(u16::from_ne_bytes([*f0, *f1])) == libc::AF_NETLINK =>
        {
            Ok((u32::from_ne_bytes([*p0, *p1, *p2, *p3]), u32::from_ne_bytes([*g0, *g1, *g2, *g3])))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// A port for a socket that asks for none: the process's ID, else from the kernel's own range for further ones (`netlink_autobind`).
/// It ends, for fewer ports than the range has are ever in use.
pub fn free_port(process: i32, in_use: impl Fn(u32) -> bool) -> u32 {
    const FIRST: i32 = -4097;
    let first = process.cast_unsigned();
    core::iter::once(first)
        .chain((i32::MIN..=FIRST).rev().map(i32::cast_unsigned))
        .find(|port| *port != 0 && !in_use(*port))
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        assert_eq!(parse_name(&name(4242, 5)), Ok((4242, 5)));
        assert_eq!(name(0, 0)[..2], 16u16.to_ne_bytes());
        assert_eq!(parse_name(&name(1, 1)[..11]), Err(Errno::EINVAL));
        assert_eq!(parse_name(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Errno::EINVAL));
    }

    #[test]
    fn the_first_socket_of_a_process_has_its_id_and_no_two_share_a_port() {
        assert_eq!(free_port(77, |_| false), 77);
        let taken = [77, (-4097i32).cast_unsigned()];
        assert_eq!(free_port(77, |port| taken.contains(&port)), (-4098i32).cast_unsigned());
        assert_ne!(free_port(0, |_| false), 0);
    }

    #[test]
    fn options_are_kept_and_unknown_ones_refused() {
        let mut state = State::new(3);
        for name in -2..40 {
            let known = FLAGS.contains(&name);
            assert_eq!(state.option(name), if known { Ok(false) } else { Err(Errno::ENOPROTOOPT) });
            assert_eq!(state.set_option(name, true).is_ok(), known || ACTIONS.contains(&name));
            assert_eq!(state.option(name).unwrap_or(false), known);
        }
        state.set_option(CAP_ACK, false).unwrap();
        assert_eq!((state.option(CAP_ACK), state.option(11)), (Ok(false), Ok(true)));
    }
}
