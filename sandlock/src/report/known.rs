//! Refusals that are known from the error that is answered, and those about other things than paths.

use std::path::Path;

use sandlock_notify::Call;
use sandlock_notify::handlers::netlink::NUMBERS;
use sandlock_sys::nr::Name;
use sandlock_sys::{Errno, Pid};

use super::ask::{Address, address, question, socket_name};
use super::decide::{Decision, Mechanism, Operation};
use super::places::Predictor;
use super::refusals::{Act, Refusal, Weight};
use super::walk::{self, Found, walk};
use crate::table::{Rule, row_of};

/// From the error that the filter or the supervisor answers.
impl Predictor {
    pub(super) fn known(&self, call: &Call<'_>, name: Name, errno: Errno) -> Option<Refusal> {
        let row = row_of(name)?;
        let is_ours = matches!(errno, Errno::EACCES | Errno::EPERM);
        // Handlers mostly answer as the kernel would.
        let asks = matches!(row.rule, Rule::Ask(_));
        let by = if asks { Mechanism::Supervisor } else { Mechanism::Filter };
        let new = |act, object: String| {
            let mut refusal = Refusal::new(act, name, object, errno, by);
            row.why.clone_into(&mut refusal.because);
            refusal.weight = match errno {
                Errno::ENOSYS | Errno::ENOTTY | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOPROTOOPT => {
                    Weight::Probe
                }
                _ if is_for_root(name) && self.user.uid != 0 => Weight::Probe,
                _ => Weight::Cause,
            };
            refusal
        };
        match name {
            Name::connect if is_ours => {
                let mut refusal = new(Act::Connect, "a socket".into());
                match address(call) {
                    Some(Address::Port(object, port)) => {
                        (refusal.object, refusal.port) = (object, Some(port));
                        refusal.because = "no rule of the network grants it".into();
                    }
                    Some(Address::Abstract(object)) => {
                        refusal.object = object;
                        refusal.because = "abstract sockets of the sandbox only".into();
                    }
                    Some(Address::Path(path)) => refusal.object = path.display().to_string(),
                    None => {}
                }
                Some(refusal)
            }
            Name::bind if is_ours => {
                let mut refusal = new(Act::Bind, "a datagram socket".into());
                refusal.because = "a unix datagram socket could send anywhere unseen (before ABI 9)".into();
                Some(refusal)
            }
            Name::listen if is_ours => {
                let mut refusal = new(Act::Bind, "a port of the kernel's choice".into());
                refusal.port = Some(0);
                refusal.because = "listening without an address, which gets any port".into();
                Some(refusal)
            }
            Name::socket | Name::socketpair => {
                let [domain, kind, protocol] = [call.int(0), call.int(1) & 0xf, call.int(2)];
                let mut refusal = new(Act::Socket, socket_name(domain, kind, protocol));
                refusal.weight = if domain == libc::AF_INET || domain == libc::AF_INET6 {
                    Weight::Cause
                } else {
                    Weight::Perhaps
                };
                Some(refusal)
            }
            Name::open | Name::openat | Name::creat | Name::mknod | Name::mknodat if is_ours => {
                let path = question(call, name).map(|question| question.path);
                let mut refusal =
                    new(Act::Make, path.map_or_else(|| "a file".into(), |path| path.display().to_string()));
                refusal.because = "a file with set-user-ID or set-group-ID bits".into();
                Some(refusal)
            }
            // libc takes the older call, which is seen too.
            Name::openat2 | Name::setxattrat | Name::removexattrat | Name::statmount | Name::listmount => {
                None
            }
            Name::ioctl => {
                let request = call.int(1).cast_unsigned();
                let mut refusal = new(Act::Request, format!("request {request:#x}"));
                if is_ours {
                    refusal.weight = Weight::Perhaps;
                }
                Some(refusal)
            }
            Name::kill | Name::tkill | Name::tgkill => None,
            _ if asks && !is_ours => None,
            Name::prlimit64
            | Name::sched_setaffinity
            | Name::sched_setattr
            | Name::sched_setparam
            | Name::sched_setscheduler
            | Name::setpriority
            | Name::ioprio_set => {
                let mut refusal = new(
                    Act::Process,
                    format!(
                        "process {}",
                        call.int(usize::from(matches!(name, Name::setpriority | Name::ioprio_set),))
                    ),
                );
                refusal.weight = Weight::Perhaps;
                Some(refusal)
            }
            _ if asks => {
                let mut refusal = new(Act::Call, name.as_str().to_owned());
                refusal.weight = Weight::Perhaps;
                refusal.is_certain = false;
                Some(refusal)
            }
            _ => Some(new(Act::Call, name.as_str().to_owned())),
        }
    }

    /// The refusal that Landlock has for other things than paths.
    pub(super) fn predicted(&self, call: &Call<'_>, name: Name) -> Option<Refusal> {
        let new = |act, object, errno, by| {
            let mut refusal = Refusal::new(act, name, object, errno, by);
            refusal.is_certain = false;
            refusal
        };
        match name {
            // Datagram sockets have these numbers, and no port is theirs alone.
            Name::bind | Name::connect if NUMBERS.contains(&call.int(0)) => None,
            Name::bind | Name::connect => {
                let Some(Address::Port(object, port)) = address(call) else { return None };
                let is_bind = name == Name::bind;
                let operation =
                    if is_bind { Operation::BindTcp(port) } else { Operation::ConnectName("", port) };
                let act = if is_bind { Act::Bind } else { Act::Connect };
                let mut refusal = match self.judge.decide(&operation) {
                    Decision::Refused(by, errno) => new(act, object, errno, by),
                    _ if is_bind
                        && (1..1024).contains(&port)
                        && self.user.has_lost(walk::NET_BIND_SERVICE) =>
                    {
                        let mut refusal = new(act, object, Errno::EACCES, Mechanism::Capabilities);
                        refusal.because = "the port needs CAP_NET_BIND_SERVICE".into();
                        return Some(refusal);
                    }
                    _ => return None,
                };
                refusal.port = Some(port);
                refusal.because = "no grant has this port".into();
                Some(refusal)
            }
            Name::kill | Name::tkill | Name::tgkill | Name::rt_sigqueueinfo | Name::rt_tgsigqueueinfo => {
                self.signal(name, Pid::new(call.int(0)), call.target().tid())
            }
            Name::pidfd_send_signal => {
                let tid = call.target().tid();
                // Of other files that text can be long.
                let file = walk::link(format_args!("/proc/{tid}/fd/{}", call.int(0)))?;
                if !["anon_inode:[pidfd]", "pidfd:"]
                    .iter()
                    .any(|kind| file.to_string_lossy().starts_with(kind))
                {
                    return None;
                }
                let info = walk::procfs(format_args!("/proc/{tid}/fdinfo/{}", call.int(0)))?;
                let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
                self.signal(name, Pid::new(pid), tid)
            }
            _ => None,
        }
    }

    fn signal(&self, name: Name, pid: Pid, tid: Pid) -> Option<Refusal> {
        let Decision::Refused(by, errno) = self.judge.decide(&Operation::Signal) else { return None };
        // Of a group, or of all processes, the kernel signals those that it may.
        if pid.get() <= 0 || pid == tid || walk::is_inside(pid, self.own)? {
            return None;
        }
        let Found::File(_, process) = walk(Path::new(&format!("/proc/{pid}")), true) else { return None };
        if process.uid.get() != self.user.uid && self.user.uid != 0 && !self.user.has(walk::KILL) {
            return None;
        }
        let mut refusal = Refusal::new(Act::Process, name, format!("process {pid}"), errno, by);
        refusal.because = "processes of the sandbox signal each other, and no other".into();
        (refusal.is_certain, refusal.weight) = (false, Weight::Perhaps);
        Some(refusal)
    }
}

/// Whether a call is refused to an ordinary user outside too.
fn is_for_root(name: Name) -> bool {
    row_of(name).is_some_and(|row| {
        row.names.contains(&Name::mount)
            || row.names.contains(&Name::reboot)
            || row.names.contains(&Name::bpf)
    })
}
