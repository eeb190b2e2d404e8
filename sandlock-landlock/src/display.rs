//! Texts of rights and errors, for people.

use core::fmt::{self, Write};

use bitflags::Flags;

use crate::access::Rights;
use crate::error::Error;

impl fmt::Display for Rights {
    /// In the words of the kernel's audit records: `fs.refer,net.bind_tcp,scope.signal`. Bits without a name
    /// are one number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        list(f, &mut comma, "fs", self.fs)?;
        list(f, &mut comma, "net", self.net)?;
        list(f, &mut comma, "scope", self.scope)
    }
}

fn list<B: Flags<Bits = u64>>(
    f: &mut fmt::Formatter<'_>,
    comma: &mut &str,
    kind: &str,
    rights: B,
) -> fmt::Result {
    let mut names = rights.iter_names();
    for (name, _) in names.by_ref() {
        write!(f, "{comma}{kind}.")?;
        name.chars().try_for_each(|letter| f.write_char(letter.to_ascii_lowercase()))?;
        *comma = ",";
    }
    let nameless = names.remaining().bits();
    if nameless != 0 {
        write!(f, "{comma}{kind}.{nameless:#x}")?;
        *comma = ",";
    }
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(rights) => write!(f, "this kernel's Landlock cannot restrict {rights}"),
            Self::Create(errno) => write!(f, "landlock_create_ruleset: {errno}"),
            Self::Open(errno) => write!(f, "openat2: {errno}"),
            Self::AddRule(errno) => write!(f, "landlock_add_rule: {errno}"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::access::{AccessFs, AccessNet, Scope};

    #[test]
    fn rights_print_as_the_kernel_logs_them() {
        let fs = AccessFs::REFER | AccessFs::from_bits_retain(1 << 40);
        let rights = Rights { fs, net: AccessNet::BIND_TCP, scope: Scope::SIGNAL };
        assert_eq!(rights.to_string(), "fs.refer,fs.0x10000000000,net.bind_tcp,scope.signal");
        assert_eq!(Rights::scoped(Scope::from_bits_retain(4)).to_string(), "scope.0x4");
        assert_eq!(Rights::NONE.to_string(), "");
    }
}
