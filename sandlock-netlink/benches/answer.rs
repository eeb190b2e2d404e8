//! How long reading, writing and answering take, and how often they allocate: never.
//!
//! `cargo bench -p sandlock-netlink`; `benches/compare` has other crates in the same run.

mod measure;

fn main() {
    measure::print(&measure::ours());
}
