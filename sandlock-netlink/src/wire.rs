//! The definition of the kernel's structures: views of bytes, aligned to nothing, in a byte order that is a
//! parameter.

/// Defines structures of the kernel with their size in bytes. All of each is 0 by default.
macro_rules! wire {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident<O>: $size:literal {
        $($(#[$field_doc:meta])* $field_vis:vis $field:ident: $type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::KnownLayout,
            zerocopy::Immutable, zerocopy::Unaligned,
        )]
        #[repr(C)]
        $vis struct $name<O: zerocopy::ByteOrder = zerocopy::NativeEndian> {
            $($(#[$field_doc])* $field_vis $field: $type,)*
        }

        impl<O: zerocopy::ByteOrder> Default for $name<O> {
            fn default() -> Self {
                zerocopy::FromZeros::new_zeroed()
            }
        }

        const _: () = assert!(size_of::<$name>() == $size);
    )*};
}

pub(crate) use wire;
