//! The national results as a process of their own.

use std::process::ExitCode;

fn main() -> ExitCode {
    hattama_national_results::main()
}
