//! From a call to the handlers that may answer it.

use core::time::Duration;

use sandlock_sys::poll::PollFd;
use sandlock_sys::{Errno, Result};

use crate::{Call, Desk, Response, Verdict, Wait};

/// A feature that answers calls. Its state is its own, and no other handler's.
pub trait Handler {
    /// Decides about a call.
    ///
    /// # Errors
    ///
    /// The errno that the target sees. `EMFILE` and `ENFILE` defer the call instead: they are about the
    /// supervisor's descriptors.
    fn handle(&mut self, call: &Call<'_>, desk: &mut Desk<'_, '_>) -> Result<Verdict>;

    /// Adds the descriptors that the supervisor polls for this handler.
    fn descriptors(&self, _add: &mut dyn FnMut(PollFd)) {}

    /// The descriptor that was added as number `index` has an event.
    fn ready(&mut self, _index: usize) {}

    /// When [`tick`](Self::tick) is due, as a time of [`monotonic`](sandlock_sys::time::monotonic).
    fn deadline(&self) -> Option<Duration> {
        None
    }

    /// The deadline has passed; the next one must be later than `now`.
    fn tick(&mut self, _now: Duration) {}
}

/// The verdict of the first of these handlers that does not pass; a call that every handler passes fails with
/// `ENOSYS`.
pub fn dispatch<S, W>(
    handlers: impl IntoIterator<Item = W>,
    state: &mut S,
    pick: fn(&mut S, W) -> &mut dyn Handler,
    call: &Call<'_>,
    desk: &mut Desk<'_, '_>,
) -> Verdict {
    for handler in handlers {
        match pick(state, handler).handle(call, desk) {
            Ok(Verdict::Pass) => {}
            Ok(verdict) => return verdict,
            // The supervisor has no descriptor left; the target is not to blame.
            Err(Errno::EMFILE | Errno::ENFILE) => return Verdict::Defer(Wait::LATER),
            Err(errno) => return Verdict::Reply(Response::Errno(errno)),
        }
    }
    Verdict::Reply(Response::Errno(Errno::ENOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Image;
    use crate::verdict::Until;
    use sandlock_sys::seccomp::Data;

    struct Fixed(fn() -> Result<Verdict>);
    impl Handler for Fixed {
        fn handle(&mut self, _: &Call<'_>, _: &mut Desk<'_, '_>) -> Result<Verdict> {
            (self.0)()
        }
    }

    #[test]
    fn the_first_handler_with_a_verdict_answers_and_an_error_is_an_answer() {
        let pass: fn() -> Result<Verdict> = || Ok(Verdict::Pass);
        let four: fn() -> Result<Verdict> = || Ok(Verdict::Reply(Response::Return(4)));
        let fail: fn() -> Result<Verdict> = || Err(Errno::EACCES);
        let full: fn() -> Result<Verdict> = || Err(Errno::EMFILE);
        for (one, two, want) in [
            (pass, four, Some(Ok(4))),
            (four, fail, Some(Ok(4))),
            (fail, four, Some(Err(Errno::EACCES))),
            (pass, pass, Some(Err(Errno::ENOSYS))),
            (pass, full, None),
            (full, four, None),
        ] {
            let (data, image) = (Data::default(), Image::default());
            let mut state = [Fixed(one), Fixed(two)];
            let pick: fn(&mut [Fixed; 2], usize) -> &mut dyn Handler = |state, index| &mut state[index];
            let verdict = dispatch([0, 1], &mut state, pick, &Call::new(&data, &image), &mut Desk::default());
            let got = match verdict {
                Verdict::Reply(Response::Return(value)) => Some(Ok(value)),
                Verdict::Reply(Response::Errno(errno)) => Some(Err(errno)),
                Verdict::Defer(Wait { until: Until::Later, .. }) => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(got, want);
        }
    }
}
