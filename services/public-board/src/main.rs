//! The public board as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    hattama_public_board::main()
}
