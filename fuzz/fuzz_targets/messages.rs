//! Any datagram: the walk over its messages ends, errs at most once, and the messages read are read again
//! when written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sandlock_netlink::{BigEndian, ByteOrder, LittleEndian, Message, MessageFlags, Messages, Writer};

fuzz_target!(|bytes: &[u8]| {
    check::<LittleEndian>(bytes);
    check::<BigEndian>(bytes);
});

fn check<O: ByteOrder>(bytes: &[u8]) {
    let all: Vec<_> = Messages::<O>::new(bytes).collect();
    assert!(all.len() <= bytes.len() / 16 + 1);
    assert!(all.iter().rev().skip(1).all(Result::is_ok));
    let messages: Vec<&Message<O>> = all.into_iter().map_while(Result::ok).collect();

    let mut room = vec![0xff; bytes.len() + 4];
    let mut writer = Writer::<O>::new(&mut room);
    for message in &messages {
        let header = message.header();
        let flags = MessageFlags::from_bits_retain(header.flags.get());
        let body = |body: &mut sandlock_netlink::Body<'_, O>| body.put(message.payload());
        writer.message(message.kind(), flags, header.seq.get(), header.port.get(), body).unwrap();
    }
    // The writer pads and counts the padding where a length was no multiple of four; all else is as it was.
    let again: Vec<&Message<O>> = Messages::<O>::new(writer.as_bytes()).map(Result::unwrap).collect();
    assert_eq!(again.len(), messages.len());
    for (new, old) in again.iter().zip(&messages) {
        let (new_header, old_header) = (new.header(), old.header());
        assert_eq!((new.kind(), new.flags()), (old.kind(), old.flags()));
        assert_eq!((new_header.seq, new_header.port), (old_header.seq, old_header.port));
        assert_eq!(new.payload().split_at(old.payload().len()).0, old.payload());
        assert!(new.payload().len() - old.payload().len() < 4);
    }

    for message in messages {
        for size in [0, 1, 4, 16, 20, usize::MAX] {
            assert_eq!(message.after(size).is_ok(), size <= message.payload().len());
        }
        let Ok((_, attrs)) = message.body::<[u8; 4]>() else { continue };
        for attr in attrs.map_while(Result::ok) {
            let offset = message.offset_of(attr).unwrap();
            assert!(offset >= 20 && offset + 4 + attr.payload().len() <= 16 + message.payload().len());
        }
    }
}
