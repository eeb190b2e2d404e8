//! `cap` and the capabilities of `prctl`, each on a thread of its own.

use sandlock_sys::{Errno, cap, prctl};

use crate::{in_thread, status};

/// A capability set of the calling thread, as the kernel prints it.
fn set(name: &str) -> u64 {
    u64::from_str_radix(&status(name), 16).unwrap()
}

const CAP_SETPCAP: u32 = 8;

#[test]
fn the_permitted_set_is_the_kernels() {
    assert_eq!(cap::permitted(), Ok(set("CapPrm")));
}

#[test]
fn everything_is_dropped_and_only_for_this_thread() {
    let before = (set("CapPrm"), set("CapBnd"));
    let can = before.0 >> CAP_SETPCAP & 1 == 1;
    let bounding = in_thread(|| {
        cap::keep_only(0).unwrap();
        assert_eq!(cap::permitted(), Ok(0));
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(set(name), 0, "{name}");
        }
        // Once more, with nothing left.
        cap::keep_only(0).unwrap();
        set("CapBnd")
    });
    assert_eq!(bounding, if can { 0 } else { before.1 });
    assert_eq!((set("CapPrm"), set("CapBnd")), before);
}

#[test]
fn one_is_dropped_from_the_bounding_set_by_who_may() {
    let can = set("CapPrm") >> CAP_SETPCAP & 1 == 1;
    let before = set("CapBnd");
    in_thread(|| {
        prctl::clear_ambient_caps().unwrap();
        let dropped = prctl::drop_bounding_cap(0);
        assert_eq!(dropped, if can { Ok(()) } else { Err(Errno::EPERM) });
        let unknown = prctl::drop_bounding_cap(64);
        assert_eq!(unknown, Err(if can { Errno::EINVAL } else { Errno::EPERM }));
        assert_eq!(set("CapBnd"), if can { before & !1 } else { before });
    });
}

#[test]
fn no_new_privs_is_set_for_this_thread() {
    let after = in_thread(|| {
        prctl::set_no_new_privs().unwrap();
        status("NoNewPrivs")
    });
    assert_eq!(after, "1");
}
