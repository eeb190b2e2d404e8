//! Any run of attributes: the walk ends and errs at most once, the getters return no more than is there, and
//! a tree that was read is read again when it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sandlock_netlink::{
    Attrs, BigEndian, Body, ByteOrder, Full, LittleEndian, MessageFlags, Messages, NLA_F_NESTED, U16, U32,
    U64, Writer,
};

/// An attribute as it is read.
#[derive(Debug, PartialEq)]
enum Tree {
    Leaf(u16, Vec<u8>),
    Nest(u16, Vec<Tree>),
}

fuzz_target!(|bytes: &[u8]| {
    check::<LittleEndian>(bytes);
    check::<BigEndian>(bytes);
});

fn check<O: ByteOrder>(bytes: &[u8]) {
    let all: Vec<_> = Attrs::<O>::new(bytes).collect();
    assert!(all.len() <= bytes.len() / 4 + 1);
    assert!(all.iter().rev().skip(1).all(Result::is_ok));
    let mut used = 0;
    for attr in all.into_iter().map_while(Result::ok) {
        let payload = attr.payload();
        used += 4 + payload.len();
        assert!(used <= bytes.len() && attr.kind() & 0xc000 == 0);
        assert_eq!(attr.u8().ok(), payload.first().copied());
        assert_eq!(attr.u16().ok(), payload.first_chunk().map(|chunk| U16::<O>::from_bytes(*chunk).get()));
        assert_eq!(attr.u32().ok(), payload.first_chunk().map(|chunk| U32::<O>::from_bytes(*chunk).get()));
        assert_eq!(attr.i32().ok(), attr.u32().ok().map(u32::cast_signed));
        assert_eq!(attr.u64().ok(), payload.first_chunk().map(|chunk| U64::<O>::from_bytes(*chunk).get()));
        assert!(payload.starts_with(attr.string()) && !attr.string().contains(&0));
        let last = Attrs::<O>::new(bytes).last_of(attr.kind()).unwrap();
        assert_eq!(last.kind(), attr.kind());
        used = used.next_multiple_of(4).min(bytes.len());
    }

    let trees = read::<O>(Attrs::new(bytes), 0);
    let mut room = vec![0xff; 2 * bytes.len() + 64];
    let mut writer = Writer::<O>::new(&mut room);
    match writer.message(16, MessageFlags::empty(), 1, 2, |body| write(body, &trees)) {
        Ok(()) => {
            let message = Messages::<O>::new(writer.as_bytes()).next().unwrap().unwrap();
            assert_eq!(read::<O>(Attrs::new(message.payload()), 0), trees);
        }
        // Padding that was left out at the end of nests can make one too long for its 16 bits.
        Err(Full) => assert!(bytes.len() > 60_000 && writer.as_bytes().is_empty()),
    }
}

/// Well-formed attributes, as nests down to a depth that no message has.
fn read<O: ByteOrder>(attrs: Attrs<'_, O>, depth: usize) -> Vec<Tree> {
    let trees = attrs.map_while(Result::ok).map(|attr| {
        let whole = attr.nested().all(|attr| attr.is_ok());
        if attr.is_nested() && whole && depth < 8 {
            Tree::Nest(attr.kind(), read(attr.nested(), depth + 1))
        } else {
            Tree::Leaf(attr.kind() | if attr.is_nested() { NLA_F_NESTED } else { 0 }, attr.payload().to_vec())
        }
    });
    trees.collect()
}

fn write<O: ByteOrder>(body: &mut Body<'_, O>, trees: &[Tree]) -> Result<(), Full> {
    trees.iter().try_for_each(|tree| match tree {
        Tree::Leaf(kind, payload) => body.attr(*kind, &payload[..]),
        Tree::Nest(kind, trees) => body.nest(kind | NLA_F_NESTED, |nest| write(nest, trees)),
    })
}
