//! Any query and any answer of a name server: both read back as they were written, a client has room for
//! every reply, and an address that no rule leads to is not reached.
#![no_main]

use core::time::Duration;

use libfuzzer_sys::fuzz_target;
use sandlock_notify::Ports;
use sandlock_notify::dns::{AAAA, Code, NAME_MAX, QUERY_MAX, Question, REPLY_MAX};
use sandlock_notify::egress::{Egress, Rule, To, mapped};

fuzz_target!(|bytes: &[u8]| {
    let Some((len, rest)) = bytes.split_first() else { return };
    let (query, answer) = rest.split_at_checked(usize::from(*len)).unwrap_or((rest, &[]));
    let Some(Ok(question)) = Question::read(query) else { return };
    let mut text = [0; NAME_MAX];
    let name = question.name(&mut text).map(<[u8]>::to_vec);
    if let Some(name) = &name {
        let is_plain =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(byte);
        assert!(name.iter().all(is_plain));
    }

    // The query to the name server has the same question.
    let mut sent = [0; QUERY_MAX];
    let len = question.query(7, &mut sent);
    let again = Question::read(&sent[..len]).unwrap().unwrap();
    assert_eq!((again.kind, again.name(&mut text).map(<[u8]>::to_vec)), (question.kind, name.clone()));

    let Some((code, addresses)) = question.answer(7, answer) else { return };
    let found: Vec<(u32, &[u8])> = addresses.collect();
    assert!(found.iter().all(|(_, address)| address.len() == if question.kind == AAAA { 16 } else { 4 }));
    assert!(found.is_empty() || code == Code::NO_ERROR);
    let mut reply = [0; REPLY_MAX];
    let len = question.reply(code, 5, found.iter().map(|(_, address)| *address), &mut reply);
    let id = u16::from_be_bytes([reply[0], reply[1]]);
    let (same, written) = question.answer(id, &reply[..len]).unwrap();
    assert_eq!(same, code);
    assert!(written.zip(&found).all(|(new, old)| new == (5, old.1)));

    let Some(name) = name else { return };
    let to = To::Name { name: b"example.org", below: true, private: false };
    let rules = [Rule { allows: true, to, ports: Ports::Listed(&[(443, 443)]) }];
    let egress = Egress::new(&rules);
    for (seconds, address) in found {
        let whole = address.try_into().unwrap_or_else(|_| mapped(address.try_into().unwrap()));
        let learned = egress.resolves(&name) && egress.learn(&name, &whole, seconds, Duration::ZERO);
        assert_eq!(egress.allows(&whole, 443, Duration::ZERO), learned);
        assert!(!learned || (name.ends_with(b".example.org") && whole[..13] != mapped([127, 0, 0, 0])[..13]));
    }
});
