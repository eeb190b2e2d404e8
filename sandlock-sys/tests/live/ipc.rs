//! System V objects.

use sandlock_sys::Errno;
use sandlock_sys::ipc::{Kind, create, remove};

#[test]
fn each_kind_is_made_and_removed() {
    for kind in [Kind::Memory, Kind::Semaphores, Kind::Messages] {
        let id = match create(kind, 1, 0o600) {
            // A kernel without them.
            Err(Errno::ENOSYS) => return,
            id => id.unwrap(),
        };
        assert!(id >= 0);
        assert_eq!(remove(kind, id), Ok(()), "{kind:?}");
        assert!(matches!(remove(kind, id), Err(Errno::EINVAL | Errno::EIDRM)), "{kind:?}");
    }
    assert_eq!(create(Kind::Memory, 0, 0o600), Err(Errno::EINVAL));
}
