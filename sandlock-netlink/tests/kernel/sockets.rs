//! System calls on one socket, drawn at random, and their results here.

use std::vec::Vec;

use sandlock_netlink::{Errno, ErrnoTable, IntoBytes, LittleEndian, Protocol, SendArgs, Socket, SocketName};

use super::random::Random;

/// One call.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Bind(Vec<u8>),
    Connect(Vec<u8>),
    SetOption(i32, Vec<u8>),
    Option(i32, usize),
    Send { name: Vec<u8>, len: usize, out_of_band: bool },
}

/// The port of another socket of the protocol.
pub(crate) const TAKEN: u32 = 5555;
/// `SO_SNDBUF`.
pub(crate) const SEND_BUFFER: usize = 8192;

/// What a call returns: an errno, or the bytes that it gives back and how many there are.
pub(crate) type Outcome = Result<(Vec<u8>, usize), i32>;

const NAMES: &[(u32, u32)] = &[
    (0, 0),
    (0, 0),
    (0, 0),
    (7, 0),
    (TAKEN, 0),
    (TAKEN, 1),
    (0, 1),
    (0, 0x30),
    (7, 1 << 28),
    (0, 1 << 29),
    (7, 1 << 30),
    (0, 1 << 31),
    (u32::MAX, 0),
];

impl Random {
    fn name(&mut self) -> Vec<u8> {
        let (port, groups) = self.pick(NAMES);
        let mut name = SocketName::<LittleEndian>::new(port, groups).as_bytes().to_vec();
        if self.one_in(6) {
            name[0] = self.pick(&[0, 1, 2, 17]);
        }
        if self.one_in(6) {
            let len = self.pick(&[0, 1, 2, 3, 8, 11]);
            name.truncate(len);
        }
        if self.one_in(10) {
            name.extend([0; 4]);
        }
        name
    }

    /// A few calls.
    pub(crate) fn calls(&mut self) -> Vec<Call> {
        (0..=self.below(6))
            .map(|_| match self.below(6) {
                0 => Call::Bind(self.name()),
                1 => Call::Connect(self.name()),
                2 => {
                    // The groups of generic netlink beyond the first are each kernel's own.
                    let value =
                        self.pick(&[0u32, 1, 2, 5, 12, 28, 29, 30, 31, 32, 300, u32::MAX]).to_le_bytes();
                    let option = self.pick(&[0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, -1, 99]);
                    Call::SetOption(option, value[..self.pick(&[4, 4, 4, 4, 0, 3])].to_vec())
                }
                3 => Call::Option(
                    self.pick(&[0, 1, 2, 3, 4, 8, 9, 9, 9, 10, 11, 12, 13]),
                    self.pick(&[4, 8, 16, 3, 0, 7]),
                ),
                _ => Call::Send {
                    name: self.name(),
                    len: self.pick(&[
                        0,
                        20,
                        20,
                        20,
                        100,
                        SEND_BUFFER - 33,
                        SEND_BUFFER - 32,
                        SEND_BUFFER - 31,
                        100_000,
                    ]),
                    out_of_band: self.one_in(8),
                },
            })
            .collect()
    }
}

/// The results of these calls on a new socket of a process with this ID, and its name after each.
pub(crate) fn ours(protocol: i32, process: u32, calls: &[Call]) -> Vec<(Outcome, [u32; 2])> {
    let mut socket = Socket::of(Protocol::new(protocol).unwrap(), 0);
    let taken = |port| port == TAKEN;
    let number = |errno: Errno| ErrnoTable::NATIVE.number(errno);
    let each = calls.iter().map(|call| {
        let done = match call {
            Call::Bind(name) => socket.bind::<LittleEndian>(name, process, &taken),
            Call::Connect(name) => socket.connect::<LittleEndian>(name, process, &taken),
            Call::SetOption(name, value) => {
                let value = value.as_slice().try_into().map_or(0, u32::from_le_bytes);
                socket.set_option(*name, value)
            }
            Call::Option(name, room) => {
                let value = socket.option::<LittleEndian>(*name, *room);
                let value = value.map(|(words, written, len)| (words.as_bytes()[..written].to_vec(), len));
                return (value.map_err(number), name_of(&socket));
            }
            Call::Send { name, len, out_of_band } => {
                let (len, out_of_band) = (*len, *out_of_band);
                let args = SendArgs { name, len, out_of_band, control: Ok(()), send_buffer: SEND_BUFFER };
                socket.send::<LittleEndian>(&args, process, &taken)
            }
        };
        (done.map(|()| (Vec::new(), 0)).map_err(number), name_of(&socket))
    });
    each.collect()
}

fn name_of(socket: &Socket) -> [u32; 2] {
    let name = socket.name::<LittleEndian>();
    [name.port.get(), name.groups.get()]
}
