//! The name server of the sandbox: a question about a name of the policy goes to the machine's own name
//! servers, any other is answered here, and no byte of it leaves.

use core::iter::empty;
use core::net::SocketAddr;
use core::time::Duration;

use sandlock_sys::mm::FixedVec;
use sandlock_sys::poll::{Events, PollFd};
use sandlock_sys::{AsFd, OwnedFd, Result, net, process, time};

use super::end::End;
use crate::dns::{self, Code, Question};
use crate::egress::{self, Egress};

/// How many questions are with a name server at once; one more fails.
pub(super) const QUESTIONS: usize = 64;
/// How long a name server has for its answer, and how often each is asked: together less than the five
/// seconds of libc's resolvers.
const PATIENCE: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 2;
/// Room for an answer: more than a query's EDNS size.
const ANSWER_MAX: usize = 4096;
/// How long a client may remember an address at most, in seconds.
const REMEMBERED: u32 = 300;

/// Questions on their way, and the policy's rules of names.
#[derive(Debug)]
pub struct Resolver<'p> {
    servers: &'p [SocketAddr],
    egress: &'p Egress<'p>,
    open: FixedVec<Asked>,
}

/// A question that a name server has.
#[derive(Debug)]
struct Asked {
    question: Question,
    /// `SO_COOKIE` of the socket that the reply goes to.
    cookie: u64,
    /// The next attempt.
    attempt: usize,
    /// Each question has a socket of its own, and so a port that the kernel chose at random.
    socket: OwnedFd,
    id: u16,
    until: Duration,
}

impl<'p> Resolver<'p> {
    /// Answers by these name servers and rules; what it learns is for connect(2).
    #[must_use]
    pub const fn new(servers: &'p [SocketAddr], egress: &'p Egress<'p>) -> Self {
        Self { servers, egress, open: FixedVec::new(QUESTIONS) }
    }

    /// Answers a query that came from this end, or passes its question on.
    pub(super) fn ask(&mut self, end: &End, query: &[u8]) {
        let question = match Question::read(query) {
            Some(Ok(question)) => question,
            Some(Err(reply)) => return end.emit(&reply),
            None => return,
        };
        let mut text = [0; dns::NAME_MAX];
        let is_known = question.name(&mut text).is_some_and(|name| self.egress.resolves(name));
        match question.kind {
            _ if !is_known || !question.is_internet() => reply(end, &question, Code::NX_DOMAIN, 0, empty()),
            dns::A | dns::AAAA => self.pass_on(0, &question, end),
            // The name has addresses, and nothing else that is known here.
            _ => reply(end, &question, Code::NO_ERROR, 0, empty()),
        }
    }

    /// Asks the first name server, from this attempt on, that can be sent to. The question fails if there is
    /// none.
    fn pass_on(&mut self, attempt: usize, question: &Question, end: &End) {
        let attempts = self.servers.iter().cycle().take(self.servers.len().saturating_mul(ROUNDS));
        let has_room = self.open.len() < QUESTIONS;
        let sent = attempts.zip(1..).skip(attempt).filter(|_| has_room).find_map(|(server, attempt)| {
            let (socket, id) = send(server, question).ok()?;
            let until = time::monotonic().saturating_add(PATIENCE);
            Some(Asked { question: *question, cookie: end.cookie, attempt, socket, id, until })
        });
        if sent.is_none_or(|asked| self.open.push(asked).is_err()) {
            reply(end, question, Code::SERV_FAIL, 0, empty());
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = PollFd> {
        self.open.iter().map(|asked| PollFd::new(asked.socket.as_fd(), Events::IN))
    }

    /// Reads what has come for question number `index`, and replies.
    pub(super) fn ready<'e>(&mut self, index: usize, mut ends: impl Iterator<Item = &'e End>) {
        let Some(asked) = self.open.get(index) else { return };
        let mut buffer = [0; ANSWER_MAX];
        let received = net::recv(asked.socket.as_fd(), &mut buffer, libc::MSG_DONTWAIT);
        let answer =
            received.map(|len| asked.question.answer(asked.id, buffer.get(..len).unwrap_or_default()));
        let answer = match answer {
            // An answer to another question is dropped, and the wait goes on.
            Ok(None) => return,
            Ok(Some((Code::SERV_FAIL, _))) | Err(_) => None,
            Ok(Some(answer)) => Some(answer),
        };
        let Some(Asked { question, cookie, attempt, .. }) = self.open.swap_remove(index) else { return };
        let Some(end) = ends.find(|end| end.cookie == cookie) else { return };
        let Some((code, addresses)) = answer else { return self.pass_on(attempt, &question, end) };
        let mut text = [0; dns::NAME_MAX];
        let name = question.name(&mut text).unwrap_or_default();
        let now = time::monotonic();
        let seconds = addresses.clone().map(|(seconds, _)| seconds).min().unwrap_or(0);
        let reachable = addresses.filter(|(seconds, address)| {
            let whole = address.first_chunk().copied();
            let whole =
                whole.unwrap_or_else(|| egress::mapped(address.first_chunk().copied().unwrap_or_default()));
            self.egress.learn(name, &whole, *seconds, now)
        });
        reply(end, &question, code, seconds.min(REMEMBERED), reachable.map(|(_, address)| address));
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.open.iter().map(|asked| asked.until).min()
    }

    /// Asks the next name server the questions that had no answer in time.
    pub(super) fn tick<'e>(&mut self, now: Duration, ends: impl Iterator<Item = &'e End> + Clone) {
        while let Some(late) = self.open.iter().position(|asked| asked.until <= now)
            && let Some(Asked { question, cookie, attempt, .. }) = self.open.swap_remove(late)
        {
            if let Some(end) = ends.clone().find(|end| end.cookie == cookie) {
                self.pass_on(attempt, &question, end);
            }
        }
    }
}

/// Sends a reply with these addresses, which may be remembered for so many seconds.
fn reply<'a>(
    end: &End,
    question: &Question,
    code: Code,
    seconds: u32,
    addresses: impl Iterator<Item = &'a [u8]>,
) {
    let mut to = [0; dns::REPLY_MAX];
    let len = question.reply(code, seconds, addresses, &mut to);
    end.emit(to.get(..len).unwrap_or_default());
}

/// Sends a question from a port and with an ID that nothing predicts; the kernel drops what comes from
/// elsewhere than the name server.
fn send(server: &SocketAddr, question: &Question) -> Result<(OwnedFd, u16)> {
    let mut id = [0; 2];
    process::random(&mut id)?;
    let id = u16::from_ne_bytes(id);
    let family = if server.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let socket = net::socket(family, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, 0)?;
    let (bytes, len) = net::sockaddr(server);
    net::connect(socket.as_fd(), bytes.get(..len).unwrap_or_default())?;
    let mut query = [0; dns::QUERY_MAX];
    let len = question.query(id, &mut query);
    net::send(socket.as_fd(), query.get(..len).unwrap_or_default(), libc::MSG_DONTWAIT)?;
    Ok((socket, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ports;
    use crate::egress::{Rule, To};
    use sandlock_netlink::Socket;
    use sandlock_sys::Pid;

    #[test]
    fn a_name_server_has_no_more_questions_than_there_is_room_for() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let (servers, rules) =
            ([server.local_addr().unwrap()], [Rule { allows: true, to: To::Every, ports: Ports::All }]);
        let egress = Egress::new(&rules);
        let mut resolver = Resolver::new(&servers, &egress);
        let (end, guest) =
            End::new(libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, Pid::new(7), Socket::new(0)).unwrap();
        for _ in 0..QUESTIONS.strict_add(10) {
            resolver.ask(&end, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01");
        }
        let mut buffer = [0; 512];
        assert_eq!(core::iter::from_fn(|| server.recv(&mut buffer).ok()).count(), QUESTIONS);
        assert_eq!(resolver.rows().count(), QUESTIONS);
        for _ in 0..10 {
            assert_eq!(net::recv(guest.as_fd(), &mut buffer, 0), Ok(19));
            assert_eq!(buffer[..4], *b"\x12\x34\x81\x82");
        }
        assert_eq!(net::recv(guest.as_fd(), &mut buffer, 0), Err(sandlock_sys::Errno::EAGAIN));
    }
}
