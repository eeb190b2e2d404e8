//! The `sandlock` command.

mod cli;

use std::process::ExitCode;

/// A process that lives for one command takes memory in large pieces and gives none back: musl's own
/// allocator maps and unmaps page by page, a tenth of the time that starting a sandbox takes.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::main()
}
