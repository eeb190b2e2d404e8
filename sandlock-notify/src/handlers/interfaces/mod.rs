//! Interfaces asked for by ioctl, netdevice(7), on whatever socket: the answers of netlink in another form,
//! and never the host's.
//!
//! The socket that libraries ask on (`if_nametoindex` of glibc and musl) is a unix datagram one, and such a
//! socket cannot send (`handlers::netlink`). A program that wants it for more learns that at once, by bind or
//! connect.
//!
//! | performed on behalf | the kernel remembers | it can wait for |
//! |---|---|---|
//! | ioctl(2), `SIOCGIF*` | no process | nothing: the answer is a constant |
//! | bind(2) of such a socket: refused | no process | nothing |

mod model;

use sandlock_sys::nr::Name;
use sandlock_sys::{Errno, Result};

use self::model::{IFREQ_LEN, IFREQ_NARROW, SIOCGIFCONF, answer, list};
use crate::args::{ConnectArgs, IoctlArgs};
use crate::call::Word;
use crate::handlers::VIEW;
use crate::target::read_exact;
use crate::{Call, ContinueReason, Desk, Handler, Response, Socket, UserAddr, Verdict};

/// Answers `SIOCGIF*`, and makes the sockets for it.
#[derive(Debug)]
pub struct Interfaces {
    /// Whether unix datagram sockets cannot send, because Landlock does not see where to.
    pub mutes: bool,
}

impl Handler for Interfaces {
    fn handle(&mut self, call: &Call<'_>, _: &mut Desk<'_, '_>) -> Result<Verdict> {
        if call.name() == Some(Name::bind) {
            return self.bind(call);
        }
        let IoctlArgs { fd, request, arg } = IoctlArgs::of(call);
        if request & !0xff != 0x8900 {
            return Ok(Verdict::Pass);
        }
        let (_, domain) = match Socket::open(call.target(), fd) {
            Err(Errno::ENOTSOCK) => return Err(Errno::ENOTTY),
            other => other?,
        };
        if request == SIOCGIFCONF {
            configuration(call, arg)?;
        } else {
            let mut ifreq = [0; IFREQ_LEN];
            let theirs = ifreq.get_mut(..ifreq_len(call)).unwrap_or_default();
            read_exact(call.target(), arg, theirs)?;
            answer(VIEW, domain, request, &mut ifreq)?;
            call.target().write(arg, ifreq.get(..ifreq_len(call)).unwrap_or_default())?;
        }
        Ok(Verdict::Reply(Response::Return(0)))
    }
}

impl Interfaces {
    /// bind(2) of a socket that cannot send is refused; of others the kernel and Landlock decide.
    fn bind(&self, call: &Call<'_>) -> Result<Verdict> {
        if self.mutes
            && let Ok((socket, libc::AF_UNIX)) = Socket::open(call.target(), ConnectArgs::of(call).fd)
            && socket.is_datagram()?
        {
            return Err(Errno::EACCES);
        }
        Ok(Verdict::Reply(Response::Continue(ContinueReason::KernelDecides)))
    }
}

fn ifreq_len(call: &Call<'_>) -> usize {
    if call.has_narrow_longs() { IFREQ_NARROW } else { IFREQ_LEN }
}

/// `struct ifconf`: how much room there is, and where, if anywhere; then how much was used, or would be.
fn configuration(call: &Call<'_>, from: UserAddr) -> Result<()> {
    let target = call.target();
    let (word, mut ifconf) = (Word::of(call), [0; 16]);
    let ifconf = ifconf.get_mut(..word.0.saturating_mul(2)).unwrap_or_default();
    read_exact(target, from, ifconf)?;
    let len = ifconf.first_chunk().copied().map_or(0, i32::from_ne_bytes);
    let mut at = UserAddr(word.get(ifconf, 1).unwrap_or(0));
    let room = if at.is_null() { usize::MAX } else { usize::try_from(len).unwrap_or(0) };
    let mut used = 0usize;
    for ifreq in list(VIEW).take(room.checked_div(ifreq_len(call)).unwrap_or(0)) {
        let ifreq = ifreq.get(..ifreq_len(call)).unwrap_or_default();
        if !at.is_null() {
            call.target().write(at, ifreq)?;
            at = at.plus(ifreq.len());
        }
        used = used.saturating_add(ifreq.len());
    }
    let used = i32::try_from(used).map_err(|_| Errno::EINVAL)?;
    call.target().write(from, &used.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Image;
    use sandlock_sys::filter::{AUDIT_ARCH, AUDIT_ARCH_COMPAT};
    use sandlock_sys::seccomp::Data;
    use std::vec::Vec;

    /// The size of an `ifreq` there.
    fn whole(arch: u32) -> usize {
        ifreq_len(&Call::new(&Data { arch, ..Data::default() }, &Image::default()))
    }

    /// The `ifconf` at the beginning, and room for a list behind it. Its values afterwards, and the list.
    fn listed(arch: u32, len: i32, somewhere: bool) -> (i32, Vec<u8>) {
        let at = if somewhere { Image::BASE.strict_add(16) } else { 0 };
        let mut ifconf = [0; 16];
        ifconf[..4].copy_from_slice(&len.to_ne_bytes());
        if whole(arch) == IFREQ_NARROW {
            ifconf[4..8].copy_from_slice(&u32::try_from(at).unwrap().to_ne_bytes());
        } else {
            ifconf[8..].copy_from_slice(&at.to_ne_bytes());
        }
        let image = Image::new(&[&ifconf[..], &[0xee; 100]].concat());
        let data = Data { arch, args: [0, 0, Image::BASE, 0, 0, 0], ..Data::default() };
        assert_eq!(configuration(&Call::new(&data, &image), UserAddr(Image::BASE)), Ok(()));
        let bytes = image.0.into_inner();
        (i32::from_ne_bytes(bytes[..4].try_into().unwrap()), bytes[16..].to_vec())
    }

    #[test]
    fn the_list_stays_in_its_room() {
        for arch in [AUDIT_ARCH, AUDIT_ARCH_COMPAT.unwrap_or(AUDIT_ARCH)] {
            let whole = i32::try_from(whole(arch)).unwrap();
            for (len, somewhere, used) in [
                (100, true, whole),
                (whole, true, whole),
                (whole - 1, true, 0),
                (-1, true, 0),
                (0, false, whole),
            ] {
                let (said, list) = listed(arch, len, somewhere);
                assert_eq!(said, used, "{arch:#x} {len} {somewhere}");
                let written = list.iter().take_while(|byte| **byte != 0xee).count();
                assert_eq!(written, if somewhere { usize::try_from(used).unwrap() } else { 0 });
            }
        }
    }

    #[test]
    fn other_requests_are_somebody_elses() {
        let data = Data { args: [0, 0x5421, 0, 0, 0, 0], ..Data::default() };
        let verdict =
            Interfaces { mutes: true }.handle(&Call::new(&data, &Image::default()), &mut Desk::default());
        assert!(matches!(verdict, Ok(Verdict::Pass)));
    }
}
