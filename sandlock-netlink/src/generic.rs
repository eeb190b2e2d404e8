//! `NETLINK_GENERIC`: only its controller, which lists itself (`net/netlink/genetlink.c`).

use zerocopy::{ByteOrder, FromBytes, Immutable, IntoBytes, KnownLayout, NativeEndian, U16, Unaligned};

use crate::respond::{Ask, At, Dumper, Next, Out, Plan, Query, Start, once};
use crate::schema::{Check, Rule, Schema};
use crate::{Attrs, Body, Errno, Full, MessageFlags, NLA_F_NESTED};

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
const POLICY: u16 = 8;
const OP_POLICY: u16 = 9;
const OP: u16 = 10;

const NAME: &[u8] = b"nlctrl";

/// `ctrl_policy_family`.
const FAMILY: Schema = Schema {
    last: FAMILY_NAME,
    strict: u16::MAX,
    rules: &[(Rule::U16, &[FAMILY_ID]), (Rule::NulText(15), &[FAMILY_NAME])],
};

/// `ctrl_policy_policy`.
const WHICH_POLICY: Schema = Schema {
    last: OP,
    strict: 0,
    rules: &[(Rule::U16, &[FAMILY_ID]), (Rule::NulText(15), &[FAMILY_NAME]), (Rule::U32, &[OP])],
};

/// What the controller does: a command, its `GENL_CMD_CAP_*` (one, all, has a policy), the policy.
const COMMANDS: [(u8, u32, &Schema); 2] = [(GETFAMILY, 0xe, &FAMILY), (GETPOLICY, 0xc, &WHICH_POLICY)];

/// `genl_rcv_msg`.
pub(crate) fn plan<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Plan<O>, Errno> {
    if ask.message.kind() != GENL_ID_CTRL {
        return Err(Errno::ENOENT);
    }
    let (header, _) = ask.message.body::<GenlMsgHdr<O>>()?;
    match (header.cmd, ask.message.flags().intersects(MessageFlags::DUMP)) {
        (GETFAMILY, false) => Ok(Plan::Get(get)),
        (GETFAMILY, true) => Ok(Plan::Dump(dumper(GETFAMILY))),
        // What is wrong with this one is said before there is a dump.
        (GETPOLICY, true) => read_policy(ask).map(|_| Plan::Dump(dumper(GETPOLICY))),
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

/// `ctrl_dumpfamily`, or `ctrl_dumppolicy`.
pub(crate) fn dumper<O: ByteOrder>(cmd: u8) -> Dumper<O> {
    match cmd {
        GETPOLICY => Dumper { start: Start::By(read_policy), step: step_policy, apart: true },
        _ => Dumper { start: Start::By(|_| Ok(Query::default())), step, apart: true },
    }
}

/// `ctrl_dumppolicy_start`: here the number counts if there are both. The query's kind is a command.
fn read_policy<O: ByteOrder>(ask: &mut Ask<'_, O>) -> Result<Query, Errno> {
    let request = ask.message;
    let attrs = WHICH_POLICY.check(ask, Attrs::new(request.after(size_of::<GenlMsgHdr>())?), Check::Full)?;
    match (attrs.last_of(FAMILY_ID), attrs.last_of(FAMILY_NAME)) {
        (None, None) => return Err(Errno::EINVAL),
        (Some(id), _) if id.u16() == Ok(GENL_ID_CTRL) => {}
        (None, Some(name)) if name.string() == NAME => {}
        _ => return Err(Errno::ENOENT),
    }
    let Some(op) = attrs.last_of(OP) else { return Ok(Query::default()) };
    let kind = op.u32()?;
    if !COMMANDS.iter().any(|(cmd, ..)| u32::from(*cmd) == kind) {
        ask.ext.point_at(request, op);
        return Err(Errno::ENOENT);
    }
    Ok(Query { kind, ..Query::default() })
}

/// First which policy each command has, then what each says of each attribute.
fn step_policy<O: ByteOrder>(At { query, at, .. }: At<'_>, out: &mut Out<'_, '_, O>) -> Next {
    let commands = COMMANDS.iter().filter(|(cmd, ..)| [0, u32::from(*cmd)].contains(&query.kind)).zip(0u16..);
    if let Some(((cmd, caps, _), policy)) = commands.clone().nth(at) {
        // CTRL_ATTR_POLICY_DO. The kernel forgets the number of a command that is only for all.
        let one = caps & 2 != 0;
        return Some(send_policy(out, OP_POLICY, if one { u16::from(*cmd) } else { 0 }, |op| {
            if one {
                op.u32(1, policy.into())?;
            }
            op.u32(2, policy.into()) // CTRL_ATTR_POLICY_DUMP
        }));
    }
    let attrs =
        commands.clone().flat_map(|((.., schema), policy)| schema.entries().map(move |of| (policy, of)));
    let (policy, (kind, rule)) = attrs.clone().nth(at.checked_sub(commands.count())?)?;
    Some(send_policy(out, POLICY, policy, |nest| nest.nest(kind | NLA_F_NESTED, |attr| rule.describe(attr))))
}

fn send_policy<O: ByteOrder>(
    out: &mut Out<'_, '_, O>,
    kind: u16,
    of: u16,
    body: impl FnOnce(&mut Body<'_, O>) -> Result<(), Full>,
) -> Result<(), Full> {
    out.message(GENL_ID_CTRL, |message| {
        message.put(&GenlMsgHdr::<O> { cmd: GETPOLICY, version: 2, reserved: U16::new(0) })?;
        message.u16(FAMILY_ID, GENL_ID_CTRL)?;
        message.nest(kind | NLA_F_NESTED, |nest| nest.nest(of | NLA_F_NESTED, body))
    })
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
            COMMANDS.iter().zip(1..).try_for_each(|((cmd, caps, _), at)| {
                ops.nest(at, |op| {
                    op.u32(1, (*cmd).into())?;
                    op.u32(2, *caps)
                })
            })
        })?;
        body.nest(MCAST_GROUPS, |groups| {
            groups.nest(1, |group| {
                group.u32(2, GENL_ID_CTRL.into())?;
                group.string(1, b"notify")
            })
        })
    })
}
