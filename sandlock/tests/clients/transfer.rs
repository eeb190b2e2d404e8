//! Sends and receives on emulated sockets, call by call, and requests that few clients make, beside the
//! kernel's.

use crate::libc::{GLIBC, compiled};

#[test]
fn sends_and_receives_come_to_what_they_come_to_outside() {
    let source = include_str!("programs/transfer.c");
    if let Some(both) = compiled(sends_and_receives_come_to_what_they_come_to_outside, GLIBC, source, &[]) {
        both.same();
    }
}

#[test]
fn rare_requests_fail_as_they_fail_outside() {
    let source = include_str!("programs/requests.c");
    if let Some(both) = compiled(rare_requests_fail_as_they_fail_outside, GLIBC, source, &[]) {
        both.same();
    }
}
