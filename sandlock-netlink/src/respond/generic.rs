//! `NETLINK_GENERIC`: only its controller, which lists itself (`net/netlink/genetlink.c`).

use zerocopy::{ByteOrder, U16};

use super::request::{Action, Out, Request, StepResult};
use crate::attr_policy::{AttrPolicy, AttrRule, Check};
use crate::generic::{GENL_ID_CTRL, GenlMsgHdr};
use crate::query::Query;
use crate::{Attrs, Body, Errno, Full, MessageFlags, NLA_F_NESTED};

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
const FAMILY: AttrPolicy = AttrPolicy {
    last: FAMILY_NAME,
    strict: u16::MAX,
    rules: &[(AttrRule::U16, &[FAMILY_ID]), (AttrRule::NulText(15), &[FAMILY_NAME])],
};

/// `ctrl_policy_policy`.
const WHICH_POLICY: AttrPolicy = AttrPolicy {
    last: OP,
    strict: 0,
    rules: &[(AttrRule::U16, &[FAMILY_ID]), (AttrRule::NulText(15), &[FAMILY_NAME]), (AttrRule::U32, &[OP])],
};

/// What the controller does: a command, its `GENL_CMD_CAP_*` (one, all, has a policy), the policy.
const COMMANDS: [(u8, u32, &AttrPolicy); 2] = [(GETFAMILY, 0xe, &FAMILY), (GETPOLICY, 0xc, &WHICH_POLICY)];

/// `genl_rcv_msg`.
pub(crate) fn plan<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Action<O>, Errno> {
    if request.message.kind() != GENL_ID_CTRL {
        return Err(Errno::ENOENT);
    }
    let (header, _) = request.message.body::<GenlMsgHdr<O>>()?;
    let (flags, dump) = (request.message.flags(), request.message.flags().contains(MessageFlags::DUMP));
    // `genl_header_check`: commands that are younger than this check.
    if header.cmd > GETPOLICY {
        request.refuse_if(header.reserved.get() != 0, "genlmsghdr.reserved field is not 0")?;
        let mut known = MessageFlags::REQUEST | MessageFlags::ACK | MessageFlags::ECHO;
        known.set(MessageFlags::DUMP, dump);
        request.refuse_if(!known.contains(flags), "ambiguous or reserved bits set in nlmsg_flags")?;
    }
    match (header.cmd, dump) {
        (GETFAMILY, false) => Ok(Action::Get(get)),
        (GETFAMILY, true) => Ok(Action::Dump(check_families, |_| Ok(Query::GenericFamilies))),
        (GETPOLICY, true) => Ok(Action::Dump(|request| read_policy(request).map(|_| ()), read_policy)),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// `ctrl_getfamily`: by number, or else by name, which counts if there are both.
fn get<O: ByteOrder>(request: &mut Request<'_, O>, out: &mut Out<'_, O>) -> Result<(), Errno> {
    let rest = request.message.after(size_of::<GenlMsgHdr>()).unwrap_or_default();
    let attrs = FAMILY.check(request, Attrs::new(rest), Check::Lenient)?;
    let id = attrs.last_of(FAMILY_ID).map(|id| id.u16() == Ok(GENL_ID_CTRL));
    let name = attrs.last_of(FAMILY_NAME).map(|name| name.string() == NAME);
    match name.or(id) {
        None => Err(Errno::EINVAL),
        Some(false) => Err(Errno::ENOENT),
        Some(true) => Ok(send(out)?),
    }
}

/// `genl_start`, of a dump that uses no attribute.
fn check_families<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<(), Errno> {
    let rest = request.message.after(size_of::<GenlMsgHdr>())?;
    FAMILY.check(request, Attrs::new(rest), Check::Full).map(|_| ())
}

/// `ctrl_dumppolicy_start`: here the number counts if there are both.
fn read_policy<O: ByteOrder>(request: &mut Request<'_, O>) -> Result<Query, Errno> {
    let message = request.message;
    let attrs =
        WHICH_POLICY.check(request, Attrs::new(message.after(size_of::<GenlMsgHdr>())?), Check::Full)?;
    match (attrs.last_of(FAMILY_ID), attrs.last_of(FAMILY_NAME)) {
        (None, None) => return Err(Errno::EINVAL),
        (Some(id), _) if id.u16() == Ok(GENL_ID_CTRL) => {}
        (None, Some(name)) if name.string() == NAME => {}
        _ => return Err(Errno::ENOENT),
    }
    let Some(op) = attrs.last_of(OP) else { return Ok(Query::GenericPolicies { command: 0 }) };
    let command = op.u32()?;
    if !COMMANDS.iter().any(|(cmd, ..)| u32::from(*cmd) == command) {
        request.ext.point_at(message, op);
        return Err(Errno::ENOENT);
    }
    Ok(Query::GenericPolicies { command })
}

/// First the policy of each command, then each policy's rule for each attribute.
pub(super) fn step_policies<O: ByteOrder>(out: &mut Out<'_, O>, command: u32) -> StepResult {
    let commands = COMMANDS.iter().filter(|(cmd, ..)| [0, u32::from(*cmd)].contains(&command)).zip(0u16..);
    if let Some(((cmd, caps, _), policy)) = commands.clone().nth(out.at) {
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
    let (policy, (kind, rule)) = attrs.clone().nth(out.at.checked_sub(commands.count())?)?;
    Some(send_policy(out, POLICY, policy, |nest| nest.nest(kind | NLA_F_NESTED, |attr| rule.describe(attr))))
}

fn send_policy<O: ByteOrder>(
    out: &mut Out<'_, O>,
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

pub(super) fn step_families<O: ByteOrder>(out: &mut Out<'_, O>) -> StepResult {
    (out.at == 0).then(|| send(out))
}

/// `ctrl_fill_info`.
fn send<O: ByteOrder>(out: &mut Out<'_, O>) -> Result<(), Full> {
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
