//! From a number to the handlers that may answer it.

use sandlock_sys::poll::PollFd;
use sandlock_sys::{Errno, Result};

use crate::call::Call;
use crate::notification::Response;

/// What a handler makes of a call.
#[derive(Debug)]
pub enum Verdict {
    /// Not mine; ask the next one.
    Pass,
    /// Mine, and this is the answer.
    Reply(Response),
    /// Mine, and not to be answered yet: ask me again, under the same cookie, when this row finds something, or after a while.
    Keep(PollFd),
}

/// A feature that answers calls. Its state is its own.
pub trait Handler {
    /// Decides.
    ///
    /// # Errors
    ///
    /// The errno the target sees.
    fn handle(&mut self, call: &Call<'_>) -> Result<Verdict>;

    /// The target that waited under this cookie is gone: whatever [`Verdict::Keep`] held for it can go.
    fn forget(&mut self, _id: u64) {}
}

/// One row of a dispatch table: a call goes to the handler that `pick` selects out of the state `S`.
pub struct Route<S> {
    /// The call's number, and its number when a 32-bit program calls a 64-bit kernel; `None`: any call.
    pub numbers: Option<(u32, u32)>,
    /// The handler.
    pub pick: fn(&mut S) -> &mut dyn Handler,
}

impl<S> Route<S> {
    fn takes(&self, call: &Call<'_>) -> bool {
        self.numbers.is_none_or(|(nr, compat)| call.raw() == if call.is_compat() { compat } else { nr })
    }
}

/// The verdict of the first handler, in table order, that has one; a call that nobody claims fails with `ENOSYS`.
pub fn dispatch<S>(routes: &[Route<S>], state: &mut S, call: &Call<'_>) -> Verdict {
    for route in routes.iter().filter(|route| route.takes(call)) {
        match (route.pick)(state).handle(call) {
            Ok(Verdict::Pass) => {}
            Ok(verdict) => return verdict,
            Err(errno) => return Verdict::Reply(Response::Errno(errno)),
        }
    }
    Verdict::Reply(Response::Errno(Errno::ENOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::testing::Image;
    use sandlock_sys::seccomp::Data;

    struct Fixed(fn() -> Result<Verdict>);
    impl Handler for Fixed {
        fn handle(&mut self, _: &Call<'_>) -> Result<Verdict> {
            (self.0)()
        }
    }

    #[test]
    fn the_first_handler_with_a_verdict_answers_and_an_error_is_an_answer() {
        struct State {
            one: Fixed,
            two: Fixed,
        }
        const ROUTES: &[Route<State>] = &[
            Route { numbers: Some((7, 70)), pick: |state| &mut state.one },
            Route { numbers: Some((7, 8)), pick: |state| &mut state.two },
            Route { numbers: Some((8, 7)), pick: |state| &mut state.two },
        ];
        let pass: fn() -> Result<Verdict> = || Ok(Verdict::Pass);
        let four: fn() -> Result<Verdict> = || Ok(Verdict::Reply(Response::Return(4)));
        let fail: fn() -> Result<Verdict> = || Err(Errno::EACCES);
        for (one, two, nr, want) in [
            (pass, four, 7, Ok(4)),
            (four, fail, 7, Ok(4)),
            (fail, four, 7, Err(Errno::EACCES)),
            (pass, pass, 7, Err(Errno::ENOSYS)),
            (fail, four, 8, Ok(4)),
            (four, four, 9, Err(Errno::ENOSYS)),
        ] {
            let (data, image) = (Data { nr, ..Data::default() }, Image::default());
            let call = Call::new(1, &data, &image);
            let mut state = State { one: Fixed(one), two: Fixed(two) };
            let got = match dispatch(ROUTES, &mut state, &call) {
                Verdict::Reply(Response::Return(value)) => Ok(value),
                Verdict::Reply(Response::Errno(errno)) => Err(errno),
                other => panic!("{other:?}"),
            };
            assert_eq!(got, want);
        }
        if let Some(arch) = sandlock_sys::filter::AUDIT_ARCH_COMPAT {
            let mut state = State { one: Fixed(fail), two: Fixed(four) };
            for (nr, want) in [(70, Some(Errno::EACCES)), (7, None), (8, None), (9, Some(Errno::ENOSYS))] {
                let (data, image) = (Data { nr, arch, ..Data::default() }, Image::default());
                let got = match dispatch(ROUTES, &mut state, &Call::new(1, &data, &image)) {
                    Verdict::Reply(Response::Errno(errno)) => Some(errno),
                    _ => None,
                };
                assert_eq!(got, want, "{nr}");
            }
        }
    }
}
