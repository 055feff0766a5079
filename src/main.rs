//! The program: see `tracehound::cli`.

use std::process::ExitCode;

/// mimalloc: replay interns many small strings and grows many small tables from several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tracehound::cli::main()
}
