//! `NETLINK_GENERIC`: only its controller, which lists itself (`net/netlink/genetlink.c`).

use zerocopy::{ByteOrder, FromBytes, Immutable, IntoBytes, KnownLayout, NativeEndian, U16, Unaligned};

use crate::respond::{Ask, At, Dumper, Next, Out, Plan, Query, Start, once};
use crate::schema::{Check, Rule, Schema};
use crate::{Attrs, Errno, Full, MessageFlags};

/// `GENL_ID_CTRL`: the message type of the controller.
pub const GENL_ID_CTRL: u16 = 16;

/// `struct genlmsghdr` (`linux/genetlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct GenlMsgHdr<O: ByteOrder = NativeEndian> {
    /// `cmd`.
    pub cmd: u8,
    /// `version`.
    pub version: u8,
    /// Unused, 0.
    pub reserved: U16<O>,
}

/// `CTRL_CMD_*`.
const NEWFAMILY: u8 = 1;
const GETFAMILY: u8 = 3;
const GETPOLICY: u8 = 10;

/// `CTRL_ATTR_*`.
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
const VERSION: u16 = 3;
const HDRSIZE: u16 = 4;
const MAXATTR: u16 = 5;
const OPS: u16 = 6;
const MCAST_GROUPS: u16 = 7;

const NAME: &[u8] = b"nlctrl";

/// `ctrl_policy_family`.
const FAMILY: Schema =
    Schema { last: FAMILY_NAME, rules: &[(Rule::U16, &[FAMILY_ID]), (Rule::NulText(15), &[FAMILY_NAME])] };

/// `genl_rcv_msg`.
pub(crate) fn plan<O: ByteOrder>(ask: &Ask<'_, O>) -> Result<Plan<O>, Errno> {
    if ask.message.kind() != GENL_ID_CTRL {
        return Err(Errno::ENOENT);
    }
    let (header, _) = ask.message.body::<GenlMsgHdr<O>>()?;
    match header.cmd {
        GETFAMILY if ask.message.flags().intersects(MessageFlags::DUMP) => Ok(Plan::Dump(dumper())),
        GETFAMILY => Ok(Plan::Get(get)),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// `ctrl_getfamily`: by number, or else by name, which counts if there are both.
fn get<O: ByteOrder>(ask: &mut Ask<'_, O>, out: &mut Out<'_, '_, O>) -> Result<(), Errno> {
    let rest = ask.message.after(size_of::<GenlMsgHdr>()).unwrap_or_default();
    let attrs = FAMILY.check(ask, Attrs::new(rest), Check::Lenient)?;
    let id = attrs.last_of(FAMILY_ID).map(|id| id.u16() == Ok(GENL_ID_CTRL));
    let name = attrs.last_of(FAMILY_NAME).map(|name| name.string() == NAME);
    match name.or(id) {
        None => Err(Errno::EINVAL),
        Some(false) => Err(Errno::ENOENT),
        Some(true) => Ok(send(out)?),
    }
}

/// `ctrl_dumpfamily`.
pub(crate) fn dumper<O: ByteOrder>() -> Dumper<O> {
    Dumper { start: Start::By(|_| Ok(Query::default())), step, apart: true }
}

fn step<O: ByteOrder>(At { at, .. }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    once(at, || send(out))
}

/// `ctrl_fill_info`.
fn send<O: ByteOrder>(out: &mut Out<'_, '_, O>) -> Result<(), Full> {
    out.message(GENL_ID_CTRL, |body| {
        body.put(&GenlMsgHdr::<O> { cmd: NEWFAMILY, version: 2, reserved: U16::new(0) })?;
        body.string(FAMILY_NAME, NAME)?;
        body.u16(FAMILY_ID, GENL_ID_CTRL)?;
        body.u32(VERSION, 2)?;
        body.u32(HDRSIZE, 0)?;
        body.u32(MAXATTR, 0)?;
        body.nest(OPS, |ops| {
            // Which flags: whether it can be asked for one, for all, and has a policy.
            for (at, cmd, flags) in [(1, GETFAMILY, 0xe), (2, GETPOLICY, 0xc)] {
                ops.nest(at, |op| {
                    op.u32(1, cmd.into())?;
                    op.u32(2, flags)
                })?;
            }
            Ok(())
        })?;
        body.nest(MCAST_GROUPS, |groups| {
            groups.nest(1, |group| {
                group.u32(2, GENL_ID_CTRL.into())?;
                group.string(1, b"notify")
            })
        })
    })
}
